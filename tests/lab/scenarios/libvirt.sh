# shellcheck shell=sh
# libvirt's guests with functions that vfctl prepared: what vfctl export says is what libvirt takes,
# and the hook tells before anything has happened what would fail later and unreadably.
LAB_ROOT=debian
LAB_TIMEOUT=200
LAB_PROGRAMS="vfctl vfctl-hook vfctl-libvirt"
LAB_FILES=/usr/bin/cpio

pf_says_mac() {
	ip link show dev "$net" | grep -i "vf $1 .*$2"
}

probe() {
	virsh dumpxml web1 | VFIO_HOOK_CHECK=1 vfctl-hook web1 prepare begin -
}

prepare() {
	step "A network card's VFs, and the hook in its place"
	must "udev has found the PF's driver" wait_for 60 bound_to "$PF1" igb
	must "and renamed its interface" wait_for 10 is_named "$PF1"
	net=$(net_of "$PF1")
	must "VFs" vfctl create "$PF1" 2
	must "an address of its own" vfctl set "$PF1/vf0" mac=02:00:00:00:00:10
	must "the PF is up" ip link set "$net" up
	must "and has an address" ip addr add 10.9.0.1/24 dev "$net"
	vf=$(vfs_of "$PF1" | sed -n 1p)
	must "a kernel and its initramfs" write_guest
	must "a folder for hooks" mkdir -p /etc/libvirt/hooks/qemu.d
	must "the hook" ln -s /usr/bin/vfctl-hook /etc/libvirt/hooks/qemu.d/50-vfctl
	must "libvirtd looks for hooks when it starts" systemctl restart libvirtd
}

refused() {
	step "A VF on its network driver: refused before anything is touched"
	check "the host's driver has it" wait_for 5 bound_to "$vf" igbvf
	check_exit 6 "vfctl export tells as well" vfctl export "$vf" --format libvirt
	vfctl export "$vf" --format libvirt --as-is >/tmp/device
	shown "what libvirt is told" cat /tmp/device
	must "libvirt takes it" define web1 /tmp/device
	check_not "the guest does not start" starts web1
	shown "with our reason" said "web1 cannot start: $vf is driven by igbvf, not by a VFIO driver"
	check "and what helps" said "vfctl bind $vf"
	check "the driver was not touched" bound_to "$vf" igbvf
	check_exit 2 "the probe says so, too" probe
}

runs() {
	step "A guest with a VF"
	must "the VF is given to VFIO" vfctl bind "$vf"
	check "the same element, without --as-is" vfctl export "$vf" --format libvirt
	check "a claim of another's" vfctl assign "$vf" --to manual:other
	check_not "keeps it away, too" starts web1
	check "and is told" said "$vf is claimed by manual:other"
	check "until he gives it back" vfctl release "$vf"
	check "the VF is on VFIO again" vfctl bind "$vf"
	check "the probe has nothing against it" probe
	must "the guest starts" starts web1
	check "its driver finds the VF with our address" wait_for 60 guest_said '^@@ mac 02:00:00:00:00:10'
	check "frames go both ways" wait_for 40 guest_said '^@@ pings 3 3'
	check_exit 5 "nobody else is given it" vfctl export "$vf" --format qemu
	define web2 /tmp/device >/dev/null
	check_not "nor is another guest" starts web2
	shown "and hears from whom" said "web2 cannot start: $vf is held by pid $(qemu_pid) (qemu-system-x86 web1)"
}

survives() {
	step "libvirtd restarts under a running guest"
	pid=$(qemu_pid)
	must "libvirtd" systemctl restart libvirtd
	check "the guest runs" wait_for 10 state_is running
	check "the same one" test "$(qemu_pid)" = "$pid"
	check "and works" ticks_on
}

crashes() {
	step "QEMU is killed; then the VF as an interface"
	kill -9 "$(qemu_pid)"
	check "libvirt notices" wait_for 15 state_is "shut off"
	check "the VF is where it was" bound_to "$vf" vfio-pci
	must "a guest without it" define web1 /dev/null
	vfctl export "$vf" --format libvirt --as interface >/tmp/device
	shown "what libvirt is told" cat /tmp/device
	must "libvirt attaches it" virsh attach-device web1 /tmp/device --config
	must "and starts it" starts web1
	check "its PF has the address" pf_says_mac 0 02:00:00:00:00:10
	check "frames go both ways" wait_for 60 guest_said '^@@ pings 3 3'
	check "the same guest works" guest_said '^@@ mac 02:00:00:00:00:10'
	must "it is destroyed" virsh destroy web1
	check "the VF is where it was" bound_to "$vf" vfio-pci
}

define_lan() {
	echo "<network><name>lan</name></network>" | virsh net-define /dev/stdin
}

# network_says NAME WORDS: libvirt's own description of it has them.
network_says() {
	virsh net-dumpxml "$1" --inactive | grep -F -e "$2"
}

network() {
	step "A pool of VFs"
	must "all of them on VFIO" vfctl bind "$PF1/vf0-1"
	vfctl export "$PF1" --format libvirt-network >/tmp/network
	shown "what libvirt is told" cat /tmp/network
	check "libvirt takes it, and hands them out" vfctl libvirt define-network "$PF1"
	check "from now on" virsh net-info "vfctl-$net"
	check "saying it again changes nothing" said_again
	check "a VF goes back to the host" vfctl restore "$vf"
	check "so libvirt has to bind them" vfctl libvirt define-network "$PF1"
	check "as it knows now" network_says "vfctl-$net" "managed='yes'"
	check "some VFs, by another name" vfctl libvirt define-network "$PF1/vf0" --name guests
	check "one by one" network_says guests "slot='0x10'"
	must "a network of another kind" define_lan
	check_exit 5 "is left alone" vfctl libvirt define-network "$PF1" --name lan
	step "libvirtd hangs"
	kill -STOP "$(pidof libvirtd)"
	before=$(date +%s)
	check_exit 10 "that is told in time" vfctl libvirt undefine-network guests --timeout 3
	check "at once" test $(($(date +%s) - before)) -le 6
	check "nobody else notices" vfctl list --holders
	kill -CONT "$(pidof libvirtd)"
	check "and afterwards it is done" vfctl libvirt undefine-network guests
	check "as with the other" vfctl libvirt undefine-network "vfctl-$net"
	check_not "it is not there" virsh net-info "vfctl-$net"
}

said_again() {
	vfctl libvirt define-network "$PF1" >/tmp/again && cat /tmp/again && [ "$(grep -c 'already so' /tmp/again)" = 3 ]
}

scenario() {
	# shellcheck source=tests/lab/l1/libvirt.sh
	. /lib/lab/libvirt.sh
	prepare
	refused
	runs
	survives
	crashes
	network
	step "Everything back"
	check "no VFs" vfctl destroy "$PF1"
	check_not "nothing of ours kept libvirt waiting" sh -c 'journalctl -u libvirtd | grep -i "cannot acquire state change lock"'
	cp -p "$console" "$(out console)" 2>/dev/null
	journalctl -b -u libvirtd >"$(out libvirtd.log)"
}
