#!/bin/sh
# The onboarding guide, from a node that nobody owns to keys in use: tools.md 4 and 7, semantics.md 3.
. "$(dirname "$0")/lib.sh"
node_up hsm1
resource hsm1

# ---- the partition's request, before there is an owner ----
mgmt <<'END' || true
getClusterInfo
server 0
getCertReq ../cert/P1.csr
exit
quit
END
shows "/PO.crt," "partition owner certificate not exist at given path" "Server 0(127.0.0.1) is in unencrypted mode now..." \
        "running in limited commands mode" "Cluster info from server 0(127.0.0.1):" "Server is in 'Unencrypted' mode..." \
        "getCertReq success"
t "the request is the partition's own" openssl req -in sdk/cert/P1.csr -noout -verify
t "and its subject names an HSM" sh -c 'openssl req -in sdk/cert/P1.csr -noout -subject | grep -q "O = Cavium, OU = N3FIPS, L = SanJose, CN = \"*HSM:[0-9a-f]*:PARTN:1, for non-FIPS mode"'

# ---- the owner's key and certificates, away from the node ----
owner sdk/owner
does "the owner issues the partition's certificate" sh -c 'cd sdk/cert && cp ../owner/PO.crt . &&
        openssl x509 -days 3650 -req -in P1.csr -CA PO.crt -CAkey ../owner/PO.key -set_serial 01 -out POAC.crt >../../said 2>&1'
shows "ignature ok"

# ---- ownership ----
mv sdk/cert/PO.crt sdk/cert/PO.new
printf 'server 0\nstoreCert ../cert/PO.new 4\n' >early
fails "nobody stores a certificate without a login" "no user is logged in" sh -c '(cd sdk/bin &&
        ./azcloudhsm_mgmt_util ./azcloudhsm_resource.cfg) <early >said 2>&1'
mv sdk/cert/PO.new sdk/cert/PO.crt
does "the owner claims the partition" mgmt <<'END'
server 0
loginHSM PRECO admin tenantadmin
storeCert ../cert/PO.crt 4
storeCert ../cert/POAC.crt 8
END
shows "loginHSM success" "storeCert success" "logging out" "E2E enabled on server 0(127.0.0.1)"
t "in the documented order" sh -c 'sed -n "/storeCert success/,\$p" said | grep -e "storeCert success" -e "logging out" -e "E2E enabled" |
        tr "\n" " " | grep -q "^storeCert success storeCert success logging out E2E enabled"'

# ---- activation ----
does "the first officer takes over" mgmt <<'END'
server 0
loginHSM PRECO admin tenantadmin
changePswd PRECO admin admin1234
y
logoutHSM
loginHSM CO admin admin1234
END
shows "Server is in 'E2E' mode..." "CAUTION" "Do you want to continue(y/n)?" "changePswd success" "logoutHSM success" "loginHSM success"
fails "PRECO is no more" "user name or password is wrong" mgmt <<'END'
loginHSM PRECO admin tenantadmin
END
does "the officer makes a second officer and crypto users" mgmt <<'END'
loginHSM CO admin admin1234
createUser CU cu1 user1234
y
createUser CO co2 admin1234
y
createUser CU cu2 user1234
y
listUsers
END
shows "loginHSM success on server 0(127.0.0.1)" "Creating User cu1(CU) on 1 nodes" "createUser success on server 0(127.0.0.1)" \
        "Users on server 0(127.0.0.1):" "Number of users found:5" "MofnPubKey" "LoginFailureCnt"
does "the same again fills gaps" mgmt --yes <<'END'
loginHSM CO admin admin1234
createUser CU cu1 user1234
END

# ---- keys: user KEK, extractable and not, dual control over two tools ----
client_up hsm1
does "a crypto user makes the KEK" key cu1 genSymKey -l userkek -t 31 -s 32 -wrap_with_trusted 1
shows "Cfm3LoginHSM returned: 0x00 : HSM Return: SUCCESS" "Cfm3GenerateSymmetricKey returned: 0x00 : HSM Return: SUCCESS" \
        "Symmetric Key Created.  Key Handle: " "Cluster Status:" "Node id 1 status: 0x00000000 : HSM Return: SUCCESS"
kek=$(made)
does "an officer trusts it" as admin <<END
setAttribute $kek 134 1
END
shows "setAttribute success on server 0(127.0.0.1)"
does "the other variant does not leave the HSM" key cu1 genSymKey -l userkek2 -t 31 -s 32 -nex
kek2=$(made)
does "an officer trusts that too" as admin <<END
setAttribute $kek2 134 1
getHSMInfo
END
fails "the crypto user cannot" "crypto officer" key cu1 setAttribute -o "$kek" -a 134 -v 1
does "its attribute says so" key cu1 getAttribute -o "$kek2" -a 134 -out trusted
t "trusted is 1" grep -q "0x01" trusted

# ---- keys of files, under either KEK ----
openssl genrsa -out host.pem 2048 2>/dev/null
openssl pkey -in host.pem -pubout -out host.pub
echo "some text" >text
does "a private key of a file comes in under the user KEK" key cu1 importPrivateKey -l imported -f host.pem -w "$kek"
shows "BER encoded key length is " "Cfm3ImportWrapKey returned: 0x00 : HSM Return: SUCCESS" \
        "Cfm3CreateUnwrapTemplate2 returned: 0x00 : HSM Return: SUCCESS" "Cfm3ImportUnWrapKey: 0x00" \
        "Private Key Imported.  Key Handle: "
imported=$(made)
does "and signs" key cu1 sign -f text -k "$imported" -m 1 -out host.sig
t "as the file's key would" openssl dgst -sha256 -verify host.pub -signature host.sig text
does "another under the KEK that never leaves" key cu1 importPrivateKey -l imported2 -f host.pem -w "$kek2"
imported2=$(made)
does "it is deleted again" key cu1 deleteKey -k "$imported2"
does "a secret key of a file" sh -c 'openssl rand -out host.aes 32 && azcloudhsm_util singlecmd loginHSM -u CU -s cu1 -p user1234 \
        imSymKey -l secret -t 31 -f host.aes -w '"$kek"' >said 2>&1'
shows "Cfm3WrapHostKey returned: 0x00" "Cfm3UnWrapKey returned: 0x00" "Symmetric Key Unwrapped.  Key Handle: "
does "a public key of a file" key cu1 importPubKey -l public -f host.pub
shows "Cfm3CreatePublicKey returned: 0x00" "Public Key Handle: "

# ---- RSA, EC and AES keys; sign and verify; find; delete ----
does "an RSA pair" key cu1 genRSAKeyPair -m 2048 -e 65537 -l rsa2048
shows "Cfm3GenerateKeyPair returned: 0x00 : HSM Return: SUCCESS" "Cfm3GenerateKeyPair:    public key handle: " "private key handle: "
made_pair
does "a signature" key cu1 sign -f text -k "$private" -m 1 -out rsa.sig
shows "Cfm3Sign returned: 0x00 : HSM Return: SUCCESS" "signature is written to file"
does "it verifies" key cu1 verify -f text -s rsa.sig -k "$public" -m 1
shows "Signature verification successful" "Cfm3Verify returned: 0x00"
does "the public key leaves" key cu1 exportPubKey -k "$public" -out rsa.pem
shows "PEM formatted public key is written to rsa.pem" "Cfm3ExportPubKey returned: 0x00"
t "and openssl agrees" openssl dgst -sha256 -verify rsa.pem -signature rsa.sig text
echo "other text" >other
fails "another text does not verify" "Cfm3Verify returned: 0x1b" key cu1 verify -f other -s rsa.sig -k "$public" -m 1
does "an EC pair" key cu1 genECCKeyPair -i 2 -l ec256
made_pair
does "an ECDSA signature" key cu1 sign -f text -k "$private" -m 17 -out ec.sig
does "it verifies too" key cu1 verify -f text -s ec.sig -k "$public" -m 17
shows "Signature verification successful"
does "an AES key" key cu1 genSymKey -t 31 -s 32 -l aes256
aes=$(made)
does "keys are found" key cu1 findKey
shows "Total number of keys present: 10" "Number of matching keys from start index 0::9" "Handles of matching keys:" "Cfm3FindKey returned: 0x00"
does "one by its label" key cu1 findKey -l aes256
shows "Total number of keys present: 1" "Handles of matching keys:" "	$aes"
does "a key says who owns it" key cu1 getKeyInfo -k "$aes"
shows "Cfm3GetKey returned: 0x00"
fails "another user does not see it" "0xa8" key cu2 findSingleKey -k "$aes"
does "it is deleted" key cu1 deleteKey -k "$aes"
shows "Cfm3DeleteKey returned: 0x00 : HSM Return: SUCCESS" "Cluster Status:"
fails "and gone" "0xa8" key cu1 findSingleKey -k "$aes"
fails "an officer does not log in to the key utility" "0xdb" sh -c 'azcloudhsm_util singlecmd loginHSM -u CO -s admin -p admin1234 findKey >said 2>&1'
does "the officer counts keys" as admin <<'END'
findAllKeys 0 0
END
shows "Keys on server 0(127.0.0.1):" "Number of keys found 9" "findAllKeys success on server 0(127.0.0.1)"
finish
