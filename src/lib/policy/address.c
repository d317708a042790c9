// SPDX-License-Identifier: GPL-2.0-or-later
/* Addresses: those that are given must be free, those that are stable are made. */
#include "resolve.h"

#include "base/str.h"
#include "identity/stable.h"

#include <search.h>

/* Whose an address is by the configuration, and which line says so. */
struct given {
	const char *space, *text; /* borrowed; what is compared with what */
	const struct policy_pf *pf;
	int vf;
	const struct policy_line *from;
};

struct addresses {
	struct check *c;
	struct stable *stable;
	void *given; /* tsearch(3) of struct given */
	bool told;   /* that there are no stable addresses on this machine */
};

static bool is_mac(const struct policy_value *v)
{
	return str_eq(v->key->setting->name, "mac");
}

/* What no two VFs may have. An eswitch calls a VF's MAC address its port's hardware address. */
static bool is_address(const struct policy_value *v)
{
	return v->key->setting && v->key->setting->own;
}

static const char *space_of(const struct policy_value *v)
{
	const char *name = v->key->setting->name;

	return str_eq(name, "hw-addr") ? "mac" : name;
}

static bool is_told(const struct findings *f, const struct policy_line *l)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].kind == FINDING_COLLISION && f->v[i].pos.line == l->value_pos.line &&
			str_eq(f->v[i].file, l->file))
			return true;
	return false;
}

static struct finding *collides(struct addresses *a, const struct policy_pf *pf, int vf,
	const struct policy_value *v, const char *why)
{
	struct findings *all = &a->c->p->findings;
	struct finding *fd;

	all->about = pf->f->address;
	fd = findings_add(all, FINDING_ERROR, FINDING_COLLISION, v->from->file, v->from->value_pos,
		"%s=%s for %s/vf%d: %s", v->key->name, v->from->value, pf->f->address, vf,
		why ? why : "it is taken");
	all->about = NULL;
	if (v->key->stable && !str_eq(v->from->value, "stable"))
		finding_hint(fd, "%s=stable is an address that nobody has", v->key->name);
	else
		finding_hint(fd, "give one of them another address");
	return fd;
}

static int compare_given(const void *x, const void *y)
{
	const struct given *a = x, *b = y;
	int r = strcmp(a->space, b->space);

	return r ? r : strcasecmp(a->text, b->text);
}

/* 1 it is free, 0 another VF was given it, which is told. */
static int give(
	struct addresses *a, const struct policy_pf *pf, int vf, const struct policy_value *v)
{
	autofree struct given *g = calloc(1, sizeof(*g));
	autofree char *why = NULL;
	struct given **at;

	if (!g)
		return -ENOMEM;
	*g = (struct given) { space_of(v), v->text, pf, vf, v->from };
	at = tsearch(g, &a->given, compare_given);
	if (!at)
		return -ENOMEM;
	if (*at == g) {
		TAKE_PTR(g);
		return 1;
	}
	/* The MAC address and the port's, of one VF. */
	if ((*at)->pf == pf && (*at)->vf == vf)
		return 1;
	why = str_printf("%s%s%s:%u gives it to %s/vf%d",
		str_eq(v->text, v->from->value) ? "" : v->text,
		str_eq(v->text, v->from->value) ? "" : ", and ", (*at)->from->file,
		(*at)->from->pos.line, (*at)->pf->f->address, (*at)->vf);
	collides(a, pf, vf, v, why);
	return 0;
}

/* Nobody tells GUIDs back: those are compared with the configuration only. */
static int claim(struct addresses *a, const struct policy_pf *pf, const struct policy_target *t,
	struct policy_value *v)
{
	const struct stable_owner owner = { pf->f->bdf, t->vf };
	autofree char *who = NULL, *why = NULL;
	struct mac mac;
	int r;

	if (is_told(&a->c->p->findings, v->from))
		return 0;
	r = give(a, pf, t->vf, v);
	if (r <= 0 || !str_eq(space_of(v), "mac") || mac_parse(v->text, &mac) < 0)
		return MIN(r, 0);
	r = stable_claim(a->stable, mac, owner, &who);
	if (r != 0)
		return MIN(r, 0);
	why = str_printf("%s has that address already", who);
	collides(a, pf, t->vf, v, why);
	return 0;
}

/* Who is given another address lets go of the one that he has: two VFs may change theirs. */
static int let_go(struct addresses *a, const struct policy_pf *pf, const struct policy_target *t,
	struct policy_value *v)
{
	return is_mac(v) ? stable_release(a->stable, (struct stable_owner) { pf->f->bdf, t->vf })
			 : 0;
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
	return MIN(give(a, pf, t->vf, v), 0);
}

typedef int on_address(struct addresses *a, const struct policy_pf *pf,
	const struct policy_target *t, struct policy_value *v);

static int each(struct addresses *a, bool stable, on_address *what)
{
	struct policy *p = a->c->p;
	int r = 0;

	for (size_t i = 0; i < p->n_pfs; i++)
		for (size_t k = 0; k < p->pfs[i].n_vfs; k++) {
			struct policy_target *t = &p->pfs[i].vfs[k];

			for (size_t n = 0; r == 0 && n < t->n; n++) {
				struct policy_value *v = &t->v[n];

				if (is_address(v) && str_eq(v->from->value, "stable") == stable)
					r = what(a, &p->pfs[i], t, v);
			}
		}
	return r;
}

int policy_addresses(struct check *c)
{
	struct addresses a = { .c = c };
	int r = stable_new(c->h, c->inv, c->identity_dir, &a.stable);

	if (r == 0)
		r = each(&a, false, let_go);
	if (r == 0)
		r = each(&a, false, claim);
	if (r == 0)
		r = each(&a, true, make);
	tdestroy(a.given, free);
	stable_free(a.stable);
	return r;
}
