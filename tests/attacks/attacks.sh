#!/bin/sh
# One group of attack sequences against an HSM of its own. Usage: attacks.sh SOURCE_FOLDER BUILD_FOLDER GROUP [PROFILE]
. "$(dirname "$0")/../run/lib.sh"
export CHSM_PROFILE="${4:-documented}"
hsm_up --profile "$CHSM_PROFILE"
officer createUser CU cu2 "$CHSM_CU_PASSWORD" >"$work/up" 2>&1 || {
        sed 's/^/# /' "$work/up"
        echo "Bail out! no second user"
        exit 1
}
export CHSM_LOG="$work/module.log"
"$build/tests/attacks/attacks" "$3" "$CHSM_MODULE" "$CHSM_PIN"
