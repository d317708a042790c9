# shellcheck shell=sh
# libvirt's guests with functions that vfctl prepared: what vfctl export says is what libvirt takes,
# and the hook tells before anything has happened what would fail later and unreadably.
LAB_ROOT=debian
LAB_TIMEOUT=200
LAB_PROGRAMS="vfctl vfctl-hook"
LAB_FILES=/usr/bin/cpio

images=/var/lib/libvirt/images
console=/var/log/libvirt/qemu/web1-console.log

write_guest() {
	mkdir -p /tmp/cpio && cat >/tmp/cpio/guest.sh <<'GUEST'
for net in /sys/bus/pci/drivers/igbvf/*/net/*; do
	[ -e "$net" ] || continue
	echo "@@ mac $(cat "$net/address")"
	ip link set "${net##*/}" up
	ip addr add 10.9.0.2/24 dev "${net##*/}"
done
i=0
until ping -c 1 -W 1 10.9.0.1 >/dev/null 2>&1 || [ $((i += 1)) -gt 30 ]; do sleep 0.5; done
ping -c 3 -s 1400 -W 2 10.9.0.1 | sed -n 's/^\([0-9]*\) packets transmitted, \([0-9]*\).*/@@ pings \1 \2/p'
t=0
while :; do
	sleep 1
	echo "@@ tick $((t += 1))"
done
GUEST
	cp /guest/generic/vmlinuz $images/ &&
		{ cat /guest/generic/initramfs.cpio && (cd /tmp/cpio && echo guest.sh | cpio -o -H newc); } \
			>$images/initrd
}

# domain NAME FILE: around what vfctl said of the devices
domain() {
	cat <<-END
		<domain type='kvm'>
		  <name>$1</name>
		  <memory unit='MiB'>256</memory>
		  <vcpu>1</vcpu>
		  <os>
		    <type arch='x86_64' machine='q35'>hvm</type>
		    <kernel>$images/vmlinuz</kernel>
		    <initrd>$images/initrd</initrd>
		    <cmdline>console=ttyS0 quiet panic=-1</cmdline>
		  </os>
		  <features><acpi/></features>
		  <cpu mode='host-passthrough' check='none'/>
		  <devices>
		    <serial type='file'><source path='/var/log/libvirt/qemu/$1-console.log'/></serial>
		    <memballoon model='none'/>
	END
	cat "$2"
	printf '  </devices>\n</domain>\n'
}

# Anew, as its console begins anew.
define() {
	virsh undefine "$1" 2>/dev/null
	rm -f "/var/log/libvirt/qemu/$1-console.log"
	domain "$1" "$2" >"/tmp/$1.xml" && virsh define --validate "/tmp/$1.xml"
}

# Fails as virsh does; what it said is in /tmp/start.
starts() {
	virsh start "$1" >/tmp/start 2>&1
	start_status=$?
	cat /tmp/start
	return $start_status
}

said() {
	cat /tmp/start
	grep -qF -e "$1" /tmp/start
}

guest_said() {
	grep -qaE -e "$1" $console
}

state_is() {
	[ "$(virsh domstate web1 | head -n 1)" = "$1" ]
}

qemu_pid() {
	cat /run/libvirt/qemu/web1.pid
}

ticks() {
	grep -ac '^@@ tick' $console
}

ticks_on() {
	ticks_before=$(ticks)
	wait_for 10 ticked "$ticks_before"
}

ticked() {
	[ "$(ticks)" -gt "$1" ]
}

bound_to() {
	[ "$(driver_of "$1")" = "$2" ]
}

# udev renames it; until then it is eth0 or the like.
is_named() {
	case $(net_of "$1") in
	'' | eth*) return 1 ;;
	esac
}

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

define_network() {
	vfctl export "$PF1" --format libvirt-network | virsh net-define --validate /dev/stdin
}

network() {
	step "A pool of VFs"
	vfctl export "$PF1" --format libvirt-network >/tmp/network
	shown "what libvirt is told" cat /tmp/network
	check "libvirt takes it" define_network
	check "and hands them out" virsh net-start "vfctl-$net"
	check "and no more" virsh net-destroy "vfctl-$net"
}

scenario() {
	prepare
	refused
	runs
	survives
	crashes
	network
	step "Everything back"
	check "the driver" vfctl restore "$vf"
	check "no VFs" vfctl destroy "$PF1"
	check_not "nothing of ours kept libvirt waiting" sh -c 'journalctl -u libvirtd | grep -i "cannot acquire state change lock"'
	cp -p $console "$(out console)" 2>/dev/null
	journalctl -b -u libvirtd >"$(out libvirtd.log)"
}
