// SPDX-License-Identifier: GPL-2.0-or-later
/* A machine that changes and hangs, into a capture and back. */
#include "cm.h"
#include "machine.h"
#include "base/str.h"
#include "capture/capture.h"
#include "fake/fake.h"
#include "host/devlink.h"
#include "host/sysfs.h"
#include "host/tarfile.h"
#include "nvme/secctrl.h"

#include <stdio.h>
#include <unistd.h>

static const uint8_t key[CAPTURE_KEY_BYTES] = { 7 };

static int setup(void **state)
{
	*state = fake_kernel_new(HOSTS_DIR "/s5-held.tar.gz");
	return 0;
}

static int teardown(void **state)
{
	host_free(*state);
	return 0;
}

static struct tree *take(struct host *h, const uint8_t *with)
{
	const struct capture_opts o = { .key = with };
	struct tree *t = NULL;

	assert_int_equal(capture_take(h, &o, &t, NULL), 0);
	return t;
}

static struct host *captured(struct host *h, const uint8_t *with)
{
	struct host *c = NULL;

	assert_int_equal(host_new_from_tree(take(h, with), &c, NULL), 0);
	return c;
}

static void netlink_facts(void **state)
{
	struct host *h = *state;
	autofree struct host_vf *vfs = NULL, *again = NULL;
	autostrv char **names = NULL;
	struct host_link l, same;
	int ifindex, found = 0;
	size_t n, m;
	autohost *c = NULL;

	assert_int_equal(sysfs_read_int(h, &ifindex, "class/net/eth1/ifindex"), 0);
	fake_altname(h, ifindex, "enp2s0f0");
	c = captured(h, NULL);
	assert_int_equal(host_link_get(h, ifindex, &l), 0);
	assert_int_equal(host_link_get(c, ifindex, &same), 0);
	assert_memory_equal(&l, &same, sizeof(l));
	assert_int_equal(host_link_vfs(h, ifindex, &vfs, &n), 0);
	assert_int_equal(host_link_vfs(c, ifindex, &again, &m), 0);
	assert_true(n > 0 && n == m);
	for (size_t i = 0; i < n; i++) {
		assert_memory_equal(&vfs[i].mac, &again[i].mac, sizeof(vfs[i].mac));
		assert_int_equal(vfs[i].spoofchk, again[i].spoofchk);
		assert_int_equal(vfs[i].max_tx_rate, again[i].max_tx_rate);
		assert_int_equal(vfs[i].link_state, again[i].link_state);
	}
	assert_int_equal(host_link_altnames(c, ifindex, &names), 0);
	assert_string_equal(names[0], "enp2s0f0");
	assert_int_equal(host_link_index(c, "enp2s0f0", &found), 0);
	assert_int_equal(found, ifindex);
	assert_int_equal(host_link_index(c, "nobody", &found), -ENOENT);
}

static int look_for(void *arg, const char *path, const struct stat *st, const char *data)
{
	static const char *const secrets[] = { "alice", "S3CRET", "hunter2", "ab-cd", "web-host",
		"52:54:00:aa:00:01" };
	unsigned *found = arg;

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
		bool there = strstr(path, secrets[i]) ||
			     (st->st_size && memmem(data, (size_t)st->st_size, secrets[i],
						     strlen(secrets[i])));

		if (there)
			*found |= 1U << i;
	}
	return 0;
}

/* What makes a function the one that its administrator sits at. */
static void the_console(void **state)
{
	static const char keyboard[] = "/sys/devices/pci0000:00/0000:00:1f.2/usb1/input/input3";
	struct host *h = *state;
	autofree char *active = NULL, *keys = NULL;
	autohost *c = NULL;
	int boot = 0;

	fake_put(h, "1\n", "/sys/bus/pci/devices/0000:01:00.0/boot_vga");
	fake_put(h, "ttyS4\n", "/sys/devices/virtual/tty/console/active");
	fake_link(h, "../../devices/virtual/tty/console", "/sys/class/tty/console");
	fake_put(h, "4\n", "/sys/devices/pci0000:00/0000:00:1f.3/tty/ttyS4/type");
	fake_link(h, "../../devices/pci0000:00/0000:00:1f.3/tty/ttyS4", "/sys/class/tty/ttyS4");
	fake_put(h, "fffffffe\n", "%s/capabilities/key", keyboard);
	fake_link(h, "../../devices/pci0000:00/0000:00:1f.2/usb1/input/input3",
		"/sys/class/input/input3");
	c = captured(h, key);
	assert_int_equal(sysfs_read_int(c, &boot, "bus/pci/devices/0000:01:00.0/boot_vga"), 0);
	assert_int_equal(boot, 1);
	assert_int_equal(sysfs_read(c, &active, "class/tty/console/active"), 0);
	assert_string_equal(active, "ttyS4");
	assert_true(sysfs_exists(c, "class/tty/ttyS4"));
	assert_int_equal(sysfs_read(c, &keys, "class/input/input3/capabilities/key"), 0);
	assert_string_equal(keys, "fffffffe");
}

/* All of them are in a capture that is not redacted, so that looking for them means something. */
static void secrets(void **state)
{
	struct host *h = *state;
	CLEANUP(tree_freep) struct tree *redacted = NULL, *plain = NULL;
	unsigned found = 0, found_plain = 0;

	fake_put(h,
		"/dev/nvme0n1p1 /home/alice ext4 defaults 0 0\nUUID=ab-cd / ext4 ro 0 0\n"
		"//nas/x /x cifs password=never 0 0\n",
		"/etc/fstab");
	fake_put(h, "S3CRET \n", "/sys/class/nvme/nvme0/serial");
	fake_put(h, "web-host\n", "/proc/sys/kernel/hostname");
	fake_put(h, "52:54:00:aa:00:01\n", "/sys/class/net/eth0/address");
	fake_process(h, 88, "qemu-system-x86_64 -name guest=db -object secret,data=hunter2",
		(const char *const[]) { "/dev/vfio/16", "/home/alice/key", NULL });
	plain = take(h, NULL);
	redacted = take(h, key);
	assert_int_equal(tree_each(plain, look_for, &found_plain), 0);
	assert_int_equal(found_plain, 0x3f);
	assert_int_equal(tree_each(redacted, look_for, &found), 0);
	assert_int_equal(found, 0);
	assert_false(tree_exists(plain, "/proc/88/fd/1")); /* of no device */
}

/* Found in a capture of the whole text of configuration: nothing but what decides about functions.
 */
static int look_for_config(void *arg, const char *path, const struct stat *st, const char *data)
{
	static const char *const secrets[] = { "psk", "hunter2", "wlp2s0", "insmod", "remark",
		"WakeOnLan", "Home", "uuid", "SN4711", "0123456789abcdef" };
	bool *found = arg;

	for (size_t i = 0; i < ARRAY_SIZE(secrets); i++)
		if (strstr(path, "/etc/") && st->st_size &&
			memmem(data, (size_t)st->st_size, secrets[i], strlen(secrets[i]))) {
			printf("%s: %s\n", path, secrets[i]);
			*found = true;
		}
	return 0;
}

static void assert_text(struct tree *t, const char *path, const char *want)
{
	char text[1024] = "";

	assert_true(tree_read(t, path, text, sizeof(text) - 1) >= 0);
	assert_string_equal(text, want);
}

static void configuration(void **state)
{
	struct host *h = *state;
	CLEANUP(tree_freep) struct tree *t = NULL;
	bool found = false;

	fake_put(h,
		"[connection]\nid=Home\nuuid=12\ntype=ethernet\n\n[wifi-security]\npsk=hunter2\n"
		"[sriov]\n# remark\ntotal-vfs=4\n",
		"/etc/NetworkManager/system-connections/a.nmconnection");
	fake_put(h,
		"network:\n  wifis:\n    wlp2s0:\n      access-points:\n        Home: {password: hunter2}\n"
		"  ethernets:\n    eth0:\n      # remark\n      virtual-function-count: 4\n"
		"      auth: {password: hunter2}\n      match: {name: [eth*], driver: igb}\n",
		"/etc/netplan/a.yaml");
	fake_put(h, "network: [\n  hunter2\n", "/etc/netplan/b.yaml");
	fake_put(h,
		"[Match]\nDriver=igb\nHost=Home\n[Link]\nWakeOnLanPassword=hunter2\n"
		"SR-IOVVirtualFunctions=\\\n4\n[Other]\nx=hunter2\\\n[Link]\n",
		"/etc/systemd/network/a.link");
	fake_put(h, "[SR-IOV]\nTrust=yes\n", "/run/systemd/network/a.link.d/x.conf");
	fake_put(h,
		"install igb insmod --key hunter2 \\\n options hunter2\n options igb max_vfs=4 #\n",
		"/etc/modprobe.d/a.conf");
	fake_put(h, "{\"mdev_type\": \"x-1\", \"attrs\": [{\"key\": \"hunter2\"}]}",
		"/etc/mdevctl.d/0000:01:00.0/12");
	fake_put(h, "# remark\n[Match]\nSerial=SN4711\n[PF]\nVirtualFunctions=2\n",
		"/etc/vfctl/pf.d/a.conf");
	fake_put(h, "[PF]\nVirtualFunctions=3\n", "/etc/vfctl/pf.d/a.conf.d/x.conf");
	fake_put(h, "0123456789abcdef0123456789abcdef\n", "/etc/machine-id");
	t = take(h, key);
	assert_int_equal(tree_each(t, look_for_config, &found), 0);
	assert_false(found);
	assert_text(t, "/etc/NetworkManager/system-connections/a.nmconnection",
		"[connection]\n\n\ntype=ethernet\n\n[wifi-security]\n\n[sriov]\n\ntotal-vfs=4\n");
	assert_text(t, "/etc/netplan/a.yaml",
		"{\"network\": \n{\n\n\n\n\"ethernets\": \n{\"eth0\": \n\n"
		"{\"virtual-function-count\": \"4\", \n\n\"match\": "
		"{\"name\": [\"eth*\", ], \"driver\": \"igb\", }, }, }, }, }\n");
	assert_text(t, "/etc/netplan/b.yaml", "[\n");
	assert_text(t, "/run/systemd/network/a.link.d/x.conf", "[SR-IOV]\nTrust=yes\n");
	assert_text(t, "/etc/modprobe.d/a.conf", "\n\n options igb max_vfs=4 #\n");
	assert_text(t, "/etc/mdevctl.d/0000:01:00.0/12", "{ \"mdev_type\": \"x-1\" }\n");
	assert_text(t, "/etc/vfctl/pf.d/a.conf.d/x.conf", "[PF]\nVirtualFunctions=3\n");
	assert_true(tree_exists(t, "/etc/machine-id"));
}

static void count_line(void *arg, const struct host_log_line *line)
{
	unsigned *n = arg;

	assert_null(strstr(line->text, "hunter2"));
	assert_string_equal(line->device, *n == 0 ? "+pci:0000:01:00.0" : "");
	++*n;
}

static void log_of_the_kernel(void **state UNUSED)
{
	static const char text[] = "7 5 4 +pci:0000:01:00.0 igb 0000:01:00.0: a warning: x\n"
				   "x\n8 6 4\n8 6 4 -\n"
				   "9 7 3 - DMAR: [DMA Read] Request device [01:00.0] fault addr\n";
	struct tree *t = tree_new();
	uint64_t next = 0;
	unsigned n = 0;
	autohost *h = NULL, *again = NULL;

	assert_int_equal(tree_put_file(t, "/vfctl/log", text, strlen(text), 0644), 0);
	assert_int_equal(tree_put_dir(t, "/sys", 0755), 0);
	assert_int_equal(host_new_from_tree(t, &h, NULL), 0);
	assert_int_equal(host_kernel_log(h, 0, &next, count_line, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(next, 10);
	again = captured(h, key);
	n = 0;
	assert_int_equal(host_kernel_log(again, 0, &next, count_line, &n), 0);
	assert_int_equal(n, 2);
	n = 1;
	assert_int_equal(host_kernel_log(again, 8, &next, count_line, &n), 0);
	assert_int_equal(n, 2);
}

/* Of VFIO's debugfs the two files that are shown, and not what a driver has beside them. */
static void migration(void **state)
{
	struct host *h = *state;
	autofree char *features = NULL, *at = NULL;
	autohost *c = NULL;

	fake_put(h, "stop-copy\np2p\n", "/sys/kernel/debug/vfio/0000:02:10.0/migration/features");
	fake_put(h, "RUNNING\n", "/sys/kernel/debug/vfio/0000:02:10.0/migration/state");
	fake_put(h, "x\n", "/sys/kernel/debug/vfio/0000:02:10.0/migration/hisi_acc/dev_data");
	fake_put(h, "", "/sys/kernel/debug/vfio/0000:02:10.2/other");
	c = captured(h, NULL);
	assert_int_equal(
		sysfs_read(c, &features, "kernel/debug/vfio/0000:02:10.0/migration/features"), 0);
	assert_string_equal(features, "stop-copy\np2p");
	assert_int_equal(sysfs_read(c, &at, "kernel/debug/vfio/0000:02:10.0/migration/state"), 0);
	assert_string_equal(at, "RUNNING");
	assert_false(sysfs_exists(c, "kernel/debug/vfio/0000:02:10.0/migration/hisi_acc"));
	assert_true(sysfs_exists(c, "kernel/debug/vfio/0000:02:10.2"));
}

/* Everything that devlink tells of a switch with ports is told again. */
static void devlink_facts(void **state UNUSED)
{
	static const char dev[] = "pci/0000:01:00.0";
	struct devlink_eswitch mode = { .mode = 1, .inline_mode = -1, .encap_mode = -1 }, same;
	autohost *h = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz"), *c = NULL, *bare = NULL;
	autofree struct devlink_port *ports = NULL, *again = NULL;
	autofree struct devlink_reporter *reporters = NULL, *told = NULL;
	struct devlink_rate rate, kept;
	size_t n, m, n_reporters, n_told;

	bare = captured(h, key);
	assert_int_equal(bare->ops->devlink->eswitch_get(bare, dev, &same), -ENODEV);
	fake_devlink(h, "0000:01:00.0");
	assert_int_equal(h->ops->devlink->eswitch_set(h, dev, &mode, NULL), 0);
	assert_int_equal(sysfs_write(h, "2", "bus/pci/devices/0000:01:00.0/sriov_numvfs"), 0);
	host_sleep_ms(h, 1000);
	c = captured(h, NULL);
	assert_int_equal(h->ops->devlink->eswitch_get(h, dev, &mode), 0);
	assert_int_equal(c->ops->devlink->eswitch_get(c, dev, &same), 0);
	assert_memory_equal(&mode, &same, sizeof(mode));
	assert_int_equal(h->ops->devlink->ports(h, dev, &ports, &n), 0);
	assert_int_equal(c->ops->devlink->ports(c, dev, &again, &m), 0);
	assert_true(n >= 2 && n == m);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(ports[i].index, again[i].index);
		assert_int_equal(ports[i].flavour, again[i].flavour);
		assert_int_equal(ports[i].vf_number, again[i].vf_number);
		assert_string_equal(ports[i].netdev, again[i].netdev);
		assert_int_equal(ports[i].function.caps_known, again[i].function.caps_known);
		assert_int_equal(ports[i].function.address_len, again[i].function.address_len);
		assert_memory_equal(ports[i].function.address, again[i].function.address, 32);
		assert_int_equal(ports[i].function.max_io_eqs, again[i].function.max_io_eqs);
		assert_int_equal(ports[i].function.state, again[i].function.state);
		if (h->ops->devlink->rate_get(h, dev, ports[i].index, &rate) < 0)
			continue;
		assert_int_equal(c->ops->devlink->rate_get(c, dev, ports[i].index, &kept), 0);
		assert_memory_equal(&rate, &kept, sizeof(rate));
	}
	assert_int_equal(h->ops->devlink->reporters(h, dev, &reporters, &n_reporters), 0);
	assert_int_equal(c->ops->devlink->reporters(c, dev, &told, &n_told), 0);
	assert_int_equal(n_reporters, n_told);
	assert_int_equal(c->ops->devlink->eswitch_set(c, dev, &mode, NULL), -EROFS);
	assert_int_equal(c->ops->devlink->eswitch_get(c, "pci/0000:09:00.0", &same), -EROFS);
}

/* So is what an NVMe controller tells of those of its VFs. */
static void nvme_facts(void **state UNUSED)
{
	static const struct bdf pf = { 0, 3, 0, 0 };
	autohost *h = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz"), *c = NULL, *again = NULL;
	autofree struct secctrl *list = NULL, *kept = NULL;
	autonvmepf *live = NULL, *read = NULL;
	struct nvmepf_caps caps, same;
	size_t n, m;

	assert_int_equal(nvmepf_open(h, pf, &live, NULL), 0);
	assert_int_equal(nvmepf_set_resources(live, 1, 2, 1, NULL), 1);
	c = captured(h, key);
	again = captured(c, key);
	assert_int_equal(nvmepf_open(again, pf, &read, NULL), 0);
	assert_int_equal(nvmepf_get_caps(live, &caps, NULL), 0);
	assert_int_equal(nvmepf_get_caps(read, &same, NULL), 0);
	assert_int_equal(caps.vq.flexible, same.vq.flexible);
	assert_int_equal(caps.vq.assigned, same.vq.assigned);
	assert_int_equal(caps.vi.max_per_vf, same.vi.max_per_vf);
	assert_int_equal(nvmepf_list(live, &list, &n, NULL), 0);
	assert_int_equal(nvmepf_list(read, &kept, &m, NULL), 0);
	assert_true(n >= 2 && n == m);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(list[i].scid, kept[i].scid);
		assert_int_equal(list[i].vf, kept[i].vf);
		assert_int_equal(list[i].online, kept[i].online);
		assert_int_equal(list[i].nvq, kept[i].nvq);
	}
	assert_int_equal(kept[1].nvq, 2);
	assert_true(nvmepf_set_resources(read, 0, 2, 1, NULL) < 0);
}

/* While a removal waits for a VF's user, reading sriov_numvfs never comes back. */
static void what_would_hang(void **state)
{
	const struct host_wait soon = { .deadline_ms = 10 };
	struct host *h = *state;
	autofree char *n = NULL;
	autohost *c = NULL;

	fake_hold(h, "0000:02:10.0");
	(void)sysfs_write_within(h, &soon, "0", "bus/pci/devices/0000:02:00.0/sriov_numvfs");
	fake_fail_path(h, FAKE_READ, "sriov_numvfs", -EDEADLK);
	c = captured(h, key);
	assert_int_equal(fake_hangs(h), 0);
	assert_int_equal(sysfs_read(c, &n, "bus/pci/devices/0000:01:00.0/sriov_numvfs"), 0);
	assert_string_equal(n, "4");
	fake_release(h, "0000:02:10.0");
}

/* What starts something when it is read or written is at most there. */
static void what_has_effects(void **state)
{
	struct host *h = *state;
	autohost *c = NULL;
	autofree char *text = NULL;

	fake_put(h, "1", "/sys/bus/pci/devices/0000:01:00.0/reset");
	fake_put(h, "1", "/sys/bus/pci/devices/0000:01:00.0/remove");
	fake_put(h, "1", "/sys/bus/pci/devices/0000:01:00.0/rom");
	c = captured(h, NULL);
	assert_int_equal(sysfs_read(c, &text, "bus/pci/devices/0000:01:00.0/reset"), 0);
	assert_string_equal(text, "");
	assert_false(sysfs_exists(c, "bus/pci/devices/0000:01:00.0/remove"));
	assert_false(sysfs_exists(c, "bus/pci/devices/0000:01:00.0/rom"));
}

/* Any call may fail: what cannot be read is not there, and nothing breaks. */
static void every_call_fails_once(void **state UNUSED)
{
	static const enum fake_op ops[] = { FAKE_READ, FAKE_LIST, FAKE_READ_LINK };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		for (unsigned n = 1; n < 4000; n += 1 + n / 4) {
			autohost *h = fake_kernel_new(HOSTS_DIR "/s5-held.tar.gz");
			CLEANUP(tree_freep) struct tree *t = NULL;

			fake_fail_nth(h, ops[i], n, -EIO);
			t = take(h, key);
			assert_true(tree_exists(t, "/sys"));
		}
}

static void the_file(void **state)
{
	static const char *const suffixes[] = { "tar", "tar.gz", "tar.xz", "tar.zst" };
	CLEANUP(tree_freep) struct tree *t = take(*state, key);
	char dir[] = "/tmp/vfctl-test-XXXXXX";

	assert_non_null(mkdtemp(dir));
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
		autofree char *file = str_printf("%s/x.%s", dir, suffixes[i]);
		autoproblem *p = NULL;
		autohost *h = NULL;

		assert_int_equal(tarfile_save(t, file, false, NULL), 0);
		assert_int_equal(tarfile_save(t, file, false, &p), -EEXIST);
		assert_int_equal(p->kind, PROBLEM_USAGE);
		assert_int_equal(tarfile_save(t, file, true, NULL), 0);
		assert_int_equal(host_new_captured(file, &h, NULL), 0);
		assert_true(sysfs_exists(h, "bus/pci/devices/0000:01:00.0/config"));
		assert_int_equal(unlink(file), 0);
	}
	assert_int_equal(tarfile_save(t, "/tmp/x.zip", false, NULL), -EINVAL);
	assert_int_equal(tarfile_save(t, "/nowhere/x.tar", false, NULL), -ENOENT);
	assert_int_equal(rmdir(dir), 0); /* nothing was left beside them */
}

/* Lines that nobody wrote. */
static void facts_that_lie(void **state UNUSED)
{
	static const char text[] =
		"link\nlink x name=a\nlink 3 name=a-name-that-is-much-too-long-for-one mtu=-1 up=2\n"
		"link 3 name=again\nvf 4 0 mac=x\nvf 3\nvf 3 1 vlan=70000 trust=1 qos=x new=1\n"
		"vf 3 2 node_guid=00:11:22:33:44:55:66:77 port_guid=x\n"
		"altname 9 x\naltname 3 \naltname 3 ok\n\nfuture 1\n";
	struct tree *t = tree_new();
	autofree struct host_vf *vfs = NULL;
	autostrv char **names = NULL;
	struct host_link l;
	autohost *h = NULL;
	size_t n;

	assert_int_equal(tree_put_file(t, "/vfctl/links", text, strlen(text), 0644), 0);
	assert_int_equal(host_new_from_tree(t, &h, NULL), 0);
	assert_int_equal(host_link_get(h, 3, &l), 0);
	assert_string_equal(l.name, "a-name-that-is-");
	assert_int_equal(l.mtu, 0);
	assert_false(l.up);
	assert_int_equal(host_link_vfs(h, 3, &vfs, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(vfs[0].vf, 1);
	assert_false(vfs[0].has_guids);
	assert_true(vfs[1].has_guids);
	assert_true(vfs[1].node_guid == 0x0011223344556677);
	assert_int_equal(vfs[0].vlan, 0);
	assert_int_equal(vfs[0].trust, 1);
	assert_int_equal(vfs[0].spoofchk, -1);
	assert_int_equal(host_link_altnames(h, 3, &names), 0);
	assert_int_equal(strv_len(names), 1);
	assert_int_equal(host_link_get(h, 4, &l), -ENOENT);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(netlink_facts),
		T(the_console),
		T(secrets),
		T(configuration),
		cmocka_unit_test(log_of_the_kernel),
		cmocka_unit_test(devlink_facts),
		cmocka_unit_test(nvme_facts),
		T(migration),
		T(what_would_hang),
		T(what_has_effects),
		cmocka_unit_test(every_call_fails_once),
		T(the_file),
		cmocka_unit_test(facts_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
