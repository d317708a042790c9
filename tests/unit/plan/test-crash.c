// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The power goes, or the process is killed, at every write to the journal and to the kernel, before
 * it, in the middle of it and after it. Each time the next start must leave the machine as it was
 * before or as it was to be, say which, and leave no work behind.
 *
 * Each death happens in a process of its own, which dies by longjmp() and then plays the next
 * start on the same fake kernel: nothing of what was in memory is used.
 */
#include "machine-plan.h"

#include <setjmp.h>
#include <sys/wait.h>

/* Where to die: the n-th of all writes, and how much of that one happens. */
struct death {
	unsigned at, calls;
	size_t bytes; /* of a record: so many get to the disk; of the kernel's: 0 none, else all */
	jmp_buf next_start;
	const struct host_ops *ops;
	bool armed;
};

static struct death death;

static bool dies_now(void)
{
	return death.armed && ++death.calls == death.at;
}

static _Noreturn void die(void)
{
	death.armed = false;
	longjmp(death.next_start, 1);
}

static ssize_t dying_write(void *arg UNUSED, int fd, const void *data, size_t len)
{
	ssize_t n;

	if (!dies_now())
		return write(fd, data, len);
	n = write(fd, data, MIN(len, death.bytes));
	assert_true(n >= 0);
	die();
}

static int dying_sync(void *arg UNUSED, int fd UNUSED)
{
	return 0;
}

static int dying_write_within(struct host *h, const char *path, const void *data, size_t len,
	const struct host_wait *wait)
{
	bool now = dies_now();
	int r = 0;

	if (!now || death.bytes)
		r = death.ops->write_file_within(h, path, data, len, wait);
	if (now)
		die();
	return r;
}

static int dying_set_vf(struct host *h, int ifindex, const struct host_vf_change *change)
{
	bool now = dies_now();
	int r = 0;

	if (!now || death.bytes)
		r = death.ops->link_set_vf(h, ifindex, change);
	if (now)
		die();
	return r;
}

static int dying_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	bool now = dies_now();
	int r = 0;

	if (!now || death.bytes)
		r = death.ops->ioctl(h, fd, request, arg);
	if (now)
		die();
	return r;
}

/* ---- What is being done when it happens ---- */

struct scene {
	const char *name, *capture;
	void (*prepare)(struct fixture *f);
	void (*wish)(struct wishes *w);
};

static struct pf_wish *pf_of(struct wishes *w, const char *pf)
{
	struct pf_wish *p = wishes_pf(w, at(pf));

	assert_non_null(p);
	return p;
}

static void vf_of(struct pf_wish *pf, unsigned i, const char *driver, const char *word)
{
	struct vf_wish *v = pf_wish_vf(pf, i);

	assert_int_equal(wish_put(&v->driver, driver), 0);
	if (word)
		assert_int_equal(wish_setting(&v->settings, word), 0);
}

static void wish_new(struct wishes *w)
{
	struct pf_wish *pf = pf_of(w, PF);

	pf->num_vfs = 2;
	pf->autoprobe = 0;
	vf_of(pf, 0, "vfio-pci", "vlan=100");
	vf_of(pf, 1, "vfio-pci", "mac=02:00:00:00:00:01");
}

static void give(struct fixture *f)
{
	autowishes w = { 0 };
	struct pf_wish *pf = pf_of(&w, PF);

	vf_of(pf, 0, "vfio-pci", "vlan=7");
	vf_of(pf, 1, WISH_NO_DRIVER, "trust=on");
	assert_int_equal(apply(f, &w, &(struct plan_opts) { 0 }), 1);
}

static void wish_more(struct wishes *w)
{
	struct pf_wish *pf = pf_of(w, PF);

	pf->num_vfs = 3;
	vf_of(pf, 2, "vfio-pci", "vlan=9");
}

static void wish_changes(struct wishes *w)
{
	struct pf_wish *pf = pf_of(w, PF);

	vf_of(pf, 0, "igbvf", "vlan=8");
	vf_of(pf, 1, WISH_BEST_VFIO, "max-rate=100");
	vf_of(pf, 3, WISH_NO_DRIVER, NULL);
}

static void wish_none(struct wishes *w)
{
	pf_of(w, PF)->num_vfs = 0;
}

static void wish_nvme(struct wishes *w)
{
	struct pf_wish *pf = pf_of(w, NVME_PF);

	pf->num_vfs = 1;
	vf_of(pf, 0, "vfio-pci", "vq=2");
	vf_of(pf, 0, "vfio-pci", "vi=1");
	vf_of(pf, 0, "vfio-pci", "online=yes");
}

static const struct scene scenes[] = {
	{ "new VFs", "s0-pf-only", NULL, wish_new },
	{ "four to three", "s1-igb4-igbvf", give, wish_more },
	{ "changes of VFs", "s1-igb4-igbvf", give, wish_changes },
	{ "none", "s1-igb4-igbvf", give, wish_none },
	{ "NVMe", "s0-pf-only", NULL, wish_nvme },
};

static const struct plan_opts all = { .allow_destroy = true, .allow_in_use = true };

static void scene_start(struct fixture *f, const struct scene *s)
{
	fixture_start(f, s->capture);
	if (s->prepare)
		s->prepare(f);
}

/* ---- One death ---- */

static const struct logfile_io dying_io = { dying_write, dying_sync, NULL };

static void arm(struct fixture *f, unsigned n, size_t bytes)
{
	static struct host_ops ops;

	death = (struct death) { .at = n, .bytes = bytes, .ops = f->h->ops, .armed = true };
	ops = *f->h->ops;
	ops.write_file_within = dying_write_within;
	ops.link_set_vf = dying_set_vf;
	ops.ioctl = dying_ioctl;
	f->h->ops = &ops;
	f->place.io = &dying_io;
}

static void disarm(struct fixture *f)
{
	death.armed = false;
	f->h->ops = death.ops;
	f->place.io = NULL;
}

static int told_end = -1;

static void recovered(void *arg UNUSED, const struct entry *e UNUSED, enum journal_end how,
	const struct problem *why_not)
{
	told_end = (int)how;
	if (why_not)
		fprintf(stderr, "not recovered: %s: %s\n", why_not->what,
			why_not->cause ? why_not->cause->what : "");
}

static bool left_behind(struct fixture *f)
{
	autofree char *dir = journal_run_dir(&f->place);
	autostrv char **names = NULL;

	return logfile_list(dir, &names) < 0 || strv_len(names);
}

/* What the dead had open is closed with him: his locks. */
static void close_from(int fd)
{
	for (int i = fd; i < 256; i++)
		close(i);
}

/* 0 as it was, 1 as it was to be, 2 nothing was done at all; else it is a failure. */
static int judge(struct fixture *f, const char *before, const char *after)
{
	autofree char *now = NULL;

	told_end = -1;
	f->opts.recovered = recovered;
	if (work_recover(f->h, &f->opts, NULL) < 0 || left_behind(f))
		return 10;
	/* VFs that were under way have come by now. */
	host_sleep_ms(f->h, 5000);
	now = state_of(f->h);
	if (str_eq(now, after))
		return told_end == JOURNAL_DONE || told_end == -1 ? 1 : 11;
	if (!str_eq(now, before)) {
		fprintf(stderr, "---- is\n%s---- before\n%s", now, before);
		return 12;
	}
	return told_end == JOURNAL_UNDONE ? 0 : told_end == -1 ? 2 : 13;
}

/* In a child: whether the n-th write was reached is told by 20 (it was not). */
static int die_once(const struct scene *s, unsigned n, size_t bytes, const char *after)
{
	struct fixture f;
	autofree char *before = NULL;
	int fds;

	scene_start(&f, s);
	before = state_of(f.h);
	fds = dup(0);
	arm(&f, n, bytes);
	if (setjmp(death.next_start) == 0) {
		autowishes w = { 0 };

		s->wish(&w);
		if (apply(&f, &w, &all) != 1)
			return 21;
		disarm(&f);
		fixture_end(&f);
		return 20;
	}
	close_from(fds);
	disarm(&f);
	n = (unsigned)judge(&f, before, after);
	fixture_end(&f);
	return (int)n;
}

static int in_a_child(const struct scene *s, unsigned n, size_t bytes, const char *after)
{
	int status;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		_exit(die_once(s, n, bytes, after));
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFEXITED(status))
		fail_msg("%s: died at write %u of %zu bytes", s->name, n, bytes);
	return WEXITSTATUS(status);
}

static char *state_after(const struct scene *s)
{
	struct fixture f;
	autowishes w = { 0 };
	char *after;

	scene_start(&f, s);
	s->wish(&w);
	assert_int_equal(apply(&f, &w, &all), 1);
	host_sleep_ms(f.h, 5000);
	after = state_of(f.h);
	fixture_end(&f);
	return after;
}

static void at_every_write(void **state UNUSED)
{
	static const size_t cuts[] = { 0, 30, 1 << 20 };

	for (size_t i = 0; i < ARRAY_SIZE(scenes); i++) {
		autofree char *after = state_after(&scenes[i]);
		unsigned seen[3] = { 0 }, deaths = 0;
		int r = 0;

		for (unsigned n = 1; r != 20; n++)
			for (size_t c = 0; r != 20 && c < ARRAY_SIZE(cuts); c++) {
				r = in_a_child(&scenes[i], n, cuts[c], after);
				if (r != 20 && r > 2)
					fail_msg("%s: write %u, %zu bytes of it: %d",
						scenes[i].name, n, cuts[c], r);
				if (r <= 2)
					seen[r]++;
				deaths += r != 20;
			}
		print_message("%s: %u deaths: %u taken back, %u completed, %u not begun\n",
			scenes[i].name, deaths, seen[0], seen[1], seen[2]);
		assert_true(deaths >= 15 && seen[0] && seen[1] && seen[2]);
	}
}

/* The record of the plan itself, cut at every single byte: nothing was begun then. */
static void the_plan_cut_anywhere(void **state UNUSED)
{
	autofree char *after = state_after(&scenes[0]);

	for (size_t bytes = 0; bytes < 700; bytes += 11) {
		int r = in_a_child(&scenes[0], 1, bytes, after);

		assert_true(r == 2 || r == 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(at_every_write),
		cmocka_unit_test(the_plan_cut_anywhere),
	};

	return cmocka_run_group_tests_name("crash", tests, NULL, NULL);
}
