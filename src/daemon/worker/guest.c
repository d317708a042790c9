// SPDX-License-Identifier: GPL-2.0-or-later
/* OpenForGuest: what is opened here leaves with the answer, and this process ends. */
#include "worker.h"

#include "base/str.h"
#include "claim/owner.h"
#include "handover/handover.h"
#include "ipc/fds.h"

#include <json-c/json.h>

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

/* ["/dev/kvm","/dev/vfio/12"], in the order of the descriptors. NULL: no memory. */
static char *names_text(const struct handover *o)
{
	json_object *j = json_object_new_array();
	char *copy = NULL;

	for (size_t i = 0; j && i < o->n; i++) {
		json_object *name = json_object_new_string(o->v[i].name);

		if (name && json_object_array_add(j, name) == 0)
			continue;
		json_object_put(name);
		json_object_put(j);
		return NULL;
	}
	if (j)
		copy = strdup(json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN));
	json_object_put(j);
	return copy;
}

static int send_all(struct worker *w, const struct handover *o, struct problem **reterr)
{
	autofree char *names = names_text(o), *news = NULL, *line = NULL;
	int fds[HANDOVER_MAX + 1], r;

	if (names)
		news = news_to_text(&(struct news) { .kind = NEWS_ANSWER, .text = names });
	line = news ? str_printf("%s\n", news) : NULL;
	if (!line)
		return no_memory(reterr);
	for (size_t i = 0; i < o->n; i++)
		fds[i] = o->v[i].fd;
	r = fflush(w->to) == EOF ? -errno : fds_send(fileno(w->to), line, strlen(line), fds, o->n);
	return r < 0 ? problem(reterr, r, PROBLEM_IO, NULL, "nobody takes what was opened: %s",
			       strerror(-r))
		     : 0;
}

int worker_open(struct worker *w, const struct order *o, struct problem **reterr)
{
	struct handover_request q = {
		.asker = { .uid = o->guest.uid, .pid = (int)o->guest.pid },
		.what = o->functions,
		.memory_bytes = o->guest.memory_bytes,
		.run_dir = w->places->run_dir,
	};
	autolimits limits = { 0 };
	autohandover out = { 0 };
	int r;

	if (o->guest.vfio && vfio_backend_parse(o->guest.vfio, &q.backend) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, vfio_backend_names,
			"what VFIO is to be opened by is no back end of it");
	r = process_start(w->h, q.asker.pid, &q.asker.start);
	if (r < 0)
		return problem(reterr, -ESRCH, PROBLEM_NOT_FOUND, NULL,
			"process %d, which asked, has ended", q.asker.pid);
	r = handover_limits_read(w->h, &limits, reterr);
	if (r == 0)
		r = handover_open(w->h, &q, &limits, &out, reterr);
	return r < 0 ? r : send_all(w, &out, reterr);
}
