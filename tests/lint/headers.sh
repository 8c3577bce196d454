#!/bin/sh
# Every header compiles alone, so that including one never depends on the order of others.
top=$1
generated=
for folder in proto src/store; do
        [ ! -d "$2/$folder" ] || generated="$generated -I$2/$folder"
done
bad=0
for header in "$top"/src/*/*.h; do
        # shellcheck disable=SC2086 # a list of options is meant
        printf '#include "%s"\nextern int not_empty;\n' "${header#"$top"/src/}" |
                cc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I"$top/src" \
                        $generated -x c - || {
                echo "$header does not compile alone: include what it uses"
                bad=1
        }
done
exit $bad
