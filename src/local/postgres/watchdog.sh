# Runs postgres, and stops it once standard input ends. Our side of that pipe is closed by the kernel however the service
# ended, so no postgres outlives it, also after `kill -9`.
# Arguments: the folder of the socket, removed at the end, then the command that is postgres.
sockets=$1
shift
exec 3<&0
"$@" </dev/null 3<&- &
postgres=$!

# The reader is a process of its own: should this shell be killed, it still stops postgres.
(
    read -r _ <&3
    # A job that sh put in the background ignores SIGINT until postgres has its own handler, so ask until it is gone:
    # for a fast shutdown (INT), which finishes in milliseconds, and after 30 s for an immediate one (QUIT).
    signal=INT tries=0
    while kill -"$signal" "$postgres"; do
        sleep 0.1 || sleep 1
        tries=$((tries + 1))
        if [ "$tries" -ge 300 ]; then signal=QUIT; fi
    done
) >/dev/null 2>&1 &
reader=$!
exec 3<&-

wait "$postgres"
status=$?
kill "$reader" 2>/dev/null
rm -rf "$sockets"
exit "$status"
