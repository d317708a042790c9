// SPDX-License-Identifier: GPL-2.0-or-later
#include "manager.h"
#include "claim-ask.h"
#include "claims.h"
#include "ear.h"
#include "guard.h"
#include "guest-ask.h"
#include "job.h"
#include "look.h"
#include "mind.h"
#include "polkit.h"

#include "base/str.h"
#include "ipc/names.h"
#include "ipc/story.h"

#include <syslog.h>

unsigned manager_load(const struct manager *m, const char *sender)
{
	return polkit_open(m, sender) + look_open(m, sender) + job_open(m, sender);
}

/* sd-bus knows errors with one text; ours have the hint as a second one. */
int reply_problem(sd_bus_message *asked, const struct problem *p)
{
	autofree char *text = p ? problem_text(p) : NULL;
	const char *hint = p ? problem_best_hint(p) : NULL;
	sd_bus_message *answer = NULL;
	char name[ERROR_NAME_MAX];
	int r;

	error_name(p ? p->kind : PROBLEM_NO_MEMORY, name);
	r = sd_bus_message_new_method_error(
		asked, &answer, &SD_BUS_ERROR_MAKE_CONST(name, text ? text : "out of memory"));
	if (r >= 0 && hint)
		r = sd_bus_message_append(answer, "s", hint);
	if (r >= 0)
		r = sd_bus_send(sd_bus_message_get_bus(asked), answer, NULL);
	sd_bus_message_unref(answer);
	return r < 0 ? r : 1;
}

int reply_limit(sd_bus_message *asked, const char *what)
{
	return sd_bus_reply_method_errorf(
		asked, SD_BUS_ERROR_LIMITS_EXCEEDED, "there are too many %s", what);
}

bool bus_is_behind(struct manager *m)
{
	uint64_t n = 0;
	bool behind = sd_bus_get_n_queued_write(m->bus, &n) >= 0 && n > BACKLOG_MAX;

	if (behind && !m->lost_told)
		say(LOG_WARNING, 0, "the bus does not keep up: signals are left out");
	m->lost_told = behind;
	return behind;
}

static int get_version(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
	const char *name UNUSED, sd_bus_message *to, void *arg UNUSED, sd_bus_error *e UNUSED)
{
	return sd_bus_message_append(to, "s", VFCTL_VERSION);
}

static int get_functions(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
	const char *name UNUSED, sd_bus_message *to, void *arg, sd_bus_error *e UNUSED)
{
	const struct manager *m = arg;

	return sd_bus_message_append(to, "u", (uint32_t)watch_count(m->watch));
}

static int get_jobs(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
	const char *name UNUSED, sd_bus_message *to, void *arg, sd_bus_error *e UNUSED)
{
	return sd_bus_message_append(to, "u", job_open(arg, NULL));
}

static int get_leases(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
	const char *name UNUSED, sd_bus_message *to, void *arg, sd_bus_error *e UNUSED)
{
	return sd_bus_message_append(to, "u", claims_count(arg));
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("NumFunctions", "u", get_functions, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("NumJobs", "u", get_jobs, 0, 0),
	SD_BUS_PROPERTY("NumLeases", "u", get_leases, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_METHOD_WITH_ARGS("List", SD_BUS_ARGS("as", selectors, "a{sv}", options),
		SD_BUS_ARGS("s", json), look_list, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Show", SD_BUS_ARGS("s", selector), SD_BUS_ARGS("s", json),
		look_show, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Change", SD_BUS_ARGS("s", wishes, "a{sv}", options),
		SD_BUS_ARGS("o", job), job_change, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Reset", SD_BUS_ARGS("as", functions, "a{sv}", options),
		SD_BUS_ARGS("o", job), job_reset, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Assign", SD_BUS_ARGS("s", request, "a{sv}", options),
		SD_BUS_ARGS("o", job), claim_assign, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Release", SD_BUS_ARGS("s", request, "a{sv}", options),
		SD_BUS_ARGS("o", job), claim_release, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("Leases", SD_BUS_NO_ARGS, SD_BUS_ARGS("s", json), look_leases,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("OpenForGuest", SD_BUS_ARGS("as", what, "a{sv}", options),
		SD_BUS_ARGS("a{sh}", descriptors), guest_open, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("LookAgain", SD_BUS_ARGS("s", owner), SD_BUS_NO_RESULT,
		claims_asked, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_NO_ARGS, SD_BUS_ARGS("a(osus)", jobs), job_list,
		SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("FunctionAdded", SD_BUS_ARGS("s", address), 0),
	SD_BUS_SIGNAL_WITH_ARGS("FunctionRemoved", SD_BUS_ARGS("s", address), 0),
	SD_BUS_SIGNAL_WITH_ARGS("FunctionChanged", SD_BUS_ARGS("s", address, "s", event), 0),
	SD_BUS_SIGNAL_WITH_ARGS(
		"HealthChanged", SD_BUS_ARGS("s", function, "s", health, "s", reason), 0),
	SD_BUS_SIGNAL_WITH_ARGS("DriftFound", SD_BUS_ARGS("s", function, "s", what), 0),
	SD_BUS_SIGNAL_WITH_ARGS("ClaimGranted", SD_BUS_ARGS("s", function, "s", owner), 0),
	SD_BUS_SIGNAL_WITH_ARGS("ClaimReleased", SD_BUS_ARGS("s", function, "s", owner), 0),
	SD_BUS_SIGNAL_WITH_ARGS(
		"ClaimLost", SD_BUS_ARGS("s", function, "s", owner, "s", reason), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobNew", SD_BUS_ARGS("o", job), 0),
	SD_BUS_SIGNAL_WITH_ARGS("JobRemoved", SD_BUS_ARGS("o", job), 0),
	SD_BUS_VTABLE_END,
};

static int open_bus(struct manager *m, const char *address)
{
	int r;

	if (!address)
		return sd_bus_open_system(&m->bus);
	r = sd_bus_new(&m->bus);
	if (r >= 0)
		r = sd_bus_set_address(m->bus, address);
	if (r >= 0)
		r = sd_bus_set_bus_client(m->bus, true);
	return r < 0 ? r : sd_bus_start(m->bus);
}

int manager_connect(struct manager *m, const char *address, struct problem **reterr)
{
	int r = open_bus(m, address);

	if (r >= 0)
		r = sd_bus_set_exit_on_disconnect(m->bus, true);
	if (r >= 0)
		r = sd_bus_attach_event(m->bus, m->loop, SD_EVENT_PRIORITY_NORMAL);
	if (r >= 0)
		r = guard_open(m);
	if (r >= 0)
		r = sd_bus_add_object_vtable(
			m->bus, NULL, DAEMON_PATH, DAEMON_INTERFACE, vtable, m);
	if (r >= 0)
		r = sd_bus_request_name(m->bus, DAEMON_NAME, 0);
	if (r == -EEXIST)
		return problem(reterr, r, PROBLEM_IN_USE, "systemctl status vfctld",
			"another vfctld has the name %s on this bus", DAEMON_NAME);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r),
			"the bus policy is installed with vfctld", "cannot be %s on the %s bus: %s",
			DAEMON_NAME, address ? "given" : "system", strerror(-r));
	return 0;
}

void manager_done(struct manager *m)
{
	mind_done(m);
	polkit_done(m);
	look_done(m);
	claims_close(m);
	job_done(m);
	ear_close(m);
	sd_bus_flush_close_unref(m->bus);
	sd_event_unref(m->loop);
	host_free(m->host);
}
