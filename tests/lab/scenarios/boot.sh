# shellcheck shell=sh
# Is the lab what it claims to be? Asks the kernel alone, none of our programs: a failure here is
# the lab's, and tells what to distrust elsewhere.
LAB_TIMEOUT=90

has_text() {
	grep -q "$2" "$1"
}

is() {
	[ "$(cat "$1")" = "$2" ] || { echo "$1 is $(cat "$1"), expected $2" && false; }
}

count_is() {
	[ "$(vfs_of "$1" | wc -l)" = "$2" ]
}

# byte FILE OFFSET: one byte as a decimal number
byte() {
	hexdump -s "$2" -n 1 -e '1/1 "%d"' "$1"
}

make_vfs() {
	echo "$2" >"$devices/$1/sriov_numvfs"
}

read_block() {
	dd if="$1" bs=512 skip="$2" count=1 2>/dev/null | tr -d '\n'
}

block_is_pattern() {
	[ "$(read_block /dev/nvme0n1 "$1")" = "$(printf 'vfctl lab block %0495d' "$1")" ]
}

groups_differ() {
	[ "$(group_of "$1")" != "$(group_of "$2")" ]
}

groups_agree() {
	[ "$(group_of "$1")" = "$(group_of "$2")" ]
}

bind_to() {
	echo "$2" >"$devices/$1/driver_override"
	[ ! -e "$devices/$1/driver" ] || echo "$1" >"$devices/$1/driver/unbind"
	echo "$1" >/sys/bus/pci/drivers_probe
	[ "$(driver_of "$1")" = "$2" ]
}

scenario() {
	step "the kernel and its IOMMU"
	say "$(uname -sr), up for $(cut -d' ' -f1 /proc/uptime) s"
	check "an Intel IOMMU is there" test -e /sys/class/iommu/dmar0
	check "interrupt remapping is on" sh -c 'dmesg | grep -q "Enabled IRQ remapping"'
	check "there are IOMMU groups" test -d /sys/kernel/iommu_groups/1

	step "physical functions"
	for pf in "$PF1" "$PF2"; do
		check "$pf is driven by igb" test "$(driver_of "$pf")" = igb
		check "$pf offers 7 VFs" is "$devices/$pf/sriov_totalvfs" 7
	done
	check "$NVME is driven by nvme" test "$(driver_of "$NVME")" = nvme
	check "$NVME offers 4 VFs" is "$devices/$NVME/sriov_totalvfs" 4
	check "the PFs are in groups of their own" groups_differ "$PF1" "$PF2"
	check "the two e1000 behind the bridge share a group" groups_agree 0000:05:01.0 0000:05:02.0
	check "interfaces have their names" test -e /sys/class/net/ens1f0 -a -e /sys/class/net/ens2f0
	check "the NVMe namespace holds its pattern (block 0)" block_is_pattern 0
	check "the NVMe namespace holds its pattern (block 12345)" block_is_pattern 12345

	step "virtual functions"
	check "2 VFs of $PF1" make_vfs "$PF1" 2
	check "2 VFs appear" wait_for 5 count_is "$PF1" 2
	vf=$(vfs_of "$PF1" | head -n 1)
	check "$vf is driven by igbvf" wait_for 5 test -e "$devices/$vf/driver"
	check "$vf is in a group of its own" groups_differ "$vf" "$PF1"
	check "vfio-pci loads" modprobe vfio-pci
	check "$vf goes to vfio-pci" bind_to "$vf" vfio-pci
	check "/dev/vfio/$(group_of "$vf") appears" wait_for 3 test -c "/dev/vfio/$(group_of "$vf")"
	check "2 VFs of $NVME" make_vfs "$NVME" 2
	check "2 NVMe VFs appear" wait_for 5 count_is "$NVME" 2
	nvf=$(vfs_of "$NVME" | head -n 1)
	check "the fresh NVMe VF has no driver: its controller is offline" test "$(driver_of "$nvf")" = -
	check "VFs go again" make_vfs "$PF1" 0
	check "NVMe VFs go again" make_vfs "$NVME" 0
	check "none is left" count_is "$PF1" 0

	step "KVM for guests in here"
	check "the processor has SVM" has_text /proc/cpuinfo ' svm '
	check "with nested paging" has_text /proc/cpuinfo ' npt '
	check "/dev/kvm is there" test -c /dev/kvm
	check "/dev/net/tun is there" test -c /dev/net/tun
	check "a guest kernel is there" test -s /guest/generic/vmlinuz
	check "and the cloud one" test -s /guest/cloud/vmlinuz
	printf 'written by L1' | dd of=/dev/nvme0n1 bs=512 seek=100 count=1 conv=notrunc,sync oflag=direct 2>/dev/null
	check "no kernel error so far" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}

verify() {
	verify_that "what L1 wrote is in the backing file" test "$(block_text 100)" = "written by L1"
	verify_that "its neighbour is untouched" test "$(block_text 101)" = "$(original_text 101)"
}
