// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "act.h"
#include "base/str.h"
#include "setting/setting.h"

static const struct option options[] = {
	{ 0, "allow-in-use", TAKES_NOTHING, NULL, "also when somebody uses it", NULL },
};

static const struct example examples[] = {
	{ "set ens1f0/vf0 mac=02:00:00:00:00:01", "the address that its guest sees" },
	{ "set ens1f0/vf0-3 vlan=100 spoofchk=on", "the same for four VFs" },
	{ "set ens1f0 eswitch-mode=switchdev", "a port for each VF" },
	{ "set 3b:02.0 msix=16", "vectors of an unbound VF" },
	{ "set nvme0/vf0 vq=2 vi=1 online=yes", "queues and interrupts, in order" },
};

struct settings {
	const char *const *words;
	size_t n;
};

static int refuse_shared(const struct settings *s, struct problem **reterr)
{
	const char *word = settings_unique(s->words, s->n);

	if (!word)
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, "set it for each VF by itself",
		"%s for several VFs: they would be the same", word);
}

static void add_result(
	void *arg, const struct function *vf, const char *word, int code, struct problem *p)
{
	act_add(arg, vf->address, code, p, "%s", word);
}

static void set(struct act *act, const struct function *vf, const struct settings *s)
{
	struct setting_opts opts = {
		.dry_run = act->cli->dry_run,
		.allow_in_use = act->allow_in_use,
		.learned_dir = act->cli->root ? NULL : act->cli->learned_dir,
		.result = add_result,
		.arg = act,
	};
	struct problem *p = NULL;
	size_t before = act->results.n;
	int r;

	r = settings_apply(act->host, vf, s->words, s->n, &opts, &p);
	if (act->results.n == before) /* nothing could be tried */
		act_add(act, vf->address, r, p, "%s", s->words[0]);
}

static int set_each(struct act *act, const struct selection *found, const struct settings *s,
	struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->n; i++)
		r = settings_suit(found->v[i], s->words, s->n, reterr);
	if (r == 0 && found->n > 1)
		r = refuse_shared(s, reterr);
	for (size_t i = 0; r == 0 && i < found->n; i++)
		set(act, found->v[i], s);
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct settings s = { a->words + 1, a->n_words - 1 };
	autoselection found = { 0 };
	autoact act = { 0 };
	int r;

	r = settings_check(s.words, s.n, reterr);
	if (r == 0)
		r = act_start(&act, cli, a, reterr);
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

	fputs("\nKeys (KEY=? tells what it takes; *-mode, quota.all-* and those of qat are a PF's):",
		to);
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
		"says; vfctl show tells what is known of it.\n",
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
