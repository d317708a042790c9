// SPDX-License-Identifier: GPL-2.0-or-later
/* OpenForGuest, as who asks has it. */
#include "client-inside.h"
#include "names.h"

#include "base/str.h"

#include <fcntl.h>

static int append_options(sd_bus_message *m, uint64_t memory_bytes, const char *vfio)
{
	return vfio ? sd_bus_message_append(
			      m, "a{sv}", 2, "memory", "t", memory_bytes, "vfio", "s", vfio)
		    : sd_bus_message_append(m, "a{sv}", 1, "memory", "t", memory_bytes);
}

static int ask(struct daemon *d, char *const *what, uint64_t memory_bytes, const char *vfio,
	sd_bus_message **ret)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(
		d->bus, &m, DAEMON_NAME, DAEMON_PATH, DAEMON_INTERFACE, "OpenForGuest");

	if (r >= 0)
		r = sd_bus_message_append_strv(m, (char **)(uintptr_t)what);
	if (r >= 0)
		r = append_options(m, memory_bytes, vfio);
	if (r >= 0)
		r = client_call(d, m, 0, ret);
	sd_bus_message_unref(m);
	return r;
}

/* The message's own end with it; what is kept is a copy. */
static int take_one(sd_bus_message *answer, daemon_opened *opened, void *arg)
{
	const char *name = NULL;
	int theirs = -1, ours, r = sd_bus_message_read(answer, "sh", &name, &theirs);

	if (r <= 0)
		return r < 0 ? r : -EBADMSG;
	ours = fcntl(theirs, F_DUPFD_CLOEXEC, 0);
	return ours < 0 ? -errno : opened(arg, name, ours);
}

static int take(sd_bus_message *answer, daemon_opened *opened, void *arg)
{
	int r = sd_bus_message_enter_container(answer, 'a', "{sh}");

	while (r >= 0 && (r = sd_bus_message_enter_container(answer, 'e', "sh")) > 0) {
		r = take_one(answer, opened, arg);
		if (r >= 0)
			r = sd_bus_message_exit_container(answer);
	}
	return MIN(r, 0);
}

int daemon_open_for_guest(struct daemon *d, char *const *what, uint64_t memory_bytes,
	const char *vfio, daemon_opened *opened, void *arg, struct problem **reterr)
{
	sd_bus_message *answer = NULL;
	int r = ask(d, what, memory_bytes, vfio, &answer);

	r = client_judge(answer, r, reterr);
	if (r >= 0) {
		r = take(answer, opened, arg);
		if (r < 0)
			r = problem(reterr, r, PROBLEM_FAILED, NULL,
				"what the daemon opened cannot be taken: %s", strerror(-r));
	}
	sd_bus_message_unref(answer);
	return r;
}
