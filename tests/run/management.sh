#!/bin/sh
# Commands of chsm-mgmt that have no script of their own.
. "$(dirname "$0")/lib.sh"
hsm_up

json() {
        {
                echo "loginHSM CO $CHSM_CO_USER $CHSM_CO_PASSWORD"
                echo "$*"
        } | chsm-mgmt --yes --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf" | tail -n 1
}
has() { # WORDS COMMAND...
        words=$1
        shift
        "$@" >answer && cat answer && grep -qF -- "$words" answer
}

t "its configuration is where \$CHSM_MGMT_CONF says" has "Server 0" sh -c 'echo getHSMInfo | chsm-mgmt --yes'
refused "and that is not made up" "cannot be read" sh -c 'echo getHSMInfo | CHSM_MGMT_CONF=/nonexistent chsm-mgmt --yes'

t "the numbers of the partition are listed" has '"name":"lock_after","value":5' json getHSMConfig
t "an officer changes one" has "setHSMConfig success on server 0" officer setHSMConfig lock_after 3
t "it is in force" has '"lock_after":3' json getPartitionInfo
refused "a number out of range" "takes a number from 1 to 20, not 21" officer setHSMConfig lock_after 21
refused "a number that is none" "is no number" officer setHSMConfig lock_after many
refused "a name that is none" "getHSMConfig lists them" officer setHSMConfig colour 3
refused "nobody changes a number" "no user is logged in" nobody setHSMConfig lock_after 4
refused "a crypto user changes no number" "role may not" sh -c 'printf "loginHSM CU cu1 %s\nsetHSMConfig lock_after 4\n" \
        "$CHSM_CU_PASSWORD" | chsm-mgmt --yes -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'

t "no key is made beforehand" has "setConfigPreGenCacheSize success" officer setConfigPreGenCacheSize 0
refused "nor will be" "the only size of the cache is 0" officer setConfigPreGenCacheSize 10
t "the size is told" has '"size":0' json getPreGenCacheSize
t "and what was set" has '"size":0' json getConfigPreGenCacheSize
t "one key seals backups" has '"slot":0' json listKBKSlots
t "it is the primary" has "setKBKPrimary success" officer setKBKPrimary 0
refused "there is no other" "there is no slot 1" officer setKBKPrimary 1
refused "no fixed key" "no key of the HSM's own comes from outside" officer storeFixedKey key.bin
refused "no other key-encryption key" "since it was initialised" officer generateKEK
refused "nobody sends a node out of service" "by itself" officer SAFE_STATE
for verb in smAppCtrl smAppDelete smAppDiagInfo smAppUpdate; do
        refused "$verb: no modules" "functionality modules are not supported" officer $verb
done
refused "in JSON too" '"reason":"unsupported"' sh -c 'echo generateKEK | chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf"'

info_has() {
        nobody getHSMInfo >answer
        for line in Label Model 'Serial Number' 'HSM Flags' 'FIPS state' 'Manufacturer ID' 'Device ID' 'Class Code' \
                'System vendor ID' 'SubSystem ID' 'Total Public Memory' 'Free Public Memory' 'Total Private Memory' \
                'Free Private Memory' 'Hardware Major' 'Hardware Minor' 'Firmware Major' 'Firmware Minor' Temperature \
                'Build Number' 'Firmware ID'; do
                grep -q "^	$line *:" answer || { echo "no $line"; return 1; }
        done
}
t "getHSMInfo has the documented lines" info_has

examples() {
        for json in "$(nobody_json help)" "$(printf 'server 0\nhelp\n' | nobody_json | tail -n 1)" "$(chsm-util --json help)"; do
                without=$(echo "$json" | python3 -c 'import json, sys
print(" ".join(c["name"] for c in json.load(sys.stdin)["commands"] if not c.get("example")))')
                [ -z "$without" ] || { echo "no example: $without"; bad_examples=1; }
        done
        [ -z "${bad_examples:-}" ]
}
nobody_json() {
        { [ $# -eq 0 ] && cat || echo "$*"; } | chsm-mgmt --json -c "$CHSM_CONF_DIR/chsm-mgmt.conf"
}
t "every command has an example" examples
finish
