#!/bin/sh
# The documented configuration files, read by the daemon, the tools and the module; and what bad ones get.
. "$(dirname "$0")/lib.sh"
hsm_up
port=$(cat "$work/hsm/node1/port")

cat >azcloudhsm_resource.cfg <<EOF
{
  "servers": [ { "hostname": "127.0.0.1", "port": $port } ],
  "ssl": { "owner_cert_path": "$CHSM_CONF_DIR/PO.crt", "certificate": "$CHSM_CONF_DIR/client.crt",
           "pkey": "$CHSM_CONF_DIR/client.key", "CApath": "/unused" },
  "client": { "log_level": "DEBUG", "daemon_id": 2, "reconnect_attempts": -1, "workers": 2 },
  "loadbalance": { "enable": "yes" },
  "chsm-client": { "socket": "$work/second.sock", "ready_file": "$work/second.ready" }
}
EOF
t "chsm-mgmt takes azcloudhsm_resource.cfg" sh -c 'azcloudhsm_mgmt_util ./azcloudhsm_resource.cfg getClusterInfo | grep -q 127.0.0.1'
t "and so does chsm-client, by its documented name" azcloudhsm_client --check-config azcloudhsm_resource.cfg

second() {
        azcloudhsm_client azcloudhsm_resource.cfg >second.log 2>&1 &
        second=$!
        until [ -s second.ready ] || ! kill -0 "$second"; do sleep 0.1; done
        status=0
        CHSM_SOCKET=$work/second.sock chsm-util singlecmd getHSMInfo || status=$?
        kill "$second"
        wait "$second" || true
        return $status
}
t "a second daemon serves from it" second

sed "s|\"socket\": [^,]*,|\"socket\": \"$work/third.sock\",|; s|second.ready|third.ready|" azcloudhsm_resource.cfg >third.cfg
t "socket activation and readiness, as systemd does them" python3 "$top/tests/run/activate.py" "$work" third.cfg

# bad_json WORDS TEXT
bad_json() {
        echo "$2" >bad.cfg
        refused "resource file: $2" "$1" chsm-client --check-config bad.cfg
}
bad_json "line 2" '{ "servers": [ '
bad_json "hostname" '{ "servers": [ { "port": 2225 } ] }'
bad_json "is wanted" '{ "servers": "hsm1" }'
bad_json "is not known" '{ "servers": [], "client": { "colour": "red" } }'
bad_json "is not an object" '{ "servers": [], "client": 7 }'
bad_json "daemon_id is a number" '{ "client": { "daemon_id": "first" } }'
bad_json "only UNIXSOCKET" '{ "client": { "socket_type": "TCPSOCKET" } }'
bad_json "one of error, warning, info, debug" '{ "client": { "log_level": "LOUD" } }'
bad_json "wire_speed" '{ "chsm-client": { "wire_speed": 3 } }'
bad_json "is no text" '{ "ssl": { "pkey": [] } }'
bad_json "'max_frame' takes a number from 65536" 'max_frame = 3'
bad_json "line 1" 'sokcet = /x'
refused "a file that is not there" "nowhere.cfg" chsm-client --check-config nowhere.cfg

util_info() {
        chsm-util singlecmd getHSMInfo
}
printf 'DAEMON_ID=1\nSOCKET_TYPE=UNIXSOCKET\nPORT=1111\nUSER_KEK_HANDLE=262150\nDEFAULT_WRAP_WITH_TRUSTED=0\n' \
        >azcloudhsm_application.cfg
t "azcloudhsm_application.cfg in the working directory" util_info
untrusted() {
        key=$(util genSymKey -t 31 -s 32 -l free | handle Key)
        util getAttribute -o "$key" -a 528 -out attribute && grep -q 0x00 attribute
}
t "DEFAULT_WRAP_WITH_TRUSTED=0 is what new keys get" untrusted
printf 'SOCKET_TYPE=TCPSOCKET\n' >azcloudhsm_application.cfg
refused "a socket type that is not offered" "takes one of UNIXSOCKET" util_info
printf '# mine\nDEAMON_ID=1\n' >azcloudhsm_application.cfg
refused "a key with a typing error" "line 2" util_info
rm azcloudhsm_application.cfg
unset CHSM_SOCKET
second_id() {
        azcloudhsm_daemon_id=7 chsm-util singlecmd getHSMInfo
}
refused "another daemon's id" "/run/chsm/client-7.sock" second_id
finish
