#!/bin/bash
# The one list of Debian packages that building, testing and the lab need, and the way to get them.
#
#   tests/packages.sh [PURPOSE…]           install what is missing (root, or a user with sudo)
#   tests/packages.sh --check [PURPOSE…]   print what is missing; exit 1 when something is
#   tests/packages.sh --list [PURPOSE…]    print the list
#   tests/packages.sh --sources            print the private apt sources
#   tests/packages.sh --source-files       print the names of the files that hold them
#   tests/packages.sh --kernels DIR        download the lab's two kernel packages into DIR (no root)
#   tests/packages.sh --old-kernels DIR    the same of Debian 12's own, where that is what runs here
#   tests/packages.sh --kernel-source DIR  download that kernel's source package into DIR (no root)
#
# PURPOSE is build, test or lab, all three when none is named; or netdevsim or iommufd.
#
# Debian 12 needs its backports suite for the lab (QEMU 10, Linux 6.12). The machine's own sources
# stay as they are: apt is given a private sources folder and a private index folder, in which the
# backports suite sits on the mirror that the machine already uses. So nothing has to be undone
# afterwards, a broken third-party source cannot stop us, and indexes and kernel packages can be
# fetched without root. The price: the packages installed from backports are not upgraded by a
# later "apt upgrade" unless the administrator adds that suite.
set -euo pipefail

me=tests/packages.sh
cache=${VFCTL_LAB_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/vfctl/lab}
private=$cache/apt
# Where the machine describes its own sources; elsewhere only in this script's own test.
sources_list=${VFCTL_APT_SOURCES:-/etc/apt}/sources.list
sources_parts=${VFCTL_APT_SOURCES:-/etc/apt}/sources.list.d
os_release=${VFCTL_OS_RELEASE:-/etc/os-release}

die() {
	printf '%s: %s\n' "$me" "$1" >&2
	[ -z "${2-}" ] || printf '  hint: %s\n' "$2" >&2
	exit 1
}

# clang only recommends its sanitizers and fuzzer, and we install no recommendations.
clang_runtime() {
	# shellcheck disable=SC1090  # the machine's own file
	case $(. "$os_release" && echo "${VERSION_CODENAME-}") in
	bookworm) echo libclang-rt-14-dev ;;
	*) echo libclang-rt-19-dev ;;
	esac
}

# One package a word; "name>=version" asks for at least that version.
packages_for() {
	case $1 in
	build)
		echo gcc libc6-dev linux-libc-dev cmake ninja-build pkg-config acpica-tools \
			libpci-dev libudev-dev libnl-3-dev libnl-route-3-dev libnl-genl-3-dev \
			libkmod-dev libsmartcols-dev libjson-c-dev libarchive-dev nettle-dev \
			libxml2-dev libyaml-dev libsystemd-dev libcap-ng-dev libseccomp-dev liburing-dev libvirt-dev scdoc
		;;
	test)
		echo clang clang-format clang-tidy cppcheck codespell shellcheck \
			libcmocka-dev binutils jq git iproute2 openvswitch-switch dbus-daemon systemd dpkg-dev debhelper lintian bash-completion \
			dpdk fio iperf3 perl-base zsh fish libxml2-utils graphviz apparmor dh-apparmor "$(clang_runtime)"
		;;
	lab)
		# pci.ids: names in the demonstration; busybox, dash, kmod, ip (and where a scenario
		# asks for it udev, strace, script, fio, sqlite3, iperf3) go into the initramfs.
		echo 'qemu-system-x86>=1:10.0' busybox-static dash kmod iproute2 udev strace bsdutils fio sqlite3 iperf3 cpio \
			xz-utils zstd pci.ids libc-bin util-linux mmdebstrap uidmap e2fsprogs apparmor
		;;
	netdevsim | iommufd) # builds a kernel
		echo flex bison bc make gcc libelf-dev lz4 openvswitch-switch
		;;
	*)
		die "unknown purpose '$1'" "one of: build test lab netdevsim iommufd"
		;;
	esac
}

is_installed() {
	local name=${1%%>=*} want='' have
	[ "$name" = "$1" ] || want=${1#*>=}
	have=$(dpkg-query -W -f '${db:Status-Status} ${Version}\n' "$name" 2>/dev/null |
		sed -n 's/^installed //p' | head -n 1)
	[ -n "$have" ] || return 1
	[ -z "$want" ] || dpkg --compare-versions "$have" ge "$want"
}

missing_for() {
	local purpose package
	for purpose; do
		for package in $(packages_for "$purpose"); do
			is_installed "$package" || echo "$package"
		done
	done | sort -u
}

codename() {
	local name
	# shellcheck disable=SC1090  # the machine's own file
	name=$(. "$os_release" && echo "${ID-}/${VERSION_CODENAME-}")
	case $name in
	debian/bookworm | debian/trixie) echo "${name#*/}" ;;
	*) die "this machine is '$name'; the package names are those of Debian 12 and 13" \
		"install the equivalents of '$me --list' by hand and use --no-install" ;;
	esac
}

# The suite that has QEMU 10 and the 6.12 kernel we test with. The security suites offer other
# 6.12 builds; a named suite keeps every machine on the same one.
lab_suite() {
	case $1 in
	bookworm) echo bookworm-backports ;;
	*) echo "$1" ;;
	esac
}

# One-line sources: keep Debian's own lines, add the wanted suite beside the base one.
# Debian's own are those without a key of their own or signed by the Debian archive key.
private_list() {
	awk -v base="$1" -v extra="$2" '
		/^[ \t]*deb[ \t]/ {
			line = $0
			opts = ""
			rest = $0
			sub(/^[ \t]*deb[ \t]+/, "", rest)
			if (rest ~ /^\[/) {
				opts = substr(rest, 1, index(rest, "]"))
				rest = substr(rest, index(rest, "]") + 1)
			}
			if (tolower(opts) ~ /signed-by/ && opts !~ /debian-archive/)
				next
			n = split(rest, f, " ")
			suite = f[2]
			own = suite == base || suite == "stable" || suite == "oldstable"
			if (!own && index(suite, base "-") != 1)
				next
			print line
			if (own && extra != base)
				printf "deb %s %s %s main\n", opts, f[1], extra
		}'
}

# deb822 sources: the same, paragraph by paragraph (a Signed-By may hold a whole key).
private_sources() {
	awk -v base="$1" -v extra="$2" '
		function flush_paragraph(   i, n, s, own, debian, copy) {
			if (paragraph == "" || (" " types " ") !~ / deb / || tolower(enabled) ~ /^(no|false|0)/) {
				reset()
				return
			}
			debian = signed == "" || signed ~ /debian-archive/ || signed ~ /BEGIN PGP/
			n = split(suites, s, " ")
			own = keep = 0
			for (i = 1; i <= n; i++) {
				if (s[i] == base || s[i] == "stable" || s[i] == "oldstable")
					own = 1
				if (own || index(s[i], base "-") == 1)
					keep = 1
			}
			if (keep && debian) {
				print paragraph
				if (own && extra != base) {
					copy = paragraph
					sub(/(^|\n)[Ss]uites:[^\n]*/, "\nSuites: " extra, copy)
					sub(/(^|\n)[Cc]omponents:[^\n]*/, "\nComponents: main", copy)
					sub(/^\n/, "", copy)
					print copy
				}
			}
			reset()
		}
		function reset() {
			paragraph = types = suites = signed = enabled = field = ""
		}
		BEGIN { reset() }
		/^#/ { next }
		/^[ \t]*$/ { flush_paragraph(); next }
		{
			paragraph = paragraph $0 "\n"
			value = $0
			if ($0 !~ /^[ \t]/) {
				field = tolower(substr($0, 1, index($0, ":") - 1))
				value = substr($0, index($0, ":") + 1)
			}
			gsub(/^[ \t]+|[ \t]+$/, "", value)
			if (field == "types") types = types " " value
			if (field == "suites") suites = suites " " value
			if (field == "signed-by") signed = signed value
			if (field == "enabled") enabled = value
		}
		END { flush_paragraph() }'
}

apt_setup() {
	local base extra file part n=0
	base=$(codename)
	extra=$(lab_suite "$base")
	mkdir -p "$private/lists/partial"
	rm -rf "$private/parts" && mkdir "$private/parts"
	for file in "$sources_list" "$sources_parts"/*.list; do
		[ -r "$file" ] || continue
		n=$((n + 1))
		part=$private/parts/$n.list
		private_list "$base" "$extra" <"$file" >"$part"
		[ -s "$part" ] || rm "$part"
	done
	for file in "$sources_parts"/*.sources; do
		[ -r "$file" ] || continue
		n=$((n + 1))
		part=$private/parts/$n.sources
		private_sources "$base" "$extra" <"$file" >"$part"
		[ -s "$part" ] || rm "$part"
	done
	[ -n "$(ls "$private/parts")" ] ||
		die "apt's sources name no Debian mirror for $base" "see $sources_list and $sources_parts"
}

# apt with the private sources; $1 is the program (apt-get or apt-cache).
apt_private() {
	local program=$1
	shift
	"$program" -q -o Dir::Etc::SourceList=/dev/null -o "Dir::Etc::SourceParts=$private/parts" \
		-o "Dir::State::Lists=$private/lists" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o APT::Sandbox::User=root -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

apt_update() {
	apt_setup
	apt_private apt-get update >"$private/update.log" 2>&1 ||
		die "apt-get update failed: $(tail -n 3 "$private/update.log")" "the whole log: $private/update.log"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "installing packages needs root, and there is no sudo here" "as root: $me"
	fi
}

# Packages that name a version come from the lab's suite, with what they need from there; all
# others from the release, even where the lab's suite has something newer.
install_missing() {
	local missing package suite release=() lab=()
	missing=$(missing_for "$@")
	[ -n "$missing" ] || return 0
	suite=$(lab_suite "$(codename)")
	for package in $missing; do
		case $package in
		*'>='*) lab+=("${package%%>=*}") ;;
		*) release+=("$package") ;;
		esac
	done
	echo "$me: installing" "${release[@]}" "${lab[@]}"
	apt_update
	[ ${#release[@]} = 0 ] || apt_install "${release[@]}"
	[ ${#lab[@]} = 0 ] || apt_install -t "$suite" "${lab[@]}"
	missing=$(missing_for "$@")
	[ -z "$missing" ] || die "still missing after the installation: ${missing//$'\n'/ }"
}

apt_install() {
	as_root "$0" --apt "$private" install -y --no-install-recommends "$@" \
		>"$private/install.log" 2>&1 </dev/null ||
		die "apt-get install failed: $(grep -a '^E:' "$private/install.log" | head -n 3)" \
			"the whole log: $private/install.log"
}

# The package that the suite's kernel metapackage points to now, as NAME=VERSION.
kernel_package() {
	local meta=$1 suite=$2 series=$3 name version
	version=$(apt_private apt-cache policy "$meta" |
		awk -v suite="$suite/" '
			/^  *(\*\*\* )?[^ ]+ [0-9-]+$/ { version = $(NF - 1) }
			index($0, " " suite) { print version; exit }')
	[ -n "$version" ] || die "the suite $suite has no $meta"
	name=$(apt_private apt-cache show "$meta=$version" |
		sed -n "s/^Depends:.*\(linux-image-${series/./\\.}\.[^ ,(]*\).*/\1/p" | head -n 1)
	[ -n "$name" ] || die "$meta of $suite is $version, not a $series kernel"
	echo "$name=$version"
}

# download_kernels DIR SERIES SUITE
download_kernels() {
	local dir=$1 suite=$3 meta package
	mkdir -p "$dir"
	apt_update
	for meta in linux-image-amd64 linux-image-cloud-amd64; do
		package=$(kernel_package "$meta" "$suite" "$2")
		(cd "$dir" && apt_private apt-get download "$package") >>"$private/update.log" 2>&1 ||
			die "cannot download $package: $(tail -n 2 "$private/update.log")"
		echo "$package"
	done
}

# Of the same version as the lab's kernels.
download_source() {
	local dir=$1 suite image version
	mkdir -p "$dir"
	apt_update
	suite=$(lab_suite "$(codename)")
	image=$(kernel_package linux-image-amd64 "$suite" 6.12)
	version=${image#*=}
	(cd "$dir" && apt_private apt-get download "linux-source-6.12=$version") \
		>>"$private/update.log" 2>&1 ||
		die "cannot download linux-source-6.12=$version: $(tail -n 2 "$private/update.log")"
	echo "linux-source-6.12=$version"
}

usage() {
	sed -n '2,/^#$/{s/^# \{0,1\}//p}' "$0"
	echo "  tests/packages.sh [PURPOSE…] | --check [PURPOSE…] | --list [PURPOSE…] | --kernels DIR | --old-kernels DIR | --kernel-source DIR"
}

main() {
	local mode=install purposes
	case ${1-} in
	--check | --list | --sources | --source-files | --kernels | --old-kernels | --kernel-source | --help | --apt) mode=${1#--} && shift ;;
	-h) mode=help && shift ;;
	-*) die "unknown option '$1'" "$me --help" ;;
	esac
	purposes=${*:-build test lab}
	# shellcheck disable=SC2086  # purposes and packages are lists of words
	case $mode in
	help) usage ;;
	list) for p in $purposes; do printf '%s: %s\n' "$p" "$(packages_for "$p")"; done ;;
	check)
		missing_for $purposes
		[ -z "$(missing_for $purposes)" ]
		;;
	sources) apt_setup && cat "$private"/parts/* ;;
	source-files) apt_setup && printf '%s\n' "$private"/parts/* ;;
	kernels) download_kernels "${1:?DIR}" 6.12 "$(lab_suite "$(codename)")" ;;
	old-kernels)
		[ "$(codename)" = bookworm ] || die "only Debian 12 has a 6.1 kernel"
		download_kernels "${1:?DIR}" 6.1 bookworm
		;;
	kernel-source) download_source "${1:?DIR}" ;;
	apt) private=$1 && shift && DEBIAN_FRONTEND=noninteractive apt_private apt-get "$@" ;;
	install) install_missing $purposes ;;
	esac
}

main "$@"
