# shellcheck shell=sh
# A guest of a user who may open none of what it is made of: vfctld claims the VF, opens and hands
# over, and takes back whatever becomes of the guest. Who is not in the group is told what to do.
LAB_ROOT=debian
LAB_INSTALL=yes
LAB_TIMEOUT=240
LAB_PROGRAMS="vfctl vfctl-vmm"
LAB_FILES=/usr/bin/cpio

# $as_user: who calls vfctl.
vfctl() {
	[ -n "${as_user-}" ] || { command vfctl "$@"; return; }
	setpriv --reuid "$as_user" --regid "$as_user" --init-groups --inh-caps=-all /usr/bin/vfctl "$@"
}

# guest_start of lib/guest.sh with an exec, so that its process is vfctl's.
guest_as() {
	as_user=$1
	shift
	guest_start "$@"
	as_user=
}

vf() {
	link_name "$devices/$NVME/virtfn$1"
}

write_guest() {
	cat >"$1" <<'GUEST'
i=0
until [ -b /dev/nvme0n1 ] || [ $((i += 1)) -gt 100 ]; do sleep 0.2; done
echo "@@ block 100: $(dd if=/dev/nvme0n1 bs=512 skip=100 count=1 iflag=direct 2>/dev/null | tr -d '\0' | sed 's/block 0*/block /')"
dd if=/dev/nvme0n1 of=/dev/null bs=64k count=64 iflag=direct 2>/dev/null && echo "@@ read 4 MiB"
for net in /sys/bus/virtio/drivers/virtio_net/*/net/*; do
	[ -e "$net" ] && echo "@@ net"
done
echo "@@ done"
disk() { dd if=/dev/vda bs=512 skip="$1" count=1 iflag=direct 2>/dev/null | tr -d '\0'; }
echo "@@ served: $(disk 7)"
while read -r word && [ "$word" != go ]; do
	case $word in
	look) echo "@@ controllers $(ls -d /sys/bus/pci/drivers/nvme/0000:* | wc -l)" ;;
	disk) echo "@@ served again: $(disk 9)" ;;
	esac
done
GUEST
}

as_before() {
	[ -z "$(vfctl leases --no-legend)" ] && [ "$(driver_of "$(vf 0)")" = "$driver" ] && return
	vfctl leases
	driver_of "$(vf 0)"
	return 1
}

# The VMM of guest $1; it is a child of vfctl, which may be one of a wrapper's.
vmm_of() {
	pgrep -f "vfctl-vmm --name $1 "
}

client_of() {
	awk '/^PPid/ { print $2 }' "/proc/$(vmm_of "$1")/status"
}

runs_as_alice() {
	grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs)' "/proc/$1/status"
	for set in CapInh CapPrm CapEff CapAmb; do
		grep -q "^$set:.0000000000000000$" "/proc/$1/status" || return 1
	done
	alice=$(id -u alice)
	grep -q "^Uid:.$alice.$alice.$alice.$alice$" "/proc/$1/status" &&
		grep -q "^NoNewPrivs:.1$" "/proc/$1/status"
}

# Descriptors of process $1.
holds() {
	for fd in "/proc/$1/fd"/*; do readlink "$fd"; done | grep -E '/dev/|vfio|kvm' | sort | uniq -c
}

may_pin() {
	awk '/^Max locked memory/ { print $4 }' "/proc/$1/limits"
}

as_alice() {
	setpriv --reuid alice --regid alice --init-groups --inh-caps=-all "$@"
}

start_web() {
	name=$1
	shift
	guest_as alice "$name" /tmp/guest.sh --name "$name" --mem 192M --vf nvme0/vf0 "$@"
}

# A disk that a process of hers serves; AppArmor lets the VMM talk to it.
serve_disk() {
	rm -f "$XDG_RUNTIME_DIR/disk"
	as_alice qemu-storage-daemon \
		--blockdev "driver=file,node-name=disk,filename=$XDG_RUNTIME_DIR/disk.img" \
		--export "type=vhost-user-blk,id=e,node-name=disk,writable=on,addr.type=unix,addr.path=$XDG_RUNTIME_DIR/disk" &
	storage=$!
	wait_for 20 test -S "$XDG_RUNTIME_DIR/disk"
}

another_serves() {
	kill -9 "$storage"
	wait "$storage" 2>/dev/null
	must "the next one listens" serve_disk
	guest_tell web1 disk
	check "the guest goes on with it" guest_wait web1 30 '^@@ served again: disk block 0*9$'
}

prepare() {
	step "A VF, and a user in the group"
	getent group vfctl >/dev/null || groupadd --system vfctl
	usermod -aG vfctl alice
	must "the controller has its driver" wait_for 30 test -e "$devices/$NVME/nvme/nvme0"
	must "VFs" vfctl create nvme0 2
	for i in 0 1; do
		must "with queues" vfctl set nvme0/vf$i vq=2 vi=1
		must "online" vfctl set nvme0/vf$i online=yes
	done
	# What pam_systemd makes when she logs in.
	XDG_RUNTIME_DIR=/run/user/$(id -u alice)
	export XDG_RUNTIME_DIR
	install -d -m 700 -o alice -g alice "$XDG_RUNTIME_DIR"
	driver=$(driver_of "$(vf 0)")
	chmod 644 "$lab_tmp"/*.initrd 2>/dev/null
	write_guest /tmp/guest.sh
	check_not "she may not open KVM" as_alice test -w /dev/kvm
	check "the daemon runs" systemctl start vfctld
}

not_in_the_group() {
	step "Who is not in the group"
	as_user=bob
	check "is refused" fails_with 4 vfctl vm run --kernel "$lab_guest/generic/vmlinuz" --vf nvme0/vf0
	check "by name" said 'polkit does not allow org.vfctl1.claim'
	check "and told what to do" said 'usermod -aG vfctl'
	as_user=
	check "nothing has happened" as_before
}

limits() {
	step "What the administrator does not allow"
	mkdir -p /etc/vfctl
	printf '[Guests]\nTaps=vm-*\nMemoryMax=64M\n' >/etc/vfctl/vfctl.conf
	as_user=alice
	check "another tap is refused" fails_with 4 vfctl vm run --kernel "$lab_guest/generic/vmlinuz" \
		--mem 32M --vf nvme0/vf0 --net tap=lan0
	check "with what would help" said 'Taps= in /etc/vfctl/vfctl.conf'
	check "so is too much memory" fails_with 6 vfctl vm run --kernel "$lab_guest/generic/vmlinuz" \
		--vf nvme0/vf0 --mem 192M
	check "needed and allowed are told" said '201326592 bytes of memory are to be pinned, .* allowed 64M'
	as_user=
	check "what was claimed for it is returned" as_before
	printf '[Guests]\nTaps=vm-*\n' >/etc/vfctl/vfctl.conf
}

runs() {
	step "A guest of hers, with the VF, a tap that the kernel serves, and a disk that a process does"
	make_disk "$XDG_RUNTIME_DIR/disk.img" 2048
	chown alice "$XDG_RUNTIME_DIR/disk.img"
	must "that listens" serve_disk
	start_web web1 "--net=tap=vm-1,vhost=auto" "--disk=vhost-user=$XDG_RUNTIME_DIR/disk"
	must "it is up" guest_wait web1 90 '^@@ done'
	check "the VF does DMA" guest_saw web1 '^@@ block 100: vfctl lab block 100$'
	check "4 MiB of it" guest_saw web1 '^@@ read 4 MiB'
	check "the tap is there" guest_saw web1 '^@@ net'
	check "vhost-net was lent with it" has_open "$(vmm_of web1)" vhost-net
	check "what is served is there" guest_saw web1 '^@@ served: disk block 0*7$'
	another_serves
	shown "the VMM is hers, with no capability" runs_as_alice "$(vmm_of web1)"
	shown "it holds what was handed over" holds "$(vmm_of web1)"
	check "it may pin what the guest has, and no more" test "$(may_pin "$(vmm_of web1)")" = $((192 << 20))
	shown "the claim is her process's" vfctl leases
	check "of that process" sh -c "vfctl leases --no-legend -o OWNER,STATE | grep -q 'process:$(client_of web1) *held'"
	as_user=bob
	check "nobody else gets it" fails_with 4 vfctl vm run --kernel "$lab_guest/generic/vmlinuz" --vf nvme0/vf0
	as_user=
	check "while it runs, nobody returns it" fails_with 5 vfctl release nvme0/vf0
	check "for it holds that very function" said "vfctl-vmm.* web1"
	one_more
	guest_tell web1 go
	check "it ends by itself" guest_ends_with web1 30 0
	kill -9 "$storage"
	check "all is returned" as_before
	check "the tap is gone" test ! -e /sys/class/net/vm-1
}

has_controllers() {
	guest_tell web1 look && guest_wait web1 5 "^@@ controllers $1\$"
}

one_more() {
	step "One more VF while it runs, and back"
	as_user=alice
	check "attached" vfctl vm attach web1 --vf nvme0/vf1
	shown "it is claimed for the VMM" vfctl leases
	check "of that process" sh -c \
		"vfctl leases --no-legend -o OWNER,STATE | grep -q 'process:$(vmm_of web1) *held'"
	check "the guest's driver has it" wait_for 20 has_controllers 2
	check "detached" vfctl vm detach web1 --vf nvme0/vf1
	check "the guest's driver has let go" wait_for 20 has_controllers 1
	check "it is returned" test "$(vfctl leases --no-legend | grep -c .)" = 1
	as_user=
}

killed() {
	step "vfctl is killed"
	start_web web2
	must "the guest is up" guest_wait web2 90 '^@@ done'
	pid=$(client_of web2)
	kill -9 "$pid"
	check "all is returned" wait_for 40 as_before
	check "the VMM has ended" test -z "$(vmm_of web2)"
}

scenario() {
	prepare
	not_in_the_group
	limits
	runs
	killed
	check "gone" vfctl destroy nvme0 --allow-in-use
	journalctl --no-pager -o cat -u vfctld -u 'vfctld-worker@*' >"$(out vfctld.journal)"
	check_not "no worker failed" systemctl --quiet is-failed 'vfctld-worker@*'
}
