# Sourced by tests/run/cluster.sh after lib.sh: a cluster on hosts of its own, the work on it, and the judgement.
# rounds_*.sh hold the faults: each is a function round_NAME that breaks things, waits until the work has gone on, and
# mends them again.

# must COMMAND...: a step that a round cannot do without. A shell that asks whether a function went well does not stop in
# the middle of it, so failures are kept until the round is over.
must() {
        "$@" || {
                echo "failed: $*"
                echo "$*" >>"$work/broken"
        }
}
whole() {
        "$@"
        [ ! -e "$work/broken" ]
}

# ---- hosts ----

# in_own_network COMMAND...: in a network of our own if the machine allows one, as root or as an ordinary user; else as
# it is, and what would be cut is stopped instead, so that no test is left out.
in_own_network() {
        for how in "unshare -n" "unshare -rn" ""; do
                if [ -z "$how" ] || $how ip link add chsm-try type bridge 2>/dev/null; then
                        # shellcheck disable=SC2086 # words of a command are meant
                        CHSM_CLUSTER_NETWORK=${how:-none} exec $how "$@"
                fi
        done
}
hosts_up() {
        if [ "$CHSM_CLUSTER_NETWORK" = none ]; then
                echo "# no network namespaces on this machine: what would be cut off is stopped"
                return
        fi
        "$top/scripts/dev-net" up "$dir/net" node1=10.77.0.11 node2=10.77.0.12 node3=10.77.0.13 \
                etcd1=10.77.0.21 etcd2=10.77.0.22 etcd3=10.77.0.23
}
pid_of() {
        case $1 in
        node*) cat "$dir/$1/pid" ;;
        *) cat "$dir/etcd/$1.pid" ;;
        esac
}
cut() {
        if [ "$CHSM_CLUSTER_NETWORK" = none ]; then
                kill -STOP "$(pid_of "$1")"
        else
                "$top/scripts/dev-net" "${2:-cut}" "$dir/net" "$1"
        fi
}
heal() {
        if [ "$CHSM_CLUSTER_NETWORK" = none ]; then
                kill -CONT "$(pid_of "$1")"
        else
                "$top/scripts/dev-net" heal "$dir/net" "$1"
        fi
}

# ---- processes ----

# kill -9, and gone.
kill_now() {
        for pid in "$@"; do
                kill -9 "$pid" 2>/dev/null || true # it may have ended by itself
        done
        for pid in "$@"; do
                must until_true sh -c "! kill -0 $pid"
        done
}
# mark FILE: where its log ends now. says FILE WORDS: it has said that since.
mark() {
        wc -l <"$1" >"$1.mark"
}
has_said() {
        tail -n "+$(($(cat "$1.mark") + 1))" "$1" | grep -qF -- "$2"
}
says() {
        must until_true has_said "$1" "$2"
}
# away N: the daemon has given the node up; back N: it has it again.
away() {
        says "$dir/client/log" "port $(cat "$dir/node$1/port") is out of reach"
        mark "$dir/client/log"
}
back() {
        says "$dir/client/log" "port $(cat "$dir/node$1/port") is back"
}
# What does not run of nodes, members and daemon is started, and serves.
start_all() {
        must "$top/scripts/dev-cluster" up "$dir" 9>&-
}
# At once, as a supervisor does: applications wait for it no longer than their deadline.
start_daemon() {
        rm -f "$dir/client/ready"
        "$build/src/programs/chsm-client" --config "$dir/conf/chsm-client.conf" >>"$dir/client/log" 2>&1 </dev/null 9>&- &
        echo $! >"$dir/client/pid"
        must until_true test -s "$dir/client/ready"
}
start_members() {
        for member in "$@"; do
                must "$top/scripts/dev-etcd" start "$dir/etcd" "$member" 9>&-
        done
        must until_true ctl endpoint health
}
ctl() {
        ETCDCTL_API=3 etcdctl --endpoints "$(cat "$dir/etcd/members")" --cacert "$dir/etcd/ca.crt" \
                --cert "$dir/etcd/root.crt" --key "$dir/etcd/root.key" "$@"
}
# The number of the member that leads.
leader() {
        ctl endpoint status --write-out=json 2>/dev/null | python3 -c '
import json, sys
members = open(sys.argv[1]).read().split(",")
for m in json.load(sys.stdin):
    if m["Status"]["header"]["member_id"] == m["Status"]["leader"]:
        print(members.index(m["Endpoint"]) + 1)
' "$dir/etcd/members"
}
a_leader() {
        [ -n "$(leader)" ]
}

# ---- work ----

count_of() {
        grep -c "^$1.*	ok	" "$history" 2>/dev/null || true
}
more_than() {
        [ "$(count_of "$1")" -gt "$2" ]
}
# The work has gone on: so many more changes, or uses of keys, were done.
gone_on() {
        what=${2:-write}
        must until_true more_than "$what" $(($(count_of "$what") + ${1:-25}))
}
endpoints() {
        sed -n 's/^server = //p' "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
read_states() {
        # shellcheck disable=SC2046 # one word a node is meant
        "$build/tests/run/cluster/cluster_state" "$history" "$prefix" "$CHSM_CONF_DIR" "$CHSM_PIN" \
                "$CHSM_CO_USER:$CHSM_CO_PASSWORD" $(endpoints)
}
judge_history() {
        # shellcheck disable=SC2086 # no word or one is meant
        python3 "$top/tests/run/cluster/check_history.py" "$history" 3 5 $may_fail
}
# round NAME TITLE [uses | may-fail]: the work goes on while round_NAME breaks things. uses: no changes are made;
# may-fail: no quorum is left or nothing runs for a while, so calls may fail, and the books must balance all the same.
round() {
        prefix=$1_$round_number
        round_number=$((round_number + 1))
        history=$work/history-$prefix
        may_fail=
        uses=
        case ${3:-} in
        uses) uses=uses ;;
        may-fail) may_fail=--calls-may-fail ;;
        esac
        rm -f "$work/end"
        mkfifo "$work/end"
        exec 9<>"$work/end"
        # shellcheck disable=SC2086 # no word or one is meant
        "$build/tests/run/cluster/cluster_load" "$CHSM_MODULE" "$work" "$history" "$prefix" "$CHSM_PIN" \
                "$CHSM_CO_USER:$CHSM_CO_PASSWORD" $uses <"$work/end" >"$work/load.log" 2>&1 9>&- &
        load=$!
        servers="$servers $load"
        until_true grep -q begun "$work/load.log"
        gone_on 20 "${uses:+use}"
        rm -f "$work/broken"
        t "$2" whole "round_$1" 9>&-
        gone_on 20 "${uses:+use}"
        exec 9>&-
        t "$1: the work ends" wait "$load"
        t "$1: every node is read" read_states
        t "$1: the books balance" judge_history
        sed -n '1s/^/# /p' "$work/out"
}
