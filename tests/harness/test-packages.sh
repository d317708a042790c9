#!/bin/bash
# test-packages.sh: tests/packages.sh finds the Debian mirror in any spelling of apt's sources, adds
# backports where the lab needs it, and leaves strangers' sources out.
set -uo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
rc=0

# sources RELEASE: what packages.sh makes of $tmp/apt
sources() {
	printf 'ID=debian\nVERSION_CODENAME=%s\n' "$1" >"$tmp/os-release"
	VFCTL_LAB_CACHE=$tmp/cache VFCTL_APT_SOURCES=$tmp/apt VFCTL_OS_RELEASE=$tmp/os-release \
		"$top/tests/packages.sh" --sources 2>&1
}

new_machine() {
	rm -rf "$tmp/apt"
	mkdir -p "$tmp/apt/sources.list.d"
}

has() { # NAME LINE TEXT
	grep -qxF -- "$2" <<<"$3" && return
	printf '%s: no line "%s" in:\n%s\n' "$1" "$2" "$3"
	rc=1
}

has_not() { # NAME PATTERN TEXT
	grep -q -- "$2" <<<"$3" || return 0
	printf '%s: "%s" should not be in:\n%s\n' "$1" "$2" "$3"
	rc=1
}

new_machine
cat >"$tmp/apt/sources.list" <<'LIST'
# the mirror
deb http://mirror.example/debian bookworm main contrib
deb-src http://mirror.example/debian bookworm main
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror.example/security bookworm-security main
deb [signed-by=/etc/apt/keyrings/tools.gpg] http://tools.example/apt bookworm main
deb http://llvm.example/bookworm llvm-toolchain-bookworm main
LIST
out=$(sources bookworm)
has "one-line" "deb  http://mirror.example/debian bookworm-backports main" "$out"
has "one-line" "deb http://mirror.example/debian bookworm main contrib" "$out"
has_not "one-line" tools.example "$out"
has_not "one-line" llvm.example "$out"
has_not "one-line" deb-src "$out"

new_machine
cat >"$tmp/apt/sources.list.d/debian.sources" <<'LIST'
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main non-free-firmware
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Enabled: no
Types: deb
URIs: http://off.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://other.example/debian
Suites: bookworm
Components: main
Signed-By: /etc/apt/keyrings/other.gpg
LIST
out=$(sources bookworm)
has "deb822" "Suites: bookworm-backports" "$out"
has "deb822" "Suites: bookworm bookworm-updates" "$out"
has_not "deb822" off.example "$out"
has_not "deb822" other.example "$out"
[ "$(grep -c '^Signed-By: /usr/share/keyrings/debian-archive' <<<"$out")" = 2 ] || {
	printf 'deb822: the key is not named twice:\n%s\n' "$out"
	rc=1
}

new_machine
echo 'deb http://mirror.example/debian trixie main' >"$tmp/apt/sources.list"
has_not "Debian 13" backports "$(sources trixie)"

new_machine
echo 'deb http://tools.example/apt stable-tools main' >"$tmp/apt/sources.list"
has "no mirror" "tests/packages.sh: apt's sources name no Debian mirror for bookworm" "$(sources bookworm)"
exit $rc
