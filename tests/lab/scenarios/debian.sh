# shellcheck shell=sh
# A whole Debian as host: what is tested there means something only when it is one.
LAB_ROOT=debian
LAB_TIMEOUT=200
LAB_PROGRAMS="vfctl"

# What failed while it came up; nothing should have.
nothing_failed() {
	systemctl --failed --no-legend --plain
	[ -z "$(systemctl --failed --no-legend --plain)" ]
}

bound_to() {
	[ "$(driver_of "$1")" = "$2" ]
}

scenario() {
	step "The machine is up"
	shown "systemd says so" systemctl is-system-running
	check "no unit failed" nothing_failed
	check "udevd runs" systemctl is-active systemd-udevd
	check "D-Bus answers" busctl --system call org.freedesktop.DBus / org.freedesktop.DBus ListNames
	check "polkit answers" busctl --system introspect org.freedesktop.PolicyKit1 /org/freedesktop/PolicyKit1/Authority
	shown "libvirtd answers" virsh --connect qemu:///system version
	check "udev loaded the PF's driver" bound_to "$PF1" igb
	check "it has KVM" test -c /dev/kvm

	step "vfctl on it"
	shown "the functions" vfctl list
	shown "a plain user sees them, too" runuser -u alice -- vfctl list "$PF1"
	shown "VFs are created" vfctl create "$PF1" 2
	vf=$(vfs_of "$PF1" | sed -n 1p)
	check "the VF is given to VFIO" vfctl bind "$vf"
	check "libvirt knows it" virsh nodedev-info "pci_$(echo "$vf" | tr :. __)"
	check "and back" vfctl restore "$vf"
	check "the VFs are removed" vfctl destroy "$PF1"
	check_exit 4 "a plain user may not change anything" runuser -u alice -- vfctl --direct create "$PF1" 1
}
