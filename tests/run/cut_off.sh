#!/bin/sh
# The network between nodes and the majority of etcd is cut: nodes go on with keys in use, and say in each answer and in
# metrics for how long they have been cut off; they refuse changes and logins, and after stale_limit_s all; healed, all is well.
#
# Usage: cut_off.sh SOURCE_FOLDER BUILD_FOLDER
top=$1
build=$2
. "$top/tests/run/cluster/lib.sh"
[ -n "${CHSM_CLUSTER_NETWORK:-}" ] || in_own_network "$0" "$@"
. "$(dirname "$0")/lib.sh"
dir=$work/hsm
mkdir -p "$dir/conf"
trap 'exec 7>&-; "$top/scripts/dev-cluster" down "$dir" >/dev/null 2>&1 || true; "$top/scripts/dev-net" down "$dir/net"; cleanup' EXIT
printf 'stale_limit_s = 20\nadmin_listen = 127.0.0.1\n' >"$dir/conf/node.more"
hosts_up
hsm_up --nodes 3
metric() { # N NAME: asked on the host of the node
        on=
        [ ! -s "$dir/net/node$1.pid" ] || on="nsenter -t $(cat "$dir/net/node$1.pid") -n"
        $on curl -sf "http://127.0.0.1:$(cat "$dir/node$1/admin_port")/metrics" | sed -n "s/^$2 //p"
}
all_metrics() { # NAME TEST: each node's number is so
        for n in 1 2 3; do
                value=$(metric "$n" "$1")
                [ -n "$value" ] && python3 -c "import sys; sys.exit(not ($value $2))" || return 1
        done
}
sum() { echo $(($(metric 1 "$1") + $(metric 2 "$1") + $(metric 3 "$1"))); }
head -c 32 /dev/zero >"$work/data"
mkfifo "$work/commands"
# One login, which lasts over the cut.
chsm-util --keep-going <"$work/commands" >"$work/said" 2>"$work/note" &
util_pid=$!
exec 7>"$work/commands"
say() { echo "$*" >&7; }
count_of() { grep -c "$1" "$work/said"; }
heard() { [ "$(count_of "$1")" -ge "$2" ]; }

say loginHSM -u CU -s "$CHSM_CU_USER" -p "$CHSM_CU_PASSWORD"
say genRSAKeyPair -m 2048 -e 65537 -l used
t "a key is made and used" until_true heard 'rivate [Kk]ey [Hh]andle' 1
key=$(handle private <"$work/said")
say sign -f "$work/data" -k "$key" -m 1 -out "$work/before.sig"
t "while all is well" until_true [ -s "$work/before.sig" ]
t "nothing is said of a cut" all_metrics chsm_cut_off_answers_total '== 0'

cut etcd2
cut etcd3
t "the nodes notice that they are cut off" until_true all_metrics chsm_cut_off_seconds '> 0'
answered=$(sum chsm_cut_off_answers_total)
say sign -f "$work/data" -k "$key" -m 1 -out "$work/cut.sig"
t "the key is used all the same" until_true [ -s "$work/cut.sig" ]
t "which is counted" [ "$(sum chsm_cut_off_answers_total)" -gt "$answered" ]
refused "a login is refused" "" util findKey
t "after stale_limit_s uses are refused too" until_true all_metrics chsm_cut_off_seconds '> 20'
say sign -f "$work/data" -k "$key" -m 1 -out "$work/late.sig"
reason() { until_true grep -qF 'no node could do it in time' "$work/said" "$work/note" || { tail -n 5 "$work/said" "$work/note"; return 1; }; }
t "as no node could do it" reason
t "and counted" [ "$(sum chsm_cut_off_refusals_total)" -gt 0 ]
t "nothing was signed" [ ! -s "$work/late.sig" ]

heal etcd2
heal etcd3
t "healed, they are in contact again" until_true all_metrics chsm_cut_off_seconds '== 0'
say sign -f "$work/data" -k "$key" -m 1 -out "$work/after.sig"
t "the key is used again" until_true [ -s "$work/after.sig" ]
exec 7>&-
wait "$util_pid" || true
t "the user was told that answers came from a node that was cut off" grep -qE 'no contact with its cluster for [0-9]+\.[0-9]+ s' "$work/note"
t "who asks now is told nothing" sh -c 'chsm-util singlecmd loginHSM -u CU -s cu1 -p "$CHSM_CU_PASSWORD" findKey 2>&1 | grep -c "no contact" | grep -qx 0'
finish
