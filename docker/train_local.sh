#!/usr/bin/env bash
# Train in a container on this machine, as SageMaker would.
set -euo pipefail
# shellcheck source=docker/script_library/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/script_library/common.sh"

usage() {
  cat <<'USAGE'
usage: train_local.sh [--dry-run] IMAGE [-- DOCKER_OPTION...]

Runs IMAGE with the command `train`, and the folder test_dir beside this script as its /opt/ml:
  test_dir/input/config/  hyperparameters.json, inputdataconfig.json, resourceconfig.json
  test_dir/input/data/    a folder per channel
  test_dir/model/         what training saves; emptied before
  test_dir/output/        the file `failure`, where the job fails; emptied before
The container runs as you, not as root, so that these files are yours.

  --dry-run      show the commands instead of running them
  DOCKER_OPTION  more options of `docker run`: --memory 2g, --env NAME=VALUE, --user 0
  TEST_DIR       (environment) another folder than test_dir

example:
  ./train_local.sh byo
USAGE
}

empty() { # FOLDER...
  run mkdir -p "$@"
  run find "$@" -mindepth 1 ! -name .gitkeep -delete ||
    fail 1 "$tree can't be emptied: if the files in it are root's, run sudo chown -R $(id -u) $tree"
}

parse "$@"
[ -d "$tree/input/data" ] || fail 2 "$tree/input/data is not a folder: put the channels there"
tree=$(cd "$tree" && pwd)
if ! $dry_run; then
  require_docker
  require_image
fi
empty "$tree/model" "$tree/output"
# A job's host must know its own name, and resourceconfig.json calls it algo-1.
# shellcheck disable=SC2046  # two words or none
become docker run --rm --hostname algo-1 $(as_caller) --mount "type=bind,source=$tree,target=/opt/ml" \
  ${docker_options[@]+"${docker_options[@]}"} "$image" train
