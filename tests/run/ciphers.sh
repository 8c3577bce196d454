#!/bin/sh
# Encryption of any size through the module, checked by openssl. See ciphers.c.
. "$(dirname "$0")/lib.sh"
hsm_up

"$build/tests/run/ciphers" "$CHSM_MODULE" "$CHSM_PIN" >program.out || bad=1
grep -v '^# [0-9]*$' program.out
count=$(sed -n 's/^# \([0-9]*\)$/\1/p' program.out)

hex() {
        od -An -v -tx1 -N"$2" "$1" | tr -d ' \n'
}
# agrees FILE CIPHER KEY_BYTES IV_BYTES BLOCK: openssl gives the same. BLOCK: the data is cut to whole ones.
agrees() {
        head -c $((3000017 / $5 * $5)) data >cut
        # shellcheck disable=SC2086 # no option, or one
        openssl enc "-$2" -K "$(hex key "$3")" ${4:+-iv "$(hex iv "$4")"} ${6:-} -in cut -out theirs && cmp theirs "$1"
}
t "openssl agrees on CBC" agrees cbc aes-256-cbc 32 16 16 -nopad
t "on CBC with padding" agrees cbc-pad aes-256-cbc 32 16 1
t "on CTR" agrees ctr aes-256-ctr 32 16 1
t "on OFB" agrees ofb aes-256-ofb 32 16 1
t "on CFB" agrees cfb aes-256-cfb 32 16 1
t "on CFB8" agrees cfb8 aes-256-cfb8 32 16 1
t "on ChaCha20" agrees chacha20 chacha20 32 16 1
t "on triple DES" agrees des3-cbc des-ede3-cbc 24 8 8 -nopad
t "on triple DES with padding" agrees des3-cbc-pad des-ede3-cbc 24 8 1

# 150 MB went through the node twice: what it needed at most is far less.
modest() {
        peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status")
        echo "$peak kB"
        [ "$peak" -lt 100000 ]
}
t "the node's memory stays small" modest "$CHSM_NODE_PIDS"
finish
