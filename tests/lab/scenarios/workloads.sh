# shellcheck shell=sh
# vfctl bench io with a Linux guest: Debian's kernel, fio, sqlite3 and iperf3, unmodified, on the paths
# beside the same programs without a guest. All is emulated, so only counts are judged.
LAB_TIMEOUT=400
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_WORKLOADS=yes
LAB_CPUS=2

# io NAME OPTION…: the results, one a line, are in /tmp/NAME
io() {
	name=$1
	shift
	vfctl bench io --guest-kernel /tmp/vmlinuz --guest-initrd /tmp/bench.cpio --rounds 1 --timeout 120 \
		--json=short "$@" >"$(out "$name.json")" 2>"/tmp/$name.err"
	status=$?
	cat "/tmp/$name.err"
	sed 's/},{"path"/},\n{"path"/g' "$(out "$name.json")" | tee -a /tmp/results
	return $status
}

# each PATH WORK FIGURE: what one operation costs there.
each() {
	sed -n "s/.*\"path\":\"$1\",[^{]*\"workload\":\"$2\",.*\"each\":{[^}]*\"$3\":\([0-9.eE+-]*\).*/\1/p" /tmp/results
}

# costs PATH WORK FIGURE OPERATOR VALUE
costs() {
	cost=$(each "$1" "$2" "$3")
	check "$1, $2: $3 $4 $5 (it is ${cost:-unknown})" \
		awk -v is="${cost:-x}" "BEGIN { exit !(is != \"x\" && is $4 $5) }"
}

# beside PATH WORK PROGRAM: the host did the same
beside() {
	check "$1, $2: beside $3 without a guest" \
		grep -q "\"path\":\"$1\",.*\"workload\":\"$2\",.*\"host_by\":\"$3\",\"ratio\":[0-9.]*[1-9]" /tmp/results
}

scenario() {
	cp /guest/generic/vmlinuz /guest/bench/initramfs.cpio /tmp/ && mv /tmp/initramfs.cpio /tmp/bench.cpio
	step "fio, notified and polling"
	check "it reads" io fio --disk /dev/nvme0n1 --ops 400 --path virtio-blk,virtio-blk-both-poll \
		--workload fio-randread-4k-1
	for path in virtio-blk virtio-blk-both-poll; do
		beside $path fio-randread-4k-1 fio
		costs $path fio-randread-4k-1 user_exits '<=' 0.05
	done
	costs virtio-blk-both-poll fio-randread-4k-1 host_syscalls '<=' 2.05
	costs virtio-blk fio-randread-4k-1 doorbells '<=' 1.05
	costs virtio-blk fio-randread-4k-1 host_syscalls '<=' 3.05
	costs virtio-blk-both-poll fio-randread-4k-1 doorbells '<=' 0.05
	costs virtio-blk-both-poll fio-randread-4k-1 injections '<=' 0.05

	step "fio and SQLite, which write"
	check "they write" io write --disk /dev/nvme0n1 --write --ops 160 --path virtio-blk --workload fio-randrw-4k-32,sqlite
	costs virtio-blk fio-randrw-4k-32 doorbells '<=' 0.5
	beside virtio-blk sqlite sqlite3
	costs virtio-blk sqlite user_exits '<=' 0.5

	step "TCP, and pings"
	check "they talk" io net --ops 200 --path virtio-net --workload tcp-send,ping-pong
	for work in tcp-send:iperf3 ping-pong:ping; do
		beside virtio-net ${work%:*} ${work#*:}
		costs virtio-net ${work%:*} user_exits '<=' 0.5
	done
}
