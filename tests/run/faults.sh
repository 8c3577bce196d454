#!/bin/sh
# What bad input, bad certificates and a bad disk get: a message that names the thing, and no change of state.
. "$(dirname "$0")/lib.sh"
hsm_up
node_log=$work/hsm/node1/log
port=$(cat "$work/hsm/node1/port")
data=$work/hsm/node1/data
echo "some text" >text
util genECCKeyPair -i 2 -l fault >made
key=$(handle private <made)

signs() {
        util sign -f text -k "$key" -m 17 -out sig
}
t "a key signs before all of it" signs

# ---- logins ----
fails_login() {
        chsm-util singlecmd loginHSM -u CU -s "${1%%:*}" -p "${1#*:}" loginStatus
}
officer createUser CU locked user1234 >/dev/null
for try in 1 2 3 4 5; do
        refused "wrong password, try $try" RET_USER_LOGIN_FAILURE fails_login locked:wrong1234
done
refused "the account is locked, even for the right password" "the account is locked" fails_login locked:user1234
refused "an unknown user looks like a wrong password" RET_USER_LOGIN_FAILURE fails_login stranger:user1234
t "an officer unlocks" officer unlockUser locked
t "and the right password is right again" fails_login locked:user1234

# ---- TLS ----
client() { # OPENSSL_OPTIONS...: what comes back of a connection that sends standard input
        timeout 10 openssl s_client -connect "127.0.0.1:$port" -quiet "$@" 2>&1
}
own="-cert $CHSM_CONF_DIR/client.crt -key $CHSM_CONF_DIR/client.key -tls1_3"
# told WORDS: the node's log has them within 5 s.
told() {
        waited=0
        until tail -n +"$mark" "$node_log" | grep -qF -- "$1"; do
                waited=$((waited + 1))
                [ $waited -lt 50 ] || { tail -n +"$mark" "$node_log"; return 1; }
                sleep 0.1
        done
}
# logged NAME WORDS COMMAND...: the command ends somehow, and the node says why it closed.
logged() {
        name=$1
        words=$2
        shift 2
        mark=$(($(wc -l <"$node_log") + 1))
        "$@" >/dev/null 2>&1 </dev/null || true
        t "$name" told "$words"
}
openssl req -newkey rsa:2048 -nodes -x509 -days 30 -subj /CN=stranger -keyout stranger.key -out stranger.crt 2>/dev/null
logged "TLS 1.2 is refused" "TLS with 127.0.0.1" client -tls1_2 -cert stranger.crt -key stranger.key
logged "no certificate is refused" "TLS with 127.0.0.1" client -tls1_3
logged "a stranger's certificate is refused" "the certificate of 127.0.0.1" client -tls1_3 -cert stranger.crt -key stranger.key
plain() {
        printf 'GET / HTTP/1.0\r\n\r\n' | timeout 5 openssl s_client -connect "127.0.0.1:$port" -tls1_3 >/dev/null 2>&1
        python3 -c "import socket; s = socket.create_connection(('127.0.0.1', $port)); s.sendall(b'GET / HTTP/1.0\r\n\r\n'); s.recv(100)"
}
logged "what is no TLS is refused" "TLS with 127.0.0.1" plain

with_conf() { # OPTION VALUE COMMAND...: chsm-mgmt with another file for an option
        sed "s|^$1 = .*|$1 = $2|" "$CHSM_CONF_DIR/chsm-mgmt.conf" >"$work/other.conf"
        chsm-mgmt -c "$work/other.conf" listUsers
}
refused "another owner's PO.crt" "PO.crt" with_conf owner_certificate "$work/stranger.crt"
refused "a key that is not the certificate's" "stranger.key" with_conf private_key "$work/stranger.key"
echo nonsense >broken.crt
refused "a certificate file that is none" "broken.crt" with_conf certificate "$work/broken.crt"
cp "$CHSM_CONF_DIR/client.key" loose.key
chmod 644 loose.key
refused "a private key that others may read" "loose.key" with_conf private_key "$work/loose.key"

openssl req -newkey rsa:2048 -nodes -subj /CN=old -keyout old.key -out old.csr 2>/dev/null
openssl x509 -req -in old.csr -signkey old.key -days -1 -out "$data/clients/old.crt" 2>/dev/null
logged "enrolled clients are read again" "reading the clients' certificates" kill -HUP "$CHSM_NODE_PIDS"
logged "an expired certificate is refused" "certificate has expired" client -tls1_3 -cert "$data/clients/old.crt" -key old.key
expired() {
        sed "s|^certificate = .*|certificate = $data/clients/old.crt|; s|^private_key = .*|private_key = $work/old.key|
                s|^socket = .*|socket = $work/old.sock|; s|^ready_file = .*|ready_file = $work/old.ready|" \
                "$CHSM_CONF_DIR/chsm-client.conf" >old.conf
        chsm-client -c old.conf >old.log 2>&1 &
        old=$!
        waited=0
        until grep -q "out of reach: .*our certificate has expired" old.log; do
                waited=$((waited + 1))
                [ $waited -lt 100 ] || { cat old.log; kill $old; return 1; }
                sleep 0.1
        done
        kill $old
        wait $old || true
}
t "and the daemon says so of its own" expired

# ---- messages ----
send() { # PRINTF_FORMAT: bytes over TLS with the enrolled certificate
        printf "$1" | timeout 10 openssl s_client -connect "127.0.0.1:$port" -quiet $own >/dev/null 2>&1
}
logged "a huge frame closes the connection" "sent a bad frame: a frame of 4294967295 bytes" send '\377\377\377\377'
logged "an empty frame too" "sent a bad frame: a frame of 0 bytes" send '\000\000\000\000'
logged "and more than a login needs, before it" "sent a bad frame: a frame of 8192 bytes" send '\000\000\040\000'
logged "a frame that is no message" "sent what is no request" send '\000\000\000\004abcd'
t "the key still signs" signs
daemon() {
        python3 - "$CHSM_SOCKET" <<'EOF'
import socket, sys
for frame in (b'\xff\xff\xff\xff', b'\0\0\0\0', b'\0\0\0\4abcd', b'\0\0\1\0' + b'x' * 10):
    s = socket.socket(socket.AF_UNIX)
    s.connect(sys.argv[1])
    s.sendall(frame)
    s.shutdown(socket.SHUT_WR)
    while s.recv(4096):
        pass
EOF
}
t "the daemon closes such connections" daemon
t "and serves others" signs
# Whoever may open the socket could have the node close the connection that all applications share.
large_nobody() {
        python3 - "$CHSM_SOCKET" <<'EOF'
import socket, struct, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
frame = b'\x09' + struct.pack('<Q', 5) + b'\x1a' + b'\xc0\x3e' + b'x' * 8000
s.sendall(struct.pack('>I', len(frame)) + frame)
answer = s.recv(4096)
assert b'before login a request may have 4096 bytes' in answer, answer
EOF
        ! tail -n +"$mark" "$node_log" | grep "sent a bad frame"
}
mark=$(($(wc -l <"$node_log") + 1))
t "a large request without a login ends at the daemon" large_nobody

flood() {
        python3 "$top/tests/run/flood.py" "$port" "$CHSM_SOCKET" flooded >flood.out 2>&1 &
        flood=$!
        until [ -s flooded ] || ! kill -0 $flood 2>/dev/null; do sleep 0.1; done
        status=0
        [ -s flooded ] || status=1
        for turn in 1 2 3 4 5; do signs || status=1; done
        kill $flood
        wait $flood 2>/dev/null || true
        return $status
}
t "2,000 connections that never log in do not keep the others out" flood

pipeline() {
        python3 "$top/tests/run/pipeline.py" "$@"
}
t "answers that pile up in the daemon all come" pipeline unix "$CHSM_SOCKET" "$CHSM_PIN"
t "answers that pile up in the node all come" pipeline tls "$port" "$CHSM_PIN" "$CHSM_CONF_DIR/client.crt" \
        "$CHSM_CONF_DIR/client.key"

# ---- the end of a node ----
in_order() {
        ls "$data/store" && [ ! -e "$data/store/partition.db-wal" ] # a store that was closed has no log left
}
conf() { # OPTION = VALUE: the node does not start with it
        { grep -v "^${1%% *} " "$CHSM_CONF_DIR/chsm-server.conf"; echo "$1"; } >"$work/bad.conf"
        timeout 20 chsm-server -c "$work/bad.conf"
}
"$top/scripts/dev-cluster" down "$work/hsm"
t "a node that did its ceremony in this run ends in order" in_order

# ---- configuration and disk ----
refused "a strange option" "unknown option 'prot'" conf "prot = 1"
refused "a value out of bounds" "takes a number from 0 to 65535" conf "port = 65536"
refused "a folder that cannot be made" "/proc/chsm" conf "data_dir = /proc/chsm"
refused "a failed self-test keeps the node out of service" "self-test" conf "fail_self_test = AES-256-GCM"
cp -a "$data/store" good
dd if=/dev/zero of="$data/store/partition.db" bs=1 seek=0 count=100 conv=notrunc 2>/dev/null
start() {
        timeout 20 chsm-server -c "$CHSM_CONF_DIR/chsm-server.conf"
}
refused "a damaged database" "partition.db" start
restore() {
        rm -r "$data/store" && cp -a good "$data/store" && { hsm_restart || { cat "$work/up"; return 1; }; }
}
t "the database put back is served again" restore
. "$work/hsm/env"
t "with its keys" signs

# A log of key use that was cut while nobody looked: the node sees it before anybody can go on with it.
"$top/scripts/dev-cluster" down "$work/hsm"
cp "$data/audit/use-0.jsonl" whole.jsonl
head -n 3 whole.jsonl >"$data/audit/use-0.jsonl"
refused "a log of key use that was cut" "ends after 3 records" start
rm "$data/audit/use-0.jsonl"
refused "and one that is gone" "ends after 0 records" start
sed 's/"user":"cu1"/"user":"cu2"/' whole.jsonl >"$data/audit/use-0.jsonl"
refused "and one that was written anew" "one of the two was changed" start
cp whole.jsonl "$data/audit/use-0.jsonl"
hsm_restart
. "$work/hsm/env"
t "with the log put back the node serves" signs

limited() {
        prlimit --pid "$CHSM_NODE_PIDS" --fsize=4096:unlimited
        ! officer createUser CU diskfull user1234 || return 1
        prlimit --pid "$CHSM_NODE_PIDS" --fsize=unlimited:unlimited
}
t "a full disk: the change is refused" limited
absent() {
        ! nobody listUsers | grep -q diskfull
}
t "and nothing of it is there" absent
hsm_restart
. "$work/hsm/env"
t "nor after a restart" absent
t "and the node changes again" officer createUser CU diskfree user1234
finish
