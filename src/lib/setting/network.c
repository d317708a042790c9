// SPDX-License-Identifier: GPL-2.0-or-later
/* What a PF's network driver sets for its VFs (netdev/vfattr.h), through the PF's interface. */
#include "kinds.h"
#include "netdev/vfattr.h"

#include "base/str.h"

static const char *const protocols[] = { "802.1q", "802.1ad", NULL };
static const char *const link_states[] = { "auto", "enable", "disable", NULL };

#define KEY(n, t) .name = n, .takes = t, .level = SETTING_OF_VF, .when = SETTING_BEFORE_BIND

/* A guest's driver asks for its address, VLAN and protocol once, when it starts. */
static const struct setting_key keys[] = {
	{ KEY("mac", "a unicast address, 02:00:00:00:00:01"), .type = SETTING_MAC, .own = true },
	{ KEY("vlan", "1 to 4094, or none"), .type = SETTING_WORDS, .max = 4094 },
	{ KEY("qos", "0 to 7"), .type = SETTING_NUMBER, .max = 7 },
	{ KEY("proto", "802.1q or 802.1ad"), .type = SETTING_CHOICE, .choices = protocols },
	{ KEY("spoofchk", "on or off"), .type = SETTING_SWITCH },
	{ KEY("trust", "on or off"), .type = SETTING_SWITCH },
	{ KEY("min-rate", "Mb/s, 0 for none"), .type = SETTING_NUMBER, .max = UINT32_MAX,
		.unit = "Mb/s" },
	{ KEY("max-rate", "Mb/s, 0 for no limit"), .type = SETTING_NUMBER, .max = UINT32_MAX,
		.unit = "Mb/s" },
	{ KEY("link-state", "auto, enable or disable"), .type = SETTING_CHOICE,
		.choices = link_states },
	{ KEY("query-rss", "on or off"), .type = SETTING_SWITCH },
	{ KEY("node-guid", "00:11:22:33:44:55:66:77"), .type = SETTING_GUID, .own = true },
	{ KEY("port-guid", "00:11:22:33:44:55:66:77"), .type = SETTING_GUID, .own = true },
};

struct wishes {
	struct vfattr_wish *v;
	size_t n;
};

static void wishes_done(struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++)
		vfattr_wish_done(&w->v[i]);
	free(w->v);
}

static int parse(const struct settings *s, struct wishes *w, struct problem **reterr)
{
	int r = 0;

	w->v = calloc(s->n + 1, sizeof(*w->v));
	if (!w->v)
		return -ENOMEM;
	for (size_t i = 0; r == 0 && i < s->n; i++) {
		r = vfattr_parse(s->words[i], &w->v[i], reterr);
		if (r == 0)
			w->n++;
	}
	return r;
}

static int value(const struct setting_key *key, const char *text, char **ret)
{
	autofree char *word = str_printf("%s=%s", key->name, text);
	struct vfattr_wish w;
	char *formatted;
	int r;

	if (!word)
		return -ENOMEM;
	r = vfattr_parse(word, &w, NULL);
	if (r < 0)
		return r;
	formatted = vfattr_format(w.attr, &w.want);
	if (!formatted)
		return setting_value_by_type(key, text, ret);
	*ret = formatted;
	return 0;
}

static int suits(const struct function *f, struct problem **reterr)
{
	if (str_eq(f->class_word, "network") || (f->physfn && f->physfn->n_netdevs))
		return 0;
	if (class_is_nvme(f->id.class_code))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"an NVMe controller has vq, vi and online",
			"%s is an NVMe controller, not a network function", f->address);
	return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
		"%s is not a network function (%s)", f->address, f->class_word);
}

/* What the driver reports of the VF; false when it reports nothing. */
static bool read_vf(struct host *h, int ifindex, unsigned index, struct host_vf *ret)
{
	autofree struct host_vf *vfs = NULL;
	size_t n = 0;

	if (host_link_vfs(h, ifindex, &vfs, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++)
		if (vfs[i].vf == index) {
			*ret = vfs[i];
			return true;
		}
	return false;
}

/*
 * The kernel tells values, but not which of them the driver lets be set: igb tells link-state and
 * refuses to set it. So nothing more than the value is known before somebody tries.
 */
static void look(struct host *h, const struct function *f, struct setting_state *states, size_t n)
{
	const struct function *pf = f->physfn;
	struct host_vf now;
	bool known;

	if (!pf->n_netdevs) {
		for (size_t i = 0; i < n; i++)
			setting_state_unsupported(&states[i],
				"%s, the PF, has no network interface to set it through",
				pf->address);
		return;
	}
	known = read_vf(h, pf->netdevs[0].ifindex, (unsigned)f->vf_index, &now);
	for (size_t i = 0; known && i < n; i++)
		states[i].value = vfattr_format(vfattr_find(states[i].key->name), &now);
}

static bool is_so(const struct vfattr_wish *w, const struct host_vf *now)
{
	autofree char *want = vfattr_format(w->attr, &w->want);
	autofree char *have = vfattr_format(w->attr, now);

	return want && have && str_eq(want, have);
}

/* --dry-run: what differs from what is reported would be set. */
static void compare(struct host *h, int ifindex, unsigned index, struct wishes *w)
{
	struct host_vf now;
	bool known = read_vf(h, ifindex, index, &now);

	for (size_t i = 0; i < w->n; i++)
		w->v[i].result = !known || !is_so(&w->v[i], &now);
}

static int no_netdev(const struct function *pf, struct problem **reterr)
{
	problem(reterr, -ENODEV, PROBLEM_NO_DRIVER, NULL,
		"%s, the PF, has no network interface to set its VFs through", pf->address);
	problem_hint(reterr,
		pf->driver ? "vfctl restore %s gives it back to its network driver"
			   : "vfctl bind %s DRIVER gives it a driver",
		pf->address);
	return -ENODEV;
}

static bool none_failed(const struct wishes *w)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->v[i].result < 0)
			return false;
	return true;
}

static int apply(struct application *app, const struct settings *s, struct problem **reterr)
{
	CLEANUP(wishes_done) struct wishes w = { 0 };
	const struct function *pf = app->f->physfn;
	unsigned index = (unsigned)app->f->vf_index;
	int r, ifindex;

	r = parse(s, &w, reterr);
	if (r < 0)
		return r;
	if (!pf->n_netdevs)
		return no_netdev(pf, reterr);
	ifindex = pf->netdevs[0].ifindex;
	if (app->opts->dry_run) {
		compare(app->host, ifindex, index, &w);
	} else {
		autoproblem *p = NULL;

		r = vfattr_apply(app->host, ifindex, pf->driver, index, w.v, w.n, &p);
		if (r < 0 && none_failed(&w)) { /* nothing could be tried */
			if (reterr)
				*reterr = TAKE_PTR(p);
			return r;
		}
	}
	for (size_t i = 0; i < w.n; i++)
		application_add(app, s->words[i], w.v[i].result, TAKE_PTR(w.v[i].problem));
	return 0;
}

const struct setting_kind network_kind = {
	.name = "network",
	.class_word = "network",
	.keys = keys,
	.n_keys = ARRAY_SIZE(keys),
	.suits = suits,
	.look = look,
	.apply = apply,
	.value = value,
};
