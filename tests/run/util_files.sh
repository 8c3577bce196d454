#!/bin/sh
# Files of bytes under AES key wrap, and files that stand for keys.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/util_lib.sh"
hsm_up
openssl rand -out known.key 32
known=$(od -An -tx1 -v known.key | tr -d ' \n')
t "the user KEK" kek_make userkek ""
kek=$(cat userkek.handle)
with=$(made Key imSymKey -l with -t 31 -f known.key -w "$kek")
openssl rand -out secret.bin 32

# ---- aesWrapUnwrap ----
wraps() {
        line 'result written to file wrapped_key' util aesWrapUnwrap -m 1 -f secret.bin -w "$with" &&
                grep -q "Using default IV : A6A6A6A6A6A6A6A6" "$work/lines" && grep -q "result data:" "$work/lines" &&
                grep -q "Cfm3WrapHostKey returned: 0x00 : HSM Return: SUCCESS" "$work/lines" &&
                openssl enc -d -id-aes256-wrap -K "$known" -iv A6A6A6A6A6A6A6A6 -in wrapped_key | cmp - secret.bin
}
t "a file is wrapped, and openssl opens it" wraps
shown() {
        sed -n '/result data/,/^$/p' "$work/lines" | sed 1d | tr -d ' \t\n' | tr A-F a-f >shown
        [ "$(cat shown)" = "$(od -An -tx1 -v wrapped_key | tr -d ' \n')" ]
}
t "the dump is what the file holds" shown
unwraps() {
        line 'Cfm3UnWrapHostKey returned: 0x00 : HSM Return: SUCCESS' util aesWrapUnwrap -m 0 -f wrapped_key -w "$with" -i A6A6A6A6A6A6A6A6 &&
                cmp unwrapped_key secret.bin && [ "$(stat -c %a unwrapped_key)" = 600 ] && ! grep -q "result data" "$work/lines"
}
t "and unwrapped, into the owner's file, not onto the terminal" unwraps
padded() {
        printf '12345678901234567890\004\004\004\004' >padded && openssl enc -id-aes256-wrap -K "$known" -iv A6A6A6A6A6A6A6A6 -in padded -out padded.w &&
                util aesUnwrapPkcs5Buffer -f padded.w -w "$with" -out plain && printf 12345678901234567890 | cmp - plain
}
t "what is padded inside comes out without its padding" padded
refused "a broken padding" "aesUnwrapPkcs5Buffer failed" util aesUnwrapPkcs5Buffer -f wrapped_key -w "$with" -out no
head -c 4096 /dev/zero >large
refused "4096 bytes are too many" "less than 4096" util aesWrapUnwrap -m 1 -f large -w "$with" -out no
refused "20 bytes are no multiple of 8" "aesWrapUnwrap failed" util aesWrapUnwrap -m 1 -f plain -w "$with" -out no
refused "another IV" "standard IV" util aesWrapUnwrap -m 1 -f secret.bin -w "$with" -i 0000000000000000 -out no
refused "an IV of 7 bytes" "16 hex digits" util aesWrapUnwrap -m 1 -f secret.bin -w "$with" -i 00000000000000 -out no
refused "a trusted key neither wraps a file" "aesWrapUnwrap failed" util aesWrapUnwrap -m 1 -f secret.bin -w "$kek" -out no
refused "nor opens one" "aesWrapUnwrap failed" util aesWrapUnwrap -m 0 -f wrapped_key -w "$kek" -out no
refused "mode 2" "from 0 to 1" util aesWrapUnwrap -m 2 -f secret.bin -w "$with"
t "nothing of what was refused was written" sh -c '! [ -e no ]'

# ---- getCaviumPrivKey, IsValidKeyHandlefile ----
stands() { # PAIR ALGORITHM
        private=$(handle private <"$1") && util exportPubKey -k "$(handle public <"$1")" -out real.pub &&
                line "Private Key Handle is written to fake.pem in fake PEM format" util getCaviumPrivKey -k "$private" -out fake.pem &&
                grep -q "getCaviumPrivKey returned: 0x00" "$work/lines" && grep -qx -- "-----BEGIN $2 PRIVATE KEY-----" fake.pem &&
                openssl pkey -in fake.pem -pubout | cmp - real.pub &&
                line "Input file has invalid key handle: $private" chsm-util IsValidKeyHandlefile -f fake.pem
}
for curve in 2 13 14 15 16; do
        util genECCKeyPair -i $curve -l "ec$curve" >"ec$curve.pair"
        t "a file stands for a key on curve $curve: the public key is real" stands "ec$curve.pair" EC
done
util genRSAKeyPair -m 2048 -e 65537 -l rsa >rsa.pair
t "and for an RSA key" stands rsa.pair RSA
pattern() { # bytes 4 to 11 are the handle, little-endian; the rest is the pattern
        h=$(handle private <ec2.pair)
        util getCaviumPrivKey -k "$h" -out p256.pem >/dev/null
        openssl ec -in p256.pem -noout -text 2>/dev/null | sed -n '/^priv:/,/^pub:/p' | grep '^ ' | tr -d ' :\n' >scalar
        expected=eafcfcee$(printf '%02x%02x%02x%02x00000000' $((h & 255)) $((h >> 8 & 255)) $((h >> 16 & 255)) $((h >> 24 & 255)))eafcfceeeafcfceeeafcfceeeafcfceeeafcfcee
        [ "$(cat scalar)" = "$expected" ] || { cat scalar; echo "$expected"; return 1; }
}
t "the secret of the file is the documented pattern" pattern
openssl ecparam -name prime256v1 -genkey -noout -out ec.pem
openssl genrsa -out rsa.pem 2048 2>/dev/null
for key in ec rsa; do
        t "a real $key key is real" line "Input key file has real private key" chsm-util IsValidKeyHandlefile -f $key.pem
done
t "in JSON" sh -c 'chsm-util -j IsValidKeyHandlefile -f fake.pem | grep -q "\"real\":false"'
refused "such a file is not imported" "stands for key" util importPrivateKey -l x -f fake.pem -w "$kek"
refused "a public key has no such file" "no private RSA or EC key" util getCaviumPrivKey -k "$(handle public <rsa.pair)" -out no
refused "nor an AES key" "no private RSA or EC key" util getCaviumPrivKey -k "$with" -out no
refused "nor what is not there" "0xa8" util getCaviumPrivKey -k 99 -out no
refused "a file without a key" "no private key in PEM" chsm-util IsValidKeyHandlefile -f secret.bin
finish
