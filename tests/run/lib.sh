# Sourced by the scripts of this folder: a running HSM in a scratch folder, and TAP output.
# Usage of a script: SCRIPT SOURCE_FOLDER BUILD_FOLDER
set -eu

top=$1
build=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/chsm-run.XXXXXX")
count=0
bad=0
servers=
client=$(basename "$0" .sh)

cleanup() {
        for pid in $servers; do
                kill "$pid" 2>/dev/null || true
        done
        for pid in $servers; do
                wait "$pid" 2>/dev/null || true
        done
        "$top/scripts/dev-cluster" down "$work/hsm" >/dev/null 2>&1 || true
        rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# t NAME COMMAND...: the command must succeed.
t() {
        name=$1
        shift
        refusal=$(refusal_of "$name")
        if [ -n "$refusal" ]; then
                refused "$name: refused under $CHSM_PROFILE" "$refusal" "$@"
                return
        fi
        count=$((count + 1))
        if "$@" >"$work/out" 2>&1; then
                echo "ok $count - $name"
        else
                bad=$((bad + 1))
                echo "not ok $count - $name"
                sed 's/^/# /' "$work/out"
        fi
}

# refusal_of NAME: under another profile than the documented one, the words with which the test of this name must fail
# instead; the rows of tests/run/clients/refusals.txt.
refusal_of() {
        [ "${CHSM_PROFILE:-documented}" = documented ] ||
                awk -F ' *[|] *' -v profile="$CHSM_PROFILE" -v client="$client" -v name="$1" \
                        '!/^#/ && ($1 == profile || $1 == "both") && $2 == client && $5 == name { print $4; exit }' \
                        "$top/tests/run/clients/refusals.txt"
}

# refused NAME WORDS COMMAND...: the command must fail and say the words.
refused() {
        name=$1
        refusal=$2
        shift 2
        count=$((count + 1))
        if "$@" >"$work/out" 2>&1; then
                bad=$((bad + 1))
                echo "not ok $count - $name (it was not refused)"
        elif grep -qF -- "$refusal" "$work/out"; then
                echo "ok $count - $name"
        else
                bad=$((bad + 1))
                echo "not ok $count - $name (without the words '$refusal')"
                sed 's/^/# /' "$work/out"
        fi
}

# judge FILE: TAP of a program of ours, whose tests are counted as ours; what this profile must refuse has the words
# below its line.
judge() {
        result=
        said=
        while read -r line; do
                case $line in
                ok\ *|not\ ok\ *)
                        judge_one
                        result=$line
                        said=
                        ;;
                *)
                        said="$said $line"
                        echo "# ${line#\# }"
                        ;;
                esac
        done <"$1"
        judge_one
}

judge_one() {
        [ -n "$result" ] || return 0
        count=$((count + 1))
        refusal=$(refusal_of "${result#* - }")
        if [ -n "$refusal" ] && [ "${result%% *}" = not ] && printf '%s' "$said" | grep -qF -- "$refusal"; then
                result="ok $count - ${result#* - }: refused under $CHSM_PROFILE"
        elif [ -n "$refusal" ]; then
                result="not ok $count - ${result#* - } (not refused with the words '$refusal')"
        fi
        [ "${result%% *}" = ok ] || bad=$((bad + 1))
        echo "$result"
}

# serve NAME COMMAND...: a server, as process $server, with its words in NAME.log; it is ended at the end of the script.
serve() {
        log=$work/$1.log
        shift
        "$@" >"$log" 2>&1 </dev/null &
        server=$!
        servers="$servers $server"
}

# until_true COMMAND...: asks every tenth of a second, for half a minute at most, however long an answer takes.
until_true() {
        until_then=$(($(date +%s) + 30))
        until "$@" >/dev/null 2>&1; do
                [ "$(date +%s)" -lt "$until_then" ] || return 1
                sleep 0.1
        done
}

free_port() {
        python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# The last server has opened its port, or it is dead.
port_opened() {
        until_true sh -c "! kill -0 $server || python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", $1))'" &&
                kill -0 "$server"
}

# doc NAME: the block of docs/clients.md with that name, for this HSM's module. What the page tells is what is tested.
doc() {
        awk -v name="$1" '/^```/ { inside = $2 == name; next } inside' "$top/docs/clients.md" |
                sed "s|/usr/lib/x86_64-linux-gnu/pkcs11/libchsm-pkcs11.so|$CHSM_MODULE|" >"$work/doc"
        [ -s "$work/doc" ] && cat "$work/doc"
}

# doc_run NAME: runs that block, which must be commands.
doc_run() {
        doc "$1" >"$1.sh" && sh -eu "$1.sh"
}

finish() {
        echo "1..$count"
        [ "$bad" -eq 0 ]
}

# hsm_up [OPTIONS]: more options for dev-cluster.
hsm_up() {
        "$top/scripts/dev-cluster" up "$work/hsm" --build "$build" --profile "${CHSM_PROFILE:-documented}" "$@" \
                >"$work/up" 2>&1 || {
                sed 's/^/# /' "$work/up"
                echo "Bail out! the HSM did not come up"
                exit 1
        }
        . "$work/hsm/env"
        cd "$work"
        # Where a key has one role, a pair says that it signs; else it is the program's default that is tested.
        one_role=
        [ "${CHSM_PROFILE:-documented}" = documented ] || one_role=--usage-sign
}

hsm_restart() {
        "$top/scripts/dev-cluster" restart "$work/hsm" >"$work/up" 2>&1
}

util() {
        chsm-util singlecmd loginHSM -u CU -s "$CHSM_CU_USER" -p "$CHSM_CU_PASSWORD" "$@"
}

# officer COMMAND...: as CO admin. Commands of one line each may follow on standard input instead.
officer() {
        {
                echo "loginHSM CO $CHSM_CO_USER $CHSM_CO_PASSWORD"
                [ $# -eq 0 ] && cat || echo "$*"
        } | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}

nobody() {
        echo "$*" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}

# The handle in an answer: field PUBLIC or PRIVATE of a pair, or of one key.
handle() {
        sed -n "s/.*$1[a-z ]*[Hh]andle: \([0-9]*\).*/\1/p"
}
