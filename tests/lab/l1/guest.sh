# shellcheck shell=sh
# Guests (L2), started by vfctl inside L1. A guest boots a Debian kernel and tests/lab/l2/init,
# which runs the shell script it is given; its serial console is shown line by line and kept.
#
#   guest_start NAME SCRIPT [OPTION…]   start one in the background; OPTIONs go to "vfctl vm run".
#                                       $GUEST_KERNEL picks the kernel: generic (default) or cloud,
#                                       $GUEST_APPEND adds to its command line, $GUEST_FILES are
#                                       programs of L1 that it has at the same paths, with their
#                                       libraries; $GUEST_TERMINAL is what it has for one
#   small_start NAME ARGUMENTS [OPTION…]   the same with a program of tests/guest and its arguments
#                                       ("test=nvme_lives lives=50"), up in a second; the scenario
#                                       asks for them with LAB_GUESTS=yes
#   guest_wait NAME SECONDS PATTERN     until its console shows a line that matches (grep -E); fails
#                                       at once when the guest has ended without one
#   guest_wait_times NAME SECONDS TIMES PATTERN   until it shows so many
#   guest_saw NAME PATTERN              has it?
#   guest_tell NAME TEXT                a line of input on its console; fails when it has ended
#   guest_end NAME SECONDS              until it ended; succeeds when it did, its exit status is
#                                       then in $guest_status
#   guest_pid NAME                      of its vfctl process

guest_start() {
	guest_name=$1
	guest_script=$2
	shift 2
	guest_folder=$lab_guest/${GUEST_KERNEL:-generic}
	mkdir -p "$lab_tmp/$guest_name.cpio" && cp "$guest_script" "$lab_tmp/$guest_name.cpio/guest.sh"
	{
		cat "$guest_folder/initramfs.cpio"
		(cd "$lab_tmp/$guest_name.cpio" && echo guest.sh | cpio -o -H newc 2>/dev/null)
		[ -z "${GUEST_FILES-}" ] || (cd / && guest_files | cpio -o -H newc 2>/dev/null)
	} >"$lab_tmp/$guest_name.initrd"
	say "\$ vfctl vm run --kernel vmlinuz --initrd initrd $*"
	guest_launch --kernel "$guest_folder/vmlinuz" --initrd "$lab_tmp/$guest_name.initrd" \
		--append "console=ttyS0 quiet panic=-1 ${GUEST_APPEND-}" "$@"
}

# Folders come before what is in them, for nobody makes them in the guest.
guest_files() {
	for guest_file in $GUEST_FILES; do
		echo "$guest_file"
		! /lib64/ld-linux-x86-64.so.2 --verify "$guest_file" || /lib64/ld-linux-x86-64.so.2 --list "$guest_file" |
			awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }'
	done | awk -F / '{ at = $2; for (i = 3; i <= NF; i++) { print at; at = at "/" $i } print at }' | sort -u
}

small_start() {
	guest_name=$1
	guest_arguments=$2
	shift 2
	say "\$ vfctl vm run --kernel guest.bzimage --append '$guest_arguments' $*"
	guest_launch --kernel /lib/lab/guest.bzimage --append "$guest_arguments" "$@"
}

# guest_launch OPTION…: $guest_name
guest_launch() {
	rm -f "$lab_tmp/$guest_name.in" "$lab_tmp/$guest_name.status"
	mkfifo "$lab_tmp/$guest_name.in"
	: >"$lab_tmp/$guest_name.console"
	# Opened for both directions: no writer going away is the end of the guest's input.
	{
		vfctl vm run "$@" <>"${GUEST_TERMINAL:-$lab_tmp/$guest_name.in}" 2>&1 &
		echo $! >"$lab_tmp/$guest_name.pid"
		wait $!
		echo $? >"$lab_tmp/$guest_name.status"
	} | guest_console "$guest_name" &
}

guest_console() {
	lab_cr=$(printf '\r')
	while IFS= read -r lab_line || [ -n "$lab_line" ]; do
		lab_line=${lab_line%"$lab_cr"}
		printf '%s\n' "$lab_line" >>"$lab_tmp/$1.console"
		printf '   %s | %s\n' "$1" "$lab_line"
	done
	cp "$lab_tmp/$1.console" "$lab_out/$1.console"
}

guest_saw() {
	grep -qE "$2" "$lab_tmp/$1.console"
}

guest_saw_times() {
	[ "$(grep -cE "$3" "$lab_tmp/$1.console")" -ge "$2" ] || guest_has_ended "$1"
}

guest_wait_times() {
	wait_for "$2" guest_saw_times "$1" "$3" "$4"
	[ "$(grep -cE "$4" "$lab_tmp/$1.console")" -ge "$3" ]
}

guest_pid() {
	cat "$lab_tmp/$1.pid"
}

guest_has_ended() {
	[ -s "$lab_tmp/$1.status" ]
}

guest_saw_or_ended() {
	guest_saw "$1" "$2" || guest_has_ended "$1"
}

guest_wait() {
	wait_for "$2" guest_saw_or_ended "$1" "$3"
	# The last lines may still be on their way from the pipe.
	guest_saw "$1" "$3" || { sleep 0.5 && guest_saw "$1" "$3"; }
}

# To one that has ended nobody listens: opened for both directions, for a writer alone would wait for
# a reader that never comes.
guest_tell() {
	! guest_has_ended "$1" && echo "$2" 1<>"$lab_tmp/$1.in"
}

guest_end() {
	if ! wait_for "$2" guest_has_ended "$1"; then
		echo "guest $1 did not end within $2 s"
		kill -9 "$(guest_pid "$1")"
		return 1
	fi
	guest_status=$(cat "$lab_tmp/$1.status")
	sleep 0.3
}

# guest_ends_with NAME SECONDS STATUS
guest_ends_with() {
	guest_end "$1" "$2" || return 1
	echo "exit status $guest_status"
	[ "$guest_status" = "$3" ]
}
