# Faults of the place where nodes and members run: network, disk, clock.

# cut_and_heal COUNT HOST...: off together, the work goes on, and they come back.
cut_and_heal() {
        changes=$1
        shift
        for host in "$@"; do
                must cut "$host"
        done
        gone_on "$changes"
        for host in "$@"; do
                must heal "$host"
        done
        must until_true ctl endpoint health
        gone_on 10
}
round_node_cut() {
        mark "$dir/client/log"
        must cut node2
        away 2
        gone_on 60
        must heal node2
        back 2
        gone_on 10
}
round_member_cut() {
        must until_true a_leader
        cut_and_heal 40 "etcd$(leader)"
}
round_both_cut() {
        cut_and_heal 40 node1 etcd1
}
# The node reaches the members, and the client does not reach the node.
round_client_cut() {
        mark "$dir/client/log"
        must cut node3 cut-here
        away 3
        gone_on 40
        must heal node3
        back 3
        gone_on 10
}

# No file of the process grows any more: what a full disk says to it, without one. Each write ends with EFBIG.
fill_disk() {
        prlimit --pid "$1" --fsize=4096:unlimited
}
empty_disk() {
        prlimit --pid "$1" --fsize=unlimited:unlimited
}
round_node_disk_full() {
        mark "$dir/node1/log"
        must fill_disk "$(pid_of node1)"
        says "$dir/node1/log" "File too large"
        gone_on 60
        must empty_disk "$(pid_of node1)"
        gone_on 10
}
# A member that cannot write ends; it is started again when there is room.
round_member_disk_full() {
        must fill_disk "$(pid_of etcd2)"
        gone_on 40
        kill_now "$(pid_of etcd2)"
        start_members 2
}

# set_clock NODE SECONDS: so much off, from now on.
set_clock() {
        echo "$2" >"$dir/$1/clock.new"
        mv "$dir/$1/clock.new" "$dir/$1/clock"
}
round_clock_forward() {
        mark "$dir/node2/log"
        set_clock node2 86400
        says "$dir/node2/log" "s ahead of the other nodes'"
        gone_on 60
        set_clock node2 0
        says "$dir/node2/log" "the clock of this node is that of the others again"
        gone_on 10
}
round_clock_back() {
        mark "$dir/node3/log"
        set_clock node3 -86400
        says "$dir/node3/log" "s behind the other nodes'"
        gone_on 60
        set_clock node3 0
        says "$dir/node3/log" "the clock of this node is that of the others again"
        gone_on 10
}
