# shellcheck shell=bash
# How initial root file systems of guests are made: sourced by bench-initrd and by the lab.
# Whoever sources it has a function die().

# copy_closure ROOT FILE…: programs with every shared library they need, at the same paths.
copy_closure() {
	local root=$1 program
	shift
	for program; do
		{ ldd "$program" 2>/dev/null || :; } | awk '
			$2 == "=>" && $3 ~ /^\// { print $3 }
			$1 ~ /^\// { print $1 }
			/not found/ { print "missing library: " $1 >"/dev/stderr"; exit 1 }' ||
			die "$program: a shared library is missing"
	done | sort -u | while read -r library; do
		[ -e "$root$library" ] || (cd / && cp -L --parents "${library#/}" "$root")
	done
}

# kernel_modules BASE VERSION MODULE…: paths below BASE/lib/modules/VERSION, each after those it depends
# on. BASE is where the kernel's package was unpacked; "" on the machine that runs it.
kernel_modules() {
	local base=$1 version=$2
	shift 2
	# shellcheck disable=SC2046  # modules are words
	modprobe -d "${base:-/}" -S "$version" --show-depends -a "$@" 2>/dev/null |
		sed -n 's|^insmod .*/lib/modules/[^/]*/\([^ ]*\).*|\1|p' | awk '!seen[$0]++'
}

# kernel_has BASE VERSION MODULE…: those of them that this kernel has, as modules or built in.
kernel_has() {
	local base=$1 version=$2 module
	shift 2
	for module; do
		modprobe -d "${base:-/}" -S "$version" --show-depends "$module" >/dev/null 2>&1 && echo "$module"
	done
	return 0
}

# copy_kernel_modules ROOT BASE VERSION MODULE…: decompressed, since emulated CPUs pay dearly for xz.
copy_kernel_modules() {
	local root=$1 base=$2 version=$3 from=$2/lib/modules/$3 to=$1/lib/modules/$3 file
	shift 3
	mkdir -p "$to"
	kernel_modules "$base" "$version" "$@" | while read -r file; do
		mkdir -p "$to/$(dirname "$file")"
		case $file in
		*.xz) xz -dc "$from/$file" >"$to/${file%.xz}" ;;
		*.zst) zstd -qdc "$from/$file" >"$to/${file%.zst}" ;;
		*) cp "$from/$file" "$to/$file" ;;
		esac
	done
	cp "$from"/modules.builtin "$from"/modules.builtin.modinfo "$from"/modules.order "$to"
	depmod -b "$root" "$version"
}

# Every busybox applet as a link, except where the real program is there.
link_applets() {
	local root=$1 applet
	/bin/busybox --list | while read -r applet; do
		[ -e "$root/bin/$applet" ] || [ -e "$root/sbin/$applet" ] ||
			ln -s /bin/busybox "$root/bin/$applet"
	done
}

# pack ROOT FILE: a newc archive owned by root, whoever builds it.
pack() {
	(cd "$1" && find . -mindepth 1 | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$2.new"
	mv "$2.new" "$2"
}

base_root() {
	mkdir -p "$1"/{bin,sbin,lib,lib64,usr/bin,usr/sbin,usr/lib,etc,proc,sys,dev,tmp,run,root,lib/modules}
	ln -s /lib/modules "$1/usr/lib/modules"
	cp -L /bin/busybox "$1/bin/busybox"
}
