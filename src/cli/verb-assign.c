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
	{ 0, "to", TAKES_VALUE, "OWNER", "process:PID, domain:NAME, container:ID…",
		"process: domain: container: manual:" },
	{ 0, "pool", TAKES_VALUE, "NAME", "choose from this pool", "" },
	{ 0, "count", TAKES_VALUE, "N", "so many, or none (of a pool: 1)", "" },
	{ 0, "near", TAKES_VALUE, "NODE", "prefer this NUMA node", "" },
	{ 0, "user", TAKES_VALUE, "USER", "who may open the device node meanwhile", "" },
	{ 0, "group", TAKES_VALUE, "GROUP", "and which group", "" },
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
	struct selection found;
	char **settings;
};

static void wanted_done(struct wanted *w)
{
	owner_done(&w->owner);
	selection_done(&w->found);
	strv_free(w->settings);
	free((void *)(uintptr_t)w->q.among);
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

static int find_in_pool(
	struct act *act, const char *name, struct wanted *w, struct problem **reterr)
{
	CLEANUP(policy_freep) struct policy *p = NULL;
	autopolicypools pools = { 0 };
	int r = cli_policy(act->cli, act->inv, NULL, 0, &p, reterr);

	if (r == 0)
		r = policy_refuse(p, reterr);
	if (r == 0)
		r = policy_pools_find(p, &pools);
	if (r < 0)
		return r;
	for (size_t i = 0; i < pools.n; i++) {
		if (!str_eq(pools.v[i].name, name))
			continue;
		w->found.v = calloc(pools.v[i].n + 1, sizeof(*w->found.v));
		if (!w->found.v)
			return -ENOMEM;
		for (size_t k = 0; k < pools.v[i].n; k++)
			if (pools.v[i].v[k].f)
				w->found.v[w->found.n++] =
					inventory_find_bdf(act->inv, pools.v[i].v[k].f->bdf);
		w->q.pool = name;
		return 0;
	}
	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
		"vfctl config pools shows those that there are", "no pool is called '%s'", name);
}

static int find(struct act *act, const struct args *a, struct wanted *w, struct problem **reterr)
{
	const char *pool = args_value(a, "pool");
	struct bdf *among;
	unsigned count;
	int r = pool ? find_in_pool(act, pool, w, reterr)
		     : select_some(act->host, act->inv, a->words, 1, &w->found, reterr);

	for (size_t i = pool ? 0 : 1; r == 0 && i < a->n_words; i++)
		r = strv_add(&w->settings, a->words[i]);
	among = r == 0 ? calloc(w->found.n + 1, sizeof(*among)) : NULL;
	if (!among)
		return r < 0 ? r : -ENOMEM;
	for (size_t i = 0; i < w->found.n; i++)
		among[i] = w->found.v[i]->bdf;
	w->q.among = among;
	w->q.n_among = w->found.n;
	count = pool ? 1 : (unsigned)w->found.n;
	r = read_number(a, "count", 1, &count, reterr);
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
	autostrbuf need = { 0 }, may = { 0 };
	uint64_t allowed;

	if (!check->memory_bytes || owner_memlock(act->host, o, &allowed) < 0 ||
		allowed >= check->memory_bytes)
		return;
	strbuf_add_size(&need, check->memory_bytes);
	strbuf_add_size(&may, allowed);
	fprintf(act->cli->out.notes,
		"vfctl: note: process %d may pin %s, and a guest of that size needs %s\n"
		"  hint: raise its limit: prlimit --pid %d --memlock=%s, LimitMEMLOCK= of its unit, or "
		"give it CAP_IPC_LOCK\n",
		o->pid, may.s, need.s, o->pid, need.s);
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

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(wanted_done) struct wanted w = { 0 };
	struct check_opts check = { 0 };
	struct claim_opts opts;
	autoleases given = { 0 };
	autoact act = { 0 };
	int r = check_words(a, reterr);

	if (r == 0)
		r = checking_opts(a, &check, reterr);
	if (r == 0)
		r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = understand(&act, a, &w, reterr);
	if (r == 0)
		r = act_verify_cards(&act, &w.found, reterr);
	if (r < 0)
		return r;
	opts = act_claim_opts(&act);
	r = cli->dry_run ? claim_check(act.host, &w.q, &opts, &given, reterr)
			 : claim_take(act.host, &w.q, &opts, &given, reterr);
	cli_waited(cli);
	if (r < 0)
		return r;
	note_memlock(&act, &w.owner, &check);
	return show(&act, &given, reterr);
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
