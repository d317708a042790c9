// SPDX-License-Identifier: GPL-2.0-or-later
#include "settings.h"
#include "base/str.h"

#include <inttypes.h>

/* The attributes and queues that the PF set have a line of their own. */
static bool is_shown_elsewhere(const struct setting_state *s)
{
	const char *kind = setting_key_kind(s->key);

	return str_eq(kind, "network") || str_eq(kind, "nvme");
}

static void add_key(struct strbuf *b, const struct setting_state *s)
{
	strbuf_add(b, "%s%s", b->len ? " " : "", s->key->name);
	if (s->value && !is_shown_elsewhere(s))
		strbuf_add(b, "=%s", s->value);
}

static void add_supported(struct lines *l, const struct setting_states *s)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].support == SETTING_SUPPORTED)
			add_key(&b, &s->v[i]);
	if (b.len)
		lines_add(l, "can be set", "%s", b.s);
}

/* Those that have a value: whether the driver lets it be set, only trying tells. */
static void add_untried(struct lines *l, const struct setting_states *s)
{
	autostrbuf b = { 0 };

	for (size_t i = 0; i < s->n; i++)
		if (s->v[i].support == SETTING_UNKNOWN && s->v[i].value)
			add_key(&b, &s->v[i]);
	if (b.len)
		lines_add(l, "not tried yet", "%s", b.s);
}

static bool same_reason(const struct setting_state *a, const struct setting_state *b)
{
	return b->support == SETTING_UNSUPPORTED && str_eq(a->why, b->why);
}

/* One line for each reason. */
static void add_unsupported(struct lines *l, const struct setting_states *s)
{
	for (size_t i = 0; i < s->n; i++) {
		autostrbuf b = { 0 };
		bool told = false;

		if (s->v[i].support != SETTING_UNSUPPORTED)
			continue;
		for (size_t k = 0; k < i; k++)
			told |= same_reason(&s->v[i], &s->v[k]);
		for (size_t k = i; !told && k < s->n; k++)
			if (same_reason(&s->v[i], &s->v[k]))
				strbuf_add(&b, "%s%s", b.len ? " " : "", s->v[k].key->name);
		if (b.len)
			lines_add(l, "cannot be set", "%s: %s", b.s,
				s->v[i].why ? s->v[i].why : "not supported");
	}
}

void settings_lines(struct lines *l, const struct function *f, const struct setting_report *r)
{
	for (size_t i = 0; i < r->n_ports; i++) {
		const struct devlink_port *p = &r->ports[i];

		if (p->netdev[0] && f->physfn)
			lines_add(l, "representor", "%s", p->netdev);
		else if (p->netdev[0])
			lines_add(l, "representor", "%s, of VF %d", p->netdev, p->vf_number);
	}
	for (size_t i = 0; i < r->n_reporters; i++) {
		const struct devlink_reporter *h = &r->reporters[i];

		if (h->error || h->errors)
			lines_add(l, "health", "%s: %s, %" PRIu64 " errors, %" PRIu64 " recoveries",
				h->name, h->error ? "error" : "healthy", h->errors, h->recoveries);
	}
	add_supported(l, &r->states);
	add_untried(l, &r->states);
	add_unsupported(l, &r->states);
}

/* ---- JSON ---- */

static void states_json(struct json *j, json_object *to, const struct setting_states *s)
{
	json_object *list = json_add_array(j, to, "settings");

	for (size_t i = 0; i < s->n; i++) {
		const struct setting_state *v = &s->v[i];
		json_object *e = json_add_object(j, list, NULL);

		json_add_str(j, e, "key", v->key->name);
		json_add_str(j, e, "kind", setting_key_kind(v->key));
		json_add_str(j, e, "supported", setting_support_name(v->support));
		json_add_str(j, e, "value", v->value);
		json_add_str(j, e, "unit", v->key->unit);
		json_add_str(j, e, "why", v->why);
	}
}

static const char *value_of(const struct setting_states *s, const char *key)
{
	for (size_t i = 0; i < s->n; i++)
		if (str_eq(s->v[i].key->name, key))
			return s->v[i].value;
	return NULL;
}

static void eswitch_json(struct json *j, json_object *to, const struct setting_report *r)
{
	json_object *e;

	if (r->eswitch.mode < 0) {
		json_add_null(j, to, "eswitch");
		return;
	}
	e = json_add_object(j, to, "eswitch");
	json_add_str(j, e, "mode", setting_eswitch_mode_name(r->eswitch.mode));
	json_add_str(j, e, "inline_mode", value_of(&r->states, "inline-mode"));
	json_add_str(j, e, "encap_mode", value_of(&r->states, "encap-mode"));
}

void settings_json(
	struct json *j, json_object *to, const struct function *f, const struct setting_report *r)
{
	json_object *list;

	states_json(j, to, &r->states);
	if (f->kind == FUNCTION_PF)
		eswitch_json(j, to, r);
	list = json_add_array(j, to, "representors");
	for (size_t i = 0; i < r->n_ports; i++) {
		const struct devlink_port *p = &r->ports[i];
		json_object *e = json_add_object(j, list, NULL);

		json_add_u64(j, e, "vf", (uint64_t)MAX(p->vf_number, 0));
		json_add_u64(j, e, "port", p->index);
		json_add_str(j, e, "interface", p->netdev[0] ? p->netdev : NULL);
		json_add_known(j, e, "ifindex", p->ifindex ? p->ifindex : -1);
	}
	if (f->kind != FUNCTION_PF)
		return;
	list = json_add_array(j, to, "health");
	for (size_t i = 0; i < r->n_reporters; i++) {
		const struct devlink_reporter *h = &r->reporters[i];
		json_object *e = json_add_object(j, list, NULL);

		json_add_str(j, e, "reporter", h->name);
		json_add_bool(j, e, "healthy", !h->error);
		json_add_u64(j, e, "errors", h->errors);
		json_add_u64(j, e, "recoveries", h->recoveries);
	}
}
