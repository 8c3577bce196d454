#!/bin/sh
# Two regions as whole programs: the second follows the first under load and through kill -9 of either, takes over with the
# owner's signature, fences the first, which shows what only it has, gives it up as masked objects, and follows in turn;
# then an orderly change back. docs/regions.md.
. "$(dirname "$0")/../guides/lib.sh"

openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -x509 -days 30 -subj "/CN=operator" \
        -keyout operator.key -out operator.crt >>openssl.log 2>&1
for name in hsm1 hsm11; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" -keyout "$name.key" \
                -out "$name.csr" >>openssl.log 2>&1
        openssl x509 -req -in "$name.csr" -CA operator.crt -CAkey operator.key -CAcreateserial -days 30 -out "$name.crt" \
                >>openssl.log 2>&1
        mkdir -p "$name/clients"
        chmod 700 "$name"
done
# Each region's node is enrolled with the other one as its clients are.
cp hsm11.crt hsm1/clients/
cp hsm1.crt hsm11/clients/

# region_node NAME NUMBER [LINE...]
region_node() {
        name=$1
        number=$2
        shift 2
        node_up "$name" "node_number = $number" "operator_certificate = $work/operator.crt" \
                "node_certificate = $work/$name.crt" "node_private_key = $work/$name.key" "$@"
}
first_up() {
        region_node hsm1 1 "owner_certificate = $work/owner/PO.crt" "region_peer = 127.0.0.1:$(cat hsm11.port)"
}
second_up() {
        region_node hsm11 11 "owner_certificate = $work/owner/PO.crt" "region_peer = 127.0.0.1:$(cat hsm1.port)" \
                "backup_dir = $work/backups"
}
kill_now() {
        kill -9 "$(cat "$1.pid")"
        until_true sh -c "! kill -0 $(cat "$1.pid")"
}

# info NAME FIELD: of getRegionInfo --json.
info() {
        resource "$1" owner
        echo getRegionInfo | (cd sdk/bin && ./azcloudhsm_mgmt_util --json ./azcloudhsm_resource.cfg) 2>/dev/null | tail -n 1 |
                python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"
}
is() { [ "$(info "$1" "$2")" = "$3" ]; }
level() { [ "$(info hsm11 lag_revisions)" = 0 ] && [ "$(info hsm11 revision)" -ge "$1" ]; }
hash_at() {
        resource "$1" owner
        { echo findAllKeys 0 1 | as admin; } || true
        grep -A1 'Key Hash' said | grep -oE '[0-9a-f]{64}'
}
admin_at() { # NAME COMMAND
        resource "$1" owner
        echo "$2" | as admin
}
anybody_at() {
        resource "$1" owner
        echo "$2" | mgmt --yes
}

count_of() {
        grep -c "^$1.*	ok	" history || true
}
more_than() {
        [ "$(count_of write)" -gt "$(($1 + 20))" ]
}

region_node hsm1 1
ceremony hsm1 owner
client_up hsm1
does "a key in the first region" key cu1 genECCKeyPair -i 2 -l signing -nex
made_pair
echo "some text" >text
does "it signs" key cu1 sign -f text -k "$private" -m 17 -out sig0
does "its public half is known" key cu1 exportPubKey -k "$public" -out signing.pem

# ---- following ----
second_up
t "the second region follows" is hsm11 role follower
kill_now hsm1
first_up
t "it goes on when the first is killed and comes back" until_true level "$(info hsm1 revision)"
export CHSM_MODULE="$build/src/programs/libchsm-pkcs11.so"
CHSM_SOCKET=$work/hsm1.socket
export CHSM_SOCKET
mkfifo end
exec 9<>end
"$build/tests/run/cluster/cluster_load" "$CHSM_MODULE" "$work" "$work/history" load cu1:user1234 admin:admin1234 \
        <end >load.log 2>&1 9>&- &
load=$!
servers="$servers $load"
until_true grep -q begun load.log
samples=
for n in 1 2 3 4 5; do
        samples="$samples $(info hsm11 apply_ms 9>&-)/$(info hsm11 lag_revisions 9>&-)"
        [ "$n" != 3 ] || { kill_now hsm11; second_up 9>&-; }
        did=$(count_of write)
        until_true more_than "$did"
done
exec 9>&-
t "an application works on while the region that follows is killed and started again" wait "$load"
echo "# $(count_of write) changes, $(count_of use) uses of keys; ms from commit to commit/revisions behind:$samples"
t "and has everything soon" until_true level "$(info hsm1 revision)"
before=$(hash_at hsm1)

# ---- a client of both ----
cat >both.conf <<END
socket = $work/both.socket
server = 127.0.0.1:$(cat hsm11.port)
server = 127.0.0.1:$(cat hsm1.port)
owner_certificate = $work/owner/PO.crt
certificate = $work/sdk/cert/cert-c
private_key = $work/sdk/cert/pkey-c
ready_file = $work/both.ready
END
serve both azcloudhsm_client --config "$work/both.conf"
until_true [ -s both.ready ]
at_both() {
        CHSM_SOCKET=$work/both.socket
        for n in 1 2 3 4 5 6; do
                key "$@" || return 1
        done
}
does "whoever has nodes of both regions works with the primary" at_both cu3 genSymKey -t 31 -s 32 -l both
resource hsm1 owner
before=$(hash_at hsm1)
t "which is followed" until_true level "$(info hsm1 revision)"

# ---- it is read-only, and the owner alone makes it primary ----
fails "a login is refused there, with where to go" "this region follows another one and is read-only" admin_at hsm11 listUsers
does "its node writes what the owner signs" anybody_at hsm11 "getRegionStatement $work/statement"
shows "openssl dgst -sha256 -sign PO.key" "Node: 11 hsm11" "Epoch: 1"
openssl dgst -sha256 -sign owner/PO.key -out statement.sig statement
openssl dgst -sha256 -sign hsm1.key -out other.sig statement
fails "another key's signature is refused" "not the owner's signature" anybody_at hsm11 "promoteRegion $work/other.sig -force"
fails "and while the first region takes changes, so is the owner's" "demoteRegion there first" \
        anybody_at hsm11 "promoteRegion $work/statement.sig"
fails "a region that nobody superseded has nothing unseen" "was not superseded" admin_at hsm1 listUnseen

t "it makes no backups while it follows" [ -z "$(ls backups)" ]

# ---- the first region is lost, with a key that the second never got ----
kill_now hsm11
resource hsm1 owner
does "a last key" key cu2 genSymKey -t 31 -s 32 -l last -nex
last=$(made)
kill_now hsm1
second_up
t "a region that follows starts without the first" is hsm11 role follower
does "the second takes over" anybody_at hsm11 "promoteRegion $work/statement.sig -force"
shows "This region is primary, with epoch 1" "promoteRegion success"
fails "once" "primary already" anybody_at hsm11 "promoteRegion $work/statement.sig -force"
t "it has every key that it had seen" [ "$(hash_at hsm11)" = "$before" ]
client_up hsm11
does "keys sign there" key cu1 sign -f text -k "$private" -m 17 -out sig1
t "with the same value, says openssl" openssl dgst -sha256 -verify signing.pem -signature sig1 text
t "and the backup that was due is made" until_true sh -c 'ls backups | grep -q "\.backup$"'
does "changes are taken" key cu1 genSymKey -t 31 -s 32 -l after

does "so are those of whoever has both" at_both cu3 genSymKey -t 31 -s 32 -l both

# ---- the first comes back ----
first_up
t "it hears of that before it serves, and is fenced" is hsm1 role fenced
resource hsm1 owner
fails "it changes nothing any more" "superseded by epoch 1" key cu1 genSymKey -t 31 -s 32 -l never
does "who has both goes on with the second" at_both cu3 genSymKey -t 31 -s 32 -l both
resource hsm1 owner
t "it counts what only it has" sh -c "printf 'loginHSM CO admin admin1234\\nlistUnseen\\n' | (cd sdk/bin && ./azcloudhsm_mgmt_util \
        --json --yes ./azcloudhsm_resource.cfg) | tail -n 1 | grep '\"count\":1,' | grep -q '\"operation\":\"CN_GENERATE_KEY\"\|CN_GENERATE_KEY'"
does "it tells what only it has" admin_at hsm1 listUnseen
shows '"op":"CN_GENERATE_KEY"' "listUnseen success"
resource hsm1 owner
does "which its owner takes out" key cu2 extractMaskedObject -o "$last" -out last.masked
resource hsm11 owner
does "and brings into the second region" key cu2 insertMaskedObject -f last.masked
does "then it follows" admin_at hsm1 demoteRegion
shows "demoteRegion success"
t "as a follower of the other" until_true is hsm1 role follower
t "the list of what only it had is kept" [ -s hsm1/unseen-epoch-1.jsonl ]

# ---- an orderly change back ----
follows() { [ "$(info hsm1 lag_revisions)" = 0 ] && [ "$(info hsm1 revision)" -ge "$1" ]; }
t "it catches up" until_true follows "$(info hsm11 revision)"
before=$(hash_at hsm11)
does "the second stands down" admin_at hsm11 demoteRegion
shows "has stood down"
takes_over() {
        anybody_at hsm1 "getRegionStatement $work/back" &&
                openssl dgst -sha256 -sign owner/PO.key -out back.sig back && anybody_at hsm1 "promoteRegion $work/back.sig"
}
does "the first takes over again, unforced" until_true takes_over
t "without a key lost" [ "$(hash_at hsm1)" = "$before" ]
t "the second hears of it" until_true is hsm11 superseded_by 2
does "and follows" admin_at hsm11 demoteRegion
t "again" until_true is hsm11 role follower
resource hsm1 owner
does "the audit chains are unbroken" admin_at hsm1 verifyAuditLog
finish
