#!/usr/bin/env bash
# Build the image and push it to Amazon ECR, from where SageMaker takes it.
set -euo pipefail
# shellcheck source=docker/script_library/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/script_library/common.sh"
# shellcheck source=docker/script_library/ecr.sh
. "$here/script_library/ecr.sh"
checkout=$(cd "$here/.." && pwd)
# Where an algorithm folder from anywhere is put to be seen by the build, without what is not for
# an image.
staged=docker/.algorithm
python=${BYO_PYTHON:-python3}

usage() {
  cat <<'USAGE'
usage: build_and_push.sh [--dry-run] [--no-build] [--no-push] [--algorithm DIR] IMAGE
                         [-- DOCKER_OPTION...]

Builds IMAGE for linux/amd64 and pushes it; the last line is the name to give to SageMaker.
  NAME or NAME:TAG  goes to ECR in your account and region; a repository that lacks is made
  an ECR name       goes there: 123456789012.dkr.ecr.eu-west-1.amazonaws.com/NAME:TAG
  another registry  goes there, and AWS is not asked: localhost:5000/NAME

The region is AWS_REGION, else AWS_DEFAULT_REGION, else that of `aws configure`. The credentials
are those of the AWS command line; AWS_PROFILE counts.

  --dry-run        show each command instead of running it
  --no-build       push an image that is there already
  --no-push        build alone: no AWS account is needed
  --algorithm DIR  the algorithm folder to build in (default: algorithm/ of the checkout)
  DOCKER_OPTION    more options of `docker build`: --no-cache, --build-arg NAME=VALUE

examples:
  ./build_and_push.sh byo
  ./build_and_push.sh --dry-run byo:1.0
  AWS_REGION=cn-north-1 ./build_and_push.sh --algorithm ../examples/iris iris
USAGE
}

own_options() { # ARGUMENT...
  build=true push=true algorithm=$checkout/algorithm
  rest=()
  while [ $# -gt 0 ]; do
    case $1 in
      --no-build) build=false ;;
      --no-push) push=false ;;
      --algorithm)
        [ $# -gt 1 ] || wrong_usage '--algorithm needs a DIR'
        algorithm=$2 && shift
        ;;
      --) break ;;
      *) rest+=("$1") ;;
    esac
    shift
  done
  rest+=("$@")
}

# Whatever would fail after minutes of building is tried before.
check() {
  [ -f "$algorithm/train.py" ] ||
    fail 2 "$algorithm/train.py is not a file: name an algorithm folder"
  read_name
  if ! $push; then to_ecr=false; fi
  if $to_ecr; then find_region; fi
  if $dry_run; then return; fi
  if $to_ecr; then require_aws; fi
  require_docker
  if $build; then
    command -v "$python" >/dev/null || fail 3 "$python is not on PATH: install Python 3.8 or newer"
  else
    require_image
  fi
  if $to_ecr; then require_account; fi
}

build_image() {
  local builder=(docker build)
  if knows_provenance; then
    # SageMaker refuses OCI manifests, and the OCI indexes that attestations make.
    builder=(docker buildx build --provenance=false --output 'type=docker,oci-mediatypes=false')
  fi
  stage_algorithm
  run "${builder[@]}" --platform linux/amd64 --tag "$image" \
    --build-arg "ALGORITHM=$staged" \
    ${docker_options[@]+"${docker_options[@]}"} "$checkout"
  run rm -r "$checkout/$staged"
}

knows_provenance() {
  ! command -v docker >/dev/null ||
    docker buildx build --help 2>/dev/null | grep -- --provenance >/dev/null
}

stage_algorithm() {
  run mkdir "$checkout/$staged" ||
    fail 1 "another build is at work; if it is not, remove $checkout/$staged"
  $dry_run || trap 'rm -rf "$checkout/$staged"' EXIT
  STAGING_FOR=$program run "$python" "$here/script_library/stage_algorithm.py" \
    "$algorithm" "$checkout/$staged" || exit
}

push_image() {
  local target=$image
  if $to_ecr; then
    find_repository
    log_in
    target=$uri:$tag
    [ "$target" = "$image" ] || run docker tag "$image" "$target"
  fi
  run docker push "$target"
  if $dry_run; then show echo "$target"; else printf '%s\n' "$target"; fi
}

own_options "$@"
parse ${rest[@]+"${rest[@]}"}
check
if $build; then build_image; fi
if $push; then push_image; fi
