# shellcheck shell=bash
# A whole Debian as L1: systemd, udevd, D-Bus, polkit and libvirt as a user has them. Built once into
#
#   $cache/debian/root.img      an ext4 file system, run with a snapshot on top: it stays as it is
#
# of this machine's release and from its mirror. Sourced by the lab command, after build.sh.

# What a host with guests has, and what scenarios look at it with. Nothing recommended.
debian_packages='systemd-sysv udev dbus polkitd pkexec kmod iproute2 pciutils procps acl
	libvirt-daemon-system libvirt-daemon-driver-qemu libvirt-clients qemu-system-x86
	nvme-cli python3-minimal'

# The release whose packages the programs under test were built with.
debian_codename() {
	# shellcheck disable=SC1091  # the machine's own file
	(. /etc/os-release && echo "$VERSION_CODENAME")
}

# In the new root, before it is packed; $1 is its folder.
debian_customize() {
	cat <<-'END'
		set -e
		root=$1
		# Scripts print there.
		ln -sf /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
		# No network to wait for, nobody to mail, nothing to tidy up in a machine that lives a minute.
		for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
			fstrim.timer man-db.timer systemd-networkd-wait-online.service; do
			ln -sf /dev/null "$root/etc/systemd/system/$unit"
		done
		# libvirtd looks for KVM when it starts.
		printf '%s\n' kvm_amd vfio-pci tun >"$root/etc/modules-load.d/lab.conf"
		printf 'lab\n' >"$root/etc/hostname"
		printf '127.0.0.1 localhost lab\n' >"$root/etc/hosts"
		chroot "$root" useradd --create-home --shell /bin/sh alice
		chroot "$root" useradd --create-home --shell /bin/sh bob
		chroot "$root" systemctl -q enable lab.service
		rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/doc/* "$root"/usr/share/man/*
	END
}

# The image has room for what scenarios write. Made inside mmdebstrap, where files have their owners,
# and of the root alone, without what is mounted in it.
debian_pack() {
	cat <<-END
		set -e
		mkdir '$1.root'
		unshare --mount sh -c 'mount --bind "\$1" "\$2" && mke2fs -q -t ext4 -d "\$2" -L lab -m 0 "\$3" 3G' \\
			sh "\$1" '$1.root' '$1'
		chmod 644 '$1'
	END
}

build_debian() {
	local hash work sources version file=$cache/debian/root.img
	hash=$(inputs_hash generic "$here/debian.sh" "$here/debian/lab.service")
	is_fresh "$file" "$hash" && return 0
	say "building a Debian $(debian_codename) with systemd and libvirt (about a minute)"
	mapfile -t sources < <("$here/../packages.sh" --source-files)
	[ ${#sources[@]} -gt 0 ] || die "no package sources"
	mkdir -p "$cache/debian"
	# Others than we may have to write there: without root, mmdebstrap works as other users of ours.
	work=$(mktemp -d) && chmod 777 "$work"
	version=$(kernel_version generic)
	tar -C "$(kernel_dir generic)/lib/modules" -cf "$work/modules.tar" --exclude=build --exclude=source "$version"
	debian_customize >"$work/customize"
	debian_pack "$work/root.img" >"$work/pack"
	# shellcheck disable=SC2016,SC2086  # $1 is the hook's; a list of words
	TMPDIR=$work mmdebstrap --quiet --variant=minbase --format=null \
		--include="$(echo $debian_packages | tr ' ' ,)" \
		--customize-hook="copy-in '$here/debian/lab.service' /etc/systemd/system" \
		--customize-hook='mkdir -p "$1/usr/lib/modules"' \
		--customize-hook="tar-in '$work/modules.tar' /usr/lib/modules" \
		--customize-hook="sh '$work/customize' \"\$1\"" \
		--customize-hook="sh '$work/pack' \"\$1\"" \
		"$(debian_codename)" "$work/root" "${sources[@]}" >"$cache/debian/build.log" 2>&1 </dev/null || {
		tail -n 20 "$cache/debian/build.log" >&2
		rm -rf "$work"
		die "Debian cannot be built" "the whole log: $cache/debian/build.log"
	}
	# Mostly holes.
	cp --sparse=always "$work/root.img" "$file.new"
	rm -rf "$work"
	mv "$file.new" "$file"
	echo "$hash" >"$file.stamp"
}
