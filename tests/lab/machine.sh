# shellcheck shell=bash
# The L1 machine: q35 with an Intel IOMMU, SR-IOV capable network and NVMe controllers, in
# software emulation. Sourced by the lab command.
#
#   0000:01:00.0 ens1f0   igb (82576), 7 VFs      \
#   0000:02:00.0 ens2f0   igb (82576), 7 VFs      / one hub, so both PFs and all VFs hear each other
#   0000:03:00.0 nvme0    NVMe, 4 VFs, 8 VQ and 4 VI flexible resources
#   0000:05:01.0 lan0     e1000  \
#   0000:05:02.0 lan1     e1000  / behind one PCIe-to-PCI bridge: one IOMMU group
#
# Memory stays below the 4 GiB address space boundary: above it QEMU 10.0.2 truncates the BARs of
# igb's VFs to 32 bits. QEMU's amd-iommu does not translate VF DMA in this mode, hence the Intel
# IOMMU beside an AMD processor model (whose nested paging KVM needs).
#
# One processor, unless a scenario is about several: emulated by threads of their own, they get in each
# other's way. A timer is lost, or one still runs the breakpoint that another put into code and has
# taken out again, as Linux does wherever it patches itself. An interrupt of its own timer is acknowledged
# and then lost: the processor waits for ever with vector 236 in service. (QEMU 10.0.2; 7 of 60 boots on
# a busy machine failed of such.)

lab_memory=2560M
lab_cpus=1

root_port() {
	machine+=(-device "pcie-root-port,id=rp$1,chassis=$1,slot=$1,bus=pcie.0,addr=0x1$1")
}

# machine_arguments RUN_DIR: fills the array "machine".
machine_arguments() {
	local run=$1 more kernel=$cache/kernel/generic/vmlinuz
	[ "${LAB_KERNEL-}" != small ] || kernel=$small_kernel/bzImage
	[ "${LAB_KERNEL-}" != 6.1 ] || kernel=$cache/kernel/generic-6.1/vmlinuz
	machine=(qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot
		-name vfctl-lab -machine q35 -accel "tcg,thread=multi" -cpu "max,la57=off"
		-smp "${LAB_CPUS:-$lab_cpus}" -m "$lab_memory"
		-device "intel-iommu,intremap=on,device-iotlb=on")
	root_port 1
	root_port 2
	root_port 3
	root_port 4
	machine+=(
		-netdev "hubport,id=n0,hubid=0" -device "igb,bus=rp1,netdev=n0,mac=52:54:00:01:00:01"
		-netdev "hubport,id=n1,hubid=0" -device "igb,bus=rp2,netdev=n1,mac=52:54:00:01:00:02"
		-device "nvme-subsys,id=subsys0,nqn=subsys0"
		-drive "if=none,id=nvmd,file=$run/nvme.img,format=raw,cache=unsafe"
		-device "nvme,serial=vfctl-lab,id=nvme0,bus=rp3,subsys=subsys0,sriov_max_vfs=4,sriov_vq_flexible=8,sriov_vi_flexible=4,max_ioqpairs=12,msix_qsize=9,mdts=7"
		-device "nvme-ns,drive=nvmd,bus=nvme0,nsid=1,shared=on"
		-device "pcie-pci-bridge,id=bridge,bus=rp4"
		-netdev "hubport,id=n2,hubid=1" -device "e1000,bus=bridge,addr=1,netdev=n2,mac=52:54:00:02:00:01"
		-netdev "hubport,id=n3,hubid=1" -device "e1000,bus=bridge,addr=2,netdev=n3,mac=52:54:00:02:00:02"
		-virtfs "local,path=$run/share,mount_tag=lab,security_model=none"
		-virtfs "local,path=$cache/guest,mount_tag=guest,security_model=none,readonly=on"
		-chardev "pipe,id=monitor,path=$run/monitor" -mon "chardev=monitor,mode=readline"
		-kernel "$kernel" -initrd "$run/initrd")
	[ -z "${LAB_ROOT-}" ] || machine+=(-drive "if=none,id=rootd,file=$cache/$LAB_ROOT/root.img,format=raw,snapshot=on"
		-device "virtio-blk-pci,drive=rootd,addr=0x1e")
	# What only this scenario's machine has.
	read -r -d '' -a more <<<"${LAB_DEVICES-}" || true
	machine+=("${more[@]}")
}

# The namespace's content: every 512-byte block is a line of text that holds its own number.
namespace_blocks=32768

make_namespace() {
	local pattern=$cache/nvme-pattern.img
	if [ ! -e "$pattern" ]; then
		seq -f 'vfctl lab block %0495.0f' 0 $((namespace_blocks - 1)) >"$pattern.$$"
		mv "$pattern.$$" "$pattern"
	fi
	cp "$pattern" "$1"
}
