#!/bin/sh
# Users and their rights through chsm-mgmt and chsm-util: documented commands, and their refusals.
. "$(dirname "$0")/lib.sh"
hsm_up

# as TYPE NAME PASSWORD COMMAND...: one command of a user.
as() {
        login="loginHSM $1 $2 $3"
        shift 3
        printf '%s\n%s\n' "$login" "$*" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
json() { # COMMAND...: as the officer
        printf 'loginHSM CO %s %s\n%s\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" "$*" |
                chsm-mgmt --yes --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | tail -n 1
}
says() { # WORDS COMMAND...
        words=$1
        shift
        "$@" >said 2>&1 && grep -qF -- "$words" said || { cat said; return 1; }
}
rights() { # NAME VALUE ...: the file of setUserAttributes
        : >attributes
        while [ $# -gt 0 ]; do
                printf '%s\n%s\n' "$1" "$2" >>attributes
                shift 2
        done
}
key_of() { # USER LABEL: a wrapping key of the user
        chsm-util singlecmd loginHSM -u CU -s "$1" -p user2345 genSymKey -t 31 -s 32 -l "$2" | handle Key
}

t "a user for the tests" officer createUser CU cu2 user2345
rights CKA_USER_KEYGEN 0x00
t "an officer takes a right" says "setUserAttributes success" officer setUserAttributes cu2 attributes
refused "the user makes no keys" "CKA_USER_KEYGEN off" chsm-util singlecmd loginHSM -u CU -s cu2 -p user2345 \
        genSymKey -t 31 -s 32 -l x
t "his information says so" says "|-- KEYGEN: DISABLED" officer getUserInfo cu2
t "and what is on" grep -qF -- "|-- WRAP: ENABLED" said
t "it is written to a file" officer getUserInfo cu2 info.txt
t "which says the same" grep -qF "USER ATTRIBUTES" info.txt
t "in JSON too" sh -c 'printf "%s" "$1" | grep -q "\"CKA_USER_KEYGEN\":false"' - "$(json getUserInfo cu2)"
t "a user sees himself" says "User Name: cu2" as CU cu2 user2345 getUserInfo CU2
refused "and nobody else" "only crypto officers and" as CU cu2 user2345 getUserInfo "$CHSM_CU_USER"
rights CKA_USER_KEYGEN 0x01
t "the officer gives it back" officer setUserAttributes cu2 attributes
key=$(key_of cu2 mine)
t "and keys are made" test -n "$key"

refused "a user sets no rights" "role may not" as CU cu2 user2345 setUserAttributes cu2 attributes
refused "an officer has none" "only crypto users have rights" officer setUserAttributes admin attributes
refused "there is no such user" "there is no user 'cu9'" officer setUserAttributes cu9 attributes
refused "there is no such file" "nothing-here" officer setUserAttributes cu2 nothing-here
rights CKA_USER_FLY 0x01
refused "a right that is none" "attributes:1: 'CKA_USER_FLY' is no user attribute" officer setUserAttributes cu2 attributes
rights CKA_USER_SIGN yes
refused "a value that is none" "must be 0x01 (on) or 0x00 (off)" officer setUserAttributes cu2 attributes
rights CKA_USER_SIGN 0x01 CKA_USER_SIGN 0x00
refused "a right named twice" "stands here twice" officer setUserAttributes cu2 attributes
: >attributes
refused "a file without rights" "has no user attribute" officer setUserAttributes cu2 attributes
rights CKA_MANAGE_BY_CO 0x00
refused "an officer closes no account" "only 'cu2' himself" officer setUserAttributes cu2 attributes
refused "nor with the command for it" "role may not" officer disableUserAccess cu2
refused "nor does another user" "only 'cu2' himself" as CU "$CHSM_CU_USER" "$CHSM_CU_PASSWORD" disableUserAccess cu2

t "an officer trusts the user's key" officer setAttribute "$key" 134 1
t "and trusts it no longer" officer setAttribute "$key" 134 0
t "the user closes his account" says "disableUserAccess success" as CU cu2 user2345 disableUserAccess CU2
refused "no key of his becomes trusted" "has closed his account to officers" officer setAttribute "$key" 134 1
refused "no officer changes his password" "has closed his account to officers" officer changePswd CU cu2 officer12
rights CKA_MANAGE_BY_CO 0x01
refused "no officer opens it again" "nobody can undo that" officer setUserAttributes cu2 attributes
refused "he is not deleted while he has keys" "owns 1 keys" officer deleteUser CU cu2
t "he changes his password himself" as CU cu2 user2345 changePswd CU cu2 user2345
t "the node restarts" hsm_restart
refused "and it is closed still" "has closed his account to officers" officer changePswd CU cu2 officer12
t "he deletes his key" chsm-util singlecmd loginHSM -u CU -s cu2 -p user2345 deleteKey -k "$key"
t "then an officer may delete him" officer deleteUser CU cu2

# ---- owners ----
t "two users for the keys" sh -c 'exit 0'
officer createUser CU giver user2345 >made && officer createUser CU taker user2345 >>made
key=$(key_of giver gift)
id_of() { json getUserInfo "$1" | sed -n 's/.*"id":\([0-9]*\).*/\1/p'; }
taker=$(id_of taker)
kcv=$(printf 'loginHSM CU giver user2345\ngetAttribute %s 371\n' "$key" |
        chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | sed -n 's/.*"value":"\(0x\)*\([0-9a-fA-F]*\)".*/\2/p')
refused "a key is not given without its check value" "371" officer modifyKeyOwner "$key" "$taker"
refused "nor with a wrong one" "another check value" officer modifyKeyOwner "$key" "$taker" 000000
refused "nor to an officer" "only crypto users own keys" officer modifyKeyOwner "$key" 1 "$kcv"
refused "nor to nobody" "no user with id 99" officer modifyKeyOwner "$key" 99 "$kcv"
refused "nor by its owner" "role may not" as CU giver user2345 modifyKeyOwner "$key" "$taker" "$kcv"
refused "a strange handle" "is no key handle" officer modifyKeyOwner x "$taker"
refused "a strange check value" "is no check value" officer modifyKeyOwner "$key" "$taker" zz
t "an officer gives it" says "modifyKeyOwner success" officer modifyKeyOwner "$key" "$taker" "$kcv"
t "and the other has it" chsm-util singlecmd loginHSM -u CU -s taker -p user2345 deleteKey -k "$key"

# ---- comparing nodes: the same node twice stands for two that agree ----
sed 'p' "$CHSM_CONF_DIR/chsm-mgmt.conf" | awk '!/^server/ { if (seen[$0]++) next } { print }' >twice.conf
twice() { # COMMANDS...: on standard input, as the officer
        { echo "loginHSM CO $CHSM_CO_USER $CHSM_CO_PASSWORD"; cat; } | chsm-mgmt --yes -c "$work/twice.conf"
}
key=$(key_of taker compared)
t "two servers have one hash of all users" sh -c 'printf "%s" "$1" | grep -A1 "User Hash on server" | grep -c "^[0-9a-f]\{64\}$" | grep -qx 2' - \
        "$(echo getUserHash | twice)"
one_user() { echo "getSingleUserHash $taker" | twice; }
t "and of one user" says "getSingleUserHash success on server 1" one_user
t "a user is the same on both" sh -c 'printf "%s" "$1" | grep -qx "$2  1,0,"' - "$(echo "getUserDiffMap 0 $taker" | twice)" "$taker"
t "a key too" sh -c 'printf "%s" "$1" | grep -qx "$2  1,0,"' - "$(echo "getKeyDiffMap 1 0 0" | twice)" "$key"
t "in a server's scope it is that server" sh -c 'printf "%s" "$1" | grep -qx "$2  1,0,"' - \
        "$(printf 'server 1\ngetKeyDiffMap 0 %s map.txt\n' "$key" | twice)" "$key"
t "it is written to a file" grep -qx "$key  1,0," map.txt
refused "a server that is not there" "server 7 is not connected" officer getUserDiffMap 7 0
refused "a user who is not there" "no user with id 99" officer getSingleUserHash 99
refused "a word that is no id" "is no user id" officer getSingleUserHash x
refused "all users are another command" "getUserHash" officer getSingleUserHash 0
refused "a key that is not there" "no object with handle 99" officer getKeyDiffMap 0 0 99
refused "a word too few" "the key handle is missing" officer getKeyDiffMap 0 0
too_many() { printf 'server 0\ngetUserDiffMap 0 file more\n' | twice; }
refused "a word too many" "one word too many" too_many
refused "users compare no keys" "for crypto officers" as CU taker user2345 getKeyDiffMap 0 0 0
t "but users" says "getUserDiffMap success" as CU taker user2345 getUserDiffMap 0 0
refused "nobody compares anything" "no user is logged in" nobody getUserHash

# A change is made once in what both share, and both say so.
shared() {
        printf 'createUser CU both user2345\nchangePswd CU both user2346\ndeleteUser CU both\nrenamePCO admin chief\nloginHSM CO chief %s\nrenamePCO chief admin\nloginHSM CO admin %s\nchangePswd CO admin %s\nlistUsers\n' \
                "$CHSM_CO_PASSWORD" "$CHSM_CO_PASSWORD" "$CHSM_CO_PASSWORD" | twice >said 2>&1 &&
                [ "$(grep -c 'success on server 1' said)" -eq 9 ] || { cat said; return 1; }
}
t "nodes that share a partition are given a change once" shared

# ---- officers and passwords ----
t "a single officer is remarked on" says "Note: only one crypto officer can log in" officer listUsers
t "also in JSON" sh -c 'printf "loginHSM CO %s %s\n" "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" |
        chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep -q "\"note\":\"only one crypto officer"'
t "a second is made, with a password that is remarked on" says "Advice: the password is one that guessing begins with" \
        officer createUser CO second welcome1
t "then nothing is" sh -c '! printf "loginHSM CO second welcome1\n" | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep Note'
t "a good password is not" sh -c '! printf "loginHSM CO %s %s\ncreateUser CU good Kx7-qqw2-Vb91\n" "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" |
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep Advice'
t "the same user again is no change" says "createUser success" officer createUser CU GOOD Kx7-qqw2-Vb91
refused "with another password he is another" "there is a CU 'good' already" officer createUser CU good other1234
t "an officer changes his name" says "renamePCO success" as CO second welcome1 renamePCO second Deputy
refused "not that of another" "only 'admin' himself" as CO deputy welcome1 renamePCO admin captain
refused "nor to one that is taken" "there is a user 'admin' already" as CO deputy welcome1 renamePCO deputy ADMIN
refused "nor to no name" "letters, digits" as CO deputy welcome1 renamePCO deputy a-b
refused "the old name is nobody's" "user name or password is wrong" as CO second welcome1 listUsers
t "officers type names as they like" as CO DEPUTY welcome1 changePswd CO dePuty Kx7-qqw2-Vb92
t "one officer helps another" officer changePswd CO deputy Kx7-qqw2-Vb93
refused "who is not locked is not unlocked" "is not locked" officer unlockUser good
refused "passwords have no signs that tools cut at" "must not have" officer createUser CU cutter abc:efg12
t "an officer goes, and it is remarked" says "Note: only one crypto officer" officer deleteUser CO deputy
finish
