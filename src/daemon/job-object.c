// SPDX-License-Identifier: GPL-2.0-or-later
/* A job as an object on the bus. */
#include "job-inside.h"
#include "polkit.h"

#include "base/str.h"
#include "ipc/names.h"
#include "ipc/news.h"

#include <syslog.h>

static int get_state(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
	const char *name UNUSED, sd_bus_message *to, void *arg, sd_bus_error *e UNUSED)
{
	return sd_bus_message_append(to, "s", job_state_name(arg));
}

static int get_outcome(sd_bus *bus UNUSED, const char *path UNUSED, const char *interface UNUSED,
	const char *name UNUSED, sd_bus_message *to, void *arg, sd_bus_error *e UNUSED)
{
	const struct job *j = arg;

	return sd_bus_message_append(to, "s", j->outcome ? j->outcome : "");
}

static struct job *find(struct manager *m, const char *path)
{
	struct job *j = m->jobs;

	while (j && !str_eq(j->path, path))
		j = j->next;
	return j;
}

static int cancel(sd_bus_message *asked, struct job *j)
{
	if (!job_is_open(j)) {
		autoproblem *p = NULL;

		problem(&p, -ESRCH, PROBLEM_NOT_FOUND, NULL, "job %u has ended", j->id);
		return reply_problem(asked, p);
	}
	say(LOG_NOTICE, j->id, "job %u (%s) is cancelled", j->id, j->command);
	job_cancel(j);
	return sd_bus_reply_method_return(asked, NULL);
}

/* polkit has thought about it; meanwhile the job may have gone. */
static int go_cancel(struct manager *m, sd_bus_message *asked, unsigned uid UNUSED)
{
	struct job *j = find(m, sd_bus_message_get_path(asked));

	return j ? cancel(asked, j) : sd_bus_reply_method_errno(asked, -ESRCH, NULL);
}

/* Who asked for it may end it; others as they may change. */
static int on_cancel(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	struct job *j = arg;

	return str_eq(j->sender, sd_bus_message_get_sender(asked))
		       ? cancel(asked, j)
		       : polkit_ask(j->m, asked, POLKIT_CHANGE, go_cancel);
}

static const sd_bus_vtable vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_PROPERTY(
		"Command", "s", NULL, offsetof(struct job, command), SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("User", "u", NULL, offsetof(struct job, uid), SD_BUS_VTABLE_PROPERTY_CONST),
	SD_BUS_PROPERTY("State", "s", get_state, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE),
	SD_BUS_PROPERTY("Outcome", "s", get_outcome, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
	SD_BUS_METHOD("Cancel", NULL, NULL, on_cancel, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL_WITH_ARGS("Result", SD_BUS_ARGS("s", news), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Waiting", SD_BUS_ARGS("s", news), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Note", SD_BUS_ARGS("s", news), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Answer", SD_BUS_ARGS("s", news), 0),
	SD_BUS_SIGNAL_WITH_ARGS("Ended", SD_BUS_ARGS("s", news), 0),
	SD_BUS_VTABLE_END,
};

int job_export(struct job *j)
{
	int r = sd_bus_add_object_vtable(j->m->bus, &j->object, j->path, JOB_INTERFACE, vtable, j);

	if (r >= 0)
		r = sd_bus_emit_signal(
			j->m->bus, DAEMON_PATH, DAEMON_INTERFACE, "JobNew", "o", j->path);
	return r;
}

void job_tell_state(struct job *j)
{
	(void)sd_bus_emit_properties_changed(j->m->bus, j->path, JOB_INTERFACE, "State", NULL);
	if (!job_is_open(j))
		(void)sd_bus_emit_properties_changed(
			j->m->bus, j->path, JOB_INTERFACE, "Outcome", NULL);
}

static const char *signal_of(const char *line)
{
	static const struct {
		enum news_kind kind;
		const char *signal;
	} all[] = {
		{ NEWS_RESULT, "Result" },
		{ NEWS_LINE, "Result" },
		{ NEWS_WAITING, "Waiting" },
		{ NEWS_NOTE, "Note" },
		{ NEWS_RECOVERED, "Note" },
		{ NEWS_ANSWER, "Answer" },
		{ NEWS_ENDED, "Ended" },
	};
	autonews n = { 0 };

	if (news_from_text(line, &n) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (all[i].kind == n.kind)
			return all[i].signal;
	return NULL;
}

void job_tell(struct job *j, const char *line)
{
	const char *name = signal_of(line);

	/* The end is told always, for without it nobody would stop waiting; and who got what. */
	if (!name || (bus_is_behind(j->m) && !str_eq(name, "Ended") && !str_eq(name, "Answer")))
		return;
	if (sd_bus_emit_signal(j->m->bus, j->path, JOB_INTERFACE, name, "s", line) < 0)
		say(LOG_WARNING, j->id, "news of job %u could not be told", j->id);
}
