#!/bin/sh
# p11-kit: the packaged module file, the proxy, and p11-kit's own remoting by a pipe and by a socket.
. "$(dirname "$0")/../lib.sh"
hsm_up
unset XDG_CONFIG_HOME XDG_RUNTIME_DIR
libraries=$(pkg-config --variable=proxy_module p11-kit-1 2>/dev/null || ls /usr/lib/*/p11-kit-proxy.so)
libraries=$(dirname "$libraries")
# p11-kit reads no configuration of a user who is root, and that of the machine is not ours to change: we become another.
chmod 755 "$work" "$work/hsm" "$work/hsm/client"
cp "$CHSM_MODULE" "$work/libchsm-pkcs11.so"
CHSM_MODULE=$work/libchsm-pkcs11.so
HOME=$work/home
export CHSM_MODULE HOME
configuration=$HOME/.config/pkcs11/modules
mkdir -p "$configuration" "$work/run"
chmod 777 "$work/run"
user=
if [ "$(id -u)" -eq 0 ]; then
        user='setpriv --reuid=nobody --regid=nogroup --clear-groups'
fi
cd run
# says WORDS COMMAND...
says() {
        words=$1
        shift
        # shellcheck disable=SC2086 # a list of words is meant
        timeout 60 $user "$@" >said 2>&1
        cat said
        grep -qF -- "$words" said
}
by_docs() {
        doc "$1" >"$1.sh"
        says "$2" sh -eu "$1.sh"
}
pkcs11_tool() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" "$@"
}
t "a key pair" pkcs11_tool --keypairgen --key-type EC:prime256v1 --id 01 --label ec
t "another" pkcs11_tool --keypairgen --key-type rsa:2048 --id 02 --label rsa $one_role
t "an AES key" pkcs11_tool --keygen --key-type AES:32 --id 03 --label aes --sensitive --private
for id in 01 02; do
        pkcs11_tool --read-object --type pubkey --id $id -o $id.der >/dev/null 2>&1
        openssl pkey -pubin -inform DER -in $id.der -out $id.pem
done
echo "some text" >text

# works_by MODULE CIPHER: signatures and ciphers through it, checked by openssl.
works_by() {
        through() {
                library=$1
                shift
                # shellcheck disable=SC2086 # a list of words is meant
                timeout 60 $user pkcs11-tool --module "$library" --login --pin "$CHSM_PIN" --token-label "$CHSM_TOKEN" "$@" 2>&1
        }
        module=$1 cipher=$2
        for id in 01:ECDSA 02:SHA256-RSA-PKCS; do
                openssl dgst -sha256 -binary text >digest
                input=text
                [ ${id#*:} != ECDSA ] || input=digest
                through "$module" --sign -m ${id#*:} --id ${id%:*} --signature-format openssl -i $input -o sig &&
                        openssl dgst -sha256 -verify ${id%:*}.pem -signature sig text || return 1
        done
        head -c 96000 /dev/urandom >film
        chmod 644 film
        through "$module" --encrypt -m $cipher --iv 000102030405060708090a0b0c0d0e0f --id 03 -i film -o enc &&
                through "$module" --decrypt -m $cipher --iv 000102030405060708090a0b0c0d0e0f --id 03 -i enc -o dec && cmp film dec &&
                through "$module" --keypairgen --key-type EC:secp384r1 --id 09 --label new &&
                through "$module" --delete-object --type privkey --id 09 && through "$module" --delete-object --type pubkey --id 09
}

# ---- the packaged file ----
sed "s|^module: .*|module: $CHSM_MODULE|" "$top/packaging/p11-kit/chsm.module" >"$configuration/chsm.module"
t "p11-kit lists the module of the packaged file" says "library-description: chsm PKCS#11 module" p11-kit list-modules
t "what docs/clients.md says" by_docs p11-kit-list "label:      ec"
t "work through the proxy" works_by "$libraries/p11-kit-proxy.so" AES-CBC-PAD
t "p11tool signs without being told a module" says "ok" env GNUTLS_PIN="$CHSM_PIN" p11tool --login --test-sign \
        "pkcs11:token=$CHSM_TOKEN;object=ec;type=private"

# ---- a pipe ----
doc remote.module >"$configuration/chsm.module"
t "p11-kit lists the module at the other end of a pipe" says "token: $CHSM_TOKEN" p11-kit list-modules
t "work through the pipe" works_by "$libraries/p11-kit-proxy.so" AES-ECB

# ---- a socket ----
rm "$configuration/chsm.module"
doc p11-kit-server >server.sh
# shellcheck disable=SC2086 # a list of words is meant
serve p11-kit $user sh server.sh
t "p11-kit server makes its socket" until_true test -S p11-kit.sock
P11_KIT_SERVER_ADDRESS=unix:path=$PWD/p11-kit.sock
export P11_KIT_SERVER_ADDRESS
t "work through the socket" works_by "$libraries/pkcs11/p11-kit-client.so" AES-ECB
t "and again" works_by "$libraries/pkcs11/p11-kit-client.so" AES-ECB
hsm_restart
chmod 755 "$work/hsm/client"
t "and after a restart of node and daemon" works_by "$libraries/pkcs11/p11-kit-client.so" AES-ECB
finish
