# shellcheck shell=sh
# vfctl bench io on a machine with real VFs: each path beside the others, an NVMe VF among them. All is
# emulated, so only counts are judged.
LAB_TIMEOUT=800
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_GUESTS=yes
LAB_CPUS=2

WORK=rand-read-4k-1,seq-read-4k-32,send-64,request-response

prepare() {
	step "A VF of the NVMe controller, on vfio-pci"
	must "a VF" vfctl create nvme0 1
	must "queues" vfctl set nvme0/vf0 vq=2 vi=1
	must "online" vfctl set nvme0/vf0 online=yes
	must "bound" vfctl bind nvme0/vf0 vfio-pci
}

# each PATH WORK FIGURE: what one operation costs there.
each() {
	sed -n "s/.*\"path\":\"$1\",[^{]*\"workload\":\"$2\",.*\"each\":{[^}]*\"$3\":\([0-9.eE+-]*\).*/\1/p" "$results"
}

# costs PATH WORK FIGURE OPERATOR VALUE
costs() {
	cost=$(each "$1" "$2" "$3")
	check "$1, $2: $3 $4 $5 (it is ${cost:-unknown})" \
		awk -v is="${cost:-x}" "BEGIN { exit !(is != \"x\" && is $4 $5) }"
}

measure() {
	step "Every path that can be had here"
	# What is polled by two takes two processors, which are emulated by turns.
	vfctl bench io --ops 96 --rounds 1 --timeout 60 --workload $WORK --vf nvme0/vf0 --json=short \
		--svg "$(out io.svg)" >"$(out io.json)" 2>"$(out io.err)"
	check "all but the network, or all, could be measured ($?)" test -s "$(out io.json)"
	results=/tmp/io.lines
	sed 's/},{"path"/},\n{"path"/g' "$(out io.json)" >$results
	grep -F '"reason":{' $results | cut -c1-300
	for path in ide virtio-blk-trap virtio-blk vfio-nvme vfio-nvme-guest-polls virtio-net virtio-net-trap; do
		check "$path was measured" grep -q "\"path\":\"$path\",.*\"reason\":null" $results
	done
}

judge() {
	step "What an operation costs"
	costs ide rand-read-4k-1 user_exits '<=' 12
	costs ide rand-read-4k-1 user_exits '>=' 8
	costs virtio-blk-trap rand-read-4k-1 user_exits == 1
	costs virtio-blk rand-read-4k-1 user_exits == 0
	costs virtio-blk rand-read-4k-1 doorbells == 1
	costs virtio-net-trap request-response user_exits == 1
	costs virtio-net request-response user_exits == 0
	costs vfio-nvme rand-read-4k-1 user_exits == 0
	costs vfio-nvme seq-read-4k-32 user_exits == 0
	costs vfio-nvme-guest-polls rand-read-4k-1 user_exits == 0
	costs vfio-nvme-guest-polls rand-read-4k-1 halts == 0
	check "the VF is as it was" vfctl test nvme0/vf0 --no-faults
}

scenario() {
	export VFCTL_BENCH_GUEST=/lib/lab/bench-guest
	prepare
	measure
	judge
}
