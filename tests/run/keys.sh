#!/bin/sh
# Derivation and wrapping through the module; what can be read is made again by openssl. See keys.c.
. "$(dirname "$0")/lib.sh"
hsm_up

"$build/tests/run/keys" "$CHSM_MODULE" "$CHSM_PIN" >program.out || bad=1
grep -v '^# [0-9]*$' program.out
count=$(sed -n 's/^# \([0-9]*\)$/\1/p' program.out)
hex=$(od -An -v -tx1 base.key | tr -d ' \n')

again() { # file, length, options of openssl kdf
        file=$1 length=$2
        shift 2
        openssl kdf -keylen "$length" -binary "$@" >made && cmp made "$file"
}
for file in hkdf.data hkdf.key; do
        t "openssl's HKDF is $file" again $file 100 -kdfopt digest:SHA384 -kdfopt "hexkey:$hex" -kdfopt salt:salt \
                -kdfopt info:info HKDF
done
for file in kdf108.new kdf108.old; do
        t "openssl's KBKDF is $file" again $file 40 -kdfopt mode:counter -kdfopt mac:HMAC -kdfopt digest:SHA256 \
                -kdfopt "hexkey:$hex" -kdfopt salt:label -kdfopt info:ctx KBKDF
done
t "openssl's PBKDF2 is pbkdf2.key" again pbkdf2.key 48 -kdfopt digest:SHA512 -kdfopt pass:password \
        -kdfopt salt:salt -kdfopt iter:1000 -kdfopt pkcs5:1 PBKDF2
hashed() {
        openssl dgst -sha256 -binary base.key | cmp - hash.key
}
t "openssl's hash is hash.key" hashed
finish
