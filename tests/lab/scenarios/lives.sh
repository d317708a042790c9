# shellcheck shell=sh
# One function through many lives: a guest that reboots fifty times with reads on their way, and
# fifty guests of which each is killed while it reads. Nothing is lost, and nothing is left behind.
LAB_TIMEOUT=450
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_GUESTS=yes

LIVES=50
COUNTER=600 # the block that holds how often the guest has lived

prepare() {
	step "A VF of the NVMe controller, on vfio-pci"
	must "a VF" vfctl create nvme0 1
	must "queues" vfctl set nvme0/vf0 vq=2 vi=1
	must "online" vfctl set nvme0/vf0 online=yes
	must "bound" vfctl bind nvme0/vf0 vfio-pci
	vf=$(link_name "$devices/$NVME/virtfn0")
	group=/dev/vfio/$(group_of "$vf")
}

vmm_of() {
	cat "/proc/$(guest_pid "$1")/task/$(guest_pid "$1")/children"
}

# what_it_has PID: descriptors by kind, mappings by size, threads.
what_it_has() {
	for lab_fd in "/proc/$1/fd"/*; do
		readlink "$lab_fd"
	done | sed 's/\[[0-9]*\]/[]/' | sort | uniq -c
	# Without what grows and shrinks as it likes.
	awk '/^[0-9a-f]+-[0-9a-f]+ / { name = $2 " " $6 } /^Size:/ { print name, $2 }' "/proc/$1/smaps" |
		grep -vE '\[(heap|stack|vdso|vvar)' | sort | uniq -c
	for lab_thread in "/proc/$1/task"/*; do
		cat "$lab_thread/comm"
	done | sort
	grep -E '^(VmLck|VmPin|Threads):' "/proc/$1/status"
}

kilobytes() {
	awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1"
}

# stopped_at LIFE FILE: waits for the guest there; what the monitor has then, and what it counted.
stopped_at() {
	guest_wait many 200 "^waiting $1" || return 1
	what_it_has "$vmm" >"$2"
	rss=$(kilobytes "$vmm/status" VmRSS)
	vfctl --json vm stats many >"$2.json"
}

# One number per word of what the monitor counts of DMA and interrupts in one life.
counted() {
	sed 's/[,{}]/\n/g' "$1" | grep -E '"(mappings|entries|pinned_bytes|interrupts_[a-z]*|routing_updates|resets)":' | sort
}

reboots() {
	step "A guest reboots $LIVES times with reads on their way"
	small_start many "test=nvme_lives block=$COUNTER first=2 lives=$LIVES" --name many --mem 64M --vf nvme0/vf0
	must "it lives" guest_wait many 60 '^life 1 '
	vmm=$(vmm_of many)
	vmm=${vmm% }
	must "its second life waits" stopped_at 2 /tmp/second
	rss_before=$rss
	guest_tell many go
	must "its last does" stopped_at $LIVES /tmp/last
	check "descriptors, mappings and threads are those of the second" diff /tmp/second /tmp/last
	say "resident: $rss_before kB, $rss kB"
	check "it has not grown" test "$rss" -le $((rss_before + 128))
	counted /tmp/second.json >/tmp/second.counts
	counted /tmp/last.json >/tmp/last.counts
	shown "DMA and interrupts of the last life" cat /tmp/last.counts
	check "are those of the second" diff /tmp/second.counts /tmp/last.counts
	check "the monitor has counted them" grep -q "\"reboots\": *$((LIVES - 1))\>" /tmp/last.json
	guest_tell many go
	check "it ends by itself" guest_ends_with many 30 0
	check "in each life each command had its interrupt" test "$(awk '/^life / && $4 == $6 && $4 > 50' /tmp/many.console | wc -l)" = $LIVES
	check_not "and no page of it was written in the next" guest_saw many '^not ok|!'
}

# Until it reads, then its end.
killed() {
	small_start one test=nvme_busy --mem 64M --vf nvme0/vf0 >/dev/null
	guest_wait one 30 '^ok busy' || return 1
	kill -9 "$(vmm_of one | tr -d ' ')"
	guest_ends_with one 20 1 >/dev/null && ! guest_saw one '^not ok' && wait_for 5 nobody_has_it
}

nobody_has_it() {
	for lab_link in /proc/[0-9]*/fd/*; do
		[ "$(readlink "$lab_link")" != "$group" ] || return 1
	done
}

available() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	kilobytes meminfo MemAvailable
}

kills() {
	step "$LIVES guests are killed while they read, and the function is given anew"
	must "the first" killed
	before=$(available)
	i=1
	while [ $i -lt $LIVES ] && killed; do
		i=$((i + 1))
	done
	check "all of them" test $i = $LIVES
	after=$(available)
	say "available: $before kB, $after kB"
	check "the machine has as much memory as before" test "$after" -ge $((before - 8192))
	check "nobody has the group" nobody_has_it
	check "nobody is left" sh -c '! ps | grep "[v]fctl"'
	check "no transfer went where none may go" sh -c '! dmesg | grep "DMAR: \["'
	check "and the function works" vfctl test nvme0/vf0
}

scenario() {
	snapshot "$(out before.txt)"
	prepare
	reboots
	kills
	step "Give back"
	check "restored" vfctl restore nvme0/vf0
	check "offline" vfctl set nvme0/vf0 online=no
	check "gone" vfctl destroy nvme0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}

verify() {
	verify_that "the disk tells how often it lived" \
		sh -c "echo '$(block_text $COUNTER)' | grep -q '^life 0*$LIVES\$'"
	verify_that "nothing else was written" test "$(block_text $((COUNTER + 1)))" = "$(original_text $((COUNTER + 1)))"
}
