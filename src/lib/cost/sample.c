// SPDX-License-Identifier: GPL-2.0-or-later
#include "sample.h"

#include "base/grow.h"
#include "base/str.h"

static json_object *list_in(json_object *from, const char *key)
{
	json_object *list = NULL;

	if (!json_object_object_get_ex(from, key, &list) ||
		!json_object_is_type(list, json_type_array))
		return NULL;
	return list;
}

static size_t length(json_object *list)
{
	return list ? json_object_array_length(list) : 0;
}

static const char *word_in(json_object *from, const char *key)
{
	json_object *word = NULL;

	if (!json_object_object_get_ex(from, key, &word) ||
		!json_object_is_type(word, json_type_string))
		return NULL;
	return json_object_get_string(word);
}

static int add(struct cost_sample *s, struct cost_count c)
{
	if (!GROW(s->counts, s->n))
		return -ENOMEM;
	c.means = counter_find(c.of, c.name);
	s->counts[s->n++] = c;
	return 0;
}

/* What is in a report as a number and counts nothing. */
static bool is_counter(const char *key, json_object *value)
{
	static const char *const not [] = { "slot", "start", "status" };

	for (size_t i = 0; i < ARRAY_SIZE(not ); i++)
		if (str_eq(key, not [i]))
			return false;
	return json_object_is_type(value, json_type_int);
}

static int add_numbers(struct cost_sample *s, struct cost_count like, json_object *from)
{
	json_object_object_foreach(from, key, value)
	{
		struct cost_count c = like;

		if (!is_counter(key, value))
			continue;
		c.name = key;
		c.v = json_object_get_uint64(value);
		if (like.of == COUNTER_DEVICE)
			c.of = counter_parse(key, &c.name, &c.index);
		if (add(s, c) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int add_cpus(struct cost_sample *s, json_object *list)
{
	int r = 0;

	for (size_t i = 0; i < length(list) && r == 0; i++) {
		json_object *cpu = json_object_array_get_idx(list, i);

		if (json_object_is_type(cpu, json_type_object))
			r = add_numbers(
				s, (struct cost_count) { COUNTER_CPU, .index = (int)i }, cpu);
	}
	return r;
}

static int add_traits(struct cost_device *d, json_object *from)
{
	json_object_object_foreach(from, key, word)
	{
		if (!json_object_is_type(word, json_type_string))
			continue;
		if (!GROW(d->traits, d->n_traits))
			return -ENOMEM;
		d->traits[d->n_traits++] =
			(struct cost_trait) { key, json_object_get_string(word) };
	}
	return 0;
}

static int add_device(struct cost_sample *s, json_object *from)
{
	const struct cost_count like = { COUNTER_DEVICE, .index = -1,
		.whose = word_in(from, "name") };
	json_object *traits = NULL;
	struct cost_device *d;

	if (!like.whose)
		return 0;
	if (!GROW(s->devices, s->n_devices))
		return -ENOMEM;
	d = &s->devices[s->n_devices++];
	*d = (struct cost_device) { .name = like.whose,
		.slot = (unsigned)json_object_get_int(json_object_object_get(from, "slot")) };
	if (json_object_object_get_ex(from, "traits", &traits) &&
		json_object_is_type(traits, json_type_object) && add_traits(d, traits) < 0)
		return -ENOMEM;
	return add_numbers(s, like, from);
}

static const struct cost_device *device_of(const struct cost_sample *s, const char *name)
{
	for (size_t i = 0; i < s->n_devices; i++)
		if (str_eq(s->devices[i].name, name))
			return &s->devices[i];
	return NULL;
}

/* What is a device's is counted by the device. */
static int add_regions(struct cost_sample *s, json_object *list)
{
	int r = 0;

	for (size_t i = 0; i < length(list) && r == 0; i++) {
		json_object *region = json_object_array_get_idx(list, i);
		const char *name = word_in(region, "name");

		if (name && !device_of(s, name))
			r = add_numbers(s,
				(struct cost_count) { COUNTER_REGION, .index = -1, .whose = name },
				region);
	}
	return r;
}

static int add_all(struct cost_sample *s, json_object *stats)
{
	json_object *devices = list_in(stats, "devices");
	int r = add_numbers(s, (struct cost_count) { COUNTER_GUEST, .index = -1 }, stats);

	if (r == 0)
		r = add_cpus(s, list_in(stats, "cpus"));
	for (size_t i = 0; i < length(devices) && r == 0; i++)
		r = add_device(s, json_object_array_get_idx(devices, i));
	if (r == 0)
		r = add_regions(s, list_in(stats, "pio"));
	if (r == 0)
		r = add_regions(s, list_in(stats, "mmio"));
	return r;
}

int cost_sample_new(json_object *stats, uint64_t at_us, struct cost_sample *ret)
{
	autosample s = { .from = json_object_get(stats), .at_us = at_us };
	int r = json_object_is_type(stats, json_type_object) ? add_all(&s, stats) : 0;

	if (r == 0)
		*ret = TAKE_STRUCT(s);
	return r;
}

void cost_sample_done(struct cost_sample *s)
{
	for (size_t i = 0; i < s->n_devices; i++)
		free(s->devices[i].traits);
	free(s->devices);
	free(s->counts);
	json_object_put(s->from);
}

const char *cost_trait(const struct cost_device *d, const char *key)
{
	for (size_t i = 0; i < d->n_traits; i++)
		if (str_eq(d->traits[i].key, key))
			return d->traits[i].word;
	return NULL;
}

static bool is_same(const struct cost_count *a, const struct cost_count *b)
{
	return a->of == b->of && a->index == b->index && str_eq(a->name, b->name) &&
	       str_eq(a->whose, b->whose);
}

/* Reports of one guest hardly differ: it is looked for first where it was. */
static const struct cost_count *find(
	const struct cost_sample *s, const struct cost_count *c, size_t hint)
{
	if (hint < s->n && is_same(&s->counts[hint], c))
		return &s->counts[hint];
	for (size_t i = 0; i < s->n; i++)
		if (is_same(&s->counts[i], c))
			return &s->counts[i];
	return NULL;
}

uint64_t cost_value(const struct cost_sample *s, enum counter_of of, const char *whose, int index,
	const char *name)
{
	const struct cost_count want = { of, .whose = whose, .index = index, .name = name };
	const struct cost_count *c = find(s, &want, s->n);

	return c ? c->v : 0;
}

uint64_t cost_growth(const struct cost_sample *before, const struct cost_sample *s, size_t i)
{
	const struct cost_count *now = &s->counts[i];
	const struct cost_count *was = before ? find(before, now, i) : NULL;

	return was && was->v <= now->v ? now->v - was->v : now->v;
}

char *cost_label(const struct cost_count *c, const char *guest)
{
	switch (c->of) {
	case COUNTER_CPU:
		return str_printf("cpu%d", c->index);
	case COUNTER_QUEUE:
		return str_printf("%s/%d", c->whose, c->index);
	default:
		return strdup(c->whose ? c->whose : guest);
	}
}

char *cost_name(const struct cost_count *c)
{
	if (c->of != COUNTER_VECTOR)
		return strdup(c->name);
	return c->index < 0 ? str_printf("interrupts_%s", c->name)
			    : str_printf("vector%d_%s", c->index, c->name);
}
