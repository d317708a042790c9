// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch.h"
#include "state.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "netdev/vfattr.h"

#include <ctype.h>
#include <stdio.h>

struct watch {
	struct state state;
	/* While an event is dealt with. */
	enum host_event_source source;
	watch_tell *tell;
	void *arg;
};

static const struct {
	const char *name, *text;
} kinds[] = {
#define WATCH(id, name, text) [WATCH_##id] = { name, text },
#include "kinds.def"
#undef WATCH
};

const char *watch_kind_name(enum watch_kind kind)
{
	return kind < ARRAY_SIZE(kinds) ? kinds[kind].name : NULL;
}

const char *watch_source_name(enum host_event_source s)
{
	static const char *const names[] = {
		[HOST_EVENT_KERNEL] = "kernel",
		[HOST_EVENT_UDEV] = "udev",
		[HOST_EVENT_LINK] = "netlink",
		[HOST_EVENT_LOST] = "vfctl",
	};

	return s < ARRAY_SIZE(names) ? names[s] : NULL;
}

char *watch_event_text(const struct watch_event *e)
{
	autostrbuf b = { 0 };

	for (const char *s = kinds[e->kind].text; *s; s++) {
		const char *word = NULL;

		if (*s != '%') {
			strbuf_add_bytes(&b, s, 1);
			continue;
		}
		s++;
		word = *s == 'n' ? e->name : *s == 'f' ? e->from : e->to;
		strbuf_add(&b, "%s", word ? word : "?");
	}
	return strbuf_take(&b);
}

int watch_new(struct host *h, struct watch **ret, struct problem **reterr)
{
	CLEANUP(watch_freep) struct watch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = state_load(&w->state, h, reterr);
	if (r == 0)
		*ret = TAKE_PTR(w);
	return r;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	state_done(&w->state);
	free(w);
}

size_t watch_count(const struct watch *w)
{
	return w->state.n;
}

int watch_pf_of(const struct watch *w, struct bdf a, struct bdf *ret)
{
	const struct watched *f = state_find(&w->state, a);

	if (!f)
		return -ENOENT;
	*ret = f->is_vf ? f->pf : f->bdf;
	return 0;
}

static int tell(struct watch *w, enum watch_kind kind, const struct watched *f, const char *name,
	const char *from, const char *to)
{
	struct watch_event e = {
		.kind = kind,
		.source = w->source,
		.vf_index = -1,
		.name = name,
		.from = from,
		.to = to,
	};

	if (f) {
		e.has_function = true;
		e.bdf = f->bdf;
		e.is_vf = f->is_vf;
		e.pf = f->pf;
		e.vf_index = f->vf_index;
	}
	return w->tell(w->arg, &e);
}

/* How new VFs begin, so that the first change of one is seen; the link itself is told elsewhere. */
static void look_at_new_vfs(struct watch *w, const struct watched *pf)
{
	for (size_t i = 0; i < w->state.n_links; i++) {
		struct watched_link *l = &w->state.links[i], was = *l;

		if (!bdf_eq(l->bdf, pf->bdf))
			continue;
		state_look_at_link(&w->state, l);
		free(was.vfs);
		l->up = was.up;
		l->carrier = was.carrier;
		l->link_known = was.link_known;
	}
}

/* The number of VFs by their links, compared with what it was. */
static int compare_vfs(struct watch *w, struct watched *pf, unsigned now)
{
	char from[16], to[16];
	unsigned was = pf->num_vfs;

	if (was == now)
		return 0;
	pf->num_vfs = now;
	if (now > was)
		look_at_new_vfs(w, pf);
	(void)snprintf(from, sizeof(from), "%u", was);
	(void)snprintf(to, sizeof(to), "%u", now);
	return tell(w, now > was ? WATCH_VFS_CREATED : WATCH_VFS_DESTROYED, pf, NULL, from, to);
}

/* Another driver than before; NULL or "" is none. */
static int compare_driver(struct watch *w, struct watched *f, const char *now)
{
	autofree char *was = f->driver;
	int r = 0;

	now = now && *now ? now : NULL;
	if (str_eq(was, now))
		return f->driver = TAKE_PTR(was), 0;
	f->driver = NULL;
	if (state_set_driver(f, now) < 0)
		return -ENOMEM;
	if (was)
		r = tell(w, WATCH_UNBOUND, f, NULL, was, NULL);
	return r >= 0 && now ? tell(w, WATCH_BOUND, f, NULL, was, now) : r;
}

static int function_added(struct watch *w, struct bdf a)
{
	struct watched *f = state_find(&w->state, a);

	if (f)
		return 0; /* it came between the first picture and the event */
	f = state_add(&w->state, a);
	return f ? tell(w, WATCH_ADDED, f, NULL, NULL, NULL) : -ENOMEM;
}

/* The last VF's removal is all that tells that they are gone. */
static int function_removed(struct watch *w, struct bdf a)
{
	struct watched *f = state_find(&w->state, a), *pf;
	struct watched gone;
	int r = 0;

	if (!f)
		return 0;
	if (f->driver)
		r = compare_driver(w, f, NULL);
	gone = *f;
	state_remove(&w->state, a);
	if (r >= 0)
		r = tell(w, WATCH_REMOVED, &gone, NULL, NULL, NULL);
	pf = gone.is_vf ? state_find(&w->state, gone.pf) : NULL;
	for (size_t i = 0; pf && i < w->state.n; i++)
		if (w->state.v[i].is_vf && bdf_eq(w->state.v[i].pf, gone.pf))
			pf = NULL; /* there are others yet */
	return r >= 0 && pf ? compare_vfs(w, pf, 0) : r;
}

/* The event names the driver; a kernel that does not is asked. */
static int function_bound(struct watch *w, struct watched *f, const char *driver)
{
	autofree char *there = NULL;

	if (!*driver && sysfs_link_name(w->state.h, &there, "bus/pci/devices/%s/driver",
				BDF_TEXT(f->bdf)) == 0)
		driver = there;
	return compare_driver(w, f, driver);
}

/* "successful recovery": what the kernel shouts, for people. */
static int error_event(struct watch *w, const struct watched *f, const char *shouted)
{
	char text[sizeof(((struct host_event *)NULL)->error)];
	size_t i = 0;

	for (; i < sizeof(text) - 1 && shouted[i]; i++)
		text[i] = (char)(shouted[i] == '_' ? ' ' : tolower((unsigned char)shouted[i]));
	text[i] = '\0';
	return tell(w, WATCH_ERROR, f, text, NULL, NULL);
}

static int pci_event(struct watch *w, const struct host_event *raw)
{
	struct watched *f;
	struct bdf a;

	if (bdf_parse(raw->name, &a) < 0)
		return 0;
	if (str_eq(raw->action, "add"))
		return function_added(w, a);
	if (str_eq(raw->action, "remove"))
		return function_removed(w, a);
	f = state_find(&w->state, a);
	if (!f)
		return 0;
	if (!f->is_vf)
		state_look_at_pf(&w->state, f);
	if (str_eq(raw->action, "bind"))
		return function_bound(w, f, raw->driver);
	if (str_eq(raw->action, "unbind"))
		return compare_driver(w, f, NULL);
	if (*raw->error)
		return error_event(w, f, raw->error);
	if (str_eq(raw->action, "change") && !f->is_vf)
		return compare_vfs(w, f, state_count_vfs(&w->state, a));
	return 0;
}

/* The deepest function on the way to a device. */
static bool function_in(const char *path, struct bdf *ret)
{
	autofree char *copy = strdup(path);
	char *save = NULL;
	bool found = false;

	for (char *p = copy ? strtok_r(copy, "/", &save) : NULL; p; p = strtok_r(NULL, "/", &save))
		found |= bdf_parse(p, ret) == 0;
	return found;
}

static int net_added(struct watch *w, const struct host_event *raw, struct watched *f)
{
	struct watched_link *l;

	if (state_find_link(&w->state, raw->ifindex))
		return 0;
	l = state_add_link(&w->state, raw->ifindex, f->bdf, raw->name);
	if (!l)
		return -ENOMEM;
	state_look_at_link(&w->state, l);
	return tell(w, WATCH_NETDEV_ADDED, f, l->name, NULL, l->name);
}

static int net_renamed(struct watch *w, struct watched *f, struct watched_link *l, const char *name)
{
	char was[sizeof(l->name)];

	if (!l || str_eq(l->name, name))
		return 0;
	memcpy(was, l->name, sizeof(was));
	(void)snprintf(l->name, sizeof(l->name), "%s", name);
	return tell(w, WATCH_NETDEV_RENAMED, f, name, was, l->name);
}

static int net_event(struct watch *w, const struct host_event *raw, struct watched *f)
{
	struct watched_link *l = state_find_link(&w->state, raw->ifindex);

	if (!raw->ifindex)
		return 0;
	if (str_eq(raw->action, "add"))
		return net_added(w, raw, f);
	if (str_eq(raw->action, "move"))
		return net_renamed(w, f, l, raw->name);
	if (str_eq(raw->action, "remove") && l) {
		char name[sizeof(l->name)];

		memcpy(name, l->name, sizeof(name));
		state_remove_link(&w->state, raw->ifindex);
		return tell(w, WATCH_NETDEV_REMOVED, f, name, name, NULL);
	}
	return 0;
}

/* Nodes of VFIO's, controllers: they come and go. */
static int other_event(struct watch *w, const struct host_event *raw, const struct watched *f)
{
	static const struct {
		const char *subsystem;
		enum watch_kind added, removed;
	} others[] = {
		{ "vfio", WATCH_GROUP_ADDED, WATCH_GROUP_REMOVED },
		{ "vfio-dev", WATCH_DEVICE_ADDED, WATCH_DEVICE_REMOVED },
		{ "nvme", WATCH_NVME_ADDED, WATCH_NVME_REMOVED },
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		if (!str_eq(raw->subsystem, others[i].subsystem))
			continue;
		if (str_eq(raw->action, "add"))
			return tell(w, others[i].added, f, raw->name, NULL, NULL);
		if (str_eq(raw->action, "remove"))
			return tell(w, others[i].removed, f, raw->name, NULL, NULL);
	}
	return 0;
}

/* What udevd tells comes later and is the same: that it has finished is the news. */
static int udev_event(struct watch *w, const struct host_event *raw, const struct watched *f)
{
	if (!str_eq(raw->action, "add") && !str_eq(raw->action, "bind"))
		return 0;
	return tell(w, WATCH_SETTLED, f, raw->name, NULL, raw->action);
}

static int uevent(struct watch *w, const struct host_event *raw)
{
	struct watched *f = NULL;
	struct bdf a;

	if (function_in(raw->path, &a))
		f = state_find(&w->state, a);
	if (raw->source == HOST_EVENT_UDEV)
		return f ? udev_event(w, raw, f) : 0;
	if (str_eq(raw->subsystem, "pci"))
		return pci_event(w, raw);
	if (str_eq(raw->subsystem, "net"))
		return f ? net_event(w, raw, f) : 0;
	return other_event(w, raw, f);
}

static const struct host_vf *find_vf(const struct host_vf *v, size_t n, unsigned index)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].vf == index)
			return &v[i];
	return NULL;
}

/* Attribute by attribute, in the words of `vfctl set`. */
static int compare_vf(struct watch *w, const struct watched *pf, const struct host_vf *was,
	const struct host_vf *now)
{
	struct watched about = { .bdf = pf->bdf, .is_vf = true, .pf = pf->bdf };
	const struct vfattr *a;
	int r = 0;

	about.vf_index = (int)now->vf;
	for (size_t i = 0; i < w->state.n; i++)
		if (w->state.v[i].is_vf && bdf_eq(w->state.v[i].pf, pf->bdf) &&
			w->state.v[i].vf_index == (int)now->vf)
			about.bdf = w->state.v[i].bdf;
	for (unsigned i = 0; r >= 0 && (a = vfattr_at(i)); i++) {
		autofree char *from = vfattr_format(a, was), *to = vfattr_format(a, now);

		if (!str_eq(from, to))
			r = tell(w, WATCH_VF_CHANGED, &about, vfattr_name(a), from, to);
	}
	return r;
}

static const char *link_word(const struct watched_link *l)
{
	return !l->up ? "down" : l->carrier ? "up" : "up, no carrier";
}

static int link_event(struct watch *w, int ifindex)
{
	struct watched_link *l = state_find_link(&w->state, ifindex), was;
	autofree struct host_vf *old = NULL;
	const struct watched *f;
	int r = 0;

	f = l ? state_find(&w->state, l->bdf) : NULL;
	if (!f)
		return 0;
	was = *l;
	old = was.vfs;
	state_look_at_link(&w->state, l);
	if (was.link_known && l->link_known && (was.up != l->up || was.carrier != l->carrier))
		r = tell(w, WATCH_LINK, f, l->name, link_word(&was), link_word(l));
	for (size_t i = 0; r >= 0 && i < l->n_vfs; i++) {
		const struct host_vf *before = find_vf(old, was.n_vfs, l->vfs[i].vf);

		if (before)
			r = compare_vf(w, f, before, &l->vfs[i]);
	}
	return r;
}

/* What is in the old picture and not in the new one has gone. */
static int tell_gone(struct watch *w, const struct state *new)
{
	int r = 0;

	for (size_t i = w->state.n; r >= 0 && i-- > 0;) {
		struct bdf a = w->state.v[i].bdf;

		/* Several may go with one: the last VF takes none along, but the order changes. */
		if (!state_find(new, a)) {
			r = function_removed(w, a);
			i = MIN(i, w->state.n);
		}
	}
	return r;
}

/* Events are missing: whatever is different now must have happened. */
static int look_again(struct watch *w)
{
	struct state new CLEANUP(state_done) = { 0 };
	int r = tell(w, WATCH_LOST, NULL, NULL, NULL, NULL);

	if (r < 0)
		return r;
	r = state_load(&new, w->state.h, NULL);
	if (r == 0)
		r = tell_gone(w, &new);
	for (size_t i = 0; r >= 0 && i < new.n; i++) {
		struct watched *f;

		r = function_added(w, new.v[i].bdf);
		f = state_find(&w->state, new.v[i].bdf);
		if (r >= 0 && f)
			r = compare_driver(w, f, new.v[i].driver);
		if (r >= 0 && f)
			r = compare_vfs(w, f, new.v[i].num_vfs);
	}
	for (size_t i = 0; r >= 0 && i < new.n_links; i++) {
		const struct watched_link *l = &new.links[i];
		struct watched *f = state_find(&w->state, l->bdf);
		struct host_event raw = { .action = "add", .ifindex = l->ifindex };

		memcpy(raw.name, l->name, sizeof(l->name));
		if (f)
			r = net_added(w, &raw, f);
		if (r >= 0 && f)
			r = net_renamed(w, f, state_find_link(&w->state, l->ifindex), l->name);
		if (r >= 0)
			r = link_event(w, l->ifindex);
	}
	return r;
}

int watch_feed(struct watch *w, const struct host_event *raw, watch_tell *told, void *arg)
{
	w->source = raw->source;
	w->tell = told;
	w->arg = arg;
	switch (raw->source) {
	case HOST_EVENT_KERNEL:
	case HOST_EVENT_UDEV:
		return uevent(w, raw);
	case HOST_EVENT_LINK:
		return link_event(w, raw->ifindex);
	case HOST_EVENT_LOST:
		return look_again(w);
	}
	return 0;
}
