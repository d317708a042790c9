# shellcheck shell=sh
# Debian's own virtio drivers on the emulated devices: disk integrity past the page cache, discard, rebinding the
# driver, entropy, and TCP with all offloads through a tap and a bridge; with MSI-X and without.
LAB_TIMEOUT=300
LAB_PROGRAMS="vfctl vfctl-vmm"

mac=52:54:00:08:00:02
sectors=20480

# What the guest does. Its network comes up last, so that the host's side can look at the disk meanwhile.
write_guest() {
	cat >"$1" <<'GUEST'
sum() { sha256sum | cut -c1-64; }
direct() { dd if=/dev/vda bs=4k skip=1024 count=512 iflag=direct 2>/dev/null; }
for d in /sys/bus/virtio/devices/*; do
	echo "@@ virtio ${d##*/} $(basename $(readlink $d/driver)) packed $(cut -c 35 $d/features)"
done
i=0
until [ -b /dev/vda ] || [ $((i += 1)) -gt 50 ]; do sleep 0.2; done
echo "@@ disk of $(cat /sys/block/vda/size) sectors, ro $(cat /sys/block/vda/ro)"
echo "@@ read $(dd if=/dev/vda bs=64k iflag=direct 2>/dev/null | sum)"
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
dd if=/tmp/data of=/dev/vda bs=4k seek=1024 oflag=direct conv=fsync 2>/dev/null
echo "@@ wrote $(sum </tmp/data)"
echo "@@ back $(direct | sum)"
blkdiscard -o 8388608 -l 65536 /dev/vda && echo "@@ discarded"
blk=$(basename $(readlink /sys/block/vda/device))
echo $blk >/sys/bus/virtio/drivers/virtio_blk/unbind
echo $blk >/sys/bus/virtio/drivers/virtio_blk/bind
echo "@@ rebound $(direct | sum)"
echo "@@ entropy $(cat /sys/class/misc/hw_random/rng_current): $(dd if=/dev/hwrng bs=64 count=1 2>/dev/null | wc -c) bytes"
ip address add 10.8.0.2/24 dev eth0
ip link set eth0 up
echo "@@ mac $(cat /sys/class/net/eth0/address)"
ping -c 5 -W 5 10.8.0.1 | sed -n 's/^.*packets transmitted/@@ ping: &/p'
ping -c 3 -s 8000 -W 5 10.8.0.1 | sed -n 's/^.*packets transmitted/@@ fragments: &/p'
wget -q -O /tmp/got http://10.8.0.1:7001/to-guest
echo "@@ received $(sum </tmp/got)"
httpd -p 7002 -h /tmp
awk '/virtio/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i; m += /MSI/ } END { printf "@@ interrupts %s %d\n", n ? "some" : "none", m }' /proc/interrupts
dmesg | grep -iE 'BUG:|Oops|WARNING:|nobody cared|virtio.*(fail|error)' | sed 's/^/@@ complaint /'
echo "@@ serving"
read -r word
GUEST
}

sum_of() {
	sha256sum <"$1" | cut -c1-64
}

# one_guest NAME VECTORS: VECTORS says whether its drivers should have got MSI-X vectors
one_guest() {
	name=$1
	vectors=$2
	awk "BEGIN { for (i = 0; i < $sectors; i++) printf \"sector %0504d\n\", i }" >"/tmp/$name.img"
	before=$(sum_of "/tmp/$name.img")
	dd if=/dev/urandom of=/tmp/www/to-guest bs=64k count=64 2>/dev/null
	guest_start "$name" /tmp/guest.sh --cpus 2 --mem 256M --rng \
		--disk "/tmp/$name.img" --net "tap=tap0,vhost=off,mac=$mac"
	must "the guest reaches user space" guest_wait "$name" 60 '^@@ begin'
	must "its work is done" guest_wait "$name" 90 '^@@ serving'
	check "it drives the disk" guest_saw "$name" '^@@ virtio .* virtio_blk'
	check "and the network" guest_saw "$name" '^@@ virtio .* virtio_net'
	check "and the entropy source" guest_saw "$name" '^@@ virtio .* virtio_rng'
	check "by packed rings" guest_saw "$name" '^@@ virtio .* virtio_blk packed 1'
	check "all of them" guest_saw "$name" '^@@ virtio .* virtio_net packed 1'
	check "the disk has its size" guest_saw "$name" "^@@ disk of $sectors sectors, ro 0"
	check "it reads what the file holds" guest_saw "$name" "^@@ read $before"
	wrote=$(sed -n 's/^@@ wrote //p' "/tmp/$name.console")
	check "it reads back what it wrote" guest_saw "$name" "^@@ back $wrote"
	check "and again after its driver was bound anew" guest_saw "$name" "^@@ rebound $wrote"
	check "the file holds what it wrote" file_part_is "/tmp/$name.img" 4096 1024 512 "$wrote"
	check "what it discarded reads as zeroes" test "$(part "/tmp/$name.img" 65536 128 1 | tr -d '\0' | wc -c)" = 0
	check "the sector before is as it was" test "$(part "/tmp/$name.img" 512 16383 1 | tail -c 7)" = 016383
	check "it has entropy" guest_saw "$name" '^@@ entropy virtio_rng.0: 64 bytes'
	check "its interface has its MAC address" guest_saw "$name" "^@@ mac $mac"
	check "it pings through tap and bridge" guest_saw "$name" '^@@ ping: .* 5 packets received'
	check "fragments arrive" guest_saw "$name" '^@@ fragments: .* 3 packets received'
	check "4 MiB by TCP reach it" guest_saw "$name" "^@@ received $(sum_of /tmp/www/to-guest)"
	wget -q -O /tmp/from-guest http://10.8.0.2:7002/data
	check "2 MiB by TCP come from it" test "$(sum_of /tmp/from-guest)" = "$wrote"
	check "its devices interrupt it" guest_saw "$name" "^@@ interrupts some $vectors"
	check_not "its kernel has nothing to complain about" guest_saw "$name" '^@@ complaint'
	guest_tell "$name" "that is all"
	check "it powers off cleanly" guest_ends_with "$name" 30 0
}

# part FILE BLOCKSIZE SKIP COUNT
part() {
	dd if="$1" bs="$2" skip="$3" count="$4" 2>/dev/null
}

# file_part_is FILE BLOCKSIZE SKIP COUNT SUM
file_part_is() {
	[ "$(part "$1" "$2" "$3" "$4" | sha256sum | cut -c1-64)" = "$5" ]
}

scenario() {
	write_guest /tmp/guest.sh
	mkdir -p /tmp/www
	/bin/ip link add br0 type bridge
	/bin/ip address add 10.8.0.1/24 dev br0
	/bin/ip link set br0 up
	/bin/ip tuntap add tap0 mode tap vnet_hdr
	/bin/ip link set tap0 master br0 up
	httpd -f -p 7001 -h /tmp/www &
	server=$!
	step "MSI-X"
	one_guest msix '[1-9]'
	step "no message-signalled interrupts: INTx lines"
	GUEST_APPEND="pci=nomsi" one_guest intx 0
	kill "$server"
}
