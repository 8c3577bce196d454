#!/bin/sh
# docs/etcd.md and packaging: the unit's member with the page's certificates and users, filled to its quota and given room
# again; a node's certificate opens its prefix alone.
. "$(dirname "$0")/lib.sh"
cd "$work"
# block N: the N-th block of commands of the page, for this place; ran as it stands.
block() { awk -v n="$1" '/^```/ { inside = !inside; count += inside; next } inside && count == n' "$top/docs/etcd.md"; }
run_block() {
        block "$1" | sed "s|/etc/chsm/etcdctl.env|$work/etcdctl.env|g; s|10\.0\.0\.1|127.0.0.1|g; s|REVISION|${2:-}|g" >block.sh
        [ -s block.sh ] && (set -a && . ./etcdctl.env && timeout 60 sh -eu block.sh)
}
client=$(free_port)
peer=$(free_port)
place() {
        sed "s|https://10.0.0.1:2379|https://127.0.0.1:$client|; s|etcd1=https://10.0.0.1:2380.*|etcd1=https://127.0.0.1:$peer|
                s|https://10.0.0.1:2380|https://127.0.0.1:$peer|; s|127.0.0.1:2381|127.0.0.1:$(free_port)|; s|/etc/chsm/etcd/|$work/|" "$1"
}
place "$top/packaging/etcd/etcd.env" >etcd.env
place "$top/packaging/etcd/etcdctl.env" >etcdctl.env

t "the page's CA and member have certificates" run_block 1
for user in hsm1 root; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$user" -keyout $user.key -out $user.csr 2>/dev/null
        openssl x509 -req -in $user.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 825 -out $user.crt 2>/dev/null
done
# The unit's command, with a quota that is soon used up.
start() {
        set -a
        . ./etcd.env
        set +a
        sed -n '/^ExecStart=/,/[^\\]$/p' "$top/packaging/systemd/chsm-etcd.service" | sed 's/^ExecStart=//; s/\\$//' | tr '\n' ' ' >command
        # shellcheck disable=SC2046 # the words of the command
        serve etcd $(sed "s|/var/lib/chsm-etcd|$work/etcd|; s|8589934592|16777216|" command)
}
ctl() { (set -a && . ./etcdctl.env && set +a && exec etcdctl "$@"); }
as_node() { (set -a && . ./etcdctl.env && ETCDCTL_CERT=hsm1.crt ETCDCTL_KEY=hsm1.key exec etcdctl "$@"); }
start
t "a member of the unit runs" until_true ctl endpoint health
t "the page's users and role are made" run_block 2
t "a node writes below its prefix" as_node put /chsm/production/d/x 1
refused "and nowhere else" "permission denied" as_node put /chsm/other/x 1
refused "nor reads elsewhere" "permission denied" as_node get / --prefix
refused "another certificate of the CA does nothing" "permission denied" sh -c ". ./etcdctl.env; ETCDCTL_API=3 etcdctl \
        --endpoints https://127.0.0.1:$client --cacert ca.crt --cert member.crt --key member.key put /chsm/production/x 1"
refused "nor does none" "" sh -c "ETCDCTL_API=3 etcdctl --endpoints https://127.0.0.1:$client --cacert ca.crt --command-timeout=2s get /chsm/production/x"
head -c 900000 /dev/zero | base64 -w 0 | head -c 900000 >big
fill() {
        n=0
        while as_node put /chsm/production/d/big <big >filled 2>&1; do
                n=$((n + 1))
                [ "$n" -lt 60 ] || return 1
        done
        grep -q 'database space exceeded' filled || { cat filled; return 1; }
}
t "it is filled to its quota" fill
revision=$(ctl endpoint status --write-out=json | sed 's/.*"revision":\([0-9]*\).*/\1/')
t "the page gives it room again" run_block 3 "$revision"
t "and it takes changes" as_node put /chsm/production/d/y 1
t "a snapshot is taken" run_block 4
t "defragmentation is what the unit does" sh -eu -c "$(sed -n 's/^ExecStart=\/usr\/bin\///p' "$top/packaging/systemd/chsm-etcd-defrag.service" |
        sed 's/^/set -a; . .\/etcdctl.env; set +a; /')"
t "the units are well-formed" sh -c "! systemd-analyze verify $top/packaging/systemd/chsm-etcd*.service $top/packaging/systemd/chsm-etcd-defrag.timer 2>&1 |
        grep -vE 'Command .man|chsm-server.service|not executable|No such file'"
finish
