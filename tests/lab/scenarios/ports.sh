# shellcheck shell=sh
# Named ports of a Debian guest, each behind a socket of the host: clients who are there before the driver is,
# come one after the other, and both sides send more than anybody keeps in between.
LAB_TIMEOUT=200
LAB_PROGRAMS="vfctl vfctl-vmm lab-tool"
rounds=4

write_guest() {
	cat >"$1" <<'GUEST'
sum() { sha256sum | cut -c1-64; }
modprobe -a -q virtio_console
# What udev would make a link to in /dev/virtio-ports.
port() { for d in /sys/class/virtio-ports/*; do [ "$(cat "$d/name" 2>/dev/null)" != "$1" ] || echo "/dev/${d##*/}"; done; }
# take BYTES: from port 5, which says that all is read while nobody is connected
take() {
	: >/tmp/taken
	i=0
	until [ "$(wc -c </tmp/taken)" -ge "$1" ] || [ $((i += 1)) -gt 300 ]; do
		head -c $(($1 - $(wc -c </tmp/taken))) <&5 >>/tmp/taken
		sleep 0.1
	done
}
talk() {
	exec 5<>"$(port "$1")"
	take 2097152
	sum </tmp/taken
	cat /tmp/data >&5
	take 8
	cat /tmp/taken
	echo well >&5
	exec 5>&-
}
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
echo "@@ ports $(cat /sys/class/virtio-ports/*/name | tr '\n' ' ')"
echo "@@ data $(sum </tmp/data)"
n=0
while read -r word && [ "$word" = again ]; do
	n=$((n + 1))
	echo "@@ round $n $(talk org.vfctl.lab.0 | tr '\n' ' ')"
done
GUEST
}

# Two clients, one after the other, of which the first sends and gets as much as nobody keeps in between.
call_twice() {
	lab-tool unix-call /tmp/lab.sock 2097152 </tmp/to-guest >/tmp/from-port
	echo "and then" | lab-tool unix-call /tmp/lab.sock 5 >/tmp/from-port-2
}

one_round() {
	step "Two clients: $1"
	[ "$1" = 1 ] || { call_twice & }
	guest_tell ports again
	must "the guest gets what they send" guest_wait ports 60 "^@@ round $1 $sent and then"
	check "both have their answers" wait "$!"
	check "the first all of it" test "$(sha256sum </tmp/from-port | cut -c1-64)" = "$theirs"
	check "the second its own" grep -qx well /tmp/from-port-2
}

counter() {
	vfctl vm stats ports --json | tr -d ' \n' | grep -oE "\"$1\":[0-9]+" | head -n 1 | grep -oE '[0-9]+$'
}

scenario() {
	write_guest /tmp/guest.sh
	dd if=/dev/urandom of=/tmp/to-guest bs=64k count=32 2>/dev/null
	sent=$(sha256sum </tmp/to-guest | cut -c1-64)
	step "A guest with two ports"
	guest_start ports /tmp/guest.sh --name ports --cpus 2 --mem 256M \
		--port name=org.vfctl.nobody.0,socket=/tmp/nobody.sock --port name=org.vfctl.lab.0,socket=/tmp/lab.sock
	must "its sockets are there" wait_for 20 test -S /tmp/lab.sock
	check "this user's alone" test "$(stat -c %a /tmp/lab.sock)" = 600
	call_twice &
	must "the guest reaches user space" guest_wait ports 90 '^@@ data'
	check "it finds them by their names" guest_saw ports '^@@ ports org.vfctl.nobody.0 org.vfctl.lab.0'
	theirs=$(sed -n 's/^@@ data \([0-9a-f]*\).*/\1/p' /tmp/ports.console)
	for round in $(seq "$rounds"); do one_round "$round"; done
	step "The account, and the end"
	check "clients are counted" test "$(counter port1-clients)" = $((2 * rounds))
	check "nobody called the other" test "$(counter port0-clients)" = 0
	check "nothing that the driver said made no sense" test "$(counter control-ignored)" = 0
	guest_tell ports enough
	check "it powers off cleanly" guest_ends_with ports 60 0
	check "the sockets are gone" test ! -e /tmp/lab.sock -a ! -e /tmp/nobody.sock
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}
