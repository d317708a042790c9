// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A Container Device Interface specification, for /etc/cdi: a runtime that is asked for
 * vfctl/vfio=0000:01:10.0 puts the VFIO nodes into the container, and the address into its
 * environment. It has no word for RLIMIT_MEMLOCK, which the container needs besides.
 */
#include "formats.h"

#include "base/str.h"

#include <ctype.h>
#include <json-c/json.h>

static bool is_word(const char *s, size_t n)
{
	if (!n || !isalpha((unsigned char)s[0]) || !isalnum((unsigned char)s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && !strchr("_-.", s[i]))
			return false;
	return true;
}

static int check_kind(const char *kind, struct problem **reterr)
{
	const char *slash = strchr(kind, '/');

	if (slash && is_word(kind, (size_t)(slash - kind)) && is_word(slash + 1, strlen(slash + 1)))
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, "VENDOR/CLASS, as in example.com/vf",
		"that is no kind of devices");
}

/* Takes `v`; whatever is NULL for want of memory is noticed when the text is made. */
static void put(json_object *to, const char *key, json_object *v, bool *failed)
{
	int r = !to || !v ? -1
		: key	  ? json_object_object_add(to, key, v)
			  : json_object_array_add(to, v);

	if (r == 0)
		return;
	json_object_put(v);
	*failed = true;
}

static json_object *put_new(json_object *to, const char *key, json_object *v, bool *failed)
{
	bool bad = false;

	put(to, key, v, &bad);
	*failed |= bad;
	return bad ? NULL : v;
}

static void put_str(json_object *to, const char *key, const char *s, bool *failed)
{
	put(to, key, s ? json_object_new_string(s) : NULL, failed);
}

static json_object *object(json_object *to, const char *key, bool *failed)
{
	return put_new(to, key, json_object_new_object(), failed);
}

static json_object *array(json_object *to, const char *key, bool *failed)
{
	return put_new(to, key, json_object_new_array(), failed);
}

/* "VFIO_PCI_0000_01_10_0=/dev/vfio/12": which node is which function's. */
static char *variable(const struct export_function *x, const char *node)
{
	char *s = str_printf("VFIO_PCI_%s=%s", x->f->address, node);

	for (char *c = s; c && *c != '='; c++)
		if (*c == ':' || *c == '.')
			*c = '_';
	return s;
}

static void write_device(json_object *devices, const struct export_function *x,
	const struct export_opts *opts, bool *failed)
{
	json_object *device = object(devices, NULL, failed), *edits, *list;
	autofree char *env = NULL;
	autostrv char **nodes = NULL;

	if (export_nodes(x, opts->iommufd, &nodes) < 0 || !nodes) {
		*failed = true;
		return;
	}
	put_str(device, "name", x->f->address, failed);
	edits = object(device, "containerEdits", failed);
	env = variable(x, nodes[0]);
	put_str(array(edits, "env", failed), NULL, env, failed);
	list = array(edits, "deviceNodes", failed);
	STRV_FOREACH (node, nodes) {
		json_object *n = object(list, NULL, failed);

		put_str(n, "path", *node, failed);
		put_str(n, "permissions", "rw", failed);
	}
}

int write_cdi(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr)
{
	const char *kind = opts->kind ? opts->kind : "vfctl/vfio", *text;
	json_object *root, *devices;
	bool failed = false;
	int r = check_kind(kind, reterr);

	if (r < 0)
		return r;
	for (size_t i = 0; i < e->n; i++)
		if (!e->v[i].cdev && e->v[i].f->iommu_group < 0)
			return problem(reterr, -ENODATA, PROBLEM_NO_IOMMU,
				"vfctl doctor tells how to switch the IOMMU on",
				"%s is in no IOMMU group: there is no device node for it",
				e->v[i].f->address);
	root = json_object_new_object();
	put_str(root, "cdiVersion", "0.6.0", &failed);
	put_str(root, "kind", kind, &failed);
	devices = array(root, "devices", &failed);
	for (size_t i = 0; i < e->n; i++)
		write_device(devices, &e->v[i], opts, &failed);
	text = failed ? NULL
		      : json_object_to_json_string_ext(
				root, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE);
	*ret = text ? str_printf("%s\n", text) : NULL;
	json_object_put(root);
	return *ret ? 0 : -ENOMEM;
}
