# shellcheck shell=sh
# Why a function cannot be given to a guest: each cause made on the real kernel, told by `why`, and
# mended by the very command that it prints.
LAB_TIMEOUT=150
LAB_PROGRAMS="vfctl vfctl-vmm"

token_vf=

# why CODE TEXT SELECTOR…: what it says is shown, and kept in /tmp/why.
why() {
	why_code=$1 why_text=$2
	shift 2
	check_exit "$why_code" "$why_text" vfctl why "$@"
	cp /tmp/check.out /tmp/why
	sed 's/^/     /' /tmp/why
}

says() {
	grep -qE -e "$1" /tmp/why
}

# mend CHECK: runs the commands that the findings of that check print as their remedy.
mend() {
	awk -v name="$1" '$1 ~ /^(FAIL|warn)$/ { on = $2 == name } on && $1 == "fix:" { sub(/^ *fix: /, ""); print }' \
		/tmp/why >/tmp/fixes
	test -s /tmp/fixes || return 1
	sed 's/^/     # /' /tmp/fixes
	sh -e /tmp/fixes
}

host() {
	step "The host"
	check "nothing keeps functions from guests" vfctl doctor -v
	cp /tmp/check.out /tmp/why
	sed 's/^/     /' /tmp/why
	check "the IOMMU is on" says 'ok +iommu '
	check "interrupts are remapped" says 'ok +interrupt-remapping'
	check "the kernel's log was read" says 'ok +dma-faults'
	check "memory may be pinned" says 'ok +memlock'
	check "KVM is there" says 'ok +kvm'
	check "JSON says the same" sh -c "vfctl doctor --json=short | grep -q '\"ok\":true'"
}

host_driver() {
	step "A VF on its host driver, its PF down"
	must "VFs" vfctl create ens1f0 2
	why 6 "it is on its host driver" ens1f0/vf0
	check "that is said with its file" says "$devices/0000:01:10.0/driver: igbvf"
	check "the PF is down" says 'warn +pf-link'
	check "the random address is told" says 'warn +vf-mac'
	must "what it prints helps" mend driver
	check "so does it with the PF" mend pf-link
	why 0 "it can be given away" ens1f0/vf0
	check_not "the link is no complaint any more" says 'pf-link'
}

holder() {
	step "Held by a process"
	group=$(group_of 0000:01:10.0)
	sh -c "exec 3<>/dev/vfio/$group && exec sleep 60" &
	holder_pid=$!
	must "he has it" wait_for 5 has_open $holder_pid "/dev/vfio/$group"
	why 6 "somebody has it" ens1f0/vf0
	check "he is named" says "FAIL +holder .*pid $holder_pid "
	kill "$holder_pid"
	wait "$holder_pid"
	why 0 "he has let go" ens1f0/vf0
	check "back to the host" vfctl restore ens1f0/vf0
}

pf() {
	step "A PF with VFs; a bridge; a group of three"
	why 6 "the PF has VFs" ens1f0
	check "which is the first thing to know" sh -c 'sed -n 2p /tmp/why | grep -q pf-with-vfs'
	why 6 "bridges stay" 0000:04:00.0
	why 6 "the group is not viable" lan0
	check "the other is named, the bridge is not" says 'FAIL +group +0000:05:02.0'
	check "what it prints helps" mend group
	check "the function itself is next" mend driver
	why 0 "now the group is viable" 0000:05:01.0
	check "who is behind the bridge is still told" says 'warn +acs .*0000:05:02.0'
	check "back" vfctl restore 0000:05:01.0
	check "back" vfctl restore 0000:05:02.0
	/bin/ip link set "$(net_of 0000:05:01.0)" name lan0
	/bin/ip link set "$(net_of 0000:05:02.0)" name lan1
}

token() {
	step "A VF whose PF is driven from user space"
	must "vfio-pci may switch VFs" sh -c 'modprobe vfio-pci && echo Y >/sys/module/vfio_pci/parameters/enable_sriov'
	must "the PF goes to it" vfctl bind ens2f0 vfio-pci
	must "and makes a VF" vfctl create "$PF2" 1
	token_vf=$(link_name "$devices/$PF2/virtfn0")
	check "the kernel put it on vfio-pci" test "$(driver_of "$token_vf")" = vfio-pci
	why 6 "it needs a token" "$token_vf"
	check "that is said with the PF's driver" says 'FAIL +vf-token'
	check_exit 4 "opening it is refused" vfctl vm run --kernel /guest/generic/vmlinuz --vf "$token_vf"
	cp /tmp/check.out /tmp/why
	sed 's/^/     /' /tmp/why
	check "with the cause that a file confirms" says "physfn/driver: vfio-pci"
	check "and the kernel's own line" says 'kernel log: .*VF token'
	check "the VF goes" vfctl destroy "$PF2"
	echo N >/sys/module/vfio_pci/parameters/enable_sriov
	check "the PF comes back" vfctl restore "$PF2"
	/bin/ip link set "$(net_of "$PF2")" name ens2f0
}

errno() {
	step "From the kernel's errno to the cause"
	must "an NVMe VF" vfctl create nvme0 1
	why 6 "its controller is offline" nvme0/vf0
	check "that is said" says 'FAIL +nvme-online'
	check_exit 7 "nvme does not take it" vfctl bind nvme0/vf0 nvme
	cp /tmp/check.out /tmp/why
	sed 's/^/     /' /tmp/why
	check "because it is not ready" says 'controller is not ready'
	check "says the kernel, and not earlier lines" says 'kernel log: nvme .*Device not ready; aborting initialisation, CSTS=0x2'
	check "what helps is said" says 'online=yes'
	check "it does help" vfctl set nvme0/vf0 vq=2 vi=1 online=yes
	why 6 "only the driver is missing now" nvme0/vf0
	check_not "it is online" says 'FAIL +nvme-online'
	check "what it prints helps" mend driver
	why 0 "it can be given away" nvme0/vf0
	check "offline again" vfctl set nvme0/vf0 online=no
	check "gone" vfctl destroy nvme0
}

scenario() {
	snapshot "$(out before.txt)"
	host
	host_driver
	holder
	pf
	token
	errno
	step "Back"
	/bin/ip link set ens1f0 down
	check "VFs are removed" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
}
