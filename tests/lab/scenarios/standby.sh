# shellcheck shell=sh
# One interface that survives: a guest with a VF and its standby, a virtio-net in the bridge that the
# PF is a port of, pings the host all the time, while the VF is detached, attached again, and taken
# back by the host. Debian's own drivers make one interface of the two (net_failover).
LAB_TIMEOUT=500
LAB_PROGRAMS="vfctl vfctl-vmm"

mac=52:54:00:0a:00:07

# Says what the interface has below it, and whether it reaches the host: three times after each change,
# for what the VMM says meanwhile may stand in the middle of a line.
write_guest() {
	cat >"$1" <<'GUEST'
modprobe -a virtio_net igbvf 2>/dev/null
below() {
	for d in /sys/class/net/*/master; do
		[ -e "${d%master}device/driver" ] && basename "$(readlink "${d%master}device/driver")"
	done | sort | tr '\n' ' '
}
one=
i=0
until [ -n "$one" ] || [ $((i += 1)) -gt 100 ]; do
	for d in /sys/class/net/*/master; do
		[ -e "$d" ] && one=$(basename "$(readlink "$d")")
	done
	sleep 0.2
done
echo "@@ one interface: ${one:-none} mac $(cat "/sys/class/net/$one/address")"
ip address add 10.8.0.2/24 dev "$one"
ip link set "$one" up
before=none
n=0
while [ "$n" -lt 1000 ]; do
	now=$(below)
	if [ "$now" != "$before" ]; then
		n=$((n + 1))
		before=$now
		reached=0
	fi
	if [ "$reached" -lt 3 ] && ping -c 1 -W 2 10.8.0.1 >/dev/null 2>&1; then
		reached=$((reached + 1))
		echo "@@ state $n: ${now}reaches the host by $one $(ip -4 -o address show dev "$one" | wc -l)"
	fi
	dmesg -c | grep -E 'BUG:|Oops|WARNING:' | sed 's,^,@@ complaint ,'
	sleep 0.2
done
GUEST
}

vf() {
	link_name "$devices/$1/virtfn$2"
}

prepare() {
	must "a VF" vfctl create ens1f0 1
	/bin/ip link add br0 type bridge
	/bin/ip link set ens1f0 master br0 up
	/bin/ip address add 10.8.0.1/24 dev br0
	/bin/ip link set br0 up
	must "bound" vfctl bind ens1f0/vf0 vfio-pci
	vfctl vm run -k "$lab_guest/generic/vmlinuz" --vf ens1f0/vf0,standby=bridge:br0 --dry-run >/tmp/said 2>&1
	check "a VF without an address has no standby" grep -q 'has no address of its own' /tmp/said
	check "which can be helped" grep -q 'vfctl set ens1f0/vf0 mac=' /tmp/said
	must "an address" vfctl set ens1f0/vf0 "mac=$mac"
}

ports_of_guests() {
	find /sys/class/net/br0/brif/ -name 'vft-*' | wc -l
}

scenario() {
	write_guest /tmp/guest.sh
	prepare
	step "A guest with a VF and its standby"
	guest_start web1 /tmp/guest.sh -v --name web1 --cpus 1 --mem 256M --vf ens1f0/vf0,standby=bridge:br0
	must "it makes one of the two" guest_wait web1 90 "^@@ one interface: eth[0-9] mac $mac"
	must "and reaches the host" guest_wait web1 60 '^@@ state 1: igbvf virtio_net reaches .* 1$'
	check "the standby is a port of the bridge" test "$(ports_of_guests)" = 1
	step "The VF goes"
	check "detached" vfctl vm detach web1 --vf ens1f0/vf0
	check "by its standby the guest reaches the host" guest_wait web1 60 '^@@ state 2: virtio_net reaches .* 1$'
	step "and comes back"
	check "attached" vfctl vm attach web1 --vf ens1f0/vf0
	check "by the VF the guest reaches the host" guest_wait web1 60 '^@@ state 3: igbvf virtio_net reaches .* 1$'
	step "The host takes it back"
	first=$(vf "$PF1" 0)
	check "unbound" timeout 60 sh -c "echo $first >$devices/$first/driver/unbind"
	check "by its standby the guest reaches the host" guest_wait web1 60 '^@@ state 4: virtio_net reaches .* 1$'
	shown "counters" vfctl vm stats web1
	check_not "its kernel has nothing to complain about" guest_saw web1 '^@@ complaint'
	check "it ends when it is told to" vfctl vm stop web1 --force
	check "with success" guest_ends_with web1 20 0
	check "the bridge has no port of it any more" test "$(ports_of_guests)" = 0

	step "Without the VF there is the standby alone"
	guest_start web2 /tmp/guest.sh --name web2 --cpus 1 --mem 256M --vf ens1f0/vf0,standby=bridge:br0
	must "it has one interface" guest_wait web2 90 "^@@ one interface: eth[0-9] mac "
	check "and reaches the host" guest_wait web2 60 '^@@ state 1: virtio_net reaches .* 1$'
	check "what it got was told" guest_saw web2 'virtio-net on bridge:br0'
	check "it ends when it is told to" vfctl vm stop web2 --force
	check "with success" guest_ends_with web2 20 0
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:|DMAR: \["'
}
