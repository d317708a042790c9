// SPDX-License-Identifier: GPL-2.0-or-later
#include "cast.h"
#include "policy.h"
#include "run.h"

#include "base/str.h"
#include "foreign/foreign.h"

struct vfctl_claim {
	const struct vfctl_import *of;
	const struct foreign_fact *fact;
	char address[BDF_TEXT_MAX];
};

struct vfctl_import {
	const struct inventory *inv;
	struct foreign f;
	struct vfctl_claim *claims; /* as f.facts */
	char **doubts;
};

void vfctl_import_free(struct vfctl_import *m)
{
	if (!m)
		return;
	foreign_done(&m->f);
	free(m->claims);
	strv_free(m->doubts);
	free(m);
}

static int add_doubts(struct vfctl_import *m)
{
	for (size_t i = 0; i < m->f.n_doubts; i++) {
		const struct foreign_doubt *d = &m->f.doubts[i];
		autofree char *text = str_printf("%s:%u: %s", d->file, d->line, d->what);

		if (!text || strv_add(&m->doubts, text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_claims(struct vfctl_import *m)
{
	m->claims = calloc(m->f.n_facts + 1, sizeof(*m->claims));
	for (size_t i = 0; m->claims && i < m->f.n_facts; i++) {
		struct vfctl_claim *c = &m->claims[i];

		c->of = m;
		c->fact = &m->f.facts[i];
		memcpy(c->address, BDF_TEXT(c->fact->pf), BDF_TEXT_MAX);
	}
	return m->claims ? add_doubts(m) : -ENOMEM;
}

int vfctl_import_read(struct vfctl_host *host, const struct vfctl_snapshot *s,
	const struct vfctl_policy *policy, struct vfctl_import **ret, struct vfctl_error **reterr)
{
	struct vfctl_import *m = calloc(1, sizeof(*m));
	int r = m ? foreign_read(host->host, inventory_of(s), &m->f) : -ENOMEM;

	if (r == 0 && policy)
		r = foreign_add_policy(&m->f, policy->p);
	if (r == 0) {
		m->inv = inventory_of(s);
		foreign_sort(&m->f);
		r = add_claims(m);
	}
	if (r < 0) {
		vfctl_import_free(m);
		return api_error(reterr, NULL, r);
	}
	*ret = m;
	return 0;
}

size_t vfctl_import_claims(const struct vfctl_import *m)
{
	return m->f.n_facts;
}

const struct vfctl_claim *vfctl_import_claim(const struct vfctl_import *m, size_t i)
{
	return i < m->f.n_facts ? &m->claims[i] : NULL;
}

const char *vfctl_claim_manager(const struct vfctl_claim *c)
{
	return foreign_manager_name(c->fact->by);
}

const char *vfctl_claim_file(const struct vfctl_claim *c)
{
	return c->fact->file;
}

unsigned vfctl_claim_line(const struct vfctl_claim *c)
{
	return c->fact->line;
}

const char *vfctl_claim_function(const struct vfctl_claim *c)
{
	return c->address;
}

_Static_assert(
	(int)VFCTL_ITSELF == (int)FOREIGN_ITSELF && (int)VFCTL_ALL_VFS == (int)FOREIGN_ALL_VFS,
	"the public numbers are the room's");

int vfctl_claim_vf(const struct vfctl_claim *c)
{
	return c->fact->vf;
}

const char *vfctl_claim_key(const struct vfctl_claim *c)
{
	return c->fact->key;
}

const char *vfctl_claim_value(const struct vfctl_claim *c)
{
	return c->fact->value;
}

const char *vfctl_claim_said(const struct vfctl_claim *c)
{
	return c->fact->said;
}

static size_t number_of(const struct vfctl_claim *c)
{
	return (size_t)(c->fact - c->of->f.facts);
}

const char *vfctl_claim_verdict(const struct vfctl_claim *c)
{
	return foreign_verdict_name(foreign_verdict(&c->of->f, number_of(c)));
}

const struct vfctl_claim *vfctl_claim_rival(const struct vfctl_claim *c)
{
	const struct foreign_fact *rival = foreign_rival(&c->of->f, number_of(c));

	return rival ? &c->of->claims[rival - c->of->f.facts] : NULL;
}

const char *vfctl_import_doubt(const struct vfctl_import *m, size_t i)
{
	STRV_FOREACH (d, m->doubts)
		if (i-- == 0)
			return *d;
	return NULL;
}

int vfctl_import_as_policy(const struct vfctl_import *m, const struct vfctl_function *pf,
	char **ret, struct vfctl_error **reterr)
{
	int r = foreign_as_policy(m->inv, &m->f, function_of(pf)->bdf, ret);

	return r < 0 ? api_error(reterr, NULL, r) : 0;
}
