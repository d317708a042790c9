// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The order that NVMe asks for: resources change only while the secondary controller is offline,
 * going offline takes them away, and coming online needs them. So: offline, VQ, VI, online.
 */
#include "kinds.h"
#include "holder/holder.h"
#include "nvme/secctrl.h"

#include "base/str.h"

enum { VQ, VI, ONLINE, KEYS };

static const char *const no_yes[] = { "no", "yes", NULL };

/* An online controller works also for who is bound already. */
static const struct setting_key keys[KEYS] = {
	{ .name = "vq",
		.takes = "a number of queue pairs, admin queue included",
		.level = SETTING_OF_VF,
		.when = SETTING_BEFORE_BIND,
		.type = SETTING_NUMBER,
		.max = UINT16_MAX },
	{ .name = "vi",
		.takes = "a number of interrupt vectors",
		.level = SETTING_OF_VF,
		.when = SETTING_BEFORE_BIND,
		.type = SETTING_NUMBER,
		.max = UINT16_MAX },
	{ .name = "online",
		.takes = "yes or no",
		.level = SETTING_OF_VF,
		.when = SETTING_BEFORE_BIND,
		.type = SETTING_SWITCH,
		.choices = no_yes },
};

struct wish {
	const char *word[KEYS]; /* NULL: not asked for */
	uint16_t count[2];	/* of VQ and VI */
	bool online;
};

/* The words were checked. */
static int parse(const struct settings *s, struct wish *ret, struct problem **reterr)
{
	struct wish w = { 0 };

	for (size_t i = 0; i < s->n; i++) {
		ptrdiff_t key = setting_key_find(s->words[i]) - keys;
		autofree char *value = NULL;
		uint32_t n = 0;
		int r = setting_value(s->words[i], &value, reterr);

		if (r < 0)
			return r;
		w.word[key] = s->words[i];
		if (key == ONLINE)
			w.online = str_eq(value, "yes");
		else if (parse_u32(value, &n) == 0)
			w.count[key] = (uint16_t)n;
	}
	*ret = w;
	return 0;
}

static int suits(const struct function *f, struct problem **reterr)
{
	if (class_is_nvme(f->id.class_code))
		return 0;
	return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
		"%s is no NVMe controller: it has no vq, vi or online", f->address);
}

/* ---- Looking ---- */

static void set_number(struct setting_state *s, const struct nvmepf_pool *pool, unsigned now)
{
	autofree char *text = str_printf("%u", now);

	if (!pool->supported) {
		setting_state_unsupported(
			s, "the controller has no flexible resources of this kind");
		return;
	}
	setting_state_supported(s, text);
	s->why = str_printf("%u of %u are assigned, at most %u for a VF", pool->assigned,
		pool->flexible, pool->max_per_vf);
}

static void look(struct host *h, const struct function *f, struct setting_state *states, size_t n)
{
	CLEANUP(problem_freep) struct problem *p = NULL;
	autonvmepf *pf = NULL;
	struct nvmepf_caps caps;
	struct secctrl now;
	int r = nvmepf_open(h, f->physfn->bdf, &pf, &p);

	if (r == 0)
		r = nvmepf_get_caps(pf, &caps, &p);
	if (r == 0)
		r = nvmepf_find(pf, (unsigned)f->vf_index, &now, &p);
	if (r == -EOPNOTSUPP || r == -ENOENT)
		for (size_t i = 0; i < n; i++)
			setting_state_unsupported(&states[i], "%s", p ? p->what : "not there");
	if (r < 0)
		return;
	set_number(setting_state_find(states, n, "vq"), &caps.vq, now.nvq);
	set_number(setting_state_find(states, n, "vi"), &caps.vi, now.nvi);
	setting_state_supported(setting_state_find(states, n, "online"), no_yes[now.online]);
}

/* ---- Setting ---- */

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
static int may_go_offline(struct application *app, const struct wish *w, struct problem **reterr)
{
	autoholders holders = { 0 };
	int r;

	if (!w->word[ONLINE])
		return problem(reterr, -EBUSY, PROBLEM_IN_USE,
			"add online=yes: it goes offline for the change and comes back",
			"%s is online: its resources change only while it is offline",
			app->f->address);
	if (app->opts->allow_in_use)
		return 0;
	r = holders_find(app->host, &app->f->bdf, 1, &holders);
	return r < 0 ? r : holders_refuse(&holders, "take offline", reterr);
}

/* What was asked for from `first` on and has not been tried, because `failed` went wrong. */
static void add_untried(
	struct application *app, const struct wish *w, int first, const char *failed, int code)
{
	for (int i = first; i < KEYS; i++) {
		struct problem *p = NULL;

		if (!w->word[i])
			continue;
		problem(&p, code, problem_kind_from_errno(code), NULL, "%s: not tried after %s",
			app->f->address, failed);
		application_add(app, w->word[i], code, p);
	}
}

static void add_wished(struct application *app, const struct wish *w)
{
	for (int i = 0; i < KEYS; i++)
		if (w->word[i])
			application_add(app, w->word[i], 1, NULL);
}

static void compare(struct application *app, const struct wish *w, const struct secctrl *now)
{
	const uint16_t have[] = { now->nvq, now->nvi };

	for (int i = VQ; i <= VI; i++)
		if (w->word[i])
			application_add(app, w->word[i], have[i] != w->count[i], NULL);
	if (w->word[ONLINE])
		application_add(app, w->word[ONLINE], now->online != w->online, NULL);
}

/* Only what was asked for gets a result; but what going offline took comes back as it was. */
static int set_resources(struct application *app, struct nvmepf *pf, const struct wish *w,
	const struct secctrl *before, bool went_offline)
{
	bool comes_back = went_offline && !(w->word[ONLINE] && !w->online);
	const uint16_t had[] = { before->nvq, before->nvi };
	uint16_t count[] = { went_offline ? 0 : had[VQ], went_offline ? 0 : had[VI] };

	for (int i = VQ; i <= VI; i++) {
		const char *what = w->word[i] ? w->word[i] : keys[i].name;
		struct problem *p = NULL;
		int r;

		if (!w->word[i] && !comes_back)
			continue;
		count[i] = w->word[i] ? w->count[i] : had[i];
		r = nvmepf_set_resources(pf, (unsigned)app->f->vf_index, count[VQ], count[VI], &p);
		if (r < 0 || w->word[i])
			application_add(app, what, r < 0 ? r : count[i] != had[i], p);
		if (r < 0) {
			add_untried(app, w, i + 1, what, r);
			return r;
		}
	}
	return 0;
}

static int take_offline(struct application *app, struct nvmepf *pf, const struct wish *w)
{
	struct problem *p = NULL;
	int r;

	r = may_go_offline(app, w, &p);
	if (r == 0)
		r = nvmepf_set_online(pf, (unsigned)app->f->vf_index, false, &p);
	if (r >= 0)
		return 0;
	for (int i = 0; i < KEYS; i++)
		if (w->word[i]) {
			application_add(app, w->word[i], r, p);
			add_untried(app, w, i + 1, w->word[i], r);
			break;
		}
	return r;
}

/* After a failure: as it was before, with what it had. What cannot be put back stays offline. */
static void put_back(struct application *app, struct nvmepf *pf, const struct secctrl *before)
{
	unsigned index = (unsigned)app->f->vf_index;

	if (nvmepf_set_resources(pf, index, before->nvq, before->nvi, NULL) >= 0)
		nvmepf_set_online(pf, index, true, NULL);
}

static void apply(struct application *app, struct nvmepf *pf, const struct wish *w,
	const struct secctrl *before)
{
	bool go_offline = must_go_offline(w, before);
	struct problem *p = NULL;
	int r = 0;

	if (go_offline)
		r = take_offline(app, pf, w);
	if (r == 0 && (w->word[VQ] || w->word[VI]))
		r = set_resources(app, pf, w, before, go_offline);
	if (r >= 0 && w->word[ONLINE]) {
		if (w->online)
			r = nvmepf_set_online(pf, (unsigned)app->f->vf_index, true, &p);
		application_add(app, w->word[ONLINE], r < 0 ? r : before->online != w->online, p);
	}
	if (r < 0 && go_offline)
		put_back(app, pf, before);
}

static int nvme_apply(struct application *app, const struct settings *s, struct problem **reterr)
{
	struct secctrl before;
	autonvmepf *pf = NULL;
	struct wish w;
	int r;

	r = parse(s, &w, reterr);
	if (r < 0)
		return r;
	r = nvmepf_open(app->host, app->f->physfn->bdf, &pf, app->host->captured ? NULL : reterr);
	if (r == -EROFS) { /* what the controller says was not captured */
		add_wished(app, &w);
		return 0;
	}
	if (r == 0)
		r = nvmepf_find(pf, (unsigned)app->f->vf_index, &before, reterr);
	if (r < 0)
		return r;
	if (app->opts->dry_run)
		compare(app, &w, &before);
	else
		apply(app, pf, &w, &before);
	return 0;
}

const struct setting_kind nvme_kind = {
	.name = "nvme",
	.class_word = "nvme",
	.keys = keys,
	.n_keys = KEYS,
	.suits = suits,
	.look = look,
	.apply = nvme_apply,
};
