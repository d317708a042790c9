# shellcheck shell=sh
# The host's end of a VF's wire: what devlink of the kernel's netdevsim tells, and its interfaces, for a
# guest with a VF of an igb, which has no switch (tests/netdevsim/with-switch.c). The port joins a bridge or
# Open vSwitch, and is out again however the guest ends.
LAB_KERNEL=small
LAB_TIMEOUT=200
LAB_PROGRAMS="vfctl vfctl-with-switch vfctl-vmm"
LAB_GUESTS=yes
LAB_FILES="/usr/bin/ovs-vsctl /usr/bin/ovsdb-tool /usr/sbin/ovsdb-server /usr/sbin/ovs-vswitchd /usr/share/openvswitch/vswitch.ovsschema"

vfctl() {
	VFCTL_SWITCH_OF=$PF1 vfctl-with-switch "$@"
}

sim=/sys/bus/netdevsim

# As the kernel names its ports; vfctl goes by what devlink says.
port_of() {
	grep -l "^pf0vf$1\$" $sim/devices/netdevsim1/net/*/phys_port_name | sed 's,/phys_port_name$,,; s,.*/,,'
}

is_port_of() {
	[ "$(link_name "/sys/class/net/$1/master")" = "$2" ]
}

is_up() {
	[ $(($(cat "/sys/class/net/$1/flags") & 1)) = 1 ]
}

is_out() {
	is_port_of "$1" - && ! is_up "$1"
}

starts() {
	name=$1
	shift
	small_start "$name" test=halt --name "$name" --mem 64M "$@"
}

# refused CODE WORDS SEL
refused() {
	refused_code=$1
	refused_words=$2
	shift 2
	check "$*: refused" fails_with "$refused_code" vfctl vm run --kernel /lib/lab/guest.bzimage --append test=halt --mem 64M --vf "$@"
	check "because: $refused_words" said "$refused_words"
}

prepare() {
	must "VFs" vfctl create ens1f0 2
	must "bound" vfctl bind ens1f0/vf0-1 vfio-pci
	must "a switch" sh -c "echo '1 1' >$sim/new_device"
	must "with VFs" sh -c "echo 2 >$sim/devices/netdevsim1/sriov_numvfs"
	for bridge in br0 br1; do
		/bin/ip link add $bridge type bridge
		/bin/ip link set $bridge up
	done
	/bin/ip address add 10.9.0.1/24 dev br0
	refused 7 'the card.s switch is in legacy mode' ens1f0/vf1,representor=bridge:br0
	check "which can be helped" said 'eswitch-mode=switchdev'
	check "it is" vfctl set ens1f0 eswitch-mode=switchdev
	must "ports for both" test -n "$(port_of 0)" -a -n "$(port_of 1)"
	zero=$(port_of 0) one=$(port_of 1)
	say "the ports are $zero and $one"
	vfctl --json=short show ens1f0 | grep -o '"representors":[^]]*]' | sed 's/},/}\n/g' >"$(out representors.txt)"
	check "vfctl show has both" sh -c "grep '\"vf\":0,' $(out representors.txt) | grep '\"$zero\"' && grep '\"vf\":1,' $(out representors.txt) | grep '\"$one\"'"
}

# Frames of the bridge's own reach the port; behind it nobody is.
dropped() {
	cat "/sys/class/net/$one/statistics/tx_dropped"
}

in_bridge() {
	step "A bridge"
	starts web1 --vf ens1f0/vf1,representor=bridge:br0 --vf ens1f0/vf0
	must "the port of VF 1 is the bridge's" wait_for 20 is_port_of "$one" br0
	check "it is up" wait_for 5 is_up "$one"
	check "that of VF 0 is not asked for" is_out "$zero"
	must "the guest runs" wait_for 20 vfctl vm stats web1
	before=$(dropped)
	ping -c 2 -W 1 10.9.0.9 >/dev/null 2>&1
	check "what the bridge sends to all goes there" test "$(dropped)" -gt "$before"
	check "it ends when it is told to" vfctl vm stop web1 --force
	check "with success" guest_ends_with web1 20 0
	check "the port is out, and down as it was" is_out "$one"

	step "A guest's monitor that is killed"
	starts web2 --vf ens1f0/vf1,representor=bridge:br0
	must "the port is the bridge's" wait_for 20 is_port_of "$one" br0
	must "the guest runs" wait_for 20 vfctl vm stats web2
	kill -9 "$(vfctl --json=short vm list | sed -n 's/.*"pid":\([0-9]*\).*/\1/p')"
	check "that is an end" guest_end web2 20
	check "the port is out" is_out "$one"

	step "A start that fails"
	check "no kernel" fails_with 2 vfctl vm run --kernel /etc/passwd --vf ens1f0/vf1,representor=bridge:br0
	check "leaves the port alone" is_out "$one"
	refused 3 'there is no bridge br9' ens1f0/vf1,representor=bridge:br9
	/bin/ip link set "$one" master br1
	refused 5 "$one is a port of br1" ens1f0/vf1,representor=bridge:br0
	check "it stays theirs" is_port_of "$one" br1
	starts web3 --vf ens1f0/vf1,representor=bridge:br1
	must "who wishes for that one runs" wait_for 20 vfctl vm stats web3
	check "it ends when it is told to" vfctl vm stop web3 --force
	check "with success" guest_ends_with web3 20 0
	check "what was a port before, is" is_port_of "$one" br1
	/bin/ip link set "$one" nomaster
	/bin/ip link set "$one" down
}

ovs() {
	[ -L /var/run ] || { rm -rf /var/run && mkdir -p /var && ln -s /run /var/run; }
	mkdir -p /run/openvswitch /var/log/openvswitch
	ovsdb-tool create /tmp/ovs.db /usr/share/openvswitch/vswitch.ovsschema || return 1
	/usr/sbin/ovsdb-server /tmp/ovs.db --remote=punix:/run/openvswitch/db.sock >/tmp/ovsdb.log 2>&1 &
	ovsdb=$!
	wait_for 10 test -S /run/openvswitch/db.sock || cat /tmp/ovsdb.log
	ovs-vsctl --timeout=10 --no-wait init || return 1
	/usr/sbin/ovs-vswitchd unix:/run/openvswitch/db.sock >/tmp/vswitchd.log 2>&1 &
	vswitchd=$!
	ovs-vsctl --timeout=20 add-br sw0 -- set bridge sw0 datapath_type=netdev
}

is_in_switch() {
	[ "$(ovs-vsctl --timeout=10 list-ports sw0)" = "$1" ]
}

in_switch() {
	step "Open vSwitch, its data path in user space"
	must "a switch" ovs
	starts web4 --vf ens1f0/vf0,representor=ovs:sw0
	must "the port is the switch's" wait_for 20 is_in_switch "$zero"
	check "it is up" wait_for 5 is_up "$zero"
	check "the switch can use it" wait_for 5 test "$(ovs-vsctl --timeout=10 get Interface "$zero" error)" = "[]"
	must "the guest runs" wait_for 20 vfctl vm stats web4
	check "it ends when it is told to" vfctl vm stop web4 --force
	check "with success" guest_ends_with web4 20 0
	check "the switch has no port of it" is_in_switch ""
	check_not "which is down" is_up "$zero"
	kill "$vswitchd" "$ovsdb"
}

it_goes() {
	step "The ports go while the guest runs"
	starts web5 --vf ens1f0/vf1,representor=bridge:br0
	must "the port is the bridge's" wait_for 20 is_port_of "$one" br0
	must "the guest runs" wait_for 20 vfctl vm stats web5
	check "legacy again" sh -c "echo 0 >$sim/devices/netdevsim1/sriov_numvfs"
	check "there is none any more" test ! -e "/sys/class/net/$one"
	check "it ends when it is told to" vfctl vm stop web5 --force
	check "with success" guest_ends_with web5 20 0
}

scenario() {
	prepare
	in_bridge
	in_switch
	it_goes
	check "restored" vfctl restore ens1f0/vf0-1
	check "gone" vfctl destroy ens1f0
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}
