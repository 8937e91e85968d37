# What build_and_push.sh asks of Amazon ECR; it sources this file.
# shellcheck shell=bash disable=SC2154,SC2034,SC2016

# IMAGE in its parts: repository and tag; to_ecr, and the account and region that an ECR name has.
read_name() {
  local part='[a-z0-9]+([._-]+[a-z0-9]+)*' registry='' path=$image
  to_ecr=true account='' region='' tag=latest
  case ${image%%/*} in
    "$image") ;;
    *[.:]* | localhost) registry=${image%%/*} path=${image#*/} ;;
  esac
  if [[ $registry =~ ^([0-9]{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9-]+)\. ]]; then
    account=${BASH_REMATCH[1]} region=${BASH_REMATCH[3]}
  elif [ -n "$registry" ]; then
    to_ecr=false
  fi
  repository=${path%%:*}
  case $path in *:*) tag=${path#*:} ;; esac
  [[ $repository =~ ^$part(/$part)*$ && $tag =~ ^[A-Za-z0-9_][A-Za-z0-9_.-]*$ ]] ||
    fail 2 "$image is not the name of an image: NAME or NAME:TAG, with NAME in lower case"
}

find_region() {
  region=${region:-${AWS_REGION:-${AWS_DEFAULT_REGION:-}}}
  if [ -z "$region" ] && command -v aws >/dev/null; then
    region=$(aws configure get region 2>/dev/null) || true
  fi
  [ -n "$region" ] || fail 3 'no AWS region: set AWS_REGION, or run `aws configure`'
}

require_aws() {
  command -v aws >/dev/null ||
    fail 3 'aws is not on PATH: install the AWS command line (https://aws.amazon.com/cli/)'
}

require_account() {
  local said
  said=$(aws sts get-caller-identity --region "$region" 2>&1 >/dev/null) ||
    fail 3 "AWS does not know you: $(first_line "$said")"
}

# The repository's address goes to $uri. It is asked for, not made up: its domain is another one
# in China, in the European Sovereign Cloud and elsewhere.
find_repository() {
  local options=(--region "$region" --output text) describe create
  [ -z "$account" ] || options+=(--registry-id "$account")
  describe=(aws ecr describe-repositories --repository-names "$repository"
    --query 'repositories[0].repositoryUri' "${options[@]}")
  create=(aws ecr create-repository --repository-name "$repository"
    --query repository.repositoryUri "${options[@]}")
  if $dry_run; then
    printf 'uri=$(%s || %s)\n' "$(show "${describe[@]}")" "$(show "${create[@]}")"
    uri='$uri' host='${uri%%/*}'
    return
  fi
  errors=$(mktemp)
  trap 'rm -f "$errors"' EXIT
  if ! uri=$(ask "${describe[@]}"); then
    grep RepositoryNotFoundException "$errors" >/dev/null || fail 1 "$(first_line "$(<"$errors")")"
    uri=$(ask "${create[@]}") || fail 1 "$(first_line "$(<"$errors")")"
  fi
  host=${uri%%/*}
}

# The answer of a command, whose complaints go to a file.
ask() { # WORD...
  show "$@" >&2
  "$@" 2>"$errors"
}

log_in() {
  local password=(aws ecr get-login-password --region "$region")
  local login=(docker login --username AWS --password-stdin "$host")
  if $dry_run; then
    printf '%s | %s\n' "$(show "${password[@]}")" "$(show "${login[@]}")"
  else
    run "${password[@]}" | run "${login[@]}" >&2 || fail 1 "$host does not let you in"
  fi
}
