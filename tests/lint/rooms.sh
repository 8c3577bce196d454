#!/bin/sh
# A file includes only its own room and the rooms that src/ROOMS names for it.
top=$1
bad=0
for folder in "$top"/src/*/; do
        room=$(basename "$folder")
        [ "$room" = programs ] && continue
        row=$(grep "^$room:" "$top/src/ROOMS") || {
                echo "src/$room has no row in src/ROOMS: add one that says what it may include"
                bad=1
                continue
        }
        for file in "$folder"*.c "$folder"*.h; do
                [ -f "$file" ] || continue
                for other in $(sed -n 's/^#include "\([a-z0-9]*\)\/.*/\1/p' "$file" | sort -u); do
                        case " $room ${row#*:} " in
                        *" $other "*) ;;
                        *)
                                echo "$file includes room '$other', which src/ROOMS does not allow for '$room':" \
                                        "move the code down, or hand the thing in as an argument"
                                bad=1
                                ;;
                        esac
                done
        done
done
exit $bad
