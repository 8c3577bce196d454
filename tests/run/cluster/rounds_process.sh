# Processes that die, stop, are started again or replaced.

round_nodes_killed() {
        for n in 1 2 3; do
                kill_now "$(pid_of "node$n")"
                gone_on
                start_all
                gone_on
        done
}
round_members_killed() {
        for n in 1 2 3; do
                kill_now "$(pid_of "etcd$n")"
                gone_on
                start_members "$n"
        done
}
round_leader_killed() {
        must until_true a_leader
        n=$(leader)
        kill_now "$(pid_of "etcd$n")"
        gone_on
        start_members "$n"
}
round_nodes_stopped() {
        for n in 1 2 3; do
                kill -STOP "$(pid_of "node$n")"
                gone_on
                kill -CONT "$(pid_of "node$n")"
                gone_on 5
        done
}
round_leader_stopped() {
        must until_true a_leader
        n=$(leader)
        kill -STOP "$(pid_of "etcd$n")"
        gone_on
        kill -CONT "$(pid_of "etcd$n")"
        must until_true ctl endpoint health
}
# Longer than anybody waits for it: until the daemon has given it up, and its watch of the store is one of the past.
round_node_stopped_long() {
        mark "$dir/client/log"
        kill -STOP "$(pid_of node2)"
        away 2
        gone_on 100
        kill -CONT "$(pid_of node2)"
        back 2
        gone_on 5
}
round_nodes_restarted() {
        for n in 1 2 3; do
                pid=$(pid_of "node$n")
                kill "$pid"
                must until_true sh -c "! kill -0 $pid"
                start_all
                gone_on 5
        done
}
# A node whose disk is gone comes back empty and joins again, when its operator has said that its log of key use is lost.
round_node_replaced() {
        kill_now "$(pid_of node3)"
        rm -rf "$dir/node3/data"
        gone_on
        echo "accept_cut_log = yes" >"$dir/conf/node.more"
        start_all
        rm "$dir/conf/node.more"
        gone_on 5
}
round_daemon_killed() {
        for time in 1 2 3; do
                kill_now "$(cat "$dir/client/pid")"
                start_daemon
                gone_on
        done
}
round_compacted() {
        must ctl compact "$(ctl get none --write-out=json | sed 's/.*"revision":\([0-9]*\).*/\1/')"
        for member in $(tr , ' ' <"$dir/etcd/members"); do
                must ctl --endpoints "$member" defrag
        done
        gone_on
}
round_quorum_lost() {
        kill_now "$(pid_of etcd1)" "$(pid_of etcd2)"
        gone_on 100 use
        must refused_change
        start_members 1 2
        must until_true util genSymKey -t 31 -s 32 -l quorum-is-back
}
refused_change() {
        ! util genSymKey -t 31 -s 32 -l made-without-quorum
}
round_all_restarted() {
        kill_now "$(cat "$dir/client/pid")" "$(pid_of node1)" "$(pid_of node2)" "$(pid_of node3)" "$(pid_of etcd1)" \
                "$(pid_of etcd2)" "$(pid_of etcd3)"
        start_all
        gone_on
}
