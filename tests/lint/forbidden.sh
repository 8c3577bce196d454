#!/bin/sh
# Calls and words that have no place in the sources.
top=$1
bad=0
refuse() { # pattern, why, folders...
        pattern=$1 why=$2
        shift 2
        if grep -rnE --include='*.[ch]' "$pattern" "$@"; then
                echo "^ $why"
                bad=1
        fi
}
refuse '(^|[^a-z_])(strcpy|strcat|sprintf|gets|strtok|system|rand|srand)\(' \
        'unbounded, unsafe or unpredictable calls: use buf, snprintf, crypto_random' "$top/src"
refuse '(^|[^a-zA-Z_])(T''ODO|F''IXME|X''XX|H''ACK)([^a-zA-Z_]|$)' \
        'unfinished work is finished or written into docs/decisions.md' "$top/src" "$top/tests"
for room in base ck crypto store audit vault wire tls client pkcs11; do
        case $room in base) files=$(ls "$top"/src/base/*.c | grep -v /opt.c) ;; *) files=$(ls "$top/src/$room/"*.c 2>/dev/null) ;; esac
        [ -n "$files" ] || continue
        # shellcheck disable=SC2086 # a list of files is meant
        refuse '(^|[^a-z_])((printf|puts|putchar)\(|fprintf\(std(out|err))' \
                'a library says nothing on stdout or stderr: use base/log.h' $files
done
exit $bad
