# shellcheck shell=sh
# Debian 12's own kernel as the host, and older and smaller kernels as guests: functions at boot, more
# of them while they run. VFIO of Linux 6.1 cannot add vectors to MSI-X that is on, and says nothing
# of PCI functions' own nodes. The drivers of 6.1 on every path that takes no
# function, and one interface of a function and its standby.
LAB_KERNEL=6.1
LAB_TIMEOUT=400
LAB_PROGRAMS="vfctl vfctl-vmm random-read"
# shellcheck disable=SC2034  # for lab: kernels.sh
LAB_DEVICES="-device pcie-root-port,id=rp6,chassis=6,slot=6,bus=pcie.0,addr=0x19
	-netdev hubport,id=n9,hubid=0 -device vmxnet3,bus=rp6,netdev=n9,mac=52:54:00:09:00:01"

# Tells what comes and goes, three times, for others' words may stand in the middle of a line; and
# reads all the time.
write_guest() {
	cat >"$1" <<'GUEST'
echo "@@ kernel $(uname -r)"
modprobe -a -q nvme igbvf
n=0
times=0
while [ "$n" -lt 1000 ]; do
	now="$(for d in /sys/bus/pci/drivers/nvme/0000:* /sys/bus/pci/drivers/igbvf/0000:*; do
		[ -e "$d" ] && echo "${d##*:}"; done | sort | tr '\n' ' ')"
	[ "$now" = "$before" ] || { n=$((n + 1)) before=$now times=3; }
	[ "$times" = 0 ] || { echo "@@ change $n: ${now:-nothing}" && times=$((times - 1)); }
	for d in /dev/nvme*n1; do
		[ -b "$d" ] || continue
		got=$(dd if=$d bs=512 skip=100 count=1 iflag=direct 2>/dev/null | tr -d '\0' | sed 's/block 0*/block /')
		[ "$got" = "$said" ] || echo "@@ read: $got"
		said=$got
	done
	[ "$n" -lt 3 ] || [ -n "$told" ] || [ "$times" != 0 ] || {
		told=yes
		# On every processor, so that each queue's vector has to be there.
		for cpu in 0 1; do
			taskset -c $cpu dd if=$(ls /dev/nvme*n1 | head -n 1) of=/dev/null bs=4k count=200 iflag=direct 2>/dev/null && echo "@@ processor $cpu reads"
		done
		echo "@@ vectors in use $(awk '/nvme/ { n = 0; for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i; if (n) used++ } END { print used + 0 }' /proc/interrupts)"
	}
	dmesg -c | grep -E 'BUG:|Oops|WARNING:|nvme.*(timeout|abort)' | sed 's,^,@@ complaint ,'
	sleep 0.2
done
GUEST
}

prepare() {
	must "this is Linux 6.1" sh -c 'uname -r | grep "^6\.1\."'
	must "VFs" vfctl create ens1f0 1
	must "NVMe VFs" vfctl create nvme0 2
	must "queues for nvme0/vf0" vfctl set nvme0/vf0 vq=2 vi=1
	must "queues for nvme0/vf1" vfctl set nvme0/vf1 vq=2 vi=1
	must "online" vfctl set nvme0/vf0-1 online=yes
	must "bound" vfctl bind ens1f0/vf0 vfio-pci
	must "bound" vfctl bind nvme0/vf0-1 vfio-pci
	/bin/ip link set ens1f0 up
	check "a function is proved" vfctl test nvme0/vf0
	echo "lab: proved, with faults on purpose" >/dev/kmsg
}

# guest FLAVOUR VERSION [FUNCTION]: what it is given while it runs.
guest() {
	step "A guest of $1"
	GUEST_KERNEL=$1 guest_start "$1" /tmp/guest.sh --name "$1" --cpus 2 --mem 256M --vf nvme0/vf0
	check "its driver has the one" guest_wait "$1" 60 '^@@ change 1: 01\.0 $'
	check "it is that kernel" guest_saw "$1" "^@@ kernel $2"
	check "it reads" guest_wait "$1" 30 '^@@ read: vfctl lab block 100$'
	check "another is attached" vfctl vm attach "$1" --vf "$3"
	check "its driver finds it" guest_wait "$1" 30 '^@@ change 2: 01\.0 0[0-9]\.0 $'
	check "and is detached" vfctl vm detach "$1" --vf "$3"
	check "its driver has let go" guest_wait "$1" 20 '^@@ change 3: 01\.0 $'
	check "both processors read" guest_wait "$1" 30 '^@@ vectors in use [0-9]'
	check "both have" test "$(grep -c '^@@ processor . reads' "/tmp/$1.console")" = 2
	check "by interrupts" guest_saw "$1" '^@@ vectors in use [1-9]'
	check_not "its kernel has nothing to complain about" guest_saw "$1" '^@@ complaint'
	check "it ends when it is told to" vfctl vm stop "$1" --force
	check "with success" guest_ends_with "$1" 20 0
}

scenario() {
	snapshot "$(out before.txt)"
	write_guest /tmp/guest.sh
	prepare
	guest generic-6.1 6.1. ens1f0/vf0
	guest cloud-6.1 '6.1.*cloud' nvme0/vf1
	guest cloud '6.12.*cloud' nvme0/vf1
	kernels_prepare ens1f0/vf0
	kernels_guest generic-6.1
	kernels_guest cloud-6.1
	kernels_done
	step "Give back"
	check "restored" vfctl restore ens1f0/vf0 nvme0/vf0-1
	/bin/ip link set ens1f0 down
	check "offline" vfctl set nvme0/vf0-1 online=no
	check "gone" vfctl destroy nvme0
	check "gone" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
	check "the kernel has nothing to complain about" sh -c '! dmesg | sed "1,/lab: proved/d" | grep -E "BUG:|Oops|WARNING:|DMAR: \["'
}
