# shellcheck shell=sh
# Assigned functions beyond the first light: several at once on several processors, resets by the
# guest, reboots, VMMs that die, and a host that wants its function back.
LAB_TIMEOUT=400
LAB_PROGRAMS="vfctl vfctl-vmm"

write_guest() {
	cat >"$1" <<'GUEST'
i=0
# Which controller gives the namespace its number depends on who is first.
disk() {
	ls /dev/nvme*n1 2>/dev/null | head -n 1
}
until [ -b "$(disk)" ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
block() {
	dd if=$(disk) bs=512 skip=$1 count=1 iflag=direct 2>/dev/null | tr -d '\0' | sed 's/block 0*/block /'
}
echo "@@ controllers $(ls -d /sys/class/nvme/nvme* | wc -l)"
echo "@@ block 100: $(block 100)"
for d in /sys/bus/pci/drivers/nvme/0000:*; do
	echo "@@ nvme at ${d##*/}"
	echo 1 >$d/reset && echo "@@ reset ${d##*/}"
done
i=0
until [ -b "$(disk)" ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
echo "@@ block 200 after reset: $(block 200)"
# What no driver does: BAR 0 of a function goes elsewhere while it is decoded, by halves, and comes back.
put() { # OFFSET VALUE
	printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $(($2 & 255)) $(($2 >> 8 & 255)) $(($2 >> 16 & 255)) \
		$(($2 >> 24 & 255)))" | dd of=$config bs=4 seek=$(($1 / 4)) conv=notrunc 2>/dev/null
}
bar_dword() {
	echo $((0x$(od -An -tx4 -j$1 -N4 $config | tr -d ' ')))
}
for d in $(ls -d /sys/bus/pci/drivers/nvme/0000:* | tail -n 1); do
	address=${d##*/} config=/sys/bus/pci/devices/${d##*/}/config
	echo $address >/sys/bus/pci/drivers/nvme/unbind
	put 4 $(($(bar_dword 4) & 0xffff | 2))
	low=$(bar_dword 16) high=$(bar_dword 20)
	old=$((high << 32 | low & ~15)) before=$(devmem $((old + 8)) 32)
	put 20 $((high + 1))
	put 16 $((low ^ 0x8000000))
	new=$((old + 0x100000000 ^ 0x8000000))
	there=$(devmem $((new + 8)) 32) left=$(devmem $((old + 8)) 32)
	[ "$there" = "$before" ] && [ "$left" = 0xFFFFFFFF ] && [ "$before" != "$left" ] &&
		echo "@@ its BAR moved" || echo "@@ its BAR did not move: $before, then $there and $left"
	put 16 $low
	put 20 $high
	[ "$(devmem $((old + 8)) 32)" = "$before" ] && echo "@@ its BAR came back"
	echo $address >/sys/bus/pci/drivers/nvme/bind && echo "@@ its driver has it again"
done
i=0
until [ -b "$(disk)" ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
for net in /sys/bus/pci/drivers/igbvf/*/net/*; do
	[ -e "$net" ] && echo "@@ net ${net##*/}" && ip link set ${net##*/} up
done
dd if=$(disk) of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null && echo "@@ read 4 MiB"
echo "@@ vectors $(grep -cE 'MSI' /proc/interrupts)"
dmesg | grep -E 'BUG:|Oops|WARNING:|nvme.*(timeout|abort)|igbvf.*Detected' | sed 's,^,@@ complaint ,'
echo "@@ done"
[ -e /proc/cmdline ] && grep -q vfguest.wait /proc/cmdline && read -r word
true
GUEST
}

vf() {
	link_name "$devices/$1/virtfn$2"
}

prepare() {
	step "Two VFs of the network card, two of the NVMe controller, on vfio-pci"
	must "VFs" vfctl create ens1f0 2
	must "NVMe VFs" vfctl create nvme0 2
	for i in 0 1; do
		must "queues for nvme0/vf$i" vfctl set nvme0/vf$i vq=2 vi=1
		must "nvme0/vf$i online" vfctl set nvme0/vf$i online=yes
	done
	must "bound" vfctl bind ens1f0/vf0-1 vfio-pci
	must "bound" vfctl bind nvme0/vf0-1 vfio-pci
	/bin/ip link set ens1f0 up
}

# Reads through an emulated register would be counted as trapped.
no_traps() {
	grep -E '"reason"' "/tmp/$1.console" | tail -n 1 >/tmp/report
	cat /tmp/report
	grep -q 'trapped_reads' /tmp/report && ! grep -qE '"trapped_(reads|writes)":[1-9]' /tmp/report
}

# reported NAME KEY: a number that only one thing has, of what the VMM told at the end
reported() {
	grep '"reason"' "/tmp/$1.console" | tail -n 1 | sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p"
}

# few_mappings NAME TIMES: a call for each bank of memory, and as often as the guest switches them on, for
# each part of a BAR that other functions may reach.
few_mappings() {
	calls=$(reported "$1" map_calls) banks=$(reported "$1" banks) bars=$(reported "$1" bar_entries)
	echo "$calls calls for $banks banks and $bars parts of BARs"
	[ "$calls" -ge "$banks" ] && [ "$calls" -le $((banks + $2 * bars)) ]
}

# few_routings NAME VECTORS
few_routings() {
	sent=$(reported "$1" routing_updates)
	echo "$sent tables for $2 vectors"
	[ "$sent" -ge 1 ] && [ "$sent" -le $(($2 / 8 + 8)) ]
}

vectors_of() {
	sed -n 's/^@@ vectors //p' "/tmp/$1.console" | head -n 1
}

four_functions() {
	step "Four functions, two processors"
	guest_start four /tmp/guest.sh -v --cpus 2 --mem 320M --vf ens1f0/vf0 --vf ens1f0/vf1 \
		--vf nvme0/vf0 --vf nvme0/vf1
	check "it ends by itself" guest_ends_with four 120 0
	check "it reads the namespace" guest_saw four '^@@ block 100: vfctl lab block 100$'
	check "it resets a function" guest_saw four '^@@ reset 0000:00:03.0'
	check "which works afterwards" guest_saw four '^@@ block 200 after reset: vfctl lab block 200$'
	check "which may be elsewhere" guest_saw four '^@@ its BAR moved$'
	check "and come back" guest_saw four '^@@ its BAR came back$'
	check "to its driver" guest_saw four '^@@ its driver has it again$'
	check "both controllers are there" guest_saw four '^@@ controllers 2$'
	check "both network functions are there" test "$(grep -c '^@@ net ' /tmp/four.console)" = 2
	check_not "its kernel has nothing to complain about" guest_saw four '^@@ complaint'
	check "registers never trapped" no_traps four
	check "mapped with few calls" few_mappings four 2 # some are reset
	check "routed with few calls" few_routings four "$(vectors_of four)"
}

reboot_with_functions() {
	step "Reboot: the functions stay"
	GUEST_APPEND="vfguest.end=reboot" guest_start again /tmp/guest.sh --cpus 1 --mem 256M \
		--vf nvme0/vf0 --vf ens1f0/vf0 --record /tmp/again.trace
	check "the second life comes as far as the first" wait_for 90 saw_twice again '^@@ read 4 MiB'
	kill -TERM "$(guest_pid again)"
	check "and ends when told to" guest_ends_with again 20 0
	check_not "nothing to complain about" guest_saw again '^@@ complaint'
	# A third may have begun by then.
	check "both lives are on record" test "$(grep -c ' function 0000:' /tmp/again.trace)" -ge 4
	cp /tmp/again.trace "$(out again.trace)"
}

saw_twice() {
	[ "$(grep -cE "$2" "/tmp/$1.console")" -ge 2 ]
}

vmm_of() {
	cat "/proc/$(guest_pid "$1")/task/$(guest_pid "$1")/children"
}

# beside PID FIELD: KiB of all mappings but its guest's memory, which is one
beside() {
	awk -v field="$2:" '/^Size:/ { size = $2 }
		$1 == field && size < 256 * 1024 { n += $2 } END { print n + 0 }' "/proc/$1/smaps"
}

is_small() {
	anonymous=$(beside "$1" Anonymous) resident=$(beside "$1" Rss)
	echo "anonymous $anonymous KiB, resident $resident KiB"
	cat "/proc/$1/smaps" >"$(out small.smaps)"
	[ "$anonymous" -gt 0 ] && [ "$anonymous" -le 512 ] && [ "$resident" -le 2560 ]
}

waiting_guest() {
	GUEST_APPEND="vfguest.wait" guest_start "$1" /tmp/guest.sh --cpus 1 --mem 256M \
		--vf "nvme0/vf0${2-}"
	must "guest $1 works" guest_wait "$1" 60 '^@@ done'
}

group_is_free() {
	for fd in /proc/[0-9]*/fd/*; do
		[ "$(readlink "$fd")" != "/dev/vfio/$(group_of "$(vf "$NVME" 0)")" ] || return 1
	done
}

deaths() {
	step "A VMM is killed: told, and the function is free"
	waiting_guest killed
	# shellcheck disable=SC2046  # one child
	check "with a function it takes little memory beside its guest's" is_small $(vmm_of killed)
	# shellcheck disable=SC2046  # one child
	kill -9 $(vmm_of killed)
	check "vfctl tells" guest_ends_with killed 20 1
	check "by its signal" guest_saw killed 'vfctl: .*signal 9'
	check "the group is free" wait_for 5 group_is_free

	step "vfctl is killed: its guest does not outlive it"
	waiting_guest orphan
	orphan=$(vmm_of orphan)
	kill -9 "$(guest_pid orphan)"
	check "the VMM ends" wait_for 20 test ! -e "/proc/${orphan% }"
	check "the group is free" wait_for 5 group_is_free
}

taken_back() {
	step "The host wants the function back, and the guest cannot be without"
	waiting_guest robbed ,on-loss=stop
	nvme_vf=$(vf "$NVME" 0)
	(echo "$nvme_vf" >/sys/bus/pci/drivers/vfio-pci/unbind) &
	check "the guest is ended" guest_ends_with robbed 30 1
	check "and told why" guest_saw robbed "$nvme_vf"
	check "the host has it" wait_for 10 test ! -e "$devices/$nvme_vf/driver"
	must "bound again" vfctl bind nvme0/vf0 vfio-pci
}

cloud() {
	step "The cloud kernel"
	GUEST_KERNEL=cloud guest_start cloud /tmp/guest.sh -v --cpus 2 --mem 256M --vf nvme0/vf0
	check "it ends by itself" guest_ends_with cloud 90 0
	check "it reads the namespace" guest_saw cloud '^@@ block 200 after reset: vfctl lab block 200$'
	check_not "nothing to complain about" guest_saw cloud '^@@ complaint'
	check "registers never trapped" no_traps cloud
	check "its memory is mapped with a call a bank" few_mappings cloud 0
	check "routed with few calls" few_routings cloud "$(vectors_of cloud)"
}

verify() {
	verify_that "what was recorded goes the same way without the functions" "$here/../replay" "$OUT/again.trace"
}

scenario() {
	snapshot "$(out before.txt)"
	write_guest /tmp/guest.sh
	prepare
	four_functions
	reboot_with_functions
	deaths
	taken_back
	cloud

	step "Give back"
	check "restored" vfctl restore ens1f0/vf0-1
	check "restored" vfctl restore nvme0/vf0-1
	/bin/ip link set ens1f0 down
	for i in 0 1; do
		check "offline" vfctl set nvme0/vf$i online=no
	done
	check "gone" vfctl destroy nvme0
	check "gone" vfctl destroy ens1f0
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:|DMAR: \["'
}
