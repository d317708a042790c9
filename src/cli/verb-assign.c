// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act-claim.h"
#include "checking.h"
#include "config.h"
#include "base/str.h"
#include "policy/policy.h"

#include <grp.h>
#include <pwd.h>

static const struct option options[] = {
	{ 0, "to", TAKES_VALUE, "OWNER", "process:PID, domain:NAME, container:ID…", "<new-owner>" },
	{ 0, "pool", TAKES_VALUE, "NAME", "choose from this pool", "<pool>" },
	{ 0, "count", TAKES_VALUE, "N", "so many, or none (of a pool: 1)", "" },
	{ 0, "near", TAKES_VALUE, "NODE", "prefer this NUMA node", "<node>" },
	{ 0, "user", TAKES_VALUE, "USER", "who may open the device node meanwhile", "<user>" },
	{ 0, "group", TAKES_VALUE, "GROUP", "and which group", "<group>" },
	OPTION_MEM,
	OPTION_COLUMNS,
	OPTION_TIMEOUT,
};

static const struct example examples[] = {
	{ "assign ens1f0/vf3 --to process:4711", "one VF, for as long as it runs" },
	{ "assign --pool fast --count 2 --to domain:web1", "two of a pool" },
	{ "assign ens1f0/vf0 vlan=100 --to manual:lab --user alice", "and her user may open it" },
	{ "assign ens1f0/vf0-7 --count 1 --near 1 --to container:web", "a free one of these" },
};

struct wanted {
	struct claim_request q;
	struct owner owner;
	struct bdf *among;
	char **settings;
};

static void wanted_done(struct wanted *w)
{
	owner_done(&w->owner);
	strv_free(w->settings);
	free(w->among);
}

/* ---- What was asked for ---- */

static int read_number(const struct args *a, const char *option, unsigned least, unsigned *ret,
	struct problem **reterr)
{
	const char *text = args_value(a, option);
	uint32_t n;

	if (!text)
		return 0;
	if (parse_u32(text, &n) < 0 || n < least || n > 65535)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"--%s %s: not a number from %u to 65535", option, text, least);
	*ret = n;
	return 1;
}

static int unknown(const char *what, const char *name, struct problem **reterr)
{
	autofree char *safe = str_printable(name);

	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "there is no %s '%s'", what,
		safe ? safe : "?");
}

static int read_users(const struct args *a, struct claim_request *q, struct problem **reterr)
{
	const char *user = args_value(a, "user"), *group = args_value(a, "group");
	const struct passwd *pw = user ? getpwnam(user) : NULL;
	const struct group *gr = group ? getgrnam(group) : NULL;
	uint32_t n;

	q->give_node = user || group;
	q->node_uid = (uid_t)-1;
	q->node_gid = (gid_t)-1;
	if (pw)
		q->node_uid = pw->pw_uid;
	else if (user && parse_u32(user, &n) == 0 && n < UINT32_MAX)
		q->node_uid = n;
	else if (user)
		return unknown("user", user, reterr);
	if (gr)
		q->node_gid = gr->gr_gid;
	else if (group && parse_u32(group, &n) == 0 && n < UINT32_MAX)
		q->node_gid = n;
	else if (group)
		return unknown("group", group, reterr);
	return 0;
}

/* A selector comes first, unless a pool is named; all others are settings. */
static int check_words(const struct args *a, struct problem **reterr)
{
	bool pool = args_has(a, "pool");

	if (!args_has(a, "to"))
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"--to process:PID, domain:NAME, container:ID or manual:TEXT",
			"assign: to whom?");
	if (!pool && !a->n_words)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "name one, or --pool NAME",
			"assign: which function?");
	for (size_t i = pool ? 0 : 1; i < a->n_words; i++)
		if (!strchr(a->words[i], '='))
			return problem(reterr, -EINVAL, PROBLEM_USAGE,
				pool ? "a pool is all to choose from"
				     : "one selector may name several: ens1f0/vf0-3",
				"%s is no setting KEY=VALUE", a->words[i]);
	return 0;
}

/* The daemon looks for itself. */
static int find_in_pool(
	struct act *act, const char *name, struct wanted *w, struct problem **reterr)
{
	CLEANUP(policy_freep) struct policy *p = NULL;
	int r;

	w->q.pool = name;
	if (act->daemon)
		return 0;
	r = cli_policy(act->cli, act->inv, NULL, 0, &p, reterr);
	return r < 0 ? r : policy_pool_members(p, name, &w->among, &w->q.n_among, reterr);
}

static int find_selected(
	struct act *act, const char *const *word, struct wanted *w, struct problem **reterr)
{
	autoselection found = { 0 };
	int r = select_some(act->host, act->inv, word, 1, &found, reterr);

	if (r < 0)
		return r;
	w->among = calloc(found.n + 1, sizeof(*w->among));
	if (!w->among)
		return -ENOMEM;
	for (size_t i = 0; i < found.n; i++)
		w->among[i] = found.v[i]->bdf;
	w->q.n_among = found.n;
	return 0;
}

static int find(struct act *act, const struct args *a, struct wanted *w, struct problem **reterr)
{
	const char *pool = args_value(a, "pool");
	unsigned count;
	int r = pool ? find_in_pool(act, pool, w, reterr) : find_selected(act, a->words, w, reterr);

	for (size_t i = pool ? 0 : 1; r == 0 && i < a->n_words; i++)
		r = strv_add(&w->settings, a->words[i]);
	if (r < 0)
		return r;
	count = pool ? 1 : (unsigned)w->q.n_among;
	r = read_number(a, "count", 1, &count, reterr);
	w->q.among = w->among;
	w->q.count = count;
	w->q.settings = w->settings;
	return MIN(r, 0);
}

static int understand(
	struct act *act, const struct args *a, struct wanted *w, struct problem **reterr)
{
	unsigned near;
	int r = read_users(a, &w->q, reterr);

	if (r == 0)
		r = owner_parse(act->host, args_value(a, "to"), &w->owner, reterr);
	if (r == 0)
		r = find(act, a, w, reterr);
	if (r < 0)
		return r;
	r = read_number(a, "near", 0, &near, reterr);
	w->q.near = r > 0 ? (int)near : -1;
	w->q.owner = &w->owner;
	w->q.uid = getuid();
	return MIN(r, 0);
}

/* ---- What an owner needs beside the function ---- */

static void note_memlock(struct act *act, const struct owner *o, const struct check_opts *check)
{
	autofree char *text = NULL, *hint = NULL;

	if (owner_memlock_missing(act->host, o, check->memory_bytes, &text, &hint) > 0)
		fprintf(act->cli->out.notes, "vfctl: note: %s\n  hint: %s\n", text, hint);
}

static int show(struct act *act, const struct leases *s, struct problem **reterr)
{
	autofree const struct lease **v = calloc(s->n + 1, sizeof(*v));
	autofree char *owner = s->n ? owner_text(&s->v[0].owner) : NULL;

	if (!v)
		return -ENOMEM;
	for (size_t i = 0; i < s->n; i++)
		v[i] = &s->v[i];
	if (!act->cli->dry_run)
		return act_show_leases(act->cli, act->host, act->inv, v, s->n, NULL, reterr);
	for (size_t i = 0; i < s->n; i++)
		act_add(act, BDF_TEXT(v[i]->bdf), 1, NULL, "assign to %s", owner ? owner : "?");
	return act_finish(act, reterr);
}

static int verify_cards(struct act *act, const struct wanted *w, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->q.n_among; i++) {
		const struct function *f = inventory_find_bdf(act->inv, w->among[i]);

		if (f)
			r = act_verify_card(act, f->physfn ? f->physfn->bdf : f->bdf, reterr);
	}
	return r;
}

static int assign(struct act *act, const struct wanted *w, const struct check_opts *check,
	struct problem **reterr)
{
	const struct claim_opts opts = act_claim_opts(act);
	autoleases given = { 0 };
	int r = verify_cards(act, w, reterr);

	if (r < 0)
		return r;
	r = act->cli->dry_run ? claim_check(act->host, &w->q, &opts, &given, reterr)
			      : claim_take(act->host, &w->q, &opts, &given, reterr);
	cli_waited(act->cli);
	if (r < 0)
		return r;
	note_memlock(act, &w->owner, check);
	return show(act, &given, reterr);
}

/* ---- By the daemon ---- */

static int order_of(const struct args *a, const struct wanted *w, const struct check_opts *check,
	struct order *o)
{
	struct order_claim *c = &o->claim;
	int r;

	*o = (struct order) { .kind = ORDER_ASSIGN };
	c->count = (unsigned)w->q.count;
	c->near = w->q.near;
	c->memory_bytes = check->memory_bytes;
	c->give = w->q.give_node;
	c->give_uid = w->q.node_uid;
	c->give_gid = w->q.node_gid;
	r = wish_put(&c->owner, args_value(a, "to"));
	if (r == 0)
		r = wish_put(&c->pool, w->q.pool);
	for (char *const *s = w->settings; r == 0 && s && *s; s++)
		r = strv_add(&c->settings, *s);
	return r;
}

static int ask(struct act *act, const struct args *a, const struct wanted *w,
	const struct check_opts *check, struct problem **reterr)
{
	autofree char *answer = NULL;
	autoleaserows rows = { 0 };
	autoorder o = { 0 };
	int r = order_of(a, w, check, &o);

	if (r == 0)
		r = act_ask_claim(act, &o, w->among, w->q.n_among, &answer, reterr);
	cli_waited(act->cli);
	if (r < 0)
		return r;
	r = lease_rows_from_json(answer ? answer : "", act->inv, &rows);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, "vfctl leases shows it",
			"the daemon's answer makes no sense");
	return out_leases(&act->cli->out, rows.v, rows.n, NULL, reterr);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(wanted_done) struct wanted w = { 0 };
	struct check_opts check = { 0 };
	autoact act = { 0 };
	int r = check_words(a, reterr);

	if (r == 0)
		r = checking_opts(a, &check, reterr);
	if (r == 0)
		r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r >= 0)
		r = understand(&act, a, &w, reterr);
	if (r < 0)
		return r;
	return act.daemon ? ask(&act, a, &w, &check, reterr) : assign(&act, &w, &check, reterr);
}

const struct verb verb_assign = {
	.name = "assign",
	.section = VERB_HAND_OVER,
	.args = "[SELECTOR] [KEY=VALUE…]",
	.summary = "give functions to an owner who may die",
	.description =
		"Gives functions to an owner: free ones, that nobody uses, has claimed or keeps\n"
		"from VFIO; of a pool those of the PF with the least share given away, near the\n"
		"owner's CPUs. Settings are made, the best VFIO driver is bound, the device node\n"
		"is there and may belong to a user. All or none: a failure takes everything back.\n"
		"While they are claimed, other verbs refuse to touch them; release brings back\n"
		"what was before. A reboot forgets claims, as the kernel forgets drivers.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = lease_columns,
	.n_columns = &n_lease_columns,
	.completes = "<function> mac=|vlan=|qos=|spoofchk=|trust=|min-rate=|max-rate=|link-state=",
	.max_args = ANY_NUMBER,
	.run = run,
};
