#!/bin/sh
# NSS: modutil, certutil, signtool, cmsutil, and TLS by selfserv and tstclnt with keys in the HSM.
. "$(dirname "$0")/../lib.sh"
hsm_up
t "what docs/clients.md says: module, key, certificate" doc_run nss-key

cert() {
        command=$1
        shift
        certutil "$command" -d sql:nssdb -f pin "$@"
}
# says WORDS COMMAND...
says() {
        words=$1
        shift
        "$@" >said 2>&1
        cat said
        grep -qF -- "$words" said
}
t "the module and its token are listed" says "Token Name: dev" modutil -dbdir sql:nssdb -list chsm
t "keys are listed" says authority cert -K -h "$CHSM_TOKEN"

# ---- certificates ----
openssl_checks() {
        cert -L -n "$CHSM_TOKEN:authority" -a >ca.crt && openssl verify -CAfile ca.crt ca.crt
}
t "openssl accepts the certificate" openssl_checks
for curve in nistp256 nistp384 nistp521; do
        t "a pair on $curve and its certificate" cert -S -h "$CHSM_TOKEN" -z noise -n $curve -s "CN=$curve" -x -t u,u,u -k ec -q $curve
done
request() {
        cert -R -h "$CHSM_TOKEN" -z noise "$@" -s CN=127.0.0.1 --extSAN ip:127.0.0.1 -a -o "$who.csr" &&
                openssl req -in "$who.csr" -verify -noout
}
issue() {
        cert -C -c "$CHSM_TOKEN:authority" -a -i "$who.csr" -o "$who.crt" --extSAN ip:127.0.0.1 -m "$1" &&
                openssl verify -CAfile ca.crt "$who.crt" && cert -A -h "$CHSM_TOKEN" -n "$who" -t u,u,u -a -i "$who.crt"
}
who=web
sign_only=${one_role:+--keyOpFlagsOn sign,verify --keyOpFlagsOff encrypt,decrypt,wrap,unwrap}
[ -z "$one_role" ] || refused "an RSA key of two roles" "unable to generate key" request -k rsa -g 2048
t "a request with an RSA key" request -k rsa -g 2048 $sign_only
t "the authority in the HSM issues; the certificate goes to its key" issue 100
who=shop
t "a request with an EC key" request -k ec -q nistp256
t "and its certificate" issue 101
t "the chain is valid for a server" says "certificate is valid" cert -V -n "$CHSM_TOKEN:web" -u V -e
deleted() {
        cert -F -n "$CHSM_TOKEN:nistp521" && ! cert -L -n "$CHSM_TOKEN:nistp521"
}
t "a key and its certificate are deleted" deleted
echo cu1:wrong12345 >wrong
refused "a wrong PIN" "password" certutil -K -d sql:nssdb -h "$CHSM_TOKEN" -f wrong

# ---- signatures ----
echo "some text" >text
cms() {
        cmsutil -S -d sql:nssdb -f pin -N "$CHSM_TOKEN:$1" -i text -o signed -G -H SHA256 &&
                openssl cms -verify -inform DER -CAfile ca.crt -purpose any -in signed -out said && cmp text said
}
t "cmsutil signs with RSA" cms web
t "and with EC" cms shop
decrypts() {
        openssl cms -encrypt -binary -aes-128-cbc -in text -outform DER -out sealed web.crt &&
                cmsutil -D -d sql:nssdb -f pin -i sealed -o said && cmp text said
}
t "cmsutil decrypts" decrypts
# code signing needs a certificate that says so
code() {
        who=code
        request -k rsa -g 2048 $sign_only && cert -C -c "$CHSM_TOKEN:authority" -a -i code.csr -o code.crt -m 102 --keyUsage digitalSignature \
                --extKeyUsage codeSigning --nsCertType objectSigning && cert -A -h "$CHSM_TOKEN" -n code -t u,u,u -a -i code.crt
}
t "a key and a certificate for code" code
jar() {
        mkdir tree && echo content >tree/file && signtool -d sql:nssdb -k "$CHSM_TOKEN:code" -p "$CHSM_PIN" -Z signed.jar tree &&
                signtool -d sql:nssdb -v signed.jar >said && cat said && grep "verified" said
}
t "signtool signs a jar" jar

# ---- PKCS#12: NSS derives the key of the file in the token, and unwraps the private key with it
p12() {
        openssl req -x509 -newkey "$@" -nodes -keyout p12.key -out p12.crt -subj "/CN=$who" -days 30 &&
                openssl pkcs12 -export -in p12.crt -inkey p12.key -name "$who" -out "$who.p12" -passout pass:p12-pass -certpbe AES-256-CBC \
                        -keypbe AES-256-CBC -macalg SHA256 &&
                CHSM_LOG=$work/p12.log pk12util -i "$who.p12" -d sql:nssdb -h "$CHSM_TOKEN" -k pin -W p12-pass
}
who=imported
t "pk12util brings a key and a certificate" p12 rsa:2048
its_request() {
        cert -R -h "$CHSM_TOKEN" -z noise -k "$CHSM_TOKEN:imported" -s CN=again -a -o again.csr && openssl req -in again.csr -verify -noout &&
                openssl req -in again.csr -pubkey -noout >one && openssl x509 -in p12.crt -pubkey -noout >other && cmp one other
}
t "which signs a request" its_request

# ---- TLS ----
server() {
        port=$(free_port)
        serve "$1" selfserv -d sql:nssdb -w "$CHSM_PIN" -p "$port" "$2" "$CHSM_TOKEN:$1" -V tls1.2:
        port_opened "$port"
}
t "selfserv with an RSA key comes up" server web -n
web_port=$port
t "curl, TLS 1.3" curl -sS -o said --http0.9 --cacert ca.crt "https://127.0.0.1:$web_port/"
t "curl, TLS 1.2" curl -sS -o said --http0.9 --cacert ca.crt --tls-max 1.2 "https://127.0.0.1:$web_port/"
t "openssl, RSA key exchange" sh -c "openssl s_client -connect 127.0.0.1:$web_port -CAfile ca.crt -verify_return_error -tls1_2 \
        -cipher AES128-GCM-SHA256 </dev/null"
t "tstclnt, TLS 1.2" sh -c "printf 'GET / HTTP/1.0\r\n\r\n' | timeout 20 tstclnt -d sql:nssdb -h 127.0.0.1 -p $web_port \
        -w '$CHSM_PIN' -V tls1.2:tls1.2 | grep 'HTTP/1.0 200'"
t "selfserv with an EC key comes up" server shop -e
t "curl, EC" curl -sS -o said --http0.9 --cacert ca.crt "https://127.0.0.1:$port/"
finish
