# shellcheck shell=sh
# Requests that cannot be met, on a real kernel: each gets its documented exit code, a one-line
# reason, a hint, and leaves the machine as it was.
LAB_TIMEOUT=400
LAB_PROGRAMS="vfctl vfctl-vmm"

kernel=/guest/generic/vmlinuz

# refused STATUS PATTERN TEXT COMMAND…: and the machine is the same as before.
refused() {
	want=$1
	pattern=$2
	text=$3
	shift 3
	snapshot /tmp/machine.before
	say "\$ $*"
	timeout -s KILL 30 "$@" >/tmp/check.out 2>&1
	status=$?
	sed 's/^/     /' /tmp/check.out
	cp /tmp/check.out /tmp/refusal
	lab_verdict $status "$want" "$text"
	check "  says why" grep -qE "$pattern" /tmp/refusal
	check "  and what to do" grep -q 'hint:' /tmp/refusal
	snapshot /tmp/machine.after
	check "  and changes nothing" diff /tmp/machine.before /tmp/machine.after
}

vm() {
	refused_status=$1
	refused_pattern=$2
	refused_text=$3
	shift 3
	refused "$refused_status" "$refused_pattern" "$refused_text" vfctl vm run --mem 128M "$@"
}

names() {
	step "Names: unknown, ambiguous, vanished"
	refused 3 'nosuch0' "an interface that is not there" vfctl create nosuch0 2
	refused 3 '0000:77:00.0' "an address that is not there" vfctl show 0000:77:00.0
	refused 3 'VF 0' "a VF that does not exist yet" vfctl bind ens1f0/vf0 vfio-pci
	refused 2 '0000:02:00.0' "more than one PF matches" vfctl create driver=igb 2
	refused 2 'crate' "a misspelt verb" vfctl crate ens1f0 2
	refused 2 'mac' "a value that is no MAC address" vfctl set ens1f0 mac=52:54:00
	echo 1 >"$devices/0000:05:02.0/remove"
	refused 3 'lan1' "a function that has gone" vfctl bind lan1 vfio-pci
	echo 1 >/sys/bus/pci/rescan
	check "it comes back" wait_for 5 test -e "$devices/0000:05:02.0/driver"
	/bin/ip link set "$(net_of 0000:05:02.0)" name lan1
}

numbers() {
	step "Numbers of VFs"
	refused 7 '7' "more VFs than the PF has" vfctl create ens1f0 8
	refused 2 'many' "a number that is none" vfctl create ens1f0 many
	refused 7 'sriov|SR-IOV' "a function without SR-IOV" vfctl create lan0 1
	echo "$PF2" >/sys/bus/pci/drivers/igb/unbind
	refused 7 'driver' "a PF without a driver" vfctl create "$PF2" 2
	echo "$PF2" >/sys/bus/pci/drivers/igb/bind
	/bin/ip link set "$(net_of "$PF2")" name ens2f0
}

# Groups, holders and limits need VFs.
assignment() {
	step "Assignment: foreign members, holders, limits"
	must "2 VFs of ens1f0" vfctl create ens1f0 2
	must "bound to vfio-pci" vfctl bind ens1f0/vf0-1 vfio-pci
	refused 6 'igb' "a function that still has its host driver" vfctl vm run --mem 128M --kernel $kernel --vf ens2f0

	modprobe vfio-pci
	echo vfio-pci >"$devices/0000:05:01.0/driver_override"
	echo 0000:05:01.0 >/sys/bus/pci/drivers/e1000/unbind
	echo 0000:05:01.0 >/sys/bus/pci/drivers_probe
	vm 6 '0000:05:02.0' "a group with a foreign member" --kernel $kernel --vf 0000:05:01.0
	echo 0000:05:01.0 >/sys/bus/pci/drivers/vfio-pci/unbind
	echo >"$devices/0000:05:01.0/driver_override"
	echo 0000:05:01.0 >/sys/bus/pci/drivers_probe
	/bin/ip link set "$(net_of 0000:05:01.0)" name lan0

	printf 'echo "@@ holding"; read -r word\n' >/tmp/hold.sh
	guest_start holder /tmp/hold.sh --cpus 1 --mem 128M --vf ens1f0/vf0
	must "a guest holds the first VF" guest_wait holder 60 '^@@ holding'
	refused 5 "$(basename "$(readlink "$devices/$PF1/virtfn0")")" "VFs in use are not destroyed, and nothing hangs" vfctl destroy ens1f0
	refused 5 'vfctl-vmm|[0-9]+' "nor rebound" vfctl unbind ens1f0/vf0
	vm 5 'vf0|0000:01:10.0' "nor given to a second guest" --kernel $kernel --vf ens1f0/vf0
	guest_tell holder "enough"
	check "the holder ends" guest_ends_with holder 30 0

	memlock
	check "the VFs go" vfctl destroy ens1f0
}

# Root may lock what it likes, so this is an ordinary user who was given the group and KVM.
memlock() {
	group=/dev/vfio/$(group_of "$(link_name "$devices/$PF1/virtfn1")")
	chown nobody "$group" /dev/kvm
	refused 6 'memlock|MEMLOCK' "too little memory may be locked" \
		su -s /bin/sh nobody -c "ulimit -l 64; vfctl vm run --mem 128M --kernel $kernel --vf ens1f0/vf1"
	chown root "$group" /dev/kvm
	refused 4 'ermission' "a user who may not open the group" \
		su -s /bin/sh nobody -c "vfctl vm run --mem 128M --kernel $kernel --vf ens1f0/vf1"
	refused 4 'ermission' "a user who may not create VFs" su -s /bin/sh nobody -c "vfctl create ens2f0 1"
}

files() {
	step "Files of a guest"
	vm 3 'nosuch' "no kernel image there" --kernel /nosuch
	vm 2 'passwd' "a kernel image that is none" --kernel /etc/passwd
	head -c 100000 $kernel >/tmp/short
	vm 2 'short' "a kernel image cut short" --kernel /tmp/short
	vm 2 'tmp' "a disk that is a directory" --kernel $kernel --disk /tmp
	vm 3 'nosuch.img' "a disk that is not there" --kernel $kernel --disk /nosuch.img
	vm 2 'cpus' "a number of CPUs that is none" --kernel $kernel --cpus 0
	refused 2 'mem' "an amount of memory that is none" vfctl vm run --mem 3X --kernel $kernel
	mv /dev/kvm /dev/kvm.away
	vm 7 '/dev/kvm' "no /dev/kvm" --kernel $kernel
	mv /dev/kvm.away /dev/kvm
}

scenario() {
	snapshot "$(out before.txt)"
	names
	numbers
	assignment
	files
	snapshot "$(out after.txt)"
	step "In the end"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
}
