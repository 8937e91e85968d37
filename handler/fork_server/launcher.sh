# shellcheck shell=sh
# What the frontend executes for each model, in place of a Python interpreter. It hands its
# arguments and its process id to the fork server and then only waits: the host that the fork server
# forks takes over this process's output through /proc, and the fork server ends this process when
# the model can't be loaded.
# Should the fork server end, the wait does, and the next fork server gets to know this model as well:
# the frontend itself never starts a process again. The pipe that is waited on is opened first,
# so that an end of the fork server at any moment after that is noticed.
# The output is kept as 8 and 9 as well, which no redirection changes for a moment.
case $0 in *metric_collector.py) exit 0 ;; esac
exec 8>&1 9>&2
trap '' PIPE
again=''
while exec 7<"$BYO_BACKEND_DIR/park"; do
    { printf '%s\000' "$#" "$$" "$@" >"$BYO_BACKEND_DIR/launch"; } 2>/dev/null
    read -r _ <&7
    [ "$again" ] || set -- "$@" --again yes
    again=1
done
