#!/bin/sh
# CO recovery: a locked officer, the partition's challenge, the owner's openssl. semantics.md 5, tools.md 6.2.
. "$(dirname "$0")/lib.sh"
node_up hsm1
ceremony hsm1 owner
mkdir challenges signatures

# ---- another officer helps, where there is one ----
does "a second officer" as admin <<'END'
createUser CO co2 admin1234
END
guesses() { # TYPE USER
        for _ in 1 2 3 4 5; do
                ! echo "loginHSM $1 $2 guess-guess1" | mgmt || return 1
        done
}
does "five wrong passwords of a crypto user" guesses CU cu1
fails "lock him" "locked" mgmt <<'END'
loginHSM CU cu1 user1234
END
does "an officer unlocks him" as admin <<'END'
unlockUser cu1
END
shows "UnlockUser cu1 on 1 nodes" "unlockUser success on server 0(127.0.0.1)"
does "he is in again" as cu1 <<'END'
info server 0
END
shows "Logged in as 'cu1(CU)'"
fails "an unlocked user is not unlocked" "is not locked" as admin <<'END'
unlockUser cu1
END
does "five wrong passwords of an officer" guesses CO co2
does "the other officer gives him a new one" as admin <<'END'
changePswd CO co2 admin1234
END
shows "Changing password for co2(CO) on 1 nodes" "changePswd success on server 0(127.0.0.1)"
does "and he is in again" as co2 <<'END'
deleteUser CU cu3
END
shows "Deleting user cu3(CU) on 1 nodes" "deleteUser success on server 0(127.0.0.1)"

# ---- the owner helps, where there is none ----
does "the second officer goes" as admin <<'END'
deleteUser CO co2
END
does "five wrong passwords of the only officer" guesses CO admin
fails "lock him too" "locked" as admin <<'END'
listUsers
END
does "anybody asks for a challenge" mgmt <<END
getChallenge admin $work/challenges $work/signatures
END
shows "getChallenge on 1 nodes" "getChallenge success on server 0(127.0.0.1)"
t "the challenge has 176 bytes" [ "$(wc -c <challenges/challenge_node_0)" -eq 176 ]
t "the signature 256" [ "$(wc -c <signatures/signature_node_0)" -eq 256 ]
t "the owner sees that it is his partition's" sh -c 'openssl x509 -in owner/POAC.crt -pubkey -noout >partition.pem &&
        openssl dgst -sha256 -verify partition.pem -signature signatures/signature_node_0 challenges/challenge_node_0'
fails "a sample of the template is written when it is not there" "ample" mgmt --yes <<END
unlockCO admin $work/template.json
END
t "it is the documented one" grep -q '"Unlock CO signatures"' template.json
t "the owner signs" openssl dgst -sha256 -sign owner/PO.key -out challenge.sign0 challenges/challenge_node_0
printf '{"Unlock CO signatures":{"Node 0":"%s/challenge.sign0"}}\n' "$work" >template.json
does "the officer is let in, to change his password" mgmt <<END
unlockCO admin $work/template.json
y
changePswd CO admin Fresh-start-77
y
END
shows "CAUTION" "unlockCO success on server 0(127.0.0.1)" "changePswd success on server 0(127.0.0.1)"
co_password=Fresh-start-77
does "he works with the new one" as admin <<'END'
createUser CU cu4 user1234
END
shows "createUser success on server 0(127.0.0.1)"
fails "the same signature does not help again" "failed" mgmt --yes <<END
unlockCO admin $work/template.json
END
finish
