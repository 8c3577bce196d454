#!/bin/sh
# OpenSC's pkcs11-tool: its own tests, every key type, every operation, objects. What it makes, plain openssl checks.
. "$(dirname "$0")/../lib.sh"
hsm_up
printf 'a text to be signed' >text
printf '0123456789abcdef0123456789abcdef' >blocks
iv=000102030405060708090a0b0c0d0e0f

p11() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" "$@"
}

# p11_says WORDS OPTIONS...: the answer has the words.
p11_says() {
        words=$1
        shift
        p11 "$@" >said 2>&1
        cat said
        grep -qF -- "$words" said
}

# The program's own --read-object writes no public keys on P-384 nor Edwards curves, whatever the token; what it shows of
# every key are its parameters and its point: pair ID OPTIONS... makes a pair and of that the file ID.pem.
pair() {
        id=$1
        shift
        p11 --keypairgen --id "$id" "$@" >made && cat made && python3 "$top/tests/run/clients/spki.py" made >"$id.der" &&
                openssl pkey -pubin -inform DER -in "$id.der" -out "$id.pem"
}

read_public() {
        p11 --read-object --type pubkey --id "$1" -o "$1.der" && openssl pkey -pubin -inform DER -in "$1.der" -out "$1.pem"
}

t "what docs/clients.md says" doc_run pkcs11-tool

# ---- what is told ----
t "the token is shown" sh -c 'pkcs11-tool --module "$CHSM_MODULE" -T | grep -q "token label *: $CHSM_TOKEN"'
t "the module tells its versions" sh -c 'pkcs11-tool --module "$CHSM_MODULE" -I | grep -q "Cryptoki version"'
t "interfaces are listed" sh -c \
        "pkcs11-tool --module '$CHSM_MODULE' --list-interfaces | grep -q 'version: 3\.'"
t "mechanisms are listed" sh -c 'pkcs11-tool --module "$CHSM_MODULE" -M | grep -q ECDSA-SHA256'
t "random bytes" sh -c 'pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --generate-random 32 -o random &&
        [ $(wc -c <random) -eq 32 ]'

# ---- RSA ----
for bits in 2048 3072; do
        id=0$((bits / 1024))
        t "RSA $bits pair" p11 --keypairgen --key-type "rsa:$bits" --id "$id" --label "rsa $bits" $one_role
        t "its public key" read_public "$id"
done
reads=02
if [ -n "$one_role" ]; then
        reads=06
        refused "a pair that signs and decrypts" CKR_TEMPLATE_INCONSISTENT p11 --keypairgen --key-type rsa:2048 --id 07
        t "an RSA pair that decrypts" p11 --keypairgen --key-type rsa:2048 --id 06 --label reads --usage-decrypt
        t "its public key" read_public 06
fi
# rsa_signs MECHANISM OPENSSL_OPTIONS...: openssl and pkcs11-tool verify what the HSM signed.
rsa_signs() {
        mech=$1
        shift
        p11 --sign -m "$mech" --id 02 -i text -o sig && openssl dgst "$@" -verify 02.pem -signature sig text &&
                p11_says "Signature is valid" --verify -m "$mech" --id 02 -i text --signature-file sig
}
for hash in 1 224 256 384 512; do
        t "SHA$hash-RSA-PKCS" rsa_signs "SHA$hash-RSA-PKCS" "-sha$hash"
        t "SHA$hash-RSA-PKCS-PSS" rsa_signs "SHA$hash-RSA-PKCS-PSS" "-sha$hash" -sigopt rsa_padding_mode:pss
done
signs_digest_info() {
        openssl dgst -sha256 -binary text >digest
        { printf '\060\061\060\015\006\011\140\206\110\001\145\003\004\002\001\005\000\004\040' && cat digest; } >info
        p11 --sign -m RSA-PKCS --id 02 -i info -o sig && openssl dgst -sha256 -verify 02.pem -signature sig text
}
signs_digest_pss() {
        p11 --sign -m RSA-PKCS-PSS --hash-algorithm SHA256 --mgf MGF1-SHA256 --salt-len 20 --id 02 -i digest -o sig &&
                openssl dgst -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 -verify 02.pem -signature sig text
}
t "RSA-PKCS signs a DigestInfo" signs_digest_info
t "RSA-PKCS-PSS signs a digest with the salt length asked for" signs_digest_pss
changed_is_invalid() {
        p11 --sign -m SHA256-RSA-PKCS --id 02 -i text -o sig && printf x | cat text - >other
        p11 --verify -m SHA256-RSA-PKCS --id 02 -i other --signature-file sig 2>&1 | grep -F "Invalid signature"
}
t "a changed text does not verify" changed_is_invalid
# decrypts MECHANISM PKEYUTL_OPTIONS -- TOOL_OPTIONS
decrypts() {
        mech=$1 with=$2
        shift 2
        # shellcheck disable=SC2086 # a list of words is meant
        openssl pkeyutl -encrypt -pubin -inkey $reads.pem $with -in text -out enc &&
                p11 --decrypt -m "$mech" "$@" --id $reads -i enc -o dec && cmp text dec
}
t "RSA-PKCS decrypts" decrypts RSA-PKCS ''
for hash in 1 256 384 512; do
        t "RSA-PKCS-OAEP with SHA-$hash decrypts" decrypts RSA-PKCS-OAEP \
                "-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha$hash -pkeyopt rsa_mgf1_md:sha$hash" \
                --hash-algorithm "SHA$([ $hash = 1 ] && echo -1 || echo $hash)" --mgf "MGF1-SHA$hash"
done
raw_decrypts() {
        { head -c 237 /dev/zero && cat text; } >block
        openssl pkeyutl -encrypt -pubin -inkey $reads.pem -pkeyopt rsa_padding_mode:none -in block -out enc &&
                p11 --decrypt -m RSA-X-509 --id $reads -i enc -o dec && cmp block dec
}
t "RSA-X-509 decrypts" raw_decrypts

# ---- elliptic curves ----
n=10
for curve in secp224r1 prime256v1 secp384r1 secp521r1 secp256k1 brainpoolP256r1 brainpoolP384r1 brainpoolP512r1; do
        n=$((n + 1))
        t "pair on $curve" pair $n --key-type "EC:$curve" --label "ec $curve" --usage-sign
        ec_signs() {
                p11 --sign -m "ECDSA-SHA$1" --id $n --signature-format openssl -i text -o sig &&
                        openssl dgst "-sha$1" -verify $n.pem -signature sig text &&
                        p11_says "Signature is valid" --verify -m "ECDSA-SHA$1" --id $n --signature-format openssl \
                                -i text --signature-file sig
        }
        ec_signs_digest() {
                openssl dgst -sha384 -binary text >digest
                p11 --sign -m ECDSA --id $n --signature-format openssl -i digest -o sig &&
                        openssl dgst -sha384 -verify $n.pem -signature sig text
        }
        t "ECDSA-SHA256 on $curve" ec_signs 256
        t "ECDSA on a digest, $curve" ec_signs_digest
done
for hash in 1 224 384 512; do
        t "ECDSA-SHA$hash" ec_signs $hash
done

ed25519_signs() {
        pair 30 --key-type EC:edwards25519 --label ed && p11 --sign -m EDDSA --id 30 -i text -o sig &&
                openssl pkeyutl -verify -rawin -pubin -inkey 30.pem -in text -sigfile sig
}
t "Ed25519 signs" ed25519_signs

# ---- secret keys ----
for bytes in 16 24 32; do
        t "AES key of $bytes bytes" p11 --keygen --key-type AES:$bytes --id 50$bytes --label "aes $bytes" --sensitive --private
done
# there_and_back MECHANISM FILE
there_and_back() {
        for bytes in 16 24 32; do
                p11 --encrypt -m "$1" --iv $iv --id 50$bytes -i "$2" -o enc && ! cmp -s "$2" enc &&
                        p11 --decrypt -m "$1" --iv $iv --id 50$bytes -i enc -o dec && cmp "$2" dec || return 1
        done
}
t "AES-ECB there and back" there_and_back AES-ECB blocks
t "AES-CBC there and back" there_and_back AES-CBC blocks
t "AES-CBC-PAD there and back" there_and_back AES-CBC-PAD text
openssl rand 32 >value
value=$(od -An -v -tx1 value | tr -d ' \n')
t "an AES key is brought in" p11 --write-object value --type secrkey --key-type AES:32 --id 50 --label known \
        --sensitive --private --usage-decrypt
known_cbc() {
        p11 --encrypt -m AES-CBC-PAD --iv $iv --id 50 -i text -o enc &&
                openssl enc -d -aes-256-cbc -K "$value" -iv $iv -in enc -out dec && cmp text dec &&
                openssl enc -aes-256-cbc -K "$value" -iv $iv -in blocks -out enc &&
                p11 --decrypt -m AES-CBC-PAD --iv $iv --id 50 -i enc -o dec && cmp blocks dec
}
t "openssl and the HSM agree on what AES-CBC-PAD is" known_cbc
t "generic secret" p11 --keygen --key-type GENERIC:64 --id 60 --label hmac --sensitive --private --usage-sign
hmac() {
        p11 --sign -m "SHA$1-HMAC" --id 60 -i text -o mac &&
                p11_says "Signature is valid" --verify -m "SHA$1-HMAC" --id 60 -i text --signature-file mac
}
for hash in -1 256 384 512; do
        t "SHA$hash-HMAC" hmac "$hash"
done

# ---- keys that move ----
t "a wrapping key" p11 --keygen --key-type AES:32 --id 70 --label wrapper --sensitive --private --usage-wrap
t "a key that may leave" p11 --keygen --key-type AES:16 --id 71 --label target --sensitive --private --extractable
# The unwrapped key decrypts what the key before it encrypted.
moves() {
        p11 --encrypt -m AES-CBC-PAD --iv $iv --id 71 -i text -o enc &&
                p11 --wrap -m "$1" --id "$2" --application-id 71 -o wrapped &&
                p11 --unwrap -m "$1" --id "$2" -i wrapped --key-type AES: --application-id "$3" --application-label back \
                        --sensitive --private --usage-decrypt &&
                p11 --decrypt -m AES-CBC-PAD --iv $iv --id "$3" -i enc -o dec && cmp text dec
}
t "AES-KEY-WRAP and back" moves AES-KEY-WRAP 70 72
t "RSA pair that wraps" p11 --keypairgen --key-type rsa:2048 --id 73 --label carrier --usage-wrap
t "RSA-PKCS wrap and back" moves RSA-PKCS 73 74
t "a key that may not leave" p11 --keygen --key-type AES:16 --id 75 --label stays --sensitive --private
refused "does not" CKR_KEY_UNEXTRACTABLE p11 --wrap -m AES-KEY-WRAP --id 70 --application-id 75 -o wrapped

# What the program derives it reads, and of a key in the token nothing is derived that can be read (key rule 5).
openssl ecparam -name prime256v1 -genkey -noout -out peer.key
openssl pkey -in peer.key -pubout -outform DER -out peer.der
t "a pair that derives" p11 --keypairgen --key-type EC:prime256v1 --id 76 --label agree --usage-derive
refused "a readable secret of a key in the token" CKR_TEMPLATE_INCONSISTENT p11 --derive -m ECDH1-DERIVE --id 76 -i peer.der -o out

# ---- objects ----
openssl req -x509 -newkey rsa:2048 -nodes -keyout soft.key -subj /CN=soft -days 10 -outform DER -out soft.der 2>made
openssl pkey -in soft.key -outform DER -out softkey.der
certificate_back() {
        p11 --write-object soft.der --type cert --id 80 --label soft && p11 --read-object --type cert --id 80 -o back &&
                cmp soft.der back
}
t "a certificate goes in and comes out" certificate_back
t "and is listed with its subject" p11_says "CN=soft" -O --type cert
t "a certificate is deleted" p11 --delete-object --type cert --id 80
refused "and is gone" "object not found" p11 --read-object --type cert --id 80
data_back() {
        p11 --write-object text --type data --label note --application-label app "$@" &&
                p11 --read-object --type data --label note -o back && cmp text back
}
t "data go in and come out" data_back
t "data are deleted" p11 --delete-object --type data --label note
t "private data too" data_back --private
t "and are deleted" p11 --delete-object --type data --label note
software_key() {
        p11 --write-object softkey.der --type privkey --id 81 --label soft --usage-sign &&
                p11 --sign -m SHA256-RSA-PKCS --id 81 -i text -o sig && openssl x509 -inform DER -in soft.der -noout -pubkey \
                >soft.pem && openssl dgst -sha256 -verify soft.pem -signature sig text
}
t "a software key is brought in and signs" software_key
openssl ecparam -name secp384r1 -genkey -noout -out softec.key
openssl pkey -in softec.key -outform DER -out softec.der
t "and an EC key" p11 --write-object softec.der --type privkey --id 82 --label softec --usage-sign
openssl pkey -in soft.key -pubout -outform DER -out softpub.der
t "and a public key" p11 --write-object softpub.der --type pubkey --id 83 --label softpub
t "an ID is changed" p11 --set-id 84 --type pubkey --id 83
t "and found" p11_says softpub -O --type pubkey --id 84
for id in 02 11; do
        t "the private key $id is deleted" p11 --delete-object --type privkey --id $id
        t "and its public key" p11 --delete-object --type pubkey --id $id
done
t "a secret key is deleted" p11 --delete-object --type secrkey --id 50
refused "and is gone" "object not found" p11 --delete-object --type secrkey --id 50

# ---- its own tests ----
own_test() {
        p11 "$@" >tested 2>&1
        status=$?
        cat tested
        [ $status -eq 0 ] && ! grep -E 'ERR:|[1-9][0-9]* errors' tested
}
t "--test" own_test --test
t "--test-ec" own_test --session-rw --test-ec --id 90 --label tested --key-type EC:prime256v1
t "--test-fork" own_test --test-fork
# The program says how its last call in each thread ended; each ends with reading the token, while the main thread lists.
threads() {
        own_test --test-threads "$1" --test-threads "$1" --test-threads "$1" --test-threads "$1" -O &&
                ! grep -E 'some errors|Unknown test' tested
}
t "--test-threads, four threads in C_Initialize at once" threads ILGISLT0
t "--test-threads, without C_Initialize arguments" threads INGISLT0

# ---- password ----
t "the password is changed" p11 --change-pin --new-pin "$CHSM_CU_USER:another12345"
refused "the old one is refused" CKR_PIN_INCORRECT p11 -O
CHSM_PIN=$CHSM_CU_USER:another12345
t "the new one is right" p11 -O
t "it is changed back, named without its user" p11 --change-pin --new-pin "$CHSM_CU_PASSWORD"
CHSM_PIN=$CHSM_CU_USER:$CHSM_CU_PASSWORD
t "and right again" p11 -O
finish
