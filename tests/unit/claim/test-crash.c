// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whoever takes or returns claims is killed before and after every write of his: to the kernel, to
 * the journal, to the records. Whatever is left then, the next return brings the machine back to
 * what it was, and no record and no work is left.
 *
 * Each death happens in a process of its own, which dies by longjmp() and then plays the next
 * vfctl on the same fake kernel: nothing of what was in memory is used.
 */
#include "machine-claim.h"

#include <sys/wait.h>

static struct {
	unsigned at, calls;
	bool after; /* what was asked for is done, and then he dies */
	bool armed;
	jmp_buf next;
	const struct host_ops *ops;
} death;

static bool dies_now(void)
{
	return death.armed && ++death.calls == death.at;
}

static void die(void)
{
	death.armed = false;
	longjmp(death.next, 1);
}

#define DYING(type, call)                                                                          \
	bool now = dies_now();                                                                     \
	type r;                                                                                    \
                                                                                                   \
	if (now && !death.after)                                                                   \
		die();                                                                             \
	r = call;                                                                                  \
	if (now)                                                                                   \
		die();                                                                             \
	return r

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
	DYING(int, __real_rename(from, to));
}

int __real_unlink(const char *path);
int __wrap_unlink(const char *path);
int __wrap_unlink(const char *path)
{
	DYING(int, __real_unlink(path));
}

static ssize_t dying_write(void *arg UNUSED, int fd, const void *data, size_t len)
{
	DYING(ssize_t, write(fd, data, len));
}

static int no_sync(void *arg UNUSED, int fd UNUSED)
{
	return 0;
}

static int dying_write_within(struct host *h, const char *path, const void *data, size_t len,
	const struct host_wait *wait)
{
	DYING(int, death.ops->write_file_within(h, path, data, len, wait));
}

static int dying_set_vf(struct host *h, int ifindex, const struct host_vf_change *change)
{
	DYING(int, death.ops->link_set_vf(h, ifindex, change));
}

static int dying_set_owner(struct host *h, const char *path, uid_t uid, gid_t gid, mode_t mode)
{
	DYING(int, death.ops->set_owner(h, path, uid, gid, mode));
}

static const struct logfile_io dying_io = { dying_write, no_sync, NULL };

static void arm(struct fixture *f, unsigned n, bool after)
{
	static struct host_ops ops;

	death.at = n;
	death.calls = 0;
	death.after = after;
	death.ops = f->h->ops;
	ops = *f->h->ops;
	ops.write_file_within = dying_write_within;
	ops.link_set_vf = dying_set_vf;
	ops.set_owner = dying_set_owner;
	f->h->ops = &ops;
	f->place.io = &dying_io;
	death.armed = true;
}

static void disarm(struct fixture *f)
{
	death.armed = false;
	f->h->ops = death.ops;
	f->place.io = NULL;
}

/* What the dead had open is closed with him: his locks. */
static void close_from(int fd)
{
	for (int i = fd; i < 256; i++)
		close(i);
}

/* Two VFs, of which one is bound and set otherwise before. */
static void begin(struct fixture *f)
{
	static const struct host_vf_change vlan = { HOST_VF_VLAN,
		{ .vf = 1, .vlan = 7, .vlan_proto = 0x8100 } };
	CLEANUP(inventory_freep) struct inventory *inv = NULL;

	fixture_start(f);
	assert_int_equal(inventory_load(f->h, 0, &inv, NULL), 0);
	assert_int_equal(
		host_link_set_vf(f->h, inventory_find_bdf(inv, at(PF))->netdevs[0].ifindex, &vlan),
		0);
	assert_int_equal(driver_unbind(f->h, at(VF(2)), &f->opts.apply.act.driver, NULL), 1);
}

static int take_two(struct fixture *f)
{
	static char vlan[] = "vlan=100", trust[] = "trust=on";
	char *settings[] = { vlan, trust, NULL };
	const struct bdf two[] = { at(VF(0)), at(VF(2)) };
	autoleases given = { 0 };

	return take(f, two, 2, 2, settings, &given);
}

static int return_two(struct fixture *f)
{
	int r = give_back(f, VF(0));

	return r < 0 ? r : give_back(f, VF(2));
}

/* The next vfctl: returns all that is recorded. */
static int put_in_order(struct fixture *f, const char *before)
{
	autofree char *now = NULL, *dir = journal_run_dir(&f->place);
	autoleases all = { 0 };
	autostrv char **names = NULL;

	if (claims_list(f->h, &f->opts, &all, NULL) < 0 || all.unreadable)
		return 10;
	for (size_t i = 0; i < all.n; i++)
		if (give_back(f, BDF_TEXT(all.v[i].bdf)) != CLAIM_RETURNED) {
			autofree char *text = f->problem ? problem_text(f->problem) : NULL;

			fprintf(stderr, "%s: %s\n", BDF_TEXT(all.v[i].bdf), text ? text : "?");
			return 11;
		}
	if (work_recover(f->h, &f->opts.apply, NULL) < 0 || n_records(f))
		return 12;
	if (logfile_list(dir, &names) < 0 || strv_len(names))
		return 13;
	now = state_of(f->h);
	if (str_eq(now, before))
		return 0;
	fprintf(stderr, "---- is\n%s---- before\n%s", now, before);
	return 14;
}

/* 20: the n-th write was not reached. */
static int die_once(bool returning, unsigned n, bool after)
{
	struct fixture f;
	autofree char *before = NULL;
	int fds, r;

	begin(&f);
	before = state_of(f.h);
	if (returning && take_two(&f) < 0)
		return 21;
	fds = dup(0);
	arm(&f, n, after);
	if (setjmp(death.next) == 0) {
		r = returning ? return_two(&f) : take_two(&f);
		disarm(&f);
		if (r < 0)
			return 22;
		fixture_end(&f);
		return 20;
	}
	close_from(fds);
	disarm(&f);
	r = put_in_order(&f, before);
	fixture_end(&f);
	return r;
}

static int in_a_child(bool returning, unsigned n, bool after)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(die_once(returning, n, after));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status))
		fail_msg("died at write %u", n);
	return WEXITSTATUS(status);
}

static void at_every_write(bool returning, unsigned least)
{
	unsigned n = 1;

	for (int r = 0; r != 20; n++)
		for (unsigned after = 0; r != 20 && after < 2; after++) {
			r = in_a_child(returning, n, after);
			if (r && r != 20)
				fail_msg("%s write %u: %d", after ? "after" : "before", n, r);
		}
	print_message("%u writes\n", n - 2);
	assert_true(n - 2 >= least);
}

static void taking(void **state UNUSED)
{
	at_every_write(false, 20);
}

static void returning(void **state UNUSED)
{
	at_every_write(true, 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(taking),
		cmocka_unit_test(returning),
	};

	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
