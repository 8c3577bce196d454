#!/bin/sh
# Every option and every command of a program stands in its man page.
top=$1
build=$2
bad=0
for page in "$top"/man/chsm-*.[18]; do
        name=$(basename "$page" | sed 's/\.[18]$//')
        program=$build/src/programs/$name
        [ -x "$program" ] || continue
        for option in $("$program" --help | sed -n 's/^ .*--\([a-z-]*\).*/\1/p'); do
                grep -q -- "Fl -$option" "$page" || {
                        echo "$page does not have --$option"
                        bad=1
                }
        done
        for command in $(sed -n 's/^        { "\([A-Za-z0-9_]*\)",.*/\1/p' "$top"/src/tools/"${name#chsm-}"_*.c 2>/dev/null); do
                grep -qw -- "$command" "$page" || {
                        echo "$page does not have the command $command"
                        bad=1
                }
        done
done
exit $bad
