#!/bin/sh
# OpenSC's pkcs11-tool and openssl take turns: keys and signatures of openssl verified in the HSM, data of more than one
# message there and back, hashes and MACs. pkcs11-tool.sh has the rest.
. "$(dirname "$0")/../lib.sh"
hsm_up
p11() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" "$@"
}

printf 'a text to be signed' >text
verifies() { # mechanism, id, openssl command that makes sig, key options...
        mechanism=$1 id=$2 signing=$3
        shift 3
        openssl genpkey "$@" -out own.key && openssl pkey -in own.key -pubout -outform DER -out own.der &&
                p11 --write-object own.der --type pubkey --id "$id" --label own && eval "$signing" &&
                p11 --verify -m "$mechanism" --id "$id" --signature-format openssl -i text --signature-file sig >said &&
                grep -q "Signature is valid" said
}
t "RSA-3072 and SHA-384 of openssl" verifies SHA384-RSA-PKCS 41 \
        'openssl dgst -sha384 -sign own.key -out sig text' -algorithm RSA -pkeyopt rsa_keygen_bits:3072
t "RSA-1024 of openssl" verifies SHA256-RSA-PKCS 42 \
        'openssl dgst -sha256 -sign own.key -out sig text' -algorithm RSA -pkeyopt rsa_keygen_bits:1024
t "brainpoolP320r1 of openssl" verifies ECDSA-SHA256 43 \
        'openssl dgst -sha256 -sign own.key -out sig text' -algorithm EC -pkeyopt ec_paramgen_curve:brainpoolP320r1
t "P-521 of openssl" verifies ECDSA-SHA512 44 \
        'openssl dgst -sha512 -sign own.key -out sig text' -algorithm EC -pkeyopt ec_paramgen_curve:P-521

head -c 100000 /dev/urandom >text
iv=000102030405060708090a0b0c0d0e0f
t "pkcs11-tool makes an AES key" p11 --keygen --key-type AES:32 --id 21 --label sym --sensitive --private
t "and a DES3 key" p11 --keygen --key-type DES3:24 --id 22 --label des3 --sensitive --private
t "and a generic one" p11 --keygen --key-type GENERIC:32 --usage-sign --id 23 --label mac --sensitive --private
there_and_back() {
        p11 --encrypt -m "$1" ${3:+--iv "$3"} --id "$2" -i text -o sealed && ! cmp -s text sealed &&
                p11 --decrypt -m "$1" ${3:+--iv "$3"} --id "$2" -i sealed -o opened && cmp text opened
}
t "AES-CBC-PAD there and back" there_and_back AES-CBC-PAD 21 "$iv"
t "pkcs11-tool hashes with SHA3-256" sh -c 'pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --hash \
        -m SHA3-256 -i text -o hashed && openssl dgst -sha3-256 -binary -out theirs text && cmp theirs hashed'
t "and makes and verifies an HMAC" sh -c 'pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --sign \
        -m SHA3-256-HMAC --id 23 -i text -o mac && [ "$(wc -c <mac)" -eq 32 ] &&
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --verify -m SHA3-256-HMAC --id 23 -i text \
                --signature-file mac'
finish
