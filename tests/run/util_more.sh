#!/bin/sh
# Keys out of keys, in shares, parked, and made for others; contexts, and what the tool tells.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/util_lib.sh"
hsm_up
t "the user KEK" kek_make userkek ""
kek=$(cat userkek.handle)
openssl rand -out known.key 32
known=$(od -An -tx1 -v known.key | tr -d ' \n')
out=$(made Key genSymKey -l out -t 31 -s 32)
value() { # HANDLE FILE: the key in clear
        util exSymKey -k "$1" -w "$out" -out "$2" >/dev/null
}
open="-wrap_with_trusted 0"

# ---- deriveSymKey ----
util genECCKeyPair -i 2 -l agree $open >pair && priv=$(handle private <pair) && util exportPubKey -k "$(handle public <pair)" -out node.pub >/dev/null
openssl ecparam -name prime256v1 -genkey -noout -out host.pem
openssl pkey -in host.pem -pubout -out host.pub
openssl pkeyutl -derive -inkey host.pem -peerkey node.pub -out secret
printf 'for what it is' >info
agreed() {
        line 'Cfm3DeriveKey returned: 0x00 : HSM Return: SUCCESS' util deriveSymKey -k "$priv" -m 1 -f host.pub -t 31 -s 32 -l d1 $open &&
                value "$(handle Key <"$work/lines")" d1 && cmp d1 secret
}
t "ECDH gives what openssl gives" agreed
x963() {
        h=$(made Key deriveSymKey -k "$priv" -m 1 -f host.pub -hash 3 -info info -t 31 -s 32 -l d2 $open) && value "$h" d2 &&
                { cat secret; printf '\0\0\0\1'; cat info; } | openssl dgst -sha256 -binary | cmp - d2
}
t "and with the X9.63 function" x963
base=$(made Key imSymKey -l base -t 16 -f known.key -w "$kek")
hkdf_is() {
        openssl rand -out salt 16
        # an imported key leaves under trusted keys only, so what it gives is compared by its check value
        h=$(made Key deriveSymKey -k "$base" -m 2 -salt salt -info info -t 31 -s 32 -l d3) && util getAttribute -o "$h" -a 371 -out kcv >/dev/null &&
                openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt hexkey:"$known" -kdfopt hexsalt:"$(od -An -tx1 salt | tr -d ' \n')" \
                        -kdfopt hexinfo:"$(od -An -tx1 info | tr -d ' \n')" -binary HKDF >okm && is_kcv okm kcv
}
is_kcv() { # KEY_FILE KCV_ATTRIBUTE_FILE
        k=$(head -c 16 /dev/zero | openssl enc -aes-256-ecb -nopad -K "$(od -An -tx1 -v "$1" | tr -d ' \n')" | head -c 3 | od -An -tx1 | tr -d ' \n')
        grep -qx "0x$k" "$2" || { cat "$2"; echo "$k"; return 1; }
}
t "HKDF gives what openssl gives" hkdf_is
counter_is() {
        h=$(made Key deriveSymKey -k "$base" -m 3 -info info -t 31 -s 32 -l d4) && util getAttribute -o "$h" -a 371 -out kcv >/dev/null &&
                { printf '\0\0\0\1'; cat info; } | openssl dgst -sha256 -mac HMAC -macopt hexkey:"$known" -binary >okm && is_kcv okm kcv
}
t "SP 800-108 gives what openssl gives" counter_is
refused "a derived key is as protected as its base" "deriveSymKey failed" util deriveSymKey -k "$base" -m 2 -t 31 -s 32 -l x $open
refused "no peer" "-f PEM" util deriveSymKey -k "$priv" -m 1 -t 31 -s 32 -l x
refused "a peer where none is" "-f is for method 1" util deriveSymKey -k "$base" -m 2 -f host.pub -t 31 -s 32 -l x
refused "8 bytes are no key" "from 16" util deriveSymKey -k "$base" -m 2 -t 16 -s 8 -l x
refused "method 4" "from 1 to 3" util deriveSymKey -k "$base" -m 4 -t 31 -s 32 -l x
refused "a key that does not derive" "CKA_DERIVE=FALSE" util deriveSymKey -k "$out" -m 2 -t 31 -s 32 -l x
openssl ecparam -name secp384r1 -genkey -noout | openssl pkey -pubout -out other.pub
refused "a point of another curve" "deriveSymKey failed" util deriveSymKey -k "$priv" -m 1 -f other.pub -t 31 -s 32 -l x

# ---- genPBEKey, genDSAKeyPair ----
password_is() {
        h=$(made Key genPBEKey -t 31 -s 32 -salt salt -p "correct horse" -i 10000 -l pbe $open) && value "$h" pbe &&
                openssl kdf -keylen 32 -kdfopt digest:SHA256 -kdfopt pass:"correct horse" -kdfopt hexsalt:"$(od -An -tx1 salt | tr -d ' \n')" \
                        -kdfopt iter:10000 -binary PBKDF2 | cmp - pbe
}
t "a password gives what openssl gives" password_is
refused "a short password" "at least 8" util genPBEKey -t 31 -s 32 -salt salt -p short -l x
refused "no salt" "16 bytes of salt" util genPBEKey -t 31 -s 32 -p "correct horse" -l x
refused "triple DES" "not made any more" util genPBEKey -t 21 -s 24 -salt salt -p "correct horse" -l x
refused "few iterations" "from 10000" util genPBEKey -t 31 -s 32 -salt salt -p "correct horse" -i 100 -l x
refused "no password" "-hpswd" util genPBEKey -t 31 -s 32 -salt salt -l x
refused "DSA" "FIPS 186-5" util genDSAKeyPair -m 2048 -l x

# ---- splitKey, joinKey ----
util genSymKey -t 31 -s 32 -l whole $open >made && whole=$(handle Key <made) && value "$whole" whole
shares() {
        util splitKey -k "$whole" -n 5 -threshold 3 -l share $open >split && sed -n 's/.*Share [0-9]\.  Key Handle: //p' split >handles &&
                [ "$(wc -l <handles)" -eq 5 ]
}
t "a key in five shares" shares
nth() { sed -n "$1p" handles; }
joins() {
        h=$(made Key joinKey -k "$1" -t 31 -l joined $open) && value "$h" joined && cmp joined whole
}
t "three of them give it back" joins "$(nth 1),$(nth 3),$(nth 5)"
t "in any order" joins "$(nth 4),$(nth 2),$(nth 1)"
t "and all of them" joins "$(nth 1),$(nth 2),$(nth 3),$(nth 4),$(nth 5)"
refused "two are too few" "no shares of one key" util joinKey -k "$(nth 1),$(nth 2)" -t 31 -l x
refused "one twice is too few" "no shares of one key" util joinKey -k "$(nth 1),$(nth 2),$(nth 1)" -t 31 -l x
refused "a key that is no share" "no shares of one key" util joinKey -k "$(nth 1),$(nth 2),$whole" -t 31 -l x
util splitKey -k "$whole" -n 2 -threshold 2 -l other $open >split2
refused "shares of two splittings" "no shares of one key" \
        util joinKey -k "$(nth 1),$(nth 2),$(sed -n 's/.*Share 1\.  Key Handle: //p' split2)" -t 31 -l x
refused "a share signs nothing" "CKA_SIGN=FALSE" sh -c 'echo x >text; chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" \
        aesWrapUnwrap -m 1 -f known.key -w '"$(nth 1)"' || chsm-util -j singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" \
        getAttribute -o '"$(nth 1)"' -a 264 -out sign && grep -qx 0x00 sign && echo CKA_SIGN=FALSE && false'
refused "one share would be the key" "from 2" util splitKey -k "$whole" -n 5 -threshold 1 -l x
refused "more are needed than there are" "cannot be needed" util splitKey -k "$whole" -n 3 -threshold 4 -l x
refused "a trusted key is not split" "is or was trusted" util splitKey -k "$kek" -n 3 -threshold 2 -l x
refused "a private key is not split" "no secret key" util splitKey -k "$priv" -n 3 -threshold 2 -l x
nex=$(made Key genSymKey -t 31 -s 32 -l nex -nex)
refused "shares of a key that never leaves do not leave either" "splitKey failed" util splitKey -k "$nex" -n 2 -threshold 2 -l x
protected=$(made Key genSymKey -t 31 -s 32 -l protected)
refused "nor shares of one that leaves under trusted keys loose" "splitKey failed" \
        util splitKey -k "$protected" -n 2 -threshold 2 -l x $open
files() {
        mkdir shares
        a=$(made Key genSymKey -t 31 -s 32 -l alice) && b=$(made Key genSymKey -t 31 -s 32 -l bob) &&
                util splitKey -k "$whole" -n 2 -threshold 2 -l f $open -w "$a,$b" -m 10 -d shares &&
                x=$(made Key unWrapKey -f shares/f-1.share -w "$a" -m 10) && y=$(made Key unWrapKey -f shares/f-2.share -w "$b" -m 10) &&
                joins "$x,$y"
}
t "shares as files, each under its custodian's key" files
t "which are no keys that stay" json_is '"handles":[]' findKey -l f-3
refused "a share's file is not written over" "is there already" util splitKey -k "$whole" -n 2 -threshold 2 -l f $open -w "$out,$out" -m 10 -d shares
refused "as many keys as shares" "as many wrapping keys" util splitKey -k "$whole" -n 3 -threshold 2 -l g $open -w "$out,$out" -m 10 -d shares

# ---- genParkingKey, parkObject, unparkObject ----
util genParkingKey -l parking >park && parking=$(handle Key <park)
parked=$(made Key genSymKey -t 31 -s 32 -l parked -id park-1 $open)
value "$parked" before
park() {
        line 'Object was parked and written to file "p1"' util parkObject -k "$parked" -w "$parking" -out p1 && ! util getKeyInfo -k "$parked" >/dev/null 2>&1 &&
                util unparkObject -f p1 -w "$parking" >park && parked=$(sed -n 's/.*New Key Handle: //p' park) && value "$parked" after && cmp before after &&
                json_is "\"handles\":[$parked]" findKey -id park-1
}
t "a key goes into a file and comes back" park
refused "a file is not written over" "is there already" util parkObject -k "$parked" -w "$parking" -out p1
refused "a key that never leaves is not parked" "parkObject failed" util parkObject -k "$nex" -w "$parking" -out p2
refused "nor one that leaves under trusted keys" "parkObject failed" util parkObject -k "$protected" -w "$parking" -out p2
t "and both are still there" sh -c "chsm-util singlecmd loginHSM -u CU -s cu1 -p '$CHSM_CU_PASSWORD' getKeyInfo -k $protected && ! [ -e p2 ]"
officer setAttribute "$parking" 134 1 >/dev/null
t "but when an officer trusts the parking key" util parkObject -k "$protected" -w "$parking" -out p2
t "and comes back protected" util unparkObject -f p2 -w "$parking"
refused "a parking key does not encrypt" "aesWrapUnwrap failed" util aesWrapUnwrap -m 1 -f known.key -w "$parking" -out no
refused "a key is not there twice" "has this CKA_ID already" util unparkObject -f p1 -w "$parking"

# ---- atomicGenAndWrap ----
openssl genrsa -out partner.pem 2048 2>/dev/null
openssl pkey -in partner.pem -pubout -outform DER -out partner.der
atomic() {
        util atomicGenAndWrapSymKey -t 31 -s 32 -l atomic -id at-1 -f partner.der -out at.bin $open >atomic &&
                h=$(sed -n 's/^[[:space:]]*Key Handle: //p' atomic) && value "$h" at.key &&
                openssl pkeyutl -decrypt -inkey partner.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in at.bin | cmp - at.key
}
t "a key that the holder of a public key has too" atomic
atomic_pair() {
        util atomicGenAndWrapASymKey -i 2 -l apair -f partner.der -out ap.bin $open >atomic && pub=$(sed -n 's/.*Public Key Handle: //p' atomic) &&
                util exportPubKey -k "$pub" -out ap.pub >/dev/null && head -c 256 ap.bin >ap.a && tail -c +257 ap.bin >ap.b &&
                openssl pkeyutl -decrypt -inkey partner.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in ap.a -out ap.k &&
                openssl enc -d -id-aes256-wrap-pad -K "$(od -An -tx1 -v ap.k | tr -d ' \n')" -iv A65959A6 -in ap.b |
                openssl pkey -inform DER -pubout | cmp - ap.pub
}
t "and a pair" atomic_pair
refused "not one that leaves under trusted keys only" "atomicGenAndWrapSymKey failed" util atomicGenAndWrapSymKey -t 31 -s 32 -l no -f partner.der -out no
t "and then there is neither key nor file" sh -c '! [ -e no ] && chsm-util -j singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" findKey -l no |
        grep -q "\"handles\":\[\]"'
refused "an id that is taken" "has the CKA_ID" util atomicGenAndWrapSymKey -t 31 -s 32 -l no -id at-1 -f partner.der -out no $open
refused "no public key" "no public key" util atomicGenAndWrapSymKey -t 31 -s 32 -l no -f known.key -out no $open
refused "neither RSA nor EC" "-m BITS" util atomicGenAndWrapASymKey -l no -f partner.der -out no $open
refused "AES does not wrap for a public key" "-wm is 7" util atomicGenAndWrapSymKey -t 31 -s 32 -l no -f partner.der -out no $open -wm 5

# ---- keys of every kind ----
for i in 1 2 13 14 15 16 17 18 19 20 21; do
        t "curve $i makes keys that openssl reads" sh -c "chsm-util singlecmd loginHSM -u CU -s cu1 -p '$CHSM_CU_PASSWORD' genECCKeyPair -i $i -l c$i >curve &&
                chsm-util singlecmd loginHSM -u CU -s cu1 -p '$CHSM_CU_PASSWORD' exportPubKey -k \$(sed -n 's/.*public key handle: \([0-9]*\).*/\1/p' curve) -out c.pub &&
                openssl pkey -pubin -in c.pub -noout -text | grep -q \"\$(chsm-util listECCCurveIds | sed -n 's/^[[:space:]]*$i  *//p')\""
done
for i in 28 29 30 31; do
        t "curve $i makes keys" util genECCKeyPair -i $i -l c$i
done
des3() {
        h=$(made Key genSymKey -t 21 -s 24 -l des3 $open) && value "$h" des3 && [ "$(wc -c <des3)" -eq 24 ]
}
t "a triple DES key" des3
refused "RC4" "not 18" util genSymKey -t 18 -s 16 -l x
refused "triple DES of 16 bytes" "genSymKey failed" util genSymKey -t 21 -s 16 -l x

# ---- contexts ----
officer createUser CU cu2 user2345 >/dev/null
contexts() {
        printf 'loginHSM -u CU -s cu1 -p %s\nallocContext\nauthUser -c 2 -u CU -s cu2 -p user2345\nloginStatus\nauthUser -c 1\nloginStatus\nfreeContext -c 2\nloginStatus\n' \
                "$CHSM_CU_PASSWORD" | chsm-util >contexts.out && grep -q "Context Handle: 2" contexts.out &&
                [ "$(sed -n 's/.*logged in as user \([0-9]*\).*/\1/p' contexts.out | tr '\n' ' ')" = "4 3 3 " ] || { cat contexts.out; return 1; }
}
t "two users in one run of the tool" contexts
refused "a context that is not there" "there is no context 3" chsm-util singlecmd authUser -c 3
refused "the tool's own context stays" "is the tool's own" chsm-util singlecmd freeContext -c 1
refused "a wrong password" "0xa3" sh -c 'printf "allocContext\nauthUser -c 2 -u CU -s cu1 -p wrong1234\n" | chsm-util'
refused "an officer" "only crypto users" chsm-util singlecmd authUser -c 1 -u CO -s admin -p x
refused "a password of nobody" "whose password" chsm-util singlecmd authUser -c 1 -p x

# ---- what the tool tells ----
t "the partition" line "Cfm3GetPartitionInfo returned: 0x00 : HSM Return: SUCCESS" chsm-util singlecmd getPartitionInfo
t "in JSON" sh -c 'chsm-util -j getPartitionInfo | grep -q "\"profile\":\"documented\""'
cert_is() {
        line "Cfm3GetCert() returned 0 :HSM Return: SUCCESS" chsm-util singlecmd getCert -f po.pem -s 4 &&
                [ "$(openssl x509 -in po.pem -fingerprint -noout)" = "$(openssl x509 -in "$CHSM_PO_CRT" -fingerprint -noout)" ]
}
t "the owner's certificate" cert_is
refused "a certificate that is not there" "getCert failed" chsm-util singlecmd getCert -f no.pem -s 3
for code in 0x00 0x1b 0x9d 0xa3 0xa8 0xb3 0xc6 0xdb 0x30000085 0x40000040 0x69 0x110; do
        t "code $code is explained" sh -c "chsm-util Error2String -r $code | grep -q 'maps to'"
done
refused "a code that is nobody's" "not one of ours" chsm-util Error2String -r 0x7777
finish
