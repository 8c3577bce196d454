#!/bin/sh
# Every row of the key rules is a test, and every group of attack sequences runs in every profile: tests/attacks/rules.txt.
top=$1
rules=$top/tests/attacks/rules.txt
runs=$top/tests/attacks/meson.build
bad=0

say() {
        echo "$*"
        bad=1
}

# The list itself: the key rules have A01 to A15, B01 to B15, C01 to C09, D01 to D12 and E01 to E10.
for range in A:15 B:15 C:9 D:12 E:10; do
        for i in $(seq -w 1 "${range#*:}"); do
                id=${range%:*}$(printf '%02d' "${i#0}")
                grep -q "^$id\( \|$\)" "$rules" || say "$rules: row $id of the key rules is not here"
        done
done
while read -r id file rest; do
        case $id in
        '' | \#* | without) continue ;;
        esac
        [ -z "$rest" ] || say "$rules: $id: one file a line"
        if [ -z "$file" ]; then
                grep -q "{ \"$id[\"-]" "$top"/tests/attacks/?_*.c || say "$id: no sequence of tests/attacks/*.c begins with it"
        else
                grep -q "\(^\|[^A-Z0-9]\)$id[^0-9]" "$top/$file" || say "$id: $file has no test that names it"
        fi
done <"$rules"
for id in $(sed -n 's/^ *{ "\([A-Z][0-9][0-9]\)[-"].*/\1/p' "$top"/tests/attacks/?_*.c | sort -u); do
        grep -q "^$id\( \|$\)" "$rules" || say "$id: a sequence of tests/attacks/*.c that $rules does not list"
done

# Groups and profiles.
words() { sed -n "s/^$1 = \[\(.*\)\]/\1/p" "$runs" | tr -d "'" | tr ',' ' '; }
groups=$(words attack_groups)
for profile in documented separate verified strict; do
        words attack_profiles | grep -qw "$profile" || say "$runs: no run in the profile $profile"
        for group in $(sed -n 's/^const struct attack_group group_[a-z]* = { "\([a-z]*\)".*/\1/p' "$top"/tests/attacks/?_*.c); do
                echo "$groups" | grep -qw "$group" || grep -q "^without $group $profile [a-z]" "$rules" ||
                        say "$runs: group $group does not run in $profile, and $rules does not say why"
        done
done
exit $bad
