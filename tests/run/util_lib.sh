# Sourced by the util_*.sh scripts after lib.sh: keys and the user KEK of the guides.

# made FIELD COMMAND...: runs a command of cu1 and prints the handle of its answer.
made() {
        field=$1
        shift
        util "$@" >"$work/made" 2>&1 || { cat "$work/made" >&2; return 1; }
        handle "$field" <"$work/made"
}

# With a result line as documented, no word more or less: line TEXT COMMAND...
line() {
        text=$1
        shift
        "$@" >"$work/lines" && sed 's/^[[:space:]]*//' "$work/lines" | grep -qxF -- "$text" || { cat "$work/lines"; return 1; }
}

# json_is JQ_LIKE_TEXT COMMAND...: the JSON answer holds the text.
json_is() {
        text=$1
        shift
        chsm-util -j singlecmd loginHSM -u CU -s "$CHSM_CU_USER" -p "$CHSM_CU_PASSWORD" "$@" >"$work/json" &&
                tail -n 1 "$work/json" | grep -qF -- "$text" || { cat "$work/json"; return 1; }
}

# The user KEK as the onboarding guide makes it: kek_extractable or kek_nex.
kek_make() {
        made Key genSymKey -l "$1" -t 31 -s 32 $2 >"$1.handle" && officer setAttribute "$(cat "$1.handle")" 134 1 >/dev/null
}
