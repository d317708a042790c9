# shellcheck shell=sh
# Functions that come and go under a running guest: attached, detached, taken back by the host while
# the guest reads, and attached anew.
LAB_TIMEOUT=500
LAB_PROGRAMS="vfctl vfctl-vmm"

# Tells whenever something comes or goes, and reads from each disk that is there, all the time. It
# tells it three times: what the VMM says meanwhile may stand in the middle of a line.
write_guest() {
	cat >"$1" <<'GUEST'
modprobe -a nvme igbvf 2>/dev/null
before=
n=0
times=0
echo "@@ slots $(ls /sys/bus/pci/slots | wc -l)"
while [ "$n" -lt 100000 ]; do
	now="$(for d in /sys/bus/pci/drivers/nvme/0000:* /sys/bus/pci/drivers/igbvf/0000:*; do
		[ -e "$d" ] && echo "${d##*:}"; done | sort | tr '\n' ' ')"
	if [ "$now" != "$before" ]; then
		n=$((n + 1))
		before=$now
		times=3
	fi
	if [ "$times" -gt 0 ]; then
		echo "@@ change $n: ${now:-nothing}"
		times=$((times - 1))
	fi
	for d in /dev/nvme*n1; do
		[ -b "$d" ] || continue
		got=$(dd if=$d bs=512 skip=100 count=1 iflag=direct 2>/dev/null | tr -d '\0' | sed 's/block 0*/block /')
		[ "$got" = "$said" ] || echo "@@ read: $got"
		said=$got
	done
	dmesg -c | grep -E 'BUG:|Oops|WARNING:' | sed 's,^,@@ complaint ,'
	sleep 0.2
done
GUEST
}

vf() {
	link_name "$devices/$1/virtfn$2"
}

prepare() {
	must "VFs" vfctl create ens1f0 2
	must "NVMe VFs" vfctl create nvme0 2
	for i in 0 1; do
		must "queues for nvme0/vf$i" vfctl set nvme0/vf$i vq=2 vi=1
		must "nvme0/vf$i online" vfctl set nvme0/vf$i online=yes
	done
	must "bound" vfctl bind ens1f0/vf0-1 vfio-pci
	must "bound" vfctl bind nvme0/vf0-1 vfio-pci
	/bin/ip link set ens1f0 up
}

functions_of_guest() {
	vfctl --no-legend vm list -o FUNCTIONS
}

has() {
	functions_of_guest | grep -q "$1"
}

has_not() {
	! has "$1"
}

group_is_free() {
	for fd in /proc/[0-9]*/fd/*; do
		[ "$(readlink "$fd")" != "/dev/vfio/$(group_of "$1")" ] || return 1
	done
}

# All that is not trapped of their BARs is in the host's IOMMU, of both.
reach_each_other() {
	vfctl --json=short vm explain web1 >/tmp/explain
	[ "$(grep -o '"bytes":[1-9][0-9]*,"why_not":null' /tmp/explain | wc -l)" -ge 2 ] &&
		! grep -q '"why_not":"' /tmp/explain
}

comes_and_goes() {
	step "One more, and back, three times"
	second=$(vf "$NVME" 1)
	for i in 1 2 3; do
		check "attached" vfctl vm attach web1 --vf nvme0/vf1
		check "its driver finds it" guest_wait web1 30 "^@@ change $((i * 2)): 0[0-9]\.0 0[0-9]\.0 "
		check "the guest has it" has "$second"
		check "each reaches the other by DMA" wait_for 10 reach_each_other
		check "detached" vfctl vm detach web1 --vf nvme0/vf1
		check "its driver has let go" guest_wait web1 10 "^@@ change $((i * 2 + 1)): 0[0-9]\.0 \$"
		check "its group is free" wait_for 5 group_is_free "$second"
	done
	shown "how it has them" vfctl vm explain web1
	shown "counters" vfctl vm stats web1
}

forced() {
	step "Taken away without asking"
	check "attached" vfctl vm attach web1 --vf ens1f0/vf1
	check "its driver finds it" guest_wait web1 30 "^@@ change 8: 0[0-9]\.0 0[0-9]\.0 "
	check "by force, while its driver is at it" vfctl vm detach web1 --vf ens1f0/vf1 --force
	check "its driver notices" guest_wait web1 20 "^@@ change 9: 0[0-9]\.0 \$"
}

taken_back() {
	step "The host unbinds a VF that the guest reads from"
	first=$(vf "$NVME" 0)
	check "unbound" timeout 60 sh -c "echo $first >$devices/$first/driver/unbind"
	check "the guest knows" guest_wait web1 20 '^@@ change 10: nothing$'
	check "it has none" wait_for 5 has_not 0000
	shown "guests" vfctl vm list
	check "as lost" sh -c "vfctl vm list -o LOST | grep -q '$first: the host took it back'"

	step "A guest without functions gets one: with a new container"
	must "bound again" vfctl bind nvme0/vf0 vfio-pci
	check "attached" vfctl vm attach web1 --vf nvme0/vf0
	check "its driver finds it" guest_wait web1 30 '^@@ change 11: 0[0-9]\.0 $'

	step "All VFs of a PF are removed under it"
	check "attached" vfctl vm attach web1 --vf ens1f0/vf0
	check "its driver finds it" guest_wait web1 30 '^@@ change 12: 0[0-9]\.0 0[0-9]\.0 $'
	check "removed" timeout 90 sh -c "echo 0 >$devices/$PF1/sriov_numvfs"
	check "the guest knows" guest_wait web1 20 '^@@ change 13: 0[0-9]\.0 $'
	check "the disk still reads" test "$(grep -c '^@@ read: vfctl lab block 100$' /tmp/web1.console)" -ge 1
}

scenario() {
	write_guest /tmp/guest.sh
	prepare
	step "A guest with one NVMe VF"
	guest_start web1 /tmp/guest.sh -v --name web1 --cpus 1 --mem 256M --vf nvme0/vf0
	must "its driver has it" guest_wait web1 60 '^@@ change 1: 01\.0 $'
	must "it reads" guest_wait web1 30 '^@@ read: vfctl lab block 100$'
	comes_and_goes
	forced
	taken_back
	check_not "its kernel has nothing to complain about" guest_saw web1 '^@@ complaint'
	check "it ends when it is told to" vfctl vm stop web1 --force
	check "with success" guest_ends_with web1 20 0
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:|DMAR: \["'
}
