# shellcheck shell=sh
# Functions of every kind, and the ways to lose them: a line for an interrupt, no reset of its own, a
# group of several, a PF whose VF is another guest's; errors, and cards that are pulled out. Two
# guests, and several functions of one, at once.
LAB_TIMEOUT=350
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_GUESTS=yes
# Two edu, one of which cannot be reset; cards that can be pulled and that can report errors; one of
# two functions that have neither messages nor resets of their own, and a NIC that hears them.
#
# Not the two behind the bridge: what the IOMMU sees of them is the bridge's own number, and for that
# Linux 6.12 leaves in its caches what held before VFIO came, so that they read and write elsewhere.
LAB_DEVICES="
-device pcie-root-port,id=rp5,chassis=5,slot=5,bus=pcie.0,addr=0x15
-device edu,bus=rp5
-device edu,bus=pcie.0,addr=0x1a
-device pcie-root-port,id=rp6,chassis=6,slot=6,bus=pcie.0,addr=0x16
-device virtio-net-pci,bus=rp6,id=frail,aer=on
-device pcie-root-port,id=rp7,chassis=7,slot=7,bus=pcie.0,addr=0x17
-blockdev null-co,node-name=blank,size=16777216,read-zeroes=on
-device nvme,bus=rp7,id=pulled,serial=pulled,drive=blank
-device pcie-root-port,id=rp8,chassis=8,slot=8,bus=pcie.0,addr=0x18
-netdev hubport,id=n6,hubid=1 -device e1000,bus=rp8,addr=0.0,multifunction=on,netdev=n6
-netdev hubport,id=n7,hubid=1 -device e1000,bus=rp8,addr=0.1,netdev=n7
-netdev hubport,id=n5,hubid=1
-device virtio-net-pci,netdev=n5,bus=pcie.0,addr=0x1b,mac=52:54:00:02:00:03
"
EDU=0000:06:00.0 FRAIL=0000:07:00.0 PULLED=0000:08:00.0 NO_RESET=0000:00:1a.0
LAN0=0000:09:00.0 LAN1=0000:09:00.1
TOKEN=2ab74924-c335-45f4-9b16-8569e5b08258

vf() {
	link_name "$devices/$1/virtfn$2"
}

# What this machine's kernel has counted for functions that VFIO has: REGEX; they may share a line.
counted_here() {
	awk -v who="\\\\(($1)\\\\)" '$0 ~ who { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts
}

count_of() {
	sed -n "s/^count $2 //p" "/tmp/$1.console" | tail -n 1
}

# edu_guest NAME FUNCTION [ARGUMENT…]: until it has counted
edu_guest() {
	edu_name=$1
	edu_function=$2
	shift 2
	small_start "$edu_name" "test=edu $*" --mem 64M --vf "$edu_function"
	check "it comes to its end" guest_wait "$edu_name" 60 '^waiting'
	check_not "all that it tried held" guest_saw "$edu_name" '^not ok'
	here=$(counted_here "$edu_function")
	there=$(count_of "$edu_name" interrupts)
	say "interrupts here: $here, there: $there"
}

edu_ends() {
	guest_tell "$1" end
	check "it ends" guest_ends_with "$1" 20 0
}

interrupt_lines() {
	step "A line: counted on both sides"
	must "an edu is VFIO's" vfctl bind $EDU vfio-pci
	must "the other, too" vfctl bind $NO_RESET vfio-pci
	edu_guest line $EDU times=500
	check "not one is lost, none comes twice" test "$here" = "$there"
	check "there were some" test "${there:-0}" -ge 1002
	edu_ends line
	edu_guest unquiet $NO_RESET times=100 unquiet=1
	check "what nobody quiets is raised anew without another interrupt here" test "$here" -lt "$there"
	edu_ends unquiet
	check "that it cannot be reset is said" guest_saw unquiet "$NO_RESET cannot be reset, neither alone"
	step "A message: the same"
	edu_guest message $EDU times=500 message=1
	check "not one is lost, none comes twice" test "$here" = "$there"
	edu_ends message
}

write_lan_guest() {
	cat >"$1" <<'GUEST'
n=1
for net in /sys/bus/pci/drivers/e1000/*/net/*; do
	[ -e "$net" ] || continue
	ip link set ${net##*/} up
	ip addr add 10.9.$n.2/24 dev ${net##*/}
	n=$((n + 1))
done
echo "@@ functions $((n - 1))"
i=0
until ping -c 1 -W 1 10.9.1.1 >/dev/null 2>&1 && ping -c 1 -W 1 10.9.2.1 >/dev/null 2>&1 || [ $((i += 1)) -gt 30 ]; do sleep 0.3; done
load() {
	ping -c 300 -i 0.01 -s 1400 -W 5 $1 | sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\).*/@@ pings \1 \2/p'
}
load 10.9.1.1 &
load 10.9.2.1
wait
# Until the last has come.
sleep 1
echo "@@ interrupts $(awk '/eth/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' /proc/interrupts)"
dmesg | grep -E 'BUG:|Oops|WARNING:|nobody cared|Tx Unit Hang|Disabling IRQ' | sed 's,^,@@ complaint ,'
echo "@@ done"
read -r word
GUEST
}

whole_group() {
	step "A group of two functions that are reset together, on lines"
	check "one alone is refused" fails_with 6 vfctl vm run --kernel /lib/lab/guest.bzimage --vf $LAN0
	must "one is VFIO's" vfctl bind $LAN0 vfio-pci
	check "the group's other still has its driver: refused" fails_with 6 vfctl vm run --kernel /lib/lab/guest.bzimage --vf $LAN0
	check "by name" said "$LAN1"
	must "the other, too" vfctl bind $LAN1 vfio-pci
	modprobe virtio_net
	# shellcheck disable=SC2046  # one
	for net in $(net_of 0000:00:1b.0) $(ls "$devices"/0000:00:1b.0/virtio*/net); do
		/bin/ip addr add 10.9.1.1/24 dev "$net"
		/bin/ip addr add 10.9.2.1/24 dev "$net"
		/bin/ip link set "$net" up
	done
	small_start alone test=spin --name alone --mem 64M --vf $LAN0,rom=on
	check "one alone works" guest_wait alone 30 '^ok spinning'
	check "but it is said that it was not reset" guest_saw alone "cannot be reset without $LAN1"
	check "the other is not another guest's" fails_with 5 vfctl vm run --kernel /lib/lab/guest.bzimage --vf $LAN1
	check "but by name of who has the group" said 'vfctl-vmm'
	vfctl vm explain alone >/tmp/explain.txt
	sed 's,^,   explain | ,' /tmp/explain.txt
	check "its option ROM is the card's own" grep -E "^$LAN0 +ROM +[0-9].* of the device's" /tmp/explain.txt
	check "the other comes to it while it runs" vfctl vm attach alone --vf $LAN1
	vfctl vm explain alone >/tmp/explain.txt
	check "the guest has both" grep -E "^$LAN1 +" /tmp/explain.txt
	check "and the other goes again" vfctl vm detach alone --vf $LAN1 --force
	check "to nobody" fails_with 3 vfctl vm detach alone --vf $LAN1
	kill -TERM "$(guest_pid alone)"
	check "it ends" guest_ends_with alone 20 0
	write_lan_guest /tmp/lan.sh
	guest_start lan /tmp/lan.sh --mem 192M --vf $LAN0 --vf $LAN1
	check "both in one guest" guest_wait lan 90 '^@@ done'
	here=$(counted_here "$LAN0|$LAN1")
	there=$(sed -n 's/^@@ interrupts //p' /tmp/lan.console)
	say "interrupts here: $here, there: $there"
	check "it sees both" guest_saw lan '^@@ functions 2'
	check "they were reset together" sh -c '! grep -q "annot be reset" /tmp/lan.console'
	check "each has got all its answers" test "$(grep -c '^@@ pings 300 300' /tmp/lan.console)" = 2
	# Counted here when the guest has told its own number: what comes in between is only here.
	check "there were some" test "$here" -gt 100
	check "none is lost, and there is no storm" test "$there" -ge $((here - 5)) -a "$there" -le $((2 * here + 100))
	check_not "its kernel has nothing to complain about" guest_saw lan '^@@ complaint'
	guest_tell lan end
	check "it ends" guest_ends_with lan 30 0
}

# A PF that one guest has with a token; its VF another, with the same.
token() {
	step "A VF whose PF is another guest's"
	echo 1 >/sys/module/vfio_pci/parameters/enable_sriov
	must "the PF goes to vfio-pci" vfctl bind "$PF2" vfio-pci
	must "and makes a VF there" vfctl create "$PF2" 1
	child=$(vf "$PF2" 0)
	check "which VFIO has at once" driver_is "$child" vfio-pci
	small_start owner test=spin --name owner --mem 64M --vf "$PF2,vf-token=$TOKEN"
	must "a guest has the PF" guest_wait owner 60 '^ok spinning'
	check "without the token its VF is refused" fails_with 4 vfctl vm run --kernel /lib/lab/guest.bzimage --vf "$child"
	check "which is said" said 'vf-token='
	check "with another as well" fails_with 4 vfctl vm run --kernel /lib/lab/guest.bzimage --vf "$child,vf-token=00000000${TOKEN#????????}"
	check "which is said" said 'token'
	small_start child test=spin --name child --mem 64M --vf "$child,vf-token=$TOKEN"
	check "with it a second guest gets the VF" guest_wait child 60 '^ok spinning'
	check "both run" test "$(vfctl --no-legend vm list -o NAME | sort | tr '\n' ' ')" = "child owner "
	check "the VF goes under its guest" timeout 90 sh -c "echo 0 >$devices/$PF2/sriov_numvfs"
	check "which goes on without" sh -c "vfctl vm list -o NAME,LOST | grep -q 'child.*$child: the host took it back'"
	for i in child owner; do
		check "$i ends" vfctl vm stop $i --force
		check "with success" guest_ends_with $i 20 0
	done
	echo 0 >/sys/module/vfio_pci/parameters/enable_sriov
}

several() {
	step "PFs: a network card, an NVMe controller and an edu in one guest, while another has a VF"
	must "VFs" vfctl create ens1f0 1
	must "bound" vfctl bind ens1f0/vf0 vfio-pci
	must "an NVMe PF" vfctl bind "$NVME" vfio-pci
	small_start other test=spin --name other --mem 64M --vf ens1f0/vf0
	must "another guest" guest_wait other 60 '^ok spinning'
	small_start pfs test=nvme_busy --name pfs --cpus 2 --mem 64M --vf "$PF2" --vf "$NVME" --vf $EDU
	check "the PF reads" guest_wait pfs 60 '^ok busy'
	check "and goes on" guest_wait pfs 60 '^alive 2'
	check_not "all that it tried held" guest_saw pfs '^not ok'
	for i in other pfs; do
		check "$i ends" vfctl vm stop $i --force
		check "with success" guest_ends_with $i 20 0
	done
	check "restored" vfctl restore "$NVME" "$PF2" ens1f0/vf0
	check "gone" vfctl destroy ens1f0
}

alive_after() {
	alive=$(grep -c '^alive' "/tmp/$1.console")
	wait_for 10 more_alive "$1" "$alive"
}

more_alive() {
	[ "$(grep -c '^alive' "/tmp/$1.console")" -gt "$2" ]
}

lost() {
	vfctl --no-legend vm list -o NAME,LOST >/tmp/lost
	cat /tmp/lost
	grep -q "$1 .*$2: $3" /tmp/lost
}

errors() {
	step "A function reports a fatal error: the guest goes on without"
	must "VFIO's" vfctl bind $FRAIL vfio-pci
	must "the NVMe one, too" vfctl bind $PULLED vfio-pci
	small_start hit "test=nvme_busy blank=1" --name hit --mem 64M --vf $FRAIL --vf $PULLED
	must "it reads" guest_wait hit 60 '^ok busy'
	qemu "pcie_aer_inject_error frail DLP"
	check "it is told" guest_wait hit 30 "$FRAIL.*fatal error"
	check "it has lost that one" wait_for 10 lost hit $FRAIL 'it reported a fatal error'
	check "it goes on" alive_after hit

	step "A card is pulled out while the guest reads from it: the guest goes on without"
	qemu "device_del pulled"
	check "the guest has lost it" wait_for 30 lost hit $PULLED 'the host took it back'
	check "the host has done with it" wait_for 30 test ! -e "$devices/$PULLED"
	check "the guest goes on" alive_after hit
	check "it ends" vfctl vm stop hit --force
	check "with success" guest_ends_with hit 20 0

	step "An error in a function that the guest cannot be without"
	small_start stops test=spin --name stops --mem 64M --vf $FRAIL,on-loss=stop
	must "it can be given anew" guest_wait stops 60 '^ok spinning'
	qemu "pcie_aer_inject_error frail DLP"
	check "the guest is ended" guest_ends_with stops 30 1
	check "with the reason" guest_saw stops "$FRAIL is lost: it reported a fatal error"
	small_start again test=spin --name again --mem 64M --vf $FRAIL
	check "and it can be given anew" guest_wait again 60 '^ok spinning'
	check "it ends" vfctl vm stop again --force
	check "with success" guest_ends_with again 20 0
}

scenario() {
	modprobe vfio-pci
	interrupt_lines
	whole_group
	token
	several
	errors
	step "In the end"
	for i in $EDU $NO_RESET $LAN0 $LAN1 $FRAIL; do
		check "$i is the host's" vfctl restore "$i"
	done
	check "nobody is left" sh -c '! ps | grep "[v]fctl"'
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:|DMAR: \[|blocked for more"'
}
