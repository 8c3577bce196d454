#!/bin/sh
# Every refusal of src/vault is seen by a test, or tests/unit/vault/refusals.txt says why not.
exec python3 "$(dirname "$0")/refusals.py" "$1"
