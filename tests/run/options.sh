#!/bin/sh
# The module's options: environment, file, and what each changes. See verbs.c.
. "$(dirname "$0")/lib.sh"
hsm_up
here=$CHSM_SOCKET

# says ANSWERS VERB...: the module must answer so.
says() {
        answers=$1
        shift
        got=$("$build/tests/run/verbs" "$CHSM_MODULE" "$@" | tr '\n' ' ')
        [ "$got" = "$answers " ] || {
                echo "got '$got'"
                return 1
        }
}

t "without options: a slot with a token" says "initialize 0 slots 1 slots 1 present 1 token 0" initialize slots slots=all present token
t "a wrong PIN is CKR_PIN_INCORRECT" says "initialize 0 open 0 login a0" initialize open login=cu1:wrong-one
export CHSM_PIN_ERROR_CODE=0xA3
t "or what the documented system says" says "initialize 0 open 0 login a3 login a3 login 0" \
        initialize open login=cu1:wrong-one login=nocolon "login=$CHSM_PIN"
export CHSM_PIN_ERROR_CODE=0xA4
t "an option that is none" says "initialize 5" initialize
unset CHSM_PIN_ERROR_CODE

t "a password alone is nobody's" says "initialize 0 open 0 login a0" initialize open "login=$CHSM_CU_PASSWORD"
export CHSM_DEFAULT_USER="$CHSM_CU_USER"
t "but the default user's, where there is one" says "initialize 0 open 0 login 0" initialize open "login=$CHSM_CU_PASSWORD"
unset CHSM_DEFAULT_USER

# ---- new keys: e for extractable, c for encrypts
made() {
        says "initialize 0 open 0 login 0 key $1" initialize open "login=$CHSM_PIN" "key=$2"
}
t "a key by default" made ec plain
t "a key that can be read" made ec readable
export CHSM_DEFAULT_EXTRACTABLE=0
t "a key does not leave" made c plain
unset CHSM_DEFAULT_EXTRACTABLE
export CHSM_DEFAULT_USAGE=0
t "a key may do nothing" made e0 plain
unset CHSM_DEFAULT_USAGE
export CHSM_ALLOW_NONSENSITIVE_SESSION=0
t "no key can be read" made d1 readable
unset CHSM_ALLOW_NONSENSITIVE_SESSION
printf 'STRICT=1\n' >azcloudhsm_application.cfg
t "STRICT, from the file: nothing of it" made 0 plain
t "and no key can be read" made d1 readable
printf 'DEFAULT_USER=%s\nPIN_ERROR_CODE=0xA3\n' "$CHSM_CU_USER" >azcloudhsm_application.cfg
t "the file has the other options too" says "initialize 0 open 0 login a3 login 0" initialize open \
        login=wrong-one "login=$CHSM_CU_PASSWORD"

# ---- the log
printf 'LOG_FILE=%s/elsewhere\n' "$work" >azcloudhsm_application.cfg
t "the working directory's file names no log" says "initialize 5" initialize
CHSM_LOG=$work/log says "initialize 5" initialize
t "nor is one written" test ! -e elsewhere
t "which the log says" grep -q "LOG_FILE is not taken" log
mv azcloudhsm_application.cfg named.cfg
CHSM_APPLICATION_CFG=$work/named.cfg says "initialize 0 open 0 login a0" initialize open login=x
t "a file that was named does" grep -q "user:password" elsewhere
rm -f log
CHSM_LOG=$work/log CHSM_LOG_LEVEL=errors says "initialize 0 open 0 login a0" initialize open login=x
t "errors only: no refusals" test ! -e log
CHSM_LOG=$work/log CHSM_LOG_LEVEL=calls says "initialize 0 open 0 random 0" initialize open random
t "calls: each with its time" grep -q "call: random: 0x0 after [0-9]* us" log
t "nothing of a PIN" sh -c "! grep -q '$CHSM_CU_PASSWORD' log elsewhere"

# ---- programs that stand between people and keys
for key in SECOND_FACTOR_COMMAND APPROVAL_COMMAND; do
        printf '%s=%s/own\n' $key "$work" >azcloudhsm_application.cfg
        t "the working directory's file names no $key" says "initialize 5" initialize
        mv azcloudhsm_application.cfg named.cfg
        t "a named one does" env CHSM_APPLICATION_CFG="$work/named.cfg" "$build/tests/run/verbs" "$CHSM_MODULE" initialize
        printf '%s=own\n' $key >named.cfg
        CHSM_APPLICATION_CFG=$work/named.cfg CHSM_LOG=$work/log CHSM_LOG_LEVEL=errors says "initialize 5" initialize
        t "$key by a relative path" grep -q "$key names a program by its absolute path" log
done

# ---- a daemon that is not there
export CHSM_SOCKET=$work/nowhere
t "no daemon: C_Initialize fails" says "initialize 5" initialize
export CHSM_DEFER_CONNECT=1
t "deferred: a slot without token" says "initialize 0 slots 0 slots 1 present 0 token e0 open e0 finalize 0" \
        initialize slots slots=all present token open finalize
export CHSM_SOCKET=$here
t "and with it: all as ever" says "initialize 0 slots 1 token 0 open 0 login 0" initialize slots token open "login=$CHSM_PIN"
finish
