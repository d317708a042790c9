# shellcheck shell=sh
# What scenarios use inside L1.
#
#   step TEXT                   a headline
#   say TEXT                    a line of information
#   check TEXT COMMAND…         one assertion: passes when the command exits 0; its output is shown
#                               when it does not
#   check_not TEXT COMMAND…     passes when the command fails
#   check_exit CODE TEXT COMMAND…   passes when it exits with exactly CODE
#   must TEXT COMMAND…          an assertion without which the rest makes no sense: ends the scenario
#   shown TEXT COMMAND…         like check, and its command line and output are always shown
#   wait_for SECONDS COMMAND…   repeats until it succeeds
#   fails_with CODE COMMAND…    for check: the command exits with CODE; what it printed is shown, and
#                               "said PATTERN" looks into it
#   snapshot FILE               what vfctl could have changed on this machine, as text
#   make_disk FILE BLOCKS       a disk image; every 512-byte block is a line with its own number
#   qemu COMMAND                has QEMU's monitor do it
#   out FILE                    name of a result file that L0 keeps

# Where things are; outside the lab (tests/lab/host-story) elsewhere.
: "${lab_out:=/lab/out}" "${lab_guest:=/guest}" "${lab_tmp:=/tmp}"

lab_checks=0
lab_failures=0
PF1=0000:01:00.0 PF2=0000:02:00.0 NVME=0000:03:00.0
devices=/sys/bus/pci/devices

step() {
	printf '\n== %s\n' "$*"
}

say() {
	printf '   %s\n' "$*"
}

out() {
	echo "$lab_out/$1"
}

qemu() {
	wait_for 10 test ! -e /lab/monitor && echo "$1" >/lab/monitor.new && mv /lab/monitor.new /lab/monitor
}

make_disk() {
	awk -v n="$2" 'BEGIN { for (i = 0; i < n; i++) printf "disk block %0500d\n", i }' >"$1"
}

# lab_verdict STATUS WANTED TEXT; the command's output is in $lab_tmp/check.out
lab_verdict() {
	lab_checks=$((lab_checks + 1))
	if [ "$1" = "$2" ]; then
		printf '   ok: %s\n' "$3"
		return 0
	fi
	lab_failures=$((lab_failures + 1))
	printf '   FAILED: %s (exit status %s)\n' "$3" "$1"
	sed 's/^/      | /' "$lab_tmp/check.out"
	return 1
}

check_exit() {
	lab_want=$1
	lab_text=$2
	shift 2
	"$@" >"$lab_tmp/check.out" 2>&1
	lab_verdict $? "$lab_want" "$lab_text"
}

check() {
	lab_text=$1
	shift
	check_exit 0 "$lab_text" "$@"
}

check_not() {
	lab_text=$1
	shift
	if "$@" >"$lab_tmp/check.out" 2>&1; then
		lab_verdict 0 'not 0' "$lab_text"
	else
		lab_verdict 0 0 "$lab_text"
	fi
}

shown() {
	lab_text=$1
	shift
	say "\$ $*"
	"$@" >"$lab_tmp/check.out" 2>&1
	lab_rc=$?
	sed 's/^/     /' "$lab_tmp/check.out"
	: >"$lab_tmp/check.out"
	lab_verdict $lab_rc 0 "$lab_text"
}

must() {
	check "$@" || {
		lab_summary 1
	}
}

# wait_for SECONDS COMMAND…: as a machine takes that is alone; an emulated one beside others may take
# three times as long.
wait_for() {
	lab_end=$(($(cut -d. -f1 /proc/uptime) + 3 * $1))
	shift
	until "$@"; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt "$lab_end" ] || return 1
		sleep 0.2
	done
}

# process PID has one or several open that match
has_open() {
	for fd in "/proc/$1/fd"/*; do readlink "$fd"; done 2>/dev/null | grep -q "$2"
}

fails_with() {
	lab_code=$1
	shift
	"$@" >"$lab_tmp/said" 2>&1
	lab_rc=$?
	cat "$lab_tmp/said"
	[ $lab_rc = "$lab_code" ] || { echo "exit status $lab_rc" && return 1; }
}

said() {
	grep -q "$1" "$lab_tmp/said" || { cat "$lab_tmp/said" && return 1; }
}

# link_name PATH: last part of what it points to, "-" for none.
link_name() {
	[ -e "$1" ] || { echo -; return; }
	basename "$(readlink "$1")"
}

driver_of() {
	link_name "$devices/$1/driver"
}

driver_is() {
	[ "$(driver_of "$1")" = "$2" ] || { driver_of "$1" && return 1; }
}

group_of() {
	link_name "$devices/$1/iommu_group"
}

# Only virtfn links: reading sriov_numvfs can hang while a VF is held.
vfs_of() {
	for lab_vf in "$devices/$1"/virtfn*; do
		[ -e "$lab_vf" ] && link_name "$lab_vf"
	done
}

# net_of BDF: the function's network interface
net_of() {
	for lab_net in "$devices/$1/net"/*; do
		[ -e "$lab_net" ] && echo "${lab_net##*/}"
	done
}

snapshot() {
	{
		snapshot_functions
		snapshot_links
		# Groups only: /dev/vfio/vfio stays with the module.
		for lab_group in /dev/vfio/[0-9]*; do
			[ -e "$lab_group" ] && echo "$lab_group"
		done
	} >"$1"
}

snapshot_functions() {
	for lab_dev in "$devices"/*; do
		lab_bdf=${lab_dev##*/}
		printf '%s driver=%s override=%s group=%s net=%s' "$lab_bdf" "$(driver_of "$lab_bdf")" \
			"$(cat "$lab_dev/driver_override" 2>/dev/null)" "$(group_of "$lab_bdf")" \
			"$(net_of "$lab_bdf")"
		[ -e "$lab_dev/sriov_drivers_autoprobe" ] &&
			printf ' vfs=%s autoprobe=%s' "$(vfs_of "$lab_bdf" | wc -l)" \
				"$(cat "$lab_dev/sriov_drivers_autoprobe")"
		echo
	done
}

# Name, address, administrative state and VF attributes; not what counts, depends on carrier, or
# is new whenever a driver binds again (the index) or the link was ever up (the queueing).
snapshot_links() {
	/bin/ip -o link show | sort -k 2 |
		sed 's/^[0-9]*: //; s/ state [A-Z]*//; s/,LOWER_UP//; s/NO-CARRIER,//; s/ qlen [0-9]*//; s/ qdisc [a-z_]*//'
	/bin/ip link show | grep '^ *vf '
}

lab_summary() {
	if [ "$lab_failures" = 0 ] && [ "$1" = 0 ] && [ "$lab_checks" != 0 ]; then
		printf '\n%s checks passed\n' "$lab_checks"
		exit 0
	fi
	printf '\n%s of %s checks FAILED, scenario status %s\n' "$lab_failures" "$lab_checks" "$1"
	[ "$1" = 0 ] && exit 1
	exit "$1"
}
