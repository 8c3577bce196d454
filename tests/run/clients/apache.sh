#!/bin/sh
# Apache httpd with its keys in the HSM: RSA and EC, TLS 1.2 and 1.3, through graceful restarts and a node's restart.
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
mkdir htdocs
echo "hello from httpd" >htdocs/index.html
# The children become another user, as in production; that user may reach the daemon and the page.
chmod 755 "$work" "$work/hsm" "$work/hsm/client"
doc httpd.conf | sed "s/:8443/:$rsa_port/; s/:8444/:$ec_port/; s|^ServerName|ServerRoot $work\n&|" >httpd.conf
if [ "$(id -u)" -eq 0 ]; then
        printf 'User nobody\nGroup nogroup\n' >>httpd.conf
fi
printf 'DefaultRuntimeDir run\nMutex file:run default\nStartServers 2\nServerLimit 3\nThreadsPerChild 4\nMaxRequestWorkers 8\n' >>httpd.conf
mkdir run
t "the configuration is good" apache2 -f "$work/httpd.conf" -t
serve httpd apache2 -f "$work/httpd.conf" -DFOREGROUND
httpd=$server
t "httpd comes up" port_opened "$rsa_port"

ask() {
        [ "$(curl -sS --cacert "$2" "$3" "$4" "https://127.0.0.1:$1/index.html")" = "hello from httpd" ]
}
# Every request is a handshake of its own; none may fail.
ask_all() {
        for version in 1.2 1.3; do
                ask "$rsa_port" web.crt --tls-max $version && ask "$ec_port" ec.crt --tls-max $version || return 1
        done
}
t "RSA and EC answer, TLS 1.2 and 1.3" ask_all
children() {
        ps -o pid= --ppid "$httpd" | tr -d ' ' | sort
}
replaced() {
        children >after
        [ -s after ] && [ -z "$(comm -12 before after)" ]
}
graceful() {
        children >before
        for i in 1 2 3 4 5 6 7 8 9 10; do
                ask_all || exit 1
        done &
        asking=$!
        kill -USR1 "$httpd"
        wait $asking && until_true replaced && ask_all
}
for time in first second third; do
        t "a $time graceful restart, with requests before, during and after" graceful
done
restart() {
        children >before
        kill -HUP "$httpd"
        until_true replaced && until_true ask_all
}
t "a restart that is not graceful" restart
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
chmod 755 "$work/hsm/client"
t "after a restart of node and daemon" ask_all
t "and a graceful restart after that" graceful
no_alerts() {
        ! grep -E 'AH02|:(crit|alert|emerg)\]|exit signal' httpd.log
}
t "nothing alarming in httpd's log" no_alerts
ends() {
        kill -TERM "$httpd"
        wait "$httpd"
}
t "it ends in order" ends
finish
