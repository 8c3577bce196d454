#!/bin/sh
# Keys that several users approve, keys that ask for the password at each use, and users with a second factor, through PKCS#11
# and chsm-util: the examples of docs/quorum.md with pkcs11-tool and openssl, and what is refused.
. "$(dirname "$0")/lib.sh"
hsm_up

# The script of the documentation.
awk '/^```/ { on = $0 == "```sh"; next } on' "$top/docs/quorum.md" >approve-in-folder
chmod +x approve-in-folder
mkdir folder

tool() { # USER ARGUMENTS...
        who=$1
        shift
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$who:$CHSM_CU_PASSWORD" "$@" 2>&1
}
signs() { # USER
        tool "$1" --sign --mechanism SHA256-RSA-PKCS --label both --input-file text --output-file sig
}
registers() { # NAME
        head -c 245 /dev/urandom >"$1.token" && openssl dgst -sha256 -sign "$1.key" -out "$1.token.sig" "$1.token" &&
                printf 'loginHSM CU %s %s\nregisterQuorumPubKey CU %s %s.token %s.token.sig %s.pem\n' "$1" "$CHSM_CU_PASSWORD" \
                        "$1" "$1" "$1" "$1" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
# Everybody named signs the token that lies in the folder.
approve() {
        until_true sh -c 'ls folder | grep -q "key[0-9]*-[0-9]*$"' || return 1
        token=folder/$(ls folder | grep "key[0-9]*-[0-9]*$")
        cp "$token" seen
        for person; do
                openssl dgst -sha256 -sign "$person.key" -out signature "$token" && mv signature "$token.$person" || return 1
        done
}
# with_approvals NAMES COMMAND...: the command, while they sign.
with_approvals() {
        names=$1
        shift
        "$@" >said 2>&1 &
        running=$!
        # shellcheck disable=SC2086 # a list of names
        approve $names
        wait "$running" && rv=0 || rv=$?
        cat said
        return "$rv"
}

t "a second user" officer createUser CU cu2 "$CHSM_CU_PASSWORD"
t "keys of both" sh -c 'for p in cu1 cu2 other factor; do openssl genrsa -out $p.key 2048 && openssl rsa -in $p.key -pubout -out $p.pem || exit 1; done'
t "one registers his key" registers cu1
t "and the other" registers cu2
cu2_id=$(nobody listUsers | awk '$3 == "cu2" { print $1 }')
t "a pair that two must approve" util genRSAKeyPair -m 2048 -e 65537 -l both -u "$cu2_id" -m_value 2
key=$(handle private <"$work/out")
pub=$(handle public <"$work/out")
t "its public half" util exportPubKey -k "$pub" -out both.pem
echo "some text" >text
export CHSM_LOG="$work/log"
refused "without a program nobody approves" "0x200" signs cu1
t "the log says what is missing" grep -q "key $key needs 2 approvals for each use" log
export CHSM_APPROVAL_COMMAND="$work/approve-in-folder $work/folder"
t "with the program of the documentation and two approvers the owner signs" with_approvals "cu1 cu2" signs cu1
t "openssl verifies it" openssl dgst -sha256 -verify both.pem -signature sig text
t "the token said which key" grep -qx "Key Handle: $key" seen
t "and who asks" grep -qx "User: cu1" seen
t "the folder is empty again" test -z "$(ls folder)"
t "the other user signs the same way" with_approvals "cu2 cu1" signs cu2
t "openssl verifies that too" openssl dgst -sha256 -verify both.pem -signature sig text
cat >other-key <<EOF
#!/bin/sh
cat >"$work/token"
echo "cu1 \$(openssl dgst -sha256 -sign "$work/cu1.key" "$work/token" | base64 -w0)"
echo "cu2 \$(openssl dgst -sha256 -sign "$work/other.key" "$work/token" | base64 -w0)"
EOF
chmod +x other-key
export CHSM_APPROVAL_COMMAND="$work/other-key"
refused "a signature by a key that is not registered" "0x200" signs cu1
t "is named in the log" grep -q "the approval of 'cu2' is no signature of this token file" log
no_tokens() { util listTokens | grep -q "Num of tokens = 0"; }
t "its token is gone" no_tokens
export CHSM_APPROVAL_COMMAND="$work/approve-in-folder $work/folder"
t "a use of more data than a message" sh -c 'head -c 3000000 /dev/urandom >text'
t "is approved once" with_approvals "cu1 cu2" signs cu1
t "and openssl verifies it" openssl dgst -sha256 -verify both.pem -signature sig text
echo "some text" >text
printf '#!/bin/sh\ncat >>"%s/asked"\nprintf "%%s\\n" "$SAY"\nexit "$END"\n' "$work" >stub
chmod +x stub
export CHSM_APPROVAL_COMMAND="$work/stub"
answers() { # WORDS STATUS
        SAY=$1 END=$2 signs cu1
}
refused "a program that says nothing" "0x200" answers "" 0
refused "that fails" "0x200" answers "cu1 AAAA" 1
refused "that talks" "0x200" answers "I approve of it" 0
t "the log says how it should" grep -q "is not lines of a user's name and his signature in base64" log
CHSM_APPROVAL_COMMAND=$work/nowhere
refused "one that is not there" "0x200" signs cu1
t "no token is left of all these" no_tokens
t "each was asked for each call" sh -c '[ "$(grep -c "^Id: " asked)" -ge 3 ]'
mkfifo started
printf '#!/bin/sh\necho $$ >"%s/started"\nexec tail -f /dev/null\n' "$work" >hangs
chmod +x hangs
export CHSM_APPROVAL_COMMAND="$work/hangs"
t "C_Finalize ends one that hangs, and the call" python3 "$top/tests/run/helper_ends.py" "$CHSM_MODULE" started "cu1:$CHSM_CU_PASSWORD" both
export CHSM_APPROVAL_COMMAND="$work/approve-in-folder $work/folder"
deleted() { tool cu1 --delete-object --type privkey --label both; }
t "deleting it is approved as a change" with_approvals "cu1 cu2" deleted
t "by a token of service 2" grep -q "^Service: 2 KEY_MGMT" seen
unset CHSM_APPROVAL_COMMAND

# A key that asks for the password at each use: chsm-util.
asking() { pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --keypairgen --key-type EC:prime256v1 --label asks --always-auth 2>&1; }
t "a pair that asks at each use" asking
asks_pub=$(util findKey -l asks -c 2 | sed -n 's/^[^0-9]*\([0-9][0-9]*\)[^0-9]*$/\1/p' | tail -n 1)
asks=$(util findKey -l asks -c 3 | sed -n 's/^[^0-9]*\([0-9][0-9]*\)[^0-9]*$/\1/p' | tail -n 1)
t "its public half" util exportPubKey -k "$asks_pub" -out asks.pem
echo "some text" >text
asked() { rm -f sig; util sign -f text -k "$asks" -m 17 -out sig "$@"; }
good() { asked "$@" && openssl dgst -sha256 -verify asks.pem -signature sig text; }
refused "a script does not sign without the password" "give it with -p, or -hpswd" asked
refused "nor with -json" '"reason":"not-logged-in"' asked -json
t "with it, it does" good -p "$CHSM_CU_PASSWORD"
typed() { echo "$CHSM_CU_PASSWORD" | good -hpswd; }
t "or on standard input" typed
t "with -json" asked -p "$CHSM_CU_PASSWORD" -json
refused "another password" "user name or password is wrong" asked -p not-his-own
t "nothing was written" test ! -e sig
refused "both ways" "not both" asked -p "$CHSM_CU_PASSWORD" -hpswd
t "a key that asks nothing" util genECCKeyPair -i 2 -l plain
plain=$(handle private <"$work/out")
refused "takes no password" "the key asks for no password" util sign -f text -k "$plain" -m 17 -out sig -p "$CHSM_CU_PASSWORD"
cat >terminal.py <<'EOF'
import os, pty, sys
words, sent = b"", False
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        some = os.read(fd, 1000)
    except OSError:
        break
    if not some:
        break
    words += some
    if b"Password for this key: " in words and not sent:
        os.write(fd, os.environ["CHSM_CU_PASSWORD"].encode() + b"\n")
        sent = True
print(words.decode())
sys.exit(os.waitpid(pid, 0)[1] != 0 or not sent or os.environ["CHSM_CU_PASSWORD"].encode() in words)
EOF
person() {
        rm -f sig
        CHSM_CU_PASSWORD=$CHSM_CU_PASSWORD python3 terminal.py chsm-util singlecmd loginHSM -u CU -s "$CHSM_CU_USER" -p "$CHSM_CU_PASSWORD" \
                sign -f text -k "$asks" -m 17 -out sig && openssl dgst -sha256 -verify asks.pem -signature sig text
}
t "a person at a terminal is asked, without echo" person

# The second factor.
factor() {
        rm -f factor.authdata factor.in && mkfifo factor.in
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" <factor.in >factor.out 2>&1 &
        registering=$!
        exec 5>factor.in
        printf 'loginHSM CU cu2 %s\nregisterUserAuthPubKey CU cu2 factor.authdata\n' "$CHSM_CU_PASSWORD" >&5
        until_true python3 -c "import json; json.load(open('factor.authdata'))" && python3 - <<EOF
import base64, json, subprocess
a = json.load(open('factor.authdata'))
digest = base64.b64decode(a['Data'][0]['Digest'])
sign = ['openssl', 'pkeyutl', '-sign', '-inkey', 'factor.key', '-pkeyopt', 'digest:sha256']
a['Data'][0]['Signature'] = base64.b64encode(subprocess.run(sign, input=digest, capture_output=True, check=True).stdout).decode()
a['PublicKey'] = open('factor.pem').read()
json.dump(a, open('factor.new', 'w'))
EOF
        mv factor.new factor.authdata
        echo >&5
        exec 5>&-
        wait "$registering" && rv=0 || rv=$?
        cat factor.out
        return "$rv"
}
t "a user registers the key of a second factor" factor
refused "his password alone does not let him in" "0x200" tool cu2 -O
refused "nor into chsm-util" "not enough for this user" chsm-util singlecmd loginHSM -u CU -s cu2 -p "$CHSM_CU_PASSWORD" listTokens
export CHSM_SECOND_FACTOR_COMMAND="/usr/bin/openssl pkeyutl -sign -inkey $work/factor.key -pkeyopt digest:sha256"
t "with the command of the documentation he logs in" tool cu2 -O
makes() { tool cu2 --keygen --key-type AES:32 --label of-cu2 --sensitive --private; }
t "and works" makes
t "chsm-util takes it too" chsm-util singlecmd loginHSM -u CU -s cu2 -p "$CHSM_CU_PASSWORD" findKey -l of-cu2
t "others log in without it" tool cu1 -O
wrong_pin() { pkcs11-tool --module "$CHSM_MODULE" --login --pin cu2:not-his-own -O 2>&1; }
refused "another password with it" "CKR_PIN_INCORRECT" wrong_pin
export CHSM_SECOND_FACTOR_COMMAND="/usr/bin/openssl pkeyutl -sign -inkey $work/cu2.key -pkeyopt digest:sha256"
refused "a signature by another key" "CKR_PIN_INCORRECT" tool cu2 -O
export CHSM_SECOND_FACTOR_COMMAND="/bin/false"
refused "a command that fails" "0x200" tool cu2 -O
export CHSM_SECOND_FACTOR_COMMAND="$work/hangs"
t "C_Finalize ends one that hangs, and the login" python3 "$top/tests/run/helper_ends.py" "$CHSM_MODULE" started "cu2:$CHSM_CU_PASSWORD"
printf '#!/bin/sh\nenv >"%s/environment"\nexec openssl pkeyutl -sign -inkey "%s/factor.key" -pkeyopt digest:sha256\n' "$work" "$work" >factor-command
chmod +x factor-command
export CHSM_SECOND_FACTOR_COMMAND="$work/factor-command"
t "a command that looks around" tool cu2 -O
t "learns the name" grep -qx "CHSM_HELPER_USER=cu2" environment
unset CHSM_SECOND_FACTOR_COMMAND
elsewhere() { printf 'loginHSM -u CU -s cu1 -p %s\nallocContext\nauthUser -c 2 -u CU -s cu2 -p %s\n' "$CHSM_CU_PASSWORD" "$CHSM_CU_PASSWORD" | chsm-util; }
refused "no context of chsm-util lets him in without it" "not enough for this user" elsewhere
t "an officer gives him another password" officer changePswd CU cu2 Another-word-8
officers_word() { pkcs11-tool --module "$CHSM_MODULE" --login --pin cu2:Another-word-8 -O 2>&1; }
refused "which is not enough either" "0x200" officers_word
refused "nor in chsm-mgmt" "logs in with a second factor" nobody loginHSM CU cu2 Another-word-8
cu2_again() { officer extractMaskedObject cu2.masked user "$cu2_id" && officer insertMaskedObject cu2.masked; }
refused "a masked copy of him brings no second one" "user already created" cu2_again
export CHSM_SECOND_FACTOR_COMMAND="$work/factor-command"
t "with the signature it is" officers_word
t "the officer gives him the first one back" officer changePswd CU cu2 "$CHSM_CU_PASSWORD"
changes() { tool cu2 --change-pin --new-pin "cu2:Another-word-9"; }
t "a new password" changes
refused "ends the old one" "CKR_PIN_INCORRECT" tool cu2 -O
finish
