#!/bin/sh
# The same random calls to our module and to SoftHSM2: answers differ only where tests/differential/explained_rows.c
# says why. CHSM_DIFFERENTIAL_SEED and CHSM_DIFFERENTIAL_COUNT choose the sequences.
. "$(dirname "$0")/lib.sh"
hsm_up

mkdir tokens
printf 'directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n' "$work/tokens" >softhsm2.conf
export SOFTHSM2_CONF="$work/softhsm2.conf"
softhsm2-util --init-token --free --label other --pin 1234 --so-pin 12345678 >/dev/null
peer() {
        "$build/tests/differential/differential" "$CHSM_MODULE" "$CHSM_PIN" /usr/lib/softhsm/libsofthsm2.so 1234 \
                "${CHSM_DIFFERENTIAL_SEED:-1}" "${CHSM_DIFFERENTIAL_COUNT:-60}" >differences || {
                cat differences
                return 1
        }
}
t "random calls get the answers that SoftHSM2 gives, but for explained differences" peer
sed 's/^/# /' differences
finish
