# shellcheck shell=sh
# Nobody at the keyboard: VFs are there after boot, after the PF's driver was loaded anew, and when a
# card was plugged in; what no configuration is about stays as it is; what somebody changes under it is
# told and put right, and what is not well is given to nobody.
LAB_ROOT=debian
LAB_INSTALL=yes
LAB_TIMEOUT=300
LAB_PROGRAMS="vfctl"
LAB_DEVICES="-device pcie-root-port,id=rp5,chassis=5,slot=5,bus=pcie.0,addr=0x18
	-netdev hubport,id=n9,hubid=0
	-device pcie-root-port,id=rp6,chassis=6,slot=6,bus=pcie.0,addr=0x19
	-device virtio-net-pci,bus=rp6,id=frail,aer=on,mac=52:54:00:01:00:0a"

property() {
	systemctl show --property="$2" --value "$1"
}

count_is() {
	echo "$1 has VFs: $(vfs_of "$1" | tr '\n' ' ')"
	[ "$(vfs_of "$1" | wc -l)" = "$2" ]
}

all_on() { # PF DRIVER
	for vf in $(vfs_of "$1"); do
		[ "$(driver_of "$vf")" = "$2" ] || return 1
	done
}

# ended UNIT: it ran, and is done.
ended() {
	[ "$(property "$1" ActiveState)" = inactive ] && [ "$(property "$1" ExecMainExitTimestampMonotonic)" != 0 ]
}

ready() {
	ended "$unit" && count_is "$PF1" 4 && all_on "$PF1" vfio-pci
}

has_vlans() {
	/bin/ip link show "$(net_of "$PF1")"
	[ "$(/bin/ip link show "$(net_of "$PF1")" | grep -c 'vlan 100')" = 4 ]
}

before_network() {
	vfs_at=$(property "$unit" ExecMainExitTimestampMonotonic)
	network_at=$(property network-pre.target ActiveEnterTimestampMonotonic)
	echo "VFs at $vfs_at us, network-pre.target at $network_at us after boot"
	[ "$vfs_at" -gt 0 ] && [ "$network_at" -ge "$vfs_at" ]
}

# Both names of each VF lead to the node of its group.
has_names() {
	find /dev/vfctl -type l -exec ls -l '{}' ';'
	index=0
	for vf in $(vfs_of "$PF1"); do
		for pf in "$PF1" "$(net_of "$PF1")"; do
			[ "$(readlink -f "/dev/vfctl/by-pf/$pf/vf$index")" = "/dev/vfio/$(group_of "$vf")" ] || return 1
		done
		index=$((index + 1))
	done
	[ "$index" = 4 ]
}

untouched() {
	count_is "$PF2" 0 && count_is "$NVME" 0 && [ "$(driver_of "$PF2")" = igb ]
}

reload() {
	modprobe -r igb && modprobe igb
}

# The monotonic clock, in microseconds.
now_us() {
	awk '{ print $1 * 1000000 }' /proc/uptime
}

rebind() {
	echo "$PF1" >/sys/bus/pci/drivers/igb/unbind
	wait_for 10 test ! -e "$devices/$PF1/virtfn0"
	echo "$PF1" >/sys/bus/pci/drivers/igb/bind
}

# As an administrator's boot script does it: no check, no way back, no journal.
shell_loop() {
	echo 0 >"$devices/$PF1/sriov_drivers_autoprobe"
	echo 4 >"$devices/$PF1/sriov_numvfs"
	net=$(net_of "$PF1")
	index=0
	for vf in $(vfs_of "$PF1"); do
		/bin/ip link set "$net" vf "$index" vlan 100
		echo vfio-pci >"$devices/$vf/driver_override"
		echo "$vf" >/sys/bus/pci/drivers/vfio-pci/bind
		index=$((index + 1))
	done
}

# From the PF's bind, which ends when its driver is ready, to VFs that are.
measure() {
	rebind
	begin=$(now_us)
	wait_for 30 ready >/dev/null || return 1
	ours=$(awk -v a="$begin" -v b="$(property "$unit" ExecMainExitTimestampMonotonic)" 'BEGIN { print (b - a) / 1000 }')
	worked=$(($(property "$unit" ExecMainExitTimestampMonotonic) - $(property "$unit" ExecMainStartTimestampMonotonic)))
	systemctl -q mask --runtime vfctl-pf@.service
	rebind
	udevadm settle
	count_is "$PF1" 0 >/dev/null || return 1
	begin=$(now_us)
	shell_loop
	theirs=$(awk -v a="$begin" -v b="$(now_us)" 'BEGIN { print (b - a) / 1000 }')
	systemctl -q unmask --runtime vfctl-pf@.service
	awk -v a="$ours" -v w="$worked" -v b="$theirs" 'BEGIN {
		printf "PF bound to VFs ready: udev, systemd and vfctl %d ms (vfctl itself %d ms), a shell loop %d ms: %.1f times\n",
			a, w / 1000, b, a / b
		exit a <= 0 || b <= 0 }' | tee "$(out timing.txt)"
}

plugged() {
	for device in "$devices"/*; do
		[ "$(cat "$device"/net/*/address 2>/dev/null)" = 52:54:00:01:00:09 ] && echo "${device##*/}" && return
	done
	return 1
}

plugged_ready() {
	card=$(plugged) && count_is "$card" 2 && ended "vfctl-pf@$card.service"
}

# Wants the VFs of a card that is not there yet.
make_consumer() {
	cat >/run/systemd/system/consumer.service <<-END
		[Unit]
		Wants=vfctl-pf@$1.service
		After=vfctl-pf@$1.service
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/sh -c 'ls -d /sys/bus/pci/devices/$1/virtfn1'
	END
	systemctl daemon-reload
}

# The address that a card in the empty port gets.
free_slot() {
	for port in "$devices"/*; do
		[ "$(cat "$port/device")" = 0x000c ] || continue
		used=
		for below in "$port"/0000:*; do
			case ${below##*/} in
			*:pcie* | *\*) ;;
			*) used=yes ;;
			esac
		done
		[ -n "$used" ] || printf '0000:%02x:00.0\n' "$(cat "$port/secondary_bus_number")"
	done
}

# The interface of PF2's VF 1, whichever address that has.
has_link_name() {
	[ "$(readlink -f /sys/class/net/uplink1/device)" = "$(readlink -f "$devices/$PF2/virtfn1")" ]
}

link_file_is() {
	udevadm info -q property /sys/class/net/uplink1 | grep -e VFCTL_ -e ID_NET_LINK_FILE
	udevadm test-builtin net_setup_link /sys/class/net/uplink1 2>&1 | grep 10-uplink.link
}

# Who only looks at the PF does not start it again.
same_run() {
	run=$(property "$unit" InvocationID)
	udevadm trigger --settle --action=change -s pci
	sleep 1
	journalctl -b --no-pager -o short-monotonic -u "$unit"
	[ "$(property "$unit" InvocationID)" = "$run" ]
}

early=/run/udev/rules.d/59-vfctl-early.rules
make_early_rules() {
	mkdir -p /run/udev/rules.d
	/usr/libexec/vfctl/early-rules >$early
	cat $early
	udevadm control --reload
	grep -q "$PF2" $early
}

on_vfio() {
	[ "$(driver_of "$1")" = vfio-pci ]
}

on_igb() {
	[ "$(driver_of "$1")" = igb ]
}

status_says() {
	systemctl status --no-pager --full "$unit"
	systemctl status --no-pager --full "$unit" | grep -q "$1"
}

failed_once() {
	[ "$(property "$unit" ActiveState)" = failed ] && [ "$(property "$unit" ExecMainStatus)" = 2 ] &&
		! journalctl -b -u "$unit" | grep -q 'once more'
}

# ---- Drift and health ----

told() { # WORDS: in vfctld's log
	journalctl -b --no-pager -o cat -u vfctld | grep -e "$1"
}

vlan_is() { # INDEX VLAN
	/bin/ip link show "$(net_of "$PF1")"
	/bin/ip link show "$(net_of "$PF1")" | grep "vf $1 " | grep -q "vlan $2\b"
}

set_vlan() { # INDEX VLAN, by other hands than ours
	/bin/ip link set "$(net_of "$PF1")" vf "$1" vlan "$2"
}

vf_at() {
	basename "$(readlink "$devices/$PF1/virtfn$1")"
}

reconciles() { # yes no: how
	sed -i '/^Reconcile=/d' /etc/vfctl/pf.d/10-uplink.conf
	sed -i "s/^VirtualFunctions=4/&\nReconcile=$1/" /etc/vfctl/pf.d/10-uplink.conf
	systemctl reload vfctld
}

# To its own driver, as somebody with a shell would do it.
rebind_by_hand() {
	echo "$1" >/sys/bus/pci/drivers/vfio-pci/unbind
	echo igbvf >"$devices/$1/driver_override"
	modprobe igbvf
	echo "$1" >/sys/bus/pci/drivers_probe
	[ "$(driver_of "$1")" = igbvf ]
}

stays_on() { # DRIVER VF
	sleep 4
	[ "$(driver_of "$2")" = "$1" ]
}

again_and_again() {
	for _ in 1 2 3; do
		set_vlan 3 33
		wait_for 20 vlan_is 3 100 >/dev/null || return 1
		sleep 1
	done
	set_vlan 3 33
	wait_for 20 told 'the same came back 3 times' && vlan_is 3 33
}

drift() {
	step "Somebody changes what is configured"
	check "the daemon runs" systemctl start vfctld
	check "the configuration is applied" vfctl apply --yes --pf "$PF1"
	# The kernel announces attributes of VFs only then.
	check "the PF's interface is up" /bin/ip link set "$(net_of "$PF1")" up
	sleep 2
	set_vlan 1 7
	shown "it is noticed" wait_for 20 told "drift: $PF1/vf1: vlan=100 is wanted, there is vlan=7"
	check "and told, no more" vlan_is 1 7
	reconciles repair
	check "it is put right when the configuration says so" wait_for 30 vlan_is 1 100
	shown "as a change like others" sh -c "vfctl history | grep 'reconcile $PF1'"
	check "a VF goes to another driver" rebind_by_hand "$(vf_at 2)"
	check "and is brought back" wait_for 30 on_vfio "$(vf_at 2)"
	check "all VFs go" sh -c "echo 0 >'$devices/$PF1/sriov_numvfs'"
	check "and are there again" wait_for 40 ready
	exec 5<>"/dev/vfio/$(group_of "$(vf_at 0)")"
	set_vlan 0 9
	set_vlan 1 9
	check "what is not used is put right" wait_for 30 vlan_is 1 100
	shown "what is held is told" wait_for 20 told "drift: $PF1/vf0: vlan=100 .*left alone, in use"
	check "and not touched" vlan_is 0 9
	exec 5>&-
	set_vlan 3 33
	check "what was held is put right with the next event" wait_for 30 vlan_is 0 100
	sleep 3
	check "what comes back again and again is left to people" again_and_again
	check "a decision by hand" vfctl set "$PF1/vf2" vlan=5
	shown "is told" wait_for 20 told 'so decided by vfctl set'
	check "and not fought" vlan_is 2 5
	check "there is nothing under way" test -z "$(ls /run/vfctl/journal)"
}

is_unwell() {
	told "$frail is unhealthy: .* fatal PCIe error" && ! vfctl health "$frail"
}

health() {
	step "A function that is not well"
	frail=$(for f in "$devices"/*; do [ "$(cat "$f"/virtio*/net/*/address 2>/dev/null)" = 52:54:00:01:00:0a ] && echo "${f##*/}"; done)
	must "there is one" test -n "$frail"
	check "it is healthy" vfctl health "$frail"
	check "it is VFIO's" vfctl bind "$frail"
	check "it can be given out" vfctl assign "$frail" --to manual:first
	check "and back" vfctl release "$frail"
	qemu "pcie_aer_inject_error frail DLP"
	shown "a fatal error is noticed" wait_for 30 is_unwell
	check_not "it is given out" vfctl assign "$frail" --to manual:second
	shown "because of that" sh -c "vfctl assign $frail --to manual:second 2>&1 | grep 'is unhealthy'"
	shown "what could be done" vfctl recover --dry-run "$frail"
	shown "the least of it helps" vfctl recover "$frail"
	shown "it is healthy again" vfctl health "$frail" -o FUNCTION,HEALTH,FATAL
	check "and can be given out" vfctl assign "$frail" --to manual:second
	check "and back" vfctl release "$frail"
}

scenario() {
	unit=vfctl-pf@$PF1.service
	step "After boot"
	check "the PF's unit has ended" wait_for 20 ended "$unit"
	check "4 VFs on VFIO" ready
	check "with their VLAN" has_vlans
	shown "before the network, for it is enabled" before_network
	shown "and in that order whenever both start" sh -c "systemctl list-dependencies --plain --after network-pre.target | grep vfctl-pf"
	check "it is in vfctl's history" sh -c "vfctl history | grep 'apply'"
	shown "links to the VFIO groups" has_names
	check "PFs without configuration are as they were" untouched
	check "it can be enabled" systemctl enable "$unit"
	check "as its manual says" test -L "/etc/systemd/system/multi-user.target.wants/$unit"
	check "no unit failed" sh -c '! systemctl --failed --no-legend --plain | grep .'
	check "systemd finds nothing wrong with the unit" systemd-analyze verify --man=no /usr/lib/systemd/system/vfctl-pf@.service
	say "$(systemd-analyze security --no-pager "$unit" | tail -n 1)"

	step "The driver is loaded anew"
	check "the module goes and comes" reload
	check "4 VFs on VFIO" wait_for 30 ready
	check "with their VLAN" has_vlans
	check "events that say no more than that it is there start nothing" same_run
	check "and links to them" has_names
	check "PFs without configuration are as they were" untouched
	shown "how long it takes" measure

	step "Interfaces of VFs"
	check "two VFs on the host's driver" vfctl create "$PF2" 2
	check "a .link file names one by PF and index" wait_for 10 has_link_name
	shown "it is that file's doing" link_file_is
	check_not "the other one has another name" test -e "$devices/$PF2/virtfn0/net/uplink1"
	check "they go" vfctl destroy "$PF2"
	check "and come" vfctl create "$PF2" 2
	check "with the same name" wait_for 10 has_link_name
	check "they go" vfctl destroy "$PF2"

	step "A card is plugged in"
	card=$(free_slot)
	must "a slot is free" test -n "$card"
	make_consumer "$card"
	check "a service waits for $card" systemctl start --no-block consumer.service
	check_not "in vain" systemctl is-active consumer.service
	qemu "device_add igb,bus=rp5,netdev=n9,id=hot,mac=52:54:00:01:00:09"
	check "2 VFs" wait_for 40 plugged_ready
	check "the service has them" wait_for 10 systemctl is-active consumer.service
	qemu "device_del hot"
	check "the card goes" wait_for 30 test ! -e "$devices/$card"

	step "A PF is kept for VFIO before its own driver has it"
	printf '[Match]\nPath=pci-%s\n[PF]\nDriver=vfio\n' "$PF2" >/etc/vfctl/pf.d/05-kept.conf
	shown "as in an initramfs, by a rule" make_early_rules
	rm /etc/vfctl/pf.d/05-kept.conf
	probes=$(dmesg | grep -c "igb $PF2: added PHC")
	# As in an initramfs: the card is there first, and udev loads its driver because it is.
	check "no driver is loaded yet" modprobe -r igb
	echo 1 >"$devices/$PF2/remove"
	echo 1 >/sys/bus/pci/rescan
	check "it is on vfio-pci" wait_for 20 on_vfio "$PF2"
	check "its own driver is loaded, too, and has the other" wait_for 20 on_igb "$PF1"
	check "and was never on igb" test "$(dmesg | grep -c "igb $PF2: added PHC")" = "$probes"
	check "nor is it now" on_vfio "$PF2"
	check "the other's VFs are there again" wait_for 30 ready
	rm "$early"

	step "Wrong configuration"
	printf '[Match]\nPath=pci-0000:09:00.0\n[PF]\nVirtualFunktions=2\n' >/etc/vfctl/pf.d/30-wrong.conf
	check "the module goes and comes" reload
	check "the unit fails at once" wait_for 30 failed_once
	shown "and says why" status_says "30-wrong.conf:4: .*VirtualFunktions"
	check "nothing was done" count_is "$PF1" 0
	rm /etc/vfctl/pf.d/30-wrong.conf
	check "it is put right and started" systemctl start "$unit"
	check "4 VFs on VFIO" ready
	check "what is done by hand" vfctl destroy "$PF1" --allow-in-use
	sleep 3
	check "stays so" count_is "$PF1" 0
	check "no link is left" test -z "$(find /dev/vfctl -type l 2>/dev/null)"
	drift
	health
}
