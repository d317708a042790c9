// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the daemon asks when something has happened: how healthy functions are, and whether PFs are
 * still as the configuration says. The answer is
 *
 *   {"health":[{"address":…,"health":"unhealthy","reason":…}],
 *    "drift":[{"pf":…,"differences":[{"function":…,"what":…}],"decided":…,"repair":true}]}
 *
 * with what is not healthy, and what has drifted, alone. Reconcile repairs the latter.
 */
#include "worker.h"

#include "base/str.h"
#include "drift/drift.h"
#include "health/health.h"
#include "out/json.h"
#include "policy/policy.h"

enum { CHANGING_MS = 30000, STEP_MS = 200 };

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

/* One that has gone is of no interest any more. */
static bool is_asked(const struct order *o, const struct function *f)
{
	if (!o->functions)
		return !class_is_bridge(f->id.class_code);
	return strv_has(o->functions, f->address) ||
	       (f->physfn && strv_has(o->functions, f->physfn->address));
}

/* ---- Health ---- */

static int put_health(struct worker *w, const struct order *o, const struct inventory *inv,
	struct json *j, struct problem **reterr)
{
	autofree const struct function **v = calloc(inv->n_functions + 1, sizeof(*v));
	json_object *list = json_add_array(j, j->root, "health");
	autohealths *all = NULL;
	size_t n = 0;
	int r;

	if (!v)
		return no_memory(reterr);
	for (size_t i = 0; i < inv->n_functions; i++)
		if (is_asked(o, &inv->functions[i]))
			v[n++] = &inv->functions[i];
	r = healths_look(w->h, inv, v, n, &all, reterr);
	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct health *health = healths_of(all, v[i]);
		json_object *e;

		if (health->state < HEALTH_DEGRADED)
			continue;
		e = json_add_object(j, list, NULL);
		json_add_str(j, e, "address", v[i]->address);
		json_add_str(j, e, "health", health_state_name(health->state));
		json_add_str(j, e, "reason", health->v[0].text);
	}
	return r;
}

/* ---- Drift ---- */

static int find(struct worker *w, struct bdf pf, struct drift *ret, struct problem **reterr)
{
	const struct policy_opts opts = { .identity_dir = w->identity_dir,
		.learned_dir = w->learned_dir };
	const struct drift_opts how = { .driver_dir = w->driver_dir, .places = w->places };
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	CLEANUP(policy_freep) struct policy *p = NULL;
	const struct function *f;
	int r = inventory_load(w->h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, reterr);

	if (r < 0)
		return r;
	f = inventory_find_bdf(inv, pf);
	if (!f || f->kind != FUNCTION_PF)
		return 0;
	if (policy_load(w->h, inv, &opts, &p) < 0)
		return no_memory(reterr);
	r = policy_refuse_for(p, f, reterr);
	return r < 0 ? r : drift_find(w->h, inv, p, pf, &how, ret, reterr);
}

/* As it is when no vfctl is at work on it. */
static int find_settled(struct worker *w, struct bdf pf, struct drift *ret, struct problem **reterr)
{
	uint64_t until = host_now_ms(w->h) + CHANGING_MS;

	for (;;) {
		autodrift found = { 0 };
		unsigned before, after;
		bool changing = drift_is_changing(w->places, pf, &before);
		int r = changing ? 0 : find(w, pf, &found, reterr);

		if (r < 0)
			return r;
		changing |=
			found.n && (drift_is_changing(w->places, pf, &after) || after != before);
		if (!changing) {
			*ret = found;
			found = (struct drift) { 0 };
			return 0;
		}
		/* Whoever changes it for so long brings an end that is seen. */
		if (host_now_ms(w->h) >= until || (w->cancelled && w->cancelled(w)))
			return 0;
		host_sleep_ms(w->h, STEP_MS);
	}
}

static void drift_json(struct json *j, json_object *to, const struct drift *d)
{
	json_object *list;

	json_add_str(j, to, "pf", BDF_TEXT(d->pf));
	json_add_str(j, to, "decided", d->decided);
	json_add_bool(j, to, "repair", d->can_repair);
	list = json_add_array(j, to, "differences");
	for (size_t i = 0; i < d->n; i++) {
		autofree char *text = difference_text(&d->v[i]);
		json_object *e = json_add_object(j, list, NULL);
		size_t skip = strlen(d->v[i].function) + 2;

		json_add_str(j, e, "function", d->v[i].function);
		json_add_str(j, e, "what", text ? text + skip : "?");
	}
}

/* A configuration that cannot be used is a difference, too: nothing keeps the PF as it should be.
 */
static void unusable_json(struct json *j, json_object *to, struct bdf pf, const struct problem *p)
{
	autofree char *text = p ? problem_text(p) : NULL;
	json_object *e;

	json_add_str(j, to, "pf", BDF_TEXT(pf));
	json_add_bool(j, to, "repair", false);
	e = json_add_object(j, json_add_array(j, to, "differences"), NULL);
	json_add_str(j, e, "function", BDF_TEXT(pf));
	json_add_fmt(
		j, e, "what", "cannot be compared with the configuration: %s", text ? text : "?");
}

static int put_drift_of(struct worker *w, struct bdf pf, struct json *j, json_object *list)
{
	autodrift d = { 0 };
	autoproblem *p = NULL;
	int r = find_settled(w, pf, &d, &p);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		unusable_json(j, json_add_object(j, list, NULL), pf, p);
	else if (d.n)
		drift_json(j, json_add_object(j, list, NULL), &d);
	return 0;
}

static int put_drift(struct worker *w, const struct order *o, const struct inventory *inv,
	struct json *j, struct problem **reterr)
{
	json_object *list = json_add_array(j, j->root, "drift");
	int r = 0;

	for (size_t i = 0; o->drift && r == 0 && i < inv->n_functions; i++) {
		const struct function *f = &inv->functions[i];

		if (f->kind == FUNCTION_PF && is_asked(o, f))
			r = put_drift_of(w, f->bdf, j, list);
	}
	return r < 0 ? no_memory(reterr) : 0;
}

int worker_check(struct worker *w, const struct order *o, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct worker_answer a;
	autojson j = json_start();
	int r = inventory_load(w->h, 0, &inv, reterr);

	if (r == 0)
		r = put_health(w, o, inv, &j, reterr);
	if (r == 0)
		r = put_drift(w, o, inv, &j, reterr);
	if (r < 0)
		return r;
	r = worker_answer_open(&a, reterr);
	if (r < 0)
		return r;
	r = json_print(&j, &a.out, reterr);
	return worker_answer_close(w, &a, r, reterr);
}

/* ---- Repairing ---- */

/* Looked at anew under the lock: what has come right meanwhile, or is used now, is left alone. */
static int repair(struct worker *w, const struct order *o, struct bdf pf, unsigned *ret_id,
	struct problem **reterr)
{
	const struct apply_opts opts = worker_apply_opts(w, o);
	static const struct plan_opts careful = { 0 };
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autowork *work = NULL;
	autodrift d = { 0 };
	autoplan plan = { 0 };
	autonow now = { 0 };
	const struct problem *no;
	int r = worker_verify_card(w, pf, reterr);

	if (r == 0)
		r = work_begin(w->h, &pf, 1, &opts, &work, reterr);
	if (r == 0)
		r = find(w, pf, &d, reterr);
	if (r < 0 || !d.can_repair)
		return r;
	r = inventory_load(w->h, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, reterr);
	if (r == 0)
		r = now_read(w->h, inv, &d.repair, w->driver_dir, &now, reterr);
	if (r == 0 && plan_make(inv, &now, &d.repair, &careful, &plan) < 0)
		r = no_memory(reterr);
	no = r == 0 ? plan_refusal(&plan) : NULL;
	if (no)
		r = problem(reterr, no->code, no->kind, no->hint, "%s", no->what);
	return r < 0 ? r : plan_apply(work, &plan, &opts, ret_id, reterr);
}

int worker_reconcile(
	struct worker *w, const struct order *o, unsigned *ret_id, struct problem **reterr)
{
	int done = 0;

	for (char *const *f = o->functions; f && *f; f++) {
		struct bdf pf;
		int r = bdf_parse(*f, &pf);

		if (r < 0)
			return problem(reterr, r, PROBLEM_USAGE, NULL,
				"'%s' is not the address of a function", *f);
		r = repair(w, o, pf, ret_id, reterr);
		if (r < 0)
			return r;
		done |= r;
	}
	return done;
}
