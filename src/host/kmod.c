// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmod.h"

#include <libkmod.h>

static inline void ctxp(struct kmod_ctx **c)
{
	kmod_unref(*c);
}

static inline void listp(struct kmod_list **l)
{
	kmod_module_unref_list(*l);
}

static bool is_there(struct kmod_module *m)
{
	int state = kmod_module_get_initstate(m);

	return state == KMOD_MODULE_LIVE || state == KMOD_MODULE_BUILTIN;
}

/* 1 loaded, 0 was there. What the administrator put on the blacklist is not ours to load. */
static int load_one(struct kmod_module *m)
{
	int r;

	if (is_there(m))
		return 0;
	r = kmod_module_probe_insert_module(
		m, KMOD_PROBE_APPLY_BLACKLIST_ALIAS_ONLY, NULL, NULL, NULL, NULL);
	if (r > 0)
		return -EPERM;
	return r < 0 ? r : 1;
}

int kmod_load(struct host *h UNUSED, const char *name)
{
	CLEANUP(ctxp) struct kmod_ctx *ctx = kmod_new(NULL, NULL);
	CLEANUP(listp) struct kmod_list *list = NULL;
	struct kmod_list *it;
	int loaded = 0, e;

	if (!ctx)
		return -ENOMEM;
	kmod_set_log_priority(ctx, 0); /* libraries do not print */
	e = kmod_module_new_from_lookup(ctx, name, &list);
	if (e < 0)
		return e;
	if (!list)
		return -ENOENT;
	kmod_list_foreach(it, list)
	{
		struct kmod_module *m = kmod_module_get_module(it);

		e = load_one(m);
		kmod_module_unref(m);
		if (e < 0)
			return e;
		loaded |= e;
	}
	return loaded;
}
