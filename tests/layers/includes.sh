#!/bin/bash
# includes.sh TOP BUILD: what a room does not name in USES it cannot include.
#
# For every room and every header of every other room, a one-line source is compiled the way the
# room's own sources are: it must compile exactly when the other room is among the include paths
# that USES gave, and those must lie below (vmm sees base, host, vfio and itself; lib nothing above
# lib; host only base). Relative paths could sneak past that, so they are not allowed at all.
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

compiles() { # HEADER FLAGS…
	local header=$1
	shift
	printf '#include "%s"\n' "$header" >"$tmp/x.c"
	gcc -std=gnu17 -D_GNU_SOURCE -fsyntax-only "$@" "$tmp/x.c" 2>"$tmp/err"
}

# Only "no such file" counts as refused; any other error would hide that the path is open.
check_pair() { # ROOM DIR OTHER PREFIX OTHERDIR FLAGS…
	local room=$1 dir=$2 other=$3 prefix=$4 otherdir=$5 header
	shift 5
	header=$(find "$otherdir" -maxdepth 1 -name '*.h' -printf '%f\n' | sort | head -n 1)
	[ -n "$header" ] || return 0
	pairs=$((pairs + 1))
	if [[ " $* " == *"/rooms/$other "* ]]; then
		compiles "$prefix/$header" "$@" || report "room $room uses $other but cannot include $prefix/$header: $(head -n 1 "$tmp/err")"
		may_use "${dir#"$top/src/"}" "${otherdir#"$top/src/"}" || report "room $room may not use room $other: it does not lie below"
	else
		compiles "$prefix/$header" "$@" && report "room $room does not use $other, yet $prefix/$header can be included"
		grep -q 'No such file or directory' "$tmp/err" || report "room $room, $prefix/$header: $(head -n 1 "$tmp/err")"
	fi
}

check_rooms() {
	local room prefix dir other oprefix odir flags
	while read -r room prefix dir; do
		read -ra flags < <(include_flags "$room")
		while read -r other oprefix odir; do
			[ "$room" = "$other" ] || check_pair "$room" "$dir" "$other" "$oprefix" "$odir" "${flags[@]}"
		done <"$tmp/rooms"
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

rooms >"$tmp/rooms"
pairs=0
check_rooms
check_relative
[ "$pairs" -gt 0 ] || report "no pair of rooms was checked"
echo "$pairs pairs of rooms"
exit $rc
