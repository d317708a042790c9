# shellcheck shell=sh
# What vfctld meets that nobody wishes for: messages that are too long, clients that do not listen,
# more events than it can read, files replaced under it, a full /run, clocks that jump. Each time it
# answers others, stays small, and what was there before is there after.
LAB_ROOT=debian
LAB_INSTALL=yes
LAB_TIMEOUT=300
LAB_PROGRAMS="vfctl bus-hostile"

daemon_pid() {
	systemctl show --property MainPID --value vfctld
}

# kB of the daemon, now (VmRSS) or at most (VmHWM)
memory() {
	awk -v f="$1:" '$1 == f { print $2 }' "/proc/$(daemon_pid)/status"
}

# At most so many kB, ever.
stays_below() {
	echo "at most $(memory VmHWM) kB"
	[ "$(memory VmHWM)" -lt "$1" ]
}

is_small() {
	[ "$(memory VmRSS)" -le 6144 ] || { memory VmRSS && return 1; }
}

hostile() {
	runuser -u alice -- bus-hostile system "$@"
}

# What must outlive all this: a claim, its VF and the VF's settings.
note_state() {
	{
		vfctl leases --no-legend -o FUNCTION,OWNER,STATE
		/bin/ip link show "$(net_of "$PF1")" | grep '^ *vf '
		for vf in $(vfs_of "$PF1"); do
			echo "$vf $(driver_of "$vf") $(cat "$devices/$vf/driver_override")"
		done
	} >"$1"
}

# And it is the same daemon, with nothing half done.
nothing_lost() {
	note_state /tmp/now
	diff /tmp/before /tmp/now && [ "$(daemon_pid)" = "$daemon" ] && [ -z "$(ls /run/vfctl/journal)" ]
}

# Somebody else is served, and soon.
serves_others() {
	timeout 15 vfctl list --no-legend "$PF1" | grep -q "$PF1"
}

counts_all() {
	known=$(busctl get-property org.vfctl1 /org/vfctl1 org.vfctl1.Manager NumFunctions)
	real=$(find "$devices/" -mindepth 1 -maxdepth 1 | wc -l)
	echo "it knows $known, there are $real"
	[ "$known" = "u $real" ]
}

messages() {
	step "Messages that are too long"
	for method in Show List Change; do
		check "a long $method is refused" said_by_hostile 'LimitsExceeded a message of more than' long "$method" 20
	done
	check "options of odd types are refused" said_by_hostile 'of no type that options have' odd
	shown "it never was large" stays_below 98304
	check "and is small again" wait_for 10 is_small
	check "nothing is lost" nothing_lost
}

said_by_hostile() {
	pattern=$1
	shift
	hostile "$@" >/tmp/said 2>&1
	cat /tmp/said
	grep -q "$pattern" /tmp/said
}

clients() {
	step "Clients that do not listen, and a crowd"
	for i in 1 2 3; do
		hostile deaf 500 >"/tmp/deaf.$i" &
	done
	check "they ask and do not listen" wait_for 20 grep -q deaf /tmp/deaf.1
	check "who listens is served" serves_others
	pkill -u alice bus-hostile
	wait
	# As many as one processor answers while they wait; how more are refused: tests/bus.
	hostile crowd 5 5 >/tmp/crowd
	sed 's/^/   /' /tmp/crowd
	check "each of a crowd has its answer" test "$(awk '{ n += $1 } END { print n }' /tmp/crowd)" = 25
	# Not allowed: when polkit, with so much to do, gave no answer in ten seconds.
	check "no other than that there is no such function, too much, or no word from polkit" sh -c \
		'! grep -vE " (answered|org.freedesktop.DBus.Error.LimitsExceeded|org.vfctl1.Error.(NotFound|Permission))$" /tmp/crowd'
	check "who came later is served" serves_others
	check "it is small again" wait_for 10 is_small
	check "nothing is lost" nothing_lost
}

# One after the other, so many times.
burst() {
	n=0
	while [ $((n += 1)) -le "$1" ]; do
		for function in "$devices"/*; do
			echo change >"$function/uevent"
		done
	done
}

# Of the kernel's alone: udevd, which has a program to start for each, would take minutes here.
events() {
	step "More events than can be read"
	udevd="systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket"
	functions=$(find "$devices/" -mindepth 1 -maxdepth 1 | wc -l)
	kill -STOP "$daemon"
	check "VFs come while it hears nothing" vfctl --direct create "$PF2" 3
	udevadm settle --timeout=30
	# shellcheck disable=SC2086  # words
	systemctl stop $udevd
	burst 150
	say "$((150 * functions)) events of $functions functions"
	kill -CONT "$daemon"
	check "who asks is served" serves_others
	check "it catches up" wait_for 20 counts_all
	burst 50
	check "who asks in a storm is served" serves_others
	# shellcheck disable=SC2086  # words
	systemctl start $udevd
	vfctl destroy "$PF2" >/dev/null
	check "and hears again" wait_for 20 counts_all
	shown "it never was large" stays_below 98304
	check "it is small again" wait_for 20 is_small
	udevadm settle --timeout=60
	check "nothing is lost" nothing_lost
}

# The file that says what PF2 shall have, as others replace it.
put() {
	printf '%b' "$1" >/tmp/new.conf
	mv /tmp/new.conf /etc/vfctl/pf.d/50-second.conf
}

replace_for_ever() {
	while :; do
		put "[Match]\nPath=pci-$PF2\n[PF]\nVirtualFunctions=2\n"
		put "[Match]\nPath=pci-$PF2\n[PF]\nVirtualFun"
		put "[Match]\nPath=pci-$PF2\n[PF]\nVirtualFunctions=4\n"
		rm -f /etc/vfctl/pf.d/50-second.conf
		sleep 0.1
	done
}

# Each apply did the one, or the other, or said what is wrong with the file.
applies() {
	n=0
	while [ $((n += 1)) -le 6 ]; do
		vfctl apply --yes --pf "$PF2" --allow-destroy >/tmp/said 2>&1
		status=$?
		count=$(vfs_of "$PF2" | wc -l)
		echo "exit status $status, $count VFs"
		case $status,$count in
		0,0 | 0,2 | 0,4) ;;
		2,*) grep -q '50-second.conf' /tmp/said || { cat /tmp/said && return 1; } ;;
		*) cat /tmp/said && return 1 ;;
		esac
	done
}

files() {
	step "Policy replaced under it"
	mkdir -p /etc/vfctl/pf.d
	replace_for_ever 2>/dev/null &
	replacing=$!
	shown "each apply has one of them or says what is wrong" applies
	kill "$replacing"
	wait "$replacing" 2>/dev/null
	put "[Match]\nPath=pci-$PF2\n[PF]\nVirtualFunctions=3\n"
	check "the last word counts" vfctl apply --yes --pf "$PF2" --allow-destroy
	check "three VFs" test "$(vfs_of "$PF2" | wc -l)" = 3
	rm /etc/vfctl/pf.d/50-second.conf
	echo 'this is no rule {' >/etc/polkit-1/rules.d/40-broken.rules
	check "a broken rule of polkit's lets nobody in" refused_to_alice
	rm /etc/polkit-1/rules.d/40-broken.rules
	check "back" vfctl destroy "$PF2"
	check "nothing is lost" nothing_lost
}

refused_to_alice() {
	sleep 3 # polkit notices by itself
	runuser -u alice -- vfctl destroy "$PF2" 2>&1
	[ $? = 4 ]
}

# A change does not begin that cannot be noted.
full() {
	step "A full /run"
	size=$(df -k /run | awk 'NR == 2 { print $2 }')
	mount -o "remount,size=$(df -k /run | awk 'NR == 2 { print $3 + 64 }')k" /run
	dd if=/dev/zero of=/run/filler bs=4k 2>/dev/null
	say "$(df -k /run | tail -n 1)"
	vfctl create "$PF2" 2 >/tmp/said 2>&1
	status=$?
	say "exit status $status: $(head -n 3 /tmp/said | tr '\n' ' ')"
	check "it is refused" test $status != 0
	check "and said why" grep -qiE 'no space' /tmp/said
	check "nothing was done" test "$(vfs_of "$PF2" | wc -l)" = 0
	check "who looks is served" serves_others
	rm /run/filler
	mount -o "remount,size=${size}k" /run
	check "with room again it works" vfctl create "$PF2" 2
	check "back" vfctl destroy "$PF2"
	check "nothing is lost" nothing_lost
}

jump_about() {
	while :; do
		date -s '2099-12-31 23:59:58' && date -s '2001-01-01'
	done >/dev/null 2>&1
}

clock() {
	step "Clocks that jump"
	now=$(date +%s)
	jump_about &
	jumping=$!
	begin=$(cut -d. -f1 /proc/uptime)
	check "VFs come" vfctl create "$PF2" 2
	check "are changed" vfctl set "$PF2/vf0" vlan=9
	kill "$jumping"
	date -s "@$now" >/dev/null
	check "in time" test $(($(cut -d. -f1 /proc/uptime) - begin)) -lt 60
	check "the last change is the last" sh -c 'vfctl history --no-legend | tail -n 1 | grep "vlan=9"'
	check "and is undone first" vfctl undo
	check_not "which it is" sh -c "/bin/ip link show | grep 'vlan 9,'"
	check "back" vfctl destroy "$PF2"
	check "jobs are forgotten in time" wait_for 20 no_jobs
	check "nothing is lost" nothing_lost
}

no_jobs() {
	[ "$(busctl call org.vfctl1 /org/vfctl1 org.vfctl1.Manager ListJobs)" = "a(osus) 0" ]
}

scenario() {
	step "What is to be kept"
	snapshot "$(out before.txt)"
	must "VFs" vfctl create "$PF1" 2
	must "one is claimed" vfctl assign "$PF1/vf0" vlan=100 --to manual:kept
	daemon=$(daemon_pid)
	note_state /tmp/before
	sed 's/^/   /' /tmp/before | head -n 3
	say "$(memory VmRSS) kB"
	messages
	clients
	events
	files
	full
	clock
	step "At the end"
	check "it is small" wait_for 15 is_small
	check "it never complained about itself" sh -c '! journalctl -b -u vfctld -p err --no-pager -o cat | grep .'
	check "the claim is returned" vfctl release "$PF1/vf0"
	check "its VF goes" vfctl destroy "$PF1"
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
	journalctl --no-pager -o short-monotonic -u vfctld -u 'vfctld-worker@*' >"$(out vfctld.journal)"
}
