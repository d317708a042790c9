# shellcheck shell=bash
# What the lab boots: two kernels and the initramfs of each level, built once and cached.
# Sourced by the lab command, which sets $here, $cache and die().
#
#   $cache/kernel/{generic,cloud}/   an unpacked linux-image package each, with its depmod'ed modules;
#                                    {generic,cloud}-6.1 those of Debian 12, where a scenario wants them
#   $cache/l1/initramfs.cpio         the host's (L1) first root; scenarios come as a second cpio
#   $cache/guest/                    what L1 sees read-only as /guest:
#                                    {generic,cloud}/{vmlinuz,initramfs.cpio}, bench/initramfs.cpio
#   $cache/debian/                 a whole Debian for L1 (debian.sh), where a scenario wants it
# Each piece has a .stamp with the hash of everything it was made from, and is made again only
# when that changed. Pieces are made aside and moved into place, so a killed build leaves nothing
# half done.

# shellcheck source=src/guest/linux/initrd.sh
. "$here/../../src/guest/linux/initrd.sh"

# Drivers of the host: PFs, VFs, VFIO, KVM, the guest's networking, the share with L0.
l1_modules='virtio_pci igb igbvf nvme vfio-pci vfio_iommu_type1 kvm-amd tun vhost_net vhost_vsock bridge macvtap veth
	dummy 9p 9pnet_virtio virtio_net virtio_blk ext4 virtio_rng e1000 ata_piix pci-pf-stub loop pktgen'
# Drivers of the guest; its init loads those that its devices ask for.
l2_modules='virtio_pci virtio_blk virtio_net virtio_rng virtio_console virtio_balloon nvme igbvf iavf ixgbevf vmxnet3 e1000
	ata_piix sd_mod vmw_vsock_virtio_transport'

# kernel_dir FLAVOUR: where it is unpacked.
kernel_dir() {
	echo "$cache/kernel/$1"
}

kernel_version() {
	local dir
	for dir in "$(kernel_dir "$1")"/lib/modules/*/; do
		basename "$dir"
	done
}

# unpack_kernel DEB FLAVOUR
unpack_kernel() {
	local deb=$1 dir version
	dir=$(kernel_dir "$2")
	rm -rf "$dir.new" "$dir"
	mkdir -p "$dir.new"
	dpkg-deb -x "$deb" "$dir.new"
	# Debian 13's package has its modules in /usr/lib; modprobe of each release finds either.
	[ -e "$dir.new/lib" ] || ln -s usr/lib "$dir.new/lib"
	version=$(basename "$dir.new"/lib/modules/*)
	depmod -b "$dir.new" "$version"
	ln -s "boot/vmlinuz-$version" "$dir.new/vmlinuz"
	basename "$deb" >"$dir.new/package"
	mv "$dir.new" "$dir"
}

# build_kernels WHICH SUFFIX: which packages, and what is behind "generic" and "cloud".
build_kernels() {
	local debs=$cache/debs
	if [ -e "$(kernel_dir "generic$2")/package" ] && [ -e "$(kernel_dir "cloud$2")/package" ]; then
		return 0
	fi
	say "fetching and unpacking the kernel packages"
	rm -rf "$debs"
	"$here/../packages.sh" "--$1" "$debs" || die "no kernel packages"
	unpack_kernel "$(echo "$debs"/linux-image-*-cloud-amd64_*.deb)" "cloud$2"
	rm "$debs"/*-cloud-amd64_*.deb
	unpack_kernel "$(echo "$debs"/linux-image-*.deb)" "generic$2"
	rm -rf "$debs"
}

# inputs_hash FLAVOUR FILE…: of the files, strings and the kernel package that a piece is made of.
inputs_hash() {
	{
		cat "$(kernel_dir "$1")/package"
		cat "$here/build.sh" "$here/../../src/guest/linux/initrd.sh" "${@:2}"
		sha256sum /bin/busybox /bin/dash /bin/ip /bin/kmod
	} | sha256sum
}

# is_fresh PIECE HASH
is_fresh() {
	[ -e "$1" ] && [ "$(cat "$1.stamp" 2>/dev/null)" = "$2" ]
}

# copy_modules ROOT FLAVOUR MODULE…
copy_modules() {
	local root=$1 flavour=$2
	shift 2
	copy_kernel_modules "$root" "$(kernel_dir "$flavour")" "$(kernel_version "$flavour")" "$@"
}

build_l1() {
	local hash root file=$cache/l1/initramfs.cpio
	hash=$(inputs_hash generic "$here/l1/init")
	is_fresh "$file" "$hash" && return 0
	say "building the host's initramfs"
	root=$(mktemp -d "$cache/l1.XXXXXX")
	base_root "$root"
	mkdir -p "$cache/l1" "$root"/{lab,guest,usr/share/misc}
	cp -L /bin/dash "$root/bin/sh"
	cp -L /bin/ip "$root/bin/ip"
	cp -L /bin/kmod "$root/bin/kmod"
	for program in modprobe rmmod insmod lsmod modinfo depmod; do
		ln -s /bin/kmod "$root/sbin/$program"
	done
	copy_closure "$root" /bin/dash /bin/ip /bin/kmod
	link_applets "$root"
	[ ! -r /usr/share/misc/pci.ids ] || cp /usr/share/misc/pci.ids "$root/usr/share/misc/"
	printf '%s\n' 'root:x:0:0:root:/root:/bin/sh' 'nobody:x:65534:65534::/tmp:/bin/sh' >"$root/etc/passwd"
	printf '%s\n' 'root:x:0:' 'nogroup:x:65534:' >"$root/etc/group"
	# shellcheck disable=SC2086  # a list of words
	copy_modules "$root" generic $l1_modules
	cp "$here/l1/init" "$root/init"
	chmod 755 "$root/init"
	pack "$root" "$file"
	rm -rf "$root"
	echo "$hash" >"$file.stamp"
}

build_guest() {
	local flavour=$1 hash root dir=$cache/guest/$1
	local file=$dir/initramfs.cpio
	hash=$(inputs_hash "$flavour" "$here/l2/init")
	is_fresh "$file" "$hash" && return 0
	say "building the guest's initramfs ($flavour kernel)"
	mkdir -p "$dir"
	root=$(mktemp -d "$cache/l2.XXXXXX")
	base_root "$root"
	ln -s /bin/busybox "$root/bin/sh"
	link_applets "$root"
	# The cloud kernel lacks some of the guest's drivers (igbvf, e1000) and has others built in.
	# shellcheck disable=SC2086  # a list of words
	available=$(kernel_has "$(kernel_dir "$flavour")" "$(kernel_version "$flavour")" $l2_modules)
	# shellcheck disable=SC2086  # a list of words
	copy_modules "$root" "$flavour" $available
	cp "$here/l2/init" "$root/init"
	chmod 755 "$root/init"
	pack "$root" "$file"
	rm -rf "$root"
	cp -L "$(kernel_dir "$flavour")/vmlinuz" "$dir/vmlinuz.new"
	mv "$dir/vmlinuz.new" "$dir/vmlinuz"
	echo "$hash" >"$file.stamp"
}

# The guest of "vfctl bench io" with a kernel: what users make of it, with this machine's programs.
build_bench() {
	local hash file=$cache/guest/bench/initramfs.cpio linux=$here/../../src/guest/linux
	hash=$(inputs_hash generic "$linux"/* /usr/bin/fio /usr/bin/sqlite3 /usr/bin/iperf3)
	is_fresh "$file" "$hash" && return 0
	say "building the guest of bench io"
	mkdir -p "$cache/guest/bench"
	"$linux/bench-initrd" --modules "$(kernel_dir generic)" --module pktgen "$file" || die "it cannot be made"
	echo "$hash" >"$file.stamp"
}

build_old() {
	build_kernels old-kernels -6.1
	build_guest generic-6.1
	build_guest cloud-6.1
}

build_all() {
	mkdir -p "$cache"
	exec 8>"$cache/lock"
	flock 8
	build_kernels kernels ""
	build_l1
	build_guest generic
	build_guest cloud
	[ "${LAB_WORKLOADS-}" != yes ] || build_bench
	[ "${LAB_KERNEL-}" != 6.1 ] || build_old
	[ "${LAB_ROOT-}" != debian ] || build_debian
	exec 8>&-
}
