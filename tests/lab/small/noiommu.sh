# shellcheck shell=sh
# No IOMMU, and a kernel that would give functions away without one: only if it is told to, loudly,
# and never to a guest.
LAB_KERNEL=small
LAB_TIMEOUT=90
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_APPEND="intel_iommu=off"

switch=/sys/module/vfio/parameters/enable_unsafe_noiommu_mode

scenario() {
	snapshot "$(out before.txt)"
	must "there is no IOMMU group" test ! -e /sys/kernel/iommu_groups/0
	must "VFs" vfctl create ens1f0 1
	function=$(link_name "$devices/$PF1/virtfn0")
	step "Not told to"
	check "a VF cannot go to vfio-pci" fails_with 6 vfctl bind ens1f0/vf0 vfio-pci
	check "because there is no IOMMU" said 'no active IOMMU'
	check "it keeps its driver" driver_is "$function" igbvf
	step "Told to"
	must "the kernel takes that" sh -c "echo Y >$switch && grep Y $switch"
	check "it can" sh -c 'vfctl bind ens1f0/vf0 vfio-pci 2>/tmp/bind.txt'
	check "which is said loudly" grep 'UNSAFE.*any memory' /tmp/bind.txt
	check "the node is there" wait_for 5 test -c "/dev/vfio/noiommu-$(link_name "$devices/$function/iommu_group")"
	check "the doctor warns" sh -c 'vfctl doctor | grep -q "^ *warn *no-iommu-mode .*UNSAFE"'
	step "No guest gets it"
	check "a test refuses" fails_with 6 vfctl test ens1f0/vf0
	check "with the reason" said 'any memory'
	check "a guest is refused" fails_with 6 vfctl vm run --kernel "$lab_guest/generic/vmlinuz" --vf ens1f0/vf0
	check "with the reason" said 'any memory'
	step "Back"
	check "restored" vfctl restore ens1f0/vf0
	check "its driver has it" driver_is "$function" igbvf
	echo N >$switch
	check "gone" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
}
