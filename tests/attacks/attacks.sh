#!/bin/sh
# Groups of attack sequences against an HSM of their own.
# Usage: attacks.sh SOURCE_FOLDER BUILD_FOLDER GROUP[,GROUP...] [PROFILE]
# PROFILE: documented, verified, strict; or separate, which is documented with what an officer can tighten there: separate
# roles and full strength of wrapping keys.
. "$(dirname "$0")/../run/lib.sh"
export CHSM_PROFILE="${4:-documented}"

prepare() {
        [ "$CHSM_PROFILE" != separate ] || printf 'setPolicy separate_roles 1\nsetPolicy wrap_strength 2\n'
        echo "createUser CU cu2 $CHSM_CU_PASSWORD"
}

hsm_up --profile "$(echo "$CHSM_PROFILE" | sed s/separate/documented/)"
prepare | officer >"$work/up" 2>&1 || {
        sed 's/^/# /' "$work/up"
        echo "Bail out! neither policy nor second user"
        exit 1
}
export CHSM_LOG="$work/module.log"
"$build/tests/attacks/attacks" "$3" "$CHSM_MODULE" "$CHSM_PIN"
