// SPDX-License-Identifier: GPL-2.0-or-later
#include "guard.h"

#include <string.h>

/* Of each value beside its bytes, for what there is of empty ones. */
enum { VALUE_BYTES = 8 };

static int weigh_value(sd_bus_message *asked, char type, size_t *sum)
{
	union {
		const char *text;
		uint64_t number;
		int fd;
	} v = { 0 };
	bool text = type == 's' || type == 'o' || type == 'g';
	int r = sd_bus_message_read_basic(asked, type, &v);

	if (r > 0)
		*sum += VALUE_BYTES + (text ? strlen(v.text) : 0);
	return r;
}

/* What one container holds. As deep as D-Bus lets them be nested: 64. */
static int weigh(sd_bus_message *asked, size_t limit, size_t *sum)
{
	const char *inside;
	char type;
	int r;

	while ((r = sd_bus_message_peek_type(asked, &type, &inside)) > 0 && *sum <= limit) {
		if (!inside) {
			r = weigh_value(asked, type, sum);
		} else {
			*sum += VALUE_BYTES;
			r = sd_bus_message_enter_container(asked, type, inside);
			if (r > 0)
				r = weigh(asked, limit, sum);
			if (r >= 0 && *sum <= limit)
				r = sd_bus_message_exit_container(asked);
		}
		if (r < 0)
			return r;
	}
	return MIN(r, 0);
}

size_t guard_weigh(sd_bus_message *asked, size_t limit)
{
	size_t sum = 0;
	/* What cannot be read is for the method to complain about. */
	int r = sd_bus_message_rewind(asked, true);

	if (r >= 0)
		(void)weigh(asked, limit, &sum);
	(void)sd_bus_message_rewind(asked, true);
	return sum;
}

static int on_message(sd_bus_message *asked, void *arg UNUSED, sd_bus_error *e UNUSED)
{
	uint8_t type = 0;

	if (sd_bus_message_get_type(asked, &type) < 0 || type != SD_BUS_MESSAGE_METHOD_CALL ||
		guard_weigh(asked, MESSAGE_MAX) <= MESSAGE_MAX)
		return 0;
	return sd_bus_reply_method_errorf(asked, SD_BUS_ERROR_LIMITS_EXCEEDED,
		"a message of more than %d MiB is not read", MESSAGE_MAX >> 20);
}

int guard_open(struct manager *m)
{
	return sd_bus_add_filter(m->bus, NULL, on_message, m);
}
