#!/bin/sh
# The layout of C files is clang-format's business (.clang-format), not a matter of taste.
top=$1
find "$top/src" "$top/tests" "$top/fuzz" "$top/bench" -name '*.[ch]' ! -name 'cryptoki*.h' ! -name '*_rows.c' |
        xargs clang-format --dry-run -Werror || {
        echo "run clang-format -i on the files named"
        exit 1
}
