#!/usr/bin/env bash
# Build the image twice from nothing, and compare the files of the two, byte by byte.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

case ${1:-} in
  -h | --help)
    echo 'usage: reproduce.sh [DOCKER_OPTION...]   more options of docker build'
    exit
    ;;
esac

lists=$(mktemp -d)
trap 'rm -rf "$lists"' EXIT
for build in first second; do
  echo "[$build] docker build --no-cache (some minutes)"
  image=$(docker build --quiet --no-cache "$@" .)
  docker/reproducibility/list_files.py "$image" >"$lists/$build"
  docker rmi --force "$image" >/dev/null
done
if ! diff "$lists/first" "$lists/second"; then
  echo 'the builds differ in these files' >&2
  exit 1
fi
echo "the builds are alike: $(wc -l <"$lists/first") files and folders"
