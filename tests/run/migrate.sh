#!/bin/sh
# A partition moves from SQLite into etcd and back: with all of its keys, users, shares and policies, and an audit chain
# that goes on; what stays behind is served no more.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nodes_lib.sh"
hsm_up
"$top/scripts/dev-etcd" up "$work/etcd" >"$work/up.etcd" 2>&1 || {
        sed 's/^/# /' "$work/up.etcd"
        echo "Bail out! etcd did not come up"
        exit 1
}

# ---- a partition with something of everything, as node 1 of our own ----

t "a second user is made" officer createUser CU cu2 user23456
t "an AES key is made" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" genSymKey -t 31 -s 32 -l shared >made'
aes=$(handle Key <made)
id=$(officer listUsers | sed -n 's/^ *\([0-9]*\)  *CU  *cu2 .*/\1/p')
t "and shared" sh -c "printf 'loginHSM CU cu1 %s\nshareKey $aes $id 1\n' '$CHSM_CU_PASSWORD' |
        chsm-mgmt --yes -c '$CHSM_CONF_DIR/chsm-mgmt.conf'"
t "an RSA pair is made" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" genRSAKeyPair -m 2048 -e 65537 \
        -l signer >made'
rsa=$(handle private <made)
t "sixty keys more" sh -c 'for n in $(seq 60); do echo genSymKey -t 31 -s 16 -l "k$n"; done |
        sed "1i loginHSM -u CU -s cu1 -p $CHSM_CU_PASSWORD" | chsm-util'
head -c 100 /dev/zero >message
signature() { util sign -k "$rsa" -f message -m 1 -out "$1"; }
t "the pair signs" signature before.sig
t "a policy is set" officer setPolicy wrap_strength 2
kill "$(cat hsm/node1/pid)"
until_true sh -c "! kill -0 $(cat hsm/node1/pid)"
node_conf 1 sqlite
cp -a hsm/node1/data/. n1/data/
cp hsm/node1/port n1/port
node_conf 1 sqlite
cp n1/server.conf n1/sqlite.conf
node_conf 1 etcd
cp n1/server.conf n1/etcd.conf
for kind in sqlite etcd; do
        sed 's/^port = .*/port = 0/' "n1/$kind.conf" >"n1/other.$kind"
done
use() { cp "n1/$1.conf" n1/server.conf; }
use sqlite
: >n1/pid
seen() {
        officer_of 1 listUsers >"$1" && officer_of 1 findAllKeys 0 1 >"$1.keys" &&
                sed -n '/Key Hash/,$p' "$1.keys" | grep -oE '[0-9a-f]{64}' >"$1.hash" && [ -s "$1.hash" ] &&
                officer_of 1 getPolicy >"$1.policy"
}
same() {
        cmp "$1.hash" "$2.hash" && cmp "$1.policy" "$2.policy" && diff "$1" "$2" >/dev/null
}
t "node 1 serves from SQLite" node_start 1
t "its users and keys are noted" seen sqlite.seen

# ---- refusals ----

migrate() { chsm-server migrate --from n1/sqlite.conf --to n1/etcd.conf "$@"; }
back() { chsm-server migrate --from n1/etcd.conf --to n1/sqlite.conf "$@"; }
refused "a store that is in use" "is in use by process" migrate
node_stop 1
refused "without both configurations" "--from FILE and --to FILE" chsm-server migrate --from n1/sqlite.conf
refused "between stores of one kind" "store = sqlite" chsm-server migrate --from n1/sqlite.conf --to n1/sqlite.conf
sed 's/^node_name = .*/node_name = hsm9/' n1/etcd.conf >other.conf
refused "to another node" "must be the same" chsm-server migrate --from n1/sqlite.conf --to other.conf
mkdir -m 700 nothing
for kind in sqlite etcd; do
        sed "s|^data_dir = .*|data_dir = $work/nothing|" "n1/$kind.conf" >"nothing.$kind"
done
refused "what is not there" "there is no partition" chsm-server migrate --from nothing.etcd --to nothing.sqlite
refused "nothing to take back" "was not moved anywhere" migrate --cancel
ctl put /chsm/t/d/p/state something >/dev/null
refused "where a partition is" "there is a partition already" migrate
ctl del /chsm/t/ --prefix >/dev/null
refused "and what was refused is not marked" "was not moved anywhere" migrate --cancel

# ---- into etcd ----

broken_off() {
        chsm-server migrate --from n1/sqlite.conf --to n1/etcd.conf >moved 2>&1 &
        mover=$!
        until_true sh -c "ETCDCTL_API=3 etcdctl --endpoints '$(cat "$work/etcd/members")' --cacert '$work/etcd/ca.crt' \
                --cert '$work/etcd/root.crt' --key '$work/etcd/root.key' get /chsm/t/r/ --prefix --keys-only | grep -q . ||
                ! kill -0 $mover"
        kill -9 "$mover"
        wait "$mover" 2>/dev/null || true
        ! grep -q "has moved" moved
}
t "a move is broken off" broken_off
refused "then the old store is not served" "was moved to etcd" chsm-server --config n1/other.sqlite
no_partition() { ctl get /chsm/t/m/data | grep -q . && return 1 || true; }
t "nor is there a new one" no_partition
t "it can be taken back" migrate --cancel
use sqlite
t "and is served where it was" node_start 1
node_stop 1
t "a move is broken off once more" broken_off
t "the partition moves when it is told again" sh -c 'chsm-server migrate --from n1/sqlite.conf --to n1/etcd.conf >moved'
sed 's/^/# /' moved
equal_columns() { awk '/^(keys|users|audit records|all records)/ { if ($(NF) != $(NF - 1) || $NF == 0) bad = 1; n++ } END { exit bad || n < 4 }' "$1"; }
t "with the same counts" equal_columns moved
t "and digests" sh -c "[ \$(grep -cE '^  (sqlite|etcd) ' moved) = 2 ] && [ \$(grep -oE '[0-9a-f]{64}' moved | sort -u | wc -l) = 1 ]"
use etcd
t "node 1 serves from etcd" node_start 1
t "with all users, keys and policies" seen etcd.seen
t "the same" same sqlite.seen etcd.seen
t "the pair signs as before" signature after.sig
t "the same" cmp before.sig after.sig
as_cu2() { chsm-util singlecmd loginHSM -u CU -s cu2 -p user23456 getKeyInfo -k "$aes"; }
t "the share holds" as_cu2
t "audit chains go on" officer_of 1 verifyAuditLog
node_conf 2 etcd
t "a second node joins" node_start 2
refused "not back over what stayed behind" "mv store store.old" back
mv n1/data/store n1/data/store.old
refused "what is served does not move" "is being served" back
mv n1/data/store.old n1/data/store
use sqlite
refused "what stayed behind is not served" "was moved to etcd" chsm-server --config n1/other.sqlite
refused "nor moved once more" "there is a partition already" migrate
refused "nor taken back" "there is a partition already" migrate --cancel

# ---- and back ----

use etcd
t "a key is made there" util genSymKey -t 31 -s 32 -l late
t "and noted" seen etcd.seen
node_stop 1
node_stop 2
mv n1/data/store n1/data/store.old
t "the partition moves back" sh -c 'chsm-server migrate --from n1/etcd.conf --to n1/sqlite.conf >moved'
t "with the same counts again" equal_columns moved
use sqlite
t "node 1 serves from SQLite again" node_start 1
t "with all that was in etcd" seen back.seen
t "the same as there" same etcd.seen back.seen
t "the pair signs as at first" signature last.sig
t "the same signature" cmp before.sig last.sig
t "audit chains go on from there" officer_of 1 verifyAuditLog
refused "etcd is not served any more" "was moved to sqlite" chsm-server --config n1/other.etcd
finish
