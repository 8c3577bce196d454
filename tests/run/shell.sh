#!/bin/sh
# The shells of both utilities: at a terminal, and with scripts.
. "$(dirname "$0")/lib.sh"
hsm_up

at_terminal() {
        python3 "$top/tests/run/terminal.py" "$1"
}
t "verbs, users, attributes and settings are completed" at_terminal completion
t "options and labels are completed" at_terminal completion_of_options_and_labels
t "the history is private, lasts, and holds no password" at_terminal history
t "Ctrl-C ends a line" at_terminal interrupt_at_prompt
t "Ctrl-C ends a question, and then nothing is done" at_terminal interrupt_of_a_question
t "Ctrl-C ends a command, not the program" at_terminal interrupt_of_a_command
t "a refusal is coloured at a terminal" at_terminal colour
t "when one of several servers fails, it is asked what to do" at_terminal failure_of_one_server

mgmt() {
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" "$@"
}

# exits CODE COMMAND...
exits() {
        code=0
        wanted=$1
        shift
        "$@" >said 2>err </dev/null || code=$?
        cat said err
        [ "$code" -eq "$wanted" ]
}

cat >script <<END
# who is there
listUsers
loginHSM CO admin wrong1234
getPolicy
END
t "a script stops at the first command that fails" exits 1 mgmt -f script
t "and says where" grep -q "stopped after line 3" err
t "nothing was done after it" sh -c 'grep -q cu1 said && ! grep -q profile said'
t "unless it is told to go on" exits 1 mgmt -f script --keep-going
t "then the rest is done" grep -q profile said
t "standard input is such a script" sh -c '! chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" <script >said 2>&1 && ! grep -q profile said'
t "nothing is coloured in a pipe" sh -c '! grep -q "$(printf "\033")" said'
printf 'listUsers\n' >good
t "a script without failures ends with 0" exits 0 mgmt -f good
t "a command that fails ends with 1" exits 1 mgmt loginHSM CO admin wrong1234
t "a command that is not understood ends with 2" exits 2 mgmt createUser CU
t "so does a script that is not there" exits 2 mgmt -f nothing-here
t "a critical command in a script takes its answer from the next line" sh -c 'printf "loginHSM CO admin %s\ncreateUser CU cu8 user8888\ny\nlistUsers\n" \
        "$CHSM_CO_PASSWORD" >answers && chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" -f answers | grep -q cu8'
refused "and no is an answer" "not confirmed; nothing was changed" sh -c 'printf "loginHSM CO admin %s\ncreateUser CU cu7 user7777\nmaybe\nn\n" \
        "$CHSM_CO_PASSWORD" | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'
printf 'loginHSM -u CU -s cu1 -p %s\ngetKeyInfo -k 99\nlistUsers\n' "$CHSM_CU_PASSWORD" >util-script
t "the other utility does it the same way" exits 1 chsm-util -f util-script
t "and stops" sh -c '! grep -q app_user said'
t "or goes on" exits 1 chsm-util -k -f util-script
t "to the end" grep -q app_user said

t "help has an example" sh -c 'echo "help getCert" | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep -q "example: getCert PO.pem 4"'
t "global help does not list what is of one server" sh -c 'echo help | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >said &&
        grep -q "^  quit" said && ! grep -q "^  getCert" said'
t "a server's help does" sh -c 'printf "server 0\nhelp\n" | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >said &&
        ! grep -q "^  quit" said && grep -q "^  getCert " said'
sed 's/^server = .*/&\n&/' "$CHSM_CONF_DIR/chsm-mgmt.conf" >two.conf
refused "with several servers, one must be chosen" "choose it first, with: server 0" chsm-mgmt -c two.conf getCert po.pem 4
sed 's/^server = .*/&\nserver = 127.0.0.1:1\n&/' "$CHSM_CONF_DIR/chsm-mgmt.conf" >three.conf
asks() { # OPTIONS: what servers said to a script; the command has failed
        ! echo getPolicy | chsm-mgmt -c three.conf "$@" >said 2>err && grep -c "profile" said
}
t "a script goes on with the next server" sh -c "[ \"$(asks)\" = 2 ]"
t "and says where it failed" grep -q "getPolicy failed: server 1(127.0.0.1): " err
t "or goes no further" sh -c "[ \"$(asks --on-failure abort)\" = 1 ]"
t "an option that is none" exits 2 mgmt --on-failure cry getPolicy
# A cluster of which a node is down: who is logged in where, and whether the script goes on.
printf 'loginHSM CO admin %s\ngetMValue 3\n' "$CHSM_CO_PASSWORD" >daily
daily() { # OPTIONS
        chsm-mgmt -y -c three.conf "$@" <daily
}
t "a script ends at a login that one node did not take" exits 1 daily
t "which says the node" grep -q "loginHSM failed: server 1(127.0.0.1): .* is not connected" err
t "and was done on the others" sh -c '[ "$(grep -c "loginHSM success" said)" = 2 ] && ! grep -q MValue said'
t "told to ignore that, it goes on, and its status tells" exits 1 daily --on-failure ignore
t "each command on the nodes that are there" sh -c '[ "$(grep -ci "MValue\|M value\|quorum" said)" -ge 2 ] && grep -q "loginHSM failed: server 1" err'
printf 'loginHSM CO admin wrong1234\ngetMValue 3\n' >daily
t "a login that no node takes ends it all the same" exits 1 daily --on-failure ignore
t "there" grep -q "stopped after line 1" err
t "then it is done there" sh -c 'printf "server 1\ngetCert po.pem 4\n" | chsm-mgmt -c two.conf && [ -s po.pem ]'
finish
