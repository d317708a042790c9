// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm-sample.h"

#include "host/sysfs.h"

#include "base/clock.h"
#include "base/str.h"
#include "vfio/hostirq.h"

enum { ANSWER_MS = 10000 };

static int add_vectors(json_object *to, const struct vfio_host_irq *v, size_t n)
{
	json_object *list = json_object_new_array();
	int64_t all = 0;

	if (!list || json_object_object_add(to, "host_vectors", list) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		json_object *one = json_object_new_object();

		if (!one || json_object_array_add(list, one) < 0)
			return -ENOMEM;
		json_object_object_add(
			one, "kind", json_object_new_string(vfio_host_irq_kind_name(v[i].kind)));
		json_object_object_add(one, "vector", json_object_new_int64(v[i].vector));
		json_object_object_add(one, "count", json_object_new_int64((int64_t)v[i].count));
		all += (int64_t)v[i].count;
	}
	return json_object_object_add(to, "host_interrupts", json_object_new_int64(all));
}

static bool is_assigned(json_object *device)
{
	json_object *traits = json_object_object_get(device, "traits");
	json_object *model = traits ? json_object_object_get(traits, "model") : NULL;

	return model && str_eq(json_object_get_string(model), "vfio");
}

/* Of a function that has a PF above it, which the VMM does not see either. */
static int tell_virtual(struct host *h, json_object *device)
{
	const char *name = json_object_get_string(json_object_object_get(device, "name"));
	json_object *traits = json_object_object_get(device, "traits");
	autofree char *pf = NULL;

	if (!name || sysfs_link_name(h, &pf, "bus/pci/devices/%s/physfn", name) < 0)
		return 0;
	return json_object_object_add(traits, "virtual", json_object_new_string("on"));
}

/* The VMM sees no interrupt that KVM takes from VFIO, and its sandbox has no /proc: we look. */
static int look_at_host(struct host *h, json_object *stats)
{
	json_object *list = json_object_object_get(stats, "devices");
	size_t n = list ? json_object_array_length(list) : 0;
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		json_object *one = json_object_array_get_idx(list, i);
		autofree struct vfio_host_irq *v = NULL;
		size_t n_v = 0;

		if (!is_assigned(one))
			continue;
		r = tell_virtual(h, one);
		if (r < 0)
			break;
		if (vfio_host_irqs(h, json_object_get_string(json_object_object_get(one, "name")),
			    &v, &n_v) < 0)
			r = json_object_object_add(one, "host_interrupts", NULL);
		else
			r = add_vectors(one, v, n_v);
	}
	return r;
}

int vm_sample(struct vm_talk *t, struct cost_sample *ret, struct problem **reterr)
{
	json_object *stats = NULL;
	struct host *h;
	int r = cli_host(t->cli, &h, reterr);

	if (r == 0)
		r = vm_talk(t, vm_question("stats"), NULL, 0, ANSWER_MS, &stats, NULL, reterr);
	if (r < 0)
		return r;
	r = look_at_host(h, stats);
	if (r == 0)
		r = cost_sample_new(stats, clock_us(), ret);
	json_object_put(stats);
	return r;
}
