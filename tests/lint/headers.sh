#!/bin/sh
# Every header compiles alone, so that including one never depends on the order of others.
top=$1
generated=$(find "$2/proto" -maxdepth 1 -name 'chsm.pb-c.h' 2>/dev/null | head -n 1)
bad=0
for header in "$top"/src/*/*.h; do
        printf '#include "%s"\nextern int not_empty;\n' "${header#"$top"/src/}" |
                cc -std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I"$top/src" \
                        ${generated:+-I"$(dirname "$generated")"} -x c - || {
                echo "$header does not compile alone: include what it uses"
                bad=1
        }
done
exit $bad
