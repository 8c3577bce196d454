#!/bin/sh
# OpenDNSSEC's libhsm: ods-hsmutil's own test, keys, and the DNSKEY records of them.
. "$(dirname "$0")/../lib.sh"
hsm_up
doc conf.xml >conf.xml
ods() {
        timeout 120 ods-hsmutil -c conf.xml "$@"
}
t "what docs/clients.md says" doc_run ods
t "a key is listed" sh -c 'ods-hsmutil -c conf.xml list CHSM | grep ECDSA/256'

# What its test tried, and how each ended; the pieces that fail are those that nobody should have.
ods test CHSM >tested 2>&1 || status=$?
expect() {
        cat tested
        grep -F -- "$1" tested
}
for bits in 2048 4096; do
        t "RSA of $bits bits is made" expect "Generating $bits-bit RSA key... OK"
done
for hash in SHA1 SHA256 SHA512; do
        t "RSA signs with $hash" expect "Signing (RSA/$hash) with key... OK"
done
t "P-256" expect "Generating ECDSA Curve P-256 key... OK"
t "P-384" expect "Generating ECDSA Curve P-384 key... OK"
t "Ed25519" expect "Generating ED25519 key... OK"
t "Ed448" expect "Generating ED448 key... OK"
t "random data" expect "Generating 1024 bytes of random data... OK"
only_those() {
        cat tested
        ! grep Failed tested | grep -vE '(512|768)-bit RSA|DSA key|GOST key' &&
                [ "${status:-0}" -eq "$(grep -c Failed tested)" ]
}
t "nothing fails but weak RSA, DSA and GOST" only_those

key=0
make_key() {
        ods generate CHSM "$@" >made 2>&1 && cat made && key=$(sed -n 's/.*successful: //p' made) && [ -n "$key" ]
}
# dnskey ALGORITHM NUMBER LENGTH_IN_BASE64
dnskey() {
        record=$(ods dnskey "$key" example.net 257 "$1") && echo "$record" &&
                point=$(echo "$record" | awk '{ print $8 }') && [ "$(printf %s "$point" | base64 -d | wc -c)" -eq "$2" ]
}
t "an RSA key" make_key rsa 2048
t "its DNSKEY" dnskey 8 260
t "it is removed" ods remove "$key"
t "a P-384 key" make_key ecdsa 384
t "its DNSKEY" dnskey 14 96
t "it is removed" ods remove "$key"
t "ods-hsmspeed, four threads" timeout 120 ods-hsmspeed -c conf.xml -r CHSM -i 100 -s 2048 -t 4
sed -i 's|:user1234</PIN>|:wrong12345</PIN>|' conf.xml
refused "a wrong PIN" "Incorrect PIN" ods list
finish
