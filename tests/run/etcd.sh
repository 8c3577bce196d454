#!/bin/sh
# The store on real etcd members: the suite that SQLite passes, strangers, and members that die, stop and come back under
# a load of writes, of which nothing may be lost, doubled or left in doubt.
. "$(dirname "$0")/lib.sh"

etcd=$work/etcd
ctl() {
        ETCDCTL_API=3 etcdctl --endpoints "$(cat "$etcd/members")" --cacert "$etcd/ca.crt" --cert "$etcd/root.crt" \
                --key "$etcd/root.key" "$@"
}
down() {
        "$top/scripts/dev-etcd" down "$etcd" >/dev/null 2>&1 || true
        cleanup
}
trap down EXIT

# The number of the member that leads.
leader() {
        ctl endpoint status --write-out=json 2>/dev/null | python3 -c '
import json, sys
members = json.load(sys.stdin)
ports = open(sys.argv[1]).read().split(",")
for m in members:
    if m["Status"]["header"]["member_id"] == m["Status"]["leader"]:
        print(ports.index(m["Endpoint"]) + 1)
' "$etcd/members"
}
member_pid() {
        cat "$etcd/etcd$1.pid"
}
healthy() {
        until_true ctl endpoint health
}

# with_load NAME FUNCTION: the function breaks things while 8 threads write; then the books must balance.
with_load() {
        mkfifo "$work/end"
        exec 9<>"$work/end"
        "$build/tests/run/etcd_workload" "$etcd" 8 <"$work/end" >"$work/load.log" 2>&1 9>&- &
        server=$!
        servers="$servers $server"
        until_true grep -q begun "$work/load.log"
        written
        "$2" 9>&-
        written
        exec 9>&-
        t "$1" wait "$server"
        sed -n '2,$s/^/# /p' "$work/load.log"
        rm -f "$work/end"
}
# Some hundred writes have gone by.
written() {
        from=$(revision)
        until_true sh -c "[ \"\$(ETCDCTL_API=3 etcdctl --endpoints '$(cat "$etcd/members")' --cacert '$etcd/ca.crt' \
                --cert '$etcd/root.crt' --key '$etcd/root.key' get none --write-out=json |
                sed 's/.*\"revision\":\\([0-9]*\\).*/\\1/')\" -gt $((from + 200)) ]"
}
revision() {
        until_true ctl get none --write-out=json
        ctl get none --write-out=json | sed 's/.*"revision":\([0-9]*\).*/\1/'
}

kill_leader() {
        victim=$(leader)
        kill -9 "$(member_pid "$victim")"
        written
        "$top/scripts/dev-etcd" start "$etcd" "$victim"
        healthy
}
kill_each() {
        for victim in 1 2 3; do
                kill -9 "$(member_pid "$victim")"
                written
                "$top/scripts/dev-etcd" start "$etcd" "$victim"
                healthy
        done
}
stop_leader() {
        victim=$(leader)
        kill -STOP "$(member_pid "$victim")"
        written
        kill -CONT "$(member_pid "$victim")"
        healthy
}
lose_quorum() {
        kill -9 "$(member_pid 1)" "$(member_pid 2)"
        # The third knows it after its election time-out; writes are refused until then and after.
        until_true sh -c "! ETCDCTL_API=3 etcdctl --command-timeout=1s --endpoints '$(cut -d, -f3 "$etcd/members")' \
                --cacert '$etcd/ca.crt' --cert '$etcd/root.crt' --key '$etcd/root.key' put /chsm/probe x"
        "$top/scripts/dev-etcd" start "$etcd" 1
        "$top/scripts/dev-etcd" start "$etcd" 2
        healthy
}
compact_all() {
        ctl compact "$(revision)" >/dev/null
        for member in $(tr , ' ' <"$etcd/members"); do
                ctl --endpoints "$member" defrag >/dev/null
        done
}

"$top/scripts/dev-etcd" up "$etcd" >"$work/up" 2>&1 || {
        sed 's/^/# /' "$work/up"
        echo "Bail out! etcd did not come up"
        exit 1
}
t "the engine's suite passes with three members" "$build/tests/unit/store_test_store" "$etcd"
mkdir "$work/stranger"
cp "$etcd/members" "$etcd/ca.crt" "$work/stranger"
cp "$etcd/stranger.crt" "$work/stranger/node1.crt"
cp "$etcd/stranger.key" "$work/stranger/node1.key"
refused "a certificate without a role is refused with the cure" "the role of this node's certificate" \
        "$build/tests/run/etcd_workload" "$work/stranger" 1 </dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -x509 -subj /CN=hsm1 -keyout "$work/stranger/node1.key" \
        -out "$work/stranger/node1.crt" 2>/dev/null
refused "a certificate of another CA does not get in" "no etcd member" \
        "$build/tests/run/etcd_workload" "$work/stranger" 1 </dev/null
with_load "nothing is lost when the leader is killed" kill_leader
with_load "nor when each member is killed in turn" kill_each
with_load "nor when the leader stops and goes on" stop_leader
with_load "nor when the quorum is lost for a while" lose_quorum
with_load "nor when history is compacted and the members are defragmented" compact_all
finish
