// SPDX-License-Identifier: GPL-2.0-or-later
/* vm explain, of a guest's CPUs: why they leave it. */
#include "explain.h"

#include "base/str.h"
#include "cost/exits.h"

static char *state_of(const struct cost_exits *e)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "%llu", (unsigned long long)e->all);
	for (size_t i = 0; i < e->n; i++)
		strbuf_add(&b, "%s %u %% %s", i ? "," : ":", e->v[i].share, e->v[i].what);
	return strbuf_take(&b);
}

int explain_cpus_rows(const struct explain_devices *x, struct explain_rows *r)
{
	struct cost_exits e;
	int s = 0;

	for (int cpu = 0; s == 0 && cost_exits_of(x->before, x->now, cpu, &e); cpu++) {
		char name[16];

		snprintf(name, sizeof(name), "cpu%d", cpu);
		s = explain_add(r, name, str_printf("exits"), state_of(&e),
			e.n	 ? e.v[0].what_to_do
			: !e.all ? "none, or this kernel's KVM does not count them"
				 : NULL);
	}
	return s;
}

static void exit_json(struct json *j, json_object *list, const struct cost_exit *e)
{
	json_object *o = json_add_object(j, list, NULL);

	json_add_str(j, o, "what", e->what);
	json_add_u64(j, o, "count", e->n);
	json_add_u64(j, o, "share_percent", e->share);
	json_add_str(j, o, "what_to_do", e->what_to_do);
}

void explain_cpus_json(const struct explain_devices *x, struct json *j, json_object *to)
{
	json_object *list = json_add_array(j, to, "cpus");
	struct cost_exits e;

	for (int cpu = 0; cost_exits_of(x->before, x->now, cpu, &e); cpu++) {
		json_object *o = json_add_object(j, list, NULL), *parts;

		json_add_u64(j, o, "cpu", (uint64_t)cpu);
		json_add_u64(j, o, "exits", e.all);
		parts = json_add_array(j, o, "parts");
		for (size_t i = 0; i < e.n; i++)
			exit_json(j, parts, &e.v[i]);
	}
}
