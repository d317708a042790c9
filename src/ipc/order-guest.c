// SPDX-License-Identifier: GPL-2.0-or-later
/* For whose guest something is opened. */
#include "order-inside.h"
#include "put.h"

json_object *order_guest_json(const struct order_guest *g)
{
	json_object *j = json_object_new_object();

	if (j && put(j, "uid", json_object_new_int64(g->uid)) &&
		put(j, "pid", json_object_new_int64(g->pid)) &&
		put(j, "memory", json_object_new_uint64(g->memory_bytes)) &&
		(!g->vfio || put(j, "vfio", json_object_new_string(g->vfio))))
		return j;
	json_object_put(j);
	return NULL;
}

static int read_number(
	json_object *j, const char *key, uint64_t max, uint64_t *ret, struct problem **reterr)
{
	json_object *v = json_object_object_get(j, key);

	if (!json_object_is_type(v, json_type_int) ||
		(max < UINT64_MAX && json_object_get_int64(v) < 0) ||
		json_object_get_uint64(v) > max)
		return order_bad(reterr, key, "is not a number that it can be");
	*ret = json_object_get_uint64(v);
	return 0;
}

/* Which names there are is the opener's to know. */
static int read_vfio(json_object *j, char **ret, struct problem **reterr)
{
	json_object *v = json_object_object_get(j, "vfio");

	if (!v)
		return 0;
	if (!json_object_is_type(v, json_type_string))
		return order_bad(reterr, "vfio", "is no text");
	*ret = strdup(json_object_get_string(v));
	return *ret ? 0 : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

int order_read_guest(json_object *order, struct order_guest *ret, struct problem **reterr)
{
	json_object *j = json_object_object_get(order, "guest");
	uint64_t uid = 0, pid = 0;
	int r = json_object_is_type(j, json_type_object) ? 0
							 : order_bad(reterr, "guest", "is missing");

	if (r == 0)
		r = read_number(j, "uid", UINT32_MAX, &uid, reterr);
	if (r == 0)
		r = read_number(j, "pid", INT32_MAX, &pid, reterr);
	if (r == 0)
		r = read_number(j, "memory", UINT64_MAX, &ret->memory_bytes, reterr);
	if (r == 0)
		r = read_vfio(j, &ret->vfio, reterr);
	ret->uid = (uint32_t)uid;
	ret->pid = (uint32_t)pid;
	return r;
}
