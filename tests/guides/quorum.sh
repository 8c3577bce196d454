#!/bin/sh
# Quorum: officers' keys, values, a token from the asking to its end. semantics.md 8, tools.md 6.2.
. "$(dirname "$0")/lib.sh"
node_up hsm1
ceremony hsm1 sdk/cert
does "two more officers" as admin <<'END'
createUser CO co1 admin1234
createUser CO co2 admin1234
END

for who in admin co1 co2; do
        openssl genrsa -out $who.key 2048 2>/dev/null
        openssl rsa -in $who.key -pubout -out $who.pem 2>/dev/null
        head -c 245 /dev/urandom >$who.token
        openssl dgst -sha256 -sign $who.key -out $who.token.sig $who.token
        does "$who registers his key" as $who <<END
registerQuorumPubKey CO $who $work/$who.token $work/$who.token.sig $work/$who.pem
END
        shows "registerQuorumPubKey success on server 0(127.0.0.1)"
done
does "the list says who has one" mgmt <<'END'
listUsers
END
t "three have" [ "$(grep -c 'CO .*YES' said)" -eq 3 ]

# ---- one session, as tokens belong to a login ----
mkfifo typed
: >session # the shell below makes it only when somebody types
(cd sdk/bin && exec ./azcloudhsm_mgmt_util --yes --keep-going ./azcloudhsm_resource.cfg) <typed >session 2>&1 &
servers="$servers $!"
exec 3>typed
marks=0
# types LINE: in that session; what it says is in `said`.
types() {
        before=$(wc -c <session)
        marks=$((marks + 1))
        printf '%s\nmark%sd\n' "$1" "$marks" >&3
        until_true grep -qF "'mark${marks}d'" session
        tail -c "+$((before + 1))" session | grep -v mark >said
}
# approvals FILE OFFICERS...: each signs the token file; FILE.approval lists them.
approvals() {
        file=$1
        shift
        {
                echo "Multi Token File Path = $work/$file;"
                echo "Token File Path = ;"
                echo "Number of Approvals = $#;"
                for who; do
                        openssl dgst -sha256 -sign "$who.key" -out "$file.$who" "$file"
                        printf 'Approver Type = 2;\nApprover Name = %s;\nApproval File = %s;\n' "$who" "$work/$file.$who"
                done
        } >"$file.approval"
}

types "loginHSM CO admin admin1234"
shows "loginHSM success on server 0(127.0.0.1)"
types "setMValue 4 2"
shows "Setting M Value(2) for 4 on 1 nodes" "setMValue success on server 0(127.0.0.1)"
types "setMValue 3 2"
shows "RET_MXN_AUTH_FAILED"
types "getToken 4 admin $work/misc"
shows "getToken success on server 0(127.0.0.1)" "Id:" "Service:" "Node:" "Key Handle:" "User:"
approvals misc admin co1
types "approveToken $work/misc.approval"
shows "approveToken success on server 0(127.0.0.1)"
types "setMValue 3 2"
shows "Setting M Value(2) for 3 on 1 nodes" "setMValue success on server 0(127.0.0.1)"
types "getMValue 3"
shows "MValue of service 3[USER_MGMT] on server 0 : [2]"
types "createUser CU cu9 user1234"
shows "RET_MXN_AUTH_FAILED"
types "getToken 3 admin $work/user"
shows "getToken success on server 0(127.0.0.1)"
approvals user co1
types "approveToken $work/user.approval"
types "createUser CU cu9 user1234"
shows "RET_MXN_AUTH_FAILED"
approvals user co1 co2
types "approveToken $work/user.approval"
shows "approveToken success on server 0(127.0.0.1)"
types "listTokens"
shows "Token Validity: " "Required num of approvers : 2" "Current num of approvals : 2" "Num of tokens = 1" "listTokens success"
types "createUser CU cu9 user1234"
shows "Creating User cu9(CU) on 1 nodes" "createUser success on server 0(127.0.0.1)"
types "createUser CU cu8 user1234"
shows "RET_MXN_AUTH_FAILED"
types "listTokens"
shows "Num of tokens = 0"
echo quit >&3
exec 3>&-
finish
