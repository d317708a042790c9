# shellcheck shell=sh
# Claims on real VFs of a real kernel: given to a process that opens the group, taken back after it
# was killed; vfctl killed in the middle of it; many at once.
LAB_TIMEOUT=240
LAB_PROGRAMS="vfctl"
LAB_CPUS=2 # so that those at once are at once

vf() {
	link_name "$devices/$1/virtfn$2"
}

# leases_say TEXT: the whole table, without header.
leases_say() {
	vfctl leases --no-legend -o VF,OWNER,ALIVE,STATE >/tmp/said 2>&1
	[ "$(tr -s ' ' </tmp/said)" = "$1" ] || { cat /tmp/said && return 1; }
}

# What a claim may change of a VF, on one line.
told_of() {
	/bin/ip link show ens1f0 | sed -n "s/^ *vf $1 *//p"
	driver_of "$(vf "$PF1" "$1")"
	cat "$devices/$(vf "$PF1" "$1")/driver_override"
}

as_before() {
	told_of 0 >/tmp/now
	diff /tmp/before /tmp/now
}

# A function's byte at $2 in configuration space, as a decimal number.
config_byte() {
	dd if="$devices/$1/config" bs=1 skip="$2" count=1 2>/dev/null | od -An -tu1 | tr -d ' '
}

# Where the capability $2 of a function begins.
capability() {
	at=$(config_byte "$1" 52)
	while [ "$at" != 0 ] && [ "$(config_byte "$1" "$at")" != "$2" ]; do
		at=$(config_byte "$1" $((at + 1)))
	done
	echo "$at"
}

# The bit that says that MSI-X is on, which nobody but a reset takes back.
leave_a_trace() {
	printf '\200' | dd of="$devices/$1/config" bs=1 seek="$trace" count=1 conv=notrunc 2>/dev/null
}

has_trace() {
	[ "$(config_byte "$1" "$trace")" -ge 128 ]
}

prepare() {
	step "Two VFs with a life of their own"
	must "VFs" vfctl create ens1f0 2
	must "settings" vfctl set ens1f0/vf0 mac=02:00:00:00:00:0a vlan=7
	must "no driver, which would set up the device anew" vfctl unbind ens1f0/vf0
	net_vf=$(vf "$PF1" 0)
	told_of 0 >/tmp/before
	trace=$(($(capability "$net_vf" 17) + 3))
}

# An owner: opens the group when it is told which.
start_owner() {
	rm -f /tmp/go
	(
		until [ -e /tmp/go ]; do sleep 0.1; done
		exec sleep 1000 5<>"/dev/vfio/$(cat /tmp/go)"
	) &
	owner=$!
}

has_it_open() {
	[ "$(readlink "/proc/$owner/fd/5")" = "/dev/vfio/$(group_of "$net_vf")" ]
}

given() {
	step "Given to a process, which opens the group"
	start_owner
	check "assigned" vfctl assign ens1f0/vf0 mac=02:00:00:00:00:0b vlan=100 trust=on \
		--to "process:$owner" --user 1000
	check "it is on vfio-pci" driver_is "$net_vf" vfio-pci
	check "configured" sh -c '/bin/ip link show ens1f0 | grep "vf 0 .*02:00:00:00:00:0b.*vlan 100"'
	check "the node is its user's" test "$(stat -c %u:%a "/dev/vfio/$(group_of "$net_vf")")" = 1000:600
	check "and it is told" leases_say "ens1f0/vf0 process:$owner alive held"
	check_exit 5 "nobody else gets it" vfctl assign ens1f0/vf0 --to manual:me
	check "unbind is refused" fails_with 5 vfctl unbind ens1f0/vf0
	check "by the owner's name" said "claimed by process:$owner"
	check "destroy, too" fails_with 5 vfctl destroy ens1f0
	check "by the owner's name" said "claimed by process:$owner"
	group_of "$net_vf" >/tmp/go.new && mv /tmp/go.new /tmp/go
	check "the owner opens it" wait_for 10 has_it_open
	check "held, it is not returned" fails_with 5 vfctl release ens1f0/vf0
	check "by name" said "in use by pid $owner"
	check "nothing is gone" sh -c 'vfctl release --gone | grep "no owner is gone"'
}

killed() {
	step "The owner is killed"
	leave_a_trace "$net_vf"
	sleep 1
	check "a trace of his is left in the device" has_trace "$net_vf"
	kill -9 "$owner"
	wait "$owner" 2>/dev/null
	check "he is gone" leases_say "ens1f0/vf0 process:$owner gone held"
	check "what he had is returned" vfctl release --gone
	check_not "the device was reset" has_trace "$net_vf"
	check "address, VLAN and driver are back" as_before
	check "no claim is left" leases_say ""
	check "nor a node" test ! -e "/dev/vfio/$(group_of "$net_vf")"
}

# What vfctl was killed at, the next one puts in order.
assign_is_killed() {
	step "vfctl itself is killed, at one moment after the other"
	must "its driver" vfctl restore ens1f0/vf0
	told_of 0 >/tmp/before
	for after in 0.02 0.1 0.2 0.3 0.45 0.6; do
		vfctl assign ens1f0/vf0 vlan=200 --to manual:x >/tmp/said 2>&1 &
		sleep $after
		kill -9 $! 2>/dev/null
		wait $! 2>/dev/null
		echo "after $after s: $(vfctl leases --no-legend -o STATE)"
		[ -z "$(vfctl leases --no-legend -o STATE)" ] ||
			check "returned" vfctl release ens1f0/vf0
		check "all is as before" as_before
	done
}

at_once() {
	step "Ten want one of two"
	mkdir -p /etc/vfctl/pf.d
	printf '[Match]\nPath=pci-%s\n[VF 0-1]\nPool=fast\n' "$PF1" >/etc/vfctl/pf.d/10-pool.conf
	for i in 0 1 2 3 4 5 6 7 8 9; do
		vfctl assign --pool fast --to "manual:$i" >"/tmp/asked.$i" 2>&1 &
		eval "asker$i=$!"
	done
	granted=0 refused=0
	for i in 0 1 2 3 4 5 6 7 8 9; do
		eval "wait \$asker$i"
		case $? in
		0) granted=$((granted + 1)) ;;
		5) refused=$((refused + 1)) ;;
		*) cat "/tmp/asked.$i" ;;
		esac
	done
	check "two got one" test "$granted:$refused" = 2:8
	check "each another" test "$(vfctl leases --no-legend -o FUNCTION | sort -u | wc -l)" = 2
	check "both are given back" vfctl release ens1f0/vf0-1
	check "as it was" as_before
	rm /etc/vfctl/pf.d/10-pool.conf
}

# A VF that was made anew is another, whoever had the old one.
made_anew() {
	step "A claim outlived by its function"
	check "assigned" vfctl assign ens1f0/vf0 --to manual:x
	check "an administrator insists" vfctl destroy --allow-in-use ens1f0
	must "VFs" vfctl create ens1f0 2
	told_of 0 >/tmp/before
	check "the claim is lost" leases_say "ens1f0/vf0 manual:x unknown lost"
	check "it is dropped" vfctl release ens1f0/vf0
	check "the new VF was not touched" as_before
	check "no claim is left" leases_say ""
}

nvme() {
	step "A VF of the NVMe controller"
	must "a VF" vfctl create nvme0 1
	check "assigned, with queues" vfctl assign nvme0/vf0 vq=2 vi=1 online=yes --to manual:x
	check "online" sh -c 'vfctl show nvme0/vf0 | grep "vq=2 vi=1 online=yes"'
	check "on vfio-pci" driver_is "$(vf "$NVME" 0)" vfio-pci
	check "released" vfctl release nvme0/vf0
	check "offline, without queues" sh -c 'vfctl show nvme0/vf0 | grep "vq=0 vi=0 online=no"'
	check "gone" vfctl destroy nvme0
}

scenario() {
	snapshot "$(out before.txt)"
	prepare
	given
	killed
	assign_is_killed
	at_once
	made_anew
	nvme

	step "Give back"
	check "gone" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}
