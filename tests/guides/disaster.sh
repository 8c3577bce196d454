#!/bin/sh
# Escrow and disaster recovery: masked objects, a backup, the loss of the HSM, a second HSM with everything in it.
# semantics.md 12 and 13.
. "$(dirname "$0")/lib.sh"
node_up hsm1
ceremony hsm1 owner
client_up hsm1
first=$server

# ---- what is in the first HSM ----
echo "some text" >text
does "a key that never leaves" key cu1 genECCKeyPair -i 2 -l signing -nex
made_pair
does "its public half is known" key cu1 exportPubKey -k "$public" -out signing.pem
does "a key for wrapping" key cu1 genSymKey -t 31 -s 32 -l master -nex -role wrap
master=$(made)
does "trusted" as admin <<END
setAttribute $master 134 1
END
does "and a key under it" key cu1 genSymKey -t 31 -s 32 -l data
data=$(made)
does "wrapped for an archive" key cu1 wrapKey -k "$data" -w "$master" -m 6 -out data.wrapped

# ---- escrow: a masked object, and back ----
does "the owner of a key masks it" key cu1 extractMaskedObject -o "$private" -out signing.masked
shows 'Object was masked and written to file "signing.masked"' "Cfm3ExtractMaskedObject returned: 0x00 : HSM Return: SUCCESS"
fails "another user does not" "0xa8" key cu2 extractMaskedObject -o "$private" -out no
fails "it is not inserted beside itself" "unable to insert object" key cu1 insertMaskedObject -f signing.masked
does "the key is deleted" key cu1 deleteKey -k "$private"
does "and comes back" key cu1 insertMaskedObject -f signing.masked
shows "Cfm3InsertMaskedObject returned: 0x00 : HSM Return: SUCCESS" "New Key Handle: " "Cluster Status:"
private=$(made)
does "it signs as before" key cu1 sign -f text -k "$private" -m 17 -out sig
t "says openssl" openssl dgst -sha256 -verify signing.pem -signature sig text

# ---- a backup, and what is newer than it ----
does "an officer makes a backup" as admin <<END
backupPartition $work/partition.backup
END
shows "backupPartition success"
t "it verifies without any secret" sh -c 'azcloudhsm_server --verify-backup partition.backup | grep -q whole'
fails "it is not restored onto an owned partition" "is activated" as admin <<END
restorePartition $work/partition.backup $work/plan
END
does "after it, a user" as admin <<'END'
createUser CU cu9 user1234
END
does "with a key" key cu9 genSymKey -t 31 -s 32 -l newer -nex
newer=$(made)
does "which is masked for escrow" key cu9 extractMaskedObject -o "$newer" -out newer.masked
nine=$(printf 'listUsers\n' | mgmt && awk '$3 == "cu9" { print $1 }' said)
does "as is the user, by an officer" as admin <<END
extractMaskedObject $work/cu9.masked user $nine
END
does "the newest state is kept" as admin <<END
backupManifest $work/newest.manifest
END

# ---- the region is lost ----
kill "$first" "$(cat hsm1.pid)"
wait "$first" "$(cat hsm1.pid)" 2>/dev/null || true
rm -rf hsm1 hsm1.port
node_up hsm1
resource hsm1 lost
mkdir lost
preco() {
        mgmt --yes <<END
loginHSM PRECO admin tenantadmin
restorePartition $work/partition.backup $work/plan $work/newest.manifest
END
}
does "in the second HSM the restore is planned" preco
shows "Nothing is restored yet" "restorePartition is planned"
t "the owner is told what it undoes" [ -s plan.txt ]
consents() {
        openssl dgst -sha256 -sign owner/PO.key -out plan.sig plan.txt &&
                openssl pkeyutl -decrypt -inkey owner/PO.key -in plan.key -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 |
                openssl pkeyutl -encrypt -pubin -inkey plan.pem -out plan.unlock -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
}
t "he agrees, with openssl" consents
does "the partition is restored" preco
shows "restorePartition success"
resource hsm1 owner
serving() { echo "listUsers" | mgmt && grep -q "cu1" said; }
does "the node serves it, verified under the owner's certificate" until_true serving
serving || true
shows "E2E enabled on server 0(127.0.0.1)" "cu1"

# ---- everything is there again ----
client_up hsm1
does "the officer's password holds" as admin <<'END'
listUsers
END
does "the user's too, and his key signs" key cu1 findKey -l signing -c 3
private=$(sed -n '/Handles of matching keys:/{n;s/[^0-9]*\([0-9]*\).*/\1/p}' said)
does "with the same value" key cu1 sign -f text -k "$private" -m 17 -out sig2
t "says openssl" openssl dgst -sha256 -verify signing.pem -signature sig2 text
does "what was wrapped for the archive opens" key cu1 unWrapKey -f data.wrapped -w "$master" -m 6
fails "the newer user is not there" "user name or password is wrong" key cu9 findKey
does "until an officer brings him in" as admin <<END
insertMaskedObject $work/cu9.masked
END
does "and he his key" key cu9 insertMaskedObject -f newer.masked
shows "New Key Handle: "
does "the audit chains are unbroken" as admin <<'END'
verifyAuditLog
END

# ---- another owner's HSM takes none of it ----
node_up hsm2
ceremony hsm2 stranger
client_up hsm2
fails "a masked object is for its security domain" "another security domain" key cu1 insertMaskedObject -f signing.masked
finish
