// SPDX-License-Identifier: GPL-2.0-or-later
#include "wish.h"

#include "base/grow.h"
#include "base/problem.h"
#include "base/str.h"

#include <libxml/tree.h>

struct making {
	struct host *h;
	const struct domain *d;
	const struct leases *all;
	bool *used; /* leases that a wish has counted */
	struct wish_devices out;
};

void wish_devices_done(struct wish_devices *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->v[i].xml);
		free(s->v[i].what);
		problem_free(s->v[i].missing);
	}
	free(s->v);
	*s = (struct wish_devices) { 0 };
}

static void making_done(struct making *m)
{
	free(m->used);
	wish_devices_done(&m->out);
}

bool wish_is_claim_of(struct host *h, const struct domain *d, const struct lease *l)
{
	return l->state == LEASE_HELD && l->owner.kind == OWNER_DOMAIN && lease_is_of(h, l) &&
	       (str_eq(l->owner.id, d->name) || (d->uuid && strcasecmp(l->owner.id, d->uuid) == 0));
}

/* ---- Their texts ---- */

/* As vfctl export --format libvirt has it. */
static char *hostdev(struct bdf a)
{
	return str_printf("<hostdev mode=\"subsystem\" type=\"pci\" managed=\"no\">"
			  "<driver name=\"vfio\"/><source><address domain=\"0x%04x\" "
			  "bus=\"0x%02x\" slot=\"0x%02x\" function=\"0x%x\"/></source></hostdev>",
		a.domain, a.bus, a.dev, a.fn);
}

static void xml_freep(xmlChar **s)
{
	if (*s)
		xmlFree(*s);
}

/* By its alias it is known again. */
static char *interface(const struct domain_assign *a, const char *alias)
{
	const char *kind = a->fallback == INSTEAD_BRIDGE ? "bridge" : "network";
	CLEANUP(xml_freep)
	xmlChar *name = xmlEncodeSpecialChars(NULL, (const xmlChar *)a->fallback_name);
	autofree char *mac = a->mac ? str_printf("<mac address=\"%s\"/>", a->mac) : strdup("");

	if (!name || !mac)
		return NULL;
	return str_printf("<interface type=\"%s\">%s<source %s=\"%s\"/><model type=\"virtio\"/>"
			  "<alias name=\"%s\"/></interface>",
		kind, mac, kind, (const char *)name, alias);
}

/* ---- What there is, and what there is not ---- */

/* Takes what it is given. */
static int add(struct making *m, char *xml, char *what, struct problem *missing)
{
	struct wish_device x = { xml, what, missing };

	if (what && (xml || missing) && GROW(m->out.v, m->out.n)) {
		m->out.v[m->out.n++] = x;
		return 0;
	}
	free(xml);
	free(what);
	problem_free(missing);
	return -ENOMEM;
}

static bool has(const struct domain *d, struct bdf a)
{
	for (size_t i = 0; i < d->n_devices; i++)
		if (bdf_eq(d->devices[i].bdf, a))
			return true;
	return false;
}

static int add_claimed(
	struct making *m, const struct domain_assign *a, unsigned count, unsigned *ret_found)
{
	unsigned found = 0;
	int r = 0;

	for (size_t i = 0; r == 0 && i < m->all->n && found < count; i++) {
		const struct lease *l = &m->all->v[i];

		if (m->used[i] || !str_eq(l->pool, a->pool) || !wish_is_claim_of(m->h, m->d, l))
			continue;
		m->used[i] = true;
		found++;
		if (!has(m->d, l->bdf))
			r = add(m, hostdev(l->bdf), str_printf("attach %s", BDF_TEXT(l->bdf)),
				NULL);
	}
	*ret_found = found;
	return r;
}

static int add_fallback(struct making *m, size_t wish, unsigned k)
{
	const struct domain_assign *a = &m->d->assigns[wish];
	autofree char *alias = str_printf("ua-vfctl-%zu-%u", wish, k);

	if (!alias)
		return -ENOMEM;
	if (strv_has(m->d->aliases, alias))
		return 0;
	return add(m, interface(a, alias),
		str_printf("attach virtio on %s %s instead",
			a->fallback == INSTEAD_BRIDGE ? "bridge" : "network", a->fallback_name),
		NULL);
}

static int add_missing(struct making *m, const struct domain_assign *a, unsigned found)
{
	struct problem *p = NULL;

	problem(&p, -ENODEV, PROBLEM_NOT_FOUND, NULL,
		"%u of %u functions of pool %s are claimed for %s", found, a->count, a->pool,
		m->d->name);
	problem_hint(&p, "vfctl assign --pool %s --count %u --to domain:%s", a->pool,
		a->count - found, m->d->name);
	return add(m, NULL, str_printf("attach of pool %s", a->pool), p);
}

static int add_wrong(struct making *m, const struct domain_assign *a)
{
	struct problem *p = NULL;

	problem(&p, -EINVAL, PROBLEM_USAGE, NULL, "its <vfctl:assign> is wrong: %s", a->wrong);
	return add(m, NULL, strdup("attach"), p);
}

static int add_wish(struct making *m, size_t wish)
{
	const struct domain_assign *a = &m->d->assigns[wish];
	unsigned found = 0;
	int r;

	if (a->wrong)
		return add_wrong(m, a);
	r = add_claimed(m, a, a->count, &found);
	if (r == 0 && found < a->count && a->fallback == INSTEAD_NONE)
		return add_missing(m, a, found);
	for (unsigned k = found; r == 0 && k < a->count; k++)
		r = add_fallback(m, wish, k);
	return r;
}

int wish_devices(
	struct host *h, const struct domain *d, const struct leases *all, struct wish_devices *ret)
{
	CLEANUP(making_done)
	struct making m = { h, d, all, calloc(all->n + 1, sizeof(*m.used)), { 0 } };
	int r = m.used ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < d->n_assigns; i++)
		r = add_wish(&m, i);
	if (r == 0)
		*ret = TAKE_STRUCT(m.out);
	return r;
}
