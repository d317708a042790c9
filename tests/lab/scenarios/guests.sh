# shellcheck shell=sh
# libvirt's guests with all that is installed: what they name or wish for is claimed for them, given
# to them and given back, whoever is killed, restarted or hangs meanwhile.
LAB_ROOT=debian
LAB_INSTALL=yes
LAB_TIMEOUT=240
LAB_PROGRAMS="vfctl vfctl-hook"
LAB_FILES=/usr/bin/cpio

strict="<vfctl:assign xmlns:vfctl='urn:vfctl:1' pool='fast' count='2'/>"

claims_are() {
	vfctl leases --no-legend -o FUNCTION,OWNER,STATE | tr -s ' ' | sort >/tmp/claims
	cat /tmp/claims
	[ "$(tr '\n' ';' </tmp/claims)" = "$1" ]
}

no_claims() {
	claims_are ""
}

has_vfs() {
	[ "$(vfs_of "$PF1" | wc -l)" = 3 ]
}

# live NAME PATTERN COUNT: as it runs, so many lines of it match.
live() {
	virsh dumpxml "$1" | grep -E "$2"
	[ "$(virsh dumpxml "$1" | grep -cE "$2")" = "$3" ]
}

seconds_of() {
	start_at=$(date +%s)
	"$@"
	ended_with=$?
	seconds=$(($(date +%s) - start_at))
	echo "$seconds s"
	return $ended_with
}

ports() {
	for port in 1 2 3; do
		echo "<controller type='pci' model='pcie-root-port' index='$port'/>"
	done
}

# hook_conf LINE…
hook_conf() {
	printf '%s\n' '[Hook]' "$@" >/etc/vfctl/vfctl.conf
}

daemon_pid() {
	systemctl show --property MainPID --value vfctld
}

prepare() {
	# Ten seconds are for machines that are not emulated.
	mkdir -p /etc/vfctl
	hook_conf DeadlineSec=30
	step "A card's VFs, two of them in a pool, and all that is installed"
	must "udev has found the PF's driver" wait_for 60 bound_to "$PF1" igb
	must "its VFs are there by configuration" wait_for 30 has_vfs
	must "its interface is renamed" wait_for 10 is_named "$PF1"
	net=$(net_of "$PF1")
	vf=$(vfs_of "$PF1" | sed -n 1p)
	vf1=$(vfs_of "$PF1" | sed -n 2p)
	vf2=$(vfs_of "$PF1" | sed -n 3p)
	must "the host's driver has them" wait_for 10 bound_to "$vf2" igbvf
	must "the PF is up" ip link set "$net" up
	must "and has an address" ip addr add 10.9.0.1/24 dev "$net"
	must "a bridge" ip link add br0 type bridge
	must "is up" ip link set br0 up
	must "a kernel and its initramfs" write_guest
	must "a folder for hooks" mkdir -p /etc/libvirt/hooks/qemu.d
	must "the hook" ln -s /usr/bin/vfctl-hook /etc/libvirt/hooks/qemu.d/50-vfctl
	must "vfctld" systemctl start vfctld-worker.socket vfctld
	must "the service beside libvirtd" systemctl enable vfctld-libvirt
	must "libvirtd looks for hooks when it starts" systemctl restart libvirtd
	check "and brings it along" wait_for 10 systemctl is-active vfctld-libvirt
}

named() {
	step "A guest that names a VF: its driver is changed for it"
	vfctl export "$vf" --format libvirt --as-is >/tmp/device
	must "libvirt takes it" define web1 /tmp/device
	check "it could start" probe
	check "for which nothing was claimed" no_claims
	must "it starts" starts web1
	check "the VF is its own" claims_are "$vf domain:web1 held;"
	check "on VFIO" bound_to "$vf" vfio-pci
	check_exit 5 "nobody else is given it" vfctl assign "$vf" --to manual:other
	check "its driver in the guest works" wait_for 60 guest_said '^@@ pings 3 3'
}

probe() {
	virsh dumpxml web1 | VFIO_HOOK_CHECK=1 vfctl-hook web1 prepare begin -
}

survives() {
	step "libvirtd restarts, vfctld is killed"
	pid=$(qemu_pid)
	must "libvirtd" systemctl restart libvirtd
	must "vfctld" kill -9 "$(daemon_pid)"
	check "the guest runs" wait_for 10 state_is running
	check "the same one" test "$(qemu_pid)" = "$pid"
	check "and works" ticks_on
	check "with its VF" claims_are "$vf domain:web1 held;"
	check "who is watched again" wait_for 10 systemctl is-active vfctld-libvirt
}

crashes() {
	step "QEMU is killed: the VF is given back as it was"
	kill -9 "$(qemu_pid)"
	check "libvirt notices" wait_for 15 state_is "shut off"
	check "nothing is claimed" wait_for 15 no_claims
	check "the VF is the host's again" wait_for 5 bound_to "$vf" igbvf
}

wishes() {
	step "A guest that wishes for two VFs of a pool"
	ports >/tmp/ports
	must "libvirt takes that" define web2 /tmp/ports "$strict"
	must "it starts" starts web2
	check "both are claimed for it" claims_are "$vf1 domain:web2 held;$vf2 domain:web2 held;"
	check "and attached" wait_for 15 live web2 '<hostdev ' 2
	check "saying it again changes nothing" vfctl libvirt attach web2
	check "they are no more than two" live web2 '<hostdev ' 2
	must "it is destroyed" virsh destroy web2
	check "they are given back" wait_for 15 no_claims
	check "to the host's driver" bound_to "$vf1" igbvf
	step "One of them is taken"
	must "by somebody" vfctl assign "$vf1" --to manual:other
	check_not "the guest does not start" starts web2
	shown "with our reason" said "web2 cannot start: pool fast has 1 free of 2, 2 asked for"
	check "nothing is left of that" claims_are "$vf1 manual:other held;"
	must "it takes virtio on a bridge instead" virsh metadata web2 urn:vfctl:1 --config --key vfctl \
		--set "<assign pool='fast' count='2' fallback='bridge:br0'/>"
	must "and starts" starts web2
	check "it has the other" wait_for 15 live web2 '<hostdev ' 1
	check "and the bridge" wait_for 15 live web2 "<source bridge='br0'/>" 1
	must "it is destroyed" virsh destroy web2
	check "what it had is given back" wait_for 15 claims_are "$vf1 manual:other held;"
	must "the other, too" vfctl release "$vf1"
}

# The hook, under the name by which libvirt runs it, waits for a daemon that does not answer.
kill_hook() {
	kill -STOP "$(daemon_pid)"
	virsh start web1 >/tmp/start 2>&1 &
	starting=$!
	wait_for 10 pidof 50-vfctl >/dev/null || return 1
	# shellcheck disable=SC2046  # words
	kill -9 $(pidof 50-vfctl)
	kill -CONT "$(daemon_pid)"
	! wait $starting
}

without() {
	step "The hook is killed; vfctld hangs, or is not there"
	must "the guest does not start without its hook" kill_hook
	check "nothing is claimed for it" wait_for 15 no_claims
	check "the VF is the host's" wait_for 5 bound_to "$vf" igbvf
	hook_conf DeadlineSec=4 WithoutDaemon=refuse
	kill -STOP "$(daemon_pid)"
	check_not "vfctld hangs: it does not start" seconds_of starts web1
	check "which is said in time" test "$seconds" -le 7
	shown "with our reason" said "web1 cannot start: the daemon cannot be asked: Connection timed out"
	kill -CONT "$(daemon_pid)"
	check "nothing is claimed for it" wait_for 15 no_claims
	must "vfctld is not there" systemctl mask --runtime --now vfctld
	check_not "it does not start" starts web1
	shown "with our reason" said "web1 cannot start: the daemon cannot be asked"
	hook_conf WithoutDaemon=check
	check_not "what is not ready cannot be had" starts web1
	shown "with the reason" said "$vf is driven by igbvf, not by a VFIO driver"
	must "what is" vfctl --direct bind "$vf"
	check "can" starts web1
	must "it is destroyed" virsh destroy web1
	check_not "a wish cannot be granted" starts_strict
	shown "with the reason" said "web2 cannot start: the daemon cannot be asked"
	hook_conf Deadline=4
	check_not "what is not understood is told" starts web1
	shown "with its line" said "/etc/vfctl/vfctl.conf:2: [Hook] has no key 'Deadline'"
	rm /etc/vfctl/vfctl.conf
	must "vfctld is there again" systemctl unmask --runtime vfctld
	must "the VF is the host's" vfctl restore "$vf"
}

starts_strict() {
	define web2 /tmp/ports "$strict" && starts web2
}

scenario() {
	# shellcheck source=tests/lab/l1/libvirt.sh
	. /lib/lab/libvirt.sh
	prepare
	named
	survives
	crashes
	wishes
	without
	step "Everything back"
	check "no claims" no_claims
	check "no VFs" vfctl destroy "$PF1"
	check_not "nothing of ours kept libvirt waiting" sh -c 'journalctl -u libvirtd | grep -i "cannot acquire state change lock"'
	cp -p "$console" "$(out console)" 2>/dev/null
	journalctl -b -u libvirtd -u vfctld -u vfctld-libvirt -u "vfctld-worker@*" -t vfctl-hook >"$(out journal.log)"
}
