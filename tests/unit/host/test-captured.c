// SPDX-License-Identifier: GPL-2.0-or-later
/* Captured machines: what is there is read, nothing leads out, nothing is changed. */
#include "cm.h"
#include "base/str.h"
#include "host/devnode.h"
#include "host/procfs.h"
#include "host/sysfs.h"
#include <sys/wait.h>

#include <signal.h>

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>

static char scratch[64];

static int make_scratch(void **state UNUSED)
{
	strcpy(scratch, "/tmp/vfctl-test-XXXXXX");
	return mkdtemp(scratch) ? 0 : -1;
}

static int drop_scratch(void **state UNUSED)
{
	autofree char *cmd = str_printf("rm -rf '%s'", scratch);

	return system(cmd);
}

/* Valid until the next call but three. */
static const char *at(const char *name)
{
	static char ring[4][256];
	static unsigned turn;
	char *s = ring[turn++ % 4];

	snprintf(s, sizeof(ring[0]), "%s/%s", scratch, name);
	return s;
}

static void check_s2(struct host *h)
{
	autofree char *vendor = NULL, *driver = NULL, *group = NULL, *override = NULL, *none = NULL;
	autostrv char **vfs = NULL;
	uint8_t config[4096];
	uint64_t v;
	int n;

	assert_true(h->captured);
	assert_int_equal(sysfs_read(h, &vendor, "bus/pci/devices/%s/vendor", "0000:02:10.0"), 0);
	assert_string_equal(vendor, "0x8086");
	assert_int_equal(sysfs_link_name(h, &driver, "bus/pci/devices/0000:02:10.0/driver"), 0);
	assert_string_equal(driver, "vfio-pci");
	assert_int_equal(sysfs_link_name(h, &group, "bus/pci/devices/0000:02:10.0/iommu_group"), 0);
	assert_string_equal(group, "15");
	assert_int_equal(sysfs_read_u64(h, &v, "bus/pci/devices/0000:01:00.0/sriov_totalvfs"), 0);
	assert_int_equal(v, 7);
	assert_int_equal(sysfs_read_int(h, &n, "bus/pci/devices/0000:01:00.0/numa_node"), 0);
	assert_int_equal(n, -1);
	assert_int_equal(
		sysfs_read_bytes(h, config, sizeof(config), "bus/pci/devices/0000:01:00.0/config"),
		4096);
	assert_int_equal(config[0] | config[1] << 8, 0x8086);
	assert_int_equal(sysfs_read_bytes(h, config, 2, "bus/pci/devices/0000:01:00.0/config"), 2);
	assert_int_equal(sysfs_list(h, &vfs, "kernel/iommu_groups/15/devices"), 0);
	assert_int_equal(strv_len(vfs), 1);
	assert_string_equal(vfs[0], "0000:02:10.0");
	/* A link through a link: class/net/eth4/device/physfn. */
	assert_true(sysfs_exists(h, "class/net/eth4/device/physfn/sriov_totalvfs"));
	assert_int_equal(sysfs_read_u64(h, &v, "bus/pci/devices/0000:02:10.0/driver"), -EISDIR);
	assert_int_equal(sysfs_read_u64(h, &v, "bus/pci/devices/0000:02:10.0/modalias"), -EINVAL);

	assert_int_equal(sysfs_read(h, &none, "bus/pci/devices/0000:ff:00.0/vendor"), -ENOENT);
	assert_int_equal(procfs_read(h, &none, "cpuinfo"), -ENOENT);
	assert_int_equal(devnode_open(h, O_RDWR, "vfio/vfio"), -ENOENT);
	assert_false(devnode_exists(h, "null"));
	assert_int_equal(
		sysfs_write(h, "x", "bus/pci/devices/0000:02:10.0/driver_override"), -EROFS);
	assert_int_equal(sysfs_write_within(h, &(struct host_wait) { .deadline_ms = 10 }, "0",
				 "bus/pci/devices/0000:01:00.0/sriov_numvfs"),
		-EROFS);
	assert_int_equal(
		sysfs_read(h, &override, "bus/pci/devices/0000:02:10.0/driver_override"), 0);
	assert_string_equal(override, "vfio-pci");
}

/* Index 1 is a real interface ("lo") of the machine that runs the test. */
static void check_no_netlink(struct host *h)
{
	struct host_vf_change change = { .attr = HOST_VF_TRUST };
	struct host_link l;
	struct host_vf *vfs;
	size_t n;

	assert_int_equal(host_link_get(h, 1, &l), -ENOENT);
	assert_int_equal(host_link_vfs(h, 1, &vfs, &n), -ENOENT);
	assert_int_equal(host_link_set_up(h, 1, true), -EROFS);
	assert_int_equal(host_link_set_vf(h, 1, &change), -EROFS);
	assert_int_equal(host_load_module(h, "vfio-pci"), -EROFS);
}

static void tar_and_folder_say_the_same(void **state UNUSED)
{
	autofree char *cmd = str_printf("tar -xzf " HOSTS_DIR "/s2-vfio.tar.gz -C '%s'", scratch);
	autohost *tar = NULL, *dir = NULL;

	assert_int_equal(host_new_captured(HOSTS_DIR "/s2-vfio.tar.gz", &tar, NULL), 0);
	check_s2(tar);
	check_no_netlink(tar);
	assert_int_equal(system(cmd), 0);
	assert_int_equal(host_new_captured(scratch, &dir, NULL), 0);
	check_s2(dir);
	check_no_netlink(dir);
}

static void put(struct archive *a, const char *name, int type, const char *arg)
{
	struct archive_entry *e = archive_entry_new();

	archive_entry_set_pathname(e, name);
	archive_entry_set_perm(e, 0644);
	if (type == 'h') {
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_hardlink(e, arg);
	} else if (type == 'l') {
		archive_entry_set_filetype(e, AE_IFLNK);
		archive_entry_set_symlink(e, arg);
	} else if (type == 'd') {
		archive_entry_set_filetype(e, AE_IFDIR);
	} else if (type == 'p') {
		archive_entry_set_filetype(e, AE_IFIFO);
	} else {
		archive_entry_set_filetype(e, AE_IFREG);
		archive_entry_set_size(e, (la_int64_t)strlen(arg));
	}
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	if (type == 'f')
		assert_int_equal(archive_write_data(a, arg, strlen(arg)), strlen(arg));
	archive_entry_free(e);
}

static struct archive *begin(const char *file)
{
	struct archive *a = archive_write_new();

	archive_write_set_format_pax_restricted(a);
	archive_write_add_filter_zstd(a);
	assert_int_equal(archive_write_open_filename(a, file), ARCHIVE_OK);
	put(a, "./sys", 'd', NULL);
	return a;
}

static void end(struct archive *a)
{
	assert_int_equal(archive_write_close(a), ARCHIVE_OK);
	archive_write_free(a);
}

static void links_stay_inside(void **state UNUSED)
{
	autohost *h = NULL;
	autofree char *text = NULL;
	struct archive *a = begin(at("in.tar"));

	put(a, "/sys/real", 'f', "inside\n");
	put(a, "sys/absolute", 'l', "/sys/real");
	put(a, "sys/up", 'l', "../../../../../sys/real");
	put(a, "sys/out", 'l', "/etc/passwd");
	put(a, "sys/loop", 'l', "loop2");
	put(a, "sys/loop2", 'l', "../sys/loop");
	put(a, "sys/fifo", 'p', NULL);
	put(a, "sys/copy", 'h', "./sys/real");
	end(a);
	assert_int_equal(host_new_captured(at("in.tar"), &h, NULL), 0);
	assert_int_equal(sysfs_read(h, &text, "absolute"), 0);
	assert_string_equal(text, "inside");
	assert_true(sysfs_exists(h, "up"));
	assert_true(sysfs_exists(h, "copy"));
	free(TAKE_PTR(text));
	assert_int_equal(sysfs_read(h, &text, "out"), -ENOENT);
	assert_int_equal(sysfs_read(h, &text, "loop"), -ELOOP);
	assert_int_equal(sysfs_read(h, &text, "fifo"), -ENXIO);
	assert_int_equal(sysfs_read(h, &text, "real/below"), -ENOTDIR);
}

static void refused(const char *name, int type, const char *arg, int code)
{
	autohost *h = NULL;
	autoproblem *p = NULL;
	struct archive *a = begin(at("bad.tar"));

	put(a, "sys/link", 'l', "real");
	put(a, name, type, arg);
	end(a);
	assert_int_equal(host_new_captured(at("bad.tar"), &h, &p), code);
	assert_non_null(p);
	assert_non_null(strstr(p->what, "bad.tar"));
	assert_null(h);
}

static void hostile_archives(void **state UNUSED)
{
	autofree char *deep = calloc(1, 1000), *big = malloc((17 << 20) + 1);

	refused("sys/../../etc/passwd", 'f', "x", -EINVAL);
	refused("../x", 'f', "x", -EINVAL);
	refused("sys/link/below", 'f', "x", -ENOTDIR);
	refused("sys/hard", 'h', "../../etc/passwd", -ENOENT);
	refused("sys/hard", 'h', "sys", -EINVAL);
	for (int i = 0; i < 100; i++)
		strcat(deep, "d/");
	refused(deep, 'd', NULL, -ENAMETOOLONG);
	memset(big, 'x', 17 << 20);
	big[17 << 20] = '\0';
	refused("sys/big", 'f', big, -EFBIG);
}

/* 20 files of 15 MiB, a few KiB when compressed. */
static void archive_bomb(void **state UNUSED)
{
	autofree char *big = malloc((15 << 20) + 1);
	autohost *h = NULL;
	autoproblem *p = NULL;
	struct archive *a = begin(at("bomb.tar"));
	char name[32];

	memset(big, 'x', 15 << 20);
	big[15 << 20] = '\0';
	put(a, "sys/big", 'f', big);
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "sys/hard%d", i);
		put(a, name, 'h', "sys/big");
	}
	end(a);
	assert_int_equal(host_new_captured(at("bomb.tar"), &h, &p), -ENOSPC);
}

/* One file of 512 MiB, 20 KiB as an archive: it is not even read to its end. */
static void one_file_bomb(void **state UNUSED)
{
	enum { MEG = 1 << 20, SIZE = 512 };
	autofree char *zeros = calloc(1, MEG);
	autohost *h = NULL;
	struct archive *a = begin(at("bomb.tar"));
	struct archive_entry *e = archive_entry_new();
	struct rusage before, after;

	archive_entry_set_pathname(e, "sys/big");
	archive_entry_set_filetype(e, AE_IFREG);
	archive_entry_set_perm(e, 0644);
	archive_entry_set_size(e, (la_int64_t)SIZE * MEG);
	assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
	for (int i = 0; i < SIZE; i++)
		assert_int_equal(archive_write_data(a, zeros, MEG), MEG);
	archive_entry_free(e);
	end(a);
	getrusage(RUSAGE_SELF, &before);
	assert_int_equal(host_new_captured(at("bomb.tar"), &h, NULL), -EFBIG);
	getrusage(RUSAGE_SELF, &after);
	assert_in_range(after.ru_maxrss - before.ru_maxrss, 0, 100 << 10); /* KiB */
}

static void not_a_capture(void **state UNUSED)
{
	autohost *h = NULL;
	const char *const bad[] = { "/dev/null", "/nonexistent", at("empty"), at("text"),
		at("cut") };
	autofree char *cmd =
		str_printf("cd '%s' && : >empty && echo hello >text && head -c 9999 " HOSTS_DIR
			   "/s2-vfio.tar.gz >cut",
			scratch);

	assert_int_equal(system(cmd), 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		autoproblem *p = NULL;

		assert_true(host_new_captured(bad[i], &h, &p) < 0);
		assert_non_null(p);
		assert_null(h);
	}
	assert_int_equal(host_new_captured(scratch, &h, NULL), -EINVAL); /* a folder without sys */
}

static void folders_are_jails(void **state UNUSED)
{
	autofree char *cmd = str_printf(
		"cd '%s' && mkdir -p sys proc && ln -s /etc/passwd sys/out && echo in >x && "
		"ln -s ../../../../x sys/in && mkfifo sys/fifo && ln -s /proc/self/root/etc sys/magic",
		scratch);
	autofree char *text = NULL;
	autohost *h = NULL;
	struct stat st;
	char link[64];

	assert_int_equal(system(cmd), 0);
	assert_int_equal(host_new_captured(scratch, &h, NULL), 0);
	assert_int_equal(sysfs_read(h, &text, "out"), -ENOENT);
	assert_int_equal(sysfs_read(h, &text, "magic/passwd"), -ENOENT);
	assert_int_equal(sysfs_read(h, &text, "fifo"), -ENXIO); /* and does not wait for a writer */
	assert_int_equal(sysfs_read(h, &text, "../../../../../etc/passwd"), -ENOENT);
	assert_int_equal(sysfs_read(h, &text, "in"), 0);
	assert_string_equal(text, "in");
	assert_int_equal(host_read_link(h, "/sys/out", link, sizeof(link)), 0);
	assert_string_equal(link, "/etc/passwd");
	assert_int_equal(host_read_link(h, "/sys/out", link, 4), -ENAMETOOLONG);
	assert_int_equal(host_read_link(h, "/sys/fifo", link, sizeof(link)), -EINVAL);
	assert_int_equal(h->ops->stat(h, "sys", &st), -EINVAL);
}

/* Somebody who renames files meanwhile, anywhere, makes openat2() give up on "..": not us. */
static void renames_elsewhere_lose_nothing(void **state UNUSED)
{
	autofree char *a = str_printf("%s/a", scratch), *b = str_printf("%s/b", scratch);
	autofree char *cmd =
		str_printf("mkdir -p '%s/sys/x' '%s/sys/y'; cd '%s'; touch a; "
			   "echo 1 >sys/y/z; l=; for i in $(seq 60); do l=$l../x/../y/; done; "
			   "ln -s ${l}z sys/x/l",
			scratch, scratch, scratch);
	autohost *h = NULL;
	unsigned lost = 0;
	pid_t pid;

	assert_int_equal(system(cmd), 0);
	assert_int_equal(host_new_captured(scratch, &h, NULL), 0);
	pid = fork();
	assert_true(pid >= 0);
	while (pid == 0)
		if (rename(a, b) < 0 || rename(b, a) < 0)
			_exit(1);
	for (unsigned i = 0; i < 4000; i++) {
		autofree char *text = NULL;

		lost += sysfs_read(h, &text, "x/l") < 0;
	}
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_int_equal(lost, 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, make_scratch, drop_scratch)
	const struct CMUnitTest tests[] = {
		T(one_file_bomb), /* first: later ones would hide what it needs */
		T(tar_and_folder_say_the_same),
		T(links_stay_inside),
		T(hostile_archives),
		T(archive_bomb),
		T(not_a_capture),
		T(folders_are_jails),
		T(renames_elsewhere_lose_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
