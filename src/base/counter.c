// SPDX-License-Identifier: GPL-2.0-or-later
#include "counter.h"

#include "attr.h"
#include "str.h"

#include <string.h>

enum { INDEX_MAX = 65535 };

const struct counter counters[] = {
#define COUNTER(of, name, unit, what) { COUNTER_##of, name, COUNTER_##unit, what },
#include "counter.def"
};
const size_t n_counters = ARRAY_SIZE(counters);

const struct counter *counter_find(enum counter_of of, const char *name)
{
	for (size_t i = 0; i < n_counters; i++)
		if (counters[i].of == of && str_eq(counters[i].name, name))
			return &counters[i];
	return NULL;
}

const char *counter_of_name(enum counter_of of)
{
	static const char *const names[] = {
		[COUNTER_GUEST] = "guest",
		[COUNTER_CPU] = "cpu",
		[COUNTER_DEVICE] = "device",
		[COUNTER_QUEUE] = "queue",
		[COUNTER_VECTOR] = "vector",
		[COUNTER_REGION] = "region",
	};

	return names[of];
}

/* "queue12-x" → "x" and 12; NULL when it is nothing of the kind. */
static const char *numbered(const char *text, const char *word, char end, int *ret_index)
{
	size_t n = strlen(word);
	int index = 0;

	if (!str_starts(text, word) || text[n] < '0' || text[n] > '9')
		return NULL;
	for (text += n; *text >= '0' && *text <= '9'; text++) {
		index = index * 10 + (*text - '0');
		if (index > INDEX_MAX)
			return NULL;
	}
	if (*text != end || !text[1])
		return NULL;
	*ret_index = index;
	return text + 1;
}

enum counter_of counter_parse(const char *text, const char **ret_name, int *ret_index)
{
	static const char all[] = "interrupts_";
	const char *name;

	if ((name = numbered(text, "queue", '-', ret_index))) {
		*ret_name = name;
		return COUNTER_QUEUE;
	}
	if ((name = numbered(text, "vector", '_', ret_index))) {
		*ret_name = name;
		return COUNTER_VECTOR;
	}
	*ret_index = -1;
	*ret_name = text;
	if (!str_starts(text, all) || !counter_find(COUNTER_VECTOR, text + strlen(all)))
		return COUNTER_DEVICE;
	*ret_name = text + strlen(all);
	return COUNTER_VECTOR;
}
