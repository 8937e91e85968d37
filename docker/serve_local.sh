#!/usr/bin/env bash
# Serve in a container on this machine, as SageMaker would.
set -euo pipefail
# shellcheck source=docker/script_library/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/script_library/common.sh"

usage() {
  cat <<'USAGE'
usage: serve_local.sh [--dry-run] IMAGE [-- DOCKER_OPTION...]

Runs IMAGE with the command `serve` on http://127.0.0.1:8080, until Ctrl-C. The model is what
train_local.sh left in test_dir/model; as in SageMaker it can't be written to.

  --dry-run      show the command instead of running it
  DOCKER_OPTION  more options of `docker run`: --memory 2g, --env MODEL_SERVER_WORKERS=1
  PORT           (environment) another port of this machine than 8080
  TEST_DIR       (environment) another folder than test_dir

example:
  ./serve_local.sh byo
  ./predict.sh payload.csv    in another terminal
USAGE
}

parse "$@"
if ! $dry_run; then
  require_docker
  require_image
  [ -n "$(ls "$tree/model" 2>/dev/null)" ] ||
    fail 2 "$tree/model holds no model: train one with train_local.sh $image"
fi
[ ! -d "$tree" ] || tree=$(cd "$tree" && pwd)
become docker run --rm --publish "127.0.0.1:$port:8080" \
  --mount "type=bind,source=$tree/model,target=/opt/ml/model,readonly" --env BYO_LOG_FORMAT=text \
  ${docker_options[@]+"${docker_options[@]}"} "$image" serve
