# shellcheck shell=sh
# One interface that survives: a guest with a VF and its standby, a virtio-net in the bridge that the
# PF is a port of, pings the host all the time, while the VF is detached, attached again, and taken
# back by the host. Debian's own drivers make one interface of the two (net_failover).
LAB_TIMEOUT=600
# A VF's namespace is a disk of its own, instead of another way to the PF's.
# shellcheck disable=SC2034  # for lab
LAB_APPEND="nvme_core.multipath=N"
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

# A guest of two interfaces, neither of which is a function: each reaches the host by the wire.
write_over() {
	cat >"$1" <<'GUEST'
n=0
for d in eth0 eth1; do
	n=$((n + 1))
	ip address add 10.8.0.3/24 dev $d
	ip link set $d up
	# What the VF's own mailbox says takes a moment.
	i=0
	until ping -c 1 -W 2 10.8.0.1 >/dev/null 2>&1 || [ $((i += 1)) -gt 20 ]; do sleep 0.5; done
	got=$(ping -c 5 -W 5 10.8.0.1 | sed -n 's/^.*packets transmitted, \([0-9]*\).*/\1/p')
	sum=$(wget -q -O - http://10.8.0.1:7001/to-guest | sha256sum | cut -c1-64)
	for i in 1 2 3; do echo "@@ $d $(cat /sys/class/net/$d/address) $got of 5 $sum"; done
	ip link set $d down
	ip address flush dev $d
done
before=$(dd if=/dev/vda bs=512 skip=100 count=1 iflag=direct 2>/dev/null | tr -d '\0' | sed 's/block 0*/block /')
dd if=/dev/urandom of=/tmp/data bs=4k count=16 2>/dev/null
dd if=/tmp/data of=/dev/vda bs=4k seek=100 oflag=direct conv=fsync 2>/dev/null
for i in 1 2 3; do echo "@@ disk $before, wrote $(sha256sum </tmp/data | cut -c1-64)"; done
dmesg | grep -E 'BUG:|Oops|WARNING:|I/O error' | sed 's,^,@@ complaint ,'
echo "@@ looked"
read -r word
GUEST
}

links() {
	/bin/ip -o link show | grep -E "^[0-9]*: ($1|ens2f0):" | sed 's/ state [A-Z]*//; s/NO-CARRIER,//; s/,LOWER_UP//; s/ qlen [0-9]*//; s/ qdisc [a-z_]*//'
}

# Path 11: its driver on the host has the VF, and the guest what is above that.
over_a_vf() {
	step "VFs that the host drives, virtualised once more"
	second=$(net_of "$(vf "$PF1" 1)")
	check "its own driver has it" driver_is "$(vf "$PF1" 1)" igbvf
	over_mac=$(cat "/sys/class/net/$second/address")
	must "an NVMe VF" vfctl create nvme0 1
	must "queues" vfctl set nvme0/vf0 vq=2 vi=1
	must "online" vfctl set nvme0/vf0 online=yes
	must "its own driver has it" vfctl bind nvme0/vf0 nvme
	check "and makes a disk of it" wait_for 20 test -b /dev/nvme1n1
	links "$second" >/tmp/links
	mkdir -p /tmp/www
	dd if=/dev/urandom of=/tmp/www/to-guest bs=64k count=16 2>/dev/null
	httpd -f -p 7001 -h /tmp/www &
	server=$!
	write_over /tmp/over.sh
	guest_start over /tmp/over.sh --name over --cpus 1 --mem 256M --net vf=ens1f0/vf1,vhost=off \
		--net macvtap=ens2f0,mac=52:54:00:0a:00:09,vhost=off --disk /dev/nvme1n1,cache=none
	must "it has looked" guest_wait over 180 '^@@ looked'
	sum=$(sha256sum </tmp/www/to-guest | cut -c1-64)
	check "by the VF it reaches the host, with the VF's address" guest_saw over "^@@ eth0 $over_mac 5 of 5 $sum"
	check "by the macvtap, with its own" guest_saw over "^@@ eth1 52:54:00:0a:00:09 5 of 5 $sum"
	check "it reads what the namespace holds" guest_saw over '^@@ disk vfctl lab block 100, wrote'
	check "the namespace holds what it wrote" guest_saw over "wrote $(dd if=/dev/nvme0n1 bs=4k skip=100 count=16 iflag=direct 2>/dev/null | sha256sum | cut -c1-64)"
	vfctl --json=short vm explain over | sed 's/{"name"/\n&/g' >"$(out explain-over.json)"
	check "vm explain says path 11" grep -q '"name":"virtio-net0","path":{"number":11,' "$(out explain-over.json)"
	check "of the disk, too" grep -q '"name":"virtio-blk0","path":{"number":11,' "$(out explain-over.json)"
	check "of what is above the VF alone" grep -q '"name":"virtio-net1","path":{"number":3,' "$(out explain-over.json)"
	check_not "its kernel has nothing to complain about" guest_saw over '^@@ complaint'
	guest_tell over "that is all"
	check "it powers off cleanly" guest_ends_with over 30 0
	kill "$server"
	links "$second" >/tmp/links.after
	check "both interfaces are as they were" diff /tmp/links /tmp/links.after
	check "no macvtap is left" sh -c '! ls /sys/class/net | grep ^vft-'
	check "restored" vfctl restore nvme0/vf0
	check "offline" vfctl set nvme0/vf0 online=no
	check "gone" vfctl destroy nvme0
}

prepare() {
	must "VFs" vfctl create ens1f0 2
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
	vfctl --json=short vm explain web1 | sed 's/{"name"/\n&/g' >"$(out explain-standby.json)"
	check "vm explain says path 12" grep -q '"name":"virtio-net0","path":{"number":12,' "$(out explain-standby.json)"
	check "and 10 of the VF" grep -q '"path":{"number":10,' "$(out explain-standby.json)"
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
	over_a_vf
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:|DMAR: \["'
}
