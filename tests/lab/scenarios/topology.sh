# shellcheck shell=sh
# Bridges with and without ACS on a real kernel: does it make the groups that our reading of the
# registers predicts, is every large one explained; and resets of real functions.
LAB_TIMEOUT=150
LAB_PROGRAMS="vfctl"
# Beyond the usual: an igb below a port without ACS, a switch with a NIC on each of its two ports,
# and a device of two functions.
LAB_DEVICES="
-device pcie-root-port,id=rp5,chassis=5,slot=5,bus=pcie.0,addr=0x15,disable-acs=on
-netdev hubport,id=n5,hubid=2 -device igb,bus=rp5,netdev=n5
-device pcie-root-port,id=rp6,chassis=6,slot=6,bus=pcie.0,addr=0x16
-device x3130-upstream,id=up,bus=rp6
-device xio3130-downstream,id=down1,bus=up,addr=0,chassis=7,slot=7
-device xio3130-downstream,id=down2,bus=up,addr=1,chassis=8,slot=8
-netdev hubport,id=n6,hubid=2 -device e1000e,bus=down1,netdev=n6
-netdev hubport,id=n7,hubid=2 -device e1000e,bus=down2,netdev=n7
-device pcie-root-port,id=rp7,chassis=9,slot=9,bus=pcie.0,addr=0x17
-netdev hubport,id=n8,hubid=2 -device e1000e,bus=rp7,netdev=n8,addr=0.0,multifunction=on
-netdev hubport,id=n9,hubid=2 -device e1000e,bus=rp7,netdev=n9,addr=0.1
"

# verdict_of FUNCTION COLUMN
verdict_of() {
	vfctl --no-legend groups "$1" -o "$2"
}

is_verdict() {
	[ "$(verdict_of "$1" VERDICT | tr -d ' ')" = "$2" ] || { verdict_of "$1" VERDICT && return 1; }
}

says_why() {
	verdict_of "$1" WHY | grep -q "$2" || { verdict_of "$1" WHY && return 1; }
}

# PF below a port of that slot.
below_slot() {
	for path in "$devices"/*:00."${2:-0}"; do
		case $(basename "$(dirname "$(readlink -f "$path")")") in
		"0000:00:$1.0") basename "$path" ;;
		esac
	done
}

none_says() {
	! vfctl groups --json | grep -q "$1"
}

config_of() {
	hexdump -n 64 -C "$devices/$1/config"
}

method_is() {
	[ "$(cat "$devices/$1/reset_method")" = "$2" ] || { cat "$devices/$1/reset_method" && return 1; }
}

# said PATTERN: in what the last command of check_exit printed.
said() {
	cp "$lab_tmp/check.out" /tmp/said
	sed 's/^/     /' /tmp/said
	check "and says so ($1)" grep -q "$1" /tmp/said
}

groups() {
	step "Groups"
	lonely=$(below_slot 15) two=$(below_slot 17)
	shown "the tree" vfctl tree
	cp /tmp/check.out "$(out tree.txt)" 2>/dev/null || true
	must "VFs below the port without ACS" vfctl create "$lonely" 2
	must "VFs below a port with ACS" vfctl create ens1f0 2
	shown "verdicts" vfctl groups -o GROUP,VERDICT,MEMBERS,WHY
	check "the port without ACS keeps its PF and VFs together" is_verdict "$lonely" together
	check "and is named" says_why "$lonely" '^root port 0000:00:15.0 has no ACS'
	check "a VF below a port with ACS is alone" is_verdict ens1f0/vf0 alone
	check "two functions of one device are together" is_verdict "$two" together
	check "because of that device" says_why "$two" "^device ${two%.*} has no ACS between its functions"
	check "the bridge to conventional PCI is named" says_why 0000:05:01.0 'PCIe-to-PCI bridge 0000:04:00.0'
	check "no group is smaller than the registers say" none_says '"isolated_by":"quirk"'
	check "and none larger" none_says 'no ACS register tells'
	vfctl tree --format svg >"$(out machine.svg)"
	check "there is a picture" grep -q '</svg>' "$(out machine.svg)"
}

resets() {
	step "Resets"
	vf=$(link_name "$devices/$PF1/virtfn0")
	check_exit 5 "a VF under its host driver is not reset" vfctl reset ens1f0/vf0
	said "$vf (igbvf)"
	# Its interface is down: igbvf would never come back, and keep the bridge's lock.
	check_exit 5 "nor with consent, while igbvf could not bear it" vfctl reset ens1f0/vf0 --allow-in-use
	said 'is down'
	/bin/ip link set "$(net_of "$vf")" up
	config_of "$vf" >/tmp/config.before
	check "while it is up, with consent" vfctl reset ens1f0/vf0 --allow-in-use
	said 'reset by flr *done'
	config_of "$vf" >/tmp/config.after
	check "its configuration is as before" diff /tmp/config.before /tmp/config.after
	check_exit 7 "a VF knows no other method" vfctl reset ens1f0/vf0 --method pm
	said 'what it has: flr'
	check "the PF is reset by pm" vfctl reset ens2f0 --method pm --allow-in-use
	said 'reset by pm *done'
	check "its methods are as before" method_is "$PF2" "flr pm bus"
	must "both VFs without drivers" vfctl unbind ens1f0/vf0-1
	check "their PF takes them along" vfctl reset ens1f0 --allow-in-use
	said "$vf *reset along with $PF1 *done"
	must "two NICs behind a bridge without drivers" vfctl unbind 0000:05:01.0 0000:05:02.0
	check_exit 7 "they have but their bus" vfctl reset 0000:05:01.0
	check "which resets both" vfctl reset 0000:05:01.0 --method bus
	said '0000:05:02.0 *reset along with 0000:05:01.0 *done'
	must "their drivers are back" vfctl restore 0000:05:01.0 0000:05:02.0
	/bin/ip link set "$(net_of 0000:05:01.0)" name lan0
	/bin/ip link set "$(net_of 0000:05:02.0)" name lan1

	must "a VF on vfio-pci" vfctl bind ens1f0/vf0 vfio-pci
	group=/dev/vfio/$(group_of "$vf")
	check "the group's node appears" wait_for 5 test -c "$group"
	sh -c "exec 9<>$group; echo ready >/tmp/holder; exec sleep 100" &
	holder=$!
	check "somebody holds it" wait_for 5 test -s /tmp/holder
	check_exit 5 "then it is not reset" vfctl reset ens1f0/vf0 --allow-in-use
	said "pid $holder"
	check_exit 5 "nor is its PF" vfctl reset ens1f0 --allow-in-use
	kill $holder
	wait $holder 2>/dev/null
	check "released, it is" vfctl reset ens1f0/vf0
}

scenario() {
	snapshot "$(out before.txt)"
	groups
	resets
	step "Back"
	must "restored" vfctl restore ens1f0/vf0-1
	must "VFs removed" vfctl destroy ens1f0
	must "and those" vfctl destroy "$lonely"
	snapshot "$(out after.txt)"
	check "the machine is as it was found" diff "$(out before.txt)" "$(out after.txt)"
}
