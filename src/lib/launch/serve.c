// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

enum { CPU_MAX = 1 << 16 };

static const char *one_of(const char *value, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq(words[i], value))
			return words[i];
	return NULL;
}

static const char *set_threads(struct launch_serve *s, const char *v)
{
	static const char *const words[] = { "io", "queue", "main", "cpu", "dedicated" };

	s->threads = one_of(v, words, ARRAY_SIZE(words));
	return s->threads ? NULL : "threads= is io, queue, main, cpu or dedicated";
}

static const char *set_poll(struct launch_serve *s, const char *v)
{
	static const char *const words[] = { "notify", "adaptive", "dedicated" };

	s->poll = one_of(v, words, ARRAY_SIZE(words));
	return s->poll ? NULL : "poll= is notify, adaptive or dedicated";
}

static const char *set_pin(struct launch_serve *s, const char *v)
{
	uint32_t cpu;

	if (parse_u32(v, &cpu) < 0 || cpu >= CPU_MAX)
		return "pin= is the number of a CPU";
	s->pin = cpu + 1;
	return NULL;
}

static const char *on_or_off(const char *v)
{
	static const char *const words[] = { "on", "off" };

	return one_of(v, words, ARRAY_SIZE(words));
}

static const char *set_packed(struct launch_serve *s, const char *v)
{
	s->packed = on_or_off(v);
	return s->packed ? NULL : "packed= is on or off";
}

static const char *set_in_order(struct launch_serve *s, const char *v)
{
	s->in_order = on_or_off(v);
	return s->in_order ? NULL : "in-order= is on or off";
}

static const char *set_queue_size(struct launch_serve *s, const char *v)
{
	static const char *const words[] = { "256", "512", "1024" };

	s->queue_size = one_of(v, words, ARRAY_SIZE(words));
	return s->queue_size ? NULL : "queue-size= is 256, 512 or 1024";
}

int launch_serve_set(
	struct launch_serve *s, const char *key, const char *value, const char **ret_why)
{
	static const struct {
		const char *key;
		const char *(*set)(struct launch_serve *s, const char *value);
	} keys[] = {
		{ "threads", set_threads },
		{ "poll", set_poll },
		{ "pin", set_pin },
		{ "packed", set_packed },
		{ "in-order", set_in_order },
		{ "queue-size", set_queue_size },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (str_eq(keys[i].key, key)) {
			*ret_why = keys[i].set(s, value);
			return 1;
		}
	return 0;
}

bool launch_serve_is_set(const struct launch_serve *s)
{
	return s->threads || s->poll || s->pin || s->packed || s->in_order || s->queue_size;
}

void launch_serve_text(const struct launch_serve *s, char buf[LAUNCH_SERVE_TEXT])
{
	const struct {
		const char *key, *value;
	} words[] = {
		{ "threads", s->threads },
		{ "poll", s->poll },
		{ "packed", s->packed },
		{ "in-order", s->in_order },
		{ "queue-size", s->queue_size },
	};
	size_t n = 0;

	*buf = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (words[i].value)
			n += (size_t)snprintf(buf + n, LAUNCH_SERVE_TEXT - n, ",%s=%s",
				words[i].key, words[i].value);
	if (s->pin)
		snprintf(buf + n, LAUNCH_SERVE_TEXT - n, ",pin=%u", s->pin - 1);
}
