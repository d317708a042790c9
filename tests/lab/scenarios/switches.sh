# shellcheck shell=sh
# A Debian guest whose devices are served in another way every few moments while it works: fio writes and
# verifies a disk, and streams with checksums go both ways through a bridge. What "vm explain" says of each
# way; the link; a console of two ways, a balloon; disks that grow, are cut, have no room; a tap that goes.
LAB_TIMEOUT=600
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_FILES="/usr/bin/fio /usr/bin/script"
LAB_CPUS=2

mac=52:54:00:08:00:02

# Its shell is on the virtio console: what is typed there is done, one line after the other.
write_guest() {
	cat >"$1" <<'GUEST'
sum() { sha256sum | cut -c1-64; }
disk() { for d in /sys/block/vd*; do [ "$(cat "$d/serial")" != "$1" ] || echo "${d##*/}"; done; }
is() { [ "$(cat "$1" 2>/dev/null)" = "$2" ]; }
soon() { i=0; until "$@" 2>/dev/null; do [ $((i += 1)) -lt 150 ] || return 1; sleep 0.2; done; }
# say NUMBER: what the command on the next line says; three times, for what the VMM says meanwhile may
# stand in the middle of a line
say() {
	read -r command
	got=$(eval "$command" 2>&1 | tr '\n' ' ')
	for i in 1 2 3; do echo "@@ $1 $got"; done
}
complaints() { dmesg -c | grep -E 'BUG:|Oops|WARNING:|nobody cared|stalls|virtio.*(fail|error)|I/O error' ; }
megabytes() { awk "/^$1:/ { print int(\$2 / 1024) }" /proc/meminfo; }
verify() {
	fio --name=verify --filename=/dev/$(disk work) --thread --ioengine=libaio --direct=1 --iodepth=4 \
		--numjobs=2 --cpus_allowed=0,1 --cpus_allowed_policy=split --offset_increment=8m --size=8m \
		--rw=randwrite --bsrange=4k-16k --verify=crc32c --verify_backlog=32 --verify_fatal=1 \
		--loops=100000 --output=/tmp/verified >/tmp/fio.log 2>&1
	echo "status $?" >>/tmp/verified
}
# As one goes wrong, it stops; as its end is wished for, too.
receive() {
	while [ ! -e /tmp/enough ]; do
		[ "$(wget -q -O - http://10.8.0.1:7001/to-guest | sum)" = "$1" ] || { echo wrong >>/tmp/received; return; }
		echo right >>/tmp/received
	done
}
network() {
	ip address add 10.8.0.2/24 dev eth0
	ip link set eth0 up
	soon is /sys/class/net/eth0/carrier 1
}
i=0
until [ -n "$(disk work)" ] && [ -n "$(disk small)" ] && [ -e /dev/hvc0 ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
network
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
httpd -p 7002 -h /tmp
exec </dev/hvc0 >/dev/hvc0 2>&1
stty -echo
echo "@@ listening, $(sum </tmp/data)"
while read -r line; do eval "$line"; done
GUEST
}

# ---- what is asked of the guest ----

tell() {
	echo "$1" 1<>/tmp/web1.typed
}

# asks TEXT COMMAND PATTERN
asks() {
	asked=$((asked + 1))
	tell "say $asked
$2"
	check "$1" guest_wait web1 30 "^@@ $asked $3"
}

# ---- what is known of its devices ----

# device NAME: all that is counted of it, and its traits
device() {
	vfctl --json=short vm stats web1 | sed 's/{"name"/\n&/g' | grep "^{\"name\":\"$1\""
}

# counter DEVICE NAME: of all queues
counter() {
	device "$1" | grep -oE "\"(queue[0-9]+-)?$2\":[0-9]+" | awk -F: '{ n += $NF } END { print n + 0 }'
}

grew() {
	[ "$(counter "$1" "$2")" -ge "$3" ]
}

# works DEVICE: so many more requests; a guest that does nothing more has no more to tell
works() {
	must "$1 goes on" wait_for 20 grew "${1%/*}" requests $(($(counter "${1%/*}" requests) + 40))
}

# set_to DEVICE SETTING…: and it is seen to be so, and goes on
set_to() {
	check "$*" vfctl vm set web1 "$@"
	works "$1"
}

has_trait() {
	device "$1" | grep -q "\"$2\":\"$3\""
}

# counts DEVICE SECONDS COUNTER…: how much each grew meanwhile, as "grown_COUNTER"
counts() {
	counted=$1
	device "$counted" >/tmp/before
	sleep "$2"
	device "$counted" >/tmp/after
	shift 2
	for name; do
		for when in before after; do
			eval "$when=\$(grep -oE '\"(queue[0-9]+-)?$name\":[0-9]+' /tmp/$when | awk -F: '{ n += \$NF } END { print n + 0 }')"
		done
		eval "grown_$(echo "$name" | tr - _)=\$((after - before))"
		say "$counted: $name grew by $((after - before))"
	done
}

# explained DEVICE PATH ADVICE: ADVICE "": none has to be there
explained() {
	explained=$((explained + 1))
	file=$(out "explain-$explained-$1-path$2.json")
	vfctl --json=short vm explain web1 --during 1 >"$file"
	vfctl vm explain web1 >"${file%.json}.txt"
	sed 's/{"name"/\n&/g' "$file" | grep "^{\"name\":\"$1\"" >/tmp/explained
	check "$1: vm explain says path $2" grep -q "\"path\":{\"number\":$2," /tmp/explained
	[ -z "$3" ] || check "and \"$3\"" grep -qF "\"what_to_do\":\"$3" /tmp/explained
}

# ---- the story ----

prepare() {
	mkdir -p /tmp/www /tmp/small
	mount -t tmpfs -o size=4m tmpfs /tmp/small
	truncate -s 32M /tmp/work.img
	truncate -s 16M /tmp/cut.img /tmp/small/small.img
	dd if=/dev/urandom of=/tmp/www/to-guest bs=64k count=32 2>/dev/null
	/bin/ip link add br0 type bridge
	/bin/ip address add 10.8.0.1/24 dev br0
	/bin/ip link set br0 up
	httpd -f -p 7001 -h /tmp/www &
	server=$!
	mkfifo /tmp/web1.typed
	script -q -f -c 'tty >/tmp/terminal; exec sleep 100000' /dev/null <>/tmp/web1.typed >/dev/null 2>&1 &
	terminal=$!
	must "a terminal" wait_for 10 test -s /tmp/terminal
	GUEST_TERMINAL=$(cat /tmp/terminal)
	stty -F "$GUEST_TERMINAL" rows 33 cols 99
}

start() {
	step "A guest that works"
	GUEST_FILES=/usr/bin/fio GUEST_APPEND=net.ifnames=0 guest_start web1 /tmp/guest.sh --name web1 --cpus 2 --mem 768M \
		--disk /tmp/work.img,engine=uring,serial=work,threads=cpu --disk /tmp/cut.img,serial=cut \
		--disk /tmp/small/small.img,serial=small \
		--net "bridge=br0,mac=$mac,queues=2,mtu=1500,vhost=off" --balloon --console virtio
	must "the guest reaches user space" guest_wait web1 90 '^@@ begin'
	must "its shell is on its virtio console" guest_wait web1 60 '^@@ listening'
	theirs=$(sed -n 's/^@@ listening, //p' /tmp/web1.console)
	asks "two pairs of queues" "ls -d /sys/class/net/eth0/queues/*x-* | wc -l" 4
	asks "two queues" "ls /sys/block/\$(disk work)/mq | wc -l" 2
	asks "the console has the terminal's size" "stty size" "33 99"
	stty -F "$GUEST_TERMINAL" rows 44 cols 111
	kill -WINCH "$(vmm_of web1)"
	asks "also when that changes" "soon sh -c 'stty size | grep -q 111'; stty size" "44 111"
	rm -f /tmp/enough
	(send_back) &
	sender=$!
	tell "verify & receive $(sha256sum </tmp/www/to-guest | cut -c1-64) &"
	asks "fio has started" "sleep 2; head -c 300 /tmp/fio.log /tmp/verified" ".*"
	must "fio is at work" wait_for 60 grew virtio-blk0 requests 300
}

vmm_of() {
	vfctl --json=short vm list | sed -n "s/.*\"name\":\"$1\",\"pid\":\([0-9]*\).*/\1/p"
}

# What comes from the guest, until it is enough.
send_back() {
	while [ ! -e /tmp/enough ]; do
		if [ "$(wget -q -O - http://10.8.0.2:7002/data | sha256sum | cut -c1-64)" = "$theirs" ]; then
			echo right
		else
			echo wrong
			break
		fi
	done >/tmp/sent
}

switch_disk() {
	step "The disk: whoever serves it"
	explained virtio-blk0 2 "vfctl vm set web1 virtio-blk0 threads=io"
	counts virtio-blk0 1 bar_writes requests
	check "its doorbells trap" test "$grown_bar_writes" -gt 0
	set_to virtio-blk0 threads=io
	explained virtio-blk0 3 "vfctl vm set web1 virtio-blk0 poll=adaptive"
	counts virtio-blk0 1 bar_writes thread-wakeups polled doorbells
	check "they trap no more" test "$grown_bar_writes" = 0
	check "its thread is woken, and does not look by itself" test "$grown_thread_wakeups" -gt 0 -a "$grown_polled" = 0
	check "by doorbells" test "$grown_doorbells" -gt 0
	set_to virtio-blk0 poll=adaptive
	set_to virtio-blk0 poll=dedicated pin=1
	explained virtio-blk0 6 "start the guest with --disk …,engine=uring-sqpoll"
	counts virtio-blk0 1 polled doorbells requests
	check "it is looked at" test "$grown_polled" -gt 0
	check "and hardly rings" test "$grown_doorbells" -le $((grown_requests / 5))
	set_to virtio-blk0 threads=queue
	set_to virtio-blk0/1 poll=notify
	set_to virtio-blk0 threads=main
	check "the main loop does not poll" has_trait virtio-blk0 poll notify
	set_to virtio-blk0 threads=dedicated pin=none
	set_to virtio-blk0 threads=cpu
	set_to virtio-blk0 threads=queue poll=adaptive
	set_to virtio-blk0 threads=io poll=notify
}

switch_network() {
	step "The network"
	explained virtio-net0 3 "vfctl vm set web1 virtio-net0 poll=adaptive"
	set_to virtio-net0 poll=adaptive
	set_to virtio-net0 poll=dedicated
	explained virtio-net0 6 ""
	set_to virtio-net0 threads=queue
	set_to virtio-net0 threads=dedicated pin=0
	set_to virtio-net0 threads=cpu
	set_to virtio-net0 threads=main
	set_to virtio-net0 threads=io poll=notify pin=none
}

judge() {
	step "Nothing was lost"
	touch /tmp/enough
	tell "touch /tmp/enough; kill -INT \$(pidof fio); wait"
	wait "$sender"
	asks "fio verified without an error" "grep -c 'err= 0' /tmp/verified" 2
	asks "what it read" "sed -n 's/^ *READ: .*io=/io=/p' /tmp/verified" "io=[1-9]"
	check "what came from the guest was right" grep -q right /tmp/sent
	check_not "always" grep -q wrong /tmp/sent
	asks "what came to it was right" "sort /tmp/received | uniq -c" " *[0-9]+ right *$"
	asks "all of the disk again, whole" "fio --name=all --filename=/dev/\$(disk work) --direct=1 --rw=write --bs=256k --size=16m --verify=crc32c --verify_fatal=1 >/dev/null && echo well" well
	for counted in io-errors failed-requests queue-breaks no-space; do
		check "no $counted" test "$(counter virtio-blk0 $counted)" = 0
	done
	asks "its kernel has nothing to complain about" "complaints | wc -l" 0
}

link() {
	step "The link, and its MTU"
	check "down" vfctl vm set web1 virtio-net0 link=down
	asks "the driver sees it" "soon is /sys/class/net/eth0/carrier 0; cat /sys/class/net/eth0/operstate" down
	check "up" vfctl vm set web1 virtio-net0 link=up
	asks "and that" "soon is /sys/class/net/eth0/carrier 1; cat /sys/class/net/eth0/operstate" up
	check "another MTU" vfctl vm set web1 virtio-net0 mtu=1400
	asks "the driver asks for it when it starts" "d=\$(basename \$(readlink /sys/class/net/eth0/device)); cd /sys/bus/virtio/drivers/virtio_net; echo \$d >unbind; echo \$d >bind; cd /; soon test -e /sys/class/net/eth0; network; cat /sys/class/net/eth0/mtu" 1400
	asks "it reaches the host" "ping -c 2 -W 5 10.8.0.1 | grep -c 'bytes from'" 2
}

balloon() {
	step "The balloon"
	asks "what the guest has free" "free=\$(megabytes MemFree); echo \$free" "[2-6][0-9][0-9]"
	# shellcheck disable=SC2016  # the guest's
	tell 'free=$(megabytes MemFree)'
	# shellcheck disable=SC2016  # the guest's
	tell 'has_less() { [ $(megabytes MemFree) -lt $((free - 180)) ]; }'
	# shellcheck disable=SC2016  # the guest's
	tell 'has_it_back() { [ $(megabytes MemFree) -gt $((free - 40)) ]; }'
	check "less" vfctl vm set web1 balloon0 memory=568M
	asks "it has less" "soon has_less && echo \$free MiB, then \$(megabytes MemFree) MiB" "[0-9]+ MiB, then [0-9]+ MiB"
	check "it is counted" wait_for 10 grew balloon0 bytes-inflated $((200 << 20))
	check "all" vfctl vm set web1 balloon0 memory=768M
	asks "it has it back" "soon has_it_back && echo back" back
	check "that, too" wait_for 10 grew balloon0 bytes-deflated $((200 << 20))
	check "the guest tells what is free" sh -c "vfctl --json=short vm stats web1 | grep -q '\"memory_free\":\"*[1-9]'"
}

grows() {
	step "A disk that grows"
	truncate -s 48M /tmp/work.img
	check "larger" vfctl vm set web1 virtio-blk0 size=auto
	asks "the driver has heard of it" "soon is /sys/block/\$(disk work)/size 98304; cat /sys/block/\$(disk work)/size" 98304
	asks "what is new can be written" "dd if=/dev/zero of=/dev/\$(disk work) bs=1M seek=47 count=1 oflag=direct 2>/dev/null && echo well" well
	check "a size that the file has not is refused" fails_with 2 vfctl vm set web1 virtio-blk0 size=64M
	check "which can be helped" said 'truncate -s 64M'
}

trouble() {
	step "What goes wrong on the host"
	truncate -s 1M /tmp/cut.img
	asks "a disk that was cut is an I/O error" "dd if=/dev/\$(disk cut) of=/dev/null bs=64k skip=128 count=1 iflag=direct" ".*(I/O|Input/output) error"
	asks "what is left of it is there" "dd if=/dev/\$(disk cut) bs=64k count=1 iflag=direct 2>/dev/null | wc -c" 65536
	check "counted" grew virtio-blk1 io-errors 1
	asks "no room is an error of that disk" "dd if=/dev/zero of=/dev/\$(disk small) bs=1M count=8 oflag=direct" ".*rror"
	check "counted" grew virtio-blk2 no-space 1
	asks "the other disk is well" "dd if=/dev/\$(disk work) of=/dev/null bs=1M count=8 iflag=direct 2>/dev/null && echo well" well
	for port in /sys/class/net/br0/brif/*; do /bin/ip link delete "${port##*/}"; done
	asks "a tap that goes takes the link down" "soon is /sys/class/net/eth0/carrier 0; cat /sys/class/net/eth0/operstate" down
	check_not "which does not come up" vfctl vm set web1 virtio-net0 link=up
	asks "the guest lives" "echo well" well
	check "absurd queues are refused" fails_with 2 vfctl vm run -k /guest/generic/vmlinuz --disk /tmp/work.img,queue-size=300 --dry-run
}

scenario() {
	asked=0 explained=0
	write_guest /tmp/guest.sh
	prepare
	start
	switch_disk
	switch_network
	judge
	link
	balloon
	grows
	trouble
	check "it ends when it is told to" vfctl vm stop web1 --force
	check "with success" guest_ends_with web1 20 0
	kill "$server" "$terminal"
	check "the kernel has nothing to complain about" sh -c '! dmesg | grep -E "BUG:|Oops|WARNING:"'
}
