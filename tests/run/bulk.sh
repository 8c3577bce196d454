#!/bin/sh
# Work on many keys: it is shown at a terminal and not in a pipe, found keys are shown as they come, and an import that is
# killed at any of its requests leaves whole keys, and goes on.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/util_lib.sh"
hsm_up

t "the user KEK" kek_make userkek ""
kek=$(cat userkek.handle)
mkdir many
for i in 1 2 3 4; do openssl rand -out "many/bulk-$i.key" 32; done
import() { # BEFORE_OR_AFTER N: an import that is killed so
        python3 "$top/tests/run/kill_request.py" "$2" "$1" chsm-util singlecmd loginHSM -u CU -s "$CHSM_CU_USER" \
                -p "$CHSM_CU_PASSWORD" imSymKey -t 31 -d many -w "$kek" >killed.out 2>&1
}
kcv() { # FILE: the check value of an AES key, by openssl
        head -c 16 /dev/zero | openssl enc -aes-256-ecb -nopad -K "$(od -An -tx1 -v "$1" | tr -d ' \n')" | head -c 3 |
                od -An -tx1 | tr -d ' \n'
}
for i in 1 2 3 4; do echo "findKey -id bulk-$i"; echo "findKey -id bulk-$i -l bulk-$i -t 31 -kcv $(kcv many/bulk-$i.key)"; done >look
commands() { # on standard input; answers in JSON, one a line, without that of the login
        { echo "loginHSM -u CU -s $CHSM_CU_USER -p $CHSM_CU_PASSWORD"; cat; } | chsm-util -j | sed 1d
}
# Each key is there with everything, or not at all; then the same command does the rest, and no key is there twice.
whole_then_done() {
        { cat look; echo "imSymKey -t 31 -d many -w $kek"; cat look; } | commands >answers
        jq -es '.[:8] as $before | .[8] as $run | .[9:] as $after | ([$before[].handles[]] | length / 2) as $there |
                all(range(4); $before[2 * .].handles == $before[2 * . + 1].handles and ($before[2 * .].handles | length) < 2) and
                $run.ok and $run.skipped == $there and $run.done == 4 - $there and
                all($after[]; (.handles | length) == 1)' answers >verdict || { cat answers; return 1; }
        jq -rs '.[9:][].handles[0]' answers | sort -u | sed 's/^/deleteKey -k /' | commands | jq -es 'length == 4 and all(.[]; .ok)'
}
for when in before after; do
        n=1
        while import $when $n; do
                t "killed $when its request $n: what is there is whole, and the rest follows" whole_then_done
                n=$((n + 1))
        done
        t "and $when none of $((n - 1)) requests is it complete" grep -q "4 done, 0 skipped" killed.out
        t "an import that nobody kills" whole_then_done
done

# ---- findAllKeys: 600 keys are three pages ----
many() {
        {
                echo "loginHSM -u CU -s $CHSM_CU_USER -p $CHSM_CU_PASSWORD"
                seq 600 | sed 's/.*/genSymKey -t 31 -s 16 -l many&/'
        } | chsm-util -j >made.out && [ "$(grep -c '"handle"' made.out)" -eq 600 ]
}
t "600 keys" many
found() {
        officer findAllKeys 0 0 keys.txt >found.out && grep -qx "Number of keys found 601" found.out &&
                grep -qx "number of keys matched from start index 0::600" found.out &&
                [ "$(grep -o '([os])' found.out | wc -l)" -eq 601 ] && [ "$(grep -o '([os])' keys.txt | wc -l)" -eq 601 ] && [ ! -e keys.txt.part ]
}
t "all are found, and counted first" found
t "the file has what was shown" sh -c '[ "$(grep "(o)" found.out)" = "$(cat keys.txt)" ]'
of_user() { # ID NUMBER
        officer findAllKeys "$1" 0 | grep -qx "Number of keys found $2"
}
t "those of a user" of_user 3 601
t "who may have none" of_user 2 0

at_terminal() {
        python3 "$top/tests/run/terminal.py" "$1"
}
t "an import is counted at a terminal" at_terminal progress
t "and not in a pipe" sh -c '! chsm-util singlecmd loginHSM -u CU -s "$CHSM_CU_USER" -p "$CHSM_CU_PASSWORD" \
        imSymKey -t 31 -d many -w "'"$kek"'" 2>&1 | grep -q "done: "'
finish
