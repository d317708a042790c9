#!/bin/bash
# includes.sh TOP BUILD: what a room does not name in USES it cannot include.
#
# The compiler is asked, with the options that each room's own sources get, which headers of every
# other room it can find: exactly those of the rooms in USES, and these must lie below (vmm sees
# base, host, vfio and itself; lib nothing above lib; host only base). What it finds must compile.
# Relative paths could sneak past that, so they are not allowed at all.
set -uo pipefail
top=$1 build=$2
. "$(dirname "$0")/rooms.sh"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# The compiler's include options for the room whose library is room_NAME.
include_flags() {
	jq -r --arg out "room_$1.dir/" '[.[] | select(.command | contains($out))][0].command // ""' \
		"$build/compile_commands.json" | grep -oE -- '-(I|isystem) ?[^ ]+' | tr '\n' ' '
}

may_use() { # ROOM-PREFIX OTHER-PREFIX, as folders below src
	case $1 in
	base) false ;;
	host) [ "$2" = base ] ;;
	vmm*) [[ $2 == vmm* || $2 == base || $2 == host || $2 == lib/vfio ]] ;;
	lib/*) [[ $2 == lib/* || $2 == base || $2 == host ]] ;;
	out) [[ $2 == lib/* || $2 == base || $2 == host ]] ;;
	ipc) [[ $2 == lib/* || $2 == base || $2 == host || $2 == out ]] ;;
	*) [[ $2 != vmm* ]] ;;
	esac
}

# The header that is called as its room, else the first: one that others may include.
header_of() { # DIR
	if [ -e "$1/$(basename "$1").h" ]; then
		echo "$(basename "$1").h"
	else
		find "$1" -maxdepth 1 -name '*.h' -printf '%f\n' | sort | head -n 1
	fi
}

# One source that says which of all headers can be found, and includes those.
question() {
	local other prefix dir header
	while read -r other prefix dir; do
		header=$(header_of "$dir")
		printf '#if __has_include("%s/%s")\n#include "%s/%s"\n#pragma found %s\n#endif\n' \
			"$prefix" "$header" "$prefix" "$header" "$other"
	done <"$tmp/rooms"
}

check_room() { # ROOM DIR FLAGS…
	local room=$1 dir=$2 other odir uses
	shift 2
	gcc -std=gnu17 -D_GNU_SOURCE -E "$@" "$tmp/question.c" 2>"$tmp/err" | sed -n 's/^#pragma found //p' >"$tmp/found"
	gcc -std=gnu17 -D_GNU_SOURCE -Wno-unknown-pragmas -fsyntax-only "$@" "$tmp/question.c" 2>"$tmp/err" ||
		report "room $room cannot include what it uses: $(head -n 1 "$tmp/err")"
	while read -r other _ odir; do
		[ "$room" != "$other" ] || continue
		pairs=$((pairs + 1))
		uses=no
		[[ " $* " != *"/rooms/$other "* ]] || uses=yes
		if grep -qx "$other" "$tmp/found"; then
			[ $uses = yes ] || report "room $room does not use $other, yet its headers can be included"
		else
			[ $uses = no ] || report "room $room uses $other but cannot include its headers"
		fi
		[ $uses = no ] || may_use "${dir#"$top/src/"}" "${odir#"$top/src/"}" ||
			report "room $room may not use room $other: it does not lie below"
	done <"$tmp/rooms"
}

check_rooms() {
	local room dir flags
	question >"$tmp/question.c"
	while read -r room _ dir; do
		read -ra flags < <(include_flags "$room")
		check_room "$room" "$dir" "${flags[@]}"
	done <"$tmp/rooms"
}

# A quoted include with a slash is looked up beside the including file first.
check_relative() {
	local file path
	while read -r file path; do
		[[ $path == */* ]] || continue
		[ ! -e "$(dirname "$file")/$path" ] || report "${file#"$top/"}: \"$path\" is found relative to the file, past the rooms"
	done < <(grep -rHoE '^ *# *include "[^"]+"' "$top/src" --include='*.[ch]' | sed -E 's/:? *# *include "/ /; s/"$//')
}

rooms | while read -r room prefix dir; do
	[ -z "$(header_of "$dir")" ] || echo "$room $prefix $dir"
done >"$tmp/rooms"
pairs=0
check_rooms
check_relative
[ "$pairs" -gt 0 ] || report "no pair of rooms was checked"
echo "$pairs pairs of rooms"
exit $rc
