# shellcheck shell=sh
# Claims through vfctld: what a plain user may have, owners of every kind who die, who still has
# something open, many at once, and the daemon killed at any moment of it.
LAB_ROOT=debian
LAB_INSTALL=yes
LAB_TIMEOUT=300
LAB_PROGRAMS="vfctl"

as_alice() {
	runuser -u alice -- "$@"
}

daemon_pid() {
	systemctl show --property MainPID --value vfctld
}

vf() {
	link_name "$devices/$PF1/virtfn$1"
}

# leases_say TEXT: the whole table, without header.
leases_say() {
	vfctl leases --no-legend -o FUNCTION,OWNER,STATE >/tmp/said 2>&1
	[ "$(tr -s ' ' </tmp/said)" = "$1" ] || { cat /tmp/said && return 1; }
}

records() {
	ls /run/vfctl/claims
}

no_lease() {
	[ -z "$(records)" ]
}

# What a claim changes of the VFs.
told_of_vfs() {
	for i in 0 1 2 3; do
		echo "$i $(driver_of "$(vf $i)") $(cat "$devices/$(vf $i)/driver_override")"
	done
}

as_before() {
	told_of_vfs >/tmp/now
	diff /tmp/before /tmp/now
}

all_is_back() {
	wait_for 20 no_lease && wait_for 5 as_before && return
	vfctl leases
	return 1
}

heard() {
	wait_for 5 grep -q "$1" /tmp/heard
}

# owner COMMAND…: a process that goes on until it is killed; its number in $owner.
owner() {
	rm -f /tmp/owner
	"$@" sh -c 'echo $$ >/tmp/owner.new && mv /tmp/owner.new /tmp/owner && exec sleep 1000' &
	wait_for 5 test -e /tmp/owner
	owner=$(cat /tmp/owner)
}

prepare() {
	step "Four VFs, and who may claim"
	must "VFs" vfctl create "$PF1" 4
	told_of_vfs >/tmp/before
	getent group vfctl >/dev/null || must "a group" groupadd --system vfctl
	busctl monitor org.vfctl1 >/tmp/heard 2>&1 &
	monitor=$!
	wait_for 5 test -s /tmp/heard
}

plain_user() {
	step "A plain user"
	owner as_alice
	check_exit 4 "alice may not claim" as_alice vfctl assign "$PF1/vf0" --to "process:$owner"
	gpasswd -a alice vfctl >/dev/null
	gpasswd -a bob vfctl >/dev/null
	shown "in the group she may" as_alice vfctl assign "$PF1/vf0" --to "process:$owner" --user alice
	check "it is hers" leases_say "$(vf 0) process:$owner held"
	check "by her number" sh -c 'vfctl leases --json | grep "\"uid\": *1000"'
	check "the node, too" test "$(stat -c %U:%a "/dev/vfio/$(group_of "$(vf 0)")")" = alice:600
	check "all were told" heard 'Member=ClaimGranted'
	check "not for root's process" fails_with 4 as_alice vfctl assign "$PF1/vf1" --to process:1
	check "in plain words" said "process 1 is not his"
	check "not for a domain" fails_with 4 as_alice vfctl assign "$PF1/vf1" --to domain:web1
	check "not with other settings" fails_with 4 as_alice vfctl assign "$PF1/vf1" trust=on --to manual:a
	check "not the PF" fails_with 4 as_alice vfctl assign "$PF2" --to manual:a
	check "nobody else's node" fails_with 4 as_alice vfctl assign "$PF1/vf1" --to manual:a --user bob
	check "bob may not return what is hers" fails_with 4 runuser -u bob -- vfctl release "$PF1/vf0"
	check "in plain words" said "user 1000 has claimed"
	check "it still is" leases_say "$(vf 0) process:$owner held"
	kill -9 "$owner"
	check "she is killed: it is returned" all_is_back
	check "all were told" heard 'Member=ClaimReleased'
	check "bob gets it" runuser -u bob -- vfctl assign "$PF1/vf0" --to manual:b
	check "and gives it back" runuser -u bob -- vfctl release "$PF1/vf0"
	check "as it was" all_is_back
}

still_open() {
	step "Somebody still has it open"
	owner env
	check "claimed" vfctl assign "$PF1/vf0" --to "process:$owner"
	# shellcheck disable=SC2016  # its own
	sh -c 'exec sleep 1000 5<>"$1"' - "/dev/vfio/$(group_of "$(vf 0)")" &
	child=$!
	must "he has" wait_for 5 has_open $child /dev/vfio/
	kill -9 "$owner"
	check "it is said" wait_for 10 sh -c \
		"vfctl leases --json | grep -q 'has ended; still in use by pid $child'"
	check "and by the daemon" wait_for 10 sh -c \
		"journalctl -o cat -u vfctld | grep -q 'process $child still has it open'"
	check "it is not torn away" leases_say "$(vf 0) process:$owner held"
	kill -9 "$child"
	check "he ends: it is returned" all_is_back
}

container() {
	step "A container"
	must "one" systemd-run --quiet --unit=machine-lab1 --service-type=exec sleep 1000
	check "claimed" vfctl assign "$PF1/vf1" --to container:lab1
	check "it lives" leases_say "$(vf 1) container:lab1 held"
	systemctl kill --signal=KILL machine-lab1
	check "it is killed: it is returned" all_is_back
}

# What libvirt writes of a running guest.
run_state() {
	mkdir -p /run/libvirt/qemu
	printf '<domstatus state="running" pid="%s"><domain type="kvm"><name>web1</name></domain></domstatus>\n' \
		"$1" >/run/libvirt/qemu/web1.xml.new
	mv /run/libvirt/qemu/web1.xml.new /run/libvirt/qemu/web1.xml
}

knows_pid() {
	grep -q "\"pid\": *$owner," "/run/vfctl/claims/$(vf 2)"
}

domain() {
	step "A domain that begins after it was claimed for"
	mkdir -p /run/libvirt/qemu
	check "claimed" vfctl assign "$PF1/vf2" --to domain:web1
	owner env
	run_state "$owner"
	check "its process is noted" wait_for 10 knows_pid
	check "it is its" leases_say "$(vf 2) domain:web1 held"
	kill -9 "$owner"
	check "it crashes: it is returned" all_is_back
	rm -f /run/libvirt/qemu/web1.xml
}

answered() {
	[ "$(find /tmp -maxdepth 1 -name 'status.*' | wc -l)" = "$1" ]
}

many() {
	step "Forty want one of four" # two hundred: tests/bus/claims
	mkdir -p /etc/vfctl/pf.d
	printf '[Match]\nPath=pci-%s\n[VF *]\nPool=fast\n' "$PF1" >/etc/vfctl/pf.d/10-pool.conf
	before=$(awk '/^VmRSS/ { print $2 }' "/proc/$(daemon_pid)/status")
	began=$(cut -d. -f1 /proc/uptime)
	i=0
	while [ $i -lt 40 ]; do
		(
			vfctl assign --pool fast --to "manual:$i" >"/tmp/asked.$i" 2>&1
			echo $? >"/tmp/status.$i"
		) &
		i=$((i + 1))
	done
	check "all are answered" wait_for 120 answered 40
	say "after $(($(cut -d. -f1 /proc/uptime) - began)) s"
	granted=$(cat /tmp/status.* | grep -cx 0)
	refused=$(cat /tmp/status.* | grep -cx 5)
	check "four got one, the others a reason" test "$granted:$refused" = 4:36 ||
		cat /tmp/asked.* | sort | uniq -c | sort -n | tail
	check "each another" test "$(records | wc -l)" = 4
	after=$(awk '/^VmRSS/ { print $2 }' "/proc/$(daemon_pid)/status")
	say "the daemon had $before kB, and has $after kB"
	check "its memory is bounded" test "$after" -le 8192
	check "all are returned" vfctl release "$PF1/vf0-3"
	check "as it was" all_is_back
	rm /etc/vfctl/pf.d/10-pool.conf
}

wakeups() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"
}

idle_with_four() {
	pid=$(daemon_pid)
	sleep 12 # the last jobs are forgotten
	before=$(wakeups "$pid")
	sleep 8
	after=$(wakeups "$pid")
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	echo "$((after - before)) wake-ups in 8 s, $rss kB"
	[ "$before" = "$after" ] && [ "$rss" -le 6144 ]
}

idle() {
	step "Four owners are watched"
	owner env
	check "claimed" vfctl assign "$PF1/vf0-3" --to "process:$owner"
	shown "and nothing wakes it" idle_with_four
}

in_state() {
	grep -qs "\"state\": *\"$1\"" "/run/vfctl/claims/$(vf 0)"
}

nothing_half_done() {
	! in_state taking && ! in_state returning
}

# soon_in STATE: as often as can be looked.
soon_in() {
	for _ in $(seq 4000); do
		in_state "$1" && return
	done
	return 1
}

# told STATUS: what became of his claim, or that nobody can say. A worker may be quicker than we
# are with our kill.
told() {
	cat /tmp/client.out
	if [ "$1" = 0 ]; then in_state held; else grep -q 'vfctl: ' /tmp/client.out; fi
}

killed() {
	step "The daemon is killed"
	kill -9 "$(daemon_pid)"
	check "it starts again" wait_for 10 busctl call org.vfctl1 /org/vfctl1 org.vfctl1.Manager ListJobs
	check "no claim is lost" test "$(records | wc -l)" = 4
	kill -9 "$owner"
	check "owners are watched again" all_is_back
	owner env
	check "claimed" vfctl assign "$PF1/vf0" --to "process:$owner"
	systemctl stop vfctld
	kill -9 "$owner"
	systemctl start vfctld
	check "an owner died while it was away" all_is_back

	daemon=$(daemon_pid)
	vfctl assign "$PF1/vf0" --to manual:x >/tmp/client.out 2>&1 &
	client=$!
	check "while something is taken" soon_in taking
	kill -9 "$daemon"
	wait $client
	check "who asked is told" told $?
	busctl call org.vfctl1 /org/vfctl1 org.vfctl1.Manager ListJobs >/dev/null 2>&1
	# Its worker lives on and may have come to the end.
	check "it is not left half done" wait_for 20 nothing_half_done
	vfctl release --owner manual:x
	check "all is as it was" all_is_back

	check "claimed" vfctl assign "$PF1/vf0" --to manual:x
	vfctl release "$PF1/vf0" >/tmp/client.out 2>&1 &
	check "while it is returned" soon_in returning
	# shellcheck disable=SC2046  # several
	kill -9 "$(daemon_pid)" $(pgrep -f 'vfctld-worker --worker')
	wait $!
	wait_for 10 busctl call org.vfctl1 /org/vfctl1 org.vfctl1.Manager ListJobs >/dev/null 2>&1
	check "all is as it was" all_is_back
}

lost() {
	step "The function goes"
	check "claimed" vfctl assign "$PF1/vf0" --to manual:x
	check "an administrator insists" vfctl destroy --allow-in-use "$PF1"
	check "all were told" heard 'Member=ClaimLost'
	check "the claim is dropped" wait_for 10 no_lease
}

scenario() {
	prepare
	plain_user
	still_open
	container
	domain
	many
	idle
	killed
	lost
	kill "$monitor"
	cp /tmp/heard "$(out heard)"
	journalctl --no-pager -o short-monotonic -u vfctld -u 'vfctld-worker@*' >"$(out vfctld.journal)"
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}
