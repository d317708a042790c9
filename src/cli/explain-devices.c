// SPDX-License-Identifier: GPL-2.0-or-later
/* vm explain, of what a guest's devices do: the path, its price, and the switch. */
#include "explain.h"

#include "base/str.h"
#include "cost/rule.h"

#include <stdio.h>

/* All that is known of one device. */
struct view {
	const struct explain_devices *x;
	const struct cost_device *d;
	const struct function *f; /* of this machine; NULL: it is none, or nobody knows */
	struct cost_sum sum;
	const struct cost_path *path;
	struct cost_part parts[COST_KINDS_MAX];
	size_t n_parts;
};

static const struct function *function_of(
	const struct explain_devices *x, const struct cost_device *d)
{
	struct bdf a;

	if (!x->inventory || bdf_parse(d->name, &a) < 0)
		return NULL;
	return inventory_find_bdf(x->inventory, a);
}

/* False: it does nothing that has a path, as a bridge. */
static bool look(const struct explain_devices *x, const struct cost_device *d, struct view *ret)
{
	*ret = (struct view) { .x = x, .d = d, .f = function_of(x, d) };
	cost_sum_device(x->before, x->now, d, &ret->sum);
	ret->path = cost_path_of(d, &ret->sum, ret->f && ret->f->physfn);
	if (!ret->path)
		return false;
	ret->n_parts = cost_parts(d, ret->path, &ret->sum, ret->parts);
	return true;
}

/* ---- what else could be had ---- */

static bool has_model(const struct explain_devices *x, const char *model, const char *key)
{
	for (size_t i = 0; i < x->now->n_devices; i++) {
		const char *said = cost_trait(&x->now->devices[i], "model");

		if (said && str_eq(said, model) && (!key || cost_trait(&x->now->devices[i], key)))
			return true;
	}
	return false;
}

/* A function that goes takes what is on it along; what can stand in for it, NULL: nothing known. */
static const char *stand_in(const struct view *v)
{
	if (!v->f)
		return NULL;
	if (class_is_network(v->f->id.class_code) && !has_model(v->x, "virtio-net", "standby"))
		return "--vf …,standby=bridge:NAME gives it a virtio-net with the same address: one "
		       "interface in the guest, which goes on when the function is taken away";
	if (class_is_nvme(v->f->id.class_code))
		return has_model(v->x, "virtio-blk", NULL)
			       ? "if the virtio disk is the same namespace with the same identity, "
				 "multipath in the guest (find_multipaths yes, both WWIDs equal) goes "
				 "on when the function is taken away"
			       : "a second way to the same namespace (--disk of its block device on "
				 "the host) and multipath in the guest would go on when the function "
				 "is taken away";
	return NULL;
}

/* ---- for people ---- */

static void add_per_operation(struct strbuf *b, const struct view *v)
{
	for (size_t i = 0; i < v->n_parts; i++)
		strbuf_add(
			b, "%s%.2f %s", i ? ", " : "", v->parts[i].per_operation, v->parts[i].what);
	if (!v->n_parts)
		strbuf_add(b, "nothing of what is counted");
}

static char *over(const struct view *v)
{
	const struct explain_devices *x = v->x;

	if (!x->before)
		return str_printf("of %llu since the guest has started",
			(unsigned long long)v->sum.operations);
	return str_printf("of %llu in %.0f s", (unsigned long long)v->sum.operations,
		(double)(x->now->at_us - x->before->at_us) / 1e6);
}

static bool is_elsewhere(const struct view *v)
{
	switch (v->path->id) {
	case COST_PATH_VHOST:
	case COST_PATH_VHOST_USER:
	case COST_PATH_ASSIGNED:
	case COST_PATH_ASSIGNED_VF:
		return true;
	default:
		return false;
	}
}

static int add_costs(struct explain_rows *r, const struct view *v)
{
	autofree char *of = over(v);
	autostrbuf b = { 0 };

	if (!v->sum.operations)
		return explain_add(r, v->d->name, str_printf("a request costs"),
			str_printf("unknown"),
			is_elsewhere(v) ? "its requests pass nobody who counts them"
					: "there were none");
	add_per_operation(&b, v);
	return explain_add(r, v->d->name, str_printf("a request costs"), strbuf_take(&b), of);
}

/* What the switch of part `first` would do for all parts. */
static int add_switch(struct explain_rows *r, const struct view *v, size_t first)
{
	const struct cost_part *p = &v->parts[first];
	autofree char *to_do = cost_advice(p->what_to_do, v->x->guest, v->d->name);
	autofree char *why = to_do ? str_printf("%s: %s", to_do, p->why) : NULL;
	unsigned share = p->share;
	autostrbuf b = { 0 };

	strbuf_add(&b, "%s", p->what);
	for (size_t i = first + 1; i < v->n_parts; i++) {
		if (!str_eq(v->parts[i].what_to_do, p->what_to_do))
			continue;
		strbuf_add(&b, ", %s", v->parts[i].what);
		share += v->parts[i].share;
	}
	strbuf_add(&b, ": about %u %% of that", share);
	return explain_add(r, v->d->name, str_printf("could be saved"), strbuf_take(&b), why);
}

static bool is_told(const struct view *v, size_t part)
{
	for (size_t i = 0; i < part; i++)
		if (str_eq(v->parts[i].what_to_do, v->parts[part].what_to_do))
			return true;
	return false;
}

static int add_switches(struct explain_rows *r, const struct view *v)
{
	int e = 0;

	for (size_t i = 0; i < v->n_parts && e == 0; i++)
		if (v->parts[i].what_to_do && !is_told(v, i))
			e = add_switch(r, v, i);
	return e;
}

static int add_failures(struct explain_rows *r, const struct view *v)
{
	if (!v->sum.failed)
		return 0;
	return explain_add(r, v->d->name, str_printf("failed"),
		str_printf("%llu", (unsigned long long)v->sum.failed),
		"requests that were answered with an error");
}

static int add_device(struct explain_rows *r, const struct view *v)
{
	const char *besides = stand_in(v);
	int e = explain_add(
		r, v->d->name, str_printf("path %u", v->path->number), strdup(v->path->what), NULL);

	if (e == 0)
		e = add_costs(r, v);
	if (e == 0)
		e = add_switches(r, v);
	if (e == 0)
		e = add_failures(r, v);
	if (e == 0 && besides)
		e = explain_add(r, v->d->name, str_printf("when it goes"),
			str_printf("its work ends"), besides);
	return e;
}

int explain_devices_rows(const struct explain_devices *x, struct explain_rows *r)
{
	int e = 0;

	for (size_t i = 0; i < x->now->n_devices && e == 0; i++) {
		struct view v;

		if (look(x, &x->now->devices[i], &v))
			e = add_device(r, &v);
	}
	return e;
}

/* ---- for programs ---- */

static int add_double(json_object *to, const char *key, double v)
{
	return json_object_object_add(to, key, json_object_new_double(v));
}

static void part_json(struct json *j, json_object *list, const struct view *v, size_t i)
{
	const struct cost_part *p = &v->parts[i];
	autofree char *to_do =
		p->what_to_do ? cost_advice(p->what_to_do, v->x->guest, v->d->name) : NULL;
	json_object *o = json_add_object(j, list, NULL);

	json_add_str(j, o, "what", p->what);
	json_add_u64(j, o, "count", p->n);
	add_double(o, "per_operation", p->per_operation);
	json_add_u64(j, o, "share_percent", p->share);
	json_add_str(j, o, "what_to_do", to_do);
	json_add_str(j, o, "why", p->what_to_do ? p->why : NULL);
}

static void device_json(struct json *j, json_object *list, const struct view *v)
{
	json_object *o = json_add_object(j, list, NULL), *path, *costs;

	json_add_str(j, o, "name", v->d->name);
	path = json_add_object(j, o, "path");
	json_add_u64(j, path, "number", v->path->number);
	json_add_str(j, path, "what", v->path->what);
	json_add_str(j, path, "request", v->path->request);
	json_add_str(j, path, "work", v->path->work);
	json_add_str(j, path, "completion", v->path->completion);
	json_add_u64(j, o, "operations", v->sum.operations);
	json_add_u64(j, o, "failed", v->sum.failed);
	costs = json_add_array(j, o, "costs");
	for (size_t i = 0; i < v->n_parts; i++)
		part_json(j, costs, v, i);
	json_add_str(j, o, "when_it_goes", stand_in(v));
}

int explain_devices_json(const struct explain_devices *x, struct json *j, json_object *to)
{
	json_object *list = json_add_array(j, to, "devices");

	for (size_t i = 0; i < x->now->n_devices; i++) {
		struct view v;

		if (look(x, &x->now->devices[i], &v))
			device_json(j, list, &v);
	}
	if (x->before)
		add_double(to, "seconds", (double)(x->now->at_us - x->before->at_us) / 1e6);
	return j->failed ? -ENOMEM : 0;
}
