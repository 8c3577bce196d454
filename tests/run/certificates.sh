#!/bin/sh
# Certificates that end: an expired one of the node's configuration is alarmed of in log and metric while it serves; a
# store's member that shows an expired or a foreign one is not spoken to.
. "$(dirname "$0")/lib.sh"
mkdir -p "$work/hsm/conf" && cd "$work"
issue() { # NAME DAYS CA
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr" 2>/dev/null
        printf 'subjectAltName=IP:127.0.0.1\n' >san
        openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" -CAcreateserial -days "$2" -extfile san -out "$1.crt" 2>/dev/null
        chmod 600 "$1.key"
}
for name in ca stranger; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -x509 -days 30 -subj "/CN=$name" \
                -keyout $name.key -out $name.crt 2>/dev/null
done
issue good 10 ca
issue hsm1 400 ca
issue expired -1 ca
issue foreign 400 stranger
printf 'etcd_certificate = %s\netcd_ca = %s\n' "$work/expired.crt" "$work/good.crt" >hsm/conf/node.more
hsm_up
metric() { curl -sf "http://127.0.0.1:$(cat hsm/node1/admin_port)/metrics" | sed -n "s/^$1 //p"; }
t "what has expired is alarmed of" until_true grep -qF "ALARM: the certificate in '$work/expired.crt' has expired" hsm/node1/log
t "what will soon is as well" grep -qF "ALARM: the certificate in '$work/good.crt' expires in 9 days" hsm/node1/log
t "the metric is below zero for one" [ "$(metric 'chsm_certificate_expires_seconds{certificate="etcd"}')" -lt 0 ]
t "and has what is left of the other" [ "$(metric 'chsm_certificate_expires_seconds{certificate="etcd_ca"}')" -gt 86400 ]

# ---- a member of the store ----
member() { # CERTIFICATE
        port=$(free_port)
        serve "member-$1" openssl s_server -accept "$port" -cert "$1.crt" -key "$1.key" -CAfile ca.crt -Verify 1 -alpn h2 -quiet
        port_opened "$port"
        mkdir -p -m 700 "data-$1"
        cat >"$1.conf" <<EOT
data_dir = $work/data-$1
listen = 127.0.0.1
port = 0
node_name = hsm1
store = etcd
etcd_members = https://127.0.0.1:$port
etcd_ca = $work/ca.crt
etcd_certificate = $work/hsm1.crt
etcd_private_key = $work/hsm1.key
operator_certificate = $work/ca.crt
node_certificate = $work/hsm1.crt
node_private_key = $work/hsm1.key
EOT
        serve "node-$1" chsm-server --config "$1.conf"
        nodes="${nodes:-} $server"
}
log_of() { until_true grep -qF -- "$2" "$work/member-$1.log" || { cat "$work/member-$1.log"; return 1; }; }
for kind in expired foreign; do
        member "$kind"
done
t "a member whose certificate has expired is refused" log_of expired 'certificate expired'
t "a member with a foreign certificate as well" log_of foreign 'unknown ca'
# shellcheck disable=SC2086 # several; they would go on trying for a while
kill -9 $nodes
sed 's|^node_certificate = .*|node_certificate = expired.crt|; s|^node_private_key = .*|node_private_key = expired.key|' foreign.conf >mine.conf
refused "a node whose own certificate has expired" "is not in its time" timeout 30 chsm-server --config mine.conf
sed 's|^node_certificate = .*|node_certificate = foreign.crt|; s|^node_private_key = .*|node_private_key = foreign.key|' foreign.conf >mine.conf
refused "a node with a foreign certificate" "operator" timeout 30 chsm-server --config mine.conf
finish
