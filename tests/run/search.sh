#!/bin/sh
# Searches through many objects. See search.c. A third argument says how many.
. "$(dirname "$0")/lib.sh"
hsm_up
"$build/tests/run/search" "$CHSM_MODULE" "$CHSM_TOKEN" "$CHSM_PIN" "${3:-5000}"
