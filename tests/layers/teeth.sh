#!/bin/bash
# teeth.sh: the layer checks bite. A small tree with one planted violation each must be refused.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
rc=0

# plant NAME: a two-room tree (base below host, cli above) with nothing wrong yet.
plant() {
	local t=$tmp/$1
	mkdir -p "$t"/src/{base,host,cli} "$t"/build
	for room in base host cli; do
		mkdir -p "$t/build/rooms/$room"
		ln -s "$t/src/$room" "$t/build/rooms/$room/$room"
		printf '#pragma once\nint %s_do(int x);\n' "$room" >"$t/src/$room/$room.h"
		printf '#include "%s.h"\nint %s_do(int x)\n{\n\treturn x;\n}\n' "$room" "$room" >"$t/src/$room/$room.c"
	done
	commands "$t" "" "-I$t/build/rooms/base" "-I$t/build/rooms/base -I$t/build/rooms/host"
	echo "$t"
}

commands() { # TREE BASE-FLAGS HOST-FLAGS CLI-FLAGS
	jq -n --arg b "$2" --arg h "$3" --arg c "$4" '[
		{command: "gcc \($b) -o room_base.dir/base.c.o"},
		{command: "gcc \($h) -o room_host.dir/host.c.o"},
		{command: "gcc \($c) -o room_cli.dir/cli.c.o"}]' >"$1/build/compile_commands.json"
}

libraries() { # TREE
	local room
	for room in base host; do
		gcc -c "$1/src/$room/$room.c" -o "$1/$room.o" && ar rc "$1/build/libroom_$room.a" "$1/$room.o" || exit 1
	done
}

expect() { # good|bad NAME TREE CHECK
	local out status=good
	out=$("$here/$4" "$3" "$3/build" 2>&1) || status=bad
	[ "$status" = "$1" ] && return
	printf '%s: expected %s to find it %s\n%s\n' "$2" "$4" "$1" "$out"
	rc=1
}

t=$(plant clean)
libraries "$t"
for check in includes.sh door.sh quiet.sh; do
	expect good clean "$t" $check
done

t=$(plant upward)
commands "$t" "-I$t/build/rooms/host" "-I$t/build/rooms/base" ""
expect bad "base uses host" "$t" includes.sh

t=$(plant open-path)
commands "$t" "" "-I$t/build/rooms/base -I$t/src" ""
expect bad "src is an include path" "$t" includes.sh

t=$(plant relative)
echo '#include "../host/host.h"' >>"$t/src/base/base.c"
expect bad "relative include" "$t" includes.sh

t=$(plant open)
printf 'int open(const char *, int, ...);\nint f(void)\n{\n\treturn open("x", 0);\n}\n' >>"$t/src/cli/cli.c"
expect bad "open outside the door" "$t" door.sh

t=$(plant path)
printf 'const char *p = "/sys/class/net";\n' >>"$t/src/cli/cli.c"
expect bad "kernel path outside the door" "$t" door.sh

t=$(plant comment)
printf '/* open("/sys/class/net") is what host does */\n' >>"$t/src/cli/cli.c"
expect good "kernel path in a comment" "$t" door.sh

t=$(plant prints)
printf '#include <stdio.h>\nvoid say(void);\nvoid say(void)\n{\n\tputs("hello");\n}\n' >>"$t/src/host/host.c"
libraries "$t"
expect bad "host prints" "$t" quiet.sh

t=$(plant global)
printf 'int count(void);\nint count(void)\n{\n\tstatic int n;\n\treturn ++n;\n}\n' >>"$t/src/base/base.c"
libraries "$t"
expect bad "base counts in a static" "$t" quiet.sh

t=$(plant table)
printf 'int one(int);\nextern int (*const table[])(int);\nint (*const table[])(int) = { base_do };\n' >>"$t/src/base/base.c"
libraries "$t"
expect good "a constant table" "$t" quiet.sh
exit $rc
