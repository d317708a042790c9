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

int launch_serve_set(
	struct launch_serve *s, const char *key, const char *value, const char **ret_why)
{
	static const struct {
		const char *key;
		const char *(*set)(struct launch_serve *s, const char *value);
	} keys[] = { { "threads", set_threads }, { "poll", set_poll }, { "pin", set_pin } };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (str_eq(keys[i].key, key)) {
			*ret_why = keys[i].set(s, value);
			return 1;
		}
	return 0;
}

void launch_serve_text(const struct launch_serve *s, char *buf, size_t size)
{
	size_t n = 0;

	*buf = '\0';
	if (s->threads)
		n += (size_t)snprintf(buf, size, ",threads=%s", s->threads);
	if (s->poll && n < size)
		n += (size_t)snprintf(buf + n, size - n, ",poll=%s", s->poll);
	if (s->pin && n < size)
		snprintf(buf + n, size - n, ",pin=%u", s->pin - 1);
}
