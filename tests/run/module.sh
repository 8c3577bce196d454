#!/bin/sh
# The PKCS#11 module under unmodified programs: OpenSC's pkcs11-tool, and openssl through Debian's libp11 engine.
. "$(dirname "$0")/lib.sh"
hsm_up
echo "some text" >text

p11() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" "$@"
}

t "pkcs11-tool makes an RSA pair" p11 --keypairgen --key-type rsa:2048 --id 01 --label web
t "and a P-256 pair" p11 --keypairgen --key-type EC:prime256v1 --id 02 --label ec
t "and an AES key" p11 --keygen --key-type AES:32 --id 03 --label aes --sensitive --private
t "public keys come out" sh -c 'for i in 01 02; do pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" \
        --read-object --type pubkey --id $i -o $i.der && openssl pkey -pubin -inform DER -in $i.der -out $i.pem; done'
t "RSA signs" sh -c 'pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --sign -m SHA256-RSA-PKCS --id 01 \
        -i text -o sig && openssl dgst -sha256 -verify 01.pem -signature sig text'
t "RSA-PSS signs" sh -c 'pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --sign -m SHA256-RSA-PKCS-PSS \
        --id 01 -i text -o sig && openssl dgst -sha256 -sigopt rsa_padding_mode:pss -verify 01.pem -signature sig text'
t "ECDSA signs" sh -c 'pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --sign -m ECDSA-SHA256 --id 02 \
        --signature-format openssl -i text -o sig && openssl dgst -sha256 -verify 02.pem -signature sig text'
t "what openssl encrypts is decrypted" sh -c 'openssl pkeyutl -encrypt -pubin -inkey 01.pem -in text -out enc &&
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --decrypt -m RSA-PKCS --id 01 -i enc -o dec &&
        cmp text dec'
t "AES-CBC-PAD there and back" sh -c 'iv=000102030405060708090a0b0c0d0e0f
        head -c 100000 /dev/urandom >big
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --encrypt -m AES-CBC-PAD --iv $iv --id 03 -i big -o enc &&
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --decrypt -m AES-CBC-PAD --iv $iv --id 03 -i enc -o dec &&
        cmp big dec'
t "pkcs11-tool --test finds no error" sh -c 'pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --test >test.out 2>&1
        grep -q "No errors" test.out'
t "pkcs11-tool --test-ec finds no error" sh -c 'pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" \
        --session-rw --test-ec --id 11 --label tec --key-type EC:prime256v1'
head -c 5000001 /dev/urandom >film
p11_quiet() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" "$@" >tool.out 2>&1 || { cat tool.out; return 1; }
}
large_rsa() {
        p11_quiet --sign -m SHA256-RSA-PKCS --id 01 -i film -o sig && openssl dgst -sha256 -verify 01.pem -signature sig film
}
large_pss() {
        p11_quiet --sign -m SHA384-RSA-PKCS-PSS --id 01 -i film -o sig && openssl dgst -sha384 \
                -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 -verify 01.pem -signature sig film
}
large_ecdsa() {
        p11_quiet --sign -m ECDSA-SHA256 --id 02 --signature-format openssl -i film -o sig &&
                openssl dgst -sha256 -verify 02.pem -signature sig film &&
                p11_quiet --verify -m ECDSA-SHA256 --id 02 --signature-format openssl -i film --signature-file sig
}
large_digest() {
        p11_quiet --hash -m SHA512 -i film -o digest && [ "$(od -An -v -tx1 digest | tr -d " \n")" = "$(sha512sum film | cut -d' ' -f1)" ]
}
t "5 MB are signed with RSA" large_rsa
t "and with RSA-PSS" large_pss
t "and with ECDSA, and verified" large_ecdsa
t "and digested" large_digest
hsm_restart
head -c 9000 /dev/urandom >large
t "the first message after a login may be a large one" p11 --write-object large --type data --label large
refused "a wrong PIN" CKR_PIN_INCORRECT pkcs11-tool --module "$CHSM_MODULE" --login --pin cu1:wrong1234 -O
refused "a PIN without a user" CKR_PIN_INCORRECT pkcs11-tool --module "$CHSM_MODULE" --login --pin user1234 -O
fails_login() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$1" -O
}
officer createUser CU locked user1234 >/dev/null
for try in 1 2 3 4 5; do
        refused "wrong password, try $try" CKR_PIN_INCORRECT fails_login locked:wrong1234
done
refused "the account is locked, even for the right password" CKR_PIN_LOCKED fails_login locked:user1234
refused "an unknown user looks like a wrong password" CKR_PIN_INCORRECT fails_login stranger:user1234
t "an officer unlocks" officer unlockUser locked
t "and the right password is right again" fails_login locked:user1234
before_login() { # public objects only (policy public_before_login)
        pkcs11-tool --module "$CHSM_MODULE" -O >seen 2>/dev/null && grep -q "^Public Key Object" seen &&
                ! grep -qE "^(Private|Secret) Key Object" seen
}
t "before login public objects are seen, and no others" before_login
t "private keys do not come out" sh -c '! pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --read-object \
        --type privkey --id 01 -o priv.der; [ ! -s priv.der ]'

cat >openssl.cnf <<EOF
openssl_conf = init
[init]
engines = engines
[engines]
pkcs11 = pkcs11
[pkcs11]
engine_id = pkcs11
MODULE_PATH = $CHSM_MODULE
PIN = $CHSM_PIN
init = 0
[req]
distinguished_name = dn
[dn]
EOF
uri="pkcs11:token=$CHSM_TOKEN;type=private;object"
engine() {
        OPENSSL_CONF=openssl.cnf openssl "$@"
}
engine_signs() {
        engine dgst -engine pkcs11 -keyform engine -sha256 -sign "$uri=$1" -out sig text &&
                openssl dgst -sha256 -verify "$2" -signature sig text
}
issue() {
        engine req -new -x509 -subj /CN=ca -engine pkcs11 -keyform engine -key "$uri=web" -out ca.crt &&
                openssl req -newkey rsa:2048 -nodes -keyout leaf.key -subj /CN=leaf -out leaf.csr &&
                engine x509 -req -in leaf.csr -CA ca.crt -CAkeyform engine -engine pkcs11 -CAkey "$uri=web" \
                        -set_serial 7 -out leaf.crt && openssl verify -CAfile ca.crt leaf.crt
}
t "openssl dgst signs with RSA through the engine" engine_signs web 01.pem
t "openssl dgst signs with ECDSA through the engine" engine_signs ec 02.pem
t "openssl x509 -req issues through the engine" issue

t "the node restarts under the module" hsm_restart
t "and the module signs again" engine_signs web 01.pem
"$top/scripts/dev-cluster" down "$work/hsm"
refused "without a daemon there is a clear end" CKR_GENERAL_ERROR pkcs11-tool --module "$CHSM_MODULE" -L
finish
