#!/bin/sh
# kill -9 of a node while a backup is made, restored or a masked object inserted: as before, or complete. CHSM_KILL_ROUNDS
# sets the rounds.
. "$(dirname "$0")/lib.sh"
hsm_up
rounds=${CHSM_KILL_ROUNDS:-2}
here=$top/tests/run

# ---- a masked object comes in ----

util genSymKey -t 31 -s 32 -l escrow -nex >made
key=$(handle Key <made)
t "a key is masked" util extractMaskedObject -o "$key" -out key.masked
t "and deleted" util deleteKey -k "$key"
import_round() { # FILE BYTES: what the node writes first
        python3 "$here/kill_at.py" "$(cat hsm/node1/pid)" "$1" "$2" chsm-util singlecmd loginHSM -u CU -s cu1 \
                -p "$CHSM_CU_PASSWORD" insertMaskedObject -f key.masked </dev/null
        rm -f hsm/node1/pid
        hsm_restart && . "$work/hsm/env" || return 1
        # Either it is not there, and can be inserted now; or it is, whole.
        if util insertMaskedObject -f key.masked >inserted 2>&1; then
                key=$(sed -n 's/.*New Key Handle: //p' inserted)
        else
                key=$(sed -n 's/.*key \([0-9]*\) has this value already.*/\1/p' inserted)
        fi
        [ -n "$key" ] && util getKeyInfo -k "$key" && util deleteKey -k "$key"
}
t "the node is killed as the masked key comes in" import_round - 0

# ---- the node's own backups ----

mkdir -p a/data b/data/clients
chmod 700 a/data b/data
"$top/scripts/dev-cluster" down "$work/hsm" >/dev/null 2>&1
cp -a hsm/node1/data/. a/data/
conf() { # NAME
        cat >"$1/server.conf" <<EOF
data_dir = $work/$1/data
listen = 127.0.0.1
port = $(free_port)
node_name = hsm1
ready_file = $work/$1/ready
password_memory_kib = 8192
EOF
        cat >"$1/mgmt.conf" <<EOF
server = 127.0.0.1:$(sed -n 's/^port = //p' "$1/server.conf")
owner_certificate = $CHSM_CONF_DIR/PO.crt
certificate = $CHSM_CONF_DIR/client.crt
private_key = $CHSM_CONF_DIR/client.key
EOF
}
start() { # NAME
        rm -f "$1/ready"
        serve "$1" chsm-server --config "$1/server.conf"
        until_true sh -c "[ -s $1/ready ] || ! kill -0 $server" && [ -s "$1/ready" ]
}
crash() {
        kill -9 "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
        true
}
conf a
printf 'backup_dir = %s/a/backups\nbackup_interval_s = 1\nbackup_keep = 3\nadmin_port = 0\n' "$work" >>a/server.conf
all_whole() {
        for file in a/backups/*.backup; do
                [ -e "$file" ] || continue
                chsm-server --verify-backup "$file" || return 1
        done
}
scheduled() { start a && until_true sh -c 'ls a/backups/*.backup'; }
t "a node makes backups by schedule" scheduled
t "as its metrics say" until_true sh -c 'curl -sf "http://127.0.0.1:$(sed -n s/^admin_port=//p a/ready)/metrics" |
        grep -q "^chsm_backups_total [1-9]"'
t "and keeps the newest few" until_true sh -c 'ls a/backups | grep -q 000000000[5-9] && [ "$(ls a/backups/*.backup | wc -l)" -le 4 ]'
kill_when() { # FILE BYTES
        python3 -c '
import os, signal, sys, time
until = time.monotonic() + 30
while time.monotonic() < until:
    try:
        if os.path.getsize(sys.argv[2]) >= int(sys.argv[3]):
            break
    except OSError:
        pass
os.kill(int(sys.argv[1]), signal.SIGKILL)' "$server" "$1" "$2"
        wait "$server" 2>/dev/null || true
        true
}
killed_backup() {
        kill_when a/backups/.chsm-backup.part "$1"
        all_whole && start a && all_whole
}
round=0
while [ "$round" -lt "$rounds" ]; do
        for bytes in 0 3000 9000; do
                t "round $round: it is killed with $bytes bytes written" killed_backup "$bytes"
        done
        round=$((round + 1))
done
failing() {
        rm -rf a/moved && mv a/backups a/moved && : >a/backups &&
                until_true grep -q "the scheduled backup failed" a.log &&
                until_true sh -c 'curl -sf "http://127.0.0.1:$(sed -n s/^admin_port=//p a/ready)/metrics" |
                        grep -q "^chsm_backup_failing 1"'
        rc=$?
        rm -f a/backups
        mv a/moved a/backups
        return $rc
}
t "a backup that fails is told" failing
t "and tried again" until_true sh -c 'curl -sf "http://127.0.0.1:$(sed -n s/^admin_port=//p a/ready)/metrics" |
        grep -q "^chsm_backup_failing 0"'
newest=$(ls a/backups/*.backup | tail -n 1)
cp "$newest" source.backup
crash

# ---- a restore ----

cp "$CHSM_CONF_DIR/client.crt" b/data/clients/
conf b
preco() {
        {
                echo "loginHSM PRECO admin tenantadmin"
                echo "$*"
        } | chsm-mgmt --yes -c b/mgmt.conf
}
plan_it() {
        preco restorePartition source.backup plan &&
                openssl dgst -sha256 -sign "$CHSM_PO_KEY" -out plan.sig plan.txt &&
                openssl pkeyutl -decrypt -inkey "$CHSM_PO_KEY" -in plan.key -pkeyopt rsa_padding_mode:oaep \
                        -pkeyopt rsa_oaep_md:sha256 | openssl pkeyutl -encrypt -pubin -inkey plan.pem -out plan.unlock \
                        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
}
t "an unowned node starts" start b
t "the owner agrees to a restore" plan_it
crash
cp -a b/data b/unowned
state() { echo getPartitionInfo | chsm-mgmt -c b/mgmt.conf | sed -n 's/.*State  *://p'; }
users() {
        printf 'loginHSM CO %s %s\nlistUsers\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" | chsm-mgmt -c b/mgmt.conf |
                grep -q ' cu1 '
}
# Before: unowned, and the restore still works. Complete: active with its users. Nothing else.
whole_or_before() {
        start b || return 1
        case "$(state)" in
        activated) users ;;
        *unowned) preco restorePartition source.backup plan && until_true users ;;
        *) return 1 ;;
        esac
}
fresh() {
        crash
        rm -rf b/data && cp -a b/unowned b/data
}
killed_restore() { # FILE BYTES
        fresh
        start b || return 1
        printf 'loginHSM PRECO admin tenantadmin\nrestorePartition source.backup plan\n' >commands
        python3 "$here/kill_at.py" "$server" "$1" "$2" chsm-mgmt --yes -c b/mgmt.conf <commands
        wait "$server" 2>/dev/null || true
        whole_or_before && [ ! -e b/data/restore ] && [ ! -e b/data/store.replaced ]
}
round=0
while [ "$round" -lt "$rounds" ]; do
        t "round $round: killed as it begins" killed_restore - 0
        t "round $round: killed when the store beside has begun" killed_restore b/data/restore 1
        t "round $round: killed when it is half filled" killed_restore b/data/restore 120000
        t "round $round: killed when it is complete" killed_restore b/data/restore/complete 1
        t "round $round: killed after the answer" killed_restore /nowhere 1
        round=$((round + 1))
done
between() {
        fresh
        start b || return 1
        python3 "$here/kill_at.py" "$server" b/data/restore/complete 1 chsm-mgmt --yes -c b/mgmt.conf <commands
        wait "$server" 2>/dev/null || true
        [ -e b/data/restore/complete ] && mv b/data/store b/data/store.replaced && start b && [ "$(state)" = activated ] && users
}
t "a start that was killed between its two steps" between
after_both() {
        crash
        mkdir b/data/store.replaced && : >b/data/store/complete && start b && [ "$(state)" = activated ] && users &&
                [ ! -e b/data/store.replaced ] && [ ! -e b/data/store/complete ]
}
t "and one that was killed after them" after_both
crash
finish
