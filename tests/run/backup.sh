#!/bin/sh
# Masked objects, backups and restores with the real programs: two nodes, and the owner's openssl.
. "$(dirname "$0")/lib.sh"
hsm_up

# ---- masked objects ----

t "a key that does not leave is made" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" \
        genSymKey -t 31 -s 32 -l escrow -nex >made'
key=$(handle Key <made)
t "it is masked" util extractMaskedObject -o "$key" -out key.masked
refused "and not inserted beside itself" "has this value already, unable to insert object" \
        util insertMaskedObject -f key.masked
t "it is deleted" util deleteKey -k "$key"
back() { util insertMaskedObject -f key.masked >inserted && grep -q "New Key Handle: " inserted; }
t "and comes back" back
head -c 100 key.masked >cut.masked
refused "a file that was cut off" "cut off after 100 bytes" util insertMaskedObject -f cut.masked
cat key.masked key.masked >long.masked
refused "a file with more behind it" "not its own" util insertMaskedObject -f long.masked
sed 's/chsmmask/chsmtask/' key.masked >strange.masked
refused "a file of something else" "no masked object" util insertMaskedObject -f strange.masked
refused "a session handle is none to mask" "is a session key" \
        util extractMaskedObject -o 4026531841 -out session.masked
refused "more nodes than there are" "only 1 nodes are up" util insertMaskedObject -f key.masked -min_srv 2
key=$(sed -n 's/.*New Key Handle: //p' inserted)
t "an officer masks the user" officer extractMaskedObject cu1.masked user 3
refused "who exists already" "user already created, unable to insert object" officer insertMaskedObject cu1.masked
refused "there is one server only" "there is no server '1'" officer syncUser 3 1

# ---- a backup ----

t "a backup is made" officer backupPartition first.backup
t "and is what it says" sh -c 'chsm-server --verify-backup first.backup | grep -q "epoch 1, by node hsm1: whole"'
refused "a user makes no backup" "backups are an officer's" sh -c 'printf "loginHSM CU cu1 %s\nbackupPartition x\n" \
        "$CHSM_CU_PASSWORD" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
t "in one JSON object" sh -c 'printf "loginHSM CO %s %s\nbackupPartition second.backup\n" "$CHSM_CO_USER" \
        "$CHSM_CO_PASSWORD" | chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep -q "\"epoch\":2"'
python3 -c 'import sys; d = bytearray(open("first.backup", "rb").read()); d[-3000] ^= 1; open("bad.backup", "wb").write(d)'
refused "a changed backup is found without its owner" "altered" chsm-server --verify-backup bad.backup
head -c 5000 first.backup >cut.backup
refused "and so is one that was cut" "cut off" chsm-server --verify-backup cut.backup
refused "no node takes it that has an owner" "is activated" officer restorePartition first.backup plan

# ---- the user closes his account, and has that signed ----

t "the user closes his account to officers" sh -c 'printf "loginHSM CU cu1 %s\ndisableUserAccess cu1\n" \
        "$CHSM_CU_PASSWORD" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
t "and keeps the partition's manifest of that" sh -c 'printf "loginHSM CU cu1 %s\nbackupManifest now.manifest\n" \
        "$CHSM_CU_PASSWORD" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
t "which is signed" sh -c 'chsm-server --verify-backup now.manifest | grep -q "^manifest of partition"'

# ---- a second HSM ----

mkdir -p second/data/clients
chmod 700 second/data
cp "$CHSM_CONF_DIR/client.crt" second/data/clients/
cat >second/server.conf <<EOF
data_dir = $work/second/data
listen = 127.0.0.1
port = 0
admin_port = 0
node_name = hsm2
ready_file = $work/second/ready
password_memory_kib = 8192
EOF
start_second() {
        rm -f second/ready
        serve second chsm-server --config second/server.conf
        until_true test -s second/ready || return 1
        second_port=$(sed -n 's/^port=//p' second/ready)
        sed -i "s/^port = .*/port = $second_port/" second/server.conf
        cat >second/mgmt.conf <<EOF
server = 127.0.0.1:$second_port
owner_certificate = $CHSM_CONF_DIR/PO.crt
certificate = $CHSM_CONF_DIR/client.crt
private_key = $CHSM_CONF_DIR/client.key
EOF
}
second() { chsm-mgmt --yes -c second/mgmt.conf; }
preco() {
        {
                echo "loginHSM PRECO admin tenantadmin"
                echo "$*"
        } | second
}
# What the plan tells the owner to do, with the openssl program: SIGNING_KEY DECRYPTING_KEY.
owner() {
        openssl dgst -sha256 -sign "$1" -out plan.sig plan.txt
        openssl pkeyutl -decrypt -inkey "$2" -in plan.key -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 |
                openssl pkeyutl -encrypt -pubin -inkey plan.pem -out plan.unlock -pkeyopt rsa_padding_mode:oaep \
                        -pkeyopt rsa_oaep_md:sha256
}
t "a second node starts" start_second
refused "whose name is another" "set node_name = hsm1" preco restorePartition first.backup plan now.manifest
kill "$server"
wait "$server" 2>/dev/null || true
rm -rf second/data/store second/data/audit
sed -i 's/^node_name = .*/node_name = hsm1/' second/server.conf
t "it has the name of the one it replaces" start_second
planned() { preco restorePartition first.backup plan now.manifest >planned && grep -q "restorePartition is planned" planned; }
t "the restore is planned" planned
t "and says that it would undo disableUserAccess" grep -q "officers get back their power over user 'cu1'" plan.txt
openssl genrsa -out officer.key 2048 2>/dev/null
t "the officer signs with a key of his own" owner officer.key "$CHSM_PO_KEY"
refused "which is not the owner's consent" "is not the owner's signature" preco restorePartition first.backup plan now.manifest
refused "without the newest state neither" "is not the owner's signature" preco restorePartition first.backup plan
rm -f plan.sig plan.unlock
t "the latest backup is made" officer backupPartition latest.backup
t "the plan of the latest backup" sh -c 'printf "loginHSM PRECO admin tenantadmin\nrestorePartition latest.backup plan latest.backup\n" |
        chsm-mgmt --yes -c second/mgmt.conf && grep -q "undoes nothing" plan.txt'
t "the owner agrees" owner "$CHSM_PO_KEY" "$CHSM_PO_KEY"
t "the partition is restored" preco restorePartition latest.backup plan latest.backup
as_second_officer() {
        {
                echo "loginHSM CO $CHSM_CO_USER $CHSM_CO_PASSWORD"
                echo "$*"
        } | second
}
t "the node serves it by itself" until_true as_second_officer listUsers
t "in the same process" kill -0 "$server"
t "active at once, with the owner's certificate" sh -c 'echo getPartitionInfo | chsm-mgmt -c second/mgmt.conf | grep -q "State  *:activated"'
refused "and the account is still closed" "closed his account" as_second_officer changePswd CU cu1 other12345
refused "no second restore" "is activated" as_second_officer restorePartition first.backup plan
t "its audit chains go on" as_second_officer verifyAuditLog
t "and the log of before is put aside" sh -c 'ls second/data | grep -q "^audit-"'

# ---- between the two ----

cat >both.conf <<EOF
server = 127.0.0.1:$(cat hsm/node1/port)
server = 127.0.0.1:$second_port
owner_certificate = $CHSM_CONF_DIR/PO.crt
certificate = $CHSM_CONF_DIR/client.crt
private_key = $CHSM_CONF_DIR/client.key
EOF
both() {
        {
                echo "loginHSM CO $CHSM_CO_USER $CHSM_CO_PASSWORD"
                cat
        } | chsm-mgmt --yes -c both.conf
}
t "a user is made on the first" officer createUser CU cu2 "user12345"
user2() { officer listUsers | sed -n 's/^ *\([0-9]*\)  *CU  *cu2 .*/\1/p'; }
id=$(user2)
t "and copied to the second" sh -c "printf 'loginHSM CO %s %s\nserver 0\nsyncUser $id 1\n' '$CHSM_CO_USER' '$CHSM_CO_PASSWORD' |
        chsm-mgmt --yes -c both.conf >synced && grep -q 'ExtractMaskedObject: 0x0 !' synced && grep -q 'syncUser success' synced"
refused "once" "user already created, unable to insert object" sh -c "printf 'loginHSM CO %s %s\nserver 0\nsyncUser $id 1\n' \
        '$CHSM_CO_USER' '$CHSM_CO_PASSWORD' | chsm-mgmt --yes -c both.conf"
t "he makes a key on the first" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu2 -p user12345 genSymKey -t 31 -s 32 -l later >made'
key2=$(handle Key <made)
t "which is copied too" sh -c "printf 'loginHSM CO %s %s\nserver 0\nsyncKey $key2 1\nsyncKey $key2 1\n' '$CHSM_CO_USER' \
        '$CHSM_CO_PASSWORD' | chsm-mgmt --yes -c both.conf >synced && grep -q 'nothing to copy' synced"
refused "an officer does not copy what its owner closed to him" "closed his account" sh -c "printf \
        'loginHSM CO %s %s\nserver 0\nsyncKey $key 1\n' '$CHSM_CO_USER' '$CHSM_CO_PASSWORD' | chsm-mgmt --yes -c both.conf"
refused "nor does clone" "cu1" sh -c "printf 'loginHSM CO %s %s\nserver 0\nclone 1\n' '$CHSM_CO_USER' \
        '$CHSM_CO_PASSWORD' | chsm-mgmt --yes -c both.conf"
refused "in the scope of one server" "is for one server" sh -c "printf 'loginHSM CO %s %s\nsyncKey $key2 1\n' \
        '$CHSM_CO_USER' '$CHSM_CO_PASSWORD' | chsm-mgmt --yes -c both.conf"
finish
