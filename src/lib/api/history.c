// SPDX-License-Identifier: GPL-2.0-or-later
#include "wishes.h"

#include "base/str.h"

struct vfctl_entry {
	struct entry e;
	struct vfctl_step *steps;
};

struct vfctl_history {
	struct vfctl_entry *v;
	size_t n;
};

static void entry_free_texts(struct vfctl_entry *e)
{
	step_texts_free(e->steps, e->e.plan.n);
	entry_done(&e->e);
}

void vfctl_history_free(struct vfctl_history *h)
{
	if (!h)
		return;
	for (size_t i = 0; i < h->n; i++)
		entry_free_texts(&h->v[i]);
	free(h->v);
	free(h);
}

static struct journal_place place_of(const struct vfctl_host *host)
{
	return (struct journal_place) { .run_dir = host->run_dir,
		.history_dir = host->history_dir };
}

static int read_all(struct vfctl_host *host, struct vfctl_history *h, struct problem **reterr)
{
	const struct journal_place place = place_of(host);
	autofree unsigned *ids = NULL;
	size_t n = 0;
	int r = 0;

	/* A captured machine's history is not this one's. */
	if (place.run_dir && place.history_dir && !host->host->captured)
		r = journal_ids(&place, &ids, &n);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot read the history in %s: %s", place.history_dir, strerror(-r));
	h->v = calloc(n + 1, sizeof(*h->v));
	while (h->v && n-- > 0) {
		struct vfctl_entry *e = &h->v[h->n];

		/* One that has just gone, or of which not a record is whole, tells nothing. */
		if (journal_read(&place, ids[n], &e->e) < 0)
			continue;
		h->n++;
		if (step_texts(&e->e.plan, &e->steps) < 0)
			return api_no_memory(reterr);
	}
	return h->v ? 0 : api_no_memory(reterr);
}

int vfctl_history_read(
	struct vfctl_host *host, struct vfctl_history **ret, struct vfctl_error **reterr)
{
	struct vfctl_history *h = calloc(1, sizeof(*h));
	struct problem *p = NULL;
	int r = h ? read_all(host, h, &p) : -ENOMEM;

	if (r < 0) {
		vfctl_history_free(h);
		return api_error(reterr, p, r);
	}
	*ret = h;
	return 0;
}

size_t vfctl_history_entries(const struct vfctl_history *h)
{
	return h->n;
}

const struct vfctl_entry *vfctl_history_entry(const struct vfctl_history *h, size_t i)
{
	return i < h->n ? &h->v[i] : NULL;
}

unsigned vfctl_entry_id(const struct vfctl_entry *e)
{
	return e->e.id;
}

int64_t vfctl_entry_begin(const struct vfctl_entry *e)
{
	return e->e.begin_s;
}

int64_t vfctl_entry_end(const struct vfctl_entry *e)
{
	return e->e.end_s;
}

const char *vfctl_entry_command(const struct vfctl_entry *e)
{
	return e->e.verb;
}

const char *vfctl_entry_outcome(const struct vfctl_entry *e)
{
	return journal_end_name(e->e.end);
}

size_t vfctl_entry_steps(const struct vfctl_entry *e)
{
	return e->e.plan.n;
}

const struct vfctl_step *vfctl_entry_step(const struct vfctl_entry *e, size_t i)
{
	return i < e->e.plan.n ? &e->steps[i] : NULL;
}

int vfctl_entry_result(const struct vfctl_entry *e, size_t i, const char **ret_why)
{
	const struct entry_step *s = i < e->e.plan.n ? &e->e.steps[i] : NULL;

	if (ret_why)
		*ret_why = s ? s->text : NULL;
	return s && s->ended ? s->code : -ECANCELED;
}

/* ---- Undoing ---- */

static int refuse_drift(struct vfctl_host *host, const struct entry *e, const struct wishes *w,
	struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autonow now = { 0 };
	int r = inventory_load(host->host, INVENTORY_OVERRIDES | INVENTORY_SRIOV, &inv, reterr);

	if (r == 0)
		r = now_read(host->host, inv, w, host->driver_dir, &now, reterr);
	return r < 0 ? r : entry_drift(e, inv, &now, reterr);
}

/* What a change was about may stand elsewhere by now; or something else where it stood. */
static int follow(struct vfctl_host *host, struct entry *e, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	const struct apply_opts opts = { 0 };
	int r = inventory_load(host->host, INVENTORY_SRIOV, &inv, reterr);

	return r < 0 ? r : entry_follow(host->host, inv, e, &opts, reterr);
}

static int undo(struct vfctl_host *host, unsigned id, unsigned flags, struct vfctl_plan **ret,
	struct problem **reterr)
{
	const struct journal_place place = place_of(host);
	autowishes w = { 0 };
	autoentry e = { 0 };
	int r = -ENOENT;

	if (place.run_dir && place.history_dir && !host->host->captured)
		r = journal_read(&place, id, &e);
	if (r < 0)
		return problem(reterr, r,
			r == -ENOENT ? PROBLEM_NOT_FOUND : problem_kind_from_errno(r), NULL,
			"there is no change %u in the history", id);
	r = follow(host, &e, reterr);
	if (r == 0)
		r = entry_undo(&e, &w, reterr);
	if (r == 0 && !(flags & VFCTL_ALLOW_DRIFT))
		r = refuse_drift(host, &e, &w, reterr);
	if (r < 0)
		return r;
	/* Taking back a creation destroys, and that is what is asked for. */
	flags = (flags & ~(unsigned)VFCTL_ALLOW_DRIFT) | VFCTL_ALLOW_DESTROY;
	return api_plan_new(host, &w, flags, ret, reterr);
}

int vfctl_plan_undo(struct vfctl_host *host, unsigned id, unsigned flags, struct vfctl_plan **ret,
	struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	int r = undo(host, id, flags, ret, &p);

	return r < 0 ? api_error(reterr, p, r) : 0;
}

struct recovery {
	int n;
};

static void recovered(void *arg, const struct entry *e UNUSED, enum journal_end how UNUSED,
	const struct problem *why_not UNUSED)
{
	struct recovery *r = arg;

	r->n++;
}

int vfctl_recover(struct vfctl_host *host, struct vfctl_error **reterr)
{
	struct recovery found = { 0 };
	struct problem *p = NULL;
	autorun run = { 0 };
	int r = run_init(&run, host, 0, 0, "recover", &p);

	if (r == 0 && run.opts.journal) {
		run.opts.waiting = NULL;
		run.opts.recovered = recovered;
		run.opts.arg = &found;
		r = work_recover(host->host, &run.opts, &p);
	}
	return r < 0 ? api_error(reterr, p, r) : found.n;
}
