// SPDX-License-Identifier: GPL-2.0-or-later
/* The live host on files of our own, and the write that may block. */
#include "cm.h"
#include "own.h"
#include "base/str.h"
#include "host/devnode.h"
#include "host/procfs.h"
#include "host/sysfs.h"

#include <fcntl.h>
#include <linux/if_ether.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>

struct fixture {
	struct host *h;
	char dir[32], path[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/vfctl-test-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/node", f->dir);
	*state = f;
	return host_new_live(&f->h, NULL);
}

/* An owner of -1 stays; what a link leads to is not touched. */
static void owners_of_nodes(void **state)
{
	struct fixture *f = *state;
	autofree char *link = str_printf("%s/link", f->dir);
	FILE *file = fopen(f->path, "w");
	struct stat st;

	assert_non_null(file);
	fclose(file);
	assert_int_equal(f->h->ops->set_owner(f->h, f->path, getuid(), (gid_t)-1, 0660), 0);
	assert_int_equal(f->h->ops->stat(f->h, f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(st.st_uid, getuid());
	if (getuid() == 0) {
		assert_int_equal(f->h->ops->set_owner(f->h, f->path, 1000, 5, 0600), 0);
		assert_int_equal(f->h->ops->stat(f->h, f->path, &st), 0);
		assert_int_equal(st.st_uid, 1000);
		assert_int_equal(st.st_gid, 5);
	}
	assert_int_equal(symlink(f->path, link), 0);
	assert_int_equal(f->h->ops->set_owner(f->h, link, getuid(), (gid_t)-1, 0666), -ELOOP);
	unlink(link);
	assert_int_equal(f->h->ops->set_owner(f->h, link, getuid(), (gid_t)-1, 0666), -ENOENT);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	host_free(f->h);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void make_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static void files(void **state)
{
	struct fixture *f = *state;
	autostrv char **names = NULL;
	autofree char *own = NULL;
	char buf[64];
	struct stat st;

	assert_int_equal(f->h->ops->read_file(f->h, f->path, buf, sizeof(buf)), -ENOENT);
	/* Nothing is created: a write to an attribute that is not there must fail. */
	assert_int_equal(f->h->ops->write_file(f->h, f->path, "x", 1), -ENOENT);
	make_file(f->path, "hello\n");
	assert_int_equal(f->h->ops->read_file(f->h, f->path, buf, sizeof(buf)), 6);
	assert_int_equal(f->h->ops->write_file(f->h, f->path, "J", 1), 0);
	assert_int_equal(f->h->ops->read_file(f->h, f->path, buf, 4), 4);
	assert_memory_equal(buf, "Jell", 4);
	assert_int_equal(f->h->ops->list_dir(f->h, f->dir, &names), 0);
	assert_int_equal(strv_len(names), 1);
	assert_string_equal(names[0], "node");
	assert_int_equal(f->h->ops->stat(f->h, f->path, &st), 0);
	assert_int_equal(st.st_size, 6);
	assert_int_equal(procfs_read_link(f->h, &own, "self"), 0);
	assert_int_equal(atoi(own), getpid());
	assert_true(devnode_exists(f->h, "null"));
}

static void devices(void **state)
{
	struct fixture *f = *state;
	int fd = devnode_open(f->h, O_RDWR, "%s", "zero"), request;
	char buf[8] = "xxxxxxxx";
	void *p;

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(host_pread(f->h, fd, buf, sizeof(buf), 0), 8);
	assert_int_equal(buf[7], 0);
	assert_int_equal(host_ioctl(f->h, fd, 0x5401 /* TCGETS */, &request), -ENOTTY);
	assert_int_equal(host_mmap(f->h, fd, 0, 4096, PROT_READ, MAP_PRIVATE, &p), 0);
	assert_int_equal(host_munmap(f->h, p, 4096), 0);
	host_close(f->h, fd);
	assert_int_equal(fcntl(fd, F_GETFD), -1);
}

static int count(void *arg, unsigned waited_ms)
{
	unsigned *calls = arg;

	++*calls;
	assert_true(waited_ms >= 1000 * *calls); /* not early; how late is the machine's affair */
	return 0;
}

static int give_up(void *arg UNUSED, unsigned waited_ms UNUSED)
{
	return 1;
}

static void within_writes(void **state)
{
	struct fixture *f = *state;
	struct host_wait wait = { .deadline_ms = 10000 };
	char buf[8];

	assert_int_equal(f->h->ops->write_file_within(f->h, f->path, "x", 1, &wait), -ENOENT);
	make_file(f->path, "");
	assert_int_equal(f->h->ops->write_file_within(f->h, f->path, "8", 1, &wait), 0);
	assert_int_equal(f->h->ops->read_file(f->h, f->path, buf, sizeof(buf)), 1);
	assert_int_equal(f->h->ops->write_file_within(f->h, "/dev/full", "x", 1, &wait), -ENOSPC);
	assert_int_equal(waitpid(-1, NULL, 0), -1); /* no child is left to collect */
	assert_int_equal(errno, ECHILD);
}

/* Nobody reads the FIFO, so that the helper blocks in open(). */
static void within_keeps_the_deadline(void **state)
{
	struct fixture *f = *state;
	unsigned calls = 0;
	struct host_wait wait = { .deadline_ms = 2300, .waiting = count, .arg = &calls };
	uint64_t begin = host_now_ms(f->h), took;

	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(f->h->ops->write_file_within(f->h, f->path, "0", 1, &wait), -ETIMEDOUT);
	took = host_now_ms(f->h) - begin;
	assert_true(took >= 2300);
	assert_in_range(calls, 1, 2);
	wait = (struct host_wait) { .deadline_ms = 60000, .waiting = give_up };
	begin = host_now_ms(f->h);
	assert_int_equal(f->h->ops->write_file_within(f->h, f->path, "0", 1, &wait), -ECANCELED);
	assert_in_range(host_now_ms(f->h) - begin, 1000, 30000);
}

/* The reader of our pipe sees its end although a helper still hangs: it keeps nothing of ours. */
static void within_helper_holds_nothing(void **state)
{
	struct fixture *f = *state;
	struct host_wait wait = { .deadline_ms = 100 };
	struct pollfd p = { .events = POLLIN };
	int fds[2], big, full;

	/* A full FIFO with a reader that does not read: the helper hangs in write() itself. */
	assert_int_equal(mkfifo(f->path, 0600), 0);
	big = open(f->path, O_RDWR | O_NONBLOCK);
	assert_true(big >= 0);
	full = fcntl(big, F_SETPIPE_SZ, 4096);
	for (int i = 0; i < full; i++)
		assert_int_equal(write(big, "x", 1), 1);
	assert_int_equal(pipe(fds), 0);
	p.fd = fds[0];
	assert_int_equal(f->h->ops->write_file_within(f->h, f->path, "0", 1, &wait), -ETIMEDOUT);
	close(fds[1]);
	assert_int_equal(poll(&p, 1, 30000), 1); /* as soon as the helper has run at all */
	assert_int_equal(p.revents & POLLHUP, POLLHUP);
	close(fds[0]);
	close(big);
}

static int write_text(struct fixture *f, const char *path, const char *text)
{
	struct host_wait wait = { .deadline_ms = 10000 };

	return f->h->ops->write_file_within(f->h, path, text, strlen(text), &wait);
}

static void check_written(struct fixture *f, const char *text)
{
	char buf[64] = "";

	assert_int_equal(write_text(f, f->path, text), 0);
	assert_int_equal(f->h->ops->read_file(f->h, f->path, buf, sizeof(buf) - 1), strlen(text));
	assert_string_equal(buf, text);
}

static void within_uses_helpers_again(void **state)
{
	struct fixture *f = *state;
	struct host_wait short_wait = { .deadline_ms = 50 };
	autofree char *long_text = calloc(1, 9000), *fifo = str_printf("%s.fifo", f->path);
	int status;
	pid_t child;

	for (int i = 0; i < 3; i++) {
		make_file(f->path, "");
		check_written(f, "first");
		assert_int_equal(write_text(f, "/dev/full", "x"), -ENOSPC);
		assert_int_equal(write_text(f, "/nonexistent/at/all", "x"), -ENOENT);
	}
	/* One that hangs is given up, and the next write does not wait for it. */
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(f->h->ops->write_file_within(f->h, fifo, "0", 1, &short_wait), -ETIMEDOUT);
	make_file(f->path, "");
	check_written(f, "after");
	/* What no attribute takes is no request. */
	memset(long_text, 'x', 8999);
	assert_int_equal(write_text(f, f->path, long_text), -E2BIG);
	assert_int_equal(write_text(f, long_text, "x"), -E2BIG);
	/* A forked process has helpers of its own, and leaves ours alone. */
	child = fork();
	if (child == 0)
		_exit(write_text(f, f->path, "child") == 0 ? 0 : 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	make_file(f->path, "");
	check_written(f, "parent");
	unlink(fifo);
}

struct results {
	ssize_t n[4];
	char text[4][8];
	size_t calls;
};

static void keep(void *arg, size_t i, ssize_t n, const char *data)
{
	struct results *r = arg;

	assert_int_equal(i, r->calls);
	assert_true(i < 4);
	r->calls++;
	r->n[i] = n;
	if (n > 0)
		memcpy(r->text[i], data, MIN((size_t)n, sizeof(r->text[i]) - 1));
}

/* Rights that were given up are not had through a helper from before. */
static void within_helper_has_no_more_rights(void **state)
{
	struct fixture *f = *state;
	char *paths[] = { f->path, NULL };
	struct results r = { 0 };

	if (geteuid() != 0)
		skip(); /* takes a second user */
	make_file(f->path, "");
	assert_int_equal(chmod(f->path, 0600), 0);
	check_written(f, "root");
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(write_text(f, f->path, "nobody"), -EACCES);
	assert_int_equal(f->h->ops->read_files_within(f->h, paths, 9000, keep, &r), 0);
	assert_int_equal(r.n[0], -EACCES);
	assert_int_equal(seteuid(0), 0);
	make_file(f->path, "");
	check_written(f, "again");
}

/* The second path is a FIFO that nobody writes: only its own result is lost. */
static void within_reads_go_on_after_a_stall(void **state)
{
	struct fixture *f = *state;
	autofree char *other = str_printf("%s.other", f->path);
	char none[] = "/nonexistent";
	char *paths[] = { other, f->path, none, other, NULL };
	struct results r = { 0 };
	uint64_t begin = host_now_ms(f->h);

	make_file(other, "igb\n");
	assert_int_equal(mkfifo(f->path, 0600), 0);
	assert_int_equal(f->h->ops->read_files_within(f->h, paths, 1000, keep, &r), 0);
	assert_true(host_now_ms(f->h) - begin >= 1000);
	assert_int_equal(r.calls, 4);
	assert_int_equal(r.n[0], 4);
	assert_string_equal(r.text[0], "igb\n");
	assert_int_equal(r.n[1], -ETIMEDOUT);
	assert_int_equal(r.n[2], -ENOENT);
	assert_string_equal(r.text[3], "igb\n");
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	unlink(other);
}

/* How many were read, were late, or failed otherwise. */
struct tally {
	size_t next, good, late, bad;
};

static void add_up(void *arg, size_t i, ssize_t n, const char *data)
{
	struct tally *t = arg;

	assert_int_equal(i, t->next++);
	t->good += n == 4 && memcmp(data, "igb\n", 4) == 0;
	t->late += n == -ETIMEDOUT;
	t->bad += n < 0 && n != -ETIMEDOUT;
}

/* Few are asked of helpers that are there, many get one of their own: both give the same. */
static void within_reads_few_and_many(void **state)
{
	static const size_t sizes[] = { 1, 3, 64, 65, 1000 };
	struct fixture *f = *state;
	autofree char *file = str_printf("%s.file", f->path);
	char *paths[1001];

	make_file(file, "igb\n");
	assert_int_equal(mkfifo(f->path, 0600), 0);
	for (size_t k = 0; k < ARRAY_SIZE(sizes); k++) {
		size_t n = sizes[k];
		struct tally all = { 0 }, but_one = { 0 };

		for (size_t i = 0; i < n; i++)
			paths[i] = file;
		paths[n] = NULL;
		assert_int_equal(f->h->ops->read_files_within(f->h, paths, 9000, add_up, &all), 0);
		assert_int_equal(all.good, n);
		paths[n / 2] = f->path;
		assert_int_equal(
			f->h->ops->read_files_within(f->h, paths, 300, add_up, &but_one), 0);
		assert_int_equal(but_one.late, 1);
		assert_int_equal(but_one.good, n - 1);
	}
	unlink(file);
}

/* More than fits where requests wait. */
static void within_reads_of_long_names(void **state)
{
	struct fixture *f = *state;
	char name[1000], *paths[65];
	struct tally t = { 0 };

	memset(name, '/', sizeof(name));
	snprintf(name + sizeof(name) - 20, 20, "/nonexistent");
	for (size_t i = 0; i < 64; i++)
		paths[i] = name;
	paths[64] = NULL;
	assert_int_equal(f->h->ops->read_files_within(f->h, paths, 9000, add_up, &t), 0);
	assert_int_equal(t.bad, 64);
}

static void network_interfaces(void **state)
{
	struct fixture *f = *state;
	struct host_link l;
	struct host_vf *vfs = NULL;
	size_t n = 99;
	int index = 0;

	assert_int_equal(host_link_get(f->h, 1, &l), 0);
	assert_string_equal(l.name, "lo");
	assert_int_equal(l.ifindex, 1);
	assert_true(l.mtu >= 1500);
	assert_true(mac_is_zero(l.mac));
	assert_int_equal(host_link_vfs(f->h, 1, &vfs, &n), 0);
	assert_int_equal(n, 0);
	free(vfs);
	assert_int_equal(host_link_get(f->h, 0x7ffffff0, &l), -ENOENT);
	assert_int_equal(host_link_get(f->h, 0, &l), -ENOENT);
	/* A plain user is told so before the kernel looks for it. */
	assert_int_equal(
		host_link_set_up(f->h, 0x7ffffff0, true), geteuid() == 0 ? -ENOENT : -EPERM);
	assert_int_equal(host_link_index(f->h, "lo", &index), 0);
	assert_int_equal(index, 1);
	assert_int_equal(host_link_index(f->h, "no-such-interface-anywhere", &index), -ENOENT);
	assert_int_equal(host_link_index(f->h, "", &index), -ENOENT);
}

/* As udev gives them: longer than a name may be. In a network of our own. */
static void alternative_names(void **state)
{
	static const char *const add = "ip link property add dev lo altname a-name-of-20-letters "
				       "altname short 2>/dev/null";
	struct fixture *f = *state;
	autostrv char **none = NULL, **names = NULL, **gone = NULL;
	int index = 0;

	if (own_namespaces(CLONE_NEWNET) < 0)
		skip(); /* neither root nor namespaces for users */
	assert_int_equal(host_link_altnames(f->h, 1, &none), 0);
	assert_int_equal(strv_len(none), 0);
	assert_non_null(none);
	if (system(add) != 0)
		skip(); /* takes iproute2 */
	assert_int_equal(host_link_altnames(f->h, 1, &names), 0);
	assert_int_equal(strv_len(names), 2);
	assert_true(strv_has(names, "a-name-of-20-letters") && strv_has(names, "short"));
	assert_int_equal(host_link_index(f->h, "a-name-of-20-letters", &index), 0);
	assert_int_equal(index, 1);
	assert_int_equal(host_link_altnames(f->h, 0x7ffffff0, &gone), -ENOENT);
}

/*
 * Requests as a real kernel reads them. "lo" has no VFs: what the kernel understands it refuses
 * with EOPNOTSUPP, what is laid out wrongly with EINVAL.
 */
static void requests_are_understood(void **state)
{
	struct fixture *f = *state;
	struct host_vf_change c = { .to = { .vf = 1, .vlan = 5, .vlan_proto = ETH_P_8021AD } };
	struct host_link l;

	if (own_namespaces(CLONE_NEWNET) < 0)
		skip(); /* neither root nor namespaces for users */
	assert_int_equal(host_link_get(f->h, 1, &l), 0);
	assert_false(l.up);
	assert_int_equal(host_link_set_up(f->h, 1, true), 0);
	assert_int_equal(host_link_get(f->h, 1, &l), 0);
	assert_true(l.up);
	assert_int_equal(host_link_set_up(f->h, 1, false), 0);
	assert_int_equal(host_link_get(f->h, 1, &l), 0);
	assert_false(l.up);
	for (c.attr = HOST_VF_MAC; c.attr <= HOST_VF_PORT_GUID; c.attr++)
		assert_int_equal(host_link_set_vf(f->h, 1, &c), -EOPNOTSUPP);
	c.attr = HOST_VF_VLAN;
	c.to.vlan_proto = ETH_P_8021Q;
	assert_int_equal(host_link_set_vf(f->h, 1, &c), -EOPNOTSUPP);
	assert_int_equal(host_link_set_vf(f->h, 99, &c), -ENOENT);
}

static void modules(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(host_load_module(f->h, "no-such-module-anywhere"), -ENOENT);
}

/* What is there comes at once; what is not is waited for, and not for ever. */
static void streams(void **state)
{
	struct fixture *f = *state;
	char buf[8] = "";
	int p[2], n = 0;

	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(host_stream_read(f->h, p[0], buf, sizeof(buf), 20), -ETIMEDOUT);
	assert_int_equal(host_stream_write(f->h, p[1], "abc", 3, 0), 3);
	assert_int_equal(host_stream_read(f->h, p[0], buf, sizeof(buf), 0), 3);
	assert_string_equal(buf, "abc");
	while (host_stream_write(f->h, p[1], buf, sizeof(buf), 10) > 0)
		n++;
	assert_true(n > 100);
	assert_int_equal(host_stream_write(f->h, p[1], buf, sizeof(buf), 10), -ETIMEDOUT);
	assert_int_equal(host_stream_read(f->h, p[1], buf, sizeof(buf), 10), -EBADF);
	close(p[1]);
	for (; n > 0; n--)
		assert_int_equal(host_stream_read(f->h, p[0], buf, sizeof(buf), 0), sizeof(buf));
	assert_int_equal(host_stream_read(f->h, p[0], buf, sizeof(buf), 0), 0);
	close(p[0]);
	assert_int_equal(host_stream_read(f->h, p[0], buf, sizeof(buf), 0), -EBADF);
}

static void descriptors_only(void **state UNUSED)
{
	autohost *h = NULL;
	autofree char *text = NULL;
	struct host_link l;
	int fd = open("/dev/zero", O_RDONLY);
	char c = 'x';

	assert_int_equal(host_new_fds_only(&h), 0);
	assert_int_equal(sysfs_read(h, &text, "kernel/uevent_seqnum"), -EACCES);
	assert_int_equal(devnode_open(h, O_RDONLY, "null"), -EACCES);
	assert_int_equal(host_link_get(h, 1, &l), -EACCES);
	assert_int_equal(host_load_module(h, "tun"), -EACCES);
	assert_int_equal(host_pread(h, fd, &c, 1, 0), 1);
	assert_int_equal(c, 0);
	host_close(h, fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(files),
		T(devices),
		T(within_writes),
		T(within_keeps_the_deadline),
		T(within_helper_holds_nothing),
		T(within_uses_helpers_again),
		T(within_helper_has_no_more_rights),
		T(within_reads_go_on_after_a_stall),
		T(within_reads_few_and_many),
		T(within_reads_of_long_names),
		T(network_interfaces),
		T(modules),
		T(streams),
		cmocka_unit_test_setup_teardown(owners_of_nodes, setup, teardown),
		cmocka_unit_test(descriptors_only),
		/* In namespaces of their own: last, for a plain user has no other users there. */
		T(alternative_names),
		T(requests_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
