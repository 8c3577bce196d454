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
refused "a changed file does not verify" "Cfm3Verify returned: 0xc0" \
        util verify -f /etc/hostname -s sig -k "$(cat public)" -m 6
refused "the id is taken" "has this CKA_ID already" util genRSAKeyPair -m 2048 -e 65537 -l other -id r1
refused "a short modulus" "2048 to 8192" util genRSAKeyPair -m 1024 -e 65537 -l short
refused "a missing option" "needs option -l" util genRSAKeyPair -m 2048 -e 65537
refused "a strange option" "is no option of" util genRSAKeyPair -m 2048 -e 65537 -l x -zz
refused "an unknown command" "there is no command" util fly
refused "a file that is not there" "nothing-here" util sign -f nothing-here -k "$(cat private)" -m 1 -out sig2
t "a P-256 pair is made" make_pair genECCKeyPair -i 2 -l ec
t "its key signs through the module's encoding" util sign -f text -k "$(cat private)" -m 17 -out ec.sig
refused "curve 1 is not offered" "not offered" util genECCKeyPair -i 1 -l old
t "an AES key is made" util genSymKey -t 31 -s 32 -l aes
t "keys are found by label" sh -c 'chsm-util -j singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" findKey -l ec |
        grep -q "\"handles\":\[[0-9]*,[0-9]*\]"'
t "attributes are written" util getAttribute -o "$(cat private)" -a 512 -out attributes
t "and say what the key is" grep -qx OBJ_ATTR_SENSITIVE attributes
refused "a stranger's handle" "no object with handle 99" util getKeyInfo -k 99
t "a key is deleted" util deleteKey -k "$(cat public)"
refused "and then gone" "no object" util deleteKey -k "$(cat public)"

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

t "the node restarts" hsm_restart
t "and its keys sign on" util sign -f text -k "$(cat private)" -m 17 -out ec2.sig
. "$work/hsm/env"
t "metrics count it" sh -c 'curl -sf "http://127.0.0.1:$CHSM_ADMIN_PORT/metrics" | grep -q "chsm_requests_total{command=\"sign\"} 1"'
t "the log of key use has the signature" grep -q '"CN_SIGN"' hsm/node1/data/audit/use-0.jsonl
finish
