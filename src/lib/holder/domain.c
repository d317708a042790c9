// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests of libvirt's, running and defined ones, that name a function. libvirt itself is not asked:
 * its files say the same, to a capture too, and cannot hang.
 */
#include "sources.h"

#include "base/str.h"
#include "domain/domain.h"
#include "host/rootfs.h"
#include "netdev/netdev.h"

struct folder {
	const char *path;
	bool runs;
	bool is_network;
};

/* Those that run come first, so that their definitions are known to be no more than that. */
static const struct folder folders[] = {
	{ "run/libvirt/qemu", true, false },
	{ "run/libvirt/libxl", true, false },
	{ "run/libvirt/ch", true, false },
	{ "etc/libvirt/qemu", false, false },
	{ "etc/libvirt/libxl", false, false },
	{ "etc/libvirt/ch", false, false },
	{ "etc/libvirt/qemu/networks", false, true },
};

struct domains {
	struct search *s;
	char **running; /* names */
	struct netdev *netdevs;
	size_t n_netdevs;
};

static void domains_done(struct domains *d)
{
	strv_free(d->running);
	free(d->netdevs);
}

static int add(struct domains *d, const struct folder *f, const struct domain *x, struct bdf a)
{
	ssize_t at = search_index(d->s, a);
	struct holder *holder;
	int r;

	if (at < 0)
		return 0;
	r = search_add(d->s, HOLDER_DOMAIN, f->runs ? HOLD_USED : HOLD_BOUND, (size_t)at,
		f->is_network ? str_printf("libvirt's network %s hands it out", x->name)
			      : str_printf("libvirt's domain %s%s", x->name,
					f->runs ? "" : ", which is not running"));
	if (r < 0)
		return r;
	holder = search_last(d->s);
	holder->pid = x->pid;
	if (f->is_network)
		return 0;
	holder->vm_name = strdup(x->name);
	return holder->vm_name ? 0 : -ENOMEM;
}

static int add_by_interface(
	struct domains *d, const struct folder *f, const struct domain *x, const char *name)
{
	for (size_t i = 0; i < d->n_netdevs; i++)
		if (str_eq(d->netdevs[i].name, name))
			return add(d, f, x, d->netdevs[i].bdf);
	return 0;
}

static int judge(struct domains *d, const struct folder *f, const struct domain *x)
{
	int r = 0;

	if (f->runs)
		r = strv_add(&d->running, x->name);
	else if (!f->is_network && strv_has(d->running, x->name))
		return 0;
	for (size_t i = 0; r == 0 && i < x->n_devices; i++)
		r = add(d, f, x, x->devices[i].bdf);
	for (char **name = x->interfaces; r == 0 && name && *name; name++)
		r = add_by_interface(d, f, x, *name);
	return r;
}

/* libvirt replaces its files by renaming; one that is gone meanwhile is no domain any more. */
static int look_at(struct domains *d, const struct folder *f, const char *file)
{
	autofree char *text = NULL;
	autodomain x = { 0 };
	int r = rootfs_read(d->s->h, &text, "%s/%s", f->path, file);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = domain_parse(text, strlen(text), &x);
	if (r == -ENOMEM || r == 0)
		return r < 0 ? r : judge(d, f, &x);
	return search_unknown(d->s, f->is_network ? "libvirt's networks" : "libvirt's domains", r);
}

static int look_into(struct domains *d, const struct folder *f)
{
	autostrv char **files = NULL;
	int r = rootfs_list(d->s->h, &files, "%s", f->path);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r < 0 && r != -ENOMEM)
		return search_unknown(
			d->s, f->is_network ? "libvirt's networks" : "libvirt's domains", r);
	for (char **file = files; r == 0 && *file; file++)
		if (str_ends(*file, ".xml"))
			r = look_at(d, f, *file);
	return r;
}

int find_domains(struct search *s)
{
	struct domains d CLEANUP(domains_done) = { .s = s };
	int r = netdevs_list(s->h, &d.netdevs, &d.n_netdevs);

	if (r == -ENOMEM)
		return r;
	r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(folders); i++)
		r = look_into(&d, &folders[i]);
	return r;
}
