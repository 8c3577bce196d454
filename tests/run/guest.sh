#!/bin/sh
# The module as a guest in a program of ours, which asks what no other program does. See guest.c.
. "$(dirname "$0")/lib.sh"
hsm_up
"$build/tests/run/guest" "$CHSM_MODULE" "$CHSM_TOKEN" "$CHSM_PIN"
