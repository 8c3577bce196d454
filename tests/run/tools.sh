#!/bin/sh
# The two utilities against a running node: documented commands, and their refusals.
. "$(dirname "$0")/lib.sh"
hsm_up
echo "some text" >text

make_pair() {
        util "$@" >made && handle public <made >public && handle private <made >private
}

signs() { # MECHANISM OPENSSL_OPTIONS...
        mechanism=$1
        shift
        util sign -f text -k "$(cat private)" -m "$mechanism" -out sig &&
                util exportPubKey -k "$(cat public)" -out pub.pem &&
                openssl dgst "$@" -verify pub.pem -signature sig text &&
                util verify -f text -s sig -k "$(cat public)" -m "$mechanism"
}

t "an RSA pair is made" make_pair genRSAKeyPair -m 2048 -e 65537 -l rsa -id r1
t "openssl accepts SHA256_RSA_PKCS" signs 1 -sha256
t "openssl accepts SHA512_RSA_PKCS" signs 3 -sha512
t "openssl accepts SHA256_RSA_PKCS_PSS" signs 6 -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32
refused "an ECDSA mechanism does not fit an RSA key" "sign failed" util sign -f text -k "$(cat private)" -m 17 -out sig2
refused "a changed file does not verify" "Cfm3Verify returned: 0x1b" \
        util verify -f /etc/hostname -s sig -k "$(cat public)" -m 6
refused "the id is taken" "has this CKA_ID already" util genRSAKeyPair -m 2048 -e 65537 -l other -id r1
refused "an odd modulus" "1024 to 8192 in steps of 256" util genRSAKeyPair -m 1100 -e 65537 -l short
refused "a missing option" "needs option -l" util genRSAKeyPair -m 2048 -e 65537
refused "a strange option" "is no option of" util genRSAKeyPair -m 2048 -e 65537 -l x -zz
refused "an unknown command" "there is no command" util fly
refused "a file that is not there" "nothing-here" util sign -f nothing-here -k "$(cat private)" -m 1 -out sig2
t "a P-256 pair is made" make_pair genECCKeyPair -i 2 -l ec
ecdsa_signs() {
        util sign -f text -k "$(cat private)" -m 17 -out ec.sig && util exportPubKey -k "$(cat public)" -out ec.pem &&
                openssl dgst -sha256 -verify ec.pem -signature ec.sig text &&
                util verify -f text -s ec.sig -k "$(cat public)" -m 17
}
ecdsa_raw() {
        util sign -f text -k "$(cat private)" -m 17 -out raw.sig -raw && [ "$(wc -c <raw.sig)" -eq 64 ] &&
                util verify -f text -s raw.sig -k "$(cat public)" -m 17
}
t "openssl accepts ECDSA_SHA256, and the node what was written" ecdsa_signs
t "a raw ECDSA signature is r and s" ecdsa_raw
openssl_signs() {
        openssl ecparam -name secp521r1 -genkey -noout -out p521.pem && make_pair genECCKeyPair -i 15 -l p521 &&
                util sign -f text -k "$(cat private)" -m 19 -out p521.sig &&
                util verify -f text -s p521.sig -k "$(cat public)" -m 19
}
t "P-521 signatures are wide enough" openssl_signs
refused "curve 3 is not offered" "not offered" util genECCKeyPair -i 3 -l old
t "an AES key is made" util genSymKey -t 31 -s 32 -l aes
t "keys are found by label" sh -c 'chsm-util -j singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" findKey -l ec |
        grep -q "\"handles\":\[[0-9]*,[0-9]*\]"'
t "an RSA key is found by its modulus" sh -c 'chsm-util -j singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" \
        findKey -m pub.pem -c 2 | grep -q "\"handles\":\[[0-9]*\]"'
refused "a file without a modulus" "no RSA modulus" util findKey -m ec.pem
t "a key is on every node" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" findSingleKey \
        -k "$(cat private)" | grep -q "Node id 1 status: 0x00000000"'
refused "and one that is not is on none" "0xa8" util findSingleKey -k 99
session_key() {
        printf 'loginHSM -u CU -s cu1 -p %s\ngenSymKey -t 31 -s 16 -l passing -sess\nfindKey -l passing\nfindKey -l passing -sess 0\ngetKeyInfo -k 4026531841\ndeleteKey -k 4026531841\ngetKeyInfo -k 4026531841\n' \
                "$CHSM_CU_PASSWORD" | chsm-util -j >session.out
        [ "$(grep -c '"ok":true' session.out)" -eq 6 ] && grep -q '"handles":\[4026531841\]' session.out &&
                grep -q '"handles":\[\]' session.out
}
t "a session key lives as long as the tool" session_key
refused "more nodes than there are" "only 1 nodes are up" util genSymKey -t 31 -s 16 -l many -min_srv 2
t "one node is enough" util genSymKey -t 31 -s 16 -l one -min_srv 1 -timeout 5 -m_value 0
refused "a quorum that the key's users cannot make up" "2 users must approve this key" \
        util genSymKey -t 31 -s 16 -l m -m_value 2
refused "firmware attestation" "no firmware" util genSymKey -t 31 -s 16 -l m -attest
t "attributes are written" util getAttribute -o "$(cat private)" -a 512 -out attributes
t "and say what the key is" grep -qx OBJ_ATTR_SENSITIVE attributes
refused "a stranger's handle" "no object with handle 99" util getKeyInfo -k 99
t "a key is deleted" util deleteKey -k "$(cat public)"
refused "and then gone" "no object" util deleteKey -k "$(cat public)"

t "a shortened loginHSM" chsm-util singlecmd loginH -u CU -s cu1 -p "$CHSM_CU_PASSWORD" loginStatus
t "documented error codes are explained" sh -c 'chsm-util Error2String -r 0xdb | grep -q "Error Code db maps to HSM Error: Invalid User Type."'
t "help is JSON when asked for" sh -c 'chsm-util -j help | grep -q "\"name\":\"sign\""'
refused "no question is asked in JSON mode" "give --yes" sh -c 'printf "loginHSM CO admin %s\ncreateUser CU cu9 user2345\n" \
        "$CHSM_CO_PASSWORD" | chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
refused "a wrong password" "user name or password is wrong" chsm-util singlecmd loginHSM -u CU -s cu1 -p wrong1234
refused "an officer does not log in here" "only crypto users" chsm-util singlecmd loginHSM -u CO -s admin -p x
refused "nobody makes keys" "no user is logged in" chsm-util singlecmd genSymKey -t 31 -s 32 -l x
t "an officer makes a user" officer createUser CU cu2 user2345
t "the user is listed" sh -c 'echo listUsers | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep -q cu2'
refused "a short password" "8 to 32" officer createUser CU cu3 short
refused "a user may not make users" "role may not" sh -c 'printf "loginHSM CU cu2 user2345\ncreateUser CU cu4 user2345\n" |
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
refused "nobody may make users" "no user is logged in" nobody createUser CU cu4 user2345
refused "an owner with keys stays" "owns" officer deleteUser CU cu1
t "a user without keys goes" officer deleteUser CU cu2
refused "the last officer stays" "logged in here" officer deleteUser CO admin
refused "the owner stays the owner" "may not do 'store_cert'" officer storeCert "$CHSM_PO_CRT" 4
t "the owner's certificate comes back" sh -c 'echo "getCert po.pem 4" | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" &&
        [ "$(openssl x509 -in po.pem -fingerprint -noout)" = "$(openssl x509 -in "$CHSM_PO_CRT" -fingerprint -noout)" ]'

t "a key for wrapping only" util genSymKey -t 31 -s 32 -l kek -role wrap
refused "a strange role" "wrap, encrypt or sign" util genSymKey -t 31 -s 32 -l kek2 -role fly
t "a key says how exposed it is" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" auditKeys -json |
        grep -q "\"exposure\":\"protected\""'
t "an officer sees it too" sh -c 'printf "loginHSM CO %s %s\nauditKeys\n" "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" |
        chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep -q "it leaves under trusted keys only"'
t "the policy is shown to everybody" sh -c 'echo getPolicy | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" |
        grep -q "profile *documented"'
t "an officer tightens it" officer setPolicy wrap_strength 2
refused "and nobody loosens it" "nobody can afterwards" officer setPolicy wrap_strength 1
refused "a user sets no policy" "role may not" sh -c 'printf "loginHSM CU cu1 %s\nsetPolicy non_fips 0\n" \
        "$CHSM_CU_PASSWORD" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'

t "the node restarts" hsm_restart
t "and its keys sign on" util sign -f text -k "$(cat private)" -m 17 -out ec2.sig
. "$work/hsm/env"
t "metrics count it" sh -c 'curl -sf "http://127.0.0.1:$CHSM_ADMIN_PORT/metrics" | grep -q "chsm_requests_total{command=\"sign\"} 1"'
t "the audit chains of the node are unbroken" officer verifyAuditLog
signed_head() {
        until officer verifyAuditLog hsm/node1/data/audit >signed.out 2>&1 && [ "$(signed_heads)" -gt 0 ]; do
                waited=$((${waited:-0} + 1))
                [ "$waited" -lt 50 ] || { cat signed.out; return 1; }
                sleep 0.1
        done
}
signed_heads() {
        printf 'loginHSM CO %s %s\nverifyAuditLog\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" |
                chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | sed -n 's/.*"signed":\([0-9]*\).*/\1/p' | tail -n 1
}
t "and so are its files, as far as the partition signed them" signed_head
refused "crypto users do not read the audit log" "role may not" sh -c 'printf "loginHSM CU cu1 %s\nverifyAuditLog\n" \
        "$CHSM_CU_PASSWORD" | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
mkdir copy
sed '3s/"user":"[a-z0-9]*"/"user":"nobody"/; 3s/CN_/CX_/' hsm/node1/data/audit/use-0.jsonl >copy/use-0.jsonl
refused "a changed record is found" "record 3 does not follow" officer verifyAuditLog copy
head -n 4 hsm/node1/data/audit/use-0.jsonl >copy/use-0.jsonl
refused "a log that was cut off is found" "the files end after 4 records" officer verifyAuditLog copy
sed 5d hsm/node1/data/audit/use-0.jsonl >copy/use-0.jsonl
refused "a record left out is found" "record 4 is missing" officer verifyAuditLog copy
t "the log of key use has the signature" grep -q '"CN_SIGN"' hsm/node1/data/audit/use-0.jsonl
finish
