#!/bin/sh
# GnuTLS: p11tool, certtool, and TLS by gnutls-serv and gnutls-cli with keys in the HSM.
. "$(dirname "$0")/../lib.sh"
hsm_up
PROVIDER="--provider $CHSM_MODULE" GNUTLS_PIN=$CHSM_PIN
export PROVIDER GNUTLS_PIN
token="pkcs11:token=$CHSM_TOKEN"

p11() {
        p11tool --provider "$CHSM_MODULE" --login "$@"
}
# says WORDS COMMAND...
says() {
        words=$1
        shift
        "$@" >said 2>&1
        cat said
        grep -qF -- "$words" said
}

t "what docs/clients.md says: a key, its certificate" doc_run gnutls-key

# ---- p11tool ----
t "mechanisms are listed" says CKM_ECDSA p11tool --provider "$CHSM_MODULE" --list-mechanisms "$token"
t "an RSA pair" p11 --generate-privkey=rsa --bits=2048 --label=rsa --id=0b01 --outfile=rsa.pub "$token"
signing_pair() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --keypairgen --key-type rsa:2048 --id 0b01 --label rsa \
                "$one_role" && p11 --export-pubkey "$token;object=rsa;type=private" --outfile=rsa.pub
}
[ -z "$one_role" ] || t "an RSA pair that signs, by pkcs11-tool" signing_pair
t "an RSA pair of 3072 bits that is marked for decryption" p11 --generate-privkey=rsa --bits=3072 --mark-decrypt --label=big \
        --id=0b02 --outfile=big.pub "$token"
for curve in secp384r1 secp521r1; do
        t "a pair on $curve" p11 --generate-privkey=ecdsa --curve=$curve --label=$curve --outfile=$curve.pub "$token"
        t "it signs" p11 --test-sign "$token;object=$curve;type=private"
done
t "the public key given is the one in the HSM" sh -c "p11tool --provider '$CHSM_MODULE' --login --export-pubkey \
        '$token;object=rsa;type=private' --outfile=again.pub && cmp rsa.pub again.pub"
for hash in SHA256 SHA384 SHA512; do
        t "RSA signs with $hash" p11 --test-sign --hash=$hash "$token;object=rsa;type=private"
        t "RSA-PSS signs with $hash" p11 --test-sign --sign-params=RSA-PSS --hash=$hash "$token;object=rsa;type=private"
done
t "private keys are listed" says "Label: rsa" p11 --list-privkeys "$token"
t "certificates are listed" says "Label: shop" p11 --list-all-certs "$token"
t "a certificate is exported" sh -c "p11tool --provider '$CHSM_MODULE' --login --export '$token;object=shop;type=cert' >out.crt &&
        openssl x509 -in out.crt -noout -fingerprint >a && openssl x509 -in shop.crt -noout -fingerprint >b && cmp a b"
t "a label is changed" p11 --set-label=till "$token;object=shop;type=cert"
t "and found" says "Label: till" p11 --list-all-certs "$token"
t "an ID is changed" p11 --set-id=0c01 "$token;object=till;type=cert"
t "random bytes" sh -c "p11tool --provider '$CHSM_MODULE' --login --generate-random=64 '$token' --outfile=random &&
        [ \$(wc -c <random) -ge 64 ]"
softkey() {
        certtool --generate-privkey --key-type=rsa --bits=2048 --outfile=soft.key &&
                p11 --write --load-privkey=soft.key --label=soft --id=0d01 "$token" &&
                p11 --test-sign "$token;object=soft;type=private"
}
t "a software key is brought in and signs" softkey
t "a secret key is brought in" p11 --write --secret-key=000102030405060708090a0b0c0d0e0f --label=secret "$token"
t "objects are deleted" p11 --batch --delete "$token;object=till"
t "and gone" sh -c "! p11tool --provider '$CHSM_MODULE' --login --list-all '$token;object=till' | grep Label"
refused "a wrong PIN" "wrong password" env GNUTLS_PIN=cu1:wrong12345 p11tool --batch --provider "$CHSM_MODULE" --login \
        --list-privkeys "$token"

# ---- certtool ----
issues() {
        printf 'cn = "127.0.0.1"\nip_address = "127.0.0.1"\nsigning_key\nencryption_key\nexpiration_days = 100\n' >leaf.template
        certtool --provider "$CHSM_MODULE" --generate-request --load-privkey "$token;object=rsa;type=private" \
                --load-pubkey rsa.pub --template leaf.template --outfile rsa.csr && openssl req -in rsa.csr -verify -noout &&
                certtool --provider "$CHSM_MODULE" --generate-certificate --load-request rsa.csr --load-ca-certificate shop.crt \
                        --load-ca-privkey "$token;object=shop;type=private" --template leaf.template --outfile rsa.crt &&
                openssl verify -CAfile shop.crt rsa.crt
}
t "a request, and a certificate by the key 'shop'" issues

# ---- TLS ----
uri="$token;type=private;pin-value=cu1%3Auser1234;object"
PORT=$(free_port)
export PORT
doc gnutls-server >server.sh
serve server sh server.sh
ec_port=$PORT
t "gnutls-serv with an EC key comes up" port_opened "$ec_port"
rsa_port=$(free_port)
serve rsa gnutls-serv --provider "$CHSM_MODULE" --port="$rsa_port" --http --x509certfile=rsa.crt --x509keyfile="$uri=rsa" \
        --priority=NORMAL:+RSA
t "gnutls-serv with an RSA key comes up" port_opened "$rsa_port"
# connects PORT WORDS OPTIONS...: gnutls-cli verifies, and its report has the words.
connects() {
        port=$1 words=$2
        shift 2
        says "$words" gnutls-cli --x509cafile=shop.crt "$@" -p "$port" 127.0.0.1 </dev/null && grep -F "Handshake was completed" said
}
t "gnutls-cli, EC, TLS 1.3" connects "$ec_port" TLS1.3
t "gnutls-cli, EC, TLS 1.2" connects "$ec_port" ECDSA --priority=NORMAL:-VERS-ALL:+VERS-TLS1.2
t "gnutls-cli, RSA, TLS 1.3" connects "$rsa_port" RSA-PSS
t "gnutls-cli, RSA, TLS 1.2, ECDHE" connects "$rsa_port" ECDHE --priority=NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+ECDHE-RSA
t "gnutls-cli, RSA, TLS 1.2, RSA key exchange" connects "$rsa_port" "(RSA)" --priority=NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA
t "openssl, RSA key exchange" sh -c "openssl s_client -connect 127.0.0.1:$rsa_port -CAfile shop.crt -verify_return_error -tls1_2 \
        -cipher AES128-GCM-SHA256 </dev/null"
t "curl, TLS 1.3" curl -sS --cacert shop.crt "https://127.0.0.1:$ec_port/"
t "curl, TLS 1.2" curl -sS --cacert shop.crt --tls-max 1.2 "https://127.0.0.1:$rsa_port/"
client_key() {
        port=$(free_port)
        serve soft gnutls-serv --port="$port" --http --x509certfile=soft.crt --x509keyfile=soft.key --x509cafile=shop.crt \
                --require-client-cert --verify-client-cert
        port_opened "$port" && says "Handshake was completed" gnutls-cli --provider "$CHSM_MODULE" --insecure \
                --x509certfile=rsa.crt --x509keyfile="$uri=rsa" -p "$port" 127.0.0.1 </dev/null && grep -F "CN=127.0.0.1" soft.log
}
openssl req -x509 -key soft.key -subj /CN=soft -days 10 -out soft.crt
t "gnutls-cli shows a certificate with its key in the HSM" client_key
hsm_restart
t "the servers go on after a restart of node and daemon" connects "$rsa_port" RSA-PSS
finish
