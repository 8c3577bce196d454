#!/bin/sh
# nginx with its keys in the HSM: RSA and EC, TLS 1.2 and 1.3, through reloads, a node's restart, and many requests at once.
. "$(dirname "$0")/../lib.sh"
hsm_up
doc openssl.cnf >openssl.cnf
OPENSSL_CONF=$work/openssl.cnf
export OPENSSL_CONF
make_key() {
        pkcs11-tool --module "$CHSM_MODULE" --login --pin "$CHSM_PIN" --keypairgen --key-type "$2" --id "$3" --label "$1" $one_role &&
                openssl req -new -x509 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -out "$1.crt" -engine pkcs11 \
                        -keyform engine -key "pkcs11:token=$CHSM_TOKEN;object=$1;type=private"
}
t "an RSA key and its certificate" make_key web rsa:2048 01
t "an EC key and its certificate" make_key ec EC:prime256v1 02

rsa_port=$(free_port)
ec_port=$(free_port)
doc nginx.conf | sed "s/:8443/:$rsa_port/; s/:8444/:$ec_port/" >nginx.conf
# Folders that the package's nginx would have under /var/lib.
sed -i "s|^http {|&\nclient_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4; scgi_temp_path t5;|" \
        nginx.conf
t "the configuration is good" nginx -p "$work" -c nginx.conf -e nginx.log -t
serve nginx nginx -p "$work" -c nginx.conf -e nginx.log -g 'daemon off;'
nginx=$server
t "nginx comes up" port_opened "$rsa_port"

ask() {
        port=$1 certificate=$2
        shift 2
        [ "$(curl -sS --cacert "$certificate" "$@" "https://127.0.0.1:$port/")" = "hello from nginx" ]
}
# Every request is a handshake of its own; none may fail.
ask_all() {
        for version in --tls-max=1.2 --tlsv1.3; do
                case $version in --tls-max*) set -- --tls-max 1.2 ;; *) set -- --tlsv1.3 ;; esac
                ask "$rsa_port" web.crt "$@" && ask "$ec_port" ec.crt "$@" || return 1
        done
}
t "RSA and EC answer, TLS 1.2 and 1.3" ask_all
workers() {
        ps -o pid= --ppid "$nginx" | tr -d ' ' | sort
}
# Requests go on while nginx reloads; afterwards none of the workers is an old one.
reload() {
        workers >before
        for i in 1 2 3 4 5 6 7 8 9 10; do
                ask_all || exit 1
        done &
        asking=$!
        kill -HUP "$nginx"
        wait $asking && until_true replaced && ask_all
}
replaced() {
        workers >after
        [ "$(wc -l <after)" -eq 2 ] && [ -z "$(comm -12 before after)" ]
}
for time in first second third; do
        t "a $time reload, with requests before, during and after" reload
done
many() {
        i=0
        asking=
        while [ $i -lt 8 ]; do
                i=$((i + 1))
                { ask_all && ask_all && ask_all; } &
                asking="$asking $!"
        done
        for one in $asking; do
                wait "$one" || return 1
        done
}
t "many at once" many
hsm_restart
t "after a restart of node and daemon" ask_all
t "and a reload after that" reload
certificate_changes() {
        cp web.crt old.crt && openssl req -new -x509 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -set_serial 77 \
                -out web.crt -engine pkcs11 -keyform engine -key "pkcs11:token=$CHSM_TOKEN;object=web;type=private" &&
                workers >before && kill -HUP "$nginx" && until_true replaced && ask_all && ! ask "$rsa_port" old.crt
}
t "a new certificate comes in with a reload" certificate_changes
no_alerts() {
        ! grep -E '\[(crit|alert|emerg)\]' nginx.log
}
t "nothing alarming in nginx's log" no_alerts
ends() {
        kill -QUIT "$nginx"
        wait "$nginx"
}
t "it ends in order" ends
finish
