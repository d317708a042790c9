// SPDX-License-Identifier: GPL-2.0-or-later
#include "metrics.h"

#include "base/str.h"

#include <ctype.h>

enum { FAMILY_BYTES = 128 };

/* Metric and label names are letters, digits and '_'. */
static void add_name(struct strbuf *b, const char *name)
{
	for (; *name; name++)
		strbuf_add(b, "%c", isalnum((unsigned char)*name) ? tolower(*name) : '_');
}

/* A unit is the last word of a name: "bytes-out" is out_bytes. */
static void add_metric(struct strbuf *b, const struct cost_count *c)
{
	static const char unit[] = "bytes-";

	if (c->means && c->means->unit == COUNTER_BYTES && str_starts(c->name, unit)) {
		add_name(b, c->name + strlen(unit));
		strbuf_add(b, "_bytes");
	} else {
		add_name(b, c->name);
	}
}

static const char *subject(const struct cost_count *c)
{
	return c->of == COUNTER_VECTOR && c->index < 0 ? "interrupts" : counter_of_name(c->of);
}

static char *family_of(const struct cost_count *c)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, c->means ? "vfctl_%s_" : "vfctl_other_%s_", subject(c));
	add_metric(&b, c);
	return strbuf_take(&b);
}

static void add_label(struct strbuf *b, const char *key, const char *value)
{
	autofree char *safe = str_printable(value);

	strbuf_add(b, "%s", b->len && b->s[b->len - 1] != '{' ? "," : "");
	add_name(b, key);
	strbuf_add(b, "=\"");
	for (const char *s = safe ? safe : ""; *s; s++)
		strbuf_add(b, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	strbuf_add(b, "\"");
}

static void add_number(struct strbuf *b, const char *key, int v)
{
	strbuf_add(b, ",%s=\"%d\"", key, v);
}

static void add_labels(struct strbuf *b, const char *guest, const struct cost_count *c)
{
	strbuf_add(b, "{");
	add_label(b, "guest", guest);
	if (c->whose)
		add_label(b, c->of == COUNTER_REGION ? "region" : "device", c->whose);
	if (c->index >= 0)
		add_number(b, counter_of_name(c->of), c->index);
	strbuf_add(b, "}");
}

static void add_head(struct strbuf *b, const char *family, const struct counter *means)
{
	strbuf_add(b, "# TYPE %s counter\n", family);
	if (means && means->unit == COUNTER_BYTES)
		strbuf_add(b, "# UNIT %s bytes\n", family);
	if (means)
		strbuf_add(b, "# HELP %s %s: %s.\n", family,
			means->unit == COUNTER_BYTES ? "Bytes" : "How often", means->what);
}

/* All of one family: those like `like`, of every guest. */
static int add_family(
	struct strbuf *b, const struct metrics_guest *v, size_t n, const struct cost_count *like)
{
	autofree char *family = family_of(like);

	if (!family)
		return -ENOMEM;
	add_head(b, family, like->means);
	for (size_t g = 0; g < n; g++) {
		for (size_t i = 0; i < v[g].sample->n; i++) {
			const struct cost_count *c = &v[g].sample->counts[i];
			autofree char *its = NULL;

			if (c->means != like->means || c->of != like->of)
				continue;
			its = family_of(c);
			if (!its)
				return -ENOMEM;
			if (!str_eq(its, family))
				continue;
			strbuf_add(b, "%s_total", family);
			add_labels(b, v[g].name, c);
			strbuf_add(b, " %llu\n", (unsigned long long)c->v);
		}
	}
	return 0;
}

/* Whether nothing before (g, i) is of the same family. */
static bool is_first(const struct metrics_guest *v, size_t g, size_t i)
{
	const struct cost_count *c = &v[g].sample->counts[i];
	autofree char *family = family_of(c);

	for (size_t h = 0; h <= g; h++)
		for (size_t k = 0; k < (h == g ? i : v[h].sample->n); k++) {
			const struct cost_count *other = &v[h].sample->counts[k];
			autofree char *its = NULL;

			if (other->means != c->means || other->of != c->of)
				continue;
			its = family_of(other);
			if (its && family && str_eq(its, family))
				return false;
		}
	return true;
}

/* Families of one counter of the table (vectors have two), or of those that nobody explained. */
static int add_counter(
	struct strbuf *b, const struct metrics_guest *v, size_t n, const struct counter *means)
{
	int r = 0;

	for (size_t g = 0; g < n; g++)
		for (size_t i = 0; i < v[g].sample->n && r == 0; i++)
			if (v[g].sample->counts[i].means == means && is_first(v, g, i))
				r = add_family(b, v, n, &v[g].sample->counts[i]);
	return r;
}

static void add_device(struct strbuf *b, const char *guest, const struct cost_device *d)
{
	strbuf_add(b, "vfctl_device_info{");
	add_label(b, "guest", guest);
	add_label(b, "device", d->name);
	for (size_t i = 0; i < d->n_traits; i++) {
		autostrbuf key = { 0 };

		/* Nothing that a device says may stand in for who it is. */
		strbuf_add(&key, "is_%s", d->traits[i].key);
		add_label(b, key.s ? key.s : "is_", d->traits[i].word);
	}
	strbuf_add(b, "} 1\n");
}

static void add_devices(struct strbuf *b, const struct metrics_guest *v, size_t n)
{
	strbuf_add(b, "# TYPE vfctl_device info\n"
		      "# HELP vfctl_device What the device is, and how it is served.\n");
	for (size_t g = 0; g < n; g++)
		for (size_t i = 0; i < v[g].sample->n_devices; i++)
			add_device(b, v[g].name, &v[g].sample->devices[i]);
}

int out_metrics(
	const struct out *o, const struct metrics_guest *v, size_t n, struct problem **reterr)
{
	autostrbuf b = { 0 };
	int r = 0;

	add_devices(&b, v, n);
	for (size_t i = 0; i < n_counters && r == 0; i++)
		r = add_counter(&b, v, n, &counters[i]);
	if (r == 0)
		r = add_counter(&b, v, n, NULL);
	strbuf_add(&b, "# EOF\n");
	if (r < 0 || b.failed)
		return -ENOMEM;
	if (fputs(b.s, o->to) == EOF || fflush(o->to) == EOF)
		return problem(reterr, -EIO, PROBLEM_IO, NULL, "cannot write the metrics");
	return 0;
}
