#!/bin/sh
# Every lint can fail: each gets a tiny tree with one planted violation and must refuse it.
top=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
bad=0
plant() { # lint, file, content, words its message must hold
        rm -rf "$scratch/tree"
        mkdir -p "$scratch/tree/src/base" "$scratch/tree/src/ck" "$scratch/tree/tests" "$scratch/tree/fuzz" "$scratch/tree/bench"
        printf 'base:\nck: base\n' >"$scratch/tree/src/ROOMS"
        cp "$top/.clang-format" "$scratch/tree/"
        printf 'int fine;\n' >"$scratch/tree/src/base/fine.c"
        printf '#include "base/slice.h"\n' >"$scratch/tree/src/ck/fine.c"
        cp "$top/src/base/slice.h" "$scratch/tree/src/base/"
        if ! sh "$top/tests/lint/$1.sh" "$scratch/tree" "$scratch" >"$scratch/out" 2>&1; then
                echo "lint $1 refuses a tree that keeps the rules:"
                cat "$scratch/out"
                bad=1
        fi
        printf '%b' "$3" >"$scratch/tree/$2"
        if sh "$top/tests/lint/$1.sh" "$scratch/tree" "$scratch" >"$scratch/out" 2>&1; then
                echo "lint $1 accepted a planted violation in $2"
                bad=1
        elif ! grep -q "$4" "$scratch/out"; then
                echo "lint $1 did not say '$4'"
                bad=1
        fi
}
plant rooms src/base/up.c '#include "ck/names.h"\n' 'does not allow'
plant sizes src/base/long.c "$(yes 'int a;' | head -n 601 | tr '\n' '~' | sed 's/~/\\n/g')" '600 allowed'
plant sizes src/base/deep.c "int f(void)\n{\n$(yes ';' | head -n 61 | tr '\n' '~' | sed 's/~/\\n/g')}\n" '60 allowed'
plant headers src/base/alone.h 'struct slice x(size_t n);\n' 'does not compile alone'
plant format src/base/ugly.c 'int  a ;\n' 'clang-format'
plant forbidden src/base/call.c 'void f(char *a);\nvoid f(char *a) { strcpy(a, a); }\n' 'unsafe'

# The lints that look at what was built get a built violation.
built() { # lint, words
        if sh "$top/tests/lint/$1.sh" "$scratch/tree" "$scratch/built" >"$scratch/out" 2>&1; then
                echo "lint $1 accepted a planted violation"
                bad=1
        elif ! grep -q "$2" "$scratch/out"; then
                echo "lint $1 did not say '$2'"
                cat "$scratch/out"
                bad=1
        fi
}
mkdir -p "$scratch/built/src/programs" "$scratch/tree/src/ck" "$scratch/tree/src/tools" "$scratch/tree/man"
programs=$scratch/built/src/programs
echo 'X(C_Initialize, 240, (void))' >"$scratch/tree/src/ck/cryptoki_functions.h"
module() { # C source
        echo "$1" | cc -shared -fPIC -x c -o "$programs/libchsm-pkcs11.so" -
}
module 'int C_Initialize(void) { return 0; }'
sh "$top/tests/lint/exports.sh" "$scratch/tree" "$scratch/built" || bad=1
module 'int C_Initialize(void) { return 0; } int leaked;'
built exports 'leaked'
module 'int C_Finalize(void) { return 0; }'
built exports 'does not have C_Initialize'
module 'int pthread_create(void); int C_Initialize(void) { return pthread_create(); }'
built exports 'pthread_create'
printf '#!/bin/sh\necho "  -x, --extra  more"\n' >"$programs/chsm-util"
chmod +x "$programs/chsm-util"
echo '.It Fl -extra and fly' >"$scratch/tree/man/chsm-util.1"
echo '        { "fly", "", "x" },' >"$scratch/tree/src/tools/util_x.c"
sh "$top/tests/lint/manual.sh" "$scratch/tree" "$scratch/built" || bad=1
echo '        { "swim", "", "x" },' >"$scratch/tree/src/tools/util_x.c"
built manual 'command swim'
echo '.It Fl -other and swim' >"$scratch/tree/man/chsm-util.1"
built manual 'does not have --extra'
printf '#!/bin/sh\necho "| 1 | CKM_X |"\n' >"$programs/chsm-server"
chmod +x "$programs/chsm-server"
mkdir -p "$scratch/tree/docs"
echo '| 1 | CKM_X |' >"$scratch/tree/docs/mechanisms.md"
sh "$top/tests/lint/mechanisms.sh" "$scratch/tree" "$scratch/built" || bad=1
echo '| 1 | CKM_Y |' >"$scratch/tree/docs/mechanisms.md"
built mechanisms 'is not the table'
cp -r "$top/tests/attacks" "$top/tests/timing" "$scratch/tree/tests/"
mkdir -p "$scratch/tree/tests/run"
cp "$top/tests/run/quorum.sh" "$scratch/tree/tests/run/"
sh "$top/tests/lint/attacks.sh" "$scratch/tree" "$scratch/built" || bad=1
spoiled() { # file of tests/attacks, sed expression, words
        sed "$2" "$top/tests/attacks/$1" >"$scratch/tree/tests/attacks/$1"
        built attacks "$3"
        cp "$top/tests/attacks/$1" "$scratch/tree/tests/attacks/$1"
}
spoiled a_wrap.c 's/"A10"/"A1"/' 'A10: no sequence'
spoiled rules.txt '/^B07/d' 'row B07 of the key rules'
spoiled rules.txt '/^G07/d' 'G07: a sequence'
spoiled meson.build "s/,j//" 'group j does not run in strict'
mkdir -p "$scratch/tree/tests/run/clients"
echo 'both | java | roles | CKR_X | a test' >"$scratch/tree/tests/run/clients/refusals.txt"
echo '| `roles` | both | java | words |' >"$scratch/tree/docs/clients.md"
sh "$top/tests/lint/clients.sh" "$scratch/tree" "$scratch/built" || bad=1
echo '| `roles` | both | nss | words |' >"$scratch/tree/docs/clients.md"
built clients "names 'java'"
# A refusal that no test is known to see, and a row for one that is gone.
mkdir -p "$scratch/refusals/src/vault" "$scratch/refusals/tests/unit/vault"
touch "$scratch/refusals/tests/unit/vault/refusals.txt"
sh "$top/tests/lint/refusals.sh" "$scratch/refusals" || bad=1
printf 'f.c | this was said | cannot happen: once\n' >"$scratch/refusals/tests/unit/vault/refusals.txt"
printf 'void f(void) { err_set(err, ERR_ROLE, "only %%s may",\n who); }\n' >"$scratch/refusals/src/vault/f.c"
sh "$top/tests/lint/refusals.sh" "$scratch/refusals" >"$scratch/out" && bad=1
grep -q 'no test is known to see: only %s may' "$scratch/out" && grep -q 'does not say: this was said' "$scratch/out" || {
        echo "lint refusals did not say what it should have"
        bad=1
}
exit $bad
