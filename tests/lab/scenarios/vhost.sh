# shellcheck shell=sh
# What the kernel serves (path 4): Debian's own drivers on vhost-net with two pairs of queues in a
# bridge, and vsock both ways. Packets cost no exit to user space and wake nobody in the VMM; pairs come
# and go, the link too; a reboot and kill -9 leave nothing behind; without the module it goes otherwise.
LAB_TIMEOUT=400
LAB_PROGRAMS="vfctl vfctl-vmm lab-tool"
LAB_GUESTS=yes

mac=52:54:00:0c:00:02
cid=7

# It does as it is told, word by word, and says when it has.
write_guest() {
	cat >"$1" <<'GUEST'
sum() { sha256sum | cut -c1-64; }
ip address add 10.8.0.2/24 dev eth0
ip link set eth0 up
pings() {
	ping -c "$1" -s "$2" -W 5 10.8.0.1 | sed -n 's/^.*packets transmitted, \([0-9]*\).*/\1/p'
}
echo "@@ pinged $(pings 3 56)"
[ -e /tmp/lab-tool ] || wget -q -O /tmp/lab-tool http://10.8.0.1:7001/lab-tool
chmod +x /tmp/lab-tool
dd if=/dev/urandom of=/tmp/data bs=64k count=64 2>/dev/null
httpd -p 7002 -h /tmp
echo "@@ data $(sum </tmp/data)"
/tmp/lab-tool vsock-echo 7003 &
echo "@@ channels $(/tmp/lab-tool channels eth0)"
echo "@@ serving"
while read -r n word a b; do
	case $word in
	ping) echo "@@ $n pinged $(pings "$a" "$b")" ;;
	get) echo "@@ $n received $(wget -q -O - http://10.8.0.1:7001/to-guest | sum)" ;;
	channels) echo "@@ $n channels $(/tmp/lab-tool channels eth0 "$a")" ;;
	call) echo "@@ $n echoed $(/tmp/lab-tool vsock-call 2 7004 </tmp/data | sum)" ;;
	carrier) echo "@@ $n carrier $(cat /sys/class/net/eth0/carrier)" ;;
	complaints)
		dmesg | grep -iE 'BUG:|Oops|WARNING:|nobody cared|virtio.*(fail|error)' | sed 's/^/@@ complaint /'
		echo "@@ $n told"
		;;
	reboot) reboot -f ;;
	esac
done
GUEST
}

prepare() {
	step "A bridge, and what the kernel serves"
	must "vhost_vsock" modprobe vhost_vsock
	must "vhost_net" modprobe vhost_net
	/bin/ip link add br0 type bridge
	/bin/ip address add 10.8.0.1/24 dev br0
	/bin/ip link set br0 up
	mkdir -p /tmp/www
	cp "$(command -v lab-tool)" /tmp/www/lab-tool
	dd if=/dev/urandom of=/tmp/www/to-guest bs=64k count=64 2>/dev/null
	httpd -f -p 7001 -h /tmp/www &
	server=$!
	lab-tool vsock-echo 7004 &
	write_guest /tmp/guest.sh
}

sum_of() {
	sha256sum <"$1" | cut -c1-64
}

# does ORDER ANSWER: the guest is told, and answers that.
orders=0
does() {
	orders=$((orders + 1))
	guest_tell web1 "$orders $1" && guest_wait web1 60 "^@@ $orders " && guest_saw web1 "^@@ $orders $2\$"
}

# counted NAME: the sum of what the monitor counts by that name, now
counted() {
	sed 's/[,{}]/\n/g' /tmp/stats.json | sed -n "s/^ *\"$1\": *\([0-9]*\)$/\1/p" | awk '{ n += $1 } END { print n + 0 }'
}

# what_it_cost FILE: all that a packet must not cost; and $user_exits, $kvm_exits, $switches
what_it_cost() {
	vfctl --json vm stats web1 >/tmp/stats.json
	for name in queue0-host-syscalls queue1-host-syscalls queue2-host-syscalls queue3-host-syscalls \
		queue0-wakeups queue1-wakeups thread-wakeups thread-waits; do
		echo "$name $(counted "$name")"
	done >"$1"
	user_exits=$(counted user_exits)
	kvm_exits=$(counted kvm_exits)
	# How often the threads of its devices went to sleep, as the kernel says.
	switches=0
	for lab_thread in /proc/"$vmm"/task/*; do
		case $(cat "$lab_thread/comm") in
		virtio-*) switches=$((switches + $(awk '/^voluntary/ { print $2 }' "$lab_thread/status"))) ;;
		esac
	done
}

vmm_of() {
	cat "/proc/$(guest_pid "$1")/task/$(guest_pid "$1")/children"
}

no_ports() {
	find /sys/class/net/br0/brif -mindepth 1
	[ -z "$(find /sys/class/net/br0/brif -mindepth 1)" ]
}

# Threads of the kernel that work for it; they count as its own.
workers() {
	cat /proc/"$vmm"/task/*/comm 2>/dev/null | grep -c '^vhost-'
}

has_workers() {
	workers
	[ "$(workers)" = "$1" ]
}

runs() {
	step "Debian's drivers, two CPUs, two pairs of queues"
	guest_start web1 /tmp/guest.sh --name web1 --cpus 2 --mem 256M --vsock $cid \
		--net "bridge=br0,queues=2,vhost=on,mac=$mac"
	must "it pings, fetches, and serves" guest_wait web1 90 '^@@ serving'
	vmm=$(vmm_of web1)
	vmm=${vmm% }
	check "it pinged by itself" guest_saw web1 '^@@ pinged 3'
	check "it uses both pairs" guest_saw web1 '^@@ channels 2 of 2'
	check "a thread of the kernel for each pair, and one for vsock" has_workers 3
	check "fragments arrive" does "ping 5 8000" "pinged 5"
	check "4 MiB by TCP reach it" does get "received $(sum_of /tmp/www/to-guest)"
	wget -q -O /tmp/from-guest http://10.8.0.2:7002/data
	data=$(sed -n 's/^@@ data //p' /tmp/web1.console)
	check "4 MiB by TCP come from it" test "$(sum_of /tmp/from-guest)" = "$data"
}

talks() {
	step "vsock"
	check "4 MiB by vsock come back from the host" does call "echoed $data"
	lab-tool vsock-call $cid 7003 </tmp/www/to-guest >/tmp/echoed
	check "and from the guest" test "$(sum_of /tmp/echoed)" = "$(sum_of /tmp/www/to-guest)"
	check_exit 1 "another guest cannot have its number" vfctl vm run -k /lib/lab/guest.bzimage -a test=hello \
		--mem 64M --vsock $cid
}

# Who first asks what was counted has the threads look at what rang before that.
costs() {
	step "What a packet costs"
	what_it_cost /tmp/before
	sleep 1
	what_it_cost /tmp/before
	exits_before=$user_exits kvm_before=$kvm_exits switches_before=$switches
	wget -q -O /tmp/from-guest http://10.8.0.2:7002/data
	check "4 MiB more" test "$(sum_of /tmp/from-guest)" = "$data"
	what_it_cost /tmp/after
	check "no system call, and nobody woke" diff /tmp/before /tmp/after
	check "no thread of a device slept for it ($switches_before, $switches)" \
		test $((switches - switches_before)) -le 4
	say "exits: $((kvm_exits - kvm_before)), to user space $((user_exits - exits_before))"
	check "KVM has counted its exits" test "$kvm_exits" -gt "$kvm_before"
	check "no exit to user space" test "$user_exits" = "$exits_before"
	vfctl vm explain web1 >/tmp/explained
	cat /tmp/explained
	check "it is path 4" grep -q 'path 4' /tmp/explained
	check_not "nobody polls here" vfctl vm set web1 virtio-net0 poll=adaptive
}

changes() {
	step "Pairs and the link while it runs"
	check "one pair" does "channels 1" "channels 1 of 2"
	check "it pings" does "ping 5 1400" "pinged 5"
	check "two again" does "channels 2" "channels 2 of 2"
	check "4 MiB reach it" does get "received $(sum_of /tmp/www/to-guest)"
	must "the link goes down" vfctl vm set web1 virtio-net0 link=down
	check "it sees that" does carrier "carrier 0"
	check_not "nobody reaches it" ping -c 2 -W 1 10.8.0.2
	must "and up again" vfctl vm set web1 virtio-net0 link=up
	check "and that" does carrier "carrier 1"
	check "it pings still" does "ping 6 56" "pinged 6"
}

# Nobody in the VMM reads it, so that nobody hears of its end but by what does not arrive.
loses_its_tap() {
	for port in /sys/class/net/br0/brif/*; do /bin/ip link delete "${port##*/}"; done
	check_not "nobody reaches it" ping -c 1 -W 1 10.8.0.2
	check "the guest lives" does carrier "carrier [01]"
	check "it sends, to nobody" does "ping 2 56" "pinged 0"
	check "its driver gives a pair back" does "channels 1" "channels 1 of 2"
	check "and takes it" does "channels 2" "channels 2 of 2"
	check "the VMM answers" vfctl vm stats web1
}

ends() {
	step "A reboot, a tap that goes, and an end without warning"
	check "it tells what it complains about" does complaints told
	cp /tmp/web1.console /tmp/first.console
	: >/tmp/web1.console
	guest_tell web1 "0 reboot"
	must "it lives again" guest_wait web1 90 '^@@ serving'
	check "with the kernel" guest_saw web1 '^@@ channels 2 of 2'
	check_not "it had nothing to complain about" grep '^@@ complaint' /tmp/first.console
	loses_its_tap
	kill -9 "$(guest_pid web1)"
	check "its end is noticed" guest_end web1 20
	check "the VMM has gone" wait_for 10 test ! -e "/proc/$vmm"
	check "no tap" no_ports
	check "nobody has the modules" modprobe -r vhost_net vhost_vsock
}

# Without the module, by its own choice or not at all.
does_without() {
	step "Without vhost_net"
	words="test=net mac=5254000c0002 pings=20 memory=67108864 cpus=1 last=word"
	must "taps, which went with it" modprobe tun
	/bin/ip address add 192.168.77.1/24 dev br0
	small_start auto "$words" --mem 64M --net "bridge=br0,vhost=auto,mac=$mac"
	check "vhost=auto goes without" guest_ends_with auto 60 0
	check "and says so" guest_saw auto 'br0 is served by the VMM itself: .*no vhost-net'
	check "with what to do" guest_saw auto 'modprobe vhost_net'
	check "it pings" guest_saw auto '^ok largest-ping'
	small_start wish "$words" --mem 64M --net "bridge=br0,vhost=on,mac=$mac"
	check "vhost=on does not" guest_end wish 30
	check "as something that is not supported" test "$guest_status" != 0
	check "with the same advice" guest_saw wish 'modprobe vhost_net'
	check "it leaves no tap" no_ports
}

scenario() {
	prepare
	runs
	talks
	costs
	changes
	ends
	does_without
	kill "$server"
}
