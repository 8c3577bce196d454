#!/bin/sh
# Operations that several people approve: the tools ask for tokens, the openssl program signs their files, and
# a token is good for one thing, once.
. "$(dirname "$0")/lib.sh"
hsm_up

# session NAME PROGRAM...: a tool that reads commands from NAME.in as long as the script lives; its words are in NAME.out.
session() {
        mkfifo "$1.in"
        : >"$1.out" # the shell below makes it only when somebody types
        who=$1
        shift
        "$@" <"$who.in" >"$who.out" 2>&1 &
        servers="$servers $!"
}

# asked N TEXT FILE: the text stands in the file N times.
asked() { [ "$(grep -cF -- "$2" "$3")" -ge "$1" ]; }

# say NAME COMMAND: gives the command to that session (descriptor 3 officer, 4 user), then waits for the mark behind it.
marks=0
say() {
        marks=$((marks + 1))
        [ "$1" = officer ] && fd=3 || fd=4
        printf '%s\nmark%sd\n' "$2" "$marks" >&$fd
        until_true asked 1 "'mark${marks}d'" "$1.out"
}

# says NAME COMMAND WORDS: the session answers with these words.
says() {
        before=$(wc -c <"$1.out")
        say "$1" "$2" && tail -c "+$((before + 1))" "$1.out" >"$1.last" && cat "$1.last" && grep -qF -- "$3" "$1.last"
}

registers() { # TYPE NAME PASSWORD
        head -c 245 /dev/urandom >"$2.token" && openssl dgst -sha256 -sign "$2.key" -out "$2.token.sig" "$2.token" &&
                printf 'loginHSM %s %s %s\nregisterQuorumPubKey %s %s %s.token %s.token.sig %s.pem\nlistUsers\n' "$1" "$2" "$3" \
                        "$1" "$2" "$2" "$2" "$2" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}

# approval FILE TYPE NAMES...: everybody signs the token file; FILE.approval lists them.
approval() {
        file=$1 type=$2
        shift 2
        {
                echo "# who approves"
                echo "Multi Token File Path = $file;"
                echo "Token File Path = ;"
                echo "Number of Approvals = $#;"
                for who; do
                        openssl dgst -sha256 -sign "$who.key" -out "$file.$who" "$file" >&2
                        printf 'Approver Type = %s; # a comment; with = signs\nApprover Name = %s;\nApproval File = %s;\n' \
                                "$type" "$who" "$file.$who"
                done
        } >"$file.approval"
}

t "keys are made with openssl" sh -c 'for p in admin co2 cu1 cu2; do openssl genrsa -out $p.key 2048 && openssl rsa -in $p.key -pubout -out $p.pem || exit 1; done'
t "a second officer" officer createUser CO co2 second1234
t "a second user" officer createUser CU cu2 user12345
t "the first officer registers his key" registers CO "$CHSM_CO_USER" "$CHSM_CO_PASSWORD"
t "the second too" registers CO co2 second1234
t "and both users" registers CU cu1 "$CHSM_CU_PASSWORD"
t "all of them" registers CU cu2 user12345
t "the list says so" sh -c 'echo listUsers | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep -q "co2 .*YES"'
wrong_key() {
        openssl dgst -sha256 -sign cu1.key -out wrong.sig co2.token
        printf 'loginHSM CO co2 second1234\nregisterQuorumPubKey CO co2 co2.token wrong.sig co2.pem\n' | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
refused "a signature by another key" "does not verify" wrong_key
other_key() {
        openssl dgst -sha256 -sign cu1.key -out wrong.sig co2.token
        printf 'loginHSM CO co2 second1234\nregisterMofnPubKey CO co2 co2.token wrong.sig cu1.pem\n' | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
refused "another key without a signature by the present one" "the present key" other_key
somebody_elses() {
        printf 'loginHSM CO admin %s\nregisterQuorumPubKey CO co2 co2.token co2.token.sig co2.pem\n' "$CHSM_CO_PASSWORD" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
refused "a key for somebody else" "registers his own key" somebody_elses

session officer chsm-mgmt --yes --keep-going -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
exec 3>officer.in
session user chsm-util --keep-going
exec 4>user.in

t "values are 1 at first" says officer "loginHSM CO $CHSM_CO_USER $CHSM_CO_PASSWORD
getMValue 3" "MValue of service 3[USER_MGMT] on server 0 : [1]"
t "three approvals of two officers" says officer "setMValue 3 3" "there are 2 crypto officers"
t "a value without a guard is pointed out" says officer "setMValue 3 2" "Setting M Value(2) for 3 on 1 nodes"
t "and then guarded" says officer "setMValue 4 2" "setMValue success on server 0"
t "no user is made without approvals" says officer "createUser CU cu9 user12345" "RET_MXN_AUTH_FAILED: service 3 (USER_MGMT) needs 2 approvals"
t "a token is given" says officer "getToken 3 admin token3" "getToken success on server 0"
t "its file is text" grep -qx "Service: 3 USER_MGMT" token3
t "it is listed" says officer "listTokens" "Required num of approvers : 2"
t "one signature" approval token3 2 admin
t "is one approval" says officer "approveToken token3.approval" "Current num of approvals : 1"
t "which is not enough" says officer "createUser CU cu9 user12345" "RET_MXN_AUTH_FAILED"
t "two signatures" approval token3 2 admin co2
t "are approved" says officer "approveToken token3.approval" "approveToken success on server 0"
t "a user is made" says officer "createUser CU cu9 user12345" "createUser success on server 0"
t "the token is gone" says officer "listTokens" "Num of tokens = 0"
t "and does not come back" says officer "approveToken token3.approval" "no token in the file belongs to this login"
t "a token for one user" says officer "getToken 3 admin token4 cu8" "getToken success"
t "signed" approval token4 2 admin co2
t "approved" says officer "approveToken token4.approval" "approveToken success"
t "is not for another user" says officer "createUser CU cu7 user12345" "RET_MXN_AUTH_FAILED"
t "but for him" says officer "createUser CU cu8 user12345" "createUser success"
forged() {
        says officer "getToken 3 admin token5" "getToken success" && approval token5 2 admin co2 && cp token5.admin token5.co2
}
t "a token with a forged approval" forged
t "is refused" says officer "approveToken token5.approval" "the approval of 'co2' is no signature of this token file"
t "tokens are deleted" says officer "delToken $(sed -n 's/^Id: //p' token5)" "delToken success"
t "an id is 32 digits" says officer "delToken 12" "is no token's id"
t "an approval file is read strictly" sh -c 'echo "Approvals = 2;" >odd.approval'
t "with a word on what is odd" says officer "approveToken odd.approval" "is no entry of an approval file"
t "tokens live ten minutes" says officer "getTokenTimeout" "Token timeout on server 0"
t "unless two officers say otherwise" says officer "setTokenTimeout 60" "RET_MXN_AUTH_FAILED: service 4 (MISC_CO)"
t "their token" says officer "getToken 4 admin token6" "getToken success"
t "signed by both" approval token6 2 co2 admin
t "and approved" says officer "approveToken token6.approval" "approveToken success"
t "changes it" says officer "setTokenTimeout 60" "setTokenTimeout success"
another_login() {
        says officer "getToken 3 admin token7" "getToken success" && approval token7 2 admin co2 &&
                says officer "approveToken token7.approval" "approveToken success"
}
t "an approved token" another_login
refused "is not for another login" "RET_MXN_AUTH_FAILED" officer createUser CU cu6 user12345
t "nor for the next one" says officer "logoutHSM
loginHSM CO $CHSM_CO_USER $CHSM_CO_PASSWORD
createUser CU cu6 user12345" "RET_MXN_AUTH_FAILED"

# Keys.
cu2_id=$(nobody listUsers | awk '$3 == "cu2" { print $1 }')
t "a key that two must approve" says user "loginHSM -u CU -s cu1 -p $CHSM_CU_PASSWORD
genRSAKeyPair -m 2048 -e 65537 -l both -u $cu2_id -m_value 2" "Cfm3GenerateKeyPair:"
key=$(handle private <user.last)
pub=$(handle public <user.last)
t "says so" says user "getKeyInfo -k $key" "2 Users need to approve to use/manage this key"
t "three of two users" says user "genSymKey -t 31 -s 32 -l three -u $cu2_id -m_value 3" "3 users must approve this key"
echo "some text" >text
t "it does not sign" says user "sign -f text -k $key -m 1 -out sig" "0xe1 : HSM Error: RET_MXN_AUTH_FAILED"
t "a token for it" says user "getToken -k $key -out token8" "Cfm3GetToken returned: 0x00"
t "its users sign" approval token8 1 cu1 cu2
t "and it is approved" says user "approveToken -f token8.approval" "Cfm3ApproveToken returned: 0x00"
t "it is listed with two approvals" says user "listTokens" "Current num of approvals : 2"
t "the key signs" says user "sign -f text -k $key -m 1 -out sig" "Cfm3Sign returned: 0x00"
verifies() {
        says user "exportPubKey -k $pub -out both.pem" "returned: 0x00" && openssl dgst -sha256 -verify both.pem -signature sig text
}
t "openssl verifies it" verifies
t "once" says user "sign -f text -k $key -m 1 -out sig" "RET_MXN_AUTH_FAILED"
t "deleting it is another service" says user "deleteKey -k $key" "getToken -k $key -service 2"
t "with a token of its own" says user "getToken -k $key -service 2 -out token9" "Cfm3GetToken returned: 0x00"
t "which nobody uses" says user "delToken -id $(sed -n 's/^Id: //p' token9)" "Cfm3DeleteToken returned: 0x00"
t "a key without a quorum needs no token" says user "getToken -k $pub -out token10" "needs nobody's approval"
refused "other applications are refused too" "RET_MXN_AUTH_FAILED" util sign -f text -k "$key" -m 1 -out sig
t "a second token of the key" says user "getToken -k $key -out token11" "Cfm3GetToken returned: 0x00"
t "with one approval and one by a stranger" approval token11 1 cu1 admin
t "is not approved" says user "approveToken -f token11.approval" "there is no user 'admin' of type 1"
# B15 of the key rules: trust in a wrapping key is two officers' word.
t "B15: an officer asks for two" says officer "setPolicy trust_needs 2" "setPolicy success"
t "B15: a user makes a wrapping key" says user "genSymKey -t 31 -s 32 -l kek -nex" "Cfm3GenerateSymmetricKey returned: 0x00"
kek=$(sed -n 's/.*[Kk]ey [Hh]andle: *\([0-9]*\).*/\1/p' user.last)
t "B15: one officer does not trust it" says officer "setAttribute $kek 134 1" "RET_MXN_AUTH_FAILED: service 5"
t "B15: a token to trust" says officer "getToken 5 admin token13" "getToken success"
t "B15: with his own word only" approval token13 2 admin
t "B15: it is approved once" says officer "approveToken token13.approval" "Current num of approvals : 1"
t "B15: which is not enough" says officer "setAttribute $kek 134 1" "RET_MXN_AUTH_FAILED: service 5"
t "B15: with that of one more" approval token13 2 admin co2
t "B15: it is approved" says officer "approveToken token13.approval" "approveToken success"
t "B15: and the key is trusted" says officer "setAttribute $kek 134 1" "setAttribute success"
t "B15: to take trust away needs two as well" says officer "setAttribute $kek 134 0" "RET_MXN_AUTH_FAILED: service 5"
t "B15: nobody asks for less" says officer "setPolicy trust_needs 1" "nobody can afterwards"
# The second factor. The tool waits for a line while the digests are signed.
digest_signed() { # FILE KEY [PUBLIC_KEY]
        until_true python3 -c "import json, sys; json.load(open('$1'))" &&
                python3 -c "import base64, json; open('$1.digest', 'wb').write(base64.b64decode(json.load(open('$1'))['Data'][0]['Digest']))" &&
                openssl pkeyutl -sign -inkey "$2" -pkeyopt digest:sha256 -in "$1.digest" -out "$1.signature" &&
                python3 -c "
import base64, json
a = json.load(open('$1'))
a['Data'][0]['Signature'] = base64.b64encode(open('$1.signature', 'rb').read()).decode()
a['PublicKey'] = open('$3').read() if '$3' else ''
json.dump(a, open('$1.new', 'w'))" && mv "$1.new" "$1"
}

# with_factor COMMANDS FILE KEY [PUBLIC_KEY]: a tool that waits for that file.
with_factor() {
        rm -f "$2" factor.in && mkfifo factor.in
        chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" <factor.in >factor.out 2>&1 &
        tool=$!
        exec 5>factor.in
        printf '%s\n' "$1" >&5
        digest_signed "$2" "$3" "${4:-}" && printf '\nlistUserAuthPubKeys\n' >&5
        exec 5>&-
        wait "$tool" && rv=0 || rv=$?
        cat factor.out
        return "$rv"
}
t "a user registers the key of a second factor" with_factor "loginHSM CU cu2 user12345
registerUserAuthPubKey CU cu2 cu2.authdata" cu2.authdata cu2.key cu2.pem
t "the list shows it" grep -q "CU  *cu2" factor.out
t "and listUsers" sh -c 'echo listUsers | chsm-mgmt -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | grep -q "cu2 .*YES.*YES"'
refused "his password is not enough" "logs in with a second factor" nobody loginHSM CU cu2 user12345
refused "on no interface" "not enough for this user" chsm-util singlecmd loginHSM -u CU -s cu2 -p user12345
t "with the signature it is" with_factor "loginHSM CU cu2 user12345 -2fa login.authdata" login.authdata cu2.key
refused "by another key it is not" "user name or password is wrong" \
        with_factor "loginHSM CU cu2 user12345 -2fa login.authdata" login.authdata cu1.key
refused "nor with another password" "user name or password is wrong" \
        with_factor "loginHSM CU cu2 user99999 -2fa login.authdata" login.authdata cu2.key
refused "a word that is no option" "is no option here" nobody loginHSM CU cu2 user12345 -3fa x
unsigned() {
        rm -f empty.authdata
        printf 'loginHSM CU cu2 user12345 -2fa empty.authdata\n\n' | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
refused "a file that nobody has signed" "is not there in base64" unsigned
t "the file is as documented" sh -c 'python3 -c "
import json; a = json.load(open(\"empty.authdata\"))
assert a[\"Version\"] == \"1.0\" and sorted(a[\"Data\"][0]) == [\"Digest\", \"HsmId\", \"Signature\"]"'
t "the node forgets nothing when it is restarted" hsm_restart
refused "the second factor neither" "logs in with a second factor" nobody loginHSM CU cu2 user12345
exec 3>&- 4>&-
# Two ways to one partition: a token for both, an operation once.
twice() {
        awk '/^server/ { print } { print }' "$CHSM_CONF_DIR/chsm-mgmt.conf" >twice.conf
        mkfifo twice.in
        chsm-mgmt --yes -c twice.conf <twice.in >twice.out 2>&1 &
        tool=$!
        exec 5>twice.in
        rm -f token12
        printf 'loginHSM CO %s %s\ngetToken 3 admin token12\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" >&5
        until_true test -s token12
        approval token12 2 admin co2
        printf 'approveToken token12.approval\ncreateUser CU cu12 user12345\nlistTokens\nlogoutHSM\n' >&5
        exec 5>&-
        wait "$tool" && rv=0 || rv=$?
        cat twice.out
        return "$rv"
}
t "two nodes of a partition need one token" twice
t "of which there is one text" sh -c '[ "$(grep -c "^Id: " token12)" -eq 1 ]'
t "the user is made on both" grep -q "createUser success on server 1" twice.out
t "and the token is gone: told when it was given and approved, and not in the lists" \
        sh -c '[ "$(grep -c "$(sed -n "s/^Id: //p" token12)" twice.out)" -eq 2 ]'
printf 'loginHSM CO %s %s\ngetMValue 3\ncreateUser CU cu5 user12345\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" >after
refused "the value is still two" "needs 2 approvals" sh -c 'chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf" <after'
finish
