#!/bin/sh
# Keys that leave under trusted keys only, and how officers are kept away from a user's: key-management guide,
# semantics.md 7, 10 and 11.
. "$(dirname "$0")/lib.sh"
node_up hsm1
ceremony hsm1 sdk/cert
client_up hsm1

# ---- a key with WRAP_WITH_TRUSTED=1, and a wrapping key that nobody trusts yet ----
does "the master key" key cu1 genSymKey -t 31 -s 32 -l master -nex -role wrap
master=$(made)
does "a data key, which is wrap-with-trusted as the tools make keys" key cu1 genSymKey -t 31 -s 32 -l data
data=$(made)
does "its attribute says so" key cu1 getAttribute -o "$data" -a 528 -out wwt
shows "Attribute size: " "Written to: wwt file" "Cfm3GetAttribute returned: 0x00"
t "WRAP_WITH_TRUSTED is 1" grep -q 0x01 wwt
fails "an untrusted key does not wrap it; an officer is named, and what he runs" \
        "key $data has WRAP_WITH_TRUSTED=1 and key $master is not TRUSTED; a crypto officer can run: setAttribute $master 134 1" \
        key cu1 wrapKey -k "$data" -w "$master" -m 6 -out data.wrapped
fails "nor can its owner trust it" "a crypto officer only" key cu1 setAttribute -o "$master" -a 134 -v 1
does "the officer runs it" as admin <<END
setAttribute $master 134 1
END
shows "setAttribute success on server 0(127.0.0.1)"
does "now it wraps" key cu1 wrapKey -k "$data" -w "$master" -m 6 -out data.wrapped
shows "Key Wrapped." 'Wrapped Key written to file "data.wrapped" length' "returned: 0x00 : HSM Return: SUCCESS"
does "and opens" key cu1 unWrapKey -f data.wrapped -w "$master" -m 6
shows "Cfm3UnWrapKey returned: 0x00 : HSM Return: SUCCESS" "Key Unwrapped.  Key Handle: "
back=$(made)
does "what came back" key cu1 getAttribute -o "$back" -a 528 -out wwt2
t "is protected as before" grep -q 0x01 wwt2
fails "the master key is for wrapping only" "CKA_ENCRYPT=FALSE" key cu1 aesWrapUnwrap -m 1 -f wwt -w "$master"

# ---- what never leaves ----
does "a key that is not extractable" key cu1 genSymKey -t 31 -s 32 -l inside -nex
inside=$(made)
fails "leaves under no key" "key $inside has EXTRACTABLE=0" key cu1 wrapKey -k "$inside" -w "$master" -m 6 -out no
fails "nor in clear" "EXTRACTABLE" key cu1 exSymKey -k "$inside" -w "$master" -out no
fails "nor does a wrap-with-trusted one in clear" "failed" key cu1 exSymKey -k "$data" -w "$master" -out no

# ---- sharing: the sharer uses, the owner rules ----
sharer=$(printf 'listUsers\n' | mgmt && awk '$3 == "cu2" { print $1 }' said)
does "the owner shares the data key" as cu1 <<END
shareKey $data $sharer 1
getKeyInfo $data
END
shows "shareKey success on server 0(127.0.0.1)" "Key Info on server 0(127.0.0.1):" "Token/Flash Key," "Owned by user" \
        "also, shared to following 1 user(s):"
fails "the sharer does not wrap it" "key $data belongs to cu1, and only the owner can wrap it" \
        key cu2 wrapKey -k "$data" -w "$data" -m 6 -out no
fails "nor delete it" "only the owner can delete it" key cu2 deleteKey -k "$data"
does "it is taken back" as cu1 <<END
shareKey $data $sharer 0
END
fails "then he does not see it" "0xa8" key cu2 findSingleKey -k "$data"

# ---- disableUserAccess: no officer comes near a user's keys ----
does "a user closes his account to officers" as cu2 <<'END'
disableUserAccess cu2
END
shows "disableUserAccess success on server 0(127.0.0.1)"
does "and makes a key" key cu2 genSymKey -t 31 -s 32 -l mine -role wrap
mine=$(made)
fails "which no officer trusts" "cu2" as admin <<END
setAttribute $mine 134 1
END
fails "nor does one take his password" "cu2" as admin <<'END'
changePswd CU cu2 stolen-password1
END
finish
