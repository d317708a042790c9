// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"
#include "base/str.h"
#include "identity/stable.h"
#include "setting/setting.h"

static const struct option options[] = {
	{ 0, "allow-in-use", TAKES_NOTHING, NULL, "also when somebody uses it", NULL },
};

static const struct example examples[] = {
	{ "set ens1f0/vf0 mac=02:00:00:00:00:01", "the address that its guest sees" },
	{ "set ens1f0/vf0-3 mac=stable", "each its own, the same for ever" },
	{ "set ens1f0/vf0-3 vlan=100 spoofchk=on", "the same for four VFs" },
	{ "set ens1f0 eswitch-mode=switchdev", "a port for each VF" },
	{ "set 3b:02.0 msix=16", "vectors of an unbound VF" },
	{ "set nvme0/vf0 vq=2 vi=1 online=yes", "queues and interrupts, in order" },
};

struct settings {
	const char *const *words;
	size_t n;
	/* The same with an address in place of "stable": whether they can be right at all. */
	char **plain;
	bool stable; /* some are */
};

static void settings_done(struct settings *s)
{
	strv_free(s->plain);
}

static int make_plain(struct settings *s)
{
	for (size_t i = 0; i < s->n; i++) {
		bool stable = stable_is(s->words[i]);
		const char *word = !stable			     ? s->words[i]
				   : str_starts(s->words[i], "mac=") ? "mac=02:00:00:00:00:01"
				   : str_starts(s->words[i], "node-")
					   ? "node-guid=02:00:00:00:00:00:00:01"
					   : "port-guid=02:00:00:00:00:00:00:01";

		if (strv_add(&s->plain, word) < 0)
			return -ENOMEM;
		s->stable |= stable;
	}
	return 0;
}

static int refuse_shared(const struct settings *s, struct problem **reterr)
{
	for (size_t i = 0; i < s->n; i++) {
		const char *word = settings_unique(&s->words[i], 1);

		if (word && !stable_is(word))
			return problem(reterr, -EINVAL, PROBLEM_USAGE,
				"set it for each VF by itself, or say stable",
				"%s for several VFs: they would be the same", word);
	}
	return 0;
}

/* Those of one VF, in the order in which its words were tried. */
struct answer {
	const struct function *f;
	char **words; /* what is set: addresses where "stable" was asked for */
	struct results results;
};

struct answers {
	struct act *act;
	const struct settings *s;
	struct answer *v;
	size_t n;
};

static void answers_done(struct answers *all)
{
	for (size_t i = 0; all->v && i < all->n; i++) {
		results_done(&all->v[i].results);
		strv_free(all->v[i].words);
	}
	free(all->v);
}

static void add_result(
	void *arg, const struct function *f, const char *word, int code, struct problem *p)
{
	struct answer *a = arg;

	results_add(&a->results, f->address, code, true, p, "%s", word);
}

static void step_told(
	void *arg, const struct step *s, const char *word, int code, struct problem *p)
{
	struct answers *all = arg;
	const struct action *todo = &s->todo;

	for (size_t i = 0; i < all->n; i++) {
		struct answer *a = &all->v[i];
		const struct function *f = a->f;
		bool own = f->physfn ? bdf_eq(f->physfn->bdf, todo->bdf) && f->vf_index == todo->vf
				     : bdf_eq(f->bdf, todo->bdf) && todo->vf == OF_ITSELF;

		/* Without a word it is a step that could not even try one. */
		if (!own || (!word && (code >= 0 || a->results.n)))
			continue;
		results_add(&a->results, f->address, code, false, TAKE_PTR(p), "%s",
			word ? word : todo->words[0]);
	}
	problem_free(p);
}

/* --dry-run */
static void compare(struct answers *all, struct answer *a)
{
	struct setting_opts opts = {
		.dry_run = true,
		.allow_in_use = all->act->allow_in_use,
		.learned_dir = all->act->cli->root ? NULL : all->act->cli->learned_dir,
		.result = add_result,
		.arg = a,
	};
	struct problem *p = NULL;
	int r = settings_apply(
		all->act->host, a->f, (const char *const *)a->words, all->s->n, &opts, &p);

	if (!a->results.n) /* nothing could be tried */
		results_add(&a->results, a->f->address, r, true, p, "%s", a->words[0]);
}

static int add_wish(struct wishes *w, const struct answer *a)
{
	const struct function *f = a->f;
	struct pf_wish *pf = wishes_pf(w, f->physfn ? f->physfn->bdf : f->bdf);
	struct vf_wish *vf = pf && f->physfn ? pf_wish_vf(pf, (unsigned)f->vf_index) : NULL;
	int r = pf && (vf || !f->physfn) ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && a->words[i]; i++)
		r = wish_setting(vf ? &vf->settings : &pf->settings, a->words[i]);
	return r;
}

static int apply(struct answers *all, struct problem **reterr)
{
	struct apply_opts opts = act_apply_opts(all->act);
	autoproblem *p = NULL;
	autowishes w = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < all->n; i++)
		r = add_wish(&w, &all->v[i]);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	opts.keep_going = true;
	opts.result = step_told;
	opts.result_arg = all;
	r = act_apply(all->act, &w, &(struct plan_opts) { .as_is = true }, &opts, &p);
	/* Nothing was even tried. */
	for (size_t i = 0; r < 0 && i < all->n; i++)
		if (all->v[i].results.n)
			r = 0;
	if (r < 0 && reterr)
		*reterr = TAKE_PTR(p);
	return MIN(r, 0);
}

/* What needed no step is so already. */
static void show_all(struct answers *all)
{
	for (size_t i = 0; i < all->n; i++) {
		struct answer *a = &all->v[i];

		for (size_t k = 0; !a->results.n && k < all->s->n; k++)
			act_add(all->act, a->f->address, 0, NULL, "%s", a->words[k]);
		results_move(&all->act->results, &a->results);
	}
}

/* Each VF's own words. */
static int fill(struct answers *all, const struct selection *found, struct problem **reterr)
{
	CLEANUP(stable_freep) struct stable *stable = NULL;
	struct act *act = all->act;
	int r = 0;

	all->v = calloc(found->n + 1, sizeof(*all->v));
	if (!all->v)
		return -ENOMEM;
	if (all->s->stable)
		r = stable_new(act->host, act->inv,
			act->cli->identity_dir ? act->cli->identity_dir : IDENTITY_DIR, &stable);
	for (; r == 0 && all->n < found->n; all->n++) {
		const struct function *f = found->v[all->n];
		const struct stable_owner owner = { f->physfn ? f->physfn->bdf : f->bdf,
			f->vf_index };

		all->v[all->n].f = f;
		r = stable_words(
			stable, owner, all->s->words, all->s->n, &all->v[all->n].words, reterr);
		if (r < 0)
			break;
	}
	return r;
}

static int set_each(struct act *act, const struct selection *found, const struct settings *s,
	struct problem **reterr)
{
	CLEANUP(answers_done) struct answers all = { act, s, NULL, 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->n; i++)
		r = settings_suit(found->v[i], (const char *const *)s->plain, s->n, reterr);
	if (r == 0 && found->n > 1)
		r = refuse_shared(s, reterr);
	if (r == 0)
		r = act_lock(act, found, reterr);
	if (r == 0)
		r = fill(&all, found, reterr);
	if (r < 0)
		return r;
	for (size_t i = 0; act->cli->dry_run && i < all.n; i++)
		compare(&all, &all.v[i]);
	if (!act->cli->dry_run)
		r = apply(&all, reterr);
	if (r == 0)
		show_all(&all);
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(settings_done) struct settings s = { .words = a->words + 1, .n = a->n_words - 1 };
	autoselection found = { 0 };
	autoact act = { 0 };
	int r;

	r = make_plain(&s);
	if (r == 0)
		r = settings_check((const char *const *)s.plain, s.n, reterr);
	if (r == 0)
		r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = act_find_daemon(&act, reterr);
	if (r == 0)
		r = select_some(act.host, act.inv, a->words, 1, &found, reterr);
	if (r == 0)
		r = set_each(&act, &found, &s, reterr);
	return r < 0 ? r : act_finish(&act, reterr);
}

/* Names alone, wrapped: what each takes would be more than a screen. */
static void details(FILE *to)
{
	const struct setting_key *key;
	const char *kind = "";
	int column = 0;

	fputs("\nKeys (KEY=? tells what it takes; *-mode, quota.all-*, qat are a PF's):", to);
	for (unsigned i = 0; (key = setting_key_at(i)); i++) {
		const char *of = setting_key_kind(key);
		int len = (int)strlen(key->name) + 1;

		if (!str_eq(kind, of))
			column = fprintf(to, "\n  %-8s", of) - 1;
		else if (column + len > 79)
			column = fprintf(to, "\n  %8s", "") - 1;
		kind = of;
		column += fprintf(to, " %s", key->name);
	}
	fputc('\n', to);
}

const struct verb verb_set = {
	.name = "set",
	.section = VERB_ACT,
	.args = "SELECTOR KEY=VALUE…",
	.summary = "settings of VFs and PFs",
	.description =
		"Sets what a VF, or several, or a PF have, each with a result of its own, and\n"
		"reads it back: attributes of network VFs through the PF's interface, the switch\n"
		"and its ports through devlink, queues and state of NVMe VFs through the PF's\n"
		"admin queue (offline, resources, online, in the right order), interrupt vectors,\n"
		"GPU quotas and accelerator services. Which of them a driver does not have, it\n"
		"says; vfctl show tells what is known of it. mac=stable and the like are\n"
		"addresses that the VF has for ever; see vfctl-pf.d(5).\n",
	.details = details,
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function> mac=|vlan=|qos=|proto=|spoofchk=|trust=|min-rate=|max-rate=|"
		     "link-state=|query-rss=|node-guid=|port-guid=|eswitch-mode=|inline-mode=|"
		     "encap-mode=|hw-addr=|port-state=|roce=|migratable=|ipsec-crypto=|"
		     "ipsec-packet=|max-io-eqs=|tx-share=|tx-max=|tx-priority=|tx-weight=|vq=|vi=|"
		     "online=|msix=|quota.exec-quantum-ms=|quota.preempt-timeout-us=|"
		     "quota.sched-priority=|quota.vram=|quota.stop=|quota.all-exec-quantum-ms=|"
		     "quota.all-preempt-timeout-us=|quota.all-sched-priority=|quota.all-vram=|"
		     "services=|pm-idle=|auto-reset=",
	.min_args = 2,
	.max_args = ANY_NUMBER,
	.run = run,
};
