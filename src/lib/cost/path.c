// SPDX-License-Identifier: GPL-2.0-or-later
#include "path.h"

#include "base/str.h"

const struct cost_path cost_paths[] = {
#define PATH(number, id, what, request, work, completion)                                          \
	{ COST_PATH_##id, number, what, request, work, completion },
#include "path.def"
};
const size_t n_cost_paths = ARRAY_SIZE(cost_paths);

static bool is(const struct cost_device *d, const char *key, const char *word)
{
	const char *said = cost_trait(d, key);

	return said && str_eq(said, word);
}

/*
 * Now and then one may still be told of: the first, and those between two polls. A guest that waits
 * gets an interrupt for as many requests as it has under way at most, so that many are no sign.
 */
static bool guest_polls(const struct cost_sum *sum)
{
	return sum->operations && sum->injections <= sum->operations / 100;
}

static enum cost_path_id of_polled(const struct cost_device *d, const struct cost_sum *sum)
{
	if (guest_polls(sum))
		return COST_PATH_POLLED_BOTH;
	return is(d, "engine", "uring-sqpoll") ? COST_PATH_POLLED_KERNEL : COST_PATH_POLLED;
}

static enum cost_path_id of_virtio(const struct cost_device *d, const struct cost_sum *sum)
{
	if (is(d, "standby", "on"))
		return COST_PATH_STANDBY;
	if (is(d, "over", "vf"))
		return COST_PATH_OVER_VF;
	if (is(d, "backend", "vhost"))
		return COST_PATH_VHOST;
	if (is(d, "backend", "vhost-user"))
		return COST_PATH_VHOST_USER;
	if (is(d, "poll", "adaptive") || is(d, "poll", "dedicated"))
		return of_polled(d, sum);
	return is(d, "doorbells", "trapped") ? COST_PATH_TRAPPING : COST_PATH_STANDARD;
}

static enum cost_path_id id_of(const struct cost_device *d, const struct cost_sum *sum, bool is_vf)
{
	const char *model = cost_trait(d, "model");

	if (!model)
		return COST_PATH_NONE;
	if (str_starts(model, "virtio"))
		return of_virtio(d, sum);
	if (str_eq(model, "vfio"))
		return is_vf || is(d, "virtual", "on") ? COST_PATH_ASSIGNED_VF : COST_PATH_ASSIGNED;
	return COST_PATH_EMULATED;
}

const struct cost_path *cost_path_of(
	const struct cost_device *d, const struct cost_sum *sum, bool is_vf)
{
	enum cost_path_id id = id_of(d, sum, is_vf);

	return id == COST_PATH_NONE ? NULL : &cost_paths[id - 1];
}
