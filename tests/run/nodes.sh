#!/bin/sh
# The tools and the nodes of a cluster: what goes to all, comparing them, copying between them, and one that is gone.
. "$(dirname "$0")/lib.sh"
hsm_up --nodes 3

says() { # WORDS COMMAND...
        words=$1
        shift
        "$@" >said 2>&1 && grep -qF -- "$words" said || { cat said; return 1; }
}
one() { # COMMANDS: in the scope of server 0
        printf 'loginHSM CO %s %s\nserver 0\n%s\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" "$*" |
                chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
# The nodes follow the store by themselves, within moments.
soon() {
        until_true "$@" || "$@"
}
everywhere() { # N WORDS COMMAND...: so many servers answer so
        n=$1
        words=$2
        shift 2
        officer "$@" >said 2>&1 && [ "$(grep -cF -- "$words" said)" -eq "$n" ] || { cat said; return 1; }
}
same_hash() {
        officer getUserHash >said && [ "$(grep -x '[0-9a-f]\{64\}' said | sort | uniq -c | awk '{ print $1 }')" = 3 ]
}

t "a user is made on three nodes" everywhere 3 "createUser success on server" createUser CU cu2 user2345
t "and is on each of them" soon everywhere 3 "cu2" listUsers
t "their users have one hash" soon same_hash
user=$(nobody listUsers | awk '$3 == "cu2" { print $1; exit }')
t "which is so for each user" soon says "$user  2,1,0," officer getUserDiffMap 0 0
heard() { # whichever node is asked
        [ "$(nobody getClusterInfo | grep -c ' serving ')" -eq 9 ]
}
t "each node has heard of all" soon heard
t "a key that must be on all three" util genSymKey -t 31 -s 32 -l shared -min_srv 3 -timeout 20
key=$(handle Key <"$work/out")
t "is there" soon says "$key  2,1,0," officer getKeyDiffMap 1 0 0
refused "and not on a fourth" "only 3 nodes are up" util genSymKey -t 31 -s 32 -l x -min_srv 4
every_node() {
        util findSingleKey -k "$key" >said && [ "$(grep -c 'Node id [123] status: 0x00000000' said)" -eq 6 ] || { cat said; return 1; } # of the login too
}
t "as findSingleKey says of each node" every_node
t "there is nothing to copy" says "has key $key; nothing to copy" one "syncKey $key 1"
refused "nor a user" "user already created, unable to insert object" one "syncUser $user 2"
t "nor anything at all" says "clone success" one "clone 2"

# ---- a daemon that is told of one node, and to prefer the zone of none ----
{
        sed '/^socket/d; /^server/d; /^ready_file/d' "$CHSM_CONF_DIR/chsm-client.conf"
        printf 'socket = %s\nready_file = %s\nserver = 127.0.0.1:%s\nzone = b\n' "$work/one.sock" "$work/one.ready" \
                "$(cat hsm/node1/port)"
} >one.conf
chsm-client one.conf >one.log 2>&1 &
one=$!
servers="$servers $one"
until_true test -s one.ready
all_three() { # WORDS: of each node, once asked
        : >one.log
        kill -USR1 "$one"
        until_true grep -q "node 1 at" one.log
        [ "$(grep -c "$1" one.log)" -eq 3 ] || { cat one.log; return 1; }
}
t "a daemon that was told of one node has all three" until_true all_three "zone -: connected"
t "of which it learned two" sh -c '[ "$(grep -c "learned" one.log)" -eq 2 ] && [ "$(grep -c "configured" one.log)" -eq 1 ]'
signs() {
        CHSM_SOCKET=$work/one.sock util genSymKey -t 31 -s 32 -l through-one
}
kill -STOP "$(cat hsm/node1/pid)"
t "and serves while that one is stopped" signs
kill -CONT "$(cat hsm/node1/pid)"
longest() {
        sed 's/^zone = .*/zone = a-zone-with-a-name-that-is-far-too-long/; s/^ready_file.*//; s/one.sock/two.sock/' one.conf >two.conf
        chsm-client two.conf
}
refused "a zone's name has an end" "longer than 31 characters" longest

# ---- a node is gone ----
kill -9 "$(cat hsm/node2/pid)"
refused "a command for all names the one that did not answer" "server 1(127.0.0.1)" officer getPartitionInfo
on_the_others() { # NAME COMMAND: they do it, once
        printf 'loginHSM CO %s %s\n%s\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" "$*" |
                chsm-mgmt --yes --keep-going -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >said 2>err
        code=$?
        [ "$code" -ne 0 ] && [ "$(grep -c "$1 success on server [02]" said)" -eq 2 ] &&
                grep -q "$1 failed: server 1(127.0.0.1): " err || { cat said err; return 1; }
}
t "the others have made a user" on_the_others createUser CU cu3 user2345
t "and deleted him" on_the_others deleteUser CU cu3
compared() {
        printf 'loginHSM CO %s %s\ngetUserDiffMap 0 0\n' "$CHSM_CO_USER" "$CHSM_CO_PASSWORD" |
                chsm-mgmt -k -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >said 2>&1
        grep -qx "$user  2,0," said || { cat said; return 1; }
}
t "and are compared" compared
stops() {
        {
                echo "loginHSM CO $CHSM_CO_USER $CHSM_CO_PASSWORD"
                echo getPartitionInfo
        } | chsm-mgmt -k --on-failure abort -c "$CHSM_CONF_DIR/chsm-mgmt.conf" >said 2>&1
        [ "$(grep -c 'Partition Info' said)" -eq 1 ] || { cat said; return 1; }
}
t "unless it was to stop there" stops

# ---- nobody can serve ----
mkfifo asks
CHSM_LOG=unserved.log "$build/tests/run/unserved" "$CHSM_MODULE" "$CHSM_PIN" <asks >unserved.out 2>&1 &
servers="$servers $!"
exec 8>asks
told() { # LINES COMMAND: what the application is told of it, after no more than its deadline
        echo "$2" >&8
        until_true sh -c "[ \"\$(wc -l <unserved.out)\" -ge $1 ]" || true
        sed -n "$1p" unserved.out
        sed -n "$1p" unserved.out | grep -qE "^$3 [0-4]?[0-9]{1,3} ms$"
}
until_true grep -q ready unserved.out
first=$(($(wc -l <unserved.out) + 1))
stop_all() { # SIGNAL NAMES...
        signal=$1
        shift
        for name in "$@"; do
                kill "-$signal" "$(cat "hsm/$name")"
        done
}
stop_all STOP etcd/etcd1.pid etcd/etcd2.pid etcd/etcd3.pid
t "a change that no node can do is CKR_DEVICE_ERROR" told "$first" make 0x30
t "for which the log has the reason" grep -E "no node could do it in time .*: |port [0-9]+ has had it for 4[0-9]+ ms" unserved.log
t "keys in use go on working" told $((first + 1)) use 0x0
stop_all CONT etcd/etcd1.pid etcd/etcd2.pid etcd/etcd3.pid
stop_all 9 node1/pid node3/pid
t "without any node it is CKR_DEVICE_REMOVED" told $((first + 2)) use 0x32
t "and the log names them" grep -E "no endpoint can be reached: .*port $(cat hsm/node1/port)" unserved.log
exec 8>&-
finish
