// SPDX-License-Identifier: GPL-2.0-or-later
/* <vfctl:assign …/>: what somebody wrote by hand, so that each mistake is told. */
#include "inside.h"

#include "base/mac.h"

enum { BRIDGE_NAME_MAX = 15 }; /* IFNAMSIZ without its end */

static int wrong(struct domain_assign *a, const char *fmt, ...) PRINTF(2, 3);
/* 0: it is told; nothing but memory fails. */
static int wrong(struct domain_assign *a, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (a->wrong)
		return 0;
	va_start(ap, fmt);
	n = vasprintf(&a->wrong, fmt, ap);
	va_end(ap);
	if (n < 0)
		a->wrong = NULL;
	return n < 0 ? -ENOMEM : 0;
}

static int read_pool(struct domain_assign *a, char *value)
{
	a->pool = value;
	return *value ? 0 : wrong(a, "its pool has no name");
}

static int read_count(struct domain_assign *a, char *value)
{
	autofree char *text = value;
	uint32_t n;

	if (parse_u32(text, &n) < 0 || !n || n > DOMAIN_COUNT_MAX)
		return wrong(a, "count='%s' is no number from 1 to %d", text, DOMAIN_COUNT_MAX);
	a->count = n;
	return 0;
}

static bool is_bridge_name(const char *s)
{
	return *s && strlen(s) <= BRIDGE_NAME_MAX && !strpbrk(s, "/: \t");
}

static int read_fallback(struct domain_assign *a, char *value)
{
	autofree char *text = value;
	const char *name = strchr(text, ':') ? strchr(text, ':') + 1 : "";

	if (str_eq(text, "none"))
		return 0;
	if (str_starts(text, "bridge:") && is_bridge_name(name))
		a->fallback = INSTEAD_BRIDGE;
	else if (str_starts(text, "network:") && *name)
		a->fallback = INSTEAD_NETWORK;
	else
		return wrong(
			a, "fallback='%s' is neither bridge:NAME nor network:NAME nor none", text);
	a->fallback_name = strdup(name);
	return a->fallback_name ? 0 : -ENOMEM;
}

static int read_mac(struct domain_assign *a, char *value)
{
	autofree char *text = value;
	struct mac m;

	if (mac_parse(text, &m) < 0 || mac_is_zero(m) || mac_is_multicast(m))
		return wrong(a, "mac='%s' is no address of a network card", text);
	a->mac = strdup(MAC_TEXT(m));
	return a->mac ? 0 : -ENOMEM;
}

static int read_settings(struct domain_assign *a, char *value)
{
	autofree char *text = value;
	char *save = NULL;
	int r = 0;

	for (char *w = strtok_r(text, " ", &save); w && r == 0; w = strtok_r(NULL, " ", &save)) {
		if (*w == '=' || !strchr(w, '='))
			r = wrong(a, "settings: '%s' is no KEY=VALUE", w);
		else if (str_starts(w, "mac="))
			r = wrong(a, "settings: the address is said as mac='%s'", w + 4);
		else
			r = strv_add(&a->settings, w);
	}
	return r;
}

static const struct {
	const char *name;
	int (*read)(struct domain_assign *a, char *value); /* takes the value */
} attributes[] = {
	{ "pool", read_pool },
	{ "count", read_count },
	{ "fallback", read_fallback },
	{ "mac", read_mac },
	{ "settings", read_settings },
};

static int read_attribute(struct domain_assign *a, xmlNode *n, const char *name)
{
	autofree char *safe = NULL;
	char *value;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(attributes); i++) {
		if (!str_eq(name, attributes[i].name))
			continue;
		r = xml_attribute_take(n, name, &value);
		return r < 0 ? r : attributes[i].read(a, value);
	}
	/* Misspelt, it would be a wish that nobody hears. */
	safe = str_printable(name);
	return safe ? wrong(a, "it has no '%s', but pool, count, fallback, mac and settings", safe)
		    : -ENOMEM;
}

/* Others' attributes, in namespaces of their own, are theirs. */
static int read_attributes(struct domain_assign *a, xmlNode *n)
{
	int r = 0;

	for (xmlAttr *x = n->properties; x && r == 0; x = x->next)
		if (!x->ns)
			r = read_attribute(a, n, (const char *)x->name);
	return r;
}

/* What belongs together. */
static int check(struct domain_assign *a)
{
	autofree char *word = NULL;

	if (!a->pool && wrong(a, "it names no pool") < 0)
		return -ENOMEM;
	if (!a->mac || a->wrong)
		return 0;
	if (a->count > 1)
		return wrong(a, "%u functions cannot have one address", a->count);
	word = str_printf("mac=%s", a->mac);
	return word ? strv_add(&a->settings, word) : -ENOMEM;
}

static int add(struct domain *d, xmlNode *n)
{
	struct domain_assign a = { .count = 1 };
	int r = array_grow((void **)&d->assigns, d->n_assigns, sizeof(*d->assigns));

	if (r == 0)
		r = read_attributes(&a, n);
	if (r == 0)
		r = check(&a);
	if (r < 0)
		assign_done(&a);
	else
		d->assigns[d->n_assigns++] = a;
	return r;
}

static bool is_ours(const xmlNode *n)
{
	return xml_is(n, "assign") && n->ns && str_eq((const char *)n->ns->href, DOMAIN_NAMESPACE);
}

/* libvirt keeps one element of each namespace: several wishes stand in one <vfctl:assigns>. */
static bool is_list(const xmlNode *n)
{
	return xml_is(n, "assigns") && n->ns && str_eq((const char *)n->ns->href, DOMAIN_NAMESPACE);
}

int assigns_read(const xmlNode *metadata, struct domain *d)
{
	int r = 0;

	for (xmlNode *c = metadata ? metadata->children : NULL; c && r == 0; c = c->next) {
		if (is_ours(c))
			r = add(d, c);
		for (xmlNode *k = is_list(c) ? c->children : NULL; k && r == 0; k = k->next)
			if (is_ours(k))
				r = add(d, k);
	}
	return r;
}

void assign_done(struct domain_assign *a)
{
	free(a->wrong);
	free(a->pool);
	free(a->fallback_name);
	free(a->mac);
	strv_free(a->settings);
}
