// SPDX-License-Identifier: GPL-2.0-or-later
/* What others say, as a file of ours: foreign_as_policy(). */
#include "foreign.h"

#include "base/str.h"
#include "policy/key.h"

struct text {
	struct strbuf b;
	const struct foreign *f;
	const struct policy_keys *keys;
	int section; /* the VF whose section is open, or FOREIGN_ above; -3: none */
};

enum { NO_SECTION = -3 };

static void open_section(struct text *t, int vf)
{
	if (t->section == vf)
		return;
	t->section = vf;
	if (vf == FOREIGN_ITSELF)
		strbuf_add(&t->b, "\n[PF]\n");
	else if (vf == FOREIGN_ALL_VFS)
		strbuf_add(&t->b, "\n[VF *]\n");
	else
		strbuf_add(&t->b, "\n[VF %d]\n", vf);
}

/* Our key for it; NULL: it has no place in our configuration. */
static const char *key_name(const struct text *t, const struct foreign_fact *fact)
{
	enum policy_section section = fact->vf == FOREIGN_ITSELF ? POLICY_PF : POLICY_VF;
	enum policy_goal goal = str_eq(fact->key, "num-vfs")	 ? GOAL_NUM_VFS
				: str_eq(fact->key, "autoprobe") ? GOAL_AUTOPROBE
				: str_eq(fact->key, "driver")	 ? GOAL_DRIVER
								 : GOAL_SETTING;

	for (size_t i = 0; i < t->keys->n; i++) {
		const struct policy_key *k = &t->keys->v[i];

		if (k->section != section)
			continue;
		if (k->setting ? str_eq(k->setting->name, fact->key)
			       : k->goal == goal && goal != GOAL_SETTING)
			return k->name;
		if (k->goal == GOAL_ESWITCH && str_eq(fact->key, "eswitch-mode"))
			return k->name;
	}
	return NULL;
}

static bool said_before(const struct text *t, size_t i)
{
	const struct foreign_fact *a = &t->f->facts[i], *b = i ? a - 1 : NULL;

	return b && bdf_eq(a->pf, b->pf) && a->vf == b->vf && str_eq(a->key, b->key);
}

static void add_fact(struct text *t, size_t i)
{
	const struct foreign_fact *fact = &t->f->facts[i], *rival = foreign_rival(t->f, i);
	autofree char *file = str_printable(fact->file), *said = str_printable(fact->said);
	autofree char *value = str_printable(fact->value);
	const char *key = key_name(t, fact);

	if (!file || !said || !value) {
		t->b.failed = true;
		return;
	}
	if (key)
		open_section(t, fact->vf);
	strbuf_add(&t->b, "# %s", file);
	if (fact->line)
		strbuf_add(&t->b, ":%u", fact->line);
	strbuf_add(&t->b, ": %s\n", said);
	if (rival)
		strbuf_add(&t->b, "# in conflict with %s: choose one\n",
			foreign_manager_name(rival->by));
	if (!key)
		strbuf_add(&t->b, "# (has no key here)\n");
	else
		strbuf_add(&t->b, "%s%s=%s\n", said_before(t, i) ? "#" : "", key, value);
}

static void begin(struct text *t, const struct inventory *inv, struct bdf pf)
{
	const struct function *f = inventory_find_bdf(inv, pf);
	const char *name = f && f->n_netdevs ? f->netdevs[0].name : f ? f->nvme : NULL;
	autofree char *printable = name ? str_printable(name) : NULL;

	strbuf_add(&t->b, "# %s", BDF_TEXT(pf));
	if (printable)
		strbuf_add(&t->b, ", %s", printable);
	strbuf_add(&t->b, "\n[Match]\nPath=pci-%s\n", BDF_TEXT(pf));
}

int foreign_as_policy(
	const struct inventory *inv, const struct foreign *f, struct bdf pf, char **ret)
{
	autopolicykeys keys = { 0 };
	struct text t = { .f = f, .keys = &keys, .section = NO_SECTION };
	int r = policy_keys_make(&keys);

	for (size_t i = 0; r == 0 && i < f->n_facts; i++) {
		if (!bdf_eq(f->facts[i].pf, pf) || f->facts[i].by == FOREIGN_VFCTL)
			continue;
		if (!t.b.len)
			begin(&t, inv, pf);
		add_fact(&t, i);
	}
	if (r < 0)
		return r;
	*ret = strbuf_take(&t.b);
	strbuf_done(&t.b);
	return *ret ? 0 : -ENOMEM;
}
