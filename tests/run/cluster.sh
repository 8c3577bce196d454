#!/bin/sh
# Three nodes on three etcd members as one HSM, and applications that work through the module while nodes, members, hosts,
# disks and clocks fail: no call fails where a quorum is left, and by the history of all calls nothing is lost, doubled,
# risen, stale, or let past the failure limit, on any node.
#
# Usage: cluster.sh SOURCE_FOLDER BUILD_FOLDER [MINUTES [SEED]]
#
# With MINUTES: rounds in random order until they are over.
top=$1
build=$2
. "$top/tests/run/cluster/lib.sh"
[ -n "${CHSM_CLUSTER_NETWORK:-}" ] || in_own_network "$0" "$@"
. "$(dirname "$0")/lib.sh"
. "$top/tests/run/cluster/rounds_process.sh"
. "$top/tests/run/cluster/rounds_place.sh"

round_number=1
dir=$work/hsm
mkdir -p "$dir"
trap '"$top/scripts/dev-cluster" down "$dir" >/dev/null 2>&1 || true; "$top/scripts/dev-net" down "$dir/net"; cleanup' EXIT
hosts_up
for n in 1 2 3; do
        mkdir -p "$dir/node$n"
        printf 'LD_PRELOAD=%s\nCLOCK_SHIFT_FILE=%s\n' "$build/tests/run/cluster/clock_shift.so" "$dir/node$n/clock" \
                >"$dir/node$n/env"
done
hsm_up --nodes 3

keys_agree() {
        officer findAllKeys 0 1 >"$work/all"
        [ "$(grep -A1 'Key Hash' "$work/all" | grep -cE '[0-9a-f]{64}')" = 3 ] &&
                [ "$(grep -oE '[0-9a-f]{64}' "$work/all" | sort -u | wc -l)" = 1 ]
}

# name | what must hold | uses or may-fail, as lib.sh has it
cat >"$work/rounds" <<'ROUNDS'
nodes_killed|each node is killed in turn
members_killed|each etcd member is killed in turn
leader_killed|the leader is killed
nodes_stopped|each node stops and goes on
leader_stopped|the leader stops and goes on
node_stopped_long|a node stops for longer than anybody waits
nodes_restarted|nodes are restarted one by one
node_replaced|a node is replaced by an empty one
daemon_killed|the daemon is killed and started again
compacted|history is compacted and members are defragmented
node_cut|a node's network is cut
member_cut|the leader's network is cut
both_cut|a node and a member are cut off together
client_cut|the client does not reach a node
node_disk_full|the disk of a node is full
member_disk_full|the disk of a member is full
clock_forward|a node's clock jumps a day forward
clock_back|a node's clock jumps a day back
quorum_lost|two members are gone: keys in use go on working|uses
all_restarted|everything is killed at once and started again|may-fail
ROUNDS
run_round() {
        IFS='|' read -r name title how <<LINE
$1
LINE
        round "$name" "$title" "$how"
}
soak() {
        seed=${2:-$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')}
        echo "# rounds for $1 minutes in the order of seed $seed"
        ends=$(($(date +%s) + $1 * 60))
        while [ "$(date +%s)" -lt "$ends" ]; do
                python3 -c 'import random, sys
random.seed(sys.argv[1])
rounds = open(sys.argv[2]).read().splitlines()
random.shuffle(rounds)
print("\n".join(rounds))' "$seed" "$work/rounds" >"$work/order"
                while read -r line <&8 && [ "$(date +%s)" -lt "$ends" ]; do
                        run_round "$line"
                done 8<"$work/order"
                seed=$((seed + 1))
        done
}

t "three nodes are one HSM" sh -c "echo getClusterInfo | chsm-mgmt --yes -c '$CHSM_CONF_DIR/chsm-mgmt.conf' |
        grep -cE '^[123] +[0-9.]+' | grep -qx 9"
t "a key is made" util genRSAKeyPair -m 2048 -e 65537 -l everywhere
t "all nodes have it at once" keys_agree
if [ -n "${3:-}" ]; then
        soak "$3" "${4:-}"
else
        while read -r line <&8; do
                [ -n "${CHSM_ROUNDS:-}" ] && ! echo " $CHSM_ROUNDS " | grep -qF " ${line%%|*} " || run_round "$line"
        done 8<"$work/rounds"
fi
t "and all nodes have the same keys" until_true keys_agree
finish
