#!/bin/sh
# The first region is a cluster of three nodes on etcd, the second one of two nodes on etcd too: it follows whichever node
# of the first answers, each of its nodes can follow, and its other node has what the first one has applied; then it takes
# over. docs/regions.md.
. "$(dirname "$0")/lib.sh"

hsm_up --nodes 3
dir=$work/hsm
[ -s "$dir/etcd/members" ]

west_conf() { # NUMBER OF_ETCD
        mkdir -p "$work/west$1/clients"
        chmod 700 "$work/west$1"
        cp "$dir/conf/client.crt" "$dir"/conf/hsm[123].crt "$work/west$1/clients/"
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=hsm$1" -keyout "$work/hsm$1.key" \
                -out "$work/hsm$1.csr" >"$work/openssl.log" 2>&1
        openssl x509 -req -in "$work/hsm$1.csr" -CA "$dir/conf/operator.crt" -CAkey "$dir/conf/operator.key" \
                -CAcreateserial -days 30 -out "$work/hsm$1.crt" >>"$work/openssl.log" 2>&1
        chmod 600 "$work/hsm$1.key"
        cat >"$work/west$1.conf" <<END
data_dir = $work/west$1
listen = 127.0.0.1
port = 0
admin_port = 0
node_name = hsm$1
node_number = $1
ready_file = $work/west$1.ready
password_memory_kib = 8192
store = etcd
etcd_members = $(cat "$dir/etcd/members")
etcd_ca = $dir/etcd/ca.crt
etcd_certificate = $dir/etcd/node$2.crt
etcd_private_key = $dir/etcd/node$2.key
etcd_prefix = /chsm/west/
operator_certificate = $dir/conf/operator.crt
node_certificate = $work/hsm$1.crt
node_private_key = $work/hsm$1.key
owner_certificate = $dir/conf/PO.crt
END
        for n in 1 2 3; do
                echo "region_peer = 127.0.0.1:$(cat "$dir/node$n/port")" >>"$work/west$1.conf"
                cp "$work/hsm$1.crt" "$dir/node$n/data/clients/"
                kill -HUP "$(cat "$dir/node$n/pid")"
        done
}
west_up() {
        rm -f "$work/west$1.ready"
        serve "west$1" chsm-server --config "$work/west$1.conf"
        echo "$server" >"$work/west$1.pid"
        until_true sh -c "! kill -0 $server || [ -s '$work/west$1.ready' ]"
        [ -s "$work/west$1.ready" ] || { sed 's/^/# /' "$work/west$1.log"; echo "Bail out! node $1 did not come up"; exit 1; }
        { echo "server = 127.0.0.1:$(sed -n 's/^port=//p' "$work/west$1.ready")"
                sed '/^server/d' "$CHSM_CONF_DIR/chsm-mgmt.conf"; } >"$work/west$1.mgmt"
}
west() { # NUMBER COMMAND
        echo "$2" | chsm-mgmt --yes -c "$work/west$1.mgmt"
}
info() { # NUMBER FIELD
        echo getRegionInfo | chsm-mgmt --json -c "$work/west$1.mgmt" 2>/dev/null | tail -n 1 |
                python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$2"
}
is() { [ "$(info "$1" "$2")" = "$3" ]; }
has() { [ "$(info "$1" revision)" -ge "$2" ]; }
east_revision() {
        echo getRegionInfo | chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | tail -n 1 |
                python3 -c 'import json, sys; print(max(s["revision"] for s in json.load(sys.stdin)["servers"]))'
}
kill_now() {
        kill -9 "$(cat "$1")"
        until_true sh -c "! kill -0 $(cat "$1")"
}
hash_of() {
        printf 'loginHSM CO %s %s\nfindAllKeys 0 1\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" | chsm-mgmt --yes -c "$1" |
                grep -A1 'Key Hash' | grep -oE '[0-9a-f]{64}' | sort -u
}

t "keys in the first region" util genRSAKeyPair -m 2048 -e 65537 -l everywhere
west_conf 11 1
west_conf 12 2
west_up 11
t "the second region follows" is 11 role follower
west_up 12
t "with another node of its own" is 12 role follower
t "a key" util genSymKey -t 31 -s 32 -l second
t "is on both" until_true has 12 "$(east_revision)"
kill_now "$dir/node1/pid"
t "a key while a node of the first region is dead" util genSymKey -t 31 -s 32 -l third
kill_now "$work/west11.pid"
t "and one of the second" util genSymKey -t 31 -s 32 -l fourth
"$top/scripts/dev-cluster" up "$dir"
t "the other node of the second follows" until_true has 12 "$(east_revision)"
before=$(hash_of "$CHSM_CONF_DIR/chsm-mgmt.conf")
west_up 11
t "and the first one again" until_true has 11 "$(east_revision)"
west 11 "getRegionStatement $work/statement" >/dev/null
openssl dgst -sha256 -sign "$CHSM_PO_KEY" -out "$work/statement.sig" "$work/statement"
refused "another node's statement is not this one's" "not the owner's signature" west 12 "promoteRegion $work/statement.sig -force"
t "it takes over" west 11 "promoteRegion $work/statement.sig -force"
t "on both its nodes" until_true is 12 role primary
t "with every key" [ "$(hash_of "$work/west12.mgmt")" = "$before" ]
fenced() {
        echo getRegionInfo | chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | tail -n 1 |
                python3 -c 'import json, sys; sys.exit(any(s["role"] != "fenced" for s in json.load(sys.stdin)["servers"]))'
}
t "all nodes of the first are fenced" until_true fenced
refused "and change nothing" "superseded by epoch 1" util genSymKey -t 31 -s 32 -l never
finish
