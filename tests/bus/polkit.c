// SPDX-License-Identifier: GPL-2.0-or-later
/* polkit on a bus of a test's own: allows the one action that is named, to everybody. */
#include "base/attr.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-bus.h>

static int answer(sd_bus_message *asked, bool allowed)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_return(asked, &m);

	if (r >= 0)
		r = sd_bus_message_append(m, "(bba{ss})", (int)allowed, 0, 0);
	if (r >= 0)
		r = sd_bus_send(NULL, m, NULL);
	sd_bus_message_unref(m);
	return r;
}

static int check(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	const char *action = NULL;
	int r = sd_bus_message_skip(asked, "(sa{sv})");

	if (r >= 0)
		r = sd_bus_message_read(asked, "s", &action);
	return r < 0 ? r : answer(asked, strcmp(action, arg) == 0);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("CheckAuthorization", "(sa{sv})sa{ss}us", "(bba{ss})", check,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_VTABLE_END,
};

int main(int argc, char **argv)
{
	sd_bus *bus = NULL;
	int r = argc == 2 ? sd_bus_open_system(&bus) : -EINVAL;

	if (r >= 0)
		r = sd_bus_add_object_vtable(bus, NULL, "/org/freedesktop/PolicyKit1/Authority",
			"org.freedesktop.PolicyKit1.Authority", vtable, argv[1]);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.freedesktop.PolicyKit1", 0);
	while (r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	fprintf(stderr, "polkit: %s\n", strerror(-r));
	return 1;
}
