#!/bin/sh
# docs/clients.md names every reason for which tests/run/clients/refusals.txt has a program refused, with that program
# and the profile.
top=$1
bad=0
grep -v '^#' "$top/tests/run/clients/refusals.txt" | awk -F ' *[|] *' '{ print $3, $1, $2 }' | sort -u >"${TMPDIR:-/tmp}/clients.$$"
while read -r reason profile client; do
        row=$(grep -F "| \`$reason\` |" "$top/docs/clients.md")
        case $row in
        *"| both |"*"$client"* | *"| $profile |"*"$client"*) ;;
        *)
                echo "docs/clients.md: reason '$reason', profile '$profile' has no row that names '$client'"
                bad=1
                ;;
        esac
done <"${TMPDIR:-/tmp}/clients.$$"
rm -f "${TMPDIR:-/tmp}/clients.$$"
exit $bad
