# shellcheck shell=sh
# What a real kernel says while VFs come, change hands and go (vfctl monitor), and that a capture of
# the machine answers what the machine answers.
LAB_TIMEOUT=240
LAB_PROGRAMS="vfctl"

monitor_pid=

# watch FILE ARGUMENT…: starts a monitor and waits until it listens.
watch() {
	watch_to=$1
	shift
	vfctl "$@" >"$watch_to" 2>"$watch_to.err" &
	monitor_pid=$!
	listens "$monitor_pid"
}

# It is told of what comes from now on: its socket is there, and a little later bound.
listens() {
	wait_for 10 has_open "$1" socket:
	sleep 1
}

# stop SIGNAL STATUS TEXT
stop() {
	kill "-$1" "$monitor_pid"
	wait "$monitor_pid"
	check "$3" test $? = "$2"
}

# saw EVENT WORDS: a line of /tmp/events.
saw() {
	grep -qE -e "$1.*$2" /tmp/events
}

saw_both() {
	saw 0000:01:10.0 "$1" && saw 0000:01:10.2 "$1"
}

events() {
	step "Events as they happen"
	# Of an interface that is down the kernel announces no change.
	must "the PF is up" /bin/ip link set ens1f0 up
	watch /tmp/events monitor
	must "VFs come" vfctl create ens1f0 2
	must "one is bound" vfctl bind ens1f0/vf0
	must "one is configured" vfctl set ens1f0/vf1 trust=on
	must "it is given back" vfctl restore ens1f0/vf0
	must "and the VFs go" vfctl destroy ens1f0
	wait_for 10 saw_both 'function removed'
	sleep 1
	stop INT 0 "an interrupt ends it"
	sed 's/^/     /' /tmp/events
	cp /tmp/events "$(out events.txt)"
	check "nothing was complained of" test ! -s /tmp/events.err
	check "both VFs came" saw_both 'function added'
	check "their PF counts them" saw '0000:01:00.0' 'VFs created: 0 → 2'
	check "vfio-pci is told" saw '0000:01:10.0' 'bound to vfio-pci'
	check "igbvf is told" saw '0000:01:10.0' 'bound to igbvf'
	check "an attribute is told" saw '0000:01:10.2' 'trust: off → on'
	check "both went" saw_both 'function removed'
	check "their PF counts them" saw '0000:01:00.0' 'VFs destroyed: 2 → 0'
	/bin/ip link set ens1f0 down
}

# Each line is a JSON object of its own, which names a function.
json_lines() {
	test -s /tmp/json && ! grep -qvE '^\{.*"event":.*\}$' /tmp/json
}

lines_of_json() {
	step "JSON, filters, a reader that goes away"
	watch /tmp/json --json monitor ens2f0
	must "VFs of the other PF" vfctl create ens1f0 1
	must "VFs of this one" vfctl create ens2f0 1
	wait_for 10 grep -q '0000:02:' /tmp/json
	sleep 1 # what must not come may come as well
	stop TERM 0 "a termination ends it"
	sed 's/^/     /' /tmp/json
	check "each line is an object" json_lines
	check "of the one that was asked for" grep -q '0000:02:' /tmp/json
	check_not "of no other" grep -q '0000:01:' /tmp/json
	vfctl monitor 2>/tmp/pipe.err | head -n 1 >/tmp/one &
	monitor_pid=$!
	listens "$(pidof vfctl)"
	must "something happens" vfctl destroy ens2f0
	must "and something else" vfctl destroy ens1f0
	check "a closed pipe ends it" wait_for 10 sh -c "! kill -0 $monitor_pid 2>/dev/null"
	check "without a word" test ! -s /tmp/pipe.err
}

# configure: what other managers would say, with what must never be in a capture.
configure() {
	mkdir -p /etc/systemd/network /etc/NetworkManager/system-connections /etc/modprobe.d \
		/etc/driverctl.d /etc/vfctl/pf.d
	printf '[Match]\nOriginalName=ens1f0\n[Link]\nSR-IOVVirtualFunctions=3\n' >/etc/systemd/network/10-a.link
	printf '[connection]\ntype=ethernet\ninterface-name=ens1f0\n[802-1x]\npassword=hunter2\n[sriov]\ntotal-vfs=4\n' \
		>/etc/NetworkManager/system-connections/a.nmconnection
	echo 'options igb max_vfs=2' >/etc/modprobe.d/igb.conf
	echo vfio-pci >/etc/driverctl.d/pci-0000:01:10.0
	printf '[Match]\nName=ens2f0\n[PF]\nVirtualFunctions=1\n[VF *]\nDriver=vfio-pci\n' >/etc/vfctl/pf.d/a.conf
}

# No device nodes are in a capture, and memory changes by itself.
steady() {
	grep -vE 'MiB|memory|passed,|huge-?page| (vfio-interface|kvm|device-node) |/dev/(kvm|vfio)|/sys/module/kvm'
}

# same CAPTURE ARGUMENT…
same() {
	same_root=$1
	shift
	vfctl "$@" 2>&1 | steady >/tmp/live
	vfctl --root "$same_root" "$@" 2>&1 | steady >/tmp/captured
	diff /tmp/live /tmp/captured
}

capture() {
	step "A capture answers what the machine answers"
	must "VFs of a NIC" vfctl create ens1f0 2
	must "VFs of an NVMe controller" vfctl create nvme0 2
	must "one is for VFIO" vfctl bind ens1f0/vf0
	must "one has attributes" vfctl set ens1f0/vf1 mac=02:00:00:00:00:11 vlan=100 trust=on
	configure
	must "a capture" vfctl capture --no-redact /tmp/plain.tar
	must "a redacted one" vfctl capture /tmp/redacted.tar
	cp /tmp/redacted.tar "$(out redacted.tar)"
	for question in 'list --holders' 'list --json' 'tree' 'groups --json' 'doctor -v' 'import' \
		'import --json' 'config check' 'why -v ens1f0 ens1f0/vf0' 'why -v ens2f0 nvme0' 'plan' \
		'show ens1f0' 'show ens1f0/vf0' 'show ens1f0/vf1' 'show nvme0' 'show nvme0/vf0' \
		'reset --dry-run ens1f0/vf0 nvme0'; do
		# shellcheck disable=SC2086
		check "vfctl $question" same /tmp/plain.tar $question
	done
	for question in 'list -o ADDRESS,KIND,DRIVER,GROUP,VFS,NAME' groups tree import; do
		# shellcheck disable=SC2086
		check "redacted: vfctl $question" same /tmp/redacted.tar $question
	done
	check_not "no password is in either" grep -q hunter2 /tmp/plain.tar /tmp/redacted.tar
	check "all is given back" vfctl destroy ens1f0
	check "of both" vfctl destroy nvme0
}

scenario() {
	events
	lines_of_json
	capture
}
