#!/bin/sh
# The majority of etcd is gone for good, and the member that is left is behind: nodes refuse what it has until the operator
# was shown what is lost and accepted it; then all serve, and members are added again. The same from etcd's snapshot.
. "$(dirname "$0")/lib.sh"
hsm_up --nodes 3
etcd() { "$top/scripts/dev-etcd" "$@"; }
conf() { [ "$1" = 1 ] && echo "$CHSM_CONF_DIR/chsm-server.conf" || echo "$CHSM_CONF_DIR/chsm-server$1.conf"; }
node() { # N WORD...: chsm-server of node N
        n=$1
        shift
        chsm-server --config "$(conf "$n")" "$@" >node.said 2>&1
        code=$?
        cat node.said
        return "$code"
}
recover() {
        n=$1
        shift
        node "$n" recover "$@" >"recover$n" || { cat "recover$n"; return 1; }
}
nodes_end() {
        for n in 1 2 3; do
                kill "$(cat "hsm/node$n/pid")" 2>/dev/null || true
        done
        for n in 1 2 3; do
                until_true sh -c "! kill -0 $(cat "hsm/node$n/pid") 2>/dev/null" || return 1
        done
}
nodes_start() { "$top/scripts/dev-cluster" up "$work/hsm" >up.log 2>&1 || { cat up.log; return 1; }; }
# Three nodes have the key with this handle, and one more can be made.
have() {
        officer findAllKeys 0 0 >said && [ "$(grep -cw "$1" said)" -ge 3 ] || { cat said; return 1; }
}
serve_all() {
        echo getClusterInfo | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >said &&
                [ "$(grep -cE '^[123] +[0-9.]+' said)" = 9 ] || { cat said; return 1; }
}
ctl() {
        ETCDCTL_API=3 etcdctl --cacert hsm/etcd/ca.crt --cert hsm/etcd/root.crt --key hsm/etcd/root.key "$@"
}

t "a key is made" util genSymKey -t 31 -s 32 -l kept
kept=$(handle Key <out)
t "etcd's operator takes a snapshot" ctl --endpoints "$(cut -d, -f3 hsm/etcd/members)" snapshot save early.db

# ---- the member that is left was behind ----

etcd stop hsm/etcd 3
t "a key is made that the third member never gets" util genSymKey -t 31 -s 32 -l lost
lost=$(handle Key <out)
t "and a password is changed there" officer changePswd CU cu1 newer5678
nodes_end
etcd stop hsm/etcd 1
etcd stop hsm/etcd 2
rm -rf hsm/etcd/etcd1 hsm/etcd/etcd2
t "the third member is made the cluster" etcd force hsm/etcd 3

refused "node 1 does not start on it" "chsm-server recover" node 1
t "and names what is lost" grep -q "removed: 'o/" node.said
t "its status says so too" sh -c "! chsm-server --config '$(conf 1)' status >status1; grep -q 'chsm-server recover' status1"
refused "nothing is accepted unasked" "nothing was changed" sh -c "echo no | chsm-server --config '$(conf 1)' recover"
refused "so it still does not start" "chsm-server recover" node 1
t "what would be accepted is shown and accepted" recover 1 --yes
t "the lost key by its handle" grep -q "removed   'o/.*(key $lost)" recover1
t "the user with the old password" grep -q "older     'u/cu1'" recover1
t "newest revisions, seen and found" grep -qE 'newest revision [0-9]+ seen, [0-9]+ in the store' recover1
t "what it costs" grep -q 'What this costs' recover1
t "and it is logged" grep -q ALARM recover1
for n in 2 3; do
        t "node $n has seen no more than was accepted" recover "$n" --yes
        t "and need not accept anything" grep -q 'nothing is to be accepted' "recover$n"
done
t "all nodes serve" nodes_start
t "as one HSM" until_true serve_all
refused "a running node's store is not recovered" "the node runs" node 1 recover --yes
t "the key from before is there" have "$kept"
has_not() { ! have "$1" >said2 && ! grep -qw "$1" said2; }
t "the lost one is not" has_not "$lost"
t "a change works" util genSymKey -t 31 -s 32 -l after
after=$(handle Key <out)
t "on every node" have "$after"
chain_says() { mkdir -p audits && officer getAuditLogs audits >said && grep -qr 'CN_ACCEPT_STORE.*removed=' audits || { cat said; return 1; }; }
t "the audit chain says what was accepted" chain_says

t "the first member is added again" etcd add hsm/etcd 1
t "and the second" etcd add hsm/etcd 2
etcd stop hsm/etcd 3
t "a change works without the one that was left" until_true util genSymKey -t 31 -s 32 -l added
etcd start hsm/etcd 3

# ---- from a snapshot: another cluster ----

nodes_end
etcd down hsm/etcd
rm -rf hsm/etcd/etcd1 hsm/etcd/etcd2 hsm/etcd/etcd3
snapshot() {
        read -r _ peer <"hsm/etcd/etcd$1.ports"
        ctl snapshot restore early.db --name "etcd$1" --data-dir "hsm/etcd/etcd$1" --initial-cluster "$(cat hsm/etcd/peers)" \
                --initial-cluster-token dev2 --initial-advertise-peer-urls "https://127.0.0.1:$peer"
}
for n in 1 2 3; do
        t "member $n is made of the snapshot" snapshot "$n"
done
echo new >hsm/etcd/state
t "they are a cluster" etcd up hsm/etcd
for n in 1 2 3; do
        refused "node $n does not start on it" "chsm-server recover" node "$n"
done
t "node 1's operator accepts it" recover 1 --yes
t "another cluster" grep -q 'another one than this node had' recover1
refused "node 2 is another node" "another etcd cluster" node 2
t "it is accepted there" recover 2 --yes
t "and nothing more is lost" grep -q 'Nothing that this node has seen is lost' recover2
t "and on node 3" recover 3 --yes
t "all nodes serve" nodes_start
t "as one HSM" until_true serve_all
t "the key from before is there" have "$kept"
t "a change works" util genSymKey -t 31 -s 32 -l last
t "on every node" have "$(handle Key <out)"
finish
