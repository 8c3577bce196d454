#!/bin/sh
# The life of keys through chsm-util: uses that outlive a restart, versions, retirement, and their refusals.
. "$(dirname "$0")/lib.sh"
hsm_up
echo "some text" >text

# answers FILTER WORD COMMAND...: a field of the JSON answer, as jq would name it.
field() {
        name=$1
        shift
        chsm-util -j singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" "$@" |
                python3 -c 'import json, sys
a = [json.loads(line) for line in sys.stdin][-1]
for part in sys.argv[1].split("."):
    a = a[int(part)] if part.isdigit() else a[part]
print(a)' "$name"
}
is() { # WANTED FIELD COMMAND...
        wanted=$1
        shift
        got=$(field "$@")
        [ "$got" = "$wanted" ] || {
                echo "$1 is '$got', not '$wanted'"
                return 1
        }
}

util genECCKeyPair -i 2 -l tls -id t1 >made
priv=$(handle private <made)
pub=$(handle public <made)
t "a new key was never used" is None last_used getKeyInfo -k "$priv"
t "it is signed with" util sign -f text -k "$priv" -m 17 -out first.sig
t "and again" util sign -f text -k "$priv" -m 17 -out first.sig
t "both uses are told" is 2 uses getKeyInfo -k "$priv"
"$top/scripts/dev-cluster" restart "$work/hsm" >/dev/null
. "$work/hsm/env"
t "and kept when the node stops in order" is 2 uses getKeyInfo -k "$priv"

rotate() {
        util rotateKey -k "$priv" >made && priv2=$(handle private <made) && pub2=$(handle public <made)
}
t "a pair rotates" rotate
t "the new version signs" util sign -f text -k "$priv2" -m 17 -out second.sig
t "and its public half verifies" util verify -f text -s second.sig -k "$pub2" -m 17
t "the old public half verifies what was signed" util verify -f text -s first.sig -k "$pub" -m 17
refused "the old private half signs nothing" "CKA_SIGN=FALSE" util sign -f text -k "$priv" -m 17 -out third.sig
refused "and does not sign again" "stays FALSE" util setAttribute -o "$priv" -a 264 -v 1
refused "it does not rotate" "version 1 and not the current one" util rotateKey -k "$priv"
refused "the current version does not retire" "rotateKey -k $priv2" util retireKey -k "$priv2"
t "versions are listed" is superseded versions.0.state getKeyInfo -k "$priv2"
t "with their handles" is "$priv2" versions.1.handle getKeyInfo -k "$priv"
t "the current one is found" is "[$priv2]" handles findKey -l tls -c 3 -ver current
t "and one by its number" is "[$priv]" handles findKey -l tls -c 3 -ver 1
refused "a version that is no number" "-ver" util findKey -l tls -ver newest
t "an old pair retires" util retireKey -k "$priv"
refused "then it verifies nothing" "CKA_VERIFY=FALSE" util verify -f text -s first.sig -k "$pub" -m 17
refused "it is retired already" "retired already" util retireKey -k "$pub"
refused "a key that is not there" "no object with handle 99" util rotateKey -k 99
refused "a date that is none" "YYYYMMDD" util rotateKey -k "$priv2" -ed 2030-01-01
refused "a last day before the first" "is after CKA_END_DATE" util rotateKey -k "$priv2" -sd 20300101 -ed 20200101

util genSymKey -t 31 -s 32 -l data >made
data=$(handle Key <made)
t "an AES key rotates, with dates of its own" util rotateKey -k "$data" -sd 20200101 -ed 20991231
t "the new version has them" is current state getKeyInfo -k "$(field handles.1 findKey -l data)"

util genSymKey -t 31 -s 32 -l loose -wrap_with_trusted 0 >made
loose=$(handle Key <made)
advises() { # RULE
        chsm-util -j singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" auditKeys |
                python3 -c 'import json, sys
a = [json.loads(line) for line in sys.stdin][-1]
found = [w["cure"] for k in a["keys"] if k["handle"] == int(sys.argv[1]) for w in k["advice"] if w["rule"] == sys.argv[2]]
assert len(found) == 1 and str(sys.argv[1]) in found[0], a' "$loose" "$1"
}
t "a review finds a key that leaves under any key, with the cure" advises extractable-untrusted
t "the cure is a command that is taken" util setAttribute -o "$loose" -a 528 -v 1
refused "and helps" AssertionError advises extractable-untrusted
t "one officer alone is told of" sh -c 'printf "loginHSM CO %s %s\nauditKeys -old 1\n" "$CHSM_CO_USER" \
        "$CHSM_CO_PASSWORD" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep -q "fewer than two crypto officers"'
refused "an option there is none of" "is no option of auditKeys" util auditKeys -weak 3
refused "days that are none" "takes days" util auditKeys -unused soon
finish
