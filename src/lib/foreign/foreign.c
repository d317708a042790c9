// SPDX-License-Identifier: GPL-2.0-or-later
#include "reader.h"

#include "base/grow.h"
#include "base/str.h"

static const struct {
	const char *name;
	void (*read)(struct reader *r);
} managers[FOREIGN_MANAGERS] = {
	[FOREIGN_SYSTEMD] = { "systemd", foreign_read_systemd },
	[FOREIGN_NETWORKMANAGER] = { "NetworkManager", foreign_read_networkmanager },
	[FOREIGN_NETPLAN] = { "netplan", foreign_read_netplan },
	[FOREIGN_DRIVERCTL] = { "driverctl", foreign_read_driverctl },
	[FOREIGN_MODPROBE] = { "modprobe", foreign_read_modprobe },
	[FOREIGN_MDEVCTL] = { "mdevctl", foreign_read_mdevctl },
	[FOREIGN_LIBVIRT] = { "libvirt", foreign_read_libvirt },
	[FOREIGN_VFCTL] = { "vfctl", NULL },
};

const char *foreign_manager_name(enum foreign_manager m)
{
	return managers[m].name;
}

static void fact_done(struct foreign_fact *fact)
{
	free(fact->file);
	free(fact->key);
	free(fact->value);
	free(fact->said);
}

void foreign_done(struct foreign *f)
{
	for (size_t i = 0; i < f->n_facts; i++)
		fact_done(&f->facts[i]);
	for (size_t i = 0; i < f->n_doubts; i++) {
		free(f->doubts[i].file);
		free(f->doubts[i].what);
	}
	free(f->facts);
	free(f->doubts);
	*f = (struct foreign) { 0 };
}

int foreign_add(struct foreign *f, const struct foreign_source *from, struct bdf pf, int vf,
	const char *key, const char *value, const char *said)
{
	struct foreign_fact fact = { .by = from->by,
		.file = strdup(from->file),
		.line = from->line,
		.pf = pf,
		.vf = vf,
		.key = strdup(key),
		.value = strdup(value),
		.said = strdup(said) };

	if (!fact.file || !fact.key || !fact.value || !fact.said || !GROW(f->facts, f->n_facts)) {
		fact_done(&fact);
		return -ENOMEM;
	}
	f->facts[f->n_facts++] = fact;
	return 0;
}

static int order_of_vf(int vf)
{
	return vf == FOREIGN_ALL_VFS ? INT32_MAX : vf;
}

static int compare(const void *x, const void *y)
{
	const struct foreign_fact *a = x, *b = y;
	int c = bdf_cmp(a->pf, b->pf);

	if (c == 0)
		c = (order_of_vf(a->vf) > order_of_vf(b->vf)) -
		    (order_of_vf(a->vf) < order_of_vf(b->vf));
	c = c ? c : strcmp(a->key, b->key);
	c = c ? c : (a->by > b->by) - (a->by < b->by);
	c = c ? c : strcmp(a->file, b->file);
	return c ? c : (a->line > b->line) - (a->line < b->line);
}

void foreign_sort(struct foreign *f)
{
	if (f->n_facts)
		qsort(f->facts, f->n_facts, sizeof(*f->facts), compare);
}

int foreign_read(struct host *h, const struct inventory *inv, struct foreign *ret)
{
	CLEANUP(foreign_done) struct foreign f = { 0 };
	struct reader r = { .h = h, .inv = inv, .ret = &f };

	r.error = policy_keys_make(&r.keys);
	for (unsigned i = 0; r.error == 0 && i < FOREIGN_MANAGERS; i++) {
		r.at = (struct foreign_source) { .by = (enum foreign_manager)i };
		if (managers[i].read)
			managers[i].read(&r);
	}
	policy_keys_done(&r.keys);
	if (r.error < 0)
		return r.error;
	foreign_sort(&f);
	*ret = f;
	f = (struct foreign) { 0 };
	return 0;
}

/* ---- Verdicts ---- */

static bool is_about_one_vf(const struct foreign_fact *a)
{
	return a->vf >= 0;
}

static bool same_subject(const struct foreign_fact *a, const struct foreign_fact *b)
{
	if (!bdf_eq(a->pf, b->pf) || strcmp(a->key, b->key) != 0)
		return false;
	return a->vf == b->vf || (a->vf == FOREIGN_ALL_VFS && is_about_one_vf(b)) ||
	       (b->vf == FOREIGN_ALL_VFS && is_about_one_vf(a));
}

/* Of systemd's files of one kind only one counts, also where it is in doubt which. */
static bool only_one_counts(const struct foreign_fact *a, const struct foreign_fact *b)
{
	return a->by == FOREIGN_SYSTEMD && !strstr(a->file, ".link") == !strstr(b->file, ".link");
}

/* Special beats general within one manager, and what it lists is a list. */
static bool one_owner(const struct foreign_fact *a, const struct foreign_fact *b)
{
	return a->by == b->by &&
	       (a->vf != b->vf || strcmp(a->file, b->file) == 0 || only_one_counts(a, b) ||
		       str_eq(a->key, "mdev") || str_eq(a->key, "network"));
}

/* Those of one PF stand together. */
static const struct foreign_fact *other_than(
	const struct foreign *f, size_t i, bool with_another_value)
{
	const struct foreign_fact *own = &f->facts[i];
	size_t k = i;

	while (k > 0 && bdf_eq(f->facts[k - 1].pf, own->pf))
		k--;
	for (; k < f->n_facts && bdf_eq(f->facts[k].pf, own->pf); k++) {
		const struct foreign_fact *other = &f->facts[k];

		if (k != i && same_subject(own, other) && !one_owner(own, other) &&
			str_eq(own->value, other->value) != with_another_value)
			return other;
	}
	return NULL;
}

const struct foreign_fact *foreign_rival(const struct foreign *f, size_t i)
{
	return other_than(f, i, true);
}

enum foreign_verdict foreign_verdict(const struct foreign *f, size_t i)
{
	if (other_than(f, i, true))
		return FOREIGN_CONFLICT;
	return other_than(f, i, false) ? FOREIGN_AGREES : FOREIGN_ALONE;
}

const char *foreign_verdict_name(enum foreign_verdict v)
{
	static const char *const names[] = { "alone", "agrees", "conflict" };

	return names[v];
}
