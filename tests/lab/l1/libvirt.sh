# shellcheck shell=sh
# Guests of libvirt's in a whole Debian: for scenarios, which source it in scenario().

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

# domain NAME FILE [METADATA]: around what vfctl said of the devices
domain() {
	cat <<-END
		<domain type='kvm'>
		  <name>$1</name>
		  <metadata>${3-}</metadata>
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
	domain "$@" >"/tmp/$1.xml" && virsh define --validate "/tmp/$1.xml"
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
