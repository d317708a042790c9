# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Open vSwitch in a network name space, by hand: what Debian's unit would start.

# ovs_start DIR: its logs and database are there, its sockets in /run/openvswitch.
ovs_start() {
	mkdir -p /run/openvswitch && ovsdb-tool create "$1/ovs.db" /usr/share/openvswitch/vswitch.ovsschema || return 1
	ovsdb-server "$1/ovs.db" --remote=punix:/run/openvswitch/db.sock >"$1/ovsdb.log" 2>&1 &
	ovsdb_pid=$!
	for _ in $(seq 100); do
		[ -S /run/openvswitch/db.sock ] && break
		sleep 0.1
	done
	ovs-vsctl --timeout=10 --no-wait init || return 1
	ovs-vswitchd unix:/run/openvswitch/db.sock >"$1/ovs-vswitchd.log" 2>&1 &
	vswitchd_pid=$!
	ovs-vsctl --timeout=20 show >/dev/null
}

ovs_stop() {
	kill "$vswitchd_pid" "$ovsdb_pid"
	wait "$vswitchd_pid" "$ovsdb_pid" 2>/dev/null
	return 0
}
