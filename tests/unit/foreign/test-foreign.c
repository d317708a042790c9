// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What other managers' files say: each manager's own rules, junk of every kind, and conflicts. The
 * machine has an igb PF eth0 with four VFs on igbvf (0000:01:10.0, .2, .4, .6), another, eth1,
 * without VFs, and an NVMe PF.
 */
#include "cm.h"
#include "machine.h"
#include "fake/fake.h"
#include "foreign/foreign.h"
#include "policy/policy.h"

struct fixture {
	struct host *h;
	struct inventory *inv;
	struct foreign found;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	*state = f;
	return inventory_load(f->h, INVENTORY_ALL, &f->inv, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int hangs = (int)fake_hangs(f->h);

	foreign_done(&f->found);
	inventory_free(f->inv);
	host_free(f->h);
	free(f);
	return hangs;
}

/* "eth0 vf1 mac=… systemd FILE:LINE alone", one a line; doubts follow. */
static void assert_found(struct fixture *f, const char *want)
{
	autostrbuf b = { 0 };
	autofree char *got = NULL;

	foreign_done(&f->found);
	assert_int_equal(foreign_read(f->h, f->inv, &f->found), 0);
	for (size_t i = 0; i < f->found.n_facts; i++) {
		const struct foreign_fact *fact = &f->found.facts[i];
		const struct function *pf = inventory_find_bdf(f->inv, fact->pf);

		strbuf_add(&b, "%s ", pf->n_netdevs ? pf->netdevs[0].name : pf->address);
		if (fact->vf == FOREIGN_ALL_VFS)
			strbuf_add(&b, "vf* ");
		else if (fact->vf >= 0)
			strbuf_add(&b, "vf%d ", fact->vf);
		strbuf_add(&b, "%s=%s %s %s:%u %s\n", fact->key, fact->value,
			foreign_manager_name(fact->by), fact->file, fact->line,
			foreign_verdict_name(foreign_verdict(&f->found, i)));
	}
	for (size_t i = 0; i < f->found.n_doubts; i++) {
		const struct foreign_doubt *d = &f->found.doubts[i];

		strbuf_add(&b, "? %s %s:%u %s\n", foreign_manager_name(d->by), d->file, d->line,
			d->what);
	}
	got = strbuf_take(&b);
	assert_string_equal(got, want);
}

static void a_machine_without(void **state)
{
	struct fixture *f = *state;

	assert_found(f, "");
}

/* ---- systemd ---- */

static void link_of_systemd(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"[Match]\nOriginalName=eth0\n[Link]\nSR-IOVVirtualFunctions=4\n"
		"[SR-IOV]\nVirtualFunction=0\nVLANId=100\nQualityOfService=3\nMACSpoofCheck=no\n"
		"[SR-IOV]\nMACAddress=52:54:00:00:00:11\nVirtualFunction=2\nTrust=yes\n"
		"LinkState=auto\n",
		"/etc/systemd/network/10-x.link");
	assert_found(f,
		"eth0 num-vfs=4 systemd /etc/systemd/network/10-x.link:4 alone\n"
		"eth0 vf0 qos=3 systemd /etc/systemd/network/10-x.link:8 alone\n"
		"eth0 vf0 spoofchk=off systemd /etc/systemd/network/10-x.link:9 alone\n"
		"eth0 vf0 vlan=100 systemd /etc/systemd/network/10-x.link:7 alone\n"
		"eth0 vf2 link-state=auto systemd /etc/systemd/network/10-x.link:14 alone\n"
		"eth0 vf2 mac=52:54:00:00:00:11 systemd /etc/systemd/network/10-x.link:11 alone\n"
		"eth0 vf2 trust=on systemd /etc/systemd/network/10-x.link:13 alone\n");
}

/* The first file that fits is the only one, even when it says nothing of VFs. */
static void first_link_wins(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "[Match]\nDriver=igb\n[Link]\nSR-IOVVirtualFunctions=2\n",
		"/usr/lib/systemd/network/50-b.link");
	fake_put(f->h, "[Match]\nOriginalName=eth0\n[Link]\nName=lan0\n",
		"/etc/systemd/network/20-a.link");
	assert_found(f, "eth1 num-vfs=2 systemd /usr/lib/systemd/network/50-b.link:4 alone\n");
}

static void systemd_overrides(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "[Match]\nDriver=igb\n[Link]\nSR-IOVVirtualFunctions=2\n",
		"/usr/lib/systemd/network/50-b.link");
	fake_put(f->h, "[Match]\nDriver=igb\nOriginalName=eth1\n[Link]\n",
		"/run/systemd/network/50-b.link");
	fake_put(f->h, "[Link]\nSR-IOVVirtualFunctions=5\n",
		"/etc/systemd/network/50-b.link.d/more.conf");
	assert_found(f, "eth1 num-vfs=5 systemd "
			"/etc/systemd/network/50-b.link.d/more.conf:2 alone\n");
	/* An empty file takes the name away, its drop-ins too. */
	fake_put(f->h, "", "/etc/systemd/network/50-b.link");
	assert_found(f, "");
}

/* A file without [Match] fits nothing; other types' do not fit; what we cannot look at is said. */
static void systemd_matches(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "[Link]\nSR-IOVVirtualFunctions=2\n", "/etc/systemd/network/10-a.link");
	fake_put(f->h, "[Match]\nType=wlan\n[Link]\nSR-IOVVirtualFunctions=3\n",
		"/etc/systemd/network/11-a.link");
	fake_put(f->h, "[Match]\nMACAddress=junk\n[Link]\nSR-IOVVirtualFunctions=4\n",
		"/etc/systemd/network/12-a.link");
	assert_found(f, "");
	fake_put(f->h,
		"[Match]\nOriginalName=eth0\nKernelVersion=>6\n[Link]\nSR-IOVVirtualFunctions=5\n",
		"/etc/systemd/network/13-a.link");
	assert_found(f, "eth0 num-vfs=5 systemd /etc/systemd/network/13-a.link:5 alone\n"
			"? systemd /etc/systemd/network/13-a.link:0 [Match] KernelVersion=>6 is "
			"taken to hold\n");
}

/* Which of two files counts may be in doubt; that both do is not. */
static void one_link_of_systemd(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"[Match]\nProperty=ID_X=1\nOriginalName=eth1\n[Link]\nSR-IOVVirtualFunctions=5\n",
		"/etc/systemd/network/10-a.link");
	fake_put(f->h, "[Match]\nOriginalName=eth1\n[Link]\nSR-IOVVirtualFunctions=3\n",
		"/etc/systemd/network/20-b.link");
	assert_found(f,
		"eth1 num-vfs=5 systemd /etc/systemd/network/10-a.link:5 alone\n"
		"eth1 num-vfs=3 systemd /etc/systemd/network/20-b.link:4 alone\n"
		"? systemd /etc/systemd/network/10-a.link:0 [Match] Property=ID_X=1 is taken to hold\n");
}

static void systemd_junk(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"[Match]\nName=eth0\n[SR-IOV]\nVLANId=7\n[SR-IOV]\nVirtualFunction=1\nVLANId=7000\n"
		"Nonsense=yes\n[Link]\nSR-IOVVirtualFunctions=many\n",
		"/etc/systemd/network/a.network");
	assert_found(f, "? systemd /etc/systemd/network/a.network:4 [SR-IOV] VLANId=7: of which "
			"VirtualFunction=?\n"
			"? systemd /etc/systemd/network/a.network:7 [SR-IOV] VLANId=7000: no such "
			"value\n"
			"? systemd /etc/systemd/network/a.network:8 [SR-IOV] Nonsense=yes: not "
			"known\n"
			"? systemd /etc/systemd/network/a.network:10 SR-IOVVirtualFunctions=many: "
			"not a number\n");
}

/* ---- NetworkManager ---- */

static void keyfile(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"[connection]\nid=x\ntype=ethernet\ninterface-name=eth0\n\n[sriov]\ntotal-vfs=3\n"
		"autoprobe-drivers=0\n"
		"vf.1=mac=52:54:00:00:00:22 spoof-check=true vlans=100.2.q max-tx-rate=50\n"
		"vf.2=vlans=1;2 colour=red\nvf.x=trust=true\n",
		"/etc/NetworkManager/system-connections/x.nmconnection");
	assert_found(f, "eth0 autoprobe=no NetworkManager "
			"/etc/NetworkManager/system-connections/x.nmconnection:8 alone\n"
			"eth0 num-vfs=3 NetworkManager "
			"/etc/NetworkManager/system-connections/x.nmconnection:7 alone\n"
			"eth0 vf1 mac=52:54:00:00:00:22 NetworkManager "
			"/etc/NetworkManager/system-connections/x.nmconnection:9 alone\n"
			"eth0 vf1 max-rate=50 NetworkManager "
			"/etc/NetworkManager/system-connections/x.nmconnection:9 alone\n"
			"eth0 vf1 proto=802.1q NetworkManager "
			"/etc/NetworkManager/system-connections/x.nmconnection:9 alone\n"
			"eth0 vf1 qos=2 NetworkManager "
			"/etc/NetworkManager/system-connections/x.nmconnection:9 alone\n"
			"eth0 vf1 spoofchk=on NetworkManager "
			"/etc/NetworkManager/system-connections/x.nmconnection:9 alone\n"
			"eth0 vf1 vlan=100 NetworkManager "
			"/etc/NetworkManager/system-connections/x.nmconnection:9 alone\n"
			"? NetworkManager /etc/NetworkManager/system-connections/x.nmconnection:10 "
			"vf.2=vlans=1;2 colour=red: several VLANs of one VF\n"
			"? NetworkManager /etc/NetworkManager/system-connections/x.nmconnection:10 "
			"vf.2=vlans=1;2 colour=red: colour is not known\n"
			"? NetworkManager /etc/NetworkManager/system-connections/x.nmconnection:11 "
			"vf.x=trust=true: no number of a VF\n");
}

/* A profile of /etc may have any name; of elsewhere, and of editors, not. */
static void keyfile_of_any_name(void **state)
{
	static const char two[] = "[connection]\ninterface-name=eth1\n[sriov]\ntotal-vfs=2\n";
	struct fixture *f = *state;

	fake_put(f->h, two, "/etc/NetworkManager/system-connections/Wired connection 1");
	fake_put(f->h, two, "/etc/NetworkManager/system-connections/lan~");
	fake_put(f->h, two, "/etc/NetworkManager/system-connections/.lan.swp");
	fake_put(f->h, two, "/usr/lib/NetworkManager/system-connections/lan");
	assert_found(f, "eth1 num-vfs=2 NetworkManager "
			"/etc/NetworkManager/system-connections/Wired connection 1:4 alone\n");
}

static void devices_of_networkmanager(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"[main]\nsriov-num-vfs=9\n[device-a]\nmatch-device=interface-name:eth1;mac:x\n"
		"sriov-num-vfs=5\n[device-b]\nmatch-device=driver:igb,except:interface-name:eth1\n"
		"sriov-num-vfs=3\n[device-c]\nmatch-device=colour:red\nsriov-num-vfs=1\n",
		"/run/NetworkManager/conf.d/10-s.conf");
	fake_put(f->h, "[device]\nsriov-num-vfs=1\n", "/usr/lib/NetworkManager/conf.d/10-s.conf");
	assert_found(f,
		"eth0 num-vfs=3 NetworkManager /run/NetworkManager/conf.d/10-s.conf:8 alone\n"
		"eth1 num-vfs=5 NetworkManager /run/NetworkManager/conf.d/10-s.conf:5 alone\n"
		"? NetworkManager /run/NetworkManager/conf.d/10-s.conf:11 match-device=colour:red: not "
		"known, taken not to fit\n"
		"? NetworkManager /run/NetworkManager/conf.d/10-s.conf:11 match-device=colour:red: not "
		"known, taken not to fit\n");
}

static void keyfile_of_others(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "[connection]\ntype=wifi\ninterface-name=eth0\n[sriov]\ntotal-vfs=3\n",
		"/etc/NetworkManager/system-connections/a.nmconnection");
	fake_put(f->h, "[connection]\ntype=ethernet\n[match]\ndriver=ice;\n[sriov]\ntotal-vfs=3\n",
		"/etc/NetworkManager/system-connections/b.nmconnection");
	fake_put(f->h,
		"[connection]\ntype=ethernet\n[match]\ninterface-name=eth1;eth9;\npath=pci-0000:02*;\n"
		"[sriov]\ntotal-vfs=1\n",
		"/run/NetworkManager/system-connections/c.nmconnection");
	assert_found(f, "eth1 num-vfs=1 NetworkManager "
			"/run/NetworkManager/system-connections/c.nmconnection:7 alone\n");
}

/* ---- netplan ---- */

static void netplan(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"network:\n  version: 2\n  ethernets:\n    eth0:\n      virtual-function-count: 4\n"
		"    other:\n      match: {driver: [ice, igb], name: eth1}\n"
		"      virtual-function-count: many\n"
		"    guest:\n      match:\n        name: eth4\n      link: eth0\n"
		"      macaddress: 52:54:00:00:00:33\n"
		"  vlans:\n    v100: {id: 100, link: guest, renderer: sriov}\n"
		"    v200: {id: 200, link: guest}\n    v300: {id: 300, link: no, renderer: sriov}\n",
		"/etc/netplan/10-a.yaml");
	fake_put(f->h, "network:\n  - [\n", "/etc/netplan/90-broken.yaml");
	assert_found(f,
		"eth0 num-vfs=4 netplan /etc/netplan/10-a.yaml:5 alone\n"
		"eth0 vf0 mac=52:54:00:00:00:33 netplan /etc/netplan/10-a.yaml:13 alone\n"
		"eth0 vf0 vlan=100 netplan /etc/netplan/10-a.yaml:15 alone\n"
		"? netplan /etc/netplan/90-broken.yaml:3 is no YAML: did not find expected "
		"node content\n"
		"? netplan /etc/netplan/10-a.yaml:8 virtual-function-count: many: not a "
		"number\n"
		"? netplan /etc/netplan/10-a.yaml:17 vlans: v300: id: 300: no is no VF that "
		"is there now\n");
}

/* ---- Drivers ---- */

/* An interface of one name is one interface; without a number there are as many VFs as named. */
static void netplan_merges(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"network:\n  ethernets:\n    pf1:\n      match: {name: \"eth1\"}\n"
		"      virtual-function-count: 2\n    eth4: {link: eth0}\n    eth5: {link: eth0}\n",
		"/etc/netplan/10-a.yaml");
	fake_put(f->h,
		"network:\n  ethernets:\n    eth0: {}\n    pf1:\n      virtual-function-count: 4\n"
		"    eth5: {link: eth0}\n",
		"/run/netplan/90-b.yaml");
	assert_found(f, "eth0 num-vfs=2 netplan /etc/netplan/10-a.yaml:6 alone\n"
			"eth1 num-vfs=4 netplan /run/netplan/90-b.yaml:5 alone\n");
}

static void driverctl(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "vfio-pci\n", "/etc/driverctl.d/pci-0000:01:10.2");
	/* A VF that does not exist yet. */
	fake_put(f->h, "vfio-pci", "/etc/driverctl.d/pci-0000:02:10.2");
	fake_put(f->h, "vfio-pci", "/etc/driverctl.d/pci-0000:ff:10.2");
	fake_put(f->h, "\n", "/etc/driverctl.d/pci-0000:01:00.0");
	fake_put(f->h, "x", "/etc/driverctl.d/README");
	assert_found(f, "eth0 vf1 driver=vfio-pci driverctl /etc/driverctl.d/pci-0000:01:10.2:1 "
			"alone\n"
			"eth1 vf1 driver=vfio-pci driverctl /etc/driverctl.d/pci-0000:02:10.2:1 "
			"alone\n"
			"? driverctl /etc/driverctl.d/pci-0000:01:00.0:1 names no driver\n");
}

static void modprobe(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"# options igb max_vfs=1\noptions igb \\\n  max_vfs=2\noptions vfio_pci "
		"ids=8086:10ca,junk disable_vga=1\nblacklist igbvf\noptions\n",
		"/etc/modprobe.d/a.conf");
	assert_found(f, "eth0 num-vfs=2 modprobe /etc/modprobe.d/a.conf:2 alone\n"
			"eth0 vf0 blacklist=igbvf modprobe /etc/modprobe.d/a.conf:5 alone\n"
			"eth0 vf0 driver=vfio-pci modprobe /etc/modprobe.d/a.conf:4 alone\n"
			"eth0 vf1 blacklist=igbvf modprobe /etc/modprobe.d/a.conf:5 alone\n"
			"eth0 vf1 driver=vfio-pci modprobe /etc/modprobe.d/a.conf:4 alone\n"
			"eth0 vf2 blacklist=igbvf modprobe /etc/modprobe.d/a.conf:5 alone\n"
			"eth0 vf2 driver=vfio-pci modprobe /etc/modprobe.d/a.conf:4 alone\n"
			"eth0 vf3 blacklist=igbvf modprobe /etc/modprobe.d/a.conf:5 alone\n"
			"eth0 vf3 driver=vfio-pci modprobe /etc/modprobe.d/a.conf:4 alone\n"
			"eth1 num-vfs=2 modprobe /etc/modprobe.d/a.conf:2 alone\n"
			"eth1 vf* driver=vfio-pci modprobe /etc/modprobe.d/a.conf:4 alone\n"
			"? modprobe /etc/modprobe.d/a.conf:4 options vfio_pci ids=8086:10ca,junk "
			"disable_vga=1: 'junk' is no id\n");
}

/* As people write them: quoted, kept from loading by other means, on the command line. */
static void modprobe_in_other_words(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"options igb max_vfs=\"2,1\"\ninstall nvme /bin/false\ninstall igb /sbin/x\n",
		"/etc/modprobe.d/a.conf");
	fake_put(f->h, "quiet root=a.b=c module_blacklist=nvme modprobe.blacklist=igbvf,x\n",
		"/proc/cmdline");
	assert_found(f, "eth0 num-vfs=2 modprobe /etc/modprobe.d/a.conf:1 alone\n"
			"eth0 vf0 blacklist=igbvf modprobe kernel command line:0 alone\n"
			"eth0 vf1 blacklist=igbvf modprobe kernel command line:0 alone\n"
			"eth0 vf2 blacklist=igbvf modprobe kernel command line:0 alone\n"
			"eth0 vf3 blacklist=igbvf modprobe kernel command line:0 alone\n"
			"eth1 num-vfs=1 modprobe /etc/modprobe.d/a.conf:1 alone\n"
			"0000:03:00.0 blacklist=nvme modprobe /etc/modprobe.d/a.conf:2 agrees\n"
			"0000:03:00.0 blacklist=nvme modprobe kernel command line:0 agrees\n");
}

static void ids_with_subsystem_and_class(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "options vfio-pci ids=8086:10ca:8086:ffff\n", "/etc/modprobe.d/a.conf");
	fake_put(f->h, "options vfio-pci ids=8086:ffffffff:ffffffff:ffffffff:010802:ffffff\n",
		"/etc/modprobe.d/b.conf");
	assert_found(f, "");
	fake_put(f->h,
		"ro quiet vfio-pci.ids=8086:10c9:ffffffff:ffffffff:020000:ffff00 igb.max_vfs=1,2\n",
		"/proc/cmdline");
	assert_found(f, "eth0 driver=vfio-pci modprobe kernel command line:0 alone\n"
			"eth0 num-vfs=1 modprobe kernel command line:0 alone\n"
			"eth1 driver=vfio-pci modprobe kernel command line:0 alone\n"
			"eth1 num-vfs=2 modprobe kernel command line:0 alone\n");
}

/* ---- mdevctl, libvirt ---- */

static void mdevctl(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "{\"mdev_type\": \"t1\", \"start\": \"auto\"}",
		"/etc/mdevctl.d/0000:02:00.0/aaaa");
	fake_put(f->h, "{\"mdev_type\": 7}", "/etc/mdevctl.d/0000:02:00.0/bbbb");
	fake_put(f->h, "[1", "/etc/mdevctl.d/0000:02:00.0/cccc");
	fake_put(f->h, "x", "/etc/mdevctl.d/scripts.d/dddd");
	assert_found(f,
		"eth1 mdev=t1 mdevctl /etc/mdevctl.d/0000:02:00.0/aaaa:0 alone\n"
		"? mdevctl /etc/mdevctl.d/0000:02:00.0/bbbb:0 is no mediated device: no mdev_type\n"
		"? mdevctl /etc/mdevctl.d/0000:02:00.0/cccc:0 is no mediated device: no "
		"mdev_type\n");
}

static void libvirt_network(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"<network>\n<name>fast</name>\n<forward mode='hostdev' managed='yes'>\n"
		"<pf dev='eth0'/>\n</forward>\n</network>\n",
		"/etc/libvirt/qemu/networks/fast.xml");
	fake_put(f->h,
		"<network><name>one</name><forward mode='hostdev'>"
		"<address type='pci' domain='0' bus='0x02' slot='0x10' function='0x0'/>"
		"<address type='pci' domain='0' bus='0x02' slot='99' function='0x0'/>"
		"<pf dev='eth77'/></forward></network>",
		"/etc/libvirt/qemu/networks/one.xml");
	fake_put(f->h, "<network><name>nat</name><forward mode='nat'/></network>",
		"/etc/libvirt/qemu/networks/nat.xml");
	fake_put(f->h, "<network", "/etc/libvirt/qemu/networks/broken.xml");
	assert_found(f,
		"eth0 vf* network=fast libvirt /etc/libvirt/qemu/networks/fast.xml:4 alone\n"
		"eth1 vf0 network=one libvirt /etc/libvirt/qemu/networks/one.xml:1 alone\n"
		"? libvirt /etc/libvirt/qemu/networks/broken.xml:0 is no XML\n"
		"? libvirt /etc/libvirt/qemu/networks/one.xml:1 network one: an address that is "
		"none\n"
		"? libvirt /etc/libvirt/qemu/networks/one.xml:1 <pf dev='eth77'/> of network one: "
		"there is no such PF\n");
}

/* Entities are not expanded, and no file is pulled in by them. */
static void libvirt_entities(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h,
		"<!DOCTYPE network [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\n"
		"<network><name>&e;</name><forward mode='hostdev'><pf dev='eth0'/></forward></network>",
		"/etc/libvirt/qemu/networks/e.xml");
	assert_found(f, "");
}

/* ---- Together ---- */

static void conflicts(void **state)
{
	struct fixture *f = *state;
	size_t i;

	fake_put(f->h, "[Match]\nName=eth0\n[Link]\nSR-IOVVirtualFunctions=4\n",
		"/etc/systemd/network/a.link");
	fake_put(f->h, "network: {ethernets: {eth0: {virtual-function-count: 4}}}\n",
		"/etc/netplan/a.yaml");
	assert_found(f, "eth0 num-vfs=4 systemd /etc/systemd/network/a.link:4 agrees\n"
			"eth0 num-vfs=4 netplan /etc/netplan/a.yaml:1 agrees\n");
	fake_put(f->h, "options igb max_vfs=2\n", "/etc/modprobe.d/a.conf");
	assert_found(f, "eth0 num-vfs=4 systemd /etc/systemd/network/a.link:4 conflict\n"
			"eth0 num-vfs=4 netplan /etc/netplan/a.yaml:1 conflict\n"
			"eth0 num-vfs=2 modprobe /etc/modprobe.d/a.conf:1 conflict\n"
			"eth1 num-vfs=2 modprobe /etc/modprobe.d/a.conf:1 alone\n");
	i = 0;
	assert_int_equal(foreign_rival(&f->found, i)->by, FOREIGN_MODPROBE);
	assert_null(foreign_rival(&f->found, 3));
}

/* What is said of all VFs stands against what is said of one. */
static void all_against_one(void **state)
{
	struct fixture *f = *state;

	fake_put(f->h, "options vfio-pci ids=8086:10ca\n", "/etc/modprobe.d/a.conf");
	fake_put(f->h, "igbvf\n", "/etc/driverctl.d/pci-0000:02:10.2");
	assert_int_equal(foreign_read(f->h, f->inv, &f->found), 0);
	assert_int_equal(f->found.n_facts, 6);
	assert_int_equal(f->found.facts[4].by, FOREIGN_DRIVERCTL);
	assert_int_equal(foreign_verdict(&f->found, 4), FOREIGN_CONFLICT);
	assert_int_equal(f->found.facts[5].vf, FOREIGN_ALL_VFS);
	assert_int_equal(foreign_verdict(&f->found, 5), FOREIGN_CONFLICT);
	assert_int_equal(foreign_verdict(&f->found, 0), FOREIGN_ALONE);
}

static struct policy *own_policy(struct fixture *f)
{
	struct policy *p = NULL;

	assert_int_equal(policy_load(f->h, f->inv, &(struct policy_opts) { 0 }, &p), 0);
	return p;
}

static void our_own(void **state)
{
	struct fixture *f = *state;
	CLEANUP(policy_freep) struct policy *p = NULL;

	fake_put(f->h, "options igb max_vfs=2\n", "/etc/modprobe.d/a.conf");
	fake_put(f->h, "options vfio-pci ids=8086:10ca\n", "/etc/modprobe.d/b.conf");
	fake_put(f->h,
		"[Match]\nName=eth0\n[PF]\nVirtualFunctions=1\n[VF 0]\nDriver=vfio\nPool=a\n",
		"/etc/vfctl/pf.d/a.conf");
	assert_int_equal(foreign_read(f->h, f->inv, &f->found), 0);
	p = own_policy(f);
	assert_int_equal(foreign_add_policy(&f->found, p), 0);
	assert_int_equal(f->found.facts[1].by, FOREIGN_VFCTL);
	assert_string_equal(f->found.facts[1].said, "VirtualFunctions=1");
	assert_int_equal(f->found.facts[1].line, 4);
	assert_int_equal(foreign_verdict(&f->found, 0), FOREIGN_CONFLICT);
	assert_int_equal(foreign_rival(&f->found, 0)->by, FOREIGN_VFCTL);
	/* "vfio" is what ids= does. */
	assert_string_equal(f->found.facts[3].value, "vfio-pci");
	assert_int_equal(foreign_verdict(&f->found, 3), FOREIGN_AGREES);
}

/* What is written is read back without a complaint, and means the same. */
static void as_policy(void **state)
{
	struct fixture *f = *state;
	CLEANUP(policy_freep) struct policy *p = NULL;
	autofree char *text = NULL, *none = NULL;

	fake_put(f->h,
		"[Match]\nName=eth0\n[Link]\nSR-IOVVirtualFunctions=4\n[SR-IOV]\n"
		"VirtualFunction=1\nVLANId=100\nMACSpoofCheck=no\n",
		"/etc/systemd/network/a.link");
	fake_put(f->h, "options igb max_vfs=2\n", "/etc/modprobe.d/a.conf");
	fake_put(f->h, "vfio-pci\n", "/etc/driverctl.d/pci-0000:01:10.0");
	fake_put(f->h, "{\"mdev_type\": \"t1\"}", "/etc/mdevctl.d/0000:01:00.0/a");
	assert_int_equal(foreign_read(f->h, f->inv, &f->found), 0);
	assert_int_equal(foreign_as_policy(f->inv, &f->found, f->found.facts[0].pf, &text), 0);
	assert_string_equal(text,
		"# 0000:01:00.0, eth0\n[Match]\nPath=pci-0000:01:00.0\n"
		"# /etc/mdevctl.d/0000:01:00.0/a: a t1 start=manual\n# (has no key here)\n"
		"\n[PF]\n"
		"# /etc/systemd/network/a.link:4: SR-IOVVirtualFunctions=4\n"
		"# in conflict with modprobe: choose one\nVirtualFunctions=4\n"
		"# /etc/modprobe.d/a.conf:1: options igb max_vfs=2\n"
		"# in conflict with systemd: choose one\n#VirtualFunctions=2\n"
		"\n[VF 0]\n"
		"# /etc/driverctl.d/pci-0000:01:10.0:1: set-override 0000:01:10.0 vfio-pci\n"
		"Driver=vfio-pci\n"
		"\n[VF 1]\n"
		"# /etc/systemd/network/a.link:8: MACSpoofCheck=no\nMACSpoofCheck=off\n"
		"# /etc/systemd/network/a.link:7: VLANId=100\nVLANId=100\n");
	fake_put(f->h, text, "/etc/vfctl/pf.d/a.conf");
	p = own_policy(f);
	assert_int_equal(p->findings.n, 0);
	assert_int_equal(p->n_pfs, 1);
	assert_string_equal(policy_target_get(&p->pfs[0].vfs[1], "VLANId")->text, "100");
	/* Of whom nobody speaks there is nothing to write. */
	assert_int_equal(
		foreign_as_policy(f->inv, &f->found, (struct bdf) { .bus = 0xee }, &none), 0);
	assert_string_equal(none, "");
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = { CASE(a_machine_without), CASE(link_of_systemd),
		CASE(first_link_wins), CASE(systemd_overrides), CASE(systemd_matches),
		CASE(one_link_of_systemd), CASE(systemd_junk), CASE(keyfile),
		CASE(keyfile_of_any_name), CASE(devices_of_networkmanager), CASE(keyfile_of_others),
		CASE(netplan), CASE(netplan_merges), CASE(driverctl), CASE(modprobe),
		CASE(modprobe_in_other_words), CASE(ids_with_subsystem_and_class), CASE(mdevctl),
		CASE(libvirt_network), CASE(libvirt_entities), CASE(conflicts),
		CASE(all_against_one), CASE(our_own), CASE(as_policy) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
