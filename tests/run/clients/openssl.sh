#!/bin/sh
# The openssl program through Debian's libp11 engine: requests, certificates, signatures, CMS, and TLS servers.
. "$(dirname "$0")/../lib.sh"
hsm_up
echo "some text" >text
doc openssl.cnf >openssl.cnf
uri="pkcs11:token=$CHSM_TOKEN;type=private;object"

p11() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" "$@"
}
engine() {
        command=$1
        shift
        OPENSSL_CONF=openssl.cnf openssl "$command" -engine pkcs11 -keyform engine "$@"
}
# self_signed LABEL: LABEL.crt and LABEL.pem
self_signed() {
        engine req -new -x509 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -key "$uri=$1" -out "$1.crt" &&
                openssl verify -CAfile "$1.crt" "$1.crt" && openssl x509 -in "$1.crt" -noout -pubkey >"$1.pem"
}

for key in web:rsa:2048:01 large:rsa:4096:02 p256:EC:prime256v1:03 p384:EC:secp384r1:04 p521:EC:secp521r1:05; do
        label=${key%%:*} id=${key##*:}
        type=${key#*:}
        t "key '$label'" p11 --keypairgen --key-type "${type%:*}" --id "$id" --label "$label" $one_role
        t "a certificate signed by itself" self_signed "$label"
done
t "a certification authority, as docs/clients.md says" doc_run openssl-ca

# ---- certificates ----
request() {
        engine req -new -subj "/CN=$1" -key "$uri=$1" -out "$1.csr" && openssl req -in "$1.csr" -verify -noout
}
issue() {
        printf 'subjectAltName=DNS:%s\n' "$1" >ext
        OPENSSL_CONF=openssl.cnf openssl x509 -req -in "$1.csr" -CA ca.crt -engine pkcs11 -CAkeyform engine -CAkey "$uri=ca" \
                -CAcreateserial -extfile ext -sha384 -out "$1.issued" && openssl verify -CAfile ca.crt "$1.issued"
}
for label in web p521; do
        t "a request of '$label'" request $label
        t "and its certificate" issue $label
done
revocation_list() {
        : >index
        printf '[ca]\ndefault_ca=a\n[a]\ndatabase=index\ncrlnumber=number\ndefault_md=sha256\n' >>openssl.cnf
        echo 01 >number
        engine ca -gencrl -config openssl.cnf -crldays 30 -keyfile "$uri=ca" -cert ca.crt -out list.crl &&
                openssl crl -in list.crl -CAfile ca.crt -noout
}
t "a revocation list" revocation_list

# ---- signatures ----
signs() {
        label=$1
        shift
        engine dgst -sign "$uri=$label" -out sig "$@" text && openssl dgst -verify "$label.pem" -signature sig "$@" text
}
for hash in sha1 sha224 sha256 sha384 sha512; do
        t "RSA with $hash" signs web -$hash
        t "RSA-PSS with $hash" signs web -$hash -sigopt rsa_padding_mode:pss
done
t "RSA 4096" signs large -sha256
t "RSA-PSS, salt of 20 bytes" signs web -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20
t "RSA-PSS, another hash for the mask" signs web -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_mgf1_md:sha512
for label in p256 p384 p521; do
        t "ECDSA with $label" signs $label -sha256
        t "ECDSA with $label, SHA-512" signs $label -sha512
done
changed() {
        signs web -sha256 && echo other >text2 && ! openssl dgst -sha256 -verify web.pem -signature sig text2
}
t "another text does not verify" changed
digest_signs() {
        openssl dgst -sha256 -binary text >digest && engine pkeyutl -sign -inkey "$uri=$1" -in digest -out sig \
                -pkeyopt digest:sha256 && openssl pkeyutl -verify -pubin -inkey "$1.pem" -in digest -sigfile sig \
                -pkeyopt digest:sha256
}
t "pkeyutl signs a digest, RSA" digest_signs web
t "pkeyutl signs a digest, ECDSA" digest_signs p256

# ---- decryption ----
reads=web
if [ -n "$one_role" ]; then
        reads=reads
        reading_pair() {
                p11 --keypairgen --key-type rsa:2048 --id 06 --label reads --usage-decrypt &&
                        p11 --read-object --type pubkey --id 06 -o reads.der &&
                        openssl pkey -pubin -inform DER -in reads.der -out reads.pem &&
                        openssl x509 -new -subj /CN=reads -force_pubkey reads.pem -CA leaf.crt -CAkey leaf.key -days 10 -out reads.crt
        }
        t "a pair that decrypts, and its certificate" reading_pair
fi
decrypts() {
        openssl pkeyutl -encrypt -pubin -inkey "$reads.pem" "$@" -in text -out enc &&
                engine pkeyutl -decrypt -inkey "$uri=$reads" "$@" -in enc -out dec && cmp text dec
}
t "PKCS#1 v1.5 decryption" decrypts
t "OAEP decryption" decrypts -pkeyopt rsa_padding_mode:oaep
t "OAEP decryption with SHA-256" decrypts -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
cms_decrypts() {
        openssl cms -encrypt -binary -aes-256-cbc -in text -out enc -recip "$1.crt" && engine cms -decrypt -inkey "$uri=$1" \
                -recip "$1.crt" -in enc -out dec && cmp text dec
}
t "CMS decryption, RSA" cms_decrypts "$reads"
cms_signs() {
        label=$1
        shift
        engine cms -sign -signer "$label.crt" -inkey "$uri=$label" "$@" -in text -out signed &&
                openssl cms -verify -CAfile "$label.crt" -purpose any -in signed -out said && tr -d '\r' <said | cmp - text
}
t "CMS signature, RSA" cms_signs web
t "CMS signature, RSA-PSS" cms_signs web -keyopt rsa_padding_mode:pss
t "CMS signature, ECDSA" cms_signs p256
t "S/MIME signature" sh -c "OPENSSL_CONF=openssl.cnf openssl smime -sign -engine pkcs11 -keyform engine -signer web.crt \
        -inkey '$uri=web' -in text -out signed && openssl smime -verify -CAfile web.crt -purpose any -in signed"

# ---- TLS ----
# shakes_hands PORT CERTIFICATE WORDS OPTIONS...: a handshake under a verified certificate, whose report has the words.
shakes_hands() {
        port=$1 ca=$2 words=$3
        shift 3
        openssl s_client -connect "127.0.0.1:$port" -CAfile "$ca" -verify_return_error "$@" </dev/null >said 2>&1
        status=$?
        cat said
        [ $status -eq 0 ] && grep -qF -- "$words" said && grep -qF "Verify return code: 0" said
}
PORT=$(free_port)
export PORT
doc openssl-server >server.sh
serve server sh server.sh
t "an RSA server comes up" port_opened "$PORT"
t "TLS 1.3" shakes_hands "$PORT" web.crt "Peer signature type: RSA-PSS" -tls1_3
t "TLS 1.2, ECDHE" shakes_hands "$PORT" web.crt ECDHE-RSA-AES128-GCM-SHA256 -tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256
t "TLS 1.2, DHE" shakes_hands "$PORT" web.crt DHE-RSA-AES256-GCM-SHA384 -tls1_2 -cipher DHE-RSA-AES256-GCM-SHA384
t "TLS 1.2, PKCS#1 v1.5 signature" shakes_hands "$PORT" web.crt "Peer signature type: RSA" -tls1_2 -sigalgs RSA+SHA256
t "curl, TLS 1.3" curl -sS --cacert web.crt --tlsv1.3 "https://127.0.0.1:$PORT/"
t "curl, TLS 1.2" curl -sS --cacert web.crt --tls-max 1.2 "https://127.0.0.1:$PORT/"
for label in p256 p384; do
        port=$(free_port)
        serve "server-$label" env OPENSSL_CONF=openssl.cnf openssl s_server -accept "127.0.0.1:$port" -www -cert $label.crt \
                -engine pkcs11 -keyform engine -key "$uri=$label"
        t "a $label server comes up" port_opened "$port"
        t "TLS 1.3" shakes_hands "$port" $label.crt "Peer signature type: ECDSA" -tls1_3
        t "TLS 1.2" shakes_hands "$port" $label.crt ECDHE-ECDSA-AES128-GCM-SHA256 -tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256
done
port=$(free_port)
serve verifying openssl s_server -accept "127.0.0.1:$port" -www -cert leaf.crt -key leaf.key -Verify 1 -CAfile web.crt \
        -verify_return_error
t "a server that wants client certificates comes up" port_opened "$port"
shows_certificate() {
        OPENSSL_CONF=openssl.cnf curl -sS -k "$@" --engine pkcs11 --key-type ENG --key "$uri=web" --cert web.crt \
                "https://127.0.0.1:$port/" >said && grep "Subject: CN=127.0.0.1" said
}
t "curl shows its certificate, TLS 1.2" shows_certificate --tls-max 1.2
t "and with TLS 1.3" shows_certificate --tlsv1.3
refused "without a key it is refused" alert curl -sS -k "https://127.0.0.1:$port/"
hsm_restart
t "the server goes on after the node was restarted" shakes_hands "$PORT" web.crt "Peer signature type: RSA-PSS" -tls1_3
finish
