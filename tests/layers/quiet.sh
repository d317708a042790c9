#!/bin/bash
# quiet.sh TOP BUILD: base, host and lib never print, never end the process, keep no globals.
#
# Asked of the object code, where no macro hides anything: no undefined symbol that prints or
# exits, no object in a writable section. (.data.rel.ro is constant once the loader is done.)
set -uo pipefail
top=$1 build=$2
. "$(dirname "$0")/rooms.sh"

speaks='^(__)?(v?printf(_chk)?|puts|putchar|putc|perror|psignal|stdout|stderr|v?(err|warn)x?|exit|abort|quick_exit|error|syslog|v?dprintf(_chk)?)$'

# A helper process that does a blocking write must end with _exit; that one is not in the list.
check_library() { # ROOM LIB
	local hits
	if hits=$(nm -u "$2" 2>/dev/null | awk '$1 == "U" { sub(/@.*/, "", $2); print $2 }' | sort -u | grep -E "$speaks"); then
		report "room $1 prints or ends the process:" "${hits//$'\n'/ }"
	fi
	hits=$(objdump -t "$2" | awk '$0 ~ / O / && $0 ~ /[ \t]\.(bss|data|tbss|tdata)(\.|[ \t])/ && $0 !~ /\.data\.rel\.ro/ { print $NF }')
	[ -z "$hits" ] || report "room $1 keeps state outside its arguments:" "${hits//$'\n'/ }"
}

checked=0
while read -r room _ dir; do
	case ${dir#"$top/src/"} in
	base | host | lib/*) ;;
	*) continue ;;
	esac
	lib=$(find "$build" -name "libroom_$room.a" | head -n 1)
	[ -n "$lib" ] || report "room $room has no library" || continue
	check_library "$room" "$lib"
	checked=$((checked + 1))
done < <(rooms)
[ "$checked" -ge 2 ] || report "only $checked rooms were checked"
echo "$checked rooms"
exit $rc
