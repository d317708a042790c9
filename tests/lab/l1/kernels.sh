# shellcheck shell=sh
# What each kernel of Debian's does on the paths that take no function of the machine: IDE and e1000 (1),
# virtio (3), a thread that polls (6), the guest polling as well (8), and one interface of a function and its
# standby (12), all in one guest. What is read and written is compared on both sides.
#
# No cloud kernel has the driver of the lab's VFs, igbvf, and QEMU has no card with VFs whose driver it has
# (ixgbevf, mlx4, mlx5, ena, gve, mana, idpf): there the function is a whole
# one, a vmxnet3 on the PFs' wire, which is the scenario's to have in LAB_DEVICES.
#
#   kernels_prepare VF    a bridge, which the PF is a port of; a server. VF: "ens1f0/vf0", with vfio-pci
#   kernels_guest NAME    starts it with the kernel of that name, asks it, ends it
#   kernels_done

# shellcheck disable=SC2034  # for scenarios
kernels_wire=52:54:00:09:00:01 kernels_cloud=0000:06:00.0

kernels_write_guest() {
	cat >"$1" <<'GUEST'
sum() { sha256sum | cut -c1-64; }
say() { for i in 1 2 3; do echo "@@ $*"; done; }
modprobe -a -q virtio_pci virtio_blk virtio_net ata_piix sd_mod e1000 igbvf vmxnet3
stty -echo
disk() {
	for d in /sys/block/[sv]d*; do
		case $(readlink -f "$d/device/driver") in */$1) echo "${d##*/}" ;; esac
	done
}
driver() { basename "$(readlink -f "/sys/class/net/$1/device/driver")"; }
# The one interface of two, and what is below it.
one() { for d in /sys/class/net/*/master; do [ -e "$d" ] && basename "$(readlink "$d")"; done | sort -u; }
below() {
	for d in /sys/class/net/*/master; do [ -e "$d" ] && d=${d%/master} && driver "${d##*/}"; done | sort | tr '\n' ' '
}
card() {
	for d in /sys/class/net/*; do
		d=${d##*/}
		[ "$(driver "$d")" != "$1" ] || [ -e "/sys/class/net/$d/master" ] || [ "$d" = "$(one)" ] || echo "$d"
	done
}
# through_one DRIVERS: as soon as these are below it, what a server has
through_one() {
	i=0
	until [ "$(below)" = "$1 " ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
	i=0
	until ping -c 1 -W 2 10.9.3.1 >/dev/null 2>&1 || [ $((i += 1)) -gt 20 ]; do sleep 0.5; done
	got=$(wget -q -O - http://10.9.3.1:7003/to-guest | sum)
	say "one $(cat /sys/class/net/$one/address) of $(below)got $got"
}
# Writes, reads back past the page cache; what was there before was the host's.
through_disk() {
	[ -n "$1" ] || { say "disk $2 none" && return; }
	before=$(dd if=/dev/$1 bs=64k count=8 iflag=direct 2>/dev/null | sum)
	dd if=/dev/urandom of=/tmp/data bs=64k count=8 2>/dev/null
	dd if=/tmp/data of=/dev/$1 bs=64k seek=8 oflag=direct conv=fsync 2>/dev/null
	[ "$(dd if=/dev/$1 bs=64k skip=8 count=8 iflag=direct 2>/dev/null | sum)" = "$(sum </tmp/data)" ] || say "disk $2 wrong"
	say "disk $2 $before $(sum </tmp/data)"
}
through_card() {
	[ -n "$1" ] || { say "card $2 none" && return; }
	say "card $2 $(wget -q -O - "http://10.9.$3.1:7003/to-guest" | sum)"
}
i=0
until [ -n "$(disk virtio_blk)" ] && [ -n "$(one)" ] && { [ -n "$(disk sd)" ] || ! [ -e /sys/bus/pci/drivers/ata_piix ]; } || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
ide=$(disk sd) blk=$(disk virtio_blk) e1000=$(card e1000) net=$(card virtio_net)
ip address add 10.9.1.2/24 dev "$e1000" 2>/dev/null && ip link set "$e1000" up
ip address add 10.9.2.2/24 dev "$net" && ip link set "$net" up
one=$(one)
ip address add 10.9.3.2/24 dev "$one" && ip link set "$one" up
say "kernel $(uname -r)"
while read -r command; do
	case $command in
	work)
		through_disk "$ide" ide
		through_disk "$blk" virtio
		through_card "$e1000" e1000 1
		through_card "$net" virtio 2
		;;
	again)
		through_disk "$blk" virtio-again
		through_card "$net" virtio-again 2
		;;
	one*) through_one "${command#one }" ;;
	poll) say "polled $(random-read /dev/$blk 800 polled)" ;;
	end) break ;;
	esac
	dmesg -c | grep -E 'BUG:|Oops|WARNING:|nobody cared|I/O error|Tx Unit Hang|virtio.*(fail([^o]|$)|error)' | sed 's,^,@@ complaint ,'
	say "done ${command%% *}"
done
GUEST
}

kernels_prepare() {
	kernels_write_guest /tmp/kernels.sh
	mkdir -p /tmp/kernels
	dd if=/dev/urandom of=/tmp/kernels/to-guest bs=64k count=8 2>/dev/null
	/bin/ip link add br9 type bridge
	/bin/ip address add 10.9.1.1/24 dev br9
	/bin/ip address add 10.9.2.1/24 dev br9
	/bin/ip address add 10.9.3.1/24 dev br9
	kernels_vf=$1
	/bin/ip link set ens1f0 master br9 up
	/bin/ip link set br9 up
	must "an address" vfctl set "$kernels_vf" mac=52:54:00:09:00:02
	must "a whole function" vfctl bind $kernels_cloud vfio-pci
	httpd -f -p 7003 -h /tmp/kernels &
	kernels_server=$!
}

kernels_done() {
	kill "$kernels_server"
	check "given back" vfctl restore $kernels_cloud
	/bin/ip link set ens1f0 nomaster
	/bin/ip link delete br9
}

kernels_asks() {
	guest_tell "$kernel" "$1"
	must "$kernel: $2" guest_wait "$kernel" 120 "^@@ done ${1%% *}"
}

# What it is made of cannot be asked in vain: a module that is there would have been loaded.
kernels_function() {
	cpio -t <"$lab_guest/$kernel/initramfs.cpio" >/tmp/modules 2>/dev/null
	check "it has net_failover" grep -q '/net_failover\.ko' /tmp/modules
	case $kernel in
	cloud*)
		check_not "$kernel has no igbvf: a vmxnet3, a whole function, in the VF's place" grep '/igbvf\.ko' /tmp/modules
		function=$kernels_cloud both="virtio_net vmxnet3"
		standby="standby=bridge:br9,standby-mac=$kernels_wire"
		;;
	*)
		function=$kernels_vf both="igbvf virtio_net"
		standby=standby=bridge:br9
		;;
	esac
}

# Path 12: there, gone, there again.
kernels_one() {
	right=$(sha256sum </tmp/kernels/to-guest | cut -c1-64)
	kernels_asks "one $both" "one interface of two"
	check "by the function it reaches the host" guest_saw "$kernel" "^@@ one 52:54:00:09:00:0[12] of $both got $right"
	vfctl --json=short vm explain "$kernel" | sed 's/{"name"/\n&/g' >/tmp/explained
	check "vm explain says path 12" grep -q '^{"name":"virtio-net0","path":{"number":12,' /tmp/explained
	check "the function is detached" vfctl vm detach "$kernel" --vf "$function"
	guest_tell "$kernel" "one virtio_net"
	check "by its standby it reaches the host" guest_wait "$kernel" 60 "^@@ one 52:54:00:09:00:0[12] of virtio_net got $right"
	check "and attached" vfctl vm attach "$kernel" --vf "$function"
	guest_tell "$kernel" "one $both"
	check "by the function, again" guest_wait_times "$kernel" 60 4 "^@@ one .* of $both got $right"
}

# kernels_path DEVICE NUMBER [OPTION…]
kernels_path() {
	path_of=$1 path=$2
	shift 2
	vfctl --json=short vm explain "$kernel" "$@" | sed 's/{"name"/\n&/g' >/tmp/explained
	set -- "$path_of" "$path"
	check "$1 went by path $2" grep -q "^{\"name\":\"$1\",\"path\":{\"number\":$2," /tmp/explained
}

# kernels_disk FILE WHAT: both sides read what the other wrote
kernels_disk() {
	set -- "$1" "$2" "$(sed -n "s/^@@ disk $2 \([0-9a-f]\{64\}\) \([0-9a-f]\{64\}\)$/\1 \2/p" "/tmp/$kernel.console" | head -n 1)"
	check "$2: it reads what the file holds" test "${3% *}" = "$(dd if="$1" bs=64k count=8 2>/dev/null | sha256sum | cut -c1-64)"
	check "$2: the file holds what it wrote" test "${3#* }" = "$(dd if="$1" bs=64k skip=8 count=8 2>/dev/null | sha256sum | cut -c1-64)"
}

kernels_card() {
	check "$1: what came to it is right" guest_saw "$kernel" "^@@ card $1 $(sha256sum </tmp/kernels/to-guest | cut -c1-64)"
}

# Debian's cloud kernels have no driver of e1000, and some none of IDE.
kernels_has() {
	case $kernel in
	cloud*) ! guest_saw "$kernel" "^@@ $1 none" ;;
	*) true ;;
	esac
}

kernels_guest() {
	kernel=$1
	step "$kernel: IDE, e1000, virtio, a function and its standby in one guest"
	kernels_function
	for image in ide blk; do
		dd if=/dev/urandom of="/tmp/$kernel-$image.img" bs=64k count=16 2>/dev/null
	done
	GUEST_KERNEL=$kernel GUEST_FILES=/usr/bin/random-read GUEST_APPEND=virtio_blk.poll_queues=1 \
		guest_start "$kernel" /tmp/kernels.sh --name "$kernel" --cpus 2 --mem 256M \
		--disk "/tmp/$kernel-ide.img,model=ide" --disk "/tmp/$kernel-blk.img,queues=2" \
		--net bridge=br9,model=e1000 --net bridge=br9,vhost=off --vf "$function,$standby"
	must "$kernel is up" guest_wait "$kernel" 90 '^@@ kernel '
	kernels_asks work "its work is done"
	kernels_disk "/tmp/$kernel-blk.img" virtio
	kernels_card virtio
	kernels_path virtio-blk0 3
	kernels_path virtio-net1 3
	if kernels_has "disk ide"; then
		kernels_disk "/tmp/$kernel-ide.img" ide
		kernels_path ide0 1
	fi
	if kernels_has "card e1000"; then
		kernels_card e1000
		kernels_path e1000-0 1
	fi
	check "a thread polls its disk" vfctl vm set "$kernel" virtio-blk0 poll=dedicated
	check "and its card" vfctl vm set "$kernel" virtio-net1 poll=adaptive
	kernels_asks again "the same once more"
	kernels_disk "/tmp/$kernel-blk.img" virtio-again
	kernels_card virtio-again
	kernels_path virtio-blk0 6
	kernels_path virtio-net1 6
	(sleep 1 && guest_tell "$kernel" poll) &
	kernels_path virtio-blk0 8 --during 3
	check "it has polled for completions" guest_wait "$kernel" 30 '^@@ polled 800 reads'
	kernels_one
	check_not "its kernel has nothing to complain about" guest_saw "$kernel" '^@@ complaint'
	guest_tell "$kernel" end
	check "it powers off cleanly" guest_ends_with "$kernel" 30 0
}
