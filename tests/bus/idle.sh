# shellcheck shell=bash
# shellcheck disable=SC2154  # theirs
# For tests that count what wakes an idle daemon. They have a folder of their own, $dir.

wakeups() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"
}

# What happens on this machine meanwhile may wake it: kernel events, and changes of links.
listen() {
	: >"$dir/events"
	udevadm monitor --kernel >>"$dir/events" 2>&1 &
	ears=$!
	ip monitor link >>"$dir/events" 2>&1 &
	ears="$ears $!"
	sleep 1
	happened=$(grep -c . "$dir/events")
}

# quiet_for PID SECONDS: true if nothing happened; sets $woken.
quiet_for() {
	local before
	listen
	before=$(wakeups "$1")
	sleep "$2"
	woken=$(($(wakeups "$1") - before))
	# shellcheck disable=SC2086  # two
	kill $ears
	# shellcheck disable=SC2086
	wait $ears 2>/dev/null
	[ "$(grep -c . "$dir/events")" = "$happened" ]
}

# count_idle PID SECONDS: sets $woken by a time in which nothing happened; false if there is none.
count_idle() {
	local ears happened
	for _ in 1 2 3 4; do
		quiet_for "$1" "$2" && return
		echo "something happens on this machine, and $woken wake-ups: once more"
		tail -n 3 "$dir/events"
	done
	return 1
}
