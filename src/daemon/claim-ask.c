// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Assign and Release: who may ask for what. The right to change is enough for all; who has that to
 * claim only is judged further by the worker, with what is known here for certain of who asks.
 */
#include "claim-ask.h"
#include "job-inside.h"
#include "method.h"
#include "polkit.h"

#include "base/str.h"
#include "claim/owner.h"
#include "ipc/names.h"

/* ---- What is asked for ---- */

/* Arguments are read before polkit is asked and, by who is let through, once more. */
static int read_order(
	sd_bus_message *asked, enum order_kind kind, struct order *o, struct problem **reterr)
{
	int r = sd_bus_message_rewind(asked, true);

	o->kind = kind;
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL, "the message cannot be read");
	r = method_request(asked, o, reterr);
	return r < 0 ? r : method_options(asked, o, reterr);
}

/* A function may be gone, and its claim still be there. */
static int find_pfs(
	struct manager *m, const struct order *o, struct bdf *pfs, struct problem **reterr)
{
	for (size_t i = 0; o->functions && o->functions[i]; i++) {
		struct bdf a;

		if (bdf_parse(o->functions[i], &a) < 0)
			return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
				"'%s' is not the address of a function", o->functions[i]);
		if (watch_pf_of(m->watch, a, &pfs[i]) < 0)
			pfs[i] = a;
	}
	return 0;
}

/* ---- The process that is to be the owner, as it is now ---- */

static void note_start(struct manager *m, struct order *o)
{
	static const char process[] = "process:";
	uint32_t pid;

	if (o->kind == ORDER_ASSIGN && str_starts(o->claim.owner, process) &&
		parse_u32(o->claim.owner + strlen(process), &pid) == 0 && pid <= INT32_MAX)
		(void)process_start(m->host, (int)pid, &o->claim.asker.start);
}

static int go(
	struct manager *m, sd_bus_message *asked, enum order_kind kind, unsigned uid, bool admin)
{
	autofree struct bdf *pfs = NULL;
	autoproblem *p = NULL;
	autoorder o = { 0 };
	size_t n;
	int r = read_order(asked, kind, &o, &p);

	n = r == 0 ? strv_len(o.functions) : 0;
	if (r == 0) {
		pfs = calloc(n + 1, sizeof(*pfs));
		r = pfs ? find_pfs(m, &o, pfs, &p) : -ENOMEM;
	}
	if (r == 0)
		r = job_refuse_early(m, &p);
	if (r < 0)
		return reply_problem(asked, p);
	o.claim.asker.uid = uid;
	o.claim.asker.admin = admin;
	note_start(m, &o);
	return job_enqueue(m, asked, &o, TAKE_PTR(pfs), n, uid);
}

static int go_assign_admin(struct manager *m, sd_bus_message *asked, unsigned uid)
{
	return go(m, asked, ORDER_ASSIGN, uid, true);
}

static int go_assign(struct manager *m, sd_bus_message *asked, unsigned uid)
{
	return go(m, asked, ORDER_ASSIGN, uid, false);
}

static int go_release_admin(struct manager *m, sd_bus_message *asked, unsigned uid)
{
	return go(m, asked, ORDER_RELEASE, uid, true);
}

static int go_release(struct manager *m, sd_bus_message *asked, unsigned uid)
{
	return go(m, asked, ORDER_RELEASE, uid, false);
}

/* ---- Whom polkit is asked about ---- */

/* What only who may change has, so that he is asked for the password of that. */
static bool takes_admin(const struct order *o)
{
	const struct order_claim *c = &o->claim;

	return o->kind == ORDER_ASSIGN && (c->settings || str_starts(c->owner, "domain:") ||
						  str_starts(c->owner, "container:"));
}

static int ask(struct manager *m, sd_bus_message *asked, const struct order *o)
{
	const struct polkit_way ways[] = {
		{ POLKIT_CHANGE, o->kind == ORDER_ASSIGN ? go_assign_admin : go_release_admin },
		{ POLKIT_CLAIM, o->kind == ORDER_ASSIGN ? go_assign : go_release },
	};
	const char *about[POLKIT_ABOUT_MAX + 1] = { NULL };
	unsigned n = 0;

	if (o->claim.pool) {
		about[n++] = "pool";
		about[n++] = o->claim.pool;
	}
	if (o->claim.owner) {
		about[n++] = "owner";
		about[n++] = o->claim.owner;
	}
	return polkit_ask_ways(m, asked, about, ways, takes_admin(o) ? 1 : 2);
}

static int on_asked(struct manager *m, sd_bus_message *asked, enum order_kind kind)
{
	autoproblem *p = NULL;
	autoorder o = { 0 };

	if (read_order(asked, kind, &o, &p) < 0)
		return reply_problem(asked, p);
	return ask(m, asked, &o);
}

int claim_assign(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return on_asked(arg, asked, ORDER_ASSIGN);
}

int claim_release(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return on_asked(arg, asked, ORDER_RELEASE);
}
