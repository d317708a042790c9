// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order that NVMe asks for: resources change only while the secondary controller is offline,
 * going offline takes them away, and coming online needs them. So: offline, VQ, VI, online.
 */
#include "set.h"
#include "driver/use.h"
#include "nvme/secctrl.h"

#include "base/str.h"

enum { VQ, VI, ONLINE, KEYS };

static const char *const keys[KEYS] = { "vq", "vi", "online" };

struct wish {
	const char *word[KEYS]; /* NULL: not asked for */
	uint16_t count[2];	/* of VQ and VI */
	bool online;
};

static int key_of(const char *word)
{
	for (int i = 0; i < KEYS; i++)
		if (strncmp(word, keys[i], strlen(keys[i])) == 0 && word[strlen(keys[i])] == '=')
			return i;
	return -1;
}

bool set_is_nvme(const char *word)
{
	return key_of(word) >= 0;
}

static int parse_one(const char *word, struct wish *w, struct problem **reterr)
{
	int key = key_of(word);
	const char *value;
	uint32_t n;

	if (key < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"set vq, vi and online apart from the attributes of network functions",
			"%s: not an attribute of an NVMe controller", word);
	if (w->word[key])
		return problem(
			reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s is given twice", keys[key]);
	w->word[key] = word;
	value = strchr(word, '=') + 1;
	if (key == ONLINE)
		return parse_bool(value, &w->online) < 0
			       ? problem(reterr, -EINVAL, PROBLEM_USAGE, "yes or no",
					 "%s: no such choice", word)
			       : 0;
	if (parse_u32(value, &n) < 0 || n > UINT16_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%s: not a number up to %u",
			word, UINT16_MAX);
	w->count[key] = (uint16_t)n;
	return 0;
}

static int parse(const struct settings *s, struct wish *ret, struct problem **reterr)
{
	struct wish w = { 0 };
	int r = 0;

	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = parse_one(s->words[i], &w, reterr);
	if (r == 0)
		*ret = w;
	return r;
}

int set_nvme_check(const struct settings *s, struct problem **reterr)
{
	struct wish w;

	return parse(s, &w, reterr);
}

/* Whether what is there has to go offline for what is wished. */
static bool must_go_offline(const struct wish *w, const struct secctrl *now)
{
	if (!now->online)
		return false;
	if (w->word[ONLINE] && !w->online)
		return true;
	return (w->word[VQ] && w->count[VQ] != now->nvq) ||
	       (w->word[VI] && w->count[VI] != now->nvi);
}

/* A controller that works for somebody does not go offline under him. */
static int may_go_offline(
	struct act *act, const struct function *vf, const struct wish *w, struct problem **reterr)
{
	autouses uses = { 0 };
	int r;

	if (!w->word[ONLINE])
		return problem(reterr, -EBUSY, PROBLEM_IN_USE,
			"add online=yes: it goes offline for the change and comes back",
			"%s is online: its resources change only while it is offline", vf->address);
	if (act->allow_in_use)
		return 0;
	r = uses_find(act->host, vf->bdf, &uses);
	return r < 0 ? r : uses_refuse(&uses, "take offline", reterr);
}

/* What was asked for from `first` on and has not been tried, because `failed` went wrong. */
static void add_untried(struct act *act, const struct function *vf, const struct wish *w, int first,
	const char *failed, int code)
{
	for (int i = first; i < KEYS; i++) {
		struct problem *p = NULL;

		if (!w->word[i])
			continue;
		problem(&p, code, problem_kind_from_errno(code), NULL, "%s: not tried after %s",
			vf->address, failed);
		act_add(act, vf->address, code, p, "%s", w->word[i]);
	}
}

static void add_wished(struct act *act, const struct function *vf, const struct wish *w)
{
	for (int i = 0; i < KEYS; i++)
		if (w->word[i])
			act_add(act, vf->address, 1, NULL, "%s", w->word[i]);
}

static void compare(
	struct act *act, const struct function *vf, const struct wish *w, const struct secctrl *now)
{
	const uint16_t have[] = { now->nvq, now->nvi };

	for (int i = VQ; i <= VI; i++)
		if (w->word[i])
			act_add(act, vf->address, have[i] != w->count[i], NULL, "%s", w->word[i]);
	if (w->word[ONLINE])
		act_add(act, vf->address, now->online != w->online, NULL, "%s", w->word[ONLINE]);
}

/* Only what was asked for gets a result; but what going offline took comes back as it was. */
static int set_resources(struct act *act, struct nvmepf *pf, const struct function *vf,
	const struct wish *w, const struct secctrl *before, bool went_offline)
{
	bool comes_back = went_offline && !(w->word[ONLINE] && !w->online);
	const uint16_t had[] = { before->nvq, before->nvi };
	uint16_t count[] = { went_offline ? 0 : had[VQ], went_offline ? 0 : had[VI] };

	for (int i = VQ; i <= VI; i++) {
		const char *what = w->word[i] ? w->word[i] : keys[i];
		struct problem *p = NULL;
		int r;

		if (!w->word[i] && !comes_back)
			continue;
		count[i] = w->word[i] ? w->count[i] : had[i];
		r = nvmepf_set_resources(pf, (unsigned)vf->vf_index, count[VQ], count[VI], &p);
		if (r < 0 || w->word[i])
			act_add(act, vf->address, r < 0 ? r : count[i] != had[i], p, "%s", what);
		if (r < 0) {
			add_untried(act, vf, w, i + 1, what, r);
			return r;
		}
	}
	return 0;
}

static int take_offline(
	struct act *act, struct nvmepf *pf, const struct function *vf, const struct wish *w)
{
	struct problem *p = NULL;
	int r;

	r = may_go_offline(act, vf, w, &p);
	if (r == 0)
		r = nvmepf_set_online(pf, (unsigned)vf->vf_index, false, &p);
	if (r >= 0)
		return 0;
	for (int i = 0; i < KEYS; i++)
		if (w->word[i]) {
			act_add(act, vf->address, r, p, "%s", w->word[i]);
			add_untried(act, vf, w, i + 1, w->word[i], r);
			break;
		}
	return r;
}

static void apply(struct act *act, struct nvmepf *pf, const struct function *vf,
	const struct wish *w, const struct secctrl *before)
{
	bool go_offline = must_go_offline(w, before);
	struct problem *p = NULL;
	int r = 0;

	if (go_offline)
		r = take_offline(act, pf, vf, w);
	if (r == 0 && (w->word[VQ] || w->word[VI]))
		r = set_resources(act, pf, vf, w, before, go_offline);
	if (r < 0 || !w->word[ONLINE])
		return;
	if (w->online)
		r = nvmepf_set_online(pf, (unsigned)vf->vf_index, true, &p);
	act_add(act, vf->address, r < 0 ? r : before->online != w->online, p, "%s",
		w->word[ONLINE]);
}

int set_nvme(struct act *act, const struct function *vf, const struct settings *s,
	struct problem **reterr)
{
	struct secctrl before;
	autonvmepf *pf = NULL;
	struct wish w;
	int r;

	r = parse(s, &w, reterr);
	if (r < 0)
		return r;
	if (act->host->captured) { /* its admin queue was not captured */
		add_wished(act, vf, &w);
		return 0;
	}
	r = nvmepf_open(act->host, vf->physfn->bdf, &pf, reterr);
	if (r == 0)
		r = nvmepf_find(pf, (unsigned)vf->vf_index, &before, reterr);
	if (r < 0)
		return r;
	if (act->cli->dry_run)
		compare(act, vf, &w, &before);
	else
		apply(act, pf, vf, &w, &before);
	return 0;
}
