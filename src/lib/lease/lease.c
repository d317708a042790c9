// SPDX-License-Identifier: GPL-2.0-or-later
#include "lease.h"

#include "base/grow.h"
#include "base/str.h"
#include "host/rootfs.h"
#include "host/sysfs.h"

#define RUN_DIR "run/vfctl/" LEASE_DIR

const char *owner_kind_name(enum owner_kind kind)
{
	static const char *const names[OWNER_KINDS] = { "process", "domain", "container",
		"manual" };

	return names[kind];
}

const char *lease_state_name(enum lease_state state)
{
	static const char *const names[LEASE_STATES] = { "taking", "held", "returning",
		"quarantine" };

	return names[state];
}

char *owner_text(const struct owner *o)
{
	return str_printf("%s:%s", owner_kind_name(o->kind), o->id);
}

void owner_done(struct owner *o)
{
	free(o->id);
	free(o->path);
	*o = (struct owner) { 0 };
}

void lease_done(struct lease *l)
{
	free(l->pool);
	free(l->reason);
	owner_done(&l->owner);
	free(l->driver);
	free(l->override);
	strv_free(l->settings);
	free(l->node);
	*l = (struct lease) { 0 };
}

int lease_copy(const struct lease *l, struct lease *ret)
{
	autofree char *text = lease_to_json(l);

	return text ? lease_from_json(text, ret) : -ENOMEM;
}

const char *lease_why(int code)
{
	switch (code) {
	case -EBADMSG:
		return "it is torn, or something else altogether";
	case -EPROTONOSUPPORT:
		return "another version of vfctl wrote it";
	default:
		return strerror(-code);
	}
}

/* ---- Several ---- */

void leases_done(struct leases *s)
{
	for (size_t i = 0; i < s->n; i++)
		lease_done(&s->v[i]);
	free(s->v);
	strv_free(s->unreadable);
	*s = (struct leases) { 0 };
}

int leases_add(struct leases *s, struct lease *l)
{
	if (!GROW(s->v, s->n)) {
		lease_done(l);
		return -ENOMEM;
	}
	s->v[s->n++] = *l;
	*l = (struct lease) { 0 };
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct lease *x = a, *y = b;

	return bdf_cmp(x->bdf, y->bdf);
}

void leases_sort(struct leases *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

struct lease *leases_find(const struct leases *s, struct bdf a)
{
	for (size_t i = 0; i < s->n; i++)
		if (bdf_eq(s->v[i].bdf, a))
			return &s->v[i];
	return NULL;
}

int leases_add_record(struct leases *s, const char *name, int code, const char *text)
{
	autofree char *safe = str_printable(name), *line = NULL;
	struct lease l = { 0 };

	if (code >= 0)
		code = lease_from_json(text, &l);
	if (code >= 0 && !str_eq(name, BDF_TEXT(l.bdf))) {
		lease_done(&l);
		code = -EBADMSG;
	}
	if (code >= 0)
		return leases_add(s, &l);
	if (code == -ENOMEM || !safe)
		return -ENOMEM;
	line = str_printf("%s: %s", safe, lease_why(code));
	return line ? strv_add(&s->unreadable, line) : -ENOMEM;
}

int leases_read(struct host *h, struct leases *ret)
{
	autoleases s = { 0 };
	autostrv char **names = NULL;
	int r = rootfs_list(h, &names, RUN_DIR);

	if (r == -ENOMEM)
		return r;
	if (r < 0 && r != -ENOENT && r != -ENOTDIR)
		r = leases_add_record(&s, RUN_DIR, r, "");
	else
		r = 0;
	for (char **name = names; r == 0 && name && *name; name++) {
		autofree char *text = NULL;
		int e;

		/* What is about to be written, and what no record is called. */
		if (**name == '.' || str_ends(*name, ".new"))
			continue;
		e = rootfs_read(h, &text, RUN_DIR "/%s", *name);
		if (e != -ENOENT)
			r = leases_add_record(&s, *name, e, text);
	}
	if (r < 0)
		return r;
	leases_sort(&s);
	*ret = s;
	s = (struct leases) { 0 };
	return 0;
}

int lease_incarnation(struct host *h, struct bdf a, uint64_t *ret)
{
	return sysfs_inode(h, ret, "bus/pci/devices/%s", BDF_TEXT(a));
}

bool lease_is_of(struct host *h, const struct lease *l)
{
	uint64_t now;

	return h->captured || (lease_incarnation(h, l->bdf, &now) == 0 && now == l->incarnation);
}
