// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * act-cost CAPTURE RUN STATE VFS JOBS [VF_US BIND_US NETLINK_US]: how long VFs take to be created,
 * configured and bound to vfio-pci on a fake kernel that takes its time: by a plan with its journal
 * as `vfctl apply` does it, and by nothing but the same writes. Prints two lines, "ours US WRITES"
 * and "floor US WRITES"; fails when the two did not write the same.
 *
 * RUN and STATE are folders that stand for /run, in memory, and /var/lib, on a disk.
 */
#include "slow.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "netdev/netdev.h"
#include "plan/apply.h"
#include "sriov/numvfs.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PF "0000:01:00.0"

static const char *capture, *run_dir, *state_dir;
static unsigned vfs, jobs;
static struct slow_costs costs = {
	.vf_us = 2000, .bind_us = 20000, .attribute_us = 20, .netlink_us = 200
};
static char scratch[4096];

static _Noreturn void die(const char *what, const struct problem *p)
{
	autofree char *text = p ? problem_text(p) : NULL;

	fprintf(stderr, "act-cost: %s%s%s\n", what, text ? ": " : "", text ? text : "");
	exit(1);
}

static struct bdf at(const char *address)
{
	struct bdf a;

	if (bdf_parse(address, &a) < 0)
		die(address, NULL);
	return a;
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* The VFs of a write of sriov_numvfs are there when it returns, as the kernel's are. */
static struct host *machine(struct host **ret_fake)
{
	struct host *fake = fake_kernel_new(capture);
	autofree char *total = str_printf("%u\n", vfs);

	fake_set_delays(fake, 0, 0, 0);
	fake_put(fake, total, "/sys/bus/pci/devices/%s/sriov_totalvfs", PF);
	fake_log_clear(fake);
	*ret_fake = fake;
	return slow_kernel_new(fake, &costs, scratch);
}

static void mac_of(unsigned i, char text[18])
{
	snprintf(text, 18, "02:00:00:00:00:%02x", i & 0xff);
}

/* ---- Ours ---- */

static void make_wishes(struct wishes *w)
{
	struct pf_wish *pf = wishes_pf(w, at(PF));
	bool ok = pf;

	if (!ok)
		die("out of memory", NULL);
	pf->num_vfs = (int)vfs;
	pf->autoprobe = 0;
	for (unsigned i = 0; i < vfs; i++) {
		struct vf_wish *vf = pf_wish_vf(pf, i);
		char word[32] = "mac=";

		mac_of(i, word + strlen("mac="));
		ok = ok && vf && wish_put(&vf->driver, "vfio-pci") == 0 &&
		     wish_setting(&vf->settings, word) == 0 &&
		     wish_setting(&vf->settings, "trust=on") == 0;
	}
	if (!ok)
		die("out of memory", NULL);
}

static void apply(struct host *h, const struct wishes *w)
{
	autofree char *run = str_printf("%s/run", run_dir);
	autofree char *drivers = str_printf("%s/drivers", state_dir);
	autofree char *history = str_printf("%s/history", state_dir);
	struct journal_place place = { .run_dir = run, .history_dir = history };
	struct apply_opts opts = { .journal = &place, .verb = "apply", .jobs = jobs };
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct bdf pf = at(PF);
	autowork *work = NULL;
	autoproblem *p = NULL;
	autoplan plan = { 0 };
	autonow now = { 0 };

	opts.act.driver.state_dir = opts.act.sriov.state_dir = drivers;
	if (work_begin(h, &pf, 1, &opts, &work, &p) < 0 ||
		inventory_load(h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, &p) < 0 ||
		now_read(h, inv, w, drivers, &now, &p) < 0)
		die("looking", p);
	if (plan_make(inv, &now, w, &(struct plan_opts) { 0 }, &plan) < 0 || plan_refusal(&plan))
		die("planning", plan_refusal(&plan));
	if (plan_apply(work, &plan, &opts, NULL, &p) != 1)
		die("applying", p);
}

/* ---- The floor: nobody looks, remembers or waits ---- */

struct floor {
	struct host *h;
	int ifindex;
	const struct sriov_vf *vf;
	size_t n;
	atomic_uint next;
};

static void set(struct floor *f, unsigned vf, enum host_vf_attr attr)
{
	struct host_vf_change change = { .attr = attr, .to = { .vf = vf, .trust = 1 } };
	char text[18];

	mac_of(vf, text);
	if (mac_parse(text, &change.to.mac) < 0 || host_link_set_vf(f->h, f->ifindex, &change) < 0)
		die("floor: an attribute", NULL);
}

static void *floor_thread(void *arg)
{
	struct floor *f = arg;
	unsigned i;

	while ((i = atomic_fetch_add(&f->next, 1)) < f->n) {
		const char *a = BDF_TEXT(f->vf[i].bdf);

		set(f, i, HOST_VF_MAC);
		set(f, i, HOST_VF_TRUST);
		if (sysfs_write(f->h, "vfio-pci", "bus/pci/devices/%s/driver_override", a) < 0 ||
			sysfs_write(f->h, a, "bus/pci/drivers/vfio-pci/bind") < 0)
			die("floor: binding", NULL);
	}
	return NULL;
}

static void write_only(struct host *h)
{
	autofree pthread_t *threads = calloc(jobs, sizeof(*threads));
	autofree struct netdev *devs = NULL;
	autofree struct sriov_vf *list = NULL;
	autofree char *count = str_printf("%u", vfs);
	struct floor f = { .h = h };
	size_t n;

	if (netdevs_of(h, at(PF), &devs, &n) < 0 || !n || !threads)
		die("floor: no interface", NULL);
	f.ifindex = devs[0].ifindex;
	if (sysfs_write(h, "0", "bus/pci/devices/%s/sriov_drivers_autoprobe", PF) < 0 ||
		sysfs_write(h, count, "bus/pci/devices/%s/sriov_numvfs", PF) < 0 ||
		sriov_vfs(h, at(PF), &list, &f.n) < 0 || f.n != vfs)
		die("floor: no VFs", NULL);
	f.vf = list;
	for (unsigned i = 0; i < jobs; i++)
		if (pthread_create(&threads[i], NULL, floor_thread, &f))
			die("floor: threads", NULL);
	for (unsigned i = 0; i < jobs; i++)
		pthread_join(threads[i], NULL);
}

/* ---- Side by side ---- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* What was written, in an order that does not depend on who was first. */
static char *writes_of(struct host *fake)
{
	autofree char *log = strdup(fake_log(fake));
	autostrv char **lines = calloc(1, sizeof(*lines));
	autostrbuf b = { 0 };
	char *save = NULL;

	for (char *l = strtok_r(log, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (!str_starts(l, "load ") && strv_add(&lines, l) < 0)
			die("out of memory", NULL);
	qsort(lines, strv_len(lines), sizeof(*lines), by_text);
	STRV_FOREACH (l, lines)
		strbuf_add(&b, "%s\n", *l);
	return strbuf_take(&b);
}

static uint64_t run(bool ours, char **ret_writes, unsigned *ret_n)
{
	autowishes w = { 0 };
	struct host *fake;
	autohost *h = machine(&fake);
	uint64_t begin;

	make_wishes(&w);
	begin = now_us();
	if (ours)
		apply(h, &w);
	else
		write_only(h);
	begin = now_us() - begin;
	*ret_writes = writes_of(fake);
	*ret_n = slow_writes(h);
	return begin;
}

int main(int argc, char **argv)
{
	autofree char *ours = NULL, *floor = NULL;
	uint64_t ours_us, floor_us;
	unsigned n, m;
	int fd;

	if (argc != 6 && argc != 9) {
		fputs("usage: act-cost CAPTURE RUN STATE VFS JOBS [VF_US BIND_US NETLINK_US]\n",
			stderr);
		return 2;
	}
	capture = argv[1];
	run_dir = argv[2];
	state_dir = argv[3];
	vfs = (unsigned)strtoul(argv[4], NULL, 10);
	jobs = MAX((unsigned)strtoul(argv[5], NULL, 10), 1U);
	if (argc == 9) {
		costs.vf_us = (unsigned)strtoul(argv[6], NULL, 10);
		costs.bind_us = (unsigned)strtoul(argv[7], NULL, 10);
		costs.netlink_us = (unsigned)strtoul(argv[8], NULL, 10);
	}
	if (vfs < 1 || vfs > 64)
		die("1 to 64 VFs", NULL);
	snprintf(scratch, sizeof(scratch), "%s/attribute", run_dir);
	fd = open(scratch, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		die(scratch, NULL);
	close(fd);
	floor_us = run(false, &floor, &m);
	ours_us = run(true, &ours, &n);
	printf("ours %lu %u\nfloor %lu %u\n", (unsigned long)ours_us, n, (unsigned long)floor_us,
		m);
	if (!str_eq(ours, floor)) {
		fprintf(stderr, "act-cost: not the same writes:\n%s---\n%s", ours, floor);
		return 1;
	}
	return 0;
}
