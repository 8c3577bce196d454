#!/bin/sh
# The nodes of a cluster as members of it: what they say of each other, how they are taken out, put in and replaced, and
# what they do without their store.
. "$(dirname "$0")/lib.sh"

hsm_up --nodes 3
dir=$work/hsm

mgmt() {
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" "$@"
}
# cluster EXPRESSION: the Python expression holds of getClusterInfo's JSON, as d.
cluster() {
        echo getClusterInfo | mgmt --json --on-failure ignore | tail -n 1 >cluster.json
        python3 -c 'import json, sys
d = json.load(open("cluster.json"))
views = [v for v in d["servers"] if v["ok"]]
def node(view, number): return next(n for n in view["nodes"] if n["node"] == number)
sys.exit(not eval(sys.argv[1]))' "$1"
}
# metric NODE NAME: its value.
metric() {
        curl -s "http://127.0.0.1:$(cat "$dir/node$1/admin_port")/metrics" | sed -n "s/^$2 //p"
}
metric_is() {
        metric "$1" "$2" | grep -qx "$3"
}

# ---- what is known of the nodes ----
t "every node tells of three that serve" until_true cluster 'len(views) == 3 and all(len(v["nodes"]) == 3 and all(
        n["health"] == "serving" and n["connected"] for n in v["nodes"]) for v in views)'
t "with version, revision, lag and load" cluster 'all(n["version"] and n["revision"] > 0 and n["lag"] < 100 and
        n["in_flight"] >= 0 and n["per_second"] >= 0 and n["heard_ms"] is not None for v in views for n in v["nodes"])'
t "each as the one it is" cluster '[v["node"] for v in views] == [1, 2, 3]'
t "and of the store's three members" until_true cluster 'all(v["store"]["engine"] == "etcd" and v["store"]["members"] == 3 and
        v["store"]["answering"] == 3 and v["store"]["changes_possible"] for v in views)'
t "people read the same" sh -c "echo getClusterInfo | chsm-mgmt --yes -c '$CHSM_CONF_DIR/chsm-mgmt.conf' | tee table |
        grep -qE '^hsm2 +- +serving' && grep -q 'Store: etcd at revision [0-9]*; 3 of 3 members answer; changes are possible' table"
t "and Prometheus" sh -c "[ $(metric 2 chsm_node_health) = 1 ] && [ $(metric 2 chsm_cluster_nodes_connected) = 3 ] &&
        [ $(metric 2 chsm_store_members_answering) = 3 ] && [ $(metric 2 chsm_store_changes_possible) = 1 ]"
"$top/scripts/dev-etcd" stop "$dir/etcd" 1
t "a member that is gone is missed" until_true cluster 'all(v["store"]["answering"] == 2 and v["store"]["changes_possible"]
        for v in views)'
"$top/scripts/dev-etcd" start "$dir/etcd" 1
t "and is back" until_true metric_is 3 chsm_store_members_answering 3

# ---- work meanwhile ----
# load_begin, load_end NAME: an application works between them, and no call of it fails.
load_begin() {
        rm -f end
        mkfifo end
        exec 9<>end
        "$build/tests/run/members_load" "$CHSM_MODULE" "$CHSM_PIN" 2 <end >load.log 2>&1 9>&- &
        load=$!
        servers="$servers $load"
        until_true grep -q begun load.log
}
load_end() {
        exec 9>&-
        t "$1" wait "$load"
        sed -n '2,$s/^/# /p' load.log
}
node_pid() {
        cat "$dir/node$1/pid"
}
drain() { # NODE: as systemctl stop does
        pid=$(node_pid "$1")
        kill -TERM "$pid"
        until_true sh -c "! kill -0 $pid"
}
up() { # as dev-cluster brings up what does not run
        "$top/scripts/dev-cluster" up "$dir" "$@" 9>&-
}
serves() { # NODE: all nodes find that it does
        cluster "all(node(v, $1)['health'] == 'serving' for v in views)"
}
status_of() {
        conf=chsm-server$1.conf
        [ "$1" != 1 ] || conf=chsm-server.conf
        chsm-server --config "$CHSM_CONF_DIR/$conf" status
}
status_has() { # NODE WORDS
        status_of "$1" >status || true
        grep -q "$2" status
}
other=$work/other
mkdir -p "$other/src"
cp -r "$build/src/programs" "$other/src/programs"

# ---- a rolling upgrade ----
load_begin
for n in 1 2 3; do
        drain "$n"
        t "node $n says that it has ended" status_has "$n" "^state=ended$"
        up --build "$other"
        t "and serves again, with another program" until_true serves "$n"
done
load_end "no call failed while each node was drained and replaced by another program"
t "which is the other one" sh -c "readlink /proc/$(node_pid 2)/exe | grep -q '^$other/'"
t "its status is that it serves" status_has 2 "^state=serving$"

# ---- out for good ----
refused "a node that serves is not removed" "node 'hsm3' is serving; its operator drains it first" officer removeNode 3
refused "nor is one that there is not" "the partition has no node 9" officer removeNode 9
refused "a number is wanted" "'three' is no node number" officer removeNode three
refused "a crypto user removes none" "role may not" sh -c 'printf "loginHSM CU cu1 %s\nremoveNode 3\n" "$CHSM_CU_PASSWORD" |
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
load_begin
drain 3
t "all see that it has ended" until_true cluster 'all(node(v, 3)["health"] == "ended" for v in views)'
t "it is removed" sh -c "printf 'server 0\nloginHSM CO %s %s\nremoveNode 3\n' '$CHSM_CO_USER' '$CHSM_CO_PASSWORD' |
        chsm-mgmt --yes -c '$CHSM_CONF_DIR/chsm-mgmt.conf' | grep 'removeNode success'"
t "nobody tells of it any more" until_true cluster 'len(views) == 2 and all(len(v["nodes"]) == 2 for v in views)'
load_end "no call failed meanwhile"
refused "it does not come back by itself" "is of a node that an officer removed (removeNode)" up
t "its status says why" status_has 3 "^reason=.*officer removed (removeNode)"
t "and the others' alarm goes" sh -c "[ $(metric 1 chsm_joins_refused_total) = 1 ] || [ $(metric 2 chsm_joins_refused_total) = 1 ]"

# ---- replaced by an empty one, with a new certificate of the operator ----
rm -rf "$dir/node3/data" "$dir/conf/hsm3.crt" "$dir/conf/hsm3.key"
load_begin
t "it comes back with a new certificate, on an empty disk" up
t "and serves" until_true serves 3
load_end "no call failed meanwhile"
pid=$(node_pid 2)
kill -9 "$pid"
until_true sh -c "! kill -0 $pid"
t "what was killed is gone by its status" status_has 2 "^state=gone$"
rm -rf "$dir/node2/data"
refused "a node that lost its disk, and its key-use log with it, says so" "say accept_cut_log = yes" up
echo "accept_cut_log = yes" >"$dir/conf/node.more"
t "when its operator knows, it joins again by itself" up
t "and serves" until_true serves 2

# ---- another format ----
etcdctl_root() {
        ETCDCTL_API=3 etcdctl --endpoints "$(cat "$dir/etcd/members")" --cacert "$dir/etcd/ca.crt" --cert "$dir/etcd/root.crt" \
                --key "$dir/etcd/root.key" "$@"
}
drain 3
etcdctl_root put /chsm/dev/d/p/format 2 >/dev/null
refused "a program that does not know the store's format stays out" "the store has format 2, and this software" up
t "with its reason in its status" status_has 3 "^reason=.*the store has format 2"
t "those that run serve no more" until_true metric_is 1 chsm_node_health 7
etcdctl_root put /chsm/dev/d/p/format 1 >/dev/null
finish
