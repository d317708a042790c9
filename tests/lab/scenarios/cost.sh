# shellcheck shell=sh
# What vfctl adds to the kernel's own time when it makes VFs and binds them: beside a program that
# does the same writes by as many threads. igb has 7 VFs and this NVMe controller 4. Everything
# here is emulated, a program's start most of all, so that is told apart and nothing is judged but
# that both sides end in the same state.
LAB_TIMEOUT=300
LAB_PROGRAMS="vfctl raw-writes"
rounds=5

vf() {
	link_name "$devices/$1/virtfn$2"
}

bound_vfs() {
	for v in "$devices/$1"/virtfn*; do
		[ "$(driver_of "$(basename "$(readlink "$v")")")" = vfio-pci ] && echo "$v"
	done | wc -l
}

none() {
	vfctl destroy "$1" >/dev/null 2>&1
	echo 1 >"$devices/$1/sriov_drivers_autoprobe"
}

# The writes of our own run, which has just left its VFs there.
writes_of() {
	echo "$devices/$1/sriov_drivers_autoprobe 0"
	echo "$devices/$1/sriov_numvfs $2"
	i=0
	while [ $i -lt "$2" ]; do
		a=$(vf "$1" $i)
		echo "$i $devices/$a/driver_override vfio-pci"
		echo "$i /sys/bus/pci/drivers/vfio-pci/bind $a"
		i=$((i + 1))
	done
}

# least FILE: the smallest number in it.
least() {
	sort -n "$1" | head -n 1
}

measure() {
	pf=$1 n=$2
	printf '[Match]\nPath=pci-%s\n[PF]\nVirtualFunctions=%s\nDriversAutoprobe=no\n[VF *]\nDriver=vfio-pci\n' \
		"$pf" "$n" >/tmp/cost.conf
	rm -f /tmp/ours /tmp/floor /tmp/planned /tmp/started
	for _ in $(seq $rounds); do
		none "$pf"
		raw-writes time vfctl --version >/tmp/text
		tail -n 1 /tmp/text >>/tmp/started
		raw-writes time vfctl plan /tmp/cost.conf >/tmp/text
		tail -n 1 /tmp/text >>/tmp/planned
		raw-writes time vfctl apply --yes /tmp/cost.conf >/tmp/text 2>&1 || cat /tmp/text
		grep -x '[0-9]*' /tmp/text >>/tmp/ours
		check "$n VFs of $pf on vfio-pci" test "$(bound_vfs "$pf")" = "$n"
		writes_of "$pf" "$n" >/tmp/writes
		none "$pf"
		raw-writes 16 </tmp/writes >>/tmp/floor
		check "the same by nothing but writes" test "$(bound_vfs "$pf")" = "$n"
	done
	none "$pf"
	ours=$(least /tmp/ours) floor=$(least /tmp/floor) planned=$(least /tmp/planned)
	started=$(least /tmp/started)
	say "$pf: $n VFs made and bound: vfctl apply $ours us; the same writes $floor us"
	say "  of it the program's start $started us, look and plan $((planned - started)) us, look" \
		"again, journal, writes and waiting $((ours - planned)) us:" \
		"$((100 * (ours - planned) / floor)) % of the writes; all but the start" \
		"$((100 * (ours - started) / floor)) %"
	printf '%s %s %s %s %s\n' "$pf" "$ours" "$started" "$planned" "$floor" >>"$(out cost)"
}

scenario() {
	must "vfio-pci" modprobe vfio-pci
	step "igb"
	measure "$PF1" 7
	step "NVMe"
	measure "$NVME" 4
}
