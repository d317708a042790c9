# shellcheck shell=sh
# What each kernel of Debian's does on the paths that take no function of the machine: IDE and e1000 (1),
# virtio (3), a thread that polls (6), the guest polling as well (8), all in one guest. What is read
# and written is compared on both sides.
#
#   kernels_prepare       a bridge, a server
#   kernels_guest NAME    starts it with the kernel of that name, asks it, ends it
#   kernels_done

kernels_write_guest() {
	cat >"$1" <<'GUEST'
sum() { sha256sum | cut -c1-64; }
say() { for i in 1 2 3; do echo "@@ $*"; done; }
modprobe -a -q virtio_pci virtio_blk virtio_net ata_piix sd_mod e1000
stty -echo
disk() {
	for d in /sys/block/[sv]d*; do
		case $(readlink -f "$d/device/driver") in */$1) echo "${d##*/}" ;; esac
	done
}
card() {
	for d in /sys/class/net/*; do
		case $(readlink -f "$d/device/driver") in */$1) echo "${d##*/}" ;; esac
	done
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
until [ -n "$(disk virtio_blk)" ] && { [ -n "$(disk sd)" ] || ! [ -e /sys/bus/pci/drivers/ata_piix ]; } || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
ide=$(disk sd) blk=$(disk virtio_blk) e1000=$(card e1000) net=$(card virtio_net)
ip address add 10.9.1.2/24 dev "$e1000" 2>/dev/null && ip link set "$e1000" up
ip address add 10.9.2.2/24 dev "$net" && ip link set "$net" up
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
	poll) say "polled $(random-read /dev/$blk 800 polled)" ;;
	end) break ;;
	esac
	dmesg -c | grep -E 'BUG:|Oops|WARNING:|nobody cared|I/O error|Tx Unit Hang|virtio.*(fail|error)' | sed 's,^,@@ complaint ,'
	say "done $command"
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
	/bin/ip link set br9 up
	httpd -f -p 7003 -h /tmp/kernels &
	kernels_server=$!
}

kernels_done() {
	kill "$kernels_server"
	/bin/ip link delete br9
}

kernels_asks() {
	guest_tell "$kernel" "$1"
	must "$kernel: $2" guest_wait "$kernel" 120 "^@@ done $1"
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
	step "$kernel: IDE, e1000 and virtio in one guest"
	for image in ide blk; do
		dd if=/dev/urandom of="/tmp/$kernel-$image.img" bs=64k count=16 2>/dev/null
	done
	GUEST_KERNEL=$kernel GUEST_FILES=/usr/bin/random-read GUEST_APPEND=virtio_blk.poll_queues=1 \
		guest_start "$kernel" /tmp/kernels.sh --name "$kernel" --cpus 2 --mem 256M \
		--disk "/tmp/$kernel-ide.img,model=ide" --disk "/tmp/$kernel-blk.img,queues=2" \
		--net bridge=br9,model=e1000 --net bridge=br9,vhost=off
	must "$kernel is up" guest_wait "$kernel" 90 '^@@ kernel '
	kernels_asks work "its work is done"
	kernels_disk "/tmp/$kernel-blk.img" virtio
	kernels_card virtio
	kernels_path virtio-blk0 3
	kernels_path virtio-net0 3
	if kernels_has "disk ide"; then
		kernels_disk "/tmp/$kernel-ide.img" ide
		kernels_path ide0 1
	fi
	if kernels_has "card e1000"; then
		kernels_card e1000
		kernels_path e1000-0 1
	fi
	check "a thread polls its disk" vfctl vm set "$kernel" virtio-blk0 poll=dedicated
	check "and its card" vfctl vm set "$kernel" virtio-net0 poll=adaptive
	kernels_asks again "the same once more"
	kernels_disk "/tmp/$kernel-blk.img" virtio-again
	kernels_card virtio-again
	kernels_path virtio-blk0 6
	kernels_path virtio-net0 6
	(sleep 1 && guest_tell "$kernel" poll) &
	kernels_path virtio-blk0 8 --during 3
	check "it has polled for completions" guest_wait "$kernel" 30 '^@@ polled 800 reads'
	check_not "its kernel has nothing to complain about" guest_saw "$kernel" '^@@ complaint'
	guest_tell "$kernel" end
	check "it powers off cleanly" guest_ends_with "$kernel" 30 0
}
