#!/bin/sh
# osslsigncode: Authenticode signatures of a Windows program, made here, with keys in the HSM.
. "$(dirname "$0")/../lib.sh"
hsm_up
doc openssl.cnf >openssl.cnf
uri="pkcs11:token=$CHSM_TOKEN;type=private;object"

program() {
        printf '        .globl start\nstart:  ret\n' >program.s
        x86_64-w64-mingw32-as program.s -o program.o && x86_64-w64-mingw32-ld -e start -s program.o -o program.exe
}
t "a program for Windows" program
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=ca \
        -addext basicConstraints=critical,CA:TRUE 2>/dev/null
printf 'keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n' >ext
# certified LABEL TYPE ID
certified() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --keypairgen --key-type "$2" --id "$3" --label "$1" $one_role &&
                OPENSSL_CONF=openssl.cnf openssl req -new -subj "/CN=$1" -engine pkcs11 -keyform engine -key "$uri=$1" -out req.csr &&
                openssl x509 -req -in req.csr -CA ca.crt -CAkey ca.key -days 100 -extfile ext -out "$1.crt"
}
t "an RSA key and its certificate" certified code rsa:3072 01
t "an EC key and its certificate" certified ec EC:prime256v1 02
t "what docs/clients.md says: a signature, verified" doc_run osslsigncode
# signs KEY HASH
signs() {
        rm -f out.exe
        osslsigncode sign -pkcs11module "$CHSM_MODULE" -key "$uri=$1" -pass "$CHSM_PIN" -certs "$1.crt" -h "$2" \
                -n "a program" -in program.exe -out out.exe &&
                osslsigncode verify -CAfile ca.crt -in out.exe
}
for hash in sha1 sha256 sha384 sha512; do
        t "RSA with $hash" signs code $hash
done
t "EC with sha256" signs ec sha256
changed() {
        printf 'x' | dd of=out.exe bs=1 seek=700 conv=notrunc && ! osslsigncode verify -CAfile ca.crt -in out.exe
}
t "a changed program does not verify" changed
finish
