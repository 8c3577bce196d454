#!/bin/sh
# The npm packages pkcs11js and graphene-pk11, compiled here against the headers of Debian's Node.js.
. "$(dirname "$0")/../lib.sh"
hsm_up
programs=$top/tests/run/clients/nodejs
cp "$programs"/* .
npm_config_nodedir=/usr npm_config_cache=$work/npm npm_config_update_notifier=false npm_config_audit=false npm_config_fund=false
export npm_config_nodedir npm_config_cache npm_config_update_notifier npm_config_audit npm_config_fund
t "the packages are installed" timeout 240 npm ci
shows() {
        doc graphene.js >shown.js && node shown.js >said && cat said && grep -E '^[0-9a-f]{128}$' said
}
t "what docs/clients.md says" shows

# runs NAME: the tests of one program, counted with ours.
runs() {
        timeout 60 node "$1.js" $((count + 1)) >self 2>&1 || true
        judge self
        t "$1.js ran to its end" grep "^# ran $count\$" self
}
runs pkcs11js
runs graphene
finish
