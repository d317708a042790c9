# shellcheck shell=sh
# Debian's unmodified generic and cloud kernels as guests: to user space on 1 to 4 processors, power-off, reboot;
# their drivers on every path that takes no function, and one interface of a function and its standby.
LAB_TIMEOUT=700
LAB_PROGRAMS="vfctl vfctl-vmm random-read"
# shellcheck disable=SC2034  # for lab: kernels.sh
LAB_DEVICES="-device pcie-root-port,id=rp6,chassis=6,slot=6,bus=pcie.0,addr=0x19
	-netdev hubport,id=n9,hubid=0 -device vmxnet3,bus=rp6,netdev=n9,mac=52:54:00:09:00:01"

write_guest() {
	cat >"$1" <<'GUEST'
echo "@@ kernel $(uname -r)"
echo "@@ processors $(nproc)"
echo "@@ memory $(awk '/^MemTotal/ { print int($2 / 1024) }' /proc/meminfo)"
echo "@@ clock $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
# Each processor takes timer interrupts of its own.
sleep 1
awk '/^ *LOC:/ { for (i = 2; $i ~ /^[0-9]+$/; i++) if ($i > 0) n++; print "@@ ticking", n }' /proc/interrupts
dmesg | grep -E 'BUG:|Oops|WARNING:|ACPI.*([Ee]rror|[Ii]nvalid)|APIC.*[Ff]ail' | sed 's,^,@@ complaint ,'
GUEST
}

boots() {
	flavour=$1
	cpus=$2
	name=$flavour$cpus
	step "$flavour kernel, $cpus processors"
	GUEST_KERNEL=$flavour guest_start "$name" /tmp/guest.sh --cpus "$cpus" --mem 256M
	check "it powers off cleanly" guest_ends_with "$name" 120 0
	check "it reached user space" guest_saw "$name" '^@@ begin'
	check "it runs $cpus processors" guest_saw "$name" "^@@ processors $cpus$"
	check "all of them tick" guest_saw "$name" "^@@ ticking $cpus$"
	check_not "its kernel has nothing to complain about" guest_saw "$name" '^@@ complaint'
}

scenario() {
	write_guest /tmp/guest.sh
	for flavour in generic cloud; do
		boots "$flavour" 1
		boots "$flavour" 4
	done
	boots generic 3
	check "it is the generic kernel" guest_saw generic1 '^@@ kernel .*[0-9]-amd64|^@@ kernel .*deb1[0-9]-amd64'
	check "it is the cloud kernel" guest_saw cloud1 '^@@ kernel .*cloud-amd64'

	must "a VF" vfctl create ens1f0 1
	must "bound" vfctl bind ens1f0/vf0 vfio-pci
	kernels_prepare ens1f0/vf0
	kernels_guest generic
	kernels_guest cloud
	kernels_done

	step "reboot"
	GUEST_APPEND="vfguest.end=reboot" guest_start again /tmp/guest.sh --cpus 1 --mem 256M
	check "the machine starts over" guest_wait_times again 120 2 '^@@ begin'
	kill -TERM "$(guest_pid again)"
	check "and stops when it is told to" guest_end again 20
}
