# shellcheck shell=sh
# vfctl bench io on a machine with real VFs: each path beside the others, an NVMe VF among them. All is
# emulated, so only counts are judged.
LAB_TIMEOUT=800
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_GUESTS=yes
LAB_CPUS=2

WORK=rand-read-4k-1,seq-read-4k-32,send-64,request-response
# Those whose exits are judged are done often, so that the host's own interrupts are few beside them.
JUDGED=ide,virtio-blk,virtio-blk-poll,virtio-blk-poll-ring,virtio-blk-sqpoll,virtio-blk-both-poll,vfio-nvme
JUDGED=$JUDGED,vfio-nvme-guest-polls
# What the kernel serves: its own queues are not counted, so all that the VMM asks of the kernel is.
KERNELS=send-64,request-response
tracing=/sys/kernel/tracing

PATHS=ide,virtio-blk-trap,virtio-blk,virtio-blk-main,virtio-blk-uring,virtio-blk-adaptive,virtio-blk-poll
PATHS=$PATHS,virtio-blk-sqpoll,virtio-blk-guest-polls,virtio-blk-both-poll,virtio-blk-vf,vfio-nvme,vfio-nvme-guest-polls
PATHS=$PATHS,e1000,virtio-net-trap,virtio-net,virtio-net-adaptive,virtio-net-poll,virtio-net-guest-polls
PATHS=$PATHS,virtio-net-both-poll,virtio-net-vf

prepare() {
	step "A VF of the NVMe controller, on vfio-pci, and one of a network card, on its own driver"
	must "a VF" vfctl create nvme0 1
	must "queues" vfctl set nvme0/vf0 vq=2 vi=1
	must "online" vfctl set nvme0/vf0 online=yes
	must "bound" vfctl bind nvme0/vf0 vfio-pci
	must "a VF of the card's" vfctl create "$PF1" 1
	pf=$(basename "$devices/$PF1"/net/*)
	must "its interface" wait_for 10 test -d "$devices/$PF1"/virtfn0/net
	vf=$(basename "$devices/$PF1"/virtfn0/net/*)
	must "both are up" eval "ip link set $pf up && ip link set $vf up"
}

bench() { # NAME OPTION…: the results, one a line, in /tmp/NAME.lines
	name=$1
	shift
	vfctl bench io --rounds 1 --timeout 60 --disk /dev/nvme0n1 --vf nvme0/vf0 --host-disk /dev/nvme0n1 \
		--json=short "$@" \
		>"$(out "$name.json")" 2>"$(out "$name.err")"
	check "$name was measured ($?)" test -s "$(out "$name.json")"
	sed 's/},{"path"/},\n{"path"/g' "$(out "$name.json")" >"/tmp/$name.lines"
	sed -n 's/.*"path":"\([^"]*\)".*"reason":{\(.*\)/\1: \2/p' "/tmp/$name.lines" | cut -c1-300
}

# system_calls NAME OPTION…: those of all threads of the VMMs, by thread in /tmp/NAME.calls
system_calls() {
	echo 'hist:keys=common_pid.execname,id:size=4096' >$tracing/events/raw_syscalls/sys_enter/trigger
	bench "$@"
	sed -n 's/^{ common_pid: \([^ ]*\) *\[[ 0-9]*\], id: *\([0-9]*\).*hitcount: *\([0-9]*\)$/\1 \2 \3/p' \
		$tracing/events/raw_syscalls/sys_enter/hist | grep -E '^(vfctl-vmm|cpu0|virtio-net0)' |
		sort >"$(out "$1.calls")"
	echo '!hist:keys=common_pid.execname,id:size=4096' >$tracing/events/raw_syscalls/sys_enter/trigger
	awk '{ n += $3 } END { print n + 0 }' "$(out "$1.calls")" >"/tmp/$1.calls"
}

# each NAME PATH WORK FIGURE: what one operation costs there.
each() {
	sed -n "s/.*\"path\":\"$2\",[^{]*\"workload\":\"$3\",.*\"each\":{[^}]*\"$4\":\([0-9.eE+-]*\).*/\1/p" "/tmp/$1.lines"
}

# Without those that the host's own clock and processors cause.
own_exits() { # NAME PATH WORK
	awk -v all="$(each "$1" "$2" "$3" exits)" -v host="$(each "$1" "$2" "$3" host_irq_exits)" \
		'BEGIN { if (all != "" && host != "") print (all > host ? all - host : 0) }'
}

# costs NAME PATH WORK FIGURE OPERATOR VALUE
costs() {
	case $4 in
	own_exits) cost=$(own_exits "$1" "$2" "$3") ;;
	*) cost=$(each "$1" "$2" "$3" "$4") ;;
	esac
	check "$2, $3: $4 $5 $6 (it is ${cost:-unknown})" \
		awk -v is="${cost:-x}" "BEGIN { exit !(is != \"x\" && is $5 $6) }"
}

measure() {
	step "Every path that can be had here"
	# What is polled by two takes two processors, which are emulated by turns.
	# (Three that poll would do nothing but take turns: not virtio-blk-sqpoll-both-poll.)
	bench io --ops 96 --workload $WORK --netdev "$vf,$pf" --svg "$(out io.svg)" --path "$PATHS"
	for path in ide virtio-blk-trap virtio-blk virtio-blk-poll virtio-blk-sqpoll virtio-blk-both-poll virtio-blk-vf \
		vfio-nvme vfio-nvme-guest-polls e1000 virtio-net virtio-net-trap virtio-net-vf; do
		check "$path was measured" grep -q "\"path\":\"$path\",.*\"reason\":null" /tmp/io.lines
	done
	check "beside the VF there is the host's figure" \
		grep -q '"path":"vfio-nvme",.*"host_by":"pread","ratio":[0-9.]*,"ratio_p50":[0-9]' /tmp/io.lines
	bench counts --ops 800 --workload rand-read-4k-1 --path $JUDGED
	must "vhost_net" modprobe vhost_net
	must "trace events" mount -t tracefs tracefs $tracing
	system_calls few --ops 100 --workload $KERNELS --path virtio-net-vhost
	system_calls many --ops 20100 --workload $KERNELS --path virtio-net-vhost
}

judge() {
	step "What an operation costs"
	costs io ide rand-read-4k-1 user_exits == 10
	costs io virtio-blk-trap rand-read-4k-1 user_exits == 1
	costs io virtio-blk-vf rand-read-4k-1 user_exits == 0
	costs io virtio-net-trap request-response user_exits == 1
	costs io virtio-net request-response user_exits == 0
	costs io virtio-net-vf request-response user_exits == 0
	costs io vfio-nvme seq-read-4k-32 user_exits == 0
	# All that are asked for together begin, and end, together.
	for path in virtio-blk virtio-blk-poll virtio-blk-vf; do
		costs io $path seq-read-4k-32 host_syscalls '<=' 0.2
		costs io $path seq-read-4k-32 injections '<=' 0.1
	done
	costs counts ide rand-read-4k-1 own_exits '<=' 12
	costs counts virtio-blk rand-read-4k-1 user_exits == 0
	costs counts virtio-blk rand-read-4k-1 own_exits '<=' 2.1
	# Sleep until the doorbell rings; submit and sleep until it is done; interrupt. What of a thousand
	# is above that wakes a thread that polls, ours or the kernel's, which had slept before.
	costs counts virtio-blk rand-read-4k-1 host_syscalls '<=' 3.01
	costs counts virtio-blk rand-read-4k-1 doorbells == 1
	costs counts virtio-blk-poll rand-read-4k-1 host_syscalls '<=' 2.01
	costs counts virtio-blk-poll-ring rand-read-4k-1 host_syscalls '<=' 1.01
	costs counts virtio-blk-sqpoll rand-read-4k-1 host_syscalls '<=' 0.01
	costs counts virtio-blk-both-poll rand-read-4k-1 host_syscalls '<=' 1.01
	for path in virtio-blk-poll virtio-blk-poll-ring virtio-blk-sqpoll; do
		costs counts $path rand-read-4k-1 user_exits == 0
		costs counts $path rand-read-4k-1 own_exits '<=' 1.1
		costs counts $path rand-read-4k-1 doorbells '<=' 0.05
		costs counts $path rand-read-4k-1 wakeups '<=' 0.05
	done
	costs counts virtio-blk-both-poll rand-read-4k-1 own_exits '<=' 0.05
	costs counts virtio-blk-both-poll rand-read-4k-1 injections '<=' 0.05
	costs counts vfio-nvme rand-read-4k-1 user_exits == 0
	costs counts vfio-nvme rand-read-4k-1 own_exits '<=' 1.1
	costs counts vfio-nvme-guest-polls rand-read-4k-1 own_exits '<=' 0.05
	costs counts vfio-nvme-guest-polls rand-read-4k-1 halts == 0
	for work in send-64 request-response; do
		costs many virtio-net-vhost $work user_exits == 0
	done
	# 20000 of either more, of which send-64 counts four packets: what differs is how often threads meet for
	# the console.
	few=$(cat /tmp/few.calls) many=$(cat /tmp/many.calls)
	check "the VMM's system calls are seen ($few)" test "$few" -gt 100
	check "100000 packets more by vhost-net take none of them ($many)" test $((many - few)) -le 5000
	check "the VF is as it was" vfctl test nvme0/vf0 --no-faults
}

scenario() {
	export VFCTL_BENCH_GUEST=/lib/lab/bench-guest
	prepare
	measure
	judge
}
