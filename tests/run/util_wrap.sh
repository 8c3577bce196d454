#!/bin/sh
# Keys leave and come back wrapped: every mechanism, with and without the header, and openssl at the other end.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/util_lib.sh"
hsm_up
openssl rand -out known.key 32
known=$(od -An -tx1 -v known.key | tr -d ' \n')
t "the user KEK" kek_make userkek ""
kek=$(cat userkek.handle)
# The wrapping key is known to the test, and what is wrapped may leave under it.
with=$(made Key imSymKey -l with -t 31 -f known.key -w "$kek")
util genSymKey -t 31 -s 32 -l target -id t-1 -wrap_with_trusted 0 >made && key=$(handle Key <made)
util exSymKey -k "$key" -w "$(made Key genSymKey -l out -t 31 -s 32)" -out target.key >/dev/null
util genRSAKeyPair -m 2048 -e 65537 -l rsa >pair && pub=$(handle public <pair) && priv=$(handle private <pair)
openssl genrsa -out host.pem 2048 2>/dev/null
openssl pkey -in host.pem -pubout -out host.pub
util exportPubKey -k "$pub" -out rsa.pub >/dev/null

kcv() {
        util getAttribute -o "$1" -a 371 -out "$2" >/dev/null
}
kcv "$key" target.kcv
back() { # FILE MECHANISM UNWRAPPING OPTION...: comes back as the same value
        file=$1 mechanism=$2 by=$3
        shift 3
        made Key unWrapKey -f "$file" -w "$by" -m "$mechanism" "$@" >back && kcv "$(cat back)" back.kcv && cmp target.kcv back.kcv
}
raw="-noheader -l back -kc 4 -kt 31 -wrap_with_trusted 0"
wraps() {
        line 'Key Wrapped.' util wrapKey -k "$key" -w "$with" -out w.5 -m 5 -noheader &&
                line 'Wrapped Key written to file "w.5" length 40' util wrapKey -k "$key" -w "$with" -out w.5 -m 5 -noheader &&
                line 'Cfm2WrapKey returned: 0x00 : HSM Return: SUCCESS' util wrapKey -k "$key" -w "$with" -out w.5 -m 5 -noheader
}
t "a wrap says what is documented" wraps
t "openssl opens RFC 3394" sh -c "openssl enc -d -id-aes256-wrap -K $known -iv A6A6A6A6A6A6A6A6 -in w.5 | cmp - target.key"
t "RFC 5649" util wrapKey -k "$key" -w "$with" -out w.6 -m 6 -noheader
t "openssl opens RFC 5649" sh -c "openssl enc -d -id-aes256-wrap-pad -K $known -iv A65959A6 -in w.6 | cmp - target.key"
t "PKCS#5 padding" util wrapKey -k "$key" -w "$with" -out w.4 -m 4 -noheader
padded() {
        cp target.key padded && printf '\010\010\010\010\010\010\010\010' >>padded &&
                openssl enc -d -id-aes256-wrap -K "$known" -iv A6A6A6A6A6A6A6A6 -in w.4 | cmp - padded
}
t "openssl opens it to the key and its padding" padded
for m in 4 5 6; do
        t "mechanism $m unwraps again" back w.$m $m "$with" $raw
done
t "the standard IV may be said" back w.5 5 "$with" $raw -i A6A6A6A6A6A6A6A6
refused "another IV is refused" "standard IV" util wrapKey -k "$key" -w "$with" -out no -m 5 -noheader -i 0011223344556677
from_openssl() {
        openssl enc -id-aes256-wrap -K "$known" -iv A6A6A6A6A6A6A6A6 -in target.key -out o.5 && back o.5 5 "$with" $raw
}
t "what openssl wrapped comes in" from_openssl
unwrap_lines() {
        line 'Cfm3CreateUnwrapTemplate2 returned: 0x00 : HSM Return: SUCCESS' util unWrapKey -f w.5 -w "$with" -m 5 $raw &&
                line 'Cfm2UnWrapWithTemplate3 returned: 0x00 : HSM Return: SUCCESS' util unWrapKey -f w.5 -w "$with" -m 5 $raw
}
t "an unwrap without header says what is documented" unwrap_lines

# ---- AES-GCM ----
gcm_opened() { # IV WRAPPED AAD: openssl enc has no AEAD, node has
        node -e '
                const fs = require("fs"), read = i => fs.readFileSync(process.argv[i]);
                const blob = read(3), d = require("crypto").createDecipheriv("aes-256-gcm", read(1), read(2));
                d.setAAD(read(4));
                d.setAuthTag(blob.subarray(-16));
                process.stdout.write(Buffer.concat([d.update(blob.subarray(0, -16)), d.final()]));
        ' known.key "$1" "$2" "$3" | cmp - target.key
}
echo "of whom it is" >aad
t "AES-GCM, with the IV that the HSM made" util wrapKey -k "$key" -w "$with" -out w.10 -m 10 -noheader -iv_file w.iv -aad aad
t "another library opens it" gcm_opened w.iv w.10 aad
t "and the HSM" back w.10 10 "$with" $raw -iv_file w.iv -aad aad
refused "not with other data" "unWrapKey failed" util unWrapKey -f w.10 -w "$with" -m 10 $raw -iv_file w.iv -aad target.kcv
refused "the IV must go somewhere" "-iv_file" util wrapKey -k "$key" -w "$with" -out no -m 10 -noheader
refused "and come from somewhere" "-iv_file" util unWrapKey -f w.10 -w "$with" -m 10 $raw
t "AES-GCM with the IV in front and a tag of 12 bytes" util wrapKey -k "$key" -w "$with" -out w.11 -m 11 -noheader -tag_size 12
t "comes back" back w.11 11 "$with" $raw -tag_size 12
refused "a tag of 4 bytes" "from 8 to 16" util wrapKey -k "$key" -w "$with" -out no -m 11 -tag_size 4
refused "an IV of one's own" "nothing for mechanism 11" util wrapKey -k "$key" -w "$with" -out no -m 11 -iv_file aad

# ---- RSA ----
t "RSA-OAEP with SHA-256" util wrapKey -k "$key" -w "$pub" -out w.8 -m 8 -t 3 -noheader
t "comes back" back w.8 8 "$priv" $raw -t 3
host() {
        made Key importPubKey -l host -f host.pub >host.handle
}
t "a public key of a file" host
oaep_out() {
        util wrapKey -k "$key" -w "$(cat host.handle)" -out h.8 -m 8 -noheader &&
                openssl pkeyutl -decrypt -inkey host.pem -pkeyopt rsa_padding_mode:oaep -in h.8 | cmp - target.key
}
t "openssl opens OAEP with SHA-1, the default" oaep_out
oaep_in() {
        openssl pkeyutl -encrypt -pubin -inkey rsa.pub -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha512 -in target.key -out o.8 &&
                back o.8 8 "$priv" $raw -t 5
}
t "and what it wraps comes in" oaep_in
rsa_aes_out() {
        util wrapKey -k "$key" -w "$(cat host.handle)" -out h.7 -m 7 -t 3 -noheader && head -c 256 h.7 >h.7a && tail -c +257 h.7 >h.7b &&
                openssl pkeyutl -decrypt -inkey host.pem -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in h.7a -out h.7k &&
                openssl enc -d -id-aes256-wrap-pad -K "$(od -An -tx1 -v h.7k | tr -d ' \n')" -iv A65959A6 -in h.7b | cmp - target.key
}
t "openssl opens RSA-AES" rsa_aes_out
rsa_aes_in() {
        openssl rand -out kek.bin 32 &&
                openssl pkeyutl -encrypt -pubin -inkey rsa.pub -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in kek.bin -out o.7 &&
                openssl enc -id-aes256-wrap-pad -K "$(od -An -tx1 -v kek.bin | tr -d ' \n')" -iv A65959A6 -in target.key >>o.7 &&
                back o.7 7 "$priv" $raw -t 3
}
t "and what it makes comes in" rsa_aes_in
t "RSA PKCS#1 out" util wrapKey -k "$key" -w "$(cat host.handle)" -out h.12 -m 12 -noheader
t "openssl opens it" sh -c 'openssl pkeyutl -decrypt -inkey host.pem -in h.12 | cmp - target.key'
refused "a hash is nothing for AES" "nothing for mechanism 5" util wrapKey -k "$key" -w "$with" -out no -m 5 -t 3
# Triple DES opens what others have wrapped so, made here with openssl's triple DES block by block.
des_in() {
        openssl rand -out des3.key 24 && des3=$(made Key imSymKey -l des3 -t 21 -f des3.key -w "$kek") &&
                util setAttribute -o "$des3" -a 263 -v 1 &&
                python3 "$top/tests/run/tkw.py" "$(od -An -tx1 -v des3.key | tr -d ' \n')" <target.key >des.9 &&
                back des.9 9 "$des3" $raw
}
t "triple DES key wrap comes in" des_in
refused "triple DES only unwraps, and the rule says why" "SP 800-131A" util wrapKey -k "$key" -w "$with" -out no -m 9
refused "mechanism 3" "no wrapping mechanism 3" util wrapKey -k "$key" -w "$with" -out no -m 3
refused "no mechanism" "needs option -m" util wrapKey -k "$key" -w "$with" -out no

# ---- with the header ----
for m in 4 5 6 10 11; do
        t "mechanism $m writes its header" util wrapKey -k "$key" -w "$with" -out f.$m -m $m
        t "and reads it" back f.$m $m "$with" -id "back-$m"
done
for m in 7 8; do
        t "mechanism $m writes its header" util wrapKey -k "$key" -w "$pub" -out f.$m -m $m -t 3
        t "and reads it" back f.$m $m "$priv" -id "back-$m" -l other
done
keeps() {
        made Key unWrapKey -f f.10 -w "$with" -m 10 -id kept >kept && util getAttribute -o "$(cat kept)" -a 512 -out kept.all >/dev/null &&
                util getAttribute -o "$key" -a 512 -out key.all >/dev/null &&
                for name in LABEL ENCRYPT DECRYPT WRAP UNWRAP SIGN VERIFY DERIVE EXTRACTABLE WRAP_WITH_TRUSTED SENSITIVE VALUE_LEN; do
                        [ "$(grep -A1 -x "OBJ_ATTR_$name" kept.all)" = "$(grep -A1 -x "OBJ_ATTR_$name" key.all)" ] || { echo $name; return 1; }
                done
}
t "what the header says comes back: label and usage" keeps
refused "the id is there still" "has this CKA_ID already" util unWrapKey -f f.5 -w "$with" -m 5
refused "a file without header is not taken for one" "no header" util unWrapKey -f w.5 -w "$with" -m 5
refused "nor one of another mechanism" "wrapped with mechanism 5" util unWrapKey -f f.5 -w "$with" -m 6
refused "without header three options are due" "-l LABEL -kc CLASS -kt TYPE" util unWrapKey -f w.5 -w "$with" -m 5 -noheader -l x
spoil() { # FILE POSITION
        cp "$1" spoilt && printf '\377' | dd of=spoilt bs=1 seek="$2" conv=notrunc 2>/dev/null
}
spoil f.10 40
refused "a header changed under GCM" "unWrapKey failed" util unWrapKey -f spoilt -w "$with" -m 10 -id no
spoil f.8 40
refused "or under OAEP" "unWrapKey failed" util unWrapKey -f spoilt -w "$priv" -m 8 -id no
spoil f.5 "$(($(wc -c <f.5) - 4))"
refused "a changed key" "0x110" util unWrapKey -f spoilt -w "$with" -m 5 -id no
spoil f.5 7
refused "a version to come" "of version 255" util unWrapKey -f spoilt -w "$with" -m 5 -id no
head -c 20 f.5 >short
refused "a file cut short" "no header" util unWrapKey -f short -w "$with" -m 5 -id no
util genECCKeyPair -i 14 -l ec -id ec-1 -wrap_with_trusted 0 >pair && ec=$(handle private <pair)
private_back() {
        util wrapKey -k "$ec" -w "$with" -out ec.6 -m 6 -noheader && openssl enc -d -id-aes256-wrap-pad -K "$known" -iv A65959A6 -in ec.6 |
                openssl pkey -inform DER -pubout >ec.pub && util wrapKey -k "$ec" -w "$with" -out ec.10 -m 10 &&
                made Key unWrapKey -f ec.10 -w "$with" -m 10 -id ec-2 >ec2 && echo text >text &&
                util sign -f text -k "$(cat ec2)" -m 18 -out sig && openssl dgst -sha384 -verify ec.pub -signature sig text
}
t "a private key goes and comes back, and signs" private_back
refused "a private key as generic secret" "unWrapKey failed" util unWrapKey -f ec.6 -w "$with" -m 6 -noheader -l x -kc 4 -kt 16
refused "a key that leaves under trusted keys only" "wrapKey failed" util wrapKey -k "$priv" -w "$with" -out no -m 6
refused "a key under itself" "wrapKey failed" util wrapKey -k "$with" -w "$with" -out no -m 6
t "nothing of what was refused was written" sh -c '! [ -e no ]'

# ---- size ----
openssl rand -out 24.key 24
openssl enc -id-aes256-wrap -K "$known" -iv A6A6A6A6A6A6A6A6 -in 24.key -out 24.w
t "a key of the size that was asked for" util unWrapKeyWithSize -f 24.w -w "$with" -m 5 -s 24 $raw
refused "and one of another" "unWrapKeyWithSize failed" util unWrapKeyWithSize -f 24.w -w "$with" -m 5 -s 32 $raw
refused "without size" "needs option -s" util unWrapKeyWithSize -f 24.w -w "$with" -m 5 $raw

# ---- many ----
mkdir folder
: >list
for i in 1 2 3; do made Key genSymKey -t 31 -s 16 -l "many$i" -id "many$i" -wrap_with_trusted 0 >>list; done
t "a list of keys is wrapped into a folder" json_is '"done":3' wrapKey -list list -d folder -w "$with" -m 10
rm "folder/$(head -n 1 list).wrapped"
t "once more only what is missing" json_is '"done":1,"ok":true,"skipped":2' wrapKey -list list -d folder -w "$with" -m 10
for h in $(cat list); do util deleteKey -k "$h" >/dev/null; done
t "the folder comes back" json_is '"done":3' unWrapKey -d folder -w "$with" -m 10
t "and is there" json_is '"done":0,"ok":true,"skipped":3' unWrapKey -d folder -w "$with" -m 10
echo 99 >>list
refused "a handle of nothing is named" "'99' (4 of 4)" util wrapKey -list list -d folder -w "$with" -m 10
refused "a list and a key" "-list FILE -d FOLDER" util wrapKey -list list -k "$key" -w "$with" -m 10
finish
