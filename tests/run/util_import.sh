#!/bin/sh
# Keys of files come in under the user KEK, and go out in clear where the policy lets them.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/util_lib.sh"
hsm_up
echo "some text" >text
openssl genrsa -out rsa.pem 2048 2>/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out ec.pem
openssl genpkey -algorithm ed25519 -out ed.pem
openssl pkey -in rsa.pem -pubout -out rsa.pub
openssl pkey -in ec.pem -pubout -out ec.pub
openssl rand -out aes.key 32

t "the user KEK of the guides, trusted by an officer" kek_make userkek ""
t "and the one that never leaves" kek_make userkek2 -nex
kek=$(cat userkek.handle)

# ---- importPrivateKey ----
import_rsa() {
        util importPrivateKey -l rsa -f rsa.pem -w "$kek" -id rsa-1 >imported && handle Key <imported >rsa &&
                for words in "BER encoded key length is [0-9]*" "Cfm3ImportWrapKey returned: 0x00 : HSM Return: SUCCESS" \
                        "Cfm3CreateUnwrapTemplate2 returned: 0x00 : HSM Return: SUCCESS" "Cfm3ImportUnWrapKey: 0x00.*" \
                        "Private Key Imported.  Key Handle: [0-9]*"; do
                        grep -qx "[[:space:]]*$words" imported || { cat imported; return 1; }
                done
}
signs_as() { # HANDLE MECHANISM PUBLIC_PEM OPENSSL_OPTION
        util sign -f text -k "$1" -m "$2" -out sig && openssl dgst "$4" -verify "$3" -signature sig text
}
t "an RSA key comes in with the documented lines" import_rsa
t "and signs what openssl verifies" signs_as "$(cat rsa)" 1 rsa.pub -sha256
ec=$(made Key importPrivateKey -l ec -f ec.pem -w "$(cat userkek2.handle)")
t "and signs" signs_as "$ec" 17 ec.pub -sha256
t "an Ed25519 key, in JSON" json_is '"ok":true' importPrivateKey -l ed -f ed.pem -w "$kek"
kek_from_cfg() {
        echo "USER_KEK_HANDLE=$kek" >azcloudhsm_application.cfg
        util importPrivateKey -l cfg -f ec.pem -nex -role sign
        status=$?
        rm azcloudhsm_application.cfg
        return $status
}
t "USER_KEK_HANDLE of azcloudhsm_application.cfg stands for -w" kek_from_cfg
t "what came in is protected as the KEK demands" sh -c '
        chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" getAttribute -o "$(cat rsa)" -a 528 -out wwt >/dev/null &&
        chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" getAttribute -o "$(cat rsa)" -a 259 -out sensitive >/dev/null &&
        chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" getAttribute -o "$(cat rsa)" -a 355 -out local >/dev/null &&
        grep -qx 0x01 wwt && grep -qx 0x01 sensitive && grep -qx 0x00 local'
refused "no KEK" "USER_KEK_HANDLE" util importPrivateKey -l x -f rsa.pem
refused "a handle of nothing" "no object with handle 99" util importPrivateKey -l x -f rsa.pem -w 99
plain=$(made Key genSymKey -l plain -t 31 -s 32)
refused "a KEK that no officer trusted, with the command that would" "a CO can run: setAttribute $plain 134 1" \
        util importPrivateKey -l x -f rsa.pem -w "$plain"
wraps=$(made Key genSymKey -l wraps -t 31 -s 32 -role wrap)
officer setAttribute "$wraps" 134 1 >/dev/null
refused "a KEK that does not encrypt" "CKA_ENCRYPT=FALSE" util importPrivateKey -l x -f rsa.pem -w "$wraps"
encrypts=$(made Key genSymKey -l encrypts -t 31 -s 32 -role encrypt)
refused "a KEK that does not unwrap" "CKA_UNWRAP=FALSE" util importPrivateKey -l x -f rsa.pem -w "$encrypts"
refused "a KEK of another kind" "no AES key" util importPrivateKey -l x -f rsa.pem -w "$(cat rsa)"
refused "not wrapped-with-trusted though the KEK is" "importPrivateKey failed" \
        util importPrivateKey -l x -f rsa.pem -w "$kek" -wrap_with_trusted 0
refused "an id that is taken" "has this CKA_ID already" util importPrivateKey -l x -f ec.pem -w "$kek" -id rsa-1
openssl rsa -in rsa.pem -aes256 -passout pass:secret -out locked.pem 2>/dev/null
refused "a PEM file with a password" "protected by a password" util importPrivateKey -l x -f locked.pem -w "$kek"
refused "a public key" "no private key in PEM" util importPrivateKey -l x -f rsa.pub -w "$kek"
openssl dsaparam -genkey -noout -out dsa.pem 1024 2>/dev/null
refused "a DSA key" "type that is not kept here" util importPrivateKey -l x -f dsa.pem -w "$kek"
refused "a file that is not there" "nothing-here" util importPrivateKey -l x -f nothing-here -w "$kek"
refused "a file and a folder" "-f, or a folder" util importPrivateKey -l x -f rsa.pem -d . -w "$kek"
refused "no label" "goes with -l" util importPrivateKey -f rsa.pem -w "$kek"
refused "nobody imports" "no user is logged in" chsm-util singlecmd importPrivateKey -l x -f rsa.pem -w "$kek"
officer createUser CU cu2 user2345 >/dev/null
cu2() {
        chsm-util singlecmd loginHSM -u CU -s cu2 -p user2345 "$@"
}
refused "nobody imports under another's KEK" "no object with handle $kek" cu2 importPrivateKey -l x -f rsa.pem -w "$kek"

# ---- imSymKey ----
import_aes() {
        util imSymKey -l aes -t 31 -f aes.key -w "$kek" -id aes-1 >imported && handle Key <imported >aes &&
                for words in "Cfm3WrapHostKey returned: 0x00 : HSM Return: SUCCESS" \
                        "Cfm3CreateUnwrapTemplate returned: 0x00 : HSM Return: SUCCESS" \
                        "Cfm3UnWrapKey returned: 0x00 : HSM Return: SUCCESS" "Symmetric Key Unwrapped.  Key Handle: [0-9]*"; do
                        grep -qx "[[:space:]]*$words" imported || { cat imported; return 1; }
                done
}
t "an AES key comes in with the documented lines" import_aes
kcv() {
        head -c 16 /dev/zero | openssl enc -aes-256-ecb -nopad -K "$(od -An -tx1 -v aes.key | tr -d ' \n')" | head -c 3 | od -An -tx1 | tr -d ' \n'
}
t "its check value is that of the file" sh -c "[ '$(kcv)' ] && $(command -v chsm-util) -j singlecmd loginHSM -u CU -s cu1 -p '$CHSM_CU_PASSWORD' findKey -kcv '$(kcv)' |
        grep -q '\"handles\":\\[$(cat aes)\\]'"
openssl rand -out generic.key 20
t "a generic secret of any length" util imSymKey -l gen -t 16 -f generic.key -w "$kek" -sess
refused "17 bytes are no AES key" "its length does not fit" util imSymKey -l x -t 31 -f generic.key -w "$kek"
refused "RC4" "not 18" util imSymKey -l x -t 18 -f aes.key -w "$kek"
openssl pkcs8 -topk8 -nocrypt -in ec.pem -outform DER -out ec.der
refused "a private key as a secret" "PKCS#8" util imSymKey -l x -t 16 -f ec.der -w "$kek"
: >empty.key
refused "an empty file" "is empty" util imSymKey -l x -t 16 -f empty.key -w "$kek"
refused "the wrapped copy under a KEK that could have left itself" "imSymKey failed" \
        util imSymKey -l x -t 31 -f aes.key -w "$kek" -wk wrapped.bin
t "and then nothing came in" json_is '"handles":[]' findKey -l x

# ---- public keys ----
public_in() {
        line 'Cfm3CreatePublicKey returned: 0x00 : HSM Return: SUCCESS' util importPubKey -l pub -f "$1" -id "$1" &&
                util exportPubKey -k "$(sed -n 's/.*Public Key Handle: //p' "$work/lines")" -out came.pub >/dev/null && cmp came.pub "$1"
}
openssl pkey -in ed.pem -pubout -out ed.pub
for key in rsa ec ed; do
        t "a public key of $key comes in and is the same" public_in $key.pub
done
verifies() {
        openssl dgst -sha256 -sign ec.pem -out host.sig text &&
                util verify -f text -s host.sig -k "$(made Key importPubKey -l v -f ec.pub -role sign)" -m 17
}
t "and verifies what the host signed" verifies
modulus=$(openssl rsa -pubin -in rsa.pub -modulus -noout | sed 's/.*=//' | tr A-F a-f)
numbers_in() {
        n=$(made Key createPublicKey -l numbers -m "$modulus" -e 65537) && util exportPubKey -k "$n" -out numbers.pub && cmp numbers.pub rsa.pub
}
t "a public key of its numbers" numbers_in
refused "a modulus that is no number" "hex digits" util createPublicKey -l x -m xyz -e 65537
refused "an exponent of 2" "from 3" util createPublicKey -l x -m "$modulus" -e 2
refused "a modulus that is no RSA modulus" "createPublicKey failed" util createPublicKey -l x -m 1234 -e 65537
refused "a private key is no public one" "no public key in PEM" util importPubKey -l x -f rsa.pem
refused "an id that is taken by it" "has this CKA_ID already" util importPubKey -l x -f rsa.pub -id ec.pub

# ---- what all makers of keys take ----
shared_at_once() {
        h=$(made Key imSymKey -l shared -t 31 -f aes.key -w "$kek" -u 4 -m_value 2 -min_srv 1 -timeout 5) &&
                cu2 getKeyInfo -k "$h" | grep -q "Owned by user 3"
}
t "a key that comes in is shared at once, and needs two" shared_at_once
refused "more approvals than users" "imSymKey failed" util imSymKey -l x -t 31 -f aes.key -w "$kek" -m_value 2
refused "more nodes than there are" "only 1 nodes are up" util imSymKey -l x -t 31 -f aes.key -w "$kek" -min_srv 2
refused "firmware attestation" "no firmware" util importPrivateKey -l x -f rsa.pem -w "$kek" -attest
refused "one's own id in -u" "own owner" util imSymKey -l x -t 31 -f aes.key -w "$kek" -u 3

# ---- a folder of keys ----
mkdir many
for i in 1 2 3 4 5; do openssl rand -out "many/bulk-$i.key" 32; done
t "a folder of keys comes in" json_is '"done":5' imSymKey -t 31 -d many -w "$kek"
openssl rand -out many/bulk-0.key 32
t "and once more only what is new" json_is '"done":1,"ok":true,"skipped":5,"total":6' imSymKey -t 31 -d many -w "$kek"
echo short >many/bulk-9.key
refused "a bad file is named" "bulk-9.key" util imSymKey -t 31 -d many -w "$kek"
mkdir none
refused "an empty folder" "no file that ends with .pem" util importPrivateKey -d none -w "$kek"
refused "labels are the names of files" "names of files" util imSymKey -t 31 -d many -w "$kek" -l x

# ---- stopped and gone on with ----
mkdir bulk
openssl rand 12800 | split -b 32 -a 3 -d --additional-suffix=.key - bulk/stop-
imported() {
        curl -sf "http://127.0.0.1:$CHSM_ADMIN_PORT/metrics" | sed -n 's/^chsm_requests_total{command="import_key"} //p'
}
stopped() {
        before=$(imported)
        chsm-util -j singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" imSymKey -t 31 -d bulk -w "$kek" >stopped.out &
        pid=$!
        until_true sh -c "[ \"\$(curl -sf http://127.0.0.1:$CHSM_ADMIN_PORT/metrics | sed -n 's/^chsm_requests_total{command=\"import_key\"} //p')\" -gt $before ]"
        kill -INT "$pid"
        ! wait "$pid" && tail -n 1 stopped.out | grep -q "the same command goes on from here" &&
                first=$(tail -n 1 stopped.out | sed -n 's/.*"done":\([0-9]*\).*/\1/p') && [ "$first" -gt 0 ] && [ "$first" -lt 400 ]
}
t "Ctrl-C stops between two keys" stopped
goes_on() {
        first=$(tail -n 1 stopped.out | sed -n 's/.*"done":\([0-9]*\).*/\1/p')
        json_is "\"done\":$((400 - first)),\"ok\":true,\"skipped\":$first,\"total\":400" imSymKey -t 31 -d bulk -w "$kek"
}
t "and the same command does the rest" goes_on

# ---- exSymKey, exportPrivateKey ----
open=$(made Key genSymKey -l open -t 31 -s 32 -wrap_with_trusted 0)
with=$(made Key genSymKey -l with -t 31 -s 32)
export_aes() {
        line 'Wrapped Symmetric Key written to file "out.key"' util exSymKey -k "$open" -w "$with" -out out.key -wk out.wrapped &&
                grep -q "Cfm3WrapKey returned: 0x00" "$work/lines" && grep -q "Cfm3UnWrapHostKey returned: 0x00" "$work/lines" &&
                [ "$(stat -c %a out.key)" = 600 ] && [ "$(wc -c <out.key)" -eq 32 ] && [ "$(wc -c <out.wrapped)" -eq 48 ]
}
t "an AES key goes out in clear, to its owner alone" export_aes
exported_is_it() {
        head -c 32 text >/dev/null
        made Key imSymKey -l again -t 31 -f out.key -w "$kek" >again && util getAttribute -o "$(cat again)" -a 371 -out kcv1 &&
                util getAttribute -o "$open" -a 371 -out kcv2 && cmp kcv1 kcv2
}
t "and is what was inside" exported_is_it
t "under every mechanism of the help" sh -c 'for m in 5 6; do chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" \
        exSymKey -k '"$open"' -w '"$with"' -out out.$m -m $m >/dev/null && cmp out.$m out.key || exit 1; done'
util genRSAKeyPair -m 2048 -e 65537 -l pair -wrap_with_trusted 0 >pair.out
util genECCKeyPair -i 2 -l eccpair -wrap_with_trusted 0 >ecpair.out
export_private() { # PAIR
        util exportPrivateKey -k "$(handle private <"$1")" -w "$with" -out private.pem >lines &&
                grep -qx "[[:space:]]*PEM formatted private key is written to private.pem" lines &&
                util exportPubKey -k "$(handle public <"$1")" -out public.pem && [ "$(stat -c %a private.pem)" = 600 ] &&
                openssl pkey -in private.pem -pubout | cmp - public.pem
}
t "an RSA key goes out as PEM" export_private pair.out
t "and an EC key" export_private ecpair.out
refused "a key that leaves under trusted keys only" "exSymKey failed" util exSymKey -k "$plain" -w "$with" -out no.key
t "and no file was written" sh -c '! [ -e no.key ]'
nex=$(made Key genSymKey -l nex -t 31 -s 32 -nex)
refused "a key that never leaves" "exSymKey failed" util exSymKey -k "$nex" -w "$with" -out no.key
refused "a trusted key opens nothing" "exSymKey failed" util exSymKey -k "$open" -w "$kek" -out no.key
refused "a trusted key opens no private key" "exportPrivateKey failed" \
        util exportPrivateKey -k "$(handle private <pair.out)" -w "$(cat userkek2.handle)" -out no.key
refused "a key that does not wrap" "CKA_WRAP=FALSE" util exSymKey -k "$open" -w "$encrypts" -out no.key
refused "a key that does not decrypt" "CKA_DECRYPT=FALSE" \
        util exSymKey -k "$open" -w "$(made Key genSymKey -l w2 -t 31 -s 32 -role wrap)" -out no.key
refused "a private key is no secret key" "is no secret key" util exSymKey -k "$(handle private <pair.out)" -w "$with" -out no.key
refused "a secret key is no private key" "is no private key" util exportPrivateKey -k "$open" -w "$with" -out no.key
refused "a mechanism that is not of this" "from 4 to 6" util exSymKey -k "$open" -w "$with" -out no.key -m 8
printf 'loginHSM CU cu1 %s\nshareKey %s 4 1\n' "$CHSM_CU_PASSWORD" "$open" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >/dev/null
with2=$(cu2 genSymKey -l with -t 31 -s 32 | handle Key)
refused "a key that is only shared" "only the owner" cu2 exSymKey -k "$open" -w "$with2" -out no.key
t "nothing of all this was written" sh -c '! [ -e no.key ]'
finish
