# shellcheck shell=sh
# Debian's own ata_piix and e1000 on the emulated controllers: disks by DMA and by PIO, past the page cache, checksums
# on both sides; TCP both ways through a tap, with the card's checksums and segmentation; the link, the counters.
LAB_TIMEOUT=900
LAB_PROGRAMS="vfctl vfctl-vmm"

mac=52:54:00:08:00:02
sectors=12288

write_guest() {
	cat >"$1" <<'GUEST'
sum() { sha256sum | cut -c1-64; }
# What udev would do: disks are found after their controller's driver has been loaded.
modprobe -a -q ata_piix sd_mod
i=0
until [ -b /dev/sdb ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
[ -b /dev/sdb ] || dmesg | grep -iE 'ata|piix|scsi|irq' | tail -n 40
# Linux looks for both at once, and gives names in the order in which they answer.
set -- $(for d in sda sdb; do echo "$(readlink /sys/block/$d) $d"; done | sort | sed 's/.* //')
first=$1 second=$2
for d in first second; do
	eval "name=\$$d"
	echo "@@ $d $(basename $(readlink /sys/block/$name/device/../../../../driver)) $(cat /sys/block/$name/size)"
	echo "@@ $d read $(dd if=/dev/$name bs=64k iflag=direct 2>/dev/null | sum)"
done
cat /sys/class/ata_device/dev*/xfer_mode | sed 's/^/@@ mode /'
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
dd if=/tmp/data of=/dev/$first bs=4k seek=1024 oflag=direct conv=fsync 2>/dev/null &
dd if=/tmp/data of=/dev/$second bs=4k seek=512 oflag=direct conv=fsync 2>/dev/null
wait
echo "@@ wrote $(sum </tmp/data)"
echo "@@ first back $(dd if=/dev/$first bs=4k skip=1024 count=512 iflag=direct 2>/dev/null | sum)"
echo "@@ second back $(dd if=/dev/$second bs=4k skip=512 count=512 iflag=direct 2>/dev/null | sum)"
ip address add 10.8.0.2/24 dev eth0
ip link set eth0 up
echo "@@ eth0 $(basename $(readlink /sys/class/net/eth0/device/driver)) $(cat /sys/class/net/eth0/address)"
i=0
until [ "$(cat /sys/class/net/eth0/carrier 2>/dev/null)" = 1 ] || [ $((i += 1)) -gt 50 ]; do sleep 0.2; done
echo "@@ link $(cat /sys/class/net/eth0/speed) $(cat /sys/class/net/eth0/duplex)"
ping -c 5 -W 5 10.8.0.1 | sed -n 's/^.*packets transmitted/@@ ping: &/p'
ping -c 3 -s 8000 -W 5 10.8.0.1 | sed -n 's/^.*packets transmitted/@@ fragments: &/p'
wget -q -O /tmp/got http://10.8.0.1:7001/to-guest
echo "@@ received $(sum </tmp/got)"
httpd -p 7002 -h /tmp
dmesg | grep -iE 'BUG:|Oops|WARNING:|nobody cared|Tx Unit Hang|ata[0-9.]*: (lost|failed|exception|SRST)|I/O error' |
	sed 's/^/@@ complaint /'
echo "@@ serving"
read -r word
dd if=/dev/$first of=/dev/null bs=4k count=500 iflag=direct 2>/dev/null
echo "@@ counted"
read -r word
GUEST
}

sum_of() {
	sha256sum <"$1" | cut -c1-64
}

# file_part_is FILE SKIP SUM: 2 MiB of it, from that page on
file_part_is() {
	[ "$(dd if="$1" bs=4k skip="$2" count=512 2>/dev/null | sha256sum | cut -c1-64)" = "$3" ]
}

# accessed NAME reads|writes: so many registers of the IDE controller until now
accessed() {
	vfctl vm stats "$1" --json | tr -d ' \n' | sed -n "s/.*\"name\":\"ide0\"[^}]*\"bar_$2\":\([0-9]*\).*/\1/p"
}

# What one read of 4 KiB takes of ata_piix, all in all: what a PIIX is asked is its driver's choice.
count_reads() {
	reads=$(accessed "$1" reads) writes=$(accessed "$1" writes)
	guest_tell "$1" "read"
	must "it has read" guest_wait "$1" 60 '^@@ counted'
	reads=$(($(accessed "$1" reads) - reads)) writes=$(($(accessed "$1" writes) - writes))
	check "500 reads by DMA take 13 accesses that write each ($writes)" test "$writes" = 6500
	# It looks again at a disk that is busy still.
	check "and 13 that read ($reads)" test "$reads" -ge 6500 -a "$reads" -le 6520
}

# one_guest NAME
one_guest() {
	name=$1
	for disk in a b; do
		awk "BEGIN { for (i = 0; i < $sectors; i++) printf \"sector $disk%0503d\n\", i }" >"/tmp/$name-$disk.img"
	done
	before_a=$(sum_of "/tmp/$name-a.img")
	before_b=$(sum_of "/tmp/$name-b.img")
	dd if=/dev/urandom of=/tmp/www/to-guest bs=64k count=32 2>/dev/null
	guest_start "$name" /tmp/guest.sh --name "$name" --cpus 2 --mem 256M \
		--disk "/tmp/$name-a.img,model=ide" --disk "/tmp/$name-b.img,model=ide" \
		--net "tap=tap0,model=e1000,mac=$mac"
	must "the guest reaches user space" guest_wait "$name" 90 '^@@ begin'
	must "its work is done" guest_wait "$name" 400 '^@@ serving'
	check "ata_piix drives the first disk" guest_saw "$name" "^@@ first ata_piix $sectors"
	check "and the second" guest_saw "$name" "^@@ second ata_piix $sectors"
	check "it reads what the first file holds" guest_saw "$name" "^@@ first read $before_a"
	check "and the second" guest_saw "$name" "^@@ second read $before_b"
	wrote=$(sed -n 's/^@@ wrote \([0-9a-f]*\).*/\1/p' "/tmp/$name.console")
	check "it reads back what it wrote" guest_saw "$name" "^@@ first back $wrote"
	check "to both at once" guest_saw "$name" "^@@ second back $wrote"
	check "the first file holds it" file_part_is "/tmp/$name-a.img" 1024 "$wrote"
	check "and the second" file_part_is "/tmp/$name-b.img" 512 "$wrote"
	check "e1000 drives the card" guest_saw "$name" "^@@ eth0 e1000 $mac"
	check "its link is up" guest_saw "$name" '^@@ link 1000 full'
	check "it pings through tap and bridge" guest_saw "$name" '^@@ ping: .* 5 packets received'
	check "fragments arrive" guest_saw "$name" '^@@ fragments: .* 3 packets received'
	check "2 MiB by TCP reach it" guest_saw "$name" "^@@ received $(sum_of /tmp/www/to-guest)"
	wget -q -O /tmp/from-guest http://10.8.0.2:7002/data
	check "2 MiB by TCP come from it" test "$(sum_of /tmp/from-guest)" = "$wrote"
	check_not "its kernel has nothing to complain about" guest_saw "$name" '^@@ complaint'
	if [ "$name" = dma ]; then count_reads dma; else guest_tell "$name" "read"; fi
	guest_tell "$name" "that is all"
	check "it powers off cleanly" guest_ends_with "$name" 60 0
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
	step "DMA"
	one_guest dma
	step "PIO"
	GUEST_APPEND="libata.dma=0" one_guest pio
	kill "$server"
}
