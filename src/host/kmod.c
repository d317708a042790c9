// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmod.h"

#include "base/str.h"

#include <ctype.h>
#include <libkmod.h>

enum { NAME_MAX_BYTES = 64 };

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

static inline void infop(struct kmod_list **l)
{
	kmod_module_info_free_list(*l);
}

/* By what depmod matches it with: its PCI ids, or of VFIO's drivers the ids that they are made for.
 */
static bool drives_pci(struct kmod_module *m)
{
	CLEANUP(infop) struct kmod_list *info = NULL;
	struct kmod_list *it;

	if (is_there(m) || kmod_module_get_info(m, &info) < 0)
		return is_there(m);
	kmod_list_foreach(it, info)
	{
		const char *value = kmod_module_info_get_value(it);

		if (str_eq(kmod_module_info_get_key(it), "alias") &&
			(str_starts(value, "pci:") || str_starts(value, "vfio_pci:")))
			return true;
	}
	return false;
}

static int load(const char *name, bool (*may)(struct kmod_module *m))
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

		e = may && !may(m) ? -EPERM : load_one(m);
		kmod_module_unref(m);
		if (e < 0)
			return e;
		loaded |= e;
	}
	return loaded;
}

int kmod_load(struct host *h UNUSED, const char *name)
{
	return load(name, NULL);
}

/* No alias, no pattern, no path. */
static bool is_name(const char *s)
{
	size_t n = strlen(s);

	for (const char *c = s; *c; c++)
		if (!isalnum((unsigned char)*c) && *c != '_' && *c != '-')
			return false;
	return n > 0 && n <= NAME_MAX_BYTES;
}

int kmod_serve(FILE *from, FILE *to)
{
	char line[NAME_MAX_BYTES + 2];
	int r = -EINVAL;

	if (fgets(line, sizeof(line), from) && strchr(line, '\n')) {
		*strchr(line, '\n') = '\0';
		r = is_name(line) ? load(line, drives_pci) : -EINVAL;
	}
	if (fprintf(to, "%d\n", r) < 0 || fflush(to) != 0)
		return -EIO;
	return r;
}
