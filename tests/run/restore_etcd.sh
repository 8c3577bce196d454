#!/bin/sh
# A backup comes into a cluster: node 1 of three on etcd restores it, killed at several moments on the way, after each of
# which the cluster is as before or complete; then nodes 2 and 3, which waited, join what was restored.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/nodes_lib.sh"
hsm_up
"$top/scripts/dev-etcd" up "$work/etcd" >"$work/up.etcd" 2>&1 || {
        sed 's/^/# /' "$work/up.etcd"
        echo "Bail out! etcd did not come up"
        exit 1
}

# ---- what there is to restore ----

t "keys are made" sh -c 'for n in 1 2 3; do chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" genSymKey -t 31 \
        -s 32 -l "key-$n"; done'
t "a backup is made" officer backupPartition source.backup

# ---- the cluster it goes to ----

for n in 1 2 3; do
        node_conf "$n" etcd
done
# An unowned partition on node 1 alone, and the owner's consent to the restore into it.
fresh() {
        node_kill 1
        ctl del /chsm/t/ --prefix >/dev/null
        rm -rf n1/data/audit* plan.*
        node_start 1 && plan_it source.backup plan && owner_agrees
}
: >n1/pid
state() { mgmt_of 1 getPartitionInfo | sed -n 's/.*State  *://p'; }
users() { officer_of 1 listUsers | grep -q ' cu1 '; }
# Before: unowned, nothing of the backup, and the restore still works (it is not made here). Complete: all of it.
whole_or_before() {
        node_start 1 || return 1
        case "$(state)" in
        activated) users && echo complete >>moments ;;
        *unowned) echo before >>moments ;;
        *) return 1 ;;
        esac
}
# killed_when SCRIPT: node 1 is killed as soon as the command is true, while it restores.
killed_when() {
        fresh || return 1
        preco restorePartition source.backup plan >restore.log 2>&1 &
        command=$!
        tries=0
        until sh -c "$1" || [ "$tries" -gt 200 ]; do
                tries=$((tries + 1))
        done
        node_kill 1
        kill "$command" 2>/dev/null || true
        wait "$command" 2>/dev/null || true
        whole_or_before
}
count_of="ETCDCTL_API=3 etcdctl --endpoints '$(cat "$work/etcd/members")' --cacert '$work/etcd/ca.crt' \
        --cert '$work/etcd/root.crt' --key '$work/etcd/root.key' get --prefix --keys-only"
# tests/unit/store/test_stage.c has every moment; these are some with real members.
if [ -n "${CHSM_CHECK_LONG:-}" ]; then
        t "killed as it begins" killed_when true
        t "and a moment later" killed_when "sleep 0.2"
        t "killed when all records are in the stage" killed_when "$count_of /chsm/t/r/ | grep -q '/d/p/tickets'"
fi
t "killed when records are in the stage" killed_when "$count_of /chsm/t/r/ | grep -q '/d/'"
t "killed when it has taken its place" killed_when "$count_of /chsm/t/m/ | grep -q data"
t "once it was as before" grep -q before moments
t "and once complete" grep -q complete moments

# ---- through ----

start_waiting() { node_start_only 2 && node_start_only 3 && until_true grep -q "waits for" node2.log &&
        until_true grep -q "waits for" node3.log; }
t "node 1 is unowned again" fresh
t "nodes 2 and 3 wait for it" start_waiting
t "the partition is restored into the cluster" preco restorePartition source.backup plan
t "node 1 serves it by itself" until_true users
t "active at once" sh -c "[ '$(state)' = activated ]"
t "nodes 2 and 3 join it" until_true test -s n2/ready -a -s n3/ready
three_conf
t "three nodes are one HSM" until_true sh -c "echo getClusterInfo | chsm-mgmt --yes -c three.conf | grep -cE '^[123] +127.0.0.1' |
        grep -qx 9"
agree() {
        printf 'loginHSM CO %s %s\nfindAllKeys 0 1\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" | chsm-mgmt --yes -c three.conf >all
        [ "$(grep -A1 'Key Hash' all | grep -cE '[0-9a-f]{64}')" = 3 ] && [ "$(grep -oE '[0-9a-f]{64}' all | sort -u | wc -l)" = 1 ]
}
t "and agree on all keys" until_true agree
t "audit chains go on" officer_of 1 verifyAuditLog
refused "no second restore" "is activated" officer_of 1 restorePartition source.backup plan
t "nothing of the unowned partition is left" sh -c "! $count_of /chsm/t/d/ | grep -q ."
t "nor of the stages before" sh -c "[ \$($count_of /chsm/t/r/ | sed -n 's|^/chsm/t/r/\([^/]*\)/.*|\1|p' | sort -u | wc -l) = 1 ]"
finish
