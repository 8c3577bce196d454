#!/bin/sh
# The operator of etcd, with etcdctl, under three nodes: what he edits, removes, puts back, exchanges or copies is seen by
# each of them as it comes, and used by none; nor does a node start on it. Undone, they serve again.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/hsm/conf"
echo 'sweep_interval_s = 1' >"$work/hsm/conf/node.more"
hsm_up --nodes 3
conf() { [ "$1" = 1 ] && echo "$CHSM_CONF_DIR/chsm-server.conf" || echo "$CHSM_CONF_DIR/chsm-server$1.conf"; }
ctl() {
        ETCDCTL_API=3 etcdctl --endpoints "$(cat "$work/hsm/etcd/members")" --cacert hsm/etcd/ca.crt --cert hsm/etcd/root.crt \
                --key hsm/etcd/root.key "$@"
}
data=/chsm/dev/d
get() { ctl get "$data/$1" --write-out=json | python3 -c 'import base64, json, sys
sys.stdout.buffer.write(base64.b64decode(json.load(sys.stdin)["kvs"][0]["value"]))'; }
put() { ctl put "$data/$1" <"$2"; }
metric() { curl -sf "http://127.0.0.1:$(cat "hsm/node$1/admin_port")/metrics" | sed -n "s/^$2 //p"; }
nodes_end() {
        for n in 1 2 3; do
                kill -9 "$(cat "hsm/node$n/pid")" 2>/dev/null || true
        done
        for n in 1 2 3; do
                until_true sh -c "! kill -0 $(cat "hsm/node$n/pid") 2>/dev/null" || return 1
                : >"hsm/node$n/log"
        done
}
nodes_start() { "$top/scripts/dev-cluster" up "$work/hsm" >up.log 2>&1 || { cat up.log; return 1; }; }
alarmed() {
        for n in 1 2 3; do
                grep ALARM "hsm/node$n/log" | grep -qF -- "$1" && [ "$(metric "$n" chsm_store_alarms_total)" -ge 1 ] || return 1
        done
}
# No node starts on it, and each names the record.
none_starts() {
        for n in 1 2 3; do
                ! chsm-server --config "$(conf "$n")" >start.log 2>&1 && grep -qF -- "$1" start.log || { cat start.log; return 1; }
        done
}
noted() {
        for n in 1 2 3; do
                [ "$(metric "$n" chsm_store_sweeps_total)" -ge 3 ] || return 1
        done
}

# attack NAME RECORD COMMAND UNDO
attack() {
        until_true noted
        t "$1" eval "$3"
        t "$1: every node says so, and names the record" until_true alarmed "$2"
        refused "$1: and serves nothing" "" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" findKey'
        nodes_end
        t "$1: nor does one start on it" none_starts "$2"
        t "$1: undone" eval "$4"
        t "$1: they serve again" nodes_start
}

t "a second user is made" officer createUser CU cu2 other5678
get u/cu2 >cu2.old
t "his password is changed" officer changePswd CU cu2 newer5678
get u/cu1 >cu1
get u/cu2 >cu2
head -c -1 cu1 >edited && printf x >>edited
attack "an old password is put back" u/cu2 "put u/cu2 cu2.old" "put u/cu2 cu2"
attack "a user is removed" u/cu2 "ctl del $data/u/cu2" "put u/cu2 cu2"
attack "a user is edited" u/cu1 "put u/cu1 edited" "put u/cu1 cu1"
attack "users are exchanged" u/cu1 "put u/cu1 cu2; put u/cu2 cu1" "put u/cu1 cu1; put u/cu2 cu2"
attack "a record is copied to another name" u/eve "put u/eve cu1" "ctl del $data/u/eve"
t "foreign keys are put under the prefix and beside it" eval "put zz/mine cu1; ctl put /chsm/dev/zz x; ctl put /chsm/other/d/u/cu1 x"
foreign() {
        for n in 1 2 3; do
                [ "$(metric "$n" chsm_store_foreign_keys)" = 1 ] && grep -q "ALARM.*'zz/mine'" "hsm/node$n/log" || return 1
        done
}
t "every node tells of the one among its keys" until_true foreign
t "and goes on" until_true util genSymKey -t 31 -s 32 -l after
finish
