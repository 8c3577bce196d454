#!/bin/sh
# The PKCS#11 module shows applications C_* and nothing else, every function of the standard's list is there, and it
# starts no threads and touches no default OpenSSL context: it is a guest in its host's process.
top=$1
build=$2
module=$build/src/programs/libchsm-pkcs11.so
bad=0
[ -e "$module" ] || {
        echo "$module is not there: build it first"
        exit 1
}
foreign=$(nm -D --defined-only "$module" | awk '{print $3}' | grep -v '^C_')
if [ -n "$foreign" ]; then
        echo "the module exports what is not PKCS#11's; keep it out of src/pkcs11/exports.map:" $foreign
        bad=1
fi
threads=$(nm -D --undefined-only "$module" | grep -o 'pthread_create\|thrd_create\|OPENSSL_init_crypto\|OPENSSL_init_ssl')
if [ -n "$threads" ]; then
        echo "the module uses" $threads "in its host's process: do that in the daemon"
        bad=1
fi
for function in $(sed -n 's/.*X(\(C_[A-Za-z]*\), \(240\|300\|320\),.*/\1/p' "$top/src/ck/cryptoki_functions.h"); do
        nm -D --defined-only "$module" | grep -q " $function$" || {
                echo "the module does not have $function: answer CKR_FUNCTION_NOT_SUPPORTED at least"
                bad=1
        }
done
exit $bad
