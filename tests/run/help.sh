#!/bin/sh
# The documented lists of commands, and that help explains each.
. "$(dirname "$0")/lib.sh"
hsm_up

# Every documented command is in the help of its scope, and nowhere else.
listed() {
        sed -n 's/^  \([A-Za-z0-9_]*\) .*/\1/p' "$1" | sort -u
}
documented() { # TOOL SCOPE
        sed -n "s/^$1 *[A-Z-]*$2[A-Z]* *//p" "$top/tests/run/verbs.txt" | sort -u
}
lists() { # TOOL SCOPE FILE
        listed "$3" >is
        documented "$1" "$2" >should
        missing=$(comm -13 is should | tr '\n' ' ')
        [ -z "$missing" ] || { echo "help does not list: $missing"; return 1; }
}
nobody help >global
printf 'server 0\nhelp\n' | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >server
chsm-util help >util
t "global help lists the documented commands" lists mgmt G global
t "so does a server's" lists mgmt S server
t "and the other utility's" lists util - util
elsewhere() {
        listed global | comm -12 - only-server | grep . && return 1
        listed server | comm -12 - only-global | grep . && return 1
        return 0
}
sed -n 's/^mgmt S *//p' "$top/tests/run/verbs.txt" | sort >only-server
sed -n 's/^mgmt G  *//p' "$top/tests/run/verbs.txt" | sort >only-global
t "what is of one scope is not listed in the other" elsewhere
finish
