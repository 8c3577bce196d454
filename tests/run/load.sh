#!/bin/sh
# Many threads through one daemon, the way the benchmark makes them: no operation may fail or be left waiting. The
# figures are not judged here.
. "$(dirname "$0")/lib.sh"
hsm_up
echo "chsm $CHSM_MODULE $CHSM_TOKEN $CHSM_PIN $CHSM_SOCKET $CHSM_NODE_PIDS $CHSM_CLIENT_PID 10" >targets

load() {
        "$build/bench/chsm-bench" --targets targets --rounds 1 --seconds 0.2 --operations core >figures 2>progress || [ $? -eq 1 ] || {
                cat progress
                return 1
        }
        cat figures
        grep -q "^create AES token key *chsm *32 " figures && ! grep failed figures
}
for round in 1 2 3; do
        t "1 to 32 threads, round $round" load
done
finish
