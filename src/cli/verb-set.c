// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "set.h"
#include "base/str.h"

static const struct option options[] = {
	{ 0, "allow-in-use", TAKES_NOTHING, NULL, "take NVMe offline under its users", NULL },
};

static const struct example examples[] = {
	{ "set ens1f0/vf0 mac=02:00:00:00:00:01", "the address that its guest sees" },
	{ "set ens1f0/vf0-3 vlan=100 spoofchk=on", "the same for four VFs" },
	{ "set nvme0/vf0 vq=2 vi=1 online=yes", "queues and interrupts, in order" },
};

/* What two VFs must not share. */
static int refuse_shared(const struct settings *s, struct problem **reterr)
{
	static const char *const own[] = { "mac=", "node-guid=", "port-guid=" };

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(own); k++)
			if (str_starts(s->words[i], own[k]))
				return problem(reterr, -EINVAL, PROBLEM_USAGE,
					"set it for each VF by itself",
					"%s for several VFs: they would be the same", s->words[i]);
	return 0;
}

static int require_vf(const struct function *f, bool nvme, struct problem **reterr)
{
	if (!f->physfn) {
		problem(reterr, -ENODEV, PROBLEM_UNSUPPORTED, NULL,
			"%s is not a VF: attributes are set for VFs", f->address);
		if (f->kind == FUNCTION_PF)
			problem_hint(reterr, "its VFs are %s/vf0 and so on", f->address);
		return -ENODEV;
	}
	if (nvme && !class_is_nvme(f->id.class_code))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s is no NVMe controller: it has no vq, vi or online", f->address);
	if (!nvme && class_is_nvme(f->id.class_code))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"an NVMe controller has vq, vi and online",
			"%s is an NVMe controller, not a network function", f->address);
	return 0;
}

static int check(const struct settings *s, bool *ret_nvme, struct problem **reterr)
{
	*ret_nvme = false;
	for (size_t i = 0; i < s->n; i++) {
		*ret_nvme |= set_is_nvme(s->words[i]);
		if (!strchr(s->words[i], '='))
			return problem(reterr, -EINVAL, PROBLEM_USAGE,
				"vfctl set VF KEY=VALUE…, one selector and then what to set",
				"'%s' is not KEY=VALUE", s->words[i]);
	}
	return *ret_nvme ? set_nvme_check(s, reterr) : set_network_check(s, reterr);
}

static int set_each(struct act *act, const struct selection *found, const struct settings *s,
	bool nvme, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < found->n; i++)
		r = require_vf(found->v[i], nvme, reterr);
	if (r == 0 && found->n > 1)
		r = refuse_shared(s, reterr);
	for (size_t i = 0; r == 0 && i < found->n; i++) {
		struct problem *p = NULL;
		int e = (nvme ? set_nvme : set_network)(act, found->v[i], s, &p);

		if (e < 0)
			act_add(act, found->v[i]->address, e, p, "%s", s->words[0]);
	}
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct settings s = { a->words + 1, a->n_words - 1 };
	autoselection found = { 0 };
	autoact act = { 0 };
	bool nvme = false;
	int r;

	r = check(&s, &nvme, reterr);
	if (r == 0)
		r = act_start(&act, cli, a, reterr);
	if (r == 0)
		r = select_some(act.host, act.inv, a->words, 1, &found, reterr);
	if (r == 0)
		r = set_each(&act, &found, &s, nvme, reterr);
	return r < 0 ? r : act_finish(&act, reterr);
}

const struct verb verb_set = {
	.name = "set",
	.section = VERB_ACT,
	.args = "VF KEY=VALUE…",
	.summary = "attributes of VFs",
	.description =
		"Sets attributes of a VF, or of several, each with a result of its own. Network\n"
		"(through the PF's interface): mac, vlan, qos, proto, spoofchk, trust, min-rate,\n"
		"max-rate, link-state, query-rss, node-guid, port-guid. NVMe (through the PF's\n"
		"admin queue): vq, vi, online.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<vf> mac=|vlan=|qos=|proto=|spoofchk=|trust=|min-rate=|max-rate=|link-state=|"
		     "query-rss=|node-guid=|port-guid=|vq=|vi=|online=",
	.min_args = 2,
	.max_args = ANY_NUMBER,
	.run = run,
};
