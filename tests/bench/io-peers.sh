# shellcheck shell=sh disable=SC2034,SC2153,SC2154  # the lab reads and sets some
# What "io-peers" runs in the lab: the same Linux with the same disk, then with the same tap, under each VMM
# in turn. Results go to $lab_out: a folder for each, and one "host" with what the host does alone.
# "io-peers" puts in front: peers_rounds, peers_only (words; all: ""), peers_kvmtool (a file, or "").
LAB_TIMEOUT=1800
LAB_PROGRAMS="vfctl vfctl-vmm guest-watch"
LAB_WORKLOADS=yes
LAB_CPUS=2
LAB_FILES="/usr/bin/qemu-system-x86_64 /usr/share/qemu/kvmvapic.bin /usr/share/qemu/linuxboot_dma.bin
	/usr/share/seabios/bios-256k.bin /usr/share/qemu/qboot.rom ${peers_kvmtool-}"

tracing=/sys/kernel/tracing
events="kvm/kvm_exit:exit_reason,common_pid kvm/kvm_userspace_exit:reason kvm/kvm_msi_set_irq:data
	raw_syscalls/sys_enter:id.syscall,common_pid sched/sched_wakeup:pid"
counters=/sys/kernel/debug/kvm
for event in $events; do counters="$counters $tracing/events/${event%:*}/hist"; done
qemu=/usr/bin/qemu-system-x86_64
disk=/dev/nvme0n1
mib=512

# ---- The guest: times first, while nothing is counted; marks are where guest-watch looks ----

write_init() {
	cat >"$1" <<'GUEST'
#!/bin/sh
export PATH=/bin:/sbin HOME=/root TERM=linux
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
mount -t tmpfs tmpfs /tmp
export BENCH_POLL=0
grep -q peers.poll /proc/cmdline && BENCH_POLL=1 && modprobe virtio_blk poll_queues=1
modprobe -a -q -b $(cat /sys/bus/*/devices/*/modalias | sort -u)

# timed NAME WORK OPS
timed() {
	bench-workload run "$2" "$3" $disk >/tmp/result 2>/tmp/error || echo "@@ failed $1: $(tail -n 1 /tmp/error)"
	echo "@@ time $1 $(awk '{ v[$2] = $3 } END { printf "%d %.0f", v["ops"] ? v["ns"] / v["ops"] : 0, v["p50"] }' /tmp/result)"
}

on_disk() {
	i=0
	until [ -b /dev/vda ] || [ -b /dev/nvme0n1 ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
	disk=/dev/vda
	[ -b $disk ] || disk=/dev/nvme0n1
	bench-workload run fio-randread-4k-1 50 $disk >/dev/null 2>&1
	for i in 1 2 3; do
		timed qd1 fio-randread-4k-1 500
		timed qd32 fio-randread-4k-32 4000
		timed qd64 fio-randread-4k-64 4000
	done
	echo "@@ timed"
	! grep -q peers.times /proc/cmdline || return
	sleep 2
	echo "@@ mark idle0"
	sleep 3
	echo "@@ mark idle1"
	counted 1 100 500
	counted 32 500 3500
	counted 64 500 3500
}

# counted DEPTH LEAST ALL: the difference of the two is what reads cost, without a program's start
counted() {
	echo "@@ mark qd$1-0"
	timed "least$1" "fio-randread-4k-$1" "$2"
	echo "@@ mark qd$1-1"
	timed "all$1" "fio-randread-4k-$1" "$3"
	echo "@@ mark qd$1-2"
}

received() {
	cat /sys/class/net/eth0/statistics/rx_packets
}

# Until nothing has come for a second.
settle() {
	last=-1
	until [ "$(received)" = $last ]; do
		last=$(received)
		sleep 1
	done
}

pktgen() {
	echo "$2" >/proc/net/pktgen/"$1"
}

# send BYTES: as fast as the device takes them
send() {
	pktgen eth0 "count 8000"
	pktgen eth0 "pkt_size $(($1 - 4))"
	echo "@@ mark send$1"
	sleep 0.5
	pktgen pgctrl start
	echo "@@ mark sent$1"
	sed -n 's/.* \([0-9]*\)pps.*/@@ pps '"$1"' \1/p' /proc/net/pktgen/eth0
	sleep 0.5
}

on_wire() {
	modprobe pktgen
	ip link set eth0 up
	pktgen kpktgend_0 "rem_device_all"
	pktgen kpktgend_0 "add_device eth0"
	pktgen eth0 "dst_mac ff:ff:ff:ff:ff:ff"
	pktgen eth0 "dst 10.9.0.1"
	pktgen eth0 "delay 0"
	sleep 1
	send 64
	send 1500
	for bytes in 64 1500; do
		from=$(received)
		echo "@@ receive $bytes"
		until [ "$(received)" -gt $((from + 100)) ]; do sleep 0.1; done
		settle
		echo "@@ received $bytes $(($(received) - from))"
	done
}

if grep -q peers.net /proc/cmdline; then on_wire; else on_disk; fi
echo "@@ stop"
sleep 60
GUEST
	chmod 755 "$1"
}

pack_guest() {
	mkdir -p /tmp/cpio
	write_init /tmp/cpio/init
	{
		cat /guest/bench/initramfs.cpio
		(cd /tmp/cpio && echo init | cpio -o -H newc 2>/dev/null)
	} >/tmp/guest.cpio
	cp /guest/generic/vmlinuz /tmp/vmlinuz # not from a share, which one would pay for
}

# ---- The VMMs: each sets "$command" ----

quoted() {
	command=
	for word; do command="$command $(printf "'%s'" "$word")"; done
}

# ours CPUS APPEND OPTION…
ours() {
	cpus=$1 more=$2
	shift 2
	quoted vfctl vm run --kernel /tmp/vmlinuz --initrd /tmp/guest.cpio --append "$append $more" --cpus "$cpus" \
		--mem ${mib}M "$@"
}

# theirs CPUS APPEND OPTION…
theirs() {
	cpus=$1 more=$2
	shift 2
	# shellcheck disable=SC2086  # words
	quoted $qemu -M $machine -accel kvm -cpu host -smp "$cpus" -m $mib -nodefaults -no-user-config -display none \
		-no-reboot -serial stdio -kernel /tmp/vmlinuz -initrd /tmp/guest.cpio -append "$append $more" "$@"
}

# virtio_disk CPUS APPEND IOTHREAD AIO DEVICE
virtio_disk() {
	theirs "$1" "$2" -object "iothread,id=io0$3" \
		-blockdev "driver=host_device,filename=$disk,node-name=d0,cache.direct=on,aio=$4,read-only=on" \
		-device "virtio-blk-pci,drive=d0,iothread=io0,disable-legacy=on$5"
}

# virtio_net VHOST
virtio_net() {
	theirs 1 peers.net -netdev "tap,id=n0,ifname=tap0,script=no,downscript=no,vhost=$1" \
		-device "virtio-net-pci,netdev=n0,disable-legacy=on,romfile="
}

command_of() {
	polling=threads=dedicated,poll=dedicated machine=q35
	case $1 in
	vfctl) ours 1 "" --disk $disk,ro,cache=none ;;
	vfctl-adaptive) ours 1 "" --disk $disk,ro,cache=none,poll=adaptive ;;
	vfctl-dedicated) ours 1 "" --disk $disk,ro,cache=none,$polling ;;
	vfctl-sqpoll) ours 1 "" --disk $disk,ro,cache=none,engine=uring-sqpoll,$polling ;;
	vfctl-both) ours 2 peers.poll --disk $disk,ro,cache=none,queues=2,$polling ;;
	vfctl-vf) ours 1 "" --vf "$vf" ;;
	qemu-native) virtio_disk 1 "" "" native "" ;;
	qemu-microvm)
		machine="microvm,pcie=on,rtc=on -bios /usr/share/qemu/qboot.rom"
		virtio_disk 1 "" "" native ""
		;;
	qemu-uring) virtio_disk 1 "" "" io_uring "" ;;
	qemu-poll) virtio_disk 1 "" ,poll-max-ns=100000000 native "" ;;
	qemu-both) virtio_disk 2 peers.poll ,poll-max-ns=100000000 native ,num-queues=2 ;;
	qemu-vf) theirs 1 "" -device "vfio-pci,host=$vf" ;;
	kvmtool)
		quoted "$peers_kvmtool" run -n mode=none -c 1 -m $mib -k /tmp/vmlinuz -i /tmp/guest.cpio \
			-p "$append" -d "$disk,ro,direct"
		;;
	vfctl-net) ours 1 peers.net --net tap=tap0,vhost=off ;;
	vfctl-vhost) ours 1 peers.net --net tap=tap0,vhost=on ;;
	qemu-net) virtio_net off ;;
	qemu-vhost) virtio_net on ;;
	esac
}

is_net() {
	case $1 in *-net | *-vhost) true ;; *) false ;; esac
}

# ---- Counts ----

count_events() {
	for event in $events; do
		echo "hist:keys=${event#*:}:size=4096" >"$tracing/events/${event%:*}/trigger" || return 1
	done
}

forget_events() {
	for event in $events; do
		echo "!hist:keys=${event#*:}:size=4096" >"$tracing/events/${event%:*}/trigger"
	done
} 2>/dev/null

vmm_pid() {
	pid=$(cat "$1/pid")
	case $2 in
	vfctl*) pid=$(cat "/proc/$pid/task/$pid/children") ;;
	esac
	echo "${pid%% *}"
}

said() {
	grep -q "@@ $2" "$1/events" 2>/dev/null
}

# Which threads share a processor, if it should be asked why one is slow.
where_threads_are() {
	for task in "/proc/$1/task"/*; do
		echo "$(cat "$task/comm"): processor $(sed 's/.*) //' "$task/stat" | cut -d ' ' -f 37), may be on" \
			"$(sed -n 's/^Cpus_allowed_list:.//p' "$task/status"), $(grep ctxt "$task/status" | tr '\n' ' ')"
	done
}

# From when the guest has been timed on; of whom system calls are is known by threads.
count_disk() {
	wait_for 60 said "$1" timed || return
	count_events
	pid=$(vmm_pid "$1" "$2")
	until said "$1" stop; do
		ls "/proc/$pid/task" >>"$1/threads"
		! said "$1" "mark qd1-1" || where_threads_are "$pid" >>"$1/schedule"
		sleep 0.3
	done 2>/dev/null
}

# To all, since devices leave out what is for others. The host's pktgen sends into the tap, when the guest says so.
flood() {
	echo "count $3" >/proc/net/pktgen/tap0
	echo "pkt_size $(($2 - 4))" >/proc/net/pktgen/tap0
	echo start >/proc/net/pktgen/pgctrl
	sed -n 's/.* \([0-9]*\)pps.*/\1/p; s/^Result: OK: \([0-9]*\)(.*/us \1/p' /proc/net/pktgen/tap0 >"$1/flood$2"
}

flood_net() {
	for bytes in 64 1500; do
		wait_for 60 said "$1" "receive $bytes" || return
		flood "$1" $bytes 8000
	done
}

# Counted is once.
beside() {
	if is_net "$2"; then flood_net "$1"; elif [ "$3" = 1 ]; then count_disk "$1" "$2"; fi
}

tap_counts=/sys/class/net/tap0/statistics/rx_packets

# one NAME ROUND
one() {
	folder=$lab_out/$1-$2
	mkdir -p "$folder"
	append="console=ttyS0 quiet panic=-1"
	[ "$2" = 1 ] || append="$append peers.times"
	command_of "$1"
	echo "$command" >"$folder/command"
	files=$counters
	! is_net "$1" || files=$tap_counts
	beside "$folder" "$1" "$2" &
	looker=$!
	eval "guest-watch -l 200 $folder $files -- $command"
	status=$?
	kill $looker 2>/dev/null
	forget_events
	wait_for 10 disk_is_free
	sed -n 's/^/     /p' "$folder/events" | grep -v ' mark '
	[ $status -eq 0 ] || tail -n 5 "$folder/console"
	return $status
}

disk_is_free() {
	! has_guests
}

has_guests() {
	for fd in /proc/[0-9]*/fd/*; do
		case $(readlink "$fd") in "$disk" | /dev/vfio/[0-9]* | anon_inode:kvm-vm) return 0 ;; esac
	done
	return 1
}

# What the host does alone, by the same programs: also three times.
host() {
	for work in 1:500 32:4000 64:4000 1:500 32:4000 64:4000 1:500 32:4000 64:4000; do
		bench-workload run fio-randread-4k-"${work%:*}" "${work#*:}" $disk |
			awk -v d="${work%:*}" '{ v[$2] = $3 } END { printf "qd%d %.0f %.0f\n", d, v["ns"] / v["ops"], v["p50"] }'
	done >>"$lab_out/host-$1"
}

prepare() {
	mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
	mount -t tracefs tracefs $tracing 2>/dev/null
	must "NVMe VFs" vfctl create nvme0 1
	must "queues for the NVMe VF" vfctl set nvme0/vf0 vq=2 vi=1
	must "it is online" vfctl set nvme0/vf0 online=yes
	must "bound" vfctl bind nvme0/vf0 vfio-pci
	vf=$(link_name "$devices/$NVME/virtfn0")
	/bin/ip tuntap add tap0 mode tap vnet_hdr
	/bin/ip link set tap0 up
	modprobe -a vhost_net pktgen
	echo "add_device tap0" >/proc/net/pktgen/kpktgend_0
	echo "dst_mac ff:ff:ff:ff:ff:ff" >/proc/net/pktgen/tap0
	echo "dst 10.9.0.2" >/proc/net/pktgen/tap0
	pack_guest
}

scenario() {
	prepare
	all="vfctl qemu-native qemu-microvm vfctl-dedicated vfctl-both qemu-both vfctl-adaptive qemu-uring qemu-poll
		vfctl-vf qemu-vf vfctl-sqpoll vfctl-net qemu-net vfctl-vhost qemu-vhost"
	[ -z "$peers_kvmtool" ] || { chmod 755 "$peers_kvmtool" && all="$all kvmtool"; }
	$qemu --version | head -n 1 >"$(out versions)"
	vfctl --version | head -n 1 >>"$(out versions)"
	uname -r >>"$(out versions)"
	for round in $(seq "$peers_rounds"); do
		for vmm in ${peers_only:-$all}; do
			step "Round $round: $vmm"
			is_net "$vmm" || host "$vmm-$round"
			check "it does its work" one "$vmm" "$round"
		done
	done
}
