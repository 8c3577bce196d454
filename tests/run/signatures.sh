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
finish
