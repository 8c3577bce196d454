#!/bin/sh
# The store's operator, with sqlite3: he edits, removes, swaps, puts back and copies records, and the whole store. Each is
# noticed by the node that runs, with an alarm in log and metrics, and by the node that starts; nothing of it is used.
. "$(dirname "$0")/lib.sh"
mkdir -p hsm/conf "$work/hsm/conf"
echo 'sweep_interval_s = 1' >"$work/hsm/conf/node.more"
hsm_up
conf=$CHSM_CONF_DIR/chsm-server.conf
data=$work/hsm/node1/data
store=$data/store/$(ls "$data/store" | grep -v -- - | head -n 1)
port=$(cat hsm/node1/port)
sed -i "s/^port = .*/port = $port/" "$conf"

sql() { sqlite3 -cmd '.timeout 5000' "${2:-$store}" "$1"; }
key() { printf "CAST('%s' AS BLOB)" "$1"; }
value() { sql "SELECT hex(value) FROM kv WHERE key = $(key "$1")"; }
put() { sql "INSERT INTO kv(key, value, rev) VALUES ($(key "$1"), X'$2', (SELECT max(rev) FROM kv)) ON CONFLICT(key) DO UPDATE SET value = X'$2'"; }
object() { printf "X'6F2F%08X'" "$1"; }

node_end() {
        kill -9 "$(cat hsm/node1/pid)" 2>/dev/null || true
        until_true sh -c "! kill -0 $(cat hsm/node1/pid) 2>/dev/null"
}
# start: serves, or has ended with its words in node.log.
start() {
        rm -f hsm/node1/ready
        serve node chsm-server --config "$conf"
        echo "$server" >hsm/node1/pid
        until_true sh -c "[ -s hsm/node1/ready ] || ! kill -0 $server" && [ -s hsm/node1/ready ]
}
refuses_to_start() { ! start && cat node.log; }
says() { grep -qF -- "$1" node.log || { cat node.log; return 1; }; }
metric() { curl -sf "http://127.0.0.1:$(sed -n 's/^admin_port=//p' hsm/node1/ready)/metrics" | sed -n "s/^$1 //p"; }
alarmed() { grep -qF -- "$1" node.log && grep -q ALARM node.log && [ "$(metric chsm_store_alarms_total)" -ge 1 ]; }
serves_nothing() { ! util findKey >served 2>&1; }
as_before() {
        node_end
        rm -rf "$data"
        cp -a kept "$data"
}

# at_start NAME WORDS COMMAND: done while no node runs, and seen by the one that starts.
at_start() {
        as_before
        t "$1: the operator does it" sh -eu -c ". ./operator; $3"
        t "$1: a node that starts refuses" refuses_to_start
        t "$1: and names the record" says "$2"
}
# attack NAME WORDS COMMAND: the same while the node runs, before.
attack() {
        as_before
        start || t "the node starts before: $1" false
        t "$1: the operator does it" sh -eu -c ". ./operator; $3"
        t "$1: noticed, with an alarm that names the record" until_true alarmed "$2"
        t "$1: the node serves nothing" serves_nothing
        node_end
        t "$1: a node that starts refuses" refuses_to_start
        t "$1: and names the record" says "$2"
}

t "a key is made" util genSymKey -t 31 -s 32 -l first
first=$(handle Key <out)
t "a second user is made" officer createUser CU cu2 other5678
old_user=$(value u/cu2)
t "his password is changed" officer changePswd CU cu2 newer5678
t "and another key" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" genSymKey -t 31 -s 32 -l gone >made'
gone=$(handle Key <made)
gone_value=$(sql "SELECT hex(value) FROM kv WHERE key = $(object "$gone")")
sql ".backup old.db"
t "which is destroyed" util deleteKey -k "$gone"
# The node notes once a second what it has seen.
noted() { [ "$(metric chsm_store_sweeps_total)" -ge "$1" ]; }
until_true noted $(($(metric chsm_store_sweeps_total) + 3))
kill "$(cat hsm/node1/pid)"
until_true sh -c "! kill -0 $(cat hsm/node1/pid) 2>/dev/null"
sql 'PRAGMA wal_checkpoint(TRUNCATE)' >checkpoint
cp -a "$data" kept
: >hsm/node1/ready
{
        declare_them() { sed -n '/^sql() /p; /^key() /p; /^value() /p; /^put() /p; /^object() /p' "$top/tests/run/operator.sh"; }
        echo "store='$store'"
        declare_them
} >operator

edited=$(value u/cu1 | sed 's/..$/00/')
attack "a user is edited" "u/cu1" "put u/cu1 $edited"
at_start "a user is removed" "u/cu2" "sql \"DELETE FROM kv WHERE key = \$(key u/cu2)\""
attack "an old password is put back" "u/cu2" "put u/cu2 $old_user"
one=$(value u/cu1)
two=$(value u/cu2)
at_start "two users are exchanged" "u/cu1" "put u/cu1 $two; put u/cu2 $one"
attack "a key is removed" "(key $first)" "sql \"DELETE FROM kv WHERE key = \$(object $first)\""
at_start "a destroyed key is put back" "(key $gone)" \
        "sql \"INSERT INTO kv VALUES (\$(object $gone), X'$gone_value', (SELECT max(rev) FROM kv))\""
# Of another HSM: its own user cu1.
as_before
mkdir -p other/data
sed "s|$data|$work/other/data|; s|^port = .*|port = 0|; s|^ready_file = .*|ready_file = $work/other/ready|" "$conf" >other.conf
serve other chsm-server --config other.conf
until_true [ -s other/ready ]
kill "$server"
wait "$server" || true
theirs=$(sql "SELECT hex(value) FROM kv WHERE key = $(key u/admin)" "other/data/store/$(basename "$store")")
at_start "a user of another HSM" "u/admin" "put u/admin $theirs"
attack "a user of another HSM, as a new one" "u/eve" "put u/eve $theirs"

# ---- keys that are none of ours ----
as_before
t "the node starts" start
t "a foreign key is put" put zz/mine 00
foreign() { [ "$(metric chsm_store_foreign_keys)" = 1 ] && grep -q "ALARM.*foreign key.*'zz/mine'" node.log; }
t "it is told" until_true foreign
t "and does no harm" util findKey

# ---- all of it, as it was ----
as_before
cp old.db "$store"
rm -f "$store-wal" "$store-shm"
t "an older copy of the store is refused" refuses_to_start
t "with how far it went back" grep -qE 'the store went back: it has [0-9]+ changes of the [0-9]+' node.log
t "the key that came back by its handle" grep -qF "(key $gone)" node.log
refused "recover asks first" "nothing was changed" sh -c "chsm-server --config '$conf' recover </dev/null"
t "and accepts when told" chsm-server --config "$conf" recover --yes
t "then it starts" start
t "and serves" util findKey
node_end
finish
