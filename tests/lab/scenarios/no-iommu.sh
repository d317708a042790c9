# shellcheck shell=sh
# A machine whose IOMMU is off: everything that needs none works, the rest is refused with reason.
LAB_TIMEOUT=90
LAB_PROGRAMS="vfctl"
LAB_APPEND="intel_iommu=off"

scenario() {
	snapshot "$(out before.txt)"
	check "there is no IOMMU group" test ! -e /sys/kernel/iommu_groups/0
	shown "functions are listed" vfctl list
	shown "there are no groups to list" vfctl groups
	shown "VFs are created" vfctl create ens1f0 2
	step "Refused"
	check_exit 6 "a VF cannot go to vfio-pci" vfctl bind ens1f0/vf0 vfio-pci
	sed 's/^/     /' /tmp/check.out
	cp /tmp/check.out /tmp/refusal
	check "because the IOMMU is off" grep -qi iommu /tmp/refusal
	check "what to do is said" grep -q hint: /tmp/refusal
	check "it keeps its driver" test "$(driver_of "$(link_name "$devices/$PF1/virtfn0")")" = igbvf
	step "Why, and what helps"
	check_exit 6 "why knows" vfctl why ens1f0/vf0
	cp /tmp/check.out /tmp/refusal
	sed 's/^/     /' /tmp/refusal
	check "first of all the IOMMU, and where it was switched off" \
		sh -c 'sed -n 2,4p /tmp/refusal | tr "\n" " " | grep -q "FAIL *iommu .*/proc/cmdline: intel_iommu=off.*fix: remove"'
	check_exit 6 "the doctor knows, too" vfctl doctor
	cp /tmp/check.out /tmp/refusal
	sed 's/^/     /' /tmp/refusal
	check "for the same reason" grep -qE 'FAIL +iommu ' /tmp/refusal
	step "Back"
	shown "VFs are removed" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
}
