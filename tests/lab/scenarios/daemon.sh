# shellcheck shell=sh
# vfctld as it is installed, under systemd, D-Bus and polkit: who may what, the same results as
# without it, and what becomes of a change when somebody is killed. AppArmor watches, and has nothing
# to refuse.
LAB_ROOT=debian
LAB_INSTALL=yes
LAB_TIMEOUT=240
LAB_PROGRAMS="vfctl"

ask() {
	busctl call org.vfctl1 /org/vfctl1 org.vfctl1.Manager "$@"
}

alice_asks() {
	runuser -u alice -- busctl call org.vfctl1 /org/vfctl1 org.vfctl1.Manager "$@"
}

vfs() {
	[ "$(vfs_of "$PF1" | wc -l)" = "$1" ]
}

as_alice() {
	runuser -u alice -- "$@"
}

daemon_pid() {
	systemctl show --property MainPID --value vfctld
}

wakeups() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"
}

# Idle for ten seconds: nothing wakes it, and it is small.
idle_costs_nothing() {
	pid=$(daemon_pid)
	sleep 13 # the last jobs are forgotten
	before=$(wakeups "$pid")
	sleep 10
	after=$(wakeups "$pid")
	rss=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
	echo "$((after - before)) wake-ups in 10 s, $rss kB"
	[ "$before" = "$after" ] && [ "$rss" -le 6144 ]
}

# The same words, with $1 before them; what each says and how it ends.
story() {
	vf=
	for words in "create $PF1 2" "create $PF1 2" "set $PF1/vf0 vlan=100 spoofchk=on" \
		"set $PF1/vf1 mac=zz" "set $PF1/vf0 vq=2" "bind $PF1/vf0" "bind $PF1/vf0" \
		"reset $PF1/vf0" "unbind $PF1/vf0" "restore $PF1/vf0" "create $PF1 900" \
		"bind $PF1/vf5" "bind $PF1/vf0 --json" "destroy $PF1" "destroy $PF1" "undo 99999"; do
		echo "\$ vfctl $words"
		# shellcheck disable=SC2086  # words
		vfctl $1 $words 2>&1
		echo "exit status $?"
	done
}

same_with_and_without() {
	story --direct >/tmp/direct
	story '' >/tmp/asked
	diff /tmp/direct /tmp/asked
}

jobs_told() {
	journalctl --no-pager -o cat -u vfctld | grep -c "$1"
}

# Runs "vfctl create PF1 7" and, as soon as its journal is there, what else is said.
while_changing() {
	vfctl create "$PF1" 7 >/tmp/client.out 2>&1 &
	client=$!
	while [ -z "$(ls /run/vfctl/journal 2>/dev/null)" ]; do
		kill -0 "$client" 2>/dev/null || return 1
	done
	"$@"
	wait "$client"
	client_status=$?
	cat /tmp/client.out
	[ $client_status != 0 ]
}

workers() {
	pgrep -f 'vfctld-worker --worker'
}

kill_worker() {
	# shellcheck disable=SC2046  # several
	kill -9 $(workers)
}

kill_daemon() {
	kill -9 "$(daemon_pid)"
}

kill_both() {
	# shellcheck disable=SC2046  # several
	kill -9 "$(daemon_pid)" $(workers)
}

interrupt_client() {
	kill -TERM "$client" # in a script, SIGINT would be ignored
}

# All as it was before, and nothing left to put in order.
nothing_under_way() {
	[ -z "$(ls /run/vfctl/journal)" ]
}

all_is_back() {
	wait_for 30 nothing_under_way && wait_for 10 vfs 0 && return
	ls -l /run/vfctl/journal
	vfs_of "$PF1"
	return 1
}

confined() {
	cat "/proc/$(daemon_pid)/attr/current"
	grep -qx 'vfctld (enforce)' "/proc/$(daemon_pid)/attr/current"
}

# As systemctl restart and an upgrade do it; VFs stay as they are.
restarted() {
	systemctl restart vfctld-worker.socket vfctld-modules.socket vfctld.service && ask ListJobs
}

tight() {
	systemd-analyze security --no-pager --threshold="$2" "$1"
}

heard() {
	grep -q "$1" /tmp/heard
}

scenario() {
	step "It is there when it is called"
	shown "the bus starts it" busctl introspect org.vfctl1 /org/vfctl1 org.vfctl1.Manager
	check "it runs as a service" systemctl is-active vfctld
	shown "it is confined" confined
	shown "its exposure is small" tight vfctld.service 30
	check "its workers', too" tight vfctld-worker@x.service 33
	check "and that of who loads modules" tight vfctld-modules@x.service 30
	check "it has no capability" grep -q '^CapPrm:.*0000000000000000' "/proc/$(daemon_pid)/status"

	step "Who may what"
	check "alice may look" alice_asks Show s "$PF1"
	check "all functions are told" alice_asks List 'asa{sv}' 0 0
	check_not "alice may not change" alice_asks Change 'sa{sv}' \
		"[{\"function\":\"$PF1\",\"num_vfs\":1}]" 0
	check_exit 4 "nor by vfctl" as_alice vfctl create "$PF1" 1
	check "nothing has happened" vfs 0
	cat >/etc/polkit-1/rules.d/50-vfctl.rules <<-'END'
		polkit.addRule(function(action, subject) {
			if (action.id == "org.vfctl1.change" && subject.user == "alice")
				return polkit.Result.YES;
		});
	END
	sleep 3 # polkit notices by itself
	busctl monitor org.vfctl1 >/tmp/heard 2>&1 &
	monitor=$!
	sleep 1
	shown "a rule lets her" as_alice vfctl create "$PF1" 2
	check "two VFs are there" vfs 2
	shown "and bind" as_alice vfctl bind "$PF1/vf0"
	check "and back" as_alice vfctl destroy "$PF1"
	check "bob still may not" test "$(runuser -u bob -- vfctl create "$PF1" 1 >/dev/null 2>&1; echo $?)" = 4
	kill "$monitor"
	check "VFs were announced" heard 'Member=FunctionAdded'
	check "and what happened to them" heard 'Member=FunctionChanged'
	check "and that they went" heard 'Member=FunctionRemoved'

	step "The same with and without it"
	before=$(jobs_told '^job .*: done')
	check "the same words and exit statuses" same_with_and_without
	say "$(grep -c '^exit status 0' /tmp/asked) of $(grep -c '^exit status' /tmp/asked) commands succeeded"
	check "they were the daemon's jobs" test "$(jobs_told '^job .*: done')" -gt $((before + 4))

	step "While nothing happens"
	shown "it costs nothing" idle_costs_nothing

	step "Killed while something is changed"
	shown "the worker is killed: the client is told" while_changing kill_worker
	check "all is as it was" all_is_back
	shown "the daemon is killed: the client is told" while_changing kill_daemon
	check "all is as it was" all_is_back
	shown "both are killed" while_changing kill_both
	check "it starts again" wait_for 20 ask ListJobs
	check "all is as it was" all_is_back
	shown "the client is interrupted" while_changing interrupt_client
	check "all is as it was" all_is_back
	check "and it works on" vfctl create "$PF1" 7
	check "seven VFs" vfs 7
	check "one is claimed" vfctl assign "$PF1/vf0" --to manual:lab
	check "all is restarted, as by an upgrade" restarted
	check "seven VFs still" vfs 7
	check "and the claim" sh -c 'vfctl leases | grep manual:lab'
	check "it is returned" vfctl release --owner manual:lab
	check "and none" vfctl destroy "$PF1"

	step "Afterwards"
	journalctl --no-pager -o cat -u vfctld >"$(out vfctld.journal)"
	journalctl --no-pager -u 'vfctld-worker@*' >"$(out workers.journal)"
}
