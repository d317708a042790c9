/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Machines made up for tests, out of a few lines that say what there is: for what no captured
 * machine has. The result is a folder that host_new_captured() takes, with what sysfs would show.
 *
 *   # a comment
 *   cmdline quiet pcie_acs_override=downstream
 *   slot 3 0000:01:00
 *   0000:00:01.0 pci0000:00   type=root acs=1f/1d group=1 driver=pcieport
 *   0000:01:00.0 0000:00:01.0 class=020000 id=8086:10c9 group=2 driver=igb net=eth0 vfs=7:80:2
 *   vfs 0000:01:00.0 4 at=80:2 driver=igbvf group=3 id=8086:10ca
 *   process 4711 /dev/vfio/4 qemu-system-x86_64 -name web1     has that node open
 *   file proc/sys/kernel/osrelease 6.12.1\n                   any file; "\n" ends a line of it
 *   route eno1                                                the default route
 *
 * A function is its address, what it hangs below (a bridge's address or a root bus), and facts:
 *   class=, id=VENDOR:DEVICE, driver=, group=NUMBER, numa=, net=NAME, nvme=NAME, reset=flr,bus
 *   type=endpoint|legacy|root|up|down|pcie-pci|pci-pcie|integrated|collector|pci|pci-bridge
 *   acs=CAPABILITY/CONTROL   the registers, in hexadecimal; without it no ACS
 *   mf                       the header says: several functions
 *   config=BYTES             as much of configuration space as may be read
 *   vfs=TOTAL:OFFSET:STRIDE  a PF
 * "vfs PF N at=OFFSET:STRIDE facts" makes N VFs of it; group= is then the first one's and counts up
 * ("group=7/" gives all the same); "name" of net= gets the index. A second such line with
 * first=INDEX gives the PF more of them.
 */
#pragma once

/* Fills `dir`, which is there. 0, or -1 and a line on standard error. */
int made_machine(const char *dir, const char *text);
