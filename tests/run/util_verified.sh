#!/bin/sh
# The same commands in a partition where keys have one role and leave under trusted keys only.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/util_lib.sh"
hsm_up --profile verified
echo "some text" >text
openssl genrsa -out rsa.pem 2048 2>/dev/null
openssl pkey -in rsa.pem -pubout -out rsa.pub
openssl rand -out aes.key 32

t "a user KEK that wraps" kek_make userkek "-role wrap -nex"
kek=$(cat userkek.handle)
signs() {
        h=$(made Key importPrivateKey -l rsa -f rsa.pem -w "$kek" -role sign) && util sign -f text -k "$h" -m 1 -out sig &&
                openssl dgst -sha256 -verify rsa.pub -signature sig text
}
t "a private key comes in to sign" signs
t "a secret key to encrypt" util imSymKey -l aes -t 31 -f aes.key -w "$kek" -role encrypt
refused "none to wrap: its value is known" "imSymKey failed" util imSymKey -l x -t 31 -f aes.key -w "$kek" -role wrap
refused "nor again for another role" "imSymKey failed" util imSymKey -l x -t 31 -f aes.key -w "$kek" -role sign
wrapped_copy() {
        openssl rand -out second.key 32 && util imSymKey -l copy -t 31 -f second.key -w "$kek" -role encrypt -wk copy.bin && [ "$(wc -c <copy.bin)" -eq 40 ] &&
                made Key unWrapKey -f copy.bin -w "$kek" -m 6 -noheader -l again -kc 4 -kt 31 -role encrypt >again
}
t "its wrapped copy comes in again, for the same" wrapped_copy
refused "and for nothing else" "unWrapKey failed" util unWrapKey -f copy.bin -w "$kek" -m 6 -noheader -l x -kc 4 -kt 31 -role sign

key=$(made Key genSymKey -t 31 -s 32 -l key -role encrypt -id key-1)
plain=$(made Key genSymKey -t 31 -s 32 -l plain -role wrap)
refused "no key goes out in clear" "exSymKey failed" util exSymKey -k "$key" -w "$plain" -out no
refused "not with the trusted one either" "exSymKey failed" util exSymKey -k "$key" -w "$kek" -out no
util importPubKey -l partner -f rsa.pub >partner && partner=$(handle Key <partner)
refused "none under a public key from outside" "wrapKey failed" util wrapKey -k "$key" -w "$partner" -m 8 -out no
refused "none is made for its holder" "atomicGenAndWrapSymKey failed" \
        util atomicGenAndWrapSymKey -t 31 -s 32 -l x -f rsa.pub -out no -role encrypt
t "nothing of it was written" sh -c '! [ -e no ]'
back() {
        util wrapKey -k "$key" -w "$kek" -m 10 -out key.wrapped && made Key unWrapKey -f key.wrapped -w "$kek" -m 10 -id key-2 >back
}
t "under the trusted key it leaves and comes back" back
t "a parking key" made Key genParkingKey -l parking
util genParkingKey -l parking2 >parking && parking=$(handle Key <parking)
refused "that nobody trusts parks nothing" "parkObject failed" util parkObject -k "$key" -w "$parking" -out parked
officer setAttribute "$parking" 134 1 >/dev/null
t "and one that is trusted does" util parkObject -k "$key" -w "$parking" -out parked
t "and gives it back" util unparkObject -f parked -w "$parking"
key=$(made Key genSymKey -t 31 -s 32 -l whole -role encrypt)
shares() {
        util splitKey -k "$key" -n 3 -threshold 2 -l share >split && s=$(sed -n 's/.*Share [12]\.  Key Handle: //p' split | paste -sd,) &&
                made Key joinKey -k "$s" -t 31 -l joined -role encrypt >joined
}
t "shares give a key of the same role" shares
refused "and of no other" "joinKey failed" util joinKey -k "$(sed -n 's/.*Share [12]\.  Key Handle: //p' split | paste -sd,)" -t 31 -l x -role sign
finish
