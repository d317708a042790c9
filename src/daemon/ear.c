// SPDX-License-Identifier: GPL-2.0-or-later
#include "ear.h"
#include "mind.h"
#include "claims.h"

#include "base/str.h"
#include "ipc/names.h"
#include "out/event.h"

#include <syslog.h>

/* So many in one go; then others have their turn, and the rest is still readable. */
enum { AT_A_TIME = 256 };

static int send_changed(struct manager *m, const struct watch_event *e)
{
	autofree char *json = NULL;
	int r = event_to_text(e, NULL, &json);

	return r < 0 ? r
		     : sd_bus_emit_signal(m->bus, DAEMON_PATH, DAEMON_INTERFACE, "FunctionChanged",
			       "ss", BDF_TEXT(e->bdf), json);
}

static int told(void *arg, const struct watch_event *e)
{
	struct manager *m = arg;
	bool count = e->kind == WATCH_ADDED || e->kind == WATCH_REMOVED;
	int r = 0;

	if (e->kind == WATCH_LOST)
		say(LOG_WARNING, 0, "the kernel dropped events: looking at the machine instead");
	if (e->kind == WATCH_LOST)
		mind_touch_all(m);
	/* Of an error below a port, and of what has no handlers for it, the port alone tells. */
	if (e->kind == WATCH_ERROR)
		mind_begin(m);
	else if (e->has_function)
		mind_touch(m, e->is_vf ? e->pf : e->bdf);
	if (e->has_function && e->kind == WATCH_REMOVED)
		claims_function_gone(m, e->bdf);
	if (!e->has_function || bus_is_behind(m))
		return 0;
	if (count)
		r = sd_bus_emit_signal(m->bus, DAEMON_PATH, DAEMON_INTERFACE,
			e->kind == WATCH_ADDED ? "FunctionAdded" : "FunctionRemoved", "s",
			BDF_TEXT(e->bdf));
	else
		r = send_changed(m, e);
	if (r >= 0 && count)
		r = sd_bus_emit_properties_changed(
			m->bus, DAEMON_PATH, DAEMON_INTERFACE, "NumFunctions", NULL);
	return MIN(r, 0);
}

static int on_event(sd_event_source *s UNUSED, int fd UNUSED, uint32_t revents UNUSED, void *arg)
{
	struct manager *m = arg;
	struct host_event raw;

	for (int i = 0; i < AT_A_TIME; i++) {
		int r = m->host->ops->events->next(m->host, m->events, 0, NULL, 0, &raw);

		if (r <= 0)
			return 0;
		r = watch_feed(m->watch, &raw, told, m);
		if (r < 0)
			say(LOG_WARNING, 0, "an event is lost: %s", strerror(-r));
	}
	return 0;
}

int ear_look_again(struct manager *m)
{
	const struct host_event raw = { .source = HOST_EVENT_LOST };

	return m->events ? watch_feed(m->watch, &raw, told, m) : 0;
}

/* First the ear, then the picture: what happens in between is heard, and seen already. */
int ear_open(struct manager *m, struct problem **reterr)
{
	const struct events_ops *ops = m->host->ops->events;
	int fds[EVENT_FDS_MAX], r = ops ? ops->open(m->host, &m->events) : 0;
	size_t n = r == 0 && ops ? ops->fds(m->events, fds) : 0;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_event_add_io(m->loop, &m->ears[i], fds[i], EPOLLIN, on_event, m);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot listen to the kernel: %s", strerror(-r));
	return watch_new(m->host, &m->watch, reterr);
}

void ear_close(struct manager *m)
{
	for (size_t i = 0; i < EVENT_FDS_MAX; i++)
		m->ears[i] = sd_event_source_unref(m->ears[i]);
	watch_free(TAKE_PTR(m->watch));
	if (m->events)
		m->host->ops->events->close(m->host, TAKE_PTR(m->events));
}
