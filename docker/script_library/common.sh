# What the scripts of this folder share; they source it. Kept to what the bash 3.2 of macOS knows.
# shellcheck shell=bash disable=SC2034

here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
program=${BYO_COMMAND:-${0##*/}}
tree=${TEST_DIR:-$here/test_dir}
port=${PORT:-8080}
dry_run=false
image=''
docker_options=()

trap 'exit 130' INT

# The exit codes are those of `byo`: 1 failed, 2 can't be used as given, 3 missing on this machine.
fail() { # CODE TEXT
  printf '%s: %s\n' "$program" "$2" >&2
  exit "$1"
}

wrong_usage() { # TEXT
  fail 2 "$1 (see $program --help)"
}

# Read [--dry-run] IMAGE [-- DOCKER_OPTION...]; the script has the function usage.
parse() { # ARGUMENT...
  while [ $# -gt 0 ]; do
    case $1 in
      -h | --help) usage && exit 0 ;;
      --dry-run) dry_run=true ;;
      --) shift && docker_options=("$@") && break ;;
      -*) wrong_usage "$1 is not an option; what docker is to get goes after --" ;;
      *) take_image "$1" ;;
    esac
    shift
  done
  [ -n "$image" ] || wrong_usage 'IMAGE is missing'
}

take_image() { # ARGUMENT
  [ -z "$image" ] || wrong_usage "one IMAGE, not $image and $1"
  image=$1
}

# Write a command as one could type it. $uri stays as it is: in a dry run, AWS has not told it.
# shellcheck disable=SC2016
show() { # WORD...
  local line='' word
  for word in "$@"; do
    case $word in
      '$uri'* | '${uri%%/*}') ;;
      '' | *[!A-Za-z0-9_./:=@,+%-]*) word="'$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'" ;;
    esac
    line="$line${line:+ }$word"
  done
  printf '%s\n' "$line"
}

# Run a command and show it on stderr; with --dry-run, show it on stdout instead.
run() { # WORD...
  if $dry_run; then
    show "$@"
  else
    show "$@" >&2
    "$@"
  fi
}

# The same for a script's last command, which takes the script's place: signals reach it, and its
# exit code is the script's.
become() { # WORD...
  if ! $dry_run; then
    show "$@" >&2
    exec "$@"
  fi
  show "$@"
}

first_line() { # TEXT
  printf '%s\n' "$1" | sed -n '/[^[:space:]]/{p;q;}'
}

require_docker() {
  local said
  command -v docker >/dev/null ||
    fail 3 'docker is not on PATH: install it (https://docs.docker.com/get-docker/)'
  said=$(docker version --format '{{.Server.Version}}' 2>&1 >/dev/null) ||
    fail 3 "the Docker engine does not answer: $(first_line "$said")"
}

require_image() {
  docker image inspect "$image" >/dev/null 2>&1 ||
    fail 2 "there is no image $image here: build it with $here/build_and_push.sh --no-push $image"
}

# What a container writes into a mounted folder is then the caller's, not root's. Where the engine
# itself runs as the caller (rootless), root inside a container is the caller already.
as_caller() {
  if $dry_run || ! docker info --format '{{.SecurityOptions}}' 2>&1 | grep rootless >/dev/null; then
    printf -- '--user %s:%s' "$(id -u)" "$(id -g)"
  fi
}
