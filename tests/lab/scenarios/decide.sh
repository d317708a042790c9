# shellcheck shell=sh
# Plan, apply, undo while a guest holds a VF; a holder that comes too late to be refused; vfctl
# killed half way, at every record and every wait; two of them at once.
LAB_TIMEOUT=600
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_FILES="/usr/bin/strace"

vf() {
	link_name "$devices/$1/virtfn$2"
}

vfs_of() {
	for v in "$devices/$1"/virtfn*; do
		[ -e "$v" ] && echo "$v"
	done | wc -l
}

has_vfs() {
	[ "$(vfs_of "$1")" = "$2" ] || { echo "$1 has $(vfs_of "$1") VFs" && return 1; }
}

# config FILE PF N [VF SECTION]
config() {
	printf '[Match]\nPath=pci-%s\n[PF]\nVirtualFunctions=%s\nDriversAutoprobe=no\n[VF *]\nDriver=vfio-pci\n' \
		"$2" "$3" >"$1"
}

plan_and_apply() {
	step "From nothing to four VFs and back, by number"
	config /tmp/net.conf "$pf" 4
	check "plan tells changes" fails_with 2 vfctl plan --detailed-exitcode /tmp/net.conf
	check "nothing was touched" has_vfs "$pf" 0
	must "apply" vfctl apply --yes /tmp/net.conf
	check "four VFs" has_vfs "$pf" 4
	check "on vfio-pci" test "$(driver_of "$(vf "$pf" 3)")" = vfio-pci
	check "nothing is left to do" fails_with 0 vfctl plan --detailed-exitcode /tmp/net.conf
	must "undo" vfctl undo
	check "none again" has_vfs "$pf" 0
	must "undo of the undo" vfctl undo
	check "four again" has_vfs "$pf" 4
	check "on vfio-pci again" test "$(driver_of "$(vf "$pf" 0)")" = vfio-pci
}

nvme_in_order() {
	step "NVMe: resources, VFs, online, bound: one file"
	must "a VF" vfctl create nvme0 1
	must "resources" vfctl set nvme0/vf0 vq=2 vi=1 online=yes
	must "bind" vfctl bind nvme0/vf0
	must "destroy" vfctl destroy nvme0
	must "undo brings all back" vfctl undo
	check "online" sh -c 'vfctl show nvme0/vf0 | grep -q "vq=2 vi=1 online=yes"'
	check "on vfio-pci" test "$(driver_of "$(vf "$nvme" 0)")" = vfio-pci
}

held_by_a_guest() {
	step "A guest holds a VF"
	printf 'echo "@@ up"\nread -r word\n' >/tmp/guest.sh
	guest_start holder /tmp/guest.sh --cpus 1 --mem 256M --vf "$pf/vf0"
	check "it runs" wait_for 60 guest_saw holder '^@@ up'
	config /tmp/two.conf "$pf" 2
	check "create is refused" fails_with 5 vfctl create "$pf" 2
	check "by name" said "in use by .*: pid [0-9]* (vfctl-vmm"
	check "destroy is refused, whatever is allowed" fails_with 5 vfctl destroy --allow-in-use "$pf"
	check "plan tells whom it would hurt" fails_with 5 vfctl plan --allow-destroy --allow-in-use /tmp/two.conf
	check "by name" said "is destroyed: pid [0-9]* (vfctl-vmm"
	check "apply is refused" fails_with 5 vfctl apply --yes --allow-destroy --allow-in-use /tmp/two.conf
	check "undo of the creation is refused" fails_with 5 vfctl undo "$(creation)" --force
	check "bind of the held one is refused" fails_with 5 vfctl bind "$pf/vf0" igbvf
	check "its neighbour can be had" vfctl unbind "$pf/vf1"
	check "and that taken back" vfctl undo
	check "all are still there" has_vfs "$pf" 4
	kill -TERM "$(guest_pid holder)"
	check "the guest ends" guest_ends_with holder 20 0
	check "now apply does it" vfctl apply --yes --allow-destroy /tmp/two.conf
	check "two VFs" has_vfs "$pf" 2
}

# The first entry that made VFs of the network card.
creation() {
	vfctl --no-legend history | awk '/ apply / { print $1; exit }'
}

# Ctrl-C is TERM here: a shell's background jobs ignore INT.
# The kernel waits for a holder that came when nothing could be refused any more: strace keeps the
# write back until he is there. He is stopped, so that he cannot let go when he is asked to.
destroy_with_late_holder() {
	numvfs=$(readlink -f "$devices/$pf/sriov_numvfs")
	strace -f --seccomp-bpf -qq -o /tmp/trace -P "$numvfs" -e trace=write -e inject=write:delay_enter=12000000 \
		vfctl -v destroy "$pf" --timeout 120 >>/tmp/late 2>&1 &
	wait_for 20 work_is_under_way || return 1
	guest_start late /tmp/guest.sh --cpus 1 --mem 256M --vf "$pf/vf0"
	wait_for 15 holds "$(group_of "$(vf "$pf" 0)")" || return 1
	late_holder=$(holder_of "$(group_of "$(vf "$pf" 0)")")
	kill -STOP "$late_holder"
}

holder_of() {
	for fd in /proc/[0-9]*/fd/*; do
		[ "$(readlink "$fd")" = "/dev/vfio/$1" ] || continue
		fd=${fd#/proc/}
		echo "${fd%%/*}"
		return
	done
	return 1
}

holds() {
	holder_of "$1" >/dev/null
}

late_says() {
	grep -q "$1" /tmp/late
}

# The vfctl that acts: not strace, not its helper.
late_vfctl() {
	cut -d: -f1 "/run/vfctl/lock/$pf" | cut -d' ' -f1
}

nobody_hangs() {
	check "list answers meanwhile" timeout 20 vfctl list
	check "show, too" timeout 20 vfctl show "$pf"
	check "and history" timeout 20 vfctl history
	check "another change is refused" fails_with 5 timeout 20 vfctl create "$pf" 2
	check "by pid" said "pid $(late_vfctl) (vfctl destroy $pf) works on $pf"
}

too_late_to_refuse() {
	step "The kernel waits for a holder"
	vfctl apply --yes --allow-destroy --allow-in-use /tmp/net.conf >/dev/null 2>&1
	check "four VFs" has_vfs "$pf" 4
	late_vf=$(vf "$pf" 0)
	must "a holder comes in between" destroy_with_late_holder
	check "the kernel waits for him" wait_for 60 kernel_asks
	: >/tmp/late
	check "which is said" wait_for 60 late_says \
		"waiting for pid $late_holder (vfctl-vmm.* to release $late_vf"
	nobody_hangs
	kill -TERM "$(late_vfctl)"
	check "a signal is heard" wait_for 10 late_says "interrupted: what was begun is taken back"
	check "and it ends when it has waited once more" wait_for 60 late_says \
		"the kernel is still at it; the next vfctl takes it back"
	cat /tmp/late
	check "the next one cannot either" fails_with 5 timeout 60 vfctl create "$pf" 2
	check "and says why" said "could not be taken back: .*still busy"
	kill -CONT "$late_holder"
	kill -TERM "$(guest_pid late)"
	wait_for 30 guest_has_ended late
	check "the kernel goes on" wait_for 10 no_holder
	vfctl undo 99999 >/tmp/said 2>&1
	cat /tmp/said
	check "the next one puts it in order" said "all is as it was before it"
	check "four VFs again" has_vfs "$pf" 4
	check "on vfio-pci again" test "$(driver_of "$(vf "$pf" 3)")" = vfio-pci
}

no_holder() {
	for fd in /proc/[0-9]*/fd/*; do
		case $(readlink "$fd") in
		/dev/vfio/[0-9]*) return 1 ;;
		esac
	done
}

kernel_asks() {
	dmesg | grep -q "vfio-pci .*: \(Relaying device request to user\|No device request channel\)"
}

work_is_under_way() {
	[ -n "$(ls /run/vfctl/journal)" ]
}

# After a death: what the next ones say goes to /tmp/notes.
next_start() {
	vfctl history >/dev/null 2>>/tmp/notes
	vfctl unbind "$pf" --dry-run >/dev/null 2>&1
	vfctl set "$pf/vf0" vlan=0 >/dev/null 2>>/tmp/notes
	vfctl undo 99999 >/dev/null 2>>/tmp/notes
	n=$(vfs_of "$pf")
	check "$1: none or all ($n)" test "$n" = 0 -o "$n" = 4
	check "$1: no work is left behind" test -z "$(ls /run/vfctl/journal)"
	[ "$n" = 0 ] || check "$1: all bound" test "$(driver_of "$(vf "$pf" 3)")" = vfio-pci
	vfctl destroy --allow-in-use "$pf" >/dev/null 2>&1
}

killed() {
	step "Killed half way, at ten moments: the next start puts it in order"
	must "none" vfctl destroy "$pf"
	for i in 0 1 2 3 4 5 6 7 8 9; do
		vfctl apply --yes /tmp/net.conf >/dev/null 2>&1 &
		dying=$!
		sleep "0.$((i * 3 / 10))$((i * 3 % 10))"
		kill -9 $dying 2>/dev/null
		wait $dying 2>/dev/null
		sleep 0.3
		next_start "moment $i"
	done
	grep interrupted /tmp/notes
	check "some were interrupted, and it was said" grep -q "was interrupted" /tmp/notes
}

# killed_in SYSCALL FIRST STEP: SIGKILL at the n-th of those calls of any thread, for every n until
# it gets through.
killed_in() {
	step "Killed in $1"
	: >/tmp/notes
	n_th=$2
	deaths=0
	while [ "$n_th" -lt 200 ]; do
		strace -f -qq -o /dev/null -e "trace=$1" -e "inject=$1:signal=SIGKILL:when=$n_th" \
			vfctl apply --yes /tmp/net.conf >/dev/null 2>&1
		rc=$?
		sleep 0.3
		next_start "$1 $n_th"
		[ $rc != 0 ] || break
		deaths=$((deaths + 1))
		n_th=$((n_th + $3))
	done
	check "it got through in the end" test "$rc" = 0
	check "after some deaths ($deaths)" test $deaths -ge 3
	grep -c "all is as it was before it" /tmp/notes
	check "some were taken back" grep -q "all is as it was before it" /tmp/notes
	cat /tmp/notes
}

two_at_once() {
	step "Two at once on one PF"
	vfctl apply --yes /tmp/net.conf >/tmp/first 2>&1 &
	first=$!
	vfctl create "$pf" 2 >/tmp/second 2>&1
	second=$?
	wait $first
	cat /tmp/second
	check "one of them did it whole" test "$(vfs_of "$pf")" = 4 -o "$(vfs_of "$pf")" = 2
	check "the other was refused" test $second = 5 -o $second = 0
	check "nothing is left behind" test -z "$(ls /run/vfctl/journal)"
	vfctl history
}

scenario() {
	pf=$(link_name /sys/class/net/ens1f0/device)
	nvme=$(link_name /sys/class/nvme/nvme0/device)
	plan_and_apply
	nvme_in_order
	held_by_a_guest
	too_late_to_refuse
	killed
	killed_in fdatasync 1 1
	two_at_once
}
