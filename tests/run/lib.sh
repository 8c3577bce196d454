# Sourced by the scripts of this folder: a running HSM in a scratch folder, and TAP output.
# Usage of a script: SCRIPT SOURCE_FOLDER BUILD_FOLDER
set -eu

top=$1
build=$2
work=$(mktemp -d "${TMPDIR:-/tmp}/chsm-run.XXXXXX")
count=0
bad=0

cleanup() {
        "$top/scripts/dev-cluster" down "$work/hsm" >/dev/null 2>&1 || true
        rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# t NAME COMMAND...: the command must succeed.
t() {
        name=$1
        shift
        count=$((count + 1))
        if "$@" >"$work/out" 2>&1; then
                echo "ok $count - $name"
        else
                bad=$((bad + 1))
                echo "not ok $count - $name"
                sed 's/^/# /' "$work/out"
        fi
}

# refused NAME WORDS COMMAND...: the command must fail and say the words.
refused() {
        name=$1
        words=$2
        shift 2
        count=$((count + 1))
        if "$@" >"$work/out" 2>&1; then
                bad=$((bad + 1))
                echo "not ok $count - $name (it was not refused)"
        elif grep -qF -- "$words" "$work/out"; then
                echo "ok $count - $name"
        else
                bad=$((bad + 1))
                echo "not ok $count - $name (without the words '$words')"
                sed 's/^/# /' "$work/out"
        fi
}

finish() {
        echo "1..$count"
        [ "$bad" -eq 0 ]
}

hsm_up() {
        "$top/scripts/dev-cluster" up "$work/hsm" --build "$build" >"$work/up" 2>&1 || {
                sed 's/^/# /' "$work/up"
                echo "Bail out! the HSM did not come up"
                exit 1
        }
        . "$work/hsm/env"
        cd "$work"
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
