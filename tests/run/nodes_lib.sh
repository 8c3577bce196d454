# Sourced after lib.sh: nodes beside that of hsm_up, in $work/n1 ..., on SQLite or on the etcd members of $work/etcd.

# node_conf N sqlite|etcd [OPTION...]: configuration of node N, further lines as arguments.
node_conf() {
        n=$1
        engine=$2
        shift 2
        mkdir -p "n$n/data/clients"
        chmod 700 "n$n/data"
        cp "$CHSM_CONF_DIR/client.crt" "n$n/data/clients/"
        [ -s "n$n/port" ] || free_port >"n$n/port"
        [ -s operator.crt ] || openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -x509 -days 30 \
                -subj "/CN=operator" -keyout operator.key -out operator.crt 2>/dev/null
        if [ ! -s "n$n/node.crt" ]; then
                openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=hsm$n" -keyout "n$n/node.key" \
                        -out "n$n/node.csr" 2>/dev/null
                openssl x509 -req -in "n$n/node.csr" -CA operator.crt -CAkey operator.key -CAcreateserial -days 30 \
                        -out "n$n/node.crt" 2>/dev/null
                chmod 600 "n$n/node.key"
        fi
        {
                cat <<EOT
data_dir = $work/n$n/data
listen = 127.0.0.1
port = $(cat "n$n/port")
admin_port = 0
node_name = hsm$n
node_number = $n
ready_file = $work/n$n/ready
password_memory_kib = 8192
EOT
                [ "$engine" = sqlite ] || cat <<EOT
store = etcd
etcd_members = $(cat "$work/etcd/members")
etcd_ca = $work/etcd/ca.crt
etcd_certificate = $work/etcd/node$n.crt
etcd_private_key = $work/etcd/node$n.key
etcd_prefix = /chsm/t/
operator_certificate = $work/operator.crt
node_certificate = $work/n$n/node.crt
node_private_key = $work/n$n/node.key
EOT
                for option in "$@"; do
                        echo "$option"
                done
        } >"n$n/server.conf"
        mgmt_conf "n$n/mgmt.conf" "$n"
}

# mgmt_conf FILE N...: configuration of chsm-mgmt for these nodes.
mgmt_conf() {
        file=$1
        shift
        {
                for n in "$@"; do
                        echo "server = 127.0.0.1:$(cat "n$n/port")"
                done
                cat <<EOT
owner_certificate = $CHSM_CONF_DIR/PO.crt
certificate = $CHSM_CONF_DIR/client.crt
private_key = $CHSM_CONF_DIR/client.key
EOT
        } >"$file"
}
three_conf() { mgmt_conf three.conf 1 2 3; }

node_start_only() {
        rm -f "n$1/ready"
        serve "node$1" chsm-server --config "n$1/server.conf"
        echo "$server" >"n$1/pid"
}
# Serves, or has ended.
node_start() {
        node_start_only "$1"
        until_true sh -c "[ -s n$1/ready ] || ! kill -0 $server" && [ -s "n$1/ready" ]
}
node_kill() {
        pid=$(cat "n$1/pid")
        kill -9 "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
}
node_stop() {
        pid=$(cat "n$1/pid")
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
}
admin_port() { sed -n 's/^admin_port=//p' "n$1/ready"; }
metric() { curl -sf "http://127.0.0.1:$(admin_port "$1")/metrics" | sed -n "s/^$2 //p"; }

mgmt_of() {
        node=$1
        shift
        echo "$*" | chsm-mgmt --yes -c "n$node/mgmt.conf"
}
officer_of() {
        node=$1
        shift
        printf 'loginHSM CO %s %s\n%s\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" "$*" | chsm-mgmt --yes -c "n$node/mgmt.conf"
}
# With node 1, unowned.
preco() { printf 'loginHSM PRECO admin tenantadmin\n%s\n' "$*" | chsm-mgmt --yes -c n1/mgmt.conf; }
plan_it() { preco restorePartition "$@"; }
owner_agrees() {
        openssl dgst -sha256 -sign "$CHSM_PO_KEY" -out plan.sig plan.txt &&
                openssl pkeyutl -decrypt -inkey "$CHSM_PO_KEY" -in plan.key -pkeyopt rsa_padding_mode:oaep \
                        -pkeyopt rsa_oaep_md:sha256 | openssl pkeyutl -encrypt -pubin -inkey plan.pem -out plan.unlock \
                        -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256
}

# The operator of the store.
ctl() {
        ETCDCTL_API=3 etcdctl --endpoints "$(cat "$work/etcd/members")" --cacert "$work/etcd/ca.crt" --cert "$work/etcd/root.crt" \
                --key "$work/etcd/root.key" "$@"
}
etcd_down() {
        "$top/scripts/dev-etcd" down "$work/etcd" >/dev/null 2>&1 || true
        cleanup
}
trap etcd_down EXIT
