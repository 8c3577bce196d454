#!/bin/sh
# docs/mechanisms.md is what the mechanism table says.
top=$1
build=$2
program=$build/src/programs/chsm-server
[ -x "$program" ] || exit 0
"$program" --print-mechanisms | diff -u "$top/docs/mechanisms.md" - || {
        echo "docs/mechanisms.md is not the table: $program --print-mechanisms >docs/mechanisms.md"
        exit 1
}
