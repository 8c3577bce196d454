#!/bin/sh
# Every metric that a program tells of stands in docs/operations.md, and none there that no program tells of.
top=$1
bad=0
names=$(mktemp)
trap 'rm -f "$names" "$names.docs"' EXIT
grep -rhoE '(["]|HELP |TYPE )chsm_[a-z_]+' "$top/src" | grep -oE 'chsm_[a-z_]+' | sort -u >"$names"
grep -oE '^\| `chsm_[a-z_]+' "$top/docs/operations.md" | grep -oE 'chsm_[a-z_]+' | sort -u >"$names.docs"
for name in $(comm -23 "$names" "$names.docs"); do
        echo "docs/operations.md does not have the metric $name"
        bad=1
done
for name in $(comm -13 "$names" "$names.docs"); do
        echo "docs/operations.md has the metric $name, which no program tells of"
        bad=1
done
exit $bad
