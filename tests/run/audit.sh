#!/bin/sh
# The HSM's own audit log: exported with signed heads, checked offline, purged with bridges, marked by users.
. "$(dirname "$0")/lib.sh"
hsm_up
echo "audit_keep_days = 0" >"$CHSM_CONF_DIR/node.more"
hsm_restart
. "$work/hsm/env"
mgmt_json() {
        printf 'loginHSM CO %s %s\n%s\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" "$*" |
                chsm-mgmt --json --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | tail -n 1
}
as_user() {
        printf 'loginHSM CU %s %s\n%s\n' "$CHSM_CU_USER" "$CHSM_CU_PASSWORD" "$*" |
                chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
field() {
        python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}
# Offline: no configuration, no node.
verify() {
        env -i PATH="$PATH" chsm-mgmt --config /nonexistent verifyAuditLog "$@"
}

# ---- marks ----
t "an officer marks his records" officer 'setAuditUDD "CHG-1234 new user"'
t "a user marks his, with the other tool" util setAuditUDD -d "batch 7"
says_batch() {
        util getAuditUDD | grep -q "records: batch 7"
}
t "and each sees his own" says_batch
officer_mark() {
        [ "$(mgmt_json getAuditUDD | field udd)" = "CHG-1234 new user" ]
}
t "the officer's is another" officer_mark
refused "66 bytes are too many" "64 are the most" util setAuditUDD -d 012345678901234567890123456789012345678901234567890123456789012345
refused "text and clearing at once" "either -d with the text, or -c" util setAuditUDD -d x -c
refused "neither of them" "usage: setAuditUDD -d TEXT | -c" util setAuditUDD
refused "nobody has no mark" "no user is logged in" nobody getAuditUDD
refused "and sets none" "no user is logged in" nobody setAuditUDD x

# ---- export ----
mkdir logs
util genECCKeyPair -i 2 -l ec >pair
handle private <pair >private
echo text >text
t "an officer makes a user" officer createUser CU audited user2345
t "a second officer" officer createUser CO second user2345
t "a signature" util sign -f text -k "$(cat private)" -m 17 -out sig
refused "a wrong password" "failed" sh -c 'printf "loginHSM CO %s wrongpassword\n" "$CHSM_CO_USER" |
        chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
mgmt_json getAuditLogs logs cef >export.json
t "the log is exported" sh -c 'grep -q "\"ok\":true" export.json'
log=$(field file <export.json)
cef=$(field cef <export.json)
t "nobody else may read it" sh -c "[ \"\$(stat -c %a '$log')\" = 600 ] && [ \"\$(stat -c %a '$cef')\" = 600 ]"
t "no part is left behind" sh -c '[ -z "$(ls -A logs | grep "^\.")" ]'
t "the partition's certificate" nobody getCert partition.pem 8
t "it hangs under the owner's" openssl verify -CAfile "$CHSM_PO_CRT" partition.pem
openssl x509 -in partition.pem -noout -pubkey >partition.pub
t "the export verifies without any node, by certificate" verify "$log" -k partition.pem
t "and by public key" verify "$log" -k partition.pub
openssl_verifies() {
        sed -n 1p "$log" >manifest
        sed -n 2p "$log" | sed 's/.*:"\(.*\)"}/\1/' | openssl base64 -d -A >manifest.sig
        openssl dgst -sha256 -verify partition.pub -signature manifest.sig manifest
}
t "openssl says the same of the manifest" openssl_verifies
# The chain again, by another program than ours.
chain_verifies() {
        python3 - "$log" <<'END'
import hashlib, json, sys
lines = open(sys.argv[1], "rb").readlines()
manifest = json.loads(lines[0])
at, count = 2, 0
for chain in manifest["chains"]:
    expected = chain["start"]
    for seq in range(chain["first"], chain["next"]):
        record = json.loads(lines[at])
        assert record["seq"] == seq and record["chain"] == chain["chain"] and record["prev"] == expected
        expected = hashlib.sha256(lines[at]).hexdigest()
        at, count = at + 1, count + 1
    assert expected == chain["head"]
assert at == len(lines) and count > 15
END
}
t "and python of every hash" chain_verifies
t "marks stand in the records" sh -c "grep '\"subject\":\"audited\"' '$log' | grep -q '\"udd\":\"CHG-1234 new user\"'"
t "the user's in his" sh -c "grep '\"op\":\"CN_SIGN\"' '$log' | grep -q '\"udd\":\"batch 7\"'"
t "an officer's creation has its own number" grep -q '"op":"CN_CREATE_CO","opcode":"0x4"' "$log"
t "starts are counted" sh -c "grep '\"op\":\"CN_SIGN\"' '$log' | grep -q '\"boot\":2'"
t "CEF has the documented names" sh -c "grep '|CN_LOGIN|6|' '$cef' | grep 'cn1Label=Sequence No' |
        grep 'cs4Label=Response cs4=163:HSM Error: RET_USER_LOGIN_FAILURE' | grep -q 'outcome=failure reason=login-failed'"
t "and where a caller was" sh -c "grep '|CN_SIGN|3|' '$cef' | grep -q ' src=127.0.0.1 spt=[0-9]* shost='"
t "and a line for each record" sh -c "[ \$(grep -c '^CEF:0|chsm|' '$cef') = \$(grep -c '\"op\":' '$log') ]"
mgmt_json getAuditLogs logs documented >documented.json
documented_form() {
        python3 - "$(field documented <documented.json)" <<'END'
import json, re, sys
rows = [json.loads(l) for l in open(sys.argv[1])]
made = [r for r in rows if r["Opcode"] == "CN_CREATE_USER (0x3)" and r["User Name"] == "audited"][0]
assert re.fullmatch(r"\d\d/\d\d/\d\d \d\d:\d\d:\d\d\.\d{6}, usecs:\d{16}", made["Time"])
assert made["Command Type(hex)"] == "CN_MGMT_CMD (0x0)" and made["Log type"] == "MGMT_USER_DETAILS_LOG (2)"
assert made["Response"] == "0:HSM Return: SUCCESS" and made["Reboot counter"] == "0x2"
pair = [r for r in rows if r["Opcode"] == "CN_GENERATE_KEY_PAIR (0x19)"][0]
assert pair["Log type"] == "MGMT_KEY_DETAILS_LOG (1)" and "Public Key Handle" in pair
failed = [r for r in rows if r["Response"].startswith("163:")]
assert failed and all(r["Opcode"] == "CN_LOGIN (0xd)" for r in failed)
assert all(re.fullmatch("0x[0-9a-f]+", r["Sequence No"]) for r in rows)
END
}
t "so has the documented form" documented_form
refused "a strange form" "there are jsonl, documented and cef" officer getAuditLogs logs xml
refused "a folder that is none" "is no folder" officer getAuditLogs nowhere
refused "a folder that takes nothing" "cannot be written" officer getAuditLogs /proc
refused "crypto users do not export" "role may not" as_user getAuditLogs logs
refused "nor does nobody" "no user is logged in" nobody getAuditLogs logs

# ---- tampering ----
sed '5s/"op":"CN_/"op":"CX_/' "$log" >edited
refused "an edited record" "was changed" verify edited -k partition.pem
sed 6d "$log" >gap
refused "a record left out" "missing" verify gap -k partition.pem
sed '6{h;d};7{G}' "$log" >swapped
refused "two records changed about" "stands in its place" verify swapped -k partition.pem
sed '6p' "$log" >twice
refused "a record twice" "stands in its place" verify twice -k partition.pem
sed '$d' "$log" >cut
refused "the last record cut off" "the export ends before" verify cut -k partition.pem
head -c 3000 "$log" >half
refused "half a record" "within a line" verify half -k partition.pem
sed '1s/"node":"hsm1"/"node":"hsm2"/' "$log" >moved
refused "another node's manifest" "not signed by this partition" verify moved -k partition.pem
refused "another partition's certificate" "not signed by this partition" verify "$log" -k "$CHSM_PO_CRT"
refused "a key that is none" "neither a certificate nor a public key" verify "$log" -k text
refused "a log that is none" "no exported audit log" verify text -k partition.pem
refused "a log that is not there" "cannot be read" verify nothing -k partition.pem
refused "a key without -k" "takes a FILE and -k" officer verifyAuditLog "$log" partition.pem x

# ---- the same, asked of the node ----
online() {
        mgmt_json verifyAuditLog >online.json && [ "$(field ok <online.json)" = True ] && [ "$(field records <online.json)" -gt 15 ]
}
t "the node's own log verifies" online
t "and so does the file, by the node's certificate" officer verifyAuditLog "$log"

# ---- purge ----
today=$(date -u +%Y-%m-%d)
refused "a time that is none" "is no time" officer purgeAuditLogs yesterday
refused "a day to come" "for 0 days at least" officer purgeAuditLogs 2999-01-01
refused "users purge nothing" "role may not" as_user purgeAuditLogs "$today"
refused "nobody neither" "no user is logged in" nobody purgeAuditLogs "$today"
now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
purges() {
        mgmt_json purgeAuditLogs "$now" >purge.json && [ "$(field records <purge.json)" -gt 3 ]
}
t "what is older than now goes" purges
again() {
        [ "$(mgmt_json purgeAuditLogs "$now" | field records)" = 0 ]
}
t "once" again
mgmt_json getAuditLogs logs >export.json
log2=$(field file <export.json)
bridged() {
        verify "$log2" -k partition.pem >bridged && grep "chain mgmt-.*records 1 to .* were purged at .* by 'admin'" bridged
}
t "the export has bridges in its place, and verifies" bridged
t "without what was purged" sh -c "! grep -q '\"subject\":\"audited\"' '$log2'"
t "with who purged it" grep -q '"op":"CN_AUDIT_PURGE".*"subject":"before ' "$log2"
bridge=$(grep -n '"bridge":' "$log2" | head -n 1 | cut -d: -f1)
sed "${bridge}s/\"next\":[0-9]*/\"next\":99/" "$log2" >forged
refused "a forged bridge" "is not signed by this partition" verify forged -k partition.pem
sed "${bridge}s/admin/nadim/" "$log2" >forged
refused "a bridge in another's name" "is not signed by this partition" verify forged -k partition.pem
sed "${bridge},$((bridge + 1))d" "$log2" >forged
refused "a bridge taken away" "no signed bridge says" verify forged -k partition.pem
t "the node's log verifies with its bridges" officer verifyAuditLog
echo "audit_keep_days = 90" >"$CHSM_CONF_DIR/node.more"
hsm_restart
. "$work/hsm/env"
refused "records of 90 days stay" "for 90 days at least" officer purgeAuditLogs "$today"
t "the log verifies after a restart" officer verifyAuditLog

t "marks are taken off" util setAuditUDD -c
says_nothing() {
        util getAuditUDD | grep -q "No user-defined data"
}
t "and are gone" says_nothing
t "the officer's too" officer setAuditUDD
finish
