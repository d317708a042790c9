// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses: those that are given must be free, those that are stable are made. */
#include "resolve.h"

#include "base/str.h"
#include "identity/stable.h"

struct addresses {
	struct check *c;
	struct stable *stable;
	bool told; /* that there are no stable addresses on this machine */
};

static bool is_address(const struct policy_value *v)
{
	return v->key->stable;
}

static bool is_mac(const struct policy_value *v)
{
	return str_eq(v->key->setting->name, "mac");
}

static bool is_told(const struct findings *f, const struct policy_line *l)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == FINDING_COLLISION && f->v[i].pos.line == l->value_pos.line &&
			str_eq(f->v[i].file, l->file))
			return true;
	return false;
}

/* A GUID that is given is compared with those of the configuration only: nobody tells them back. */
static int claim(struct addresses *a, const struct policy_pf *pf, const struct policy_target *t,
	const struct policy_value *v)
{
	const struct stable_owner owner = { pf->f->bdf, t->vf };
	autofree char *who = NULL;
	struct finding *fd;
	struct mac mac;
	int r;

	if (!is_mac(v) || mac_parse(v->text, &mac) < 0 || is_told(&a->c->p->findings, v->from))
		return 0;
	r = stable_claim(a->stable, mac, owner, &who);
	if (r != 0)
		return MIN(r, 0);
	fd = findings_add(&a->c->p->findings, FINDING_ERROR, FINDING_COLLISION, v->from->file,
		v->from->value_pos, "%s=%s for %s/vf%d: %s has that address already", v->key->name,
		v->text, pf->f->address, t->vf, who);
	finding_hint(fd, "MACAddress=stable is an address that nobody has");
	return 0;
}

/* Once for all: why there are no stable addresses. On a captured machine that is no mistake. */
static int cannot(struct addresses *a, const struct policy_value *v, int code, struct problem *p)
{
	enum finding_level level = a->c->h->captured ? FINDING_WARNING : FINDING_ERROR;
	autofree char *text = p ? problem_text(p) : NULL;
	struct finding *fd;

	if (code == -ENOMEM || a->told)
		return code == -ENOMEM ? code : 0;
	a->told = true;
	fd = findings_add(&a->c->p->findings, level, FINDING_BAD_VALUE, v->from->file,
		v->from->value_pos, "%s=stable: %s", v->key->name, text ? text : strerror(-code));
	if (p && problem_best_hint(p))
		finding_hint(fd, "%s", problem_best_hint(p));
	return 0;
}

static int make(struct addresses *a, const struct policy_pf *pf, const struct policy_target *t,
	struct policy_value *v)
{
	const struct stable_owner owner = { pf->f->bdf, t->vf };
	autofree char *word = str_printf("%s=stable", v->key->setting->name), *made = NULL;
	autostrv char **words = NULL;
	autoproblem *p = NULL;
	int r;

	/* Another card: that is told, and its seed would be the wrong one. */
	if (!pf->known)
		return 0;
	if (!word)
		return -ENOMEM;
	r = stable_words(a->stable, owner, (const char *const[]) { word }, 1, &words, &p);
	if (r < 0)
		return cannot(a, v, r, p);
	made = strdup(strchr(words[0], '=') + 1);
	if (!made)
		return -ENOMEM;
	free(v->text);
	v->text = TAKE_PTR(made);
	return 0;
}

/* All addresses, once those that are given and once those that are stable. */
static int each(struct addresses *a, bool stable)
{
	struct policy *p = a->c->p;
	int r = 0;

	for (size_t i = 0; i < p->n_pfs; i++)
		for (size_t k = 0; k < p->pfs[i].n_vfs; k++) {
			struct policy_target *t = &p->pfs[i].vfs[k];

			for (size_t n = 0; r == 0 && n < t->n; n++) {
				struct policy_value *v = &t->v[n];

				if (!is_address(v) || str_eq(v->from->value, "stable") != stable)
					continue;
				r = stable ? make(a, &p->pfs[i], t, v) : claim(a, &p->pfs[i], t, v);
			}
		}
	return r;
}

int policy_addresses(struct check *c)
{
	struct addresses a = { .c = c };
	int r = stable_new(c->h, c->inv, c->identity_dir, &a.stable);

	if (r == 0)
		r = each(&a, false);
	if (r == 0)
		r = each(&a, true);
	stable_free(a.stable);
	return r;
}
