// SPDX-License-Identifier: GPL-2.0-or-later
/* Our own configuration beside theirs: foreign_add_policy(). */
#include "foreign.h"

#include "base/str.h"
#include "policy/policy.h"

static const char *common_key(const struct policy_key *k)
{
	switch (k->goal) {
	case GOAL_NUM_VFS:
		return "num-vfs";
	case GOAL_AUTOPROBE:
		return "autoprobe";
	case GOAL_ESWITCH:
		return "eswitch-mode";
	case GOAL_DRIVER:
		return "driver";
	case GOAL_SETTING:
		return k->setting->name;
	default:
		return NULL;
	}
}

/* "vfio" is the best VFIO driver; others know the common one only. */
static const char *common_value(const struct policy_value *v)
{
	return v->key->goal == GOAL_DRIVER && str_eq(v->text, "vfio") ? "vfio-pci" : v->text;
}

static int add_target(struct foreign *f, const struct policy_pf *pf, const struct policy_target *t)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct policy_value *v = &t->v[i];
		const char *key = common_key(v->key);
		autofree char *said = str_printf("%s=%s", v->key->name, v->text);
		const struct foreign_source at = { FOREIGN_VFCTL, v->from->file,
			v->from->pos.line };
		int r;

		if (!key)
			continue;
		r = said ? foreign_add(f, &at, pf->f->bdf, t->vf, key, common_value(v), said)
			 : -ENOMEM;
		if (r < 0)
			return r;
	}
	return 0;
}

int foreign_add_policy(struct foreign *f, const struct policy *p)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_pfs; i++) {
		r = add_target(f, &p->pfs[i], &p->pfs[i].self);
		for (size_t k = 0; r == 0 && k < p->pfs[i].n_vfs; k++)
			r = add_target(f, &p->pfs[i], &p->pfs[i].vfs[k]);
	}
	if (r == 0)
		foreign_sort(f);
	return r;
}
