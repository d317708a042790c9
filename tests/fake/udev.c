// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * udevd: some time after a device came it renames its interface and writes its record, and some
 * time after a device went it removes the record, so that for a moment a new device has that of
 * its predecessor.
 */
#include "kernel.h"

#define CONTROL "/run/udev/control"

enum job_kind { FUNCTION_CAME, FUNCTION_WENT, NETDEV_CAME };

struct job {
	enum job_kind kind;
	char bdf[BDF_TEXT_MAX];
	int ifindex;
};

static void put_record(struct kernel *k, const char *id)
{
	autofree char *text = need_printf("I:%llu\n", (unsigned long long)k->now);

	k_put(k, 0644, text, "/run/udev/data/%s", id);
}

/* By the address, as udev does it where the firmware names no slot. */
static void netdev_came(struct kernel *k, const struct job *j)
{
	autofree char *id = need_printf("n%d", j->ifindex), *name = NULL;
	struct bdf a;

	NEED(bdf_parse(j->bdf, &a) == 0);
	name = need_printf("enp%us%uf%u", a.bus, a.dev, a.fn);
	if (net_rename(k, j->ifindex, name))
		put_record(k, id);
}

static void work(struct host *h, void *arg)
{
	struct kernel *k = kernel_of(h);
	struct job *j = arg;
	autofree char *id = need_printf("+pci:%s", j->bdf);

	if (strv_has(k->udev_ignores, j->bdf))
		return;
	switch (j->kind) {
	case FUNCTION_CAME:
		put_record(k, id);
		return;
	case FUNCTION_WENT:
		k_remove(k, "/run/udev/data/%s", id);
		return;
	case NETDEV_CAME:
		netdev_came(k, j);
		return;
	}
}

static void event(struct kernel *k, enum job_kind kind, const char *bdf, int ifindex)
{
	struct job *j;

	if (!k_exists(k, CONTROL))
		return;
	j = calloc(1, sizeof(*j));
	NEED(j);
	*j = (struct job) { .kind = kind, .ifindex = ifindex };
	snprintf(j->bdf, sizeof(j->bdf), "%s", bdf);
	k_after(k, k->udev_ms, work, j, free);
}

void fakeudev_function_came(struct kernel *k, const char *bdf)
{
	event(k, FUNCTION_CAME, bdf, 0);
}

void fakeudev_function_went(struct kernel *k, const char *bdf)
{
	event(k, FUNCTION_WENT, bdf, 0);
}

void fakeudev_netdev_came(struct kernel *k, const char *bdf, int ifindex)
{
	event(k, NETDEV_CAME, bdf, ifindex);
}

static char *record_of(struct kernel *k, const char *path)
{
	autofree char *real = NULL, *ifindex = NULL;

	if (tree_resolve(k->tree, path, true, &real) < 0 || !tree_exists(k->tree, real))
		return NULL;
	ifindex = k_text(k, "%s/ifindex", real);
	return ifindex ? need_printf("/run/udev/data/n%s", ifindex)
		       : need_printf("/run/udev/data/+pci:%s", strrchr(real, '/') + 1);
}

int fakeudev_settled(struct host *h, const char *path, uint64_t since_ms)
{
	struct kernel *k = kernel_of(h);
	int e = fault(k, FAKE_SETTLED, path);
	autofree char *record = NULL, *text = NULL;
	uint64_t at;

	if (e < 0)
		return e;
	if (!k_exists(k, CONTROL))
		return 1;
	record = record_of(k, path);
	if (!record)
		return -ENOENT;
	text = k_read_text(k, record);
	return text && parse_u64(text + 2, &at) == 0 && at >= since_ms;
}

void fake_udev(struct host *h, unsigned ms)
{
	kernel_of(h)->udev_ms = ms;
	k_put(kernel_of(h), 0600, "", CONTROL);
}

void fake_udev_ignores(struct host *h, const char *bdf)
{
	NEED(strv_add(&kernel_of(h)->udev_ignores, bdf) == 0);
}
