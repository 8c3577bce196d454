#!/bin/sh
# An officer is locked out, and the partition's owner lets him in with openssl: the whole documented way.
. "$(dirname "$0")/lib.sh"
hsm_up
mkdir challenges signatures

mgmt() { # lines on standard input
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
says() { # WORDS COMMAND...
        words=$1
        shift
        "$@" >said 2>&1 && grep -qF -- "$words" said || { cat said; return 1; }
}
guess() {
        for _ in 1 2 3 4 5; do
                nobody loginHSM CO admin guess1234 && return 1
        done
        return 0
}
sign_all() { # KEY
        openssl dgst -sha256 -sign "$1" -out challenge.sign0 challenges/challenge_node_0
        printf '{"Unlock CO signatures":{"Node 0":"%s/challenge.sign0"}}' "$work" >template.json
}

t "five wrong passwords" guess
refused "lock the only officer" "is locked after 5 failed logins" officer listUsers
refused "who is told of the owner" "getChallenge, unlockCO" officer listUsers
t "anybody gets a challenge" says "getChallenge success" nobody getChallenge admin challenges signatures
t "of 176 bytes" [ "$(wc -c <challenges/challenge_node_0)" -eq 176 ]
t "with a signature of 256" [ "$(wc -c <signatures/signature_node_0)" -eq 256 ]
t "by the partition, as its certificate says" sh -c 'echo "getCert poac.pem 8" | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" &&
        openssl x509 -in poac.pem -pubkey -noout >partition.pem &&
        openssl dgst -sha256 -verify partition.pem -signature signatures/signature_node_0 challenges/challenge_node_0'
refused "a folder that is not there" "is no folder" nobody getChallenge admin nowhere signatures
refused "nor the second" "is no folder" nobody getChallenge admin challenges nowhere
refused "crypto users are an officer's to unlock" "unlockUser" nobody getChallenge cu1 challenges signatures
refused "nobody of that name" "there is no user 'cu9'" nobody getChallenge cu9 challenges signatures

refused "without a template a sample is written" "A sample was written to template.json" nobody unlockCO admin template.json
t "which is JSON" python3 -c 'import json; assert "Node 0" in json.load(open("template.json"))["Unlock CO signatures"]'
refused "its paths are to be filled in" "/path/to/challenge.sign0" nobody unlockCO admin template.json
echo '{' >template.json
refused "a template that is none" "template.json:" nobody unlockCO admin template.json
echo '{}' >template.json
refused "a template of something else" "Unlock CO signatures" nobody unlockCO admin template.json
echo '{"Unlock CO signatures":{"Node 7":"x"}}' >template.json
refused "a template without the node" 'no signature for "Node 0"' nobody unlockCO admin template.json
openssl genrsa -out other.pem 2048 2>/dev/null
sign_all other.pem
refused "another key" "not the owner's signature" nobody unlockCO admin template.json
sign_all "$CHSM_PO_KEY"
refused "another officer" "there is no user 'captain'" nobody unlockCO captain template.json
refused "what is done then is a new password only" "only changePswd is possible" sh -c 'printf "unlockCO admin template.json\nlistUsers\ncreateUser CU cu7 user2345\n" |
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
refused "the signature was for one use" "not the owner's signature" nobody unlockCO admin template.json

t "the next challenge" nobody getChallenge ADMIN challenges signatures
t "is another" sh -c '! openssl dgst -sha256 -verify partition.pem -signature challenge.sign0 challenges/challenge_node_0'
t "the node restarts meanwhile" hsm_restart
sign_all "$CHSM_PO_KEY"
let_in() {
        printf 'unlockCO admin template.json\nchangePswd CO admin Fresh-start-77\nlistUsers\n' | mgmt >said 2>&1 &&
                grep -q "unlockCO success" said && grep -q "changePswd success" said || { cat said; return 1; }
}
t "the owner's signature lets him in, and he changes his password" let_in
two_nodes() {
        sed 'p' "$CHSM_CONF_DIR/chsm-mgmt.conf" | awk '!/^server/ { if (seen[$0]++) next } { print }' >twice.conf
        echo 'getChallenge admin challenges signatures' | chsm-mgmt -c "$work/twice.conf" &&
                openssl dgst -sha256 -sign "$CHSM_PO_KEY" -out challenge.sign1 challenges/challenge_node_1
}
t "each node has a challenge" two_nodes
refused "the old one is worth nothing" "user name or password is wrong" officer listUsers
CHSM_CO_PASSWORD=Fresh-start-77
t "with the new one he works" officer createUser CU cu7 user2345
t "the audit chains are unbroken" officer verifyAuditLog
finish
