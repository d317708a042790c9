# shellcheck shell=sh
# A host with a real udevd, and one that takes its time: "vfctl create" returns when the VFs have
# the names that udev gives them, not the kernel's.
LAB_TIMEOUT=150
LAB_PROGRAMS="vfctl"
LAB_FILES="/usr/bin/udevadm /usr/lib/systemd/network/99-default.link
	/usr/lib/udev/rules.d/50-udev-default.rules
	/usr/lib/udev/rules.d/60-block.rules
	/usr/lib/udev/rules.d/75-net-description.rules
	/usr/lib/udev/rules.d/80-drivers.rules
	/usr/lib/udev/rules.d/80-net-setup-link.rules"

# Before anything else that concerns an interface: SECONDS of doing nothing.
slow_rule() {
	mkdir -p /run/udev/rules.d
	printf 'ACTION=="add", SUBSYSTEM=="net", PROGRAM="/bin/sleep %s"\n' "$1" >/run/udev/rules.d/10-slow.rules
	# "reload" is what a running udevd listens to.
	[ ! -e /run/udev/control ] || udevadm control --reload
}

start_udevd() {
	ln -s /usr/bin/udevadm /tmp/systemd-udevd
	/tmp/systemd-udevd --daemon
	wait_for 10 test -e /run/udev/control
}

# property SYSPATH NAME: from udev's database.
property() {
	udevadm info --query=property --path="$1" | sed -n "s/^$2=//p"
}

# has_final_name VF: initialised, and called what udev decided.
has_final_name() {
	net=$(net_of "$1")
	echo "$1: interface $net"
	udevadm info --query=property --path="/sys/class/net/$net"
	case $net in
	'' | eth*) return 1 ;;
	esac
	[ -n "$(property "/sys/class/net/$net" USEC_INITIALIZED)" ] &&
		[ "$(property "/sys/class/net/$net" ID_NET_NAME)" = "$net" ]
}

has_kernel_name() {
	case $(net_of "$1") in
	eth*) return 0 ;;
	esac
	return 1
}

# The names that vfctl told are those that the kernel has.
json_agrees() {
	told=$(vfctl --json=short list "$1" | sed -n 's/.*"netdevs":\["\([^"]*\)"\].*/\1/p')
	echo "vfctl: $told, kernel: $(net_of "$1")"
	[ -n "$told" ] && [ "$told" = "$(net_of "$1")" ]
}

seconds() {
	cut -d. -f1 /proc/uptime
}

scenario() {
	snapshot "$(out before.txt)"

	step "Without udevd there is nothing to wait for"
	shown "VFs are created" vfctl create ens1f0 1
	vf=$(vfs_of "$PF1")
	say "$vf is $(net_of "$vf")"
	check "it has the kernel's name" has_kernel_name "$vf"
	shown "and go again" vfctl destroy ens1f0

	step "With a udevd that needs 3 seconds for each interface"
	slow_rule 3
	must "udevd runs" start_udevd
	begin=$(seconds)
	shown "2 VFs are created" vfctl -v create ens1f0 2
	# At once, before anything else gives udevd time.
	for vf in $(vfs_of "$PF1"); do
		check "$vf has udev's name already" has_final_name "$vf"
		check "vfctl tells it" json_agrees "$vf"
		say "$vf is $(net_of "$vf")"
	done
	say "that took $(($(seconds) - begin)) s"
	check "udev's delay was waited for" test $(($(seconds) - begin)) -ge 3
	shown "the list" vfctl list class=network
	vf=$(vfs_of "$PF1" | head -n 1)
	name=$(net_of "$vf")
	sleep 1
	check "the name stays" test "$(net_of "$vf")" = "$name"
	for other in $(property "/sys/class/net/$name" ID_NET_NAME_PATH) \
		$(property "/sys/class/net/$name" ID_NET_NAME_SLOT); do
		vfctl --json=short list "$other" >/tmp/by-name 2>&1
		check "it is found as $other as well" grep -q "\"address\":\"$vf\"" /tmp/by-name
	done
	check "2 NVMe VFs have no interface: they are there soon" timeout 30 vfctl create nvme0 2
	check "and go" vfctl destroy nvme0
	check "the igb VFs go" vfctl destroy ens1f0

	step "A udevd that does not get there in time"
	slow_rule 20
	check_exit 0 "2 VFs are created all the same" vfctl create ens1f0 2 --timeout 6
	cp /tmp/check.out "$(out note.txt)"
	sed 's/^/     /' "$(out note.txt)"
	check "what is missing is said" grep -q 'vfctl: note: .*set up by udev' "$(out note.txt)"
	check "the VFs are there" test "$(vfs_of "$PF1" | wc -l)" = 2
	check "udevd is stopped" udevadm control --exit
	check "the VFs go" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
}
