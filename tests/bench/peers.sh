# shellcheck shell=sh disable=SC2034,SC2153,SC2154  # the lab reads and sets some
# What "peers" runs in the lab: the same guest with the same function under each VMM in turn. Results
# go to $lab_out: boots ("VMM MICROSECONDS" a line), and a folder VMM-FUNCTION for each counted run.
# "peers" puts in front: peers_rounds, peers_kernel, and files: peers_random_read; peers_kernel_file and
# peers_kvmtool, which may be empty.
LAB_TIMEOUT=1500
LAB_PROGRAMS="vfctl vfctl-vmm guest-watch"
LAB_FILES="/usr/bin/qemu-system-x86_64 /usr/share/qemu/qboot.rom /usr/share/qemu/kvmvapic.bin
	/usr/share/qemu/linuxboot_dma.bin /usr/share/qemu/pvh.bin /usr/share/seabios/bios-256k.bin
	/usr/share/seabios/bios-microvm.bin ${peers_random_read-} ${peers_kvmtool-} ${peers_kernel_file-}"

tracing=/sys/kernel/tracing
events="kvm/kvm_exit:exit_reason kvm/kvm_userspace_exit:reason syscalls/sys_enter_ioctl:cmd"
counters=/sys/kernel/debug/kvm
for event in $events; do counters="$counters $tracing/events/${event%:*}/hist"; done
memory_mib=256

# ---- The guest: marks are where guest-watch looks at the host's counters ----

write_igb_guest() {
	cat >"$1" <<'GUEST'
net=$(basename /sys/bus/pci/drivers/igbvf/*/net/*)
ip address add 10.9.0.2/24 dev $net
ip link set $net up
i=0
until ping -c 1 -W 1 10.9.0.1 >/dev/null 2>&1 || [ $((i += 1)) -gt 60 ]; do sleep 0.5; done
echo "@@ mark works"
sleep 2
echo "@@ mark idle0"
sleep 4
echo "@@ mark idle1"
sleep 1
echo "@@ mark work0"
ping -A -q -c 300 -W 5 10.9.0.1 >/tmp/ping
echo "@@ mark work1"
sed -n 's/^.*packets transmitted/@@ &/p; s/^round-trip/@@ &/p' /tmp/ping
grep -E 'igbvf|eth|en[ps]' /proc/interrupts | sed 's/^/@@ irq /'
sleep 3
echo "@@ stop"
sleep 60
GUEST
}

write_nvme_guest() {
	cat >"$1" <<'GUEST'
i=0
until [ -b /dev/nvme0n1 ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
random-read /dev/nvme0n1 50 >/dev/null
echo "@@ mark works"
sleep 2
echo "@@ mark idle0"
sleep 4
echo "@@ mark idle1"
sleep 1
echo "@@ mark work0"
random-read /dev/nvme0n1 1000 >/tmp/read
echo "@@ mark work1"
sed 's/^/@@ /' /tmp/read
sleep 3
echo "@@ stop"
sleep 60
GUEST
}

# pack_guest FILE SCRIPT
pack_guest() {
	mkdir -p /tmp/cpio/bin
	cp "$2" /tmp/cpio/guest.sh
	cp "$peers_random_read" /tmp/cpio/bin/random-read
	chmod 755 /tmp/cpio/bin/random-read
	{
		cat /guest/generic/initramfs.cpio
		(cd /tmp/cpio && printf '%s\n' guest.sh bin/random-read | cpio -o -H newc 2>/dev/null)
	} >"$1"
}

# ---- The VMMs ----

# command_of VMM ADDRESS INITRD: sets "$command", words without blanks but for the kernel's line.
command_of() {
	case $1 in
	vfctl)
		set -- vfctl vm run --kernel "$kernel" --initrd "$3" --append "$append" --cpus 1 \
			--mem ${memory_mib}M --vf "$2"
		;;
	microvm)
		set -- "$qemu" -M microvm,pcie=on,rtc=on -bios /usr/share/qemu/qboot.rom -accel kvm \
			-cpu host -smp 1 -m $memory_mib -nodefaults -no-user-config -display none \
			-no-reboot -serial stdio -kernel "$kernel" -initrd "$3" -append "$append" \
			-device "vfio-pci,host=$2"
		;;
	q35)
		set -- "$qemu" -M q35 -accel kvm -cpu host -smp 1 -m $memory_mib -nodefaults \
			-no-user-config -display none -no-reboot -serial stdio -kernel "$kernel" \
			-initrd "$3" -append "$append" -device "vfio-pci,host=$2"
		;;
	kvmtool)
		set -- "$peers_kvmtool" run -n mode=none -c 1 -m $memory_mib -k "$kernel" \
			-i "$3" -p "$append" --vfio-pci "$2"
		;;
	esac
	command=
	for word; do command="$command $(printf "'%s'" "$word")"; done
}

# watch OPTIONS FOLDER FILES VMM ADDRESS INITRD
watch() {
	command_of "$4" "$5" "$6"
	mkdir -p "$2"
	echo "$command" >"$2/command"
	eval "guest-watch $1 $2 $3 -- $command"
}

# Its own function is held until it has gone altogether.
function_is_free() {
	for fd in /proc/[0-9]*/fd/*; do
		[ "$(readlink "$fd")" != "/dev/vfio/$1" ] || return 1
	done
}

# ---- Times: nothing is counted, and the VMMs take turns ----

boots() {
	step "Exec to the guest's first words: $peers_rounds rounds"
	for round in $(seq "$peers_rounds"); do
		for vmm in $vmms; do
			if watch "-l 60 -u '@@ user space'" /tmp/boot "" "$vmm" "$igb" /tmp/igb.cpio; then
				us=$(sed -n 's/ @@ user space.*//p' /tmp/boot/events)
				say "round $round: $vmm $us us"
				echo "$vmm $us" >>"$(out boots)"
			else
				say "round $round: $vmm FAILED"
				tail -n 5 /tmp/boot/console
			fi
			wait_for 10 function_is_free "$(group_of "$igb")"
		done
	done
}

# ---- Counts: by KVM's own counters and trace events with histograms ----

count_events() {
	mount -t debugfs debugfs /sys/kernel/debug 2>/dev/null
	mount -t tracefs tracefs $tracing 2>/dev/null
	for event in $events; do
		echo "hist:keys=${event#*:}:size=2048" >"$tracing/events/${event%:*}/trigger" || return 1
	done
}

forget_events() {
	for event in $events; do
		echo "!hist:keys=${event#*:}:size=2048" >"$tracing/events/${event%:*}/trigger"
	done
}

# The VMM itself; vfctl's waits beside it for the guest's end.
vmm_pid() {
	pid=$(cat "$1/pid")
	[ "$2" != vfctl ] || pid=$(cat "/proc/$pid/task/$pid/children")
	echo "${pid%% *}"
}

look_at_process() {
	wait_for 60 grep -q 'mark idle0' "$1/events" || return
	pid=$(vmm_pid "$1" "$2")
	cat "/proc/$pid/smaps" >"$1/smaps"
	cat "/proc/$pid/status" >"$1/status"
	[ "$2" != vfctl ] || cat "/proc/$(cat "$1/pid")/smaps" >"$1/smaps-launcher"
}

# counted VMM KIND ADDRESS
counted() {
	folder=$lab_out/$1-$2
	mkdir -p "$folder"
	count_events || return 1
	look_at_process "$folder" "$1" &
	looker=$!
	watch "-l 150" "$folder" "$counters" "$1" "$3" "/tmp/$2.cpio"
	status=$?
	kill $looker 2>/dev/null
	forget_events
	wait_for 10 function_is_free "$(group_of "$3")"
	sed -n 's/^/     /p' "$folder/events"
	return $status
}

scenario() {
	# shellcheck disable=SC2154  # written in front of this
	kernel=${peers_kernel_file:-/guest/$peers_kernel/vmlinuz}
	qemu=/usr/bin/qemu-system-x86_64
	append="console=ttyS0 quiet panic=-1"
	vmms="vfctl microvm q35"
	[ -z "$peers_kvmtool" ] || { chmod 755 "$peers_kvmtool" && vmms="vfctl kvmtool microvm q35"; }

	step "A function of each kind on vfio-pci"
	must "VFs" vfctl create ens1f0 1
	must "NVMe VFs" vfctl create nvme0 1
	must "queues for the NVMe VF" vfctl set nvme0/vf0 vq=2 vi=1
	must "it is online" vfctl set nvme0/vf0 online=yes
	must "bound" vfctl bind ens1f0/vf0 vfio-pci
	must "bound" vfctl bind nvme0/vf0 vfio-pci
	igb=$(link_name "$devices/$PF1/virtfn0") nvme=$(link_name "$devices/$NVME/virtfn0")
	/bin/ip address add 10.9.0.1/24 dev ens1f0
	/bin/ip link set ens1f0 up
	write_igb_guest /tmp/igb.sh && pack_guest /tmp/igb.cpio /tmp/igb.sh
	write_nvme_guest /tmp/nvme.sh && pack_guest /tmp/nvme.cpio /tmp/nvme.sh
	cp "$kernel" /tmp/vmlinuz && kernel=/tmp/vmlinuz # not from a share, which one would pay for
	"$qemu" --version | head -n 1 >"$(out versions)"
	vfctl --version | head -n 1 >>"$(out versions)"
	uname -r >>"$(out versions)"

	boots
	for vmm in $vmms; do
		step "$vmm with the network function, counted"
		check "it does its work" counted "$vmm" igb "$igb"
		[ "$vmm" != kvmtool ] || continue # it traps the BAR that has the queues' doorbells: no Identify
		step "$vmm with the NVMe function, counted"
		check "it does its work" counted "$vmm" nvme "$nvme"
	done
}
