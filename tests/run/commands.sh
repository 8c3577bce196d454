#!/bin/sh
# Each command of both tools: that it succeeds and answers with the documented fields of one JSON document, and that each
# of its refusals is given with its reason and words. The rows are in tests/run/commands, and commands.py has their form;
# it fails for a command without rows, and for a refusal in the tools' sources that no row provoked.
. "$(dirname "$0")/lib.sh"
hsm_up

# A second and a third node without an owner, of the same name: one takes a backup, the other a ceremony. And one that is
# nowhere.
unowned() { # NAME
        mkdir -p "$1/data/clients"
        chmod 700 "$1/data"
        cp "$CHSM_CONF_DIR/client.crt" "$1/data/clients/"
        cat >"$1/server.conf" <<END
data_dir = $work/$1/data
listen = 127.0.0.1
port = 0
admin_port = 0
node_name = hsm1
ready_file = $work/$1/ready
password_memory_kib = 8192
END
        serve "$1" chsm-server --config "$1/server.conf"
}
at() { # NAME
        until_true test -s "$1/ready"
        echo "server = 127.0.0.1:$(sed -n 's/^port=//p' "$1/ready")"
}
unowned second
unowned third
second=$(at second)
third=$(at third)
first="server = 127.0.0.1:$(cat hsm/node1/port)"
nowhere="server = 127.0.0.1:$(free_port)"
rest=$(sed '/^server/d' "$CHSM_CONF_DIR/chsm-mgmt.conf")
printf '%s\n%s\n' "$second" "$rest" >second.conf
printf '%s\n%s\n' "$third" "$rest" >third.conf
printf '%s\n%s\n%s\n' "$first" "$second" "$rest" >both.conf
printf '%s\n%s\n%s\n' "$first" "$nowhere" "$rest" >half.conf
modulus=$(openssl genrsa 2048 2>/dev/null | openssl rsa -noout -modulus 2>/dev/null | sed 's/.*=//')
long=$(printf '%05000d' 0)
export modulus long
rm -f azcloudhsm_application.cfg
judge_rows() {
        python3 "$top/tests/run/commands.py" "$top/tests/run/commands" "$top" >rows.tap 2>rows.err || cat rows.err
        judge rows.tap
}
judge_rows
finish
