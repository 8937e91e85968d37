# Waits until `serve` has gone, however, and then ends and removes what it left behind: the
# frontend's process group, whatever has this server's scratch folder in its environment, and the
# folder.
#   guard GROUP FOLDER VARIABLE    standard input: held open by `serve` as long as it lives
# shellcheck shell=sh
group=$1 folder=$2 variable=$3
# A process that ends with `serve` must not end with a signal that was meant for `serve` alone.
trap '' HUP INT TERM
read -r _
kill -9 "-$group" 2>/dev/null
# Twice: what the first round kills may have been about to start another.
for _ in 1 2; do
  # shellcheck disable=SC2013 # these paths have no blanks
  for environ in $(grep -lsxzF -- "$variable" /proc/[0-9]*/environ); do
    process=${environ#/proc/}
    kill -9 "${process%/environ}" 2>/dev/null
  done
done
rm -rf -- "$folder"
