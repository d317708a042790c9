# shellcheck shell=sh
# iommufd and functions' own nodes, on a kernel that has them: proved on the functions, used by
# guests, taken away from VMMs that die; and VFs whose PF a guest has.
LAB_KERNEL=small
LAB_TIMEOUT=400
LAB_PROGRAMS="vfctl vfctl-vmm"

TOKEN=2ab74924-c335-45f4-9b16-8569e5b08258

write_guest() {
	cat >"$1" <<'GUEST'
i=0
disk() {
	ls /dev/nvme*n1 2>/dev/null | head -n 1
}
until [ -b "$(disk)" ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
block() {
	dd if=$(disk) bs=512 skip=$1 count=1 iflag=direct 2>/dev/null | tr -d '\0' | sed 's/block 0*/block /'
}
echo "@@ block 100: $(block 100)"
for word in $(cat /proc/cmdline); do
	[ "${word#vfguest.word=}" != "$word" ] || continue
	printf '%-511s\n' "written by ${word#*word=}" | dd of=$(disk) bs=512 seek=300 oflag=direct 2>/dev/null && echo "@@ wrote"
done
for d in /sys/bus/pci/drivers/nvme/0000:*; do
	echo 1 >$d/reset && echo "@@ reset"
done
i=0
until [ -b "$(disk)" ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
echo "@@ block 200 after reset: $(block 200)"
dd if=$(disk) of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null && echo "@@ read 4 MiB"
for net in /sys/bus/pci/drivers/igbvf/*/net/*; do
	[ -e "$net" ] && echo "@@ net ${net##*/}"
done
dmesg | grep -E 'BUG:|Oops|WARNING:|nvme.*(timeout|abort)' | sed 's,^,@@ complaint ,'
echo "@@ done"
grep -q vfguest.wait /proc/cmdline && read -r word
true
GUEST
}

# A guest that has a PF, and does nothing with it.
write_idle() {
	cat >"$1" <<'GUEST'
echo "@@ functions $(ls /sys/bus/pci/drivers/igb | grep -c ^0000)"
echo "@@ done"
read -r word
GUEST
}

vf() {
	link_name "$devices/$1/virtfn$2"
}

node_of() {
	for lab_node in "$devices/$1"/vfio-dev/vfio*; do
		echo "/dev/vfio/devices/${lab_node##*/}"
	done
}

vmm_of() {
	awk -v parent="$(guest_pid "$1")" '$4 == parent { print $1 }' /proc/[0-9]*/stat 2>/dev/null
}

# opened PID: what it has open of VFIO, one name a line
opened() {
	for lab_fd in "/proc/$1/fd"/*; do
		readlink "$lab_fd"
	done | grep -E '^(/dev/vfio|/dev/iommu|anon_inode:.vfio)' | sort
}

has_only_nodes() {
	opened "$1" >/tmp/opened
	cat /tmp/opened
	[ "$(cat /tmp/opened)" = "$(printf '/dev/iommu\n%s' "$2")" ]
}

prepare() {
	step "VFs of both kinds, on vfio-pci"
	must "the kernel has iommufd" test -c /dev/iommu
	must "VFs" vfctl create ens1f0 2
	must "NVMe VFs" vfctl create nvme0 2
	must "queues" vfctl set nvme0/vf0-1 vq=2 vi=1
	must "online" vfctl set nvme0/vf0-1 online=yes
	must "bound" vfctl bind ens1f0/vf0-1 vfio-pci
	must "bound" vfctl bind nvme0/vf0-1 vfio-pci
	must "there are nodes" wait_for 5 test -c "$(node_of "$(vf "$NVME" 0)")"
	/bin/ip link set ens1f0 up
}

proved_by() {
	vfctl test "$1" --vfio "$2" -o CHECK,VERDICT,RESULT,EVIDENCE >/tmp/proof || { cat /tmp/proof && return 1; }
	cat /tmp/proof
	grep -q "$3, pages" /tmp/proof
}

proofs() {
	step "Proved on the functions"
	check "an NVMe VF, by what the kernel has" proved_by nvme0/vf0 auto iommufd
	check "the same by its group" proved_by nvme0/vf0 type1 'type1 IOMMU'
	check "a network VF" proved_by ens1f0/vf0 iommufd iommufd
}

guest_is_well() {
	check "it ends by itself" guest_ends_with "$1" 120 0
	check "VFIO by $2, as told" guest_saw "$1" "^vfctl: VFIO by $2"
	check "and reported" guest_saw "$1" "\"vfio\":\"$2\""
	check "it reads the namespace" guest_saw "$1" '^@@ block 100: vfctl lab block 100$'
	check "it writes" guest_saw "$1" '^@@ wrote'
	check "it works after a reset" guest_saw "$1" '^@@ block 200 after reset: vfctl lab block 200$'
	check "it reads 4 MiB" guest_saw "$1" '^@@ read 4 MiB'
	check_not "its kernel has nothing to complain about" guest_saw "$1" '^@@ complaint'
	check "registers never trapped" sh -c "grep '\"reason\"' /tmp/$1.console | grep -q trapped_reads && \
		! grep '\"reason\"' /tmp/$1.console | grep -qE '\"trapped_(reads|writes)\":[1-9]'"
}

guests() {
	step "A guest with both"
	vfctl vm run --dry-run --kernel "$lab_guest/generic/vmlinuz" --vf nvme0/vf0 >/tmp/plan
	cat /tmp/plan
	check "the plan says iommufd" grep -q ' vfio *iommufd' /tmp/plan
	GUEST_APPEND="vfguest.word=iommufd" guest_start both /tmp/guest.sh -v --cpus 2 --mem 320M \
		--vf nvme0/vf0 --vf ens1f0/vf0 --record /tmp/both.trace
	guest_is_well both iommufd
	check "the network function is there" guest_saw both '^@@ net '
	cp /tmp/both.trace "$(out both.trace)"
	step "By groups, as was wished"
	GUEST_APPEND="vfguest.word=type1" guest_start groups /tmp/guest.sh -v --mem 256M --vfio type1 --vf nvme0/vf0
	guest_is_well groups type1
	step "Huge pages"
	echo 160 >/proc/sys/vm/nr_hugepages
	GUEST_APPEND="vfguest.word=huge" guest_start huge /tmp/guest.sh -v --mem 256M --huge-pages --vf nvme0/vf0
	guest_is_well huge iommufd
	echo 0 >/proc/sys/vm/nr_hugepages
}

# waiting_guest NAME [KEY=…]
waiting_guest() {
	GUEST_APPEND="vfguest.wait" guest_start "$1" /tmp/guest.sh --name "$1" --mem 256M \
		--record "/tmp/$1.trace" --vf "nvme0/vf0${2:+,$2}"
	must "guest $1 works" guest_wait "$1" 60 '^@@ done'
}

nobody_has() {
	! opened_by_anyone | grep -q "$1"
}

opened_by_anyone() {
	for lab_proc in /proc/[0-9]*; do
		opened "${lab_proc#/proc/}" 2>/dev/null
	done
}

lives() {
	step "Held, and free again"
	node=$(node_of "$(vf "$NVME" 0)")
	waiting_guest held
	vmm=$(vmm_of held)
	check "the VMM has one iommufd and one node, no group" has_only_nodes "$vmm" "$node"
	check "another guest is refused" fails_with 5 vfctl vm run --kernel "$lab_guest/generic/vmlinuz" --vf nvme0/vf0
	check "with the name of who has it" said vfctl-vmm
	check "by its group as well" fails_with 5 vfctl vm run --kernel "$lab_guest/generic/vmlinuz" --vfio type1 --vf nvme0/vf0
	check "a test, too" fails_with 5 vfctl test nvme0/vf0
	kill -9 "$vmm"
	check "a VMM that is killed is told" guest_ends_with held 20 1
	check "the node is free" wait_for 5 nobody_has "$node"
	for i in 1 2 3; do
		waiting_guest "again$i"
		kill -9 "$(vmm_of "again$i")"
		check "killed and given anew, $i" guest_ends_with "again$i" 20 1
	done
	step "The host takes it back"
	waiting_guest robbed on-loss=stop
	nvme_vf=$(vf "$NVME" 0)
	(echo "$nvme_vf" >/sys/bus/pci/drivers/vfio-pci/unbind) &
	check "the guest is ended" guest_ends_with robbed 30 1
	check "the host has it" wait_for 10 test ! -e "$devices/$(vf "$NVME" 0)/driver"
	must "bound again" vfctl bind nvme0/vf0 vfio-pci

	step "A guest that goes on without, and gets another"
	waiting_guest plugged
	check "it lets go of it" vfctl vm detach plugged --vf nvme0/vf0
	check "the node is free" wait_for 5 nobody_has "$node"
	check "there is no iommufd left open" wait_for 5 nobody_has /dev/iommu
	check "it gets one by iommufd again" vfctl vm attach plugged --vf nvme0/vf1
	check "of which it has the node" sh -c "vfctl vm list --json | grep -q '$(vf "$NVME" 1)'"
	check "not its group" has_only_nodes "$(vmm_of plugged)" "$(node_of "$(vf "$NVME" 1)")"
	guest_tell plugged end
	check "it ends" guest_ends_with plugged 30 0
	cp /tmp/robbed.trace "$(out robbed.trace)"
	cp /tmp/plugged.trace "$(out plugged.trace)"
}

# A PF that one process has with a token; its VF another, with the same.
token() {
	step "A VF whose PF is another guest's"
	echo 1 >/sys/module/vfio_pci/parameters/enable_sriov
	must "the PF goes to vfio-pci" vfctl bind "$PF2" vfio-pci
	must "and makes a VF there" vfctl create "$PF2" 1
	child=$(vf "$PF2" 0)
	check "which VFIO has at once" driver_is "$child" vfio-pci
	guest_start owner /tmp/idle.sh --mem 256M --vf "$PF2,vf-token=$TOKEN"
	must "a guest has the PF" guest_wait owner 60 '^@@ done'
	check "without the token its VF is refused" fails_with 4 vfctl test "$child"
	check "with another as well" fails_with 4 vfctl test "$child" --vf-token "00000000${TOKEN#????????}"
	check "by its node nobody would check it: not with this kernel" \
		fails_with 7 vfctl vm run --kernel "$lab_guest/generic/vmlinuz" --vfio iommufd --vf "$child,vf-token=$TOKEN"
	check "which is said" said 'Linux 6.17'
	guest_start child /tmp/idle.sh -v --mem 256M --vf "$child,vf-token=$TOKEN"
	check "with it a second guest gets the VF" guest_wait child 60 '^@@ done'
	check "by its group" guest_saw child '^vfctl: VFIO by type1: VF tokens'
	guest_tell child end
	check "it ends" guest_ends_with child 30 0
	guest_tell owner end
	check "the owner ends" guest_ends_with owner 30 0
	check "the VF goes" vfctl destroy "$PF2"
	check "the PF is the host's again" vfctl restore "$PF2"
	/bin/ip link set "$(net_of "$PF2")" name ens2f0
	echo 0 >/sys/module/vfio_pci/parameters/enable_sriov
}

scenario() {
	snapshot "$(out before.txt)"
	write_guest /tmp/guest.sh
	write_idle /tmp/idle.sh
	prepare
	proofs
	guests
	lives
	token

	step "Give back"
	check "restored" vfctl restore ens1f0/vf0-1
	check "restored" vfctl restore nvme0/vf0-1
	/bin/ip link set ens1f0 down
	check "offline" vfctl set nvme0/vf0-1 online=no
	check "gone" vfctl destroy nvme0
	check "gone" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}

verify() {
	verify_that "what the last guest wrote is on the disk" [ "$(block_text 300 | sed 's/ *$//')" = "written by huge" ]
	verify_that "what was recorded goes the same way without the functions" \
		"$here/../replay" "$OUT/both.trace" "$OUT/robbed.trace" "$OUT/plugged.trace"
	verify_that "and nothing else" [ "$(block_text 301)" = "$(original_text 301)" ]
}
