# shellcheck shell=sh
# vfctl test on real functions of a real kernel: DMA, interrupts, faults of the IOMMU, resets.
LAB_TIMEOUT=240
LAB_PROGRAMS="vfctl"

vf() {
	link_name "$devices/$1/virtfn$2"
}

group_is_free() {
	for fd in /proc/[0-9]*/fd/*; do
		[ "$(readlink "$fd")" != "/dev/vfio/$(group_of "$1")" ] || return 1
	done
}

prepare() {
	step "Two VFs of the network card, two of the NVMe controller, on vfio-pci"
	must "VFs" vfctl create ens1f0 2
	must "NVMe VFs" vfctl create nvme0 2
	must "queues for nvme0/vf0" vfctl set nvme0/vf0 vq=2 vi=1
	must "nvme0/vf0 online" vfctl set nvme0/vf0 online=yes
	must "bound" vfctl bind ens1f0/vf0 vfio-pci
	must "bound" vfctl bind nvme0/vf0-1 vfio-pci
	net_vf=$(vf "$PF1" 0) nvme_vf=$(vf "$NVME" 0)
}

# told TEXT PATTERN: what the last command said.
told() {
	cp "$lab_tmp/check.out" /tmp/said
	sed 's/^/     /' /tmp/said
	check "$1" grep -q "$2" /tmp/said
}

for_a_program() {
	file=$1
	shift
	vfctl test "$@" --json >"$file"
}

# proves NAME SELECTOR…: the table for people, and the JSON for verify().
proves() {
	name=$1
	shift
	shown "$name is proved" vfctl test "$@" -o CHECK,VERDICT,MS,RESULT
	check "and again, for a program" for_a_program "$(out "$name.json")" "$@"
}

network_vf() {
	step "A VF of the network card, whose PF is down, then up"
	check_exit 1 "while the PF is down nothing is known" vfctl test ens1f0/vf0
	told "and the reason is told" "the PF's interface must be up"
	/bin/ip link set ens1f0 up
	proves igbvf ens1f0/vf0
}

faults_logged() {
	dmesg | grep -c 'DMAR: \[DMA'
}

without_faults() {
	step "Without provoking the IOMMU"
	before=$(faults_logged)
	check "the rest is proved" vfctl test nvme0/vf0 --no-faults
	check "and nothing is logged" test "$(faults_logged)" = "$before"
}

nvme_vfs() {
	step "A VF of the NVMe controller, and one that is offline"
	proves nvme nvme0/vf0
	check_exit 6 "a controller without queues is not assignable" vfctl test nvme0/vf1
	told "and the cause is named" "the controller is offline"
}

borrowed() {
	step "Functions on their own drivers: borrowed and given back"
	check_exit 6 "one that is not on VFIO is not opened" vfctl test ens2f0
	proves igb "$PF2" --bind
	check "the PF has its driver again" driver_is "$PF2" igb
	/bin/ip link set "$(net_of "$PF2")" name ens2f0
	shown "a VF as well" vfctl test ens1f0/vf1 --bind
	check "the VF has its driver again" driver_is "$(vf "$PF1" 1)" igbvf
}

# Before it has VFs: with them it cannot leave its driver.
nvme_pf() {
	step "The NVMe controller itself, borrowed from its driver"
	proves nvme-pf nvme0 --bind
	check "it has its driver again" driver_is "$NVME" nvme
	check "and its disk is back" wait_for 10 test -b /dev/nvme0n1
}

in_shared_group() {
	step "A function whose group has another one on its driver"
	check_exit 6 "is not opened" vfctl test lan0 --bind
	told "the one that is in the way is named" "0000:05:02.0"
	check "it has its driver again" driver_is 0000:05:01.0 e1000
	/bin/ip link set "$(net_of 0000:05:01.0)" name lan0
}

in_use() {
	step "Used by somebody"
	exec 5<>"/dev/vfio/$(group_of "$net_vf")"
	check_exit 5 "a function that is held is refused" vfctl test ens1f0/vf0
	told "and the holder named" "pid $$"
	exec 5>&-
}

# ends SIGNAL: a test that is in the middle of its work.
ends() {
	vfctl test ens1f0/vf1 --bind >/tmp/ended 2>&1 &
	pid=$!
	# shellcheck disable=SC2010  # names of descriptors
	until ls -l "/proc/$pid/fd" 2>/dev/null | grep -q vfio-device; do
		[ -d "/proc/$pid" ] || break
	done
	kill "-$1" $pid
	wait $pid 2>/dev/null
	sed 's/^/     /' /tmp/ended
}

ended() {
	step "Interrupted, and killed"
	ends INT
	check "the driver is back" driver_is "$(vf "$PF1" 1)" igbvf
	check "it was said" grep -q "was interrupted" /tmp/ended
	ends KILL
	check "the group is free" wait_for 5 group_is_free "$(vf "$PF1" 1)"
	check "restore gives the driver back" vfctl restore ens1f0/vf1
	check "so it is" driver_is "$(vf "$PF1" 1)" igbvf
}

scenario() {
	snapshot "$(out before.txt)"
	nvme_pf
	in_shared_group
	prepare
	network_vf
	nvme_vfs
	without_faults
	borrowed
	in_use
	ended

	step "Give back"
	check "restored" vfctl restore ens1f0/vf0
	check "restored" vfctl restore nvme0/vf0-1
	check "works with its own driver" wait_for 10 test -n "$(net_of "$net_vf")"
	/bin/ip link set ens1f0 down
	check "offline" vfctl set nvme0/vf0 online=no
	check "gone" vfctl destroy nvme0
	check "gone" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}

# says FILE JQ-EXPRESSION
says() {
	jq -e "$2" "$OUT/$1.json" >/dev/null || { jq . "$OUT/$1.json" && return 1; }
}

verify() {
	for file in igbvf nvme igb nvme-pf; do
		verify_that "$file: every check is proved" says $file \
			'.tests[0] | .proved and (.checks | length > 10 and
				all(.verdict == "proved" or (.name | IN("migration", "state"))))'
		verify_that "$file: the kernel was asked for live migration, which vfio-pci has not" says $file \
			'.tests[0].checks | any(.name == "migration" and .verdict == "skipped" and (.result | test("^none")))'
		verify_that "$file: interrupts and faults were counted" says $file \
			'.tests[0] | .interrupts > 3 and .faults > 0 and .bytes > 0 and .reset_ms >= 0'
		verify_that "$file: a line of the kernel's log is quoted" says $file \
			'.tests[0].checks | any(.name | startswith("isolation")) and any((.evidence // "") | test("DMAR: .*fault addr"))'
	done
	verify_that "the block that was read is untouched" test "$(block_text 0)" = "$(original_text 0)"
}
