#!/bin/sh
# Signatures of the module, checked by openssl. The program signatures asks what no other program does.
. "$(dirname "$0")/lib.sh"
hsm_up

"$build/tests/run/signatures" "$CHSM_MODULE" "$CHSM_PIN" >program.out || bad=1
grep -v '^# [0-9]*$' program.out
count=$(sed -n 's/^# \([0-9]*\)$/\1/p' program.out)

recovers() {
        openssl pkey -pubin -inform DER -in rsa.der -out rsa.pem &&
                openssl pkeyutl -verifyrecover -pubin -inkey rsa.pem -in recover.sig -out recovered &&
                printf 'given back' | cmp - recovered
}
t "openssl recovers what was signed" recovers

# checks: key, signature and openssl's options, one line each.
accepts() {
        key=$1 signature=$2 command=$3
        shift 3
        openssl pkey -pubin -inform DER -in "$key.der" -out "$key.pem"
        case $command in
        dgst) openssl dgst "$@" -verify "$key.pem" -signature "$signature" text ;;
        *) openssl pkeyutl -verify "$@" -pubin -inkey "$key.pem" -in text -sigfile "$signature" ;;
        esac
}
while read -r key signature command options; do
        # shellcheck disable=SC2086 # a list of options is meant
        t "openssl accepts $key, $command $options" accepts "$key" "$signature" "$command" $options
done <checks

# The other way round: what openssl signs with keys of its own.
p11() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" "$@"
}
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
finish
