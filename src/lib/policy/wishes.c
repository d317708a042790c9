// SPDX-License-Identifier: GPL-2.0-or-later
/* The configuration as wishes. */
#include "policy.h"

#include "base/str.h"

static const char *driver_wish(const char *text)
{
	if (str_eq(text, "none"))
		return WISH_NO_DRIVER;
	return str_eq(text, "default") ? WISH_RESTORE
	       : str_eq(text, "vfio")  ? WISH_BEST_VFIO
				       : text;
}

static int put_setting(char ***settings, const struct policy_value *v)
{
	autofree char *word = str_printf("%s=%s", v->key->setting->name, v->text);

	return word ? wish_setting(settings, word) : -ENOMEM;
}

static int put_source(char **field, const struct policy_value *v)
{
	autofree char *source = policy_line_source(v->from);

	return source ? wish_put(field, source) : -ENOMEM;
}

static int put_of_pf(struct pf_wish *w, const struct policy_value *v)
{
	uint32_t n = 0;

	switch (v->key->goal) {
	case GOAL_NUM_VFS:
		if (parse_u32(v->text, &n) == 0)
			w->num_vfs = (int)n;
		return 0;
	case GOAL_AUTOPROBE:
		w->autoprobe = str_eq(v->text, "yes");
		return 0;
	case GOAL_ESWITCH:
		return wish_put(&w->eswitch_mode, v->text);
	case GOAL_DRIVER:
		return wish_put(&w->driver, driver_wish(v->text));
	case GOAL_SETTING:
		return put_setting(&w->settings, v);
	case GOAL_MATCH:
	case GOAL_POOL:
	case GOAL_RECONCILE:
		break;
	}
	return 0;
}

/* A captured machine may not tell what stable addresses are made of: there they stay a word. */
static bool is_unknown(const struct policy_value *v)
{
	return v->key->stable && str_eq(v->text, "stable");
}

bool policy_lacks_addresses(const struct policy *p)
{
	for (size_t i = 0; i < p->n_pfs; i++)
		for (size_t k = 0; k < p->pfs[i].n_vfs; k++)
			for (size_t n = 0; n < p->pfs[i].vfs[k].n; n++)
				if (is_unknown(&p->pfs[i].vfs[k].v[n]))
					return true;
	return false;
}

static int put_vf(struct pf_wish *w, const struct policy_target *t)
{
	struct vf_wish *vf = NULL;
	int r = 0;

	for (size_t i = 0; r == 0 && i < t->n; i++) {
		const struct policy_value *v = &t->v[i];

		if ((v->key->goal != GOAL_DRIVER && v->key->goal != GOAL_SETTING) || is_unknown(v))
			continue;
		if (!vf) {
			vf = pf_wish_vf(w, (unsigned)t->vf);
			if (!vf)
				return -ENOMEM;
			r = put_source(&vf->source, v);
		}
		if (r == 0)
			r = v->key->goal == GOAL_DRIVER
				    ? wish_put(&vf->driver, driver_wish(v->text))
				    : put_setting(&vf->settings, v);
	}
	return r;
}

static int put_pf(struct wishes *w, const struct policy_pf *pf)
{
	struct pf_wish *wish = wishes_pf(w, pf->f->bdf);
	autofree char *whole = str_printf("%s:%u", pf->by->file, pf->by->match_pos.line);
	int r;

	if (!wish || !whole)
		return -ENOMEM;
	r = pf->self.n ? put_source(&wish->source, &pf->self.v[0]) : wish_put(&wish->source, whole);
	for (size_t i = 0; r == 0 && i < pf->self.n; i++)
		r = put_of_pf(wish, &pf->self.v[i]);
	for (size_t i = 0; r == 0 && i < pf->n_vfs; i++)
		r = put_vf(wish, &pf->vfs[i]);
	return r;
}

int policy_wishes(const struct policy *p, struct wishes *ret)
{
	autowishes w = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < p->n_pfs; i++)
		r = put_pf(&w, &p->pfs[i]);
	if (r < 0)
		return r;
	*ret = w;
	w = (struct wishes) { 0 };
	return 0;
}
