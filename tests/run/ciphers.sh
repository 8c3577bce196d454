#!/bin/sh
# Encryption of any size, MACs, digests and generated keys through the module, checked by openssl. See ciphers.c and
# macs.c.
. "$(dirname "$0")/lib.sh"
hsm_up

# program NAME: its lines of TAP, counted on from ours.
program() {
        "$build/tests/run/$1" "$CHSM_MODULE" "$CHSM_PIN" >program.out || bad=1
        awk -v from="$count" '/^(not )?ok [0-9]/ { for (i = 1; i < 3; i++) if ($i ~ /^[0-9]+$/) $i += from } !/^# [0-9]+$/' \
                program.out
        count=$((count + $(sed -n 's/^# \([0-9]*\)$/\1/p' program.out)))
}
hex() {
        od -An -v -tx1 -N"$2" "$1" | tr -d ' \n'
}
# agrees FILE CIPHER KEY_BYTES IV_BYTES BLOCK: openssl gives the same. BLOCK: the data is cut to whole ones.
agrees() {
        head -c $((3000017 / $5 * $5)) data >cut
        # shellcheck disable=SC2086 # no option, or one
        openssl enc "-$2" -K "$(hex key "$3")" ${4:+-iv "$(hex iv "$4")"} ${6:-} -in cut -out theirs && cmp theirs "$1"
}
# agrees_mac FILE KEY_BYTES BYTES ARGUMENT...: the first BYTES of what openssl mac gives.
agrees_mac() {
        file=$1
        keyed=$(hex key "$2")
        n=$3
        shift 3
        openssl mac -macopt "hexkey:$keyed" -in data -binary -out theirs "$@" && [ "$(hex theirs "$n")" = "$(hex "$file" "$n")" ]
}
agrees_digest() {
        openssl dgst "-$1" -binary -out theirs data && cmp theirs "$1"
}

program ciphers
t "openssl agrees on CBC" agrees cbc aes-256-cbc 32 16 16 -nopad
t "on CBC with padding" agrees cbc-pad aes-256-cbc 32 16 1
t "on CTR" agrees ctr aes-256-ctr 32 16 1
t "on OFB" agrees ofb aes-256-ofb 32 16 1
t "on CFB" agrees cfb aes-256-cfb 32 16 1
t "on CFB8" agrees cfb8 aes-256-cfb8 32 16 1
t "on ChaCha20" agrees chacha20 chacha20 32 16 1
t "on triple DES" agrees des3-cbc des-ede3-cbc 24 8 8 -nopad
t "on triple DES with padding" agrees des3-cbc-pad des-ede3-cbc 24 8 1

# 150 MB went through the node twice: what it needed at most is far less. Sanitizers keep freed memory for long.
modest() {
        most=100000
        grep -q -e __asan_init -e __tsan_init "/proc/$1/exe" && most=700000
        peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status")
        echo "$peak kB"
        [ "$peak" -lt "$most" ]
}
t "the node's memory stays small" modest "$CHSM_NODE_PIDS"

program macs
t "openssl agrees on HMAC-MD5" agrees_mac hmac-md5 32 16 -digest MD5 HMAC
t "on HMAC-SHA-1" agrees_mac hmac-sha1 32 20 -digest SHA1 HMAC
t "on HMAC-SHA-224, cut" agrees_mac hmac-sha224 32 11 -digest SHA224 HMAC
t "on HMAC-SHA-512" agrees_mac hmac-sha512 32 64 -digest SHA512 HMAC
t "on HMAC-SHA-512/224" agrees_mac hmac-sha512-224 32 28 -digest SHA512-224 HMAC
t "on HMAC-SHA-512/256" agrees_mac hmac-sha512-256 32 32 -digest SHA512-256 HMAC
t "on HMAC-SHA3-256" agrees_mac hmac-sha3-256 32 32 -digest SHA3-256 HMAC
t "on HMAC-SHA3-512, cut" agrees_mac hmac-sha3-512 32 4 -digest SHA3-512 HMAC
t "on CMAC" agrees_mac cmac 32 16 -cipher AES-256-CBC CMAC
t "on CMAC, cut" agrees_mac cmac-general 32 5 -cipher AES-256-CBC CMAC
t "on CMAC with triple DES" agrees_mac cmac-des3 24 8 -cipher DES-EDE3-CBC CMAC
t "on GMAC" agrees_mac gmac 32 12 -cipher AES-256-GCM -macopt "hexiv:$(hex iv 12)" GMAC
for digest in md5 sha512-224 sha512-256 sha3-224 sha3-256 sha3-384 sha3-512; do
        t "on $digest" agrees_digest $digest
done
finish
