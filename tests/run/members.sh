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
        echo getClusterInfo | mgmt --json | tail -n 1 >cluster.json
        python3 -c 'import json, sys
d = json.load(open("cluster.json"))
views = d["views"]
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
finish
