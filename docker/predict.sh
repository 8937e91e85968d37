#!/usr/bin/env bash
# Send a file to the container that serve_local.sh runs.
set -euo pipefail
# shellcheck source=docker/script_library/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/script_library/common.sh"

usage() {
  cat <<'USAGE'
usage: predict.sh FILE [CONTENT_TYPE [ACCEPT]]

Sends FILE's bytes (- for stdin) to http://127.0.0.1:8080/invocations and writes the answer to
stdout. CONTENT_TYPE is text/csv unless named; ACCEPT is left to the server. An answer other than
2xx is shown as well, its status on stderr, with exit code 1.

  PORT  (environment) another port than 8080

examples:
  ./predict.sh payload.csv
  ./predict.sh payload.json application/json text/csv
USAGE
}

case ${1:-} in -h | --help) usage && exit 0 ;; esac
case $# in 1 | 2 | 3) ;; *) wrong_usage 'FILE, and at most CONTENT_TYPE and ACCEPT beside it' ;; esac
[ "$1" = - ] || [ -r "$1" ] || fail 2 "$1 can't be read"
command -v curl >/dev/null || fail 3 'curl is not on PATH: install it'
url=http://127.0.0.1:$port/invocations
answer=$(mktemp)
trap 'rm -f "$answer"' EXIT

# SageMaker waits for an answer for 60 seconds.
status=$(curl --silent --show-error --noproxy '*' --max-time 70 --output "$answer" \
  --write-out '%{http_code}' --data-binary "@$1" \
  --header "Content-Type: ${2:-text/csv}" --header "Accept: ${3:-*/*}" "$url") ||
  fail 1 "$url gave no answer: is serve_local.sh running?"
cat "$answer"
[ ! -t 1 ] || echo
case $status in 2*) ;; *) fail 1 "HTTP status $status" ;; esac
