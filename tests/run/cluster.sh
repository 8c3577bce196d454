#!/bin/sh
# Three nodes on three etcd members as one HSM, and an application that works through the module while nodes and members
# die, stop and come back: no call fails, no key is lost, doubled or risen, and all nodes agree afterwards.
. "$(dirname "$0")/lib.sh"

hsm_up --nodes 3
dir=$work/hsm

keys_agree() {
        officer findAllKeys 0 1 >"$work/all"
        [ "$(grep -A1 'Key Hash' "$work/all" | grep -cE '[0-9a-f]{64}')" = 3 ] &&
                [ "$(grep -oE '[0-9a-f]{64}' "$work/all" | sort -u | wc -l)" = 1 ]
}
# kill -9, and gone.
kill_now() {
        kill -9 "$1"
        until_true sh -c "! kill -0 $1"
}
start_node() {
        "$top/scripts/dev-cluster" up "$dir" 9>&-
}
# with_work NAME FUNCTION [sign]
with_work() {
        mkfifo "$work/end"
        exec 9<>"$work/end"
        "$build/tests/run/cluster_workload" "$CHSM_MODULE" "$CHSM_PIN" ${3:+"$3"} <"$work/end" >"$work/load.log" 2>&1 9>&- &
        load=$!
        servers="$servers $load"
        until_true grep -q begun "$work/load.log"
        "$2" 9>&-
        exec 9>&-
        t "$1" wait "$load"
        sed -n '2,$s/^/# /p' "$work/load.log"
        rm -f "$work/end"
        t "and all nodes agree" until_true keys_agree
}
# What one round takes: a key made and used by others meanwhile, so that the load has gone on.
round() {
        util genSymKey -t 31 -s 32 -l "round-$1" >/dev/null
}
kill_nodes() {
        for n in 1 2 3; do
                kill_now "$(cat "$dir/node$n/pid")"
                round "killed-$n"
                start_node
                round "back-$n"
        done
}
stop_nodes() {
        for n in 1 2 3; do
                kill -STOP "$(cat "$dir/node$n/pid")"
                round "stopped-$n"
                kill -CONT "$(cat "$dir/node$n/pid")"
                round "on-$n"
        done
}
kill_members() {
        for n in 1 2 3; do
                kill_now "$(cat "$dir/etcd/etcd$n.pid")"
                round "member-$n"
                "$top/scripts/dev-etcd" start "$dir/etcd" "$n"
                round "member-back-$n"
        done
}
lose_quorum() {
        kill_now "$(cat "$dir/etcd/etcd1.pid")"
        kill_now "$(cat "$dir/etcd/etcd2.pid")"
        if round refused; then
                echo "a key was made without a quorum" >>"$work/load.log"
        fi
        "$top/scripts/dev-etcd" start "$dir/etcd" 1
        "$top/scripts/dev-etcd" start "$dir/etcd" 2
        until_true round quorum-is-back
}
restart_gently() {
        for n in 1 2 3; do
                kill "$(cat "$dir/node$n/pid")"
                until_true sh -c "! kill -0 $(cat "$dir/node$n/pid")"
                start_node
                round "restarted-$n"
        done
}

t "three nodes are one HSM" sh -c "echo getClusterInfo | chsm-mgmt --yes -c '$CHSM_CONF_DIR/chsm-mgmt.conf' |
        grep -cE '^[123] +127.0.0.1' | grep -qx 9"
t "a key is made" util genRSAKeyPair -m 2048 -e 65537 -l everywhere
t "all nodes have it at once" keys_agree
with_work "no call fails while each node is killed in turn" kill_nodes
with_work "nor while nodes are restarted one by one" restart_gently
with_work "nor while each etcd member is killed in turn" kill_members
with_work "nor while nodes stop and go on" stop_nodes
with_work "keys in use go on working without a quorum" lose_quorum sign
t "and nothing was made then" sh -c "! grep 'a key was made' '$work/load.log'"
finish
