// SPDX-License-Identifier: GPL-2.0-or-later
#include "setting.h"
#include "kinds.h"

#include "base/str.h"

void application_add(struct application *app, const char *word, int code, struct problem *p)
{
	if (app->sum >= 0)
		app->sum = code < 0 ? code : app->sum | (code > 0);
	if (app->opts->result)
		app->opts->result(app->opts->arg, app->vf, word, code, p);
	else
		problem_free(p);
}

static bool are_nvme(const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (nvme_setting_is(words[i]))
			return true;
	return false;
}

int settings_check(const char *const *words, size_t n, struct problem **reterr)
{
	const struct settings s = { words, n };

	for (size_t i = 0; i < n; i++)
		if (!strchr(words[i], '='))
			return problem(reterr, -EINVAL, PROBLEM_USAGE,
				"vfctl set VF KEY=VALUE…, one selector and then what to set",
				"'%s' is not KEY=VALUE", words[i]);
	return are_nvme(words, n) ? nvme_settings_check(&s, reterr)
				  : network_settings_check(&s, reterr);
}

static int not_a_vf(const struct function *f, struct problem **reterr)
{
	problem(reterr, -ENODEV, PROBLEM_UNSUPPORTED, NULL,
		"%s is not a VF: attributes are set for VFs", f->address);
	if (f->kind == FUNCTION_PF)
		problem_hint(reterr, "its VFs are %s/vf0 and so on", f->address);
	return -ENODEV;
}

int settings_suit(
	const struct function *f, const char *const *words, size_t n, struct problem **reterr)
{
	bool is_nvme = class_is_nvme(f->id.class_code), wants_nvme = are_nvme(words, n);

	if (!f->physfn)
		return not_a_vf(f, reterr);
	if (wants_nvme && !is_nvme)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s is no NVMe controller: it has no vq, vi or online", f->address);
	if (!wants_nvme && is_nvme)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"an NVMe controller has vq, vi and online",
			"%s is an NVMe controller, not a network function", f->address);
	return 0;
}

const char *settings_unique(const char *const *words, size_t n)
{
	static const char *const own[] = { "mac=", "node-guid=", "port-guid=" };

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(own); k++)
			if (str_starts(words[i], own[k]))
				return words[i];
	return NULL;
}

int settings_apply(struct host *h, const struct function *vf, const char *const *words, size_t n,
	const struct setting_opts *opts, struct problem **reterr)
{
	struct application app = { .host = h, .vf = vf, .opts = opts };
	const struct settings s = { words, n };
	int r;

	if (h->captured && !opts->dry_run)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"%s is of a captured machine: nothing can be set", vf->address);
	r = are_nvme(words, n) ? nvme_settings_apply(&app, &s, reterr)
			       : network_settings_apply(&app, &s, reterr);
	return r < 0 ? r : app.sum;
}
