#!/bin/sh
# Files stay within 600 lines and functions within 60, so that each can be read in one go.
top=$1
find "$top/src" "$top/tests" "$top/fuzz" "$top/bench" -name '*.[ch]' | sort | xargs awk '
FNR == 1 { if (file && lines > 600) long(file, lines); file = FILENAME; start = 0 }
{ lines = FNR }
/^\{/ { start = FNR; name = before }
/^\}/ && start { if (FNR - start - 1 > 60) { print FILENAME ":" start ": function of " FNR - start - 1 " lines (60 allowed), \"" name "\": split it where it changes its subject"; bad = 1 } start = 0 }
{ before = $0 }
function long(f, n) { print f ": " n " lines (600 allowed): find the room or the table that is missing"; bad = 1 }
END { if (lines > 600) long(file, lines); exit bad }'
