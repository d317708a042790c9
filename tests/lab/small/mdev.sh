# shellcheck shell=sh
# Mediated devices of the kernel's sample driver mtty, serial cards in software: their driver's
# migration, and one of them in a guest, by descriptors.
LAB_KERNEL=small
LAB_TIMEOUT=150
LAB_PROGRAMS="vfctl vfctl-vmm vfmdev"

ONE=11111111-2222-3333-4444-555555555501
TWO=11111111-2222-3333-4444-555555555502
mdevs=/sys/bus/mdev/devices

write_guest() {
	cat >"$1" <<'GUEST'
dmesg | grep '0000:.*ttyS.*16550A' | sed 's,.*\(ttyS[0-9]*\).*,@@ port \1,'
dmesg | grep -E 'BUG:|Oops|WARNING:' | sed 's,^,@@ complaint ,'
echo "@@ done"
GUEST
}

mdev_group() {
	link_name "$mdevs/$1/iommu_group"
}

# vfmdev VERB UUID …, its group put in
mdev() {
	mdev_verb=$1
	mdev_uuid=$2
	shift 2
	vfmdev "$mdev_verb" "$mdev_uuid" "$(mdev_group "$mdev_uuid")" "$@"
}

makes() {
	echo "$2" >"/sys/class/mtty/mtty/mdev_supported_types/mtty-$1/create"
}

says() {
	mdev_pattern=$1
	shift
	"$@" >/tmp/said 2>&1
	cat /tmp/said
	grep -qE "$mdev_pattern" /tmp/said
}

migrates() {
	step "Its driver's migration"
	check "what it offers" says '^pci 1 resets 0 offers stop-copy( p2p)?( pre-copy)?( dirty-tracking)? state running bytes [1-9]' mdev facts "$ONE"
	check "its state is saved" says '^saved [1-9][0-9]* bytes of 4348:3253' mdev save "$ONE" /tmp/state 0x5a
	check "the other gets it" says '^register 0x00 then 0x5a, running' mdev load "$TWO" /tmp/state
	check "again, with another value" says '^saved' mdev save "$ONE" /tmp/state 0xa7
	check "which arrives" says 'then 0xa7, running' mdev load "$TWO" /tmp/state
	step "States that are none"
	head -c $(($(wc -c </tmp/state) - 1)) /tmp/state >/tmp/short
	check "too short" says 'not as long' mdev load "$TWO" /tmp/short
	cp /tmp/state /tmp/bent
	printf '\377' | dd of=/tmp/bent bs=1 seek=70 conv=notrunc 2>/dev/null
	check "damaged" says 'checksum' mdev load "$TWO" /tmp/bent
	check "it runs, and was not touched" says 'state running' mdev facts "$TWO"
	makes 2 "${ONE%1}3"
	check "of a card with two ports" says '^saved' mdev save "${ONE%1}3" /tmp/two 1
	check "which the driver refuses to one with one" says 'does not take|cannot be written' mdev load "$TWO" /tmp/two
	check "and it runs" says 'state running' mdev facts "$TWO"
}

in_guest() {
	step "In a guest"
	write_guest /tmp/guest.sh
	folder=$lab_guest/generic
	mkdir /tmp/cpio && cp /tmp/guest.sh /tmp/cpio/
	{
		cat "$folder/initramfs.cpio"
		(cd /tmp/cpio && echo guest.sh | cpio -o -H newc 2>/dev/null)
	} >/tmp/initrd
	mdev run "${ONE%1}3" timeout 60 vfctl-vmm --name mdev --kvm 5 --kernel 6 --initrd 7 -v --mem 256M \
		--append "console=ttyS0 quiet panic=-1" --vfio @ --status 8 \
		5<>/dev/kvm 6<"$folder/vmlinuz" 7</tmp/initrd 8>/tmp/status </dev/null >/tmp/console 2>&1
	guest_status=$?
	tr -d '\r' </tmp/console | sed 's,^,   mdev | ,'
	check "it ends by itself" test "$guest_status" = 0
	check "its kernel finds both ports, by their registers" test "$(grep -c '^@@ port ttyS[1-9]' /tmp/console)" = 2
	# It has no way to unmask INTx by an eventfd, which KVM would need.
	check "that the card has no interrupts there is said" grep -q 'cannot enable INTx' /tmp/console
	check_not "it has nothing to complain about" grep -q '^@@ complaint' /tmp/console
	check "the VMM tells that the state could be moved" grep -q '"migration":\["stop-copy"' /tmp/status
}

scenario() {
	step "Two cards"
	must "there is mtty" test -d /sys/class/mtty
	must "one" makes 1 "$ONE"
	must "two" makes 1 "$TWO"
	must "with a group" wait_for 5 test -c "/dev/vfio/$(mdev_group "$TWO")"
	migrates
	in_guest
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}
