// SPDX-License-Identifier: GPL-2.0-or-later
#include "wishes.h"

#include "base/str.h"
#include "setting/setting.h"

#include <limits.h>

static int copy_settings(char ***to, char *const *from)
{
	STRV_FOREACH (s, from)
		if (wish_setting(to, *s) < 0)
			return -ENOMEM;
	return 0;
}

static int copy_vf(struct vf_wish *to, const struct vf_wish *from)
{
	if (!to || wish_put(&to->driver, from->driver) < 0 ||
		wish_put(&to->override, from->override) < 0 ||
		wish_put(&to->source, from->source) < 0)
		return -ENOMEM;
	return copy_settings(&to->settings, from->settings);
}

static int copy_pf(struct pf_wish *to, const struct pf_wish *from)
{
	int r = 0;

	if (!to || wish_put(&to->source, from->source) < 0 ||
		wish_put(&to->eswitch_mode, from->eswitch_mode) < 0 ||
		wish_put(&to->driver, from->driver) < 0 ||
		wish_put(&to->override, from->override) < 0)
		return -ENOMEM;
	to->num_vfs = from->num_vfs;
	to->autoprobe = from->autoprobe;
	for (size_t i = 0; r == 0 && i < from->n_vfs; i++)
		r = copy_vf(pf_wish_vf(to, from->vfs[i].index), &from->vfs[i]);
	return r < 0 ? r : copy_settings(&to->settings, from->settings);
}

int wishes_copy(const struct wishes *from, struct wishes *ret)
{
	autowishes w = { 0 };

	for (size_t i = 0; i < from->n; i++)
		if (copy_pf(wishes_pf(&w, from->v[i].bdf), &from->v[i]) < 0)
			return -ENOMEM;
	*ret = w;
	w = (struct wishes) { 0 };
	return 0;
}

int vfctl_wishes_new(struct vfctl_wishes **ret, struct vfctl_error **reterr)
{
	struct vfctl_wishes *w = calloc(1, sizeof(*w));

	if (!w)
		return api_error(reterr, NULL, -ENOMEM);
	*ret = w;
	return 0;
}

void vfctl_wishes_free(struct vfctl_wishes *w)
{
	if (w)
		wishes_done(&w->w);
	free(w);
}

static int find_pf(
	struct vfctl_wishes *w, const char *address, struct pf_wish **ret, struct problem **reterr)
{
	struct bdf a;
	int r = api_address(address, &a, reterr);

	if (r < 0)
		return r;
	*ret = wishes_pf(&w->w, a);
	return *ret ? 0 : api_no_memory(reterr);
}

static int find_vf(struct pf_wish *pf, int vf, struct vf_wish **ret, struct problem **reterr)
{
	*ret = NULL;
	if (vf == VFCTL_ITSELF)
		return 0;
	if (vf < 0 || vf > UINT16_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%d is no VF's number", vf);
	*ret = pf_wish_vf(pf, (unsigned)vf);
	return *ret ? 0 : api_no_memory(reterr);
}

int vfctl_wishes_vfs(
	struct vfctl_wishes *w, const char *pf, unsigned n, struct vfctl_error **reterr)
{
	struct pf_wish *wish = NULL;
	struct problem *p = NULL;
	int r = 0;

	if (n > UINT16_MAX) /* PCIe 5.0, 9.3.3.6: a PF says it in 16 bits */
		r = problem(&p, -EINVAL, PROBLEM_USAGE, NULL, "no PF can have %u VFs", n);
	if (r == 0)
		r = find_pf(w, pf, &wish, &p);
	if (r < 0 || !wish)
		return api_error(reterr, p, r);
	wish->num_vfs = (int)n;
	return 0;
}

int vfctl_wishes_autoprobe(
	struct vfctl_wishes *w, const char *pf, int on, struct vfctl_error **reterr)
{
	struct pf_wish *wish = NULL;
	struct problem *p = NULL;
	int r = find_pf(w, pf, &wish, &p);

	if (r < 0 || !wish)
		return api_error(reterr, p, r);
	wish->autoprobe = on != 0;
	return 0;
}

static bool is_driver_name(const char *s)
{
	return s && strlen(s) < NAME_MAX && !strchr(s, '/') && !str_eq(s, ".") &&
	       !str_eq(s, "..") && str_is_printable(s);
}

int vfctl_wishes_driver(struct vfctl_wishes *w, const char *function, int vf, const char *driver,
	struct vfctl_error **reterr)
{
	struct vf_wish *one = NULL;
	struct problem *p = NULL;
	struct pf_wish *pf;
	int r = 0;

	if (!is_driver_name(driver))
		r = problem(&p, -EINVAL, PROBLEM_USAGE, NULL, "that is no driver's name");
	if (r == 0)
		r = find_pf(w, function, &pf, &p);
	if (r == 0)
		r = find_vf(pf, vf, &one, &p);
	if (r == 0)
		r = wish_put(one ? &one->driver : &pf->driver, driver);
	return r < 0 ? api_error(reterr, p, r) : 0;
}

int vfctl_wishes_set(struct vfctl_wishes *w, const char *function, int vf, const char *setting,
	struct vfctl_error **reterr)
{
	static const char mode[] = "eswitch-mode=";
	struct vf_wish *one = NULL;
	struct problem *p = NULL;
	struct pf_wish *pf;
	int r = settings_check(&setting, 1, &p);

	if (r == 0)
		r = find_pf(w, function, &pf, &p);
	if (r == 0)
		r = find_vf(pf, vf, &one, &p);
	if (r == 0 && !one && str_starts(setting, mode)) /* which decides the order of the rest */
		r = wish_put(&pf->eswitch_mode, setting + strlen(mode));
	else if (r == 0)
		r = wish_setting(one ? &one->settings : &pf->settings, setting);
	return r < 0 ? api_error(reterr, p, r) : 0;
}

int vfctl_wishes_from_json(const char *text, const char *source, struct vfctl_wishes **ret,
	struct vfctl_error **reterr)
{
	struct vfctl_wishes *w = calloc(1, sizeof(*w));
	struct problem *p = NULL;
	int r = w ? wishes_from_json(text, source, &w->w, &p) : -ENOMEM;

	if (r < 0) {
		free(w);
		return api_error(reterr, p, r);
	}
	*ret = w;
	return 0;
}
