// SPDX-License-Identifier: GPL-2.0-or-later
#include "life.h"

#include "base/counter.h"
#include "base/str.h"

#include <json-c/json.h>

enum from { FROM_CPU, FROM_QUEUE, FROM_VECTOR, FROM_DEVICE, FROM_PROCESS };

static const struct {
	enum from from;
	const char *counter;
} sources[BENCH_FIGURES] = {
#define FIGURE(id, json, column, from, counter, brief, what)                                       \
	[BENCH_##id] = { FROM_##from, counter },
#include "figure.def"
#undef FIGURE
};

/* An unknown figure becomes a known one with its first part. */
static void add(double *to, json_object *v)
{
	if (!json_object_is_type(v, json_type_int))
		return;
	*to = (*to < 0 ? 0 : *to) + (double)json_object_get_int64(v);
}

static void add_cpus(json_object *root, double *ret)
{
	json_object *cpus = json_object_object_get(root, "cpus");
	size_t n = json_object_is_type(cpus, json_type_array) ? json_object_array_length(cpus) : 0;

	for (size_t i = 0; i < n; i++)
		for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
			if (sources[f].from == FROM_CPU)
				add(&ret[f],
					json_object_object_get(json_object_array_get_idx(cpus, i),
						sources[f].counter));
}

/* All queues; of vectors those of the device as a whole. */
static bool is_from(enum from from, enum counter_of of, int index)
{
	switch (from) {
	case FROM_QUEUE:
		return of == COUNTER_QUEUE;
	case FROM_VECTOR:
		return of == COUNTER_VECTOR && index < 0;
	case FROM_DEVICE:
		return of == COUNTER_DEVICE;
	default:
		return false;
	}
}

static void add_device(json_object *device, double *ret)
{
	json_object_object_foreach(device, key, value)
	{
		const char *name;
		int index;
		enum counter_of of = counter_parse(key, &name, &index);

		for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
			if (is_from(sources[f].from, of, index) && str_eq(name, sources[f].counter))
				add(&ret[f], value);
	}
}

static bool add_devices(json_object *root, const char *device, double *ret)
{
	json_object *list = json_object_object_get(root, "devices");
	size_t n = json_object_is_type(list, json_type_array) ? json_object_array_length(list) : 0;
	bool found = false;

	for (size_t i = 0; i < n; i++) {
		json_object *one = json_object_array_get_idx(list, i);
		const char *name = json_object_get_string(json_object_object_get(one, "name"));

		if (!str_eq(name, device))
			continue;
		add_device(one, ret);
		found = true;
	}
	return found;
}

void figures_forget_queues(double *ret)
{
	for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
		if (sources[f].from == FROM_QUEUE)
			ret[f] = -1;
}

int figures_read(const char *report, const char *device, double *ret, struct problem **reterr)
{
	json_object *root = report ? json_tokener_parse(report) : NULL;
	bool found;

	for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
		ret[f] = -1;
	if (!json_object_is_type(root, json_type_object)) {
		json_object_put(root);
		return problem(
			reterr, -EPROTO, PROBLEM_FAILED, NULL, "the VMM ended without a report");
	}
	add_cpus(root, ret);
	found = add_devices(root, device, ret);
	json_object_put(root);
	return found ? 0
		     : problem(reterr, -EPROTO, PROBLEM_FAILED, NULL,
			       "the VMM's report has no device %s", device);
}
