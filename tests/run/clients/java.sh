#!/bin/sh
# keytool, jarsigner and a program of ours (SelfTest.java) through Java's SunPKCS11.
. "$(dirname "$0")/../lib.sh"
hsm_up
doc chsm.cfg >chsm.cfg
# The Java programs share one warm start; more compilation than that does not pay for a second's work.
JDK_JAVA_OPTIONS='-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto'
export JDK_JAVA_OPTIONS

key_tool() {
        keytool "$@" -storetype PKCS11 -keystore NONE -providerClass sun.security.pkcs11.SunPKCS11 -providerArg chsm.cfg \
                -storepass "$CHSM_PIN"
}
jar_signer() {
        jarsigner -storetype PKCS11 -keystore NONE -providerClass sun.security.pkcs11.SunPKCS11 -providerArg chsm.cfg \
                -storepass "$CHSM_PIN" "$@"
}
# says WORDS COMMAND...
says() {
        words=$1
        shift
        "$@" >said 2>&1
        cat said
        grep -qF -- "$words" said
}

openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 3650 -subj /CN=ca \
        -addext basicConstraints=critical,CA:TRUE 2>/dev/null
keytool -importcert -keystore trust.p12 -storepass changeit -alias ca -file ca.crt -noprompt >/dev/null 2>&1

t "what docs/clients.md says: a pair, its certificate, a signed jar" doc_run java-sign

# ---- keytool ----
t "an EC pair" key_tool -genkeypair -alias ec -keyalg EC -groupname secp256r1 -dname CN=ec
t "an EC pair on P-384" key_tool -genkeypair -alias ec384 -keyalg EC -groupname secp384r1 -dname CN=ec384
t "an RSA pair" key_tool -genkeypair -alias rsa -keyalg RSA -keysize 2048 -dname CN=rsa
t "a secret key" key_tool -genseckey -alias aes -keyalg AES -keysize 256
t "they are listed" says "rsa, PrivateKeyEntry" key_tool -list
certified() {
        key_tool -certreq -alias "$1" -file req.csr && openssl req -in req.csr -verify -noout &&
                openssl x509 -req -in req.csr -CA ca.crt -CAkey ca.key -days 365 -out leaf.crt && cat leaf.crt ca.crt >chain.pem &&
                key_tool -importcert -alias "$1" -file chain.pem -noprompt &&
                says "Certificate chain length: 2" key_tool -list -v -alias "$1" &&
                key_tool -exportcert -alias "$1" -rfc >out.crt && openssl verify -CAfile ca.crt out.crt
}
t "a request and its reply, EC" certified ec
t "a request and its reply, RSA" certified rsa
t "a second alias" key_tool -changealias -alias ec384 -destalias other
t "goes by its new name" says "other, PrivateKeyEntry" key_tool -list
t "an entry is deleted" key_tool -delete -alias other
t "a secret key is deleted" key_tool -delete -alias aes
gone() {
        key_tool -list >said && ! grep -E '^(other|aes),' said
}
t "and both are gone" gone
brought() {
        openssl pkcs12 -export -inkey ca.key -in ca.crt -name soft -passout pass:changeit -out soft.p12 &&
                keytool -importkeystore -srckeystore soft.p12 -srcstorepass changeit -srcalias soft -destalias soft \
                        -destkeystore NONE -deststoretype PKCS11 -deststorepass "$CHSM_PIN" \
                        -providerClass sun.security.pkcs11.SunPKCS11 -providerArg chsm.cfg -noprompt &&
                says "soft, PrivateKeyEntry" key_tool -list
}
t "a software key store is brought in" brought
refused "a wrong PIN" CKR_PIN_INCORRECT keytool -list -storetype PKCS11 -keystore NONE -storepass cu1:wrong12345 -v \
        -providerClass sun.security.pkcs11.SunPKCS11 -providerArg chsm.cfg

# ---- jarsigner ----
jar_is_signed() {
        head -c 200000 /dev/urandom >content && jar cf t.jar content && jar_signer t.jar "$1" &&
                jarsigner -verify -strict -keystore trust.p12 -storepass changeit t.jar &&
                head -c 10 /dev/urandom >content && jar uf t.jar content && ! jarsigner -verify t.jar
}
t "a jar is signed with RSA; changed, it does not verify" jar_is_signed rsa
t "and with EC" jar_is_signed ec

# ---- a program ----
java "$top/tests/run/clients/SelfTest.java" chsm.cfg "$CHSM_PIN" $((count + 1)) >self 2>&1 || true
judge self
t "the program ran to its end" grep "^# ran $((count))" self
finish
