// SPDX-License-Identifier: GPL-2.0-or-later
#include "recovery.h"

#include "base/str.h"
#include "host/sysfs.h"

enum { NAMED = 3 }; /* of the others, in a sentence */

void ladder_done(struct ladder *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->v[i].name);
		free(l->v[i].text);
		free(l->v[i].others);
		free(l->v[i].why_not);
	}
	free(l->v);
	*l = (struct ladder) { 0 };
}

const struct rung *ladder_find(const struct ladder *l, const char *name)
{
	for (size_t i = 0; i < l->n; i++)
		if (str_eq(l->v[i].name, name))
			return &l->v[i];
	return NULL;
}

char *rung_others(const struct rung *r)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < r->n_others && i < NAMED; i++)
		strbuf_add(&b, "%s%s", i ? ", " : "", r->others[i]->address);
	if (r->n_others > NAMED)
		strbuf_add(&b, " and %zu more", r->n_others - NAMED);
	return r->n_others ? strbuf_take(&b) : NULL;
}

/* `text` is taken over (NULL: no memory). NULL: no memory. */
static struct rung *add(struct ladder *l, enum rung_kind kind, const char *name, char *text)
{
	struct rung *more = reallocarray(l->v, l->n + 1, sizeof(*more));

	if (!more || !text) {
		l->v = more ? more : l->v;
		free(text);
		return NULL;
	}
	l->v = more;
	more[l->n] = (struct rung) { .kind = kind, .name = strdup(name), .text = text };
	return more[l->n++].name ? &l->v[l->n - 1] : NULL;
}

static int keep_others(struct rung *r, const struct function *const *v, size_t n)
{
	r->others = calloc(n + 1, sizeof(struct function *));
	if (!r->others)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		r->others[r->n_others++] = v[i];
	return 0;
}

/* ---- Rung by rung ---- */

static int add_return(struct ladder *l, struct host *h, const struct function *f)
{
	const struct lease *claim = f->claim;

	if (!claim || claim->state != LEASE_QUARANTINE || !lease_is_of(h, claim))
		return 0;
	return add(l, RUNG_RETURN, "return", strdup("release it from quarantine")) ? 0 : -ENOMEM;
}

/* One method; `method` NULL: the kernel does not tell which. */
static int add_reset(struct ladder *l, struct host *h, const struct topology *t,
	const struct function *f, const char *method)
{
	bool bus = str_eq(method, "bus") || str_eq(method, "cxl_bus");
	autoresetplan plan = { 0 };
	struct rung *r;

	/* What cannot be done, as a bus that others share without the kernel's help, is no rung. */
	if (reset_plan(h, t, f, method, &plan, NULL) < 0)
		return 0;
	r = add(l, bus ? RUNG_BUS : RUNG_RESET, method ? method : "reset",
		bus ? str_printf("reset all below %s",
			      plan.bridge ? plan.bridge->address : "its bridge")
		    : str_printf("reset by %s", method ? method : "the kernel's choice"));
	return r ? keep_others(r, plan.set + 1, plan.n_set - 1) : -ENOMEM;
}

/* Of the methods, those of the function alone, or those of its bus. */
static int add_resets(struct ladder *l, struct host *h, const struct topology *t,
	const struct function *f, bool bus)
{
	autoresetplan first = { 0 };
	bool any_bus = false;
	char *save = NULL;
	int r = reset_plan(h, t, f, NULL, &first, NULL);

	if (r < 0)
		return bus ? add_reset(l, h, t, f, "bus") : 0;
	if (!first.listed)
		return bus ? 0 : add_reset(l, h, t, f, NULL);
	for (char *w = strtok_r(first.listed, " ", &save); r == 0 && w;
		w = strtok_r(NULL, " ", &save)) {
		bool of_bus = str_eq(w, "bus") || str_eq(w, "cxl_bus");

		any_bus |= of_bus;
		if (of_bus == bus)
			r = add_reset(l, h, t, f, w);
	}
	return r == 0 && bus && !any_bus ? add_reset(l, h, t, f, "bus") : r;
}

static int add_driver(struct ladder *l, const struct function *f)
{
	struct rung *r;

	if (!f->driver)
		return 0;
	r = add(l, RUNG_DRIVER, "driver", str_printf("bind it to %s anew", f->driver));
	if (!r)
		return -ENOMEM;
	if (f->n_vfs)
		r->why_not = str_printf("its %zu VF%s would go: vfctl destroy %s first", f->n_vfs,
			f->n_vfs == 1 ? "" : "s", f->address);
	return f->n_vfs && !r->why_not ? -ENOMEM : 0;
}

/* A VF comes and goes with its PF's count, and no scan finds one. */
static int add_remove(struct ladder *l, struct host *h, const struct function *f)
{
	struct rung *r;

	if (f->kind == FUNCTION_VF || !sysfs_exists(h, "bus/pci/devices/%s/remove", f->address))
		return 0;
	r = add(l, RUNG_REMOVE, "remove", strdup("take it out of the kernel and find it anew"));
	if (!r)
		return -ENOMEM;
	if (f->n_vfs)
		r->why_not = str_printf("its %zu VF%s would go: vfctl destroy %s first", f->n_vfs,
			f->n_vfs == 1 ? "" : "s", f->address);
	return f->n_vfs && !r->why_not ? -ENOMEM : 0;
}

int ladder_make(struct host *h, const struct topology *t, const struct function *f,
	struct ladder *ret, struct problem **reterr)
{
	autoladder l = { 0 };
	int r = 0;

	if (class_is_bridge(f->id.class_code))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s is a bridge: what is below it can be recovered", f->address);
	r = add_return(&l, h, f);
	if (r == 0)
		r = add_resets(&l, h, t, f, false);
	if (r == 0)
		r = add_driver(&l, f);
	if (r == 0)
		r = add_resets(&l, h, t, f, true);
	if (r == 0)
		r = add_remove(&l, h, f);
	if (r < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*ret = l;
	l = (struct ladder) { 0 };
	return 0;
}
