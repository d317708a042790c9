# shellcheck shell=sh
# From a physical function to a guest that does I/O on its VF, and back to a machine as it was.
# examples/quickstart shows this scenario; the lab lane asserts it.
LAB_TIMEOUT=400
LAB_PROGRAMS="vfctl vfctl-vmm"

net_mac=52:54:00:0a:00:01

# What the first guest does with its two VFs.
write_first_guest() {
	cat >"$1" <<'GUEST'
for d in /sys/bus/pci/devices/*; do
	[ -e $d/driver ] && echo "@@ pci ${d##*/} $(cat $d/vendor):$(cat $d/device) $(basename $(readlink $d/driver))"
done
i=0
until [ -b /dev/nvme0n1 ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
echo "@@ nvme block 777: $(dd if=/dev/nvme0n1 bs=512 skip=777 count=1 2>/dev/null | sed 's/ 00*/ /')"
printf 'written by a guest through its own VF' >/tmp/block
dd if=/tmp/block of=/dev/nvme0n1 bs=512 seek=4242 count=1 conv=sync oflag=direct 2>/dev/null
dd if=/dev/nvme0n1 of=/tmp/back bs=512 skip=4242 count=1 iflag=direct 2>/dev/null
echo "@@ nvme block 4242: $(tr -d '\0' </tmp/back)"
net=$(basename /sys/bus/pci/drivers/igbvf/*/net/*)
echo "@@ net $net mac $(cat /sys/class/net/$net/address)"
ip address add 10.9.0.2/24 dev $net
ip link set $net up
i=0
until ping -c 1 -W 1 10.9.0.1 >/dev/null 2>&1 || [ $((i += 1)) -gt 40 ]; do sleep 0.5; done
ping -c 3 -W 5 10.9.0.1 | sed -n 's/^.*packets transmitted/@@ ping: &/p; s/^round-trip/@@ &/p'
echo "@@ interrupts nvme $(awk '/nvme/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts)"
echo "@@ waiting to be told"
read -r word
echo "@@ told: $word"
GUEST
}

# What the second guest does with the emulated devices that it got instead.
write_second_guest() {
	cat >"$1" <<'GUEST'
for d in /sys/bus/virtio/devices/*; do
	[ -e $d/driver ] && echo "@@ virtio ${d##*/} $(basename $(readlink $d/driver))"
done
i=0
until [ -b /dev/vda ] || [ $((i += 1)) -gt 50 ]; do sleep 0.2; done
echo "@@ disk block 3: $(dd if=/dev/vda bs=512 skip=3 count=1 2>/dev/null | sed 's/ 00*/ /')"
printf 'written by a guest on virtio' >/tmp/block
dd if=/tmp/block of=/dev/vda bs=512 seek=9 count=1 conv=sync oflag=direct 2>/dev/null
ip address add 10.8.0.2/24 dev eth0
ip link set eth0 up
ping -c 3 -W 5 10.8.0.1 | sed -n 's/^.*packets transmitted/@@ ping: &/p; s/^round-trip/@@ &/p'
GUEST
}

drivers_are() {
	wanted=$1
	shift
	for vf; do
		[ "$(driver_of "$vf")" = "$wanted" ] || { echo "$vf is driven by $(driver_of "$vf")" && return 1; }
	done
}

# vf PF INDEX: its address
vf() {
	link_name "$devices/$1/virtfn$2"
}

vf_line() {
	/bin/ip link show ens1f0 | grep "^ *vf $1 "
}

vf_has() {
	vf_line "$1" | grep -q "$2" || { vf_line "$1" && return 1; }
}

disk_block() {
	dd if="$1" bs=512 skip="$2" count=1 2>/dev/null | tr -d '\0'
}

look() {
	step "Look: functions and IOMMU groups of this machine"
	snapshot "$(out before.txt)"
	shown "list" vfctl list
	shown "groups" vfctl groups
}

make() {
	step "Make: two VFs of the network card, two of the NVMe controller"
	shown "create 2 VFs of ens1f0" vfctl create ens1f0 2
	check "they are there" test "$(vfs_of "$PF1" | wc -l)" = 2
	check "and have their driver" drivers_are igbvf "$(vf "$PF1" 0)" "$(vf "$PF1" 1)"
	shown "create 2 VFs of nvme0" vfctl create nvme0 2
	check "they are there" test "$(vfs_of "$NVME" | wc -l)" = 2

	step "Set: addresses, protection, queues"
	shown "set the first VF's attributes" vfctl set ens1f0/vf0 mac=$net_mac spoofchk=on trust=on
	check "its MAC address is set" vf_has 0 $net_mac
	check "it is trusted" vf_has 0 "trust on"
	check "its source addresses are checked" vf_has 0 "spoof checking on"
	shown "set the second VF's attributes" vfctl set ens1f0/vf1 mac=52:54:00:0a:00:02 vlan=0 trust=off
	for i in 0 1; do
		shown "queues and interrupts for nvme0/vf$i" vfctl set nvme0/vf$i vq=2 vi=1
		shown "bring nvme0/vf$i online" vfctl set nvme0/vf$i online=yes
	done

	step "Bind: all four to vfio-pci"
	shown "bind" vfctl bind ens1f0/vf0-1 vfio-pci
	shown "bind" vfctl bind nvme0/vf0-1 vfio-pci
	check "all are driven by vfio-pci" drivers_are vfio-pci "$(vf "$PF1" 0)" "$(vf "$PF1" 1)" \
		"$(vf "$NVME" 0)" "$(vf "$NVME" 1)"
	for bdf in "$(vf "$PF1" 0)" "$(vf "$NVME" 0)"; do
		check "$bdf has its group device" test -c "/dev/vfio/$(group_of "$bdf")"
	done
	shown "list" vfctl list driver=vfio-pci
}

first_guest() {
	step "Hand over: a Debian guest with one network VF and one NVMe VF"
	/bin/ip address add 10.9.0.1/24 dev ens1f0
	/bin/ip link set ens1f0 up
	write_first_guest /tmp/first.sh
	guest_start first /tmp/first.sh --cpus 1 --mem 256M --vf ens1f0/vf0 --vf nvme0/vf0
	check "the guest reaches user space" guest_wait first 60 '^@@ begin'
	check "its tests are done" guest_wait first 90 '^@@ waiting'
	check "it drives its VF with igbvf" guest_saw first '^@@ pci .* igbvf'
	check "and the other with nvme" guest_saw first '^@@ pci .* nvme'
	check "it reads what the namespace holds" guest_saw first '^@@ nvme block 777: vfctl lab block 777$'
	check "it reads back what it wrote" guest_saw first '^@@ nvme block 4242: written by a guest through its own VF$'
	check "its interface has the MAC address given to the VF" guest_saw first "^@@ net .* mac $net_mac"
	check "it pings the PF" guest_saw first '^@@ ping: .* 3 packets received'
	check "its NVMe queues interrupt it" guest_saw first '^@@ interrupts nvme [1-9]'
	check "the PF's side sees the write" test "$(disk_block /dev/nvme0n1 4242)" = "written by a guest through its own VF"
}

second_guest() {
	step "Fall back: no VF is left, a second guest gets emulated devices in their place"
	shown "the host takes the other VFs for itself" vfctl restore ens1f0/vf1
	shown "the NVMe one too" vfctl restore nvme0/vf1
	/bin/ip tuntap add tap0 mode tap
	/bin/ip address add 10.8.0.1/24 dev tap0
	/bin/ip link set tap0 up
	make_disk /tmp/disk.img 2048
	write_second_guest /tmp/second.sh
	check_not "without a fallback the start is refused" \
		vfctl vm run --kernel /guest/generic/vmlinuz --mem 256M --vf ens1f0/vf0-1
	sed 's/^/   vfctl: /' /tmp/check.out
	guest_start second /tmp/second.sh --cpus 1 --mem 256M --rng -v \
		--vf ens1f0/vf0-1,fallback=virtio-net:tap0 --vf nvme0/vf0-1,fallback=virtio-blk:/tmp/disk.img
	check "the guest ends by itself" guest_ends_with second 90 0
	check "the user is told about the network" guest_saw second 'virtio-net on tap0: none of 2 .* held by'
	check "and about the disk" guest_saw second 'virtio-blk on /tmp/disk.img: none of 2 .* held by'
	check "it drives virtio-net" guest_saw second '^@@ virtio .* virtio_net'
	check "and virtio-blk" guest_saw second '^@@ virtio .* virtio_blk'
	check "and virtio-rng" guest_saw second '^@@ virtio .* virtio_rng'
	check "it reads what the disk holds" guest_saw second '^@@ disk block 3: disk block 3$'
	check "it pings this machine" guest_saw second '^@@ ping: .* 3 packets received'
	check "what it wrote is in the file" test "$(disk_block /tmp/disk.img 9)" = "written by a guest on virtio"
	/bin/ip link delete tap0
}

end_first_guest() {
	step "End: the first guest is told to finish"
	check_not "it is still running" guest_has_ended first
	guest_tell first goodbye
	check "it powers off cleanly" guest_ends_with first 30 0
	check "its console heard us" guest_saw first '^@@ told: goodbye'
}

give_back() {
	step "Give back: restore drivers, remove the VFs, compare with the capture from before"
	/bin/ip link set ens1f0 down
	/bin/ip address flush dev ens1f0
	shown "restore" vfctl restore ens1f0/vf0-1
	shown "restore" vfctl restore nvme0/vf0-1
	check "the network VFs have their own driver again" drivers_are igbvf "$(vf "$PF1" 0)" "$(vf "$PF1" 1)"
	for i in 0 1; do
		shown "take nvme0/vf$i offline" vfctl set nvme0/vf$i online=no
	done
	shown "destroy" vfctl destroy nvme0
	shown "destroy" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:|DMAR: \["'
}

scenario() {
	look
	make
	first_guest
	second_guest
	end_first_guest
	give_back
}

verify() {
	verify_that "the guest's block is in the backing file" \
		test "$(block_text 4242)" = "written by a guest through its own VF"
	verify_that "the blocks beside it are untouched" \
		test "$(block_text 4241)$(block_text 4243)" = "$(original_text 4241)$(original_text 4243)"
	verify_that "the block it read is untouched" test "$(block_text 777)" = "$(original_text 777)"
}
