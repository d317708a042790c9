# shellcheck shell=sh
# The story that "examples/quickstart --host" tells on a user's machine, told to a machine with real
# SR-IOV: refused, declined, failing half-way, interrupted, and whole. Nothing may stay behind.
LAB_TIMEOUT=380
LAB_PROGRAMS="vfctl vfctl-vmm"

# story ANSWER [BIN]: what it says is shown and kept.
story() {
	echo "$1" | VFCTL_LAB_LIBRARY=/lib/lab VFCTL_LAB_GUEST=/guest sh /lib/lab/host-story "${2-}" \
		>/tmp/story.out 2>&1
}

story_said() {
	grep -qE "$1" /tmp/story.out || { cat /tmp/story.out && return 1; }
}

as_found() {
	snapshot "$(out after.txt)"
	diff "$(out before.txt)" "$(out after.txt)"
}

nothing_left() {
	check "the machine is as it was found" as_found
	check_not "no guest is left" pidof vfctl-vmm
}

refused() {
	step "No idle card: refused"
	/bin/ip address add 10.20.1.1/24 dev ens1f0
	/bin/ip address add 10.20.2.1/24 dev ens2f0
	check_exit 2 "the story is refused" story yes
	check "it says why" story_said 'no idle network card with SR-IOV'
	check "and that nothing was done" story_said '^Nothing was changed'
	/bin/ip address delete 10.20.2.1/24 dev ens2f0
}

declined() {
	step "The answer is not yes: nothing happens"
	for answer in no y ''; do
		check_exit 2 "the answer '$answer' ends it" story "$answer"
		check "the plan was shown, with the idle card" story_said "network card: +$PF2 "
		check "nothing was done" story_said '^Nothing was changed'
		check_not "not one step was taken" grep -q 'Make, set, bind' /tmp/story.out
	done
	nothing_left
}

# A vfctl whose "bind" of the NVMe VF fails: by then there are two VFs, one bound.
failing() {
	step "A step fails half-way: what was made is taken back"
	mkdir /tmp/failing
	cat >/tmp/failing/vfctl <<'WRAPPER'
#!/bin/sh
case "$*" in
"bind 0000:03:00.0/vf0 vfio-pci") echo "refused on purpose" >&2 && exit 1 ;;
esac
exec /usr/bin/vfctl "$@"
WRAPPER
	chmod 755 /tmp/failing/vfctl
	check_exit 1 "the story fails" story yes /tmp/failing
	check "at that step" story_said 'refused on purpose'
	check "the summary says so" story_said 'FAILED .* Make, set, bind'
	check_not "no guest was started" grep -q 'vfctl vm run' /tmp/story.out
	nothing_left
}

# SIGTERM takes the way of Ctrl-C, which a background process of a shell cannot get.
interrupted() {
	step "Interrupted while the guest runs: it is ended, and everything taken back"
	echo yes >/tmp/answer
	VFCTL_LAB_LIBRARY=/lib/lab VFCTL_LAB_GUEST=/guest sh /lib/lab/host-story \
		</tmp/answer >/tmp/story.out 2>&1 &
	pid=$!
	check "the guest runs" wait_for 60 grep -q '@@ begin' /tmp/story.out
	kill -TERM $pid
	wait $pid
	check "the exit status says so" test $? = 130
	check "it gave back" story_said 'ok: the machine is as it was found'
	nothing_left
}

whole() {
	step "The whole story"
	begin=$(cut -d. -f1 /proc/uptime)
	check_exit 0 "everything it shows is proven" story yes
	say "that took $(($(cut -d. -f1 /proc/uptime) - begin)) s; it said:"
	sed 's/^/   | /' /tmp/story.out
	check "the guest had the VF's MAC address and pinged the PF" story_said 'ok: it pings the PF'
	check "and read the namespace" story_said 'ok: it reads from the namespace'
	check "the second guest had emulated devices" story_said 'ok: it drives virtio-net'
	check "the summary has all chapters" test "$(grep -c '^   proven ' /tmp/story.out)" = 4
	nothing_left
}

scenario() {
	refused
	# ens1f0 keeps its address: the story must take the other card.
	snapshot "$(out before.txt)"
	declined
	failing
	interrupted
	whole
	check "the other card kept its address" sh -c '/bin/ip -o address show dev ens1f0 | grep -q 10.20.1.1'
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:|DMAR: \["'
}
