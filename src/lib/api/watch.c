// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch/watch.h"
#include "handle.h"

#include "base/str.h"

#include <poll.h>

struct vfctl_watch {
	struct host *host;
	struct events *events;
	struct watch *watch;
};

struct vfctl_event {
	const struct watch_event *e;
	char address[BDF_TEXT_MAX], physfn[BDF_TEXT_MAX];
	const char *text;
};

void vfctl_watch_close(struct vfctl_watch *w)
{
	if (!w)
		return;
	if (w->events)
		w->host->ops->events->close(w->host, w->events);
	watch_free(w->watch);
	free(w);
}

/* First the ear, then the picture: what happens in between is heard, and seen already. */
static int begin(struct vfctl_watch *w, struct problem **reterr)
{
	int r;

	if (!w->host->ops->events)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"nothing happens on a captured machine");
	r = w->host->ops->events->open(w->host, &w->events);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot listen to the kernel: %s", strerror(-r));
	return watch_new(w->host, &w->watch, reterr);
}

int vfctl_watch_open(struct vfctl_host *host, struct vfctl_watch **ret, struct vfctl_error **reterr)
{
	struct vfctl_watch *w = calloc(1, sizeof(*w));
	struct problem *p = NULL;
	int r = -ENOMEM;

	if (w) {
		w->host = host->host;
		r = begin(w, &p);
	}
	if (r < 0) {
		vfctl_watch_close(w);
		return api_error(reterr, p, r);
	}
	*ret = w;
	return 0;
}

struct telling {
	int (*each)(void *arg, const struct vfctl_event *e);
	void *arg;
	int n;
};

static int tell(void *arg, const struct watch_event *e)
{
	struct telling *t = arg;
	autofree char *text = watch_event_text(e);
	struct vfctl_event event = { .e = e, .text = text };
	int r;

	if (!text)
		return -ENOMEM;
	if (e->has_function)
		bdf_format(e->bdf, event.address);
	if (e->is_vf)
		bdf_format(e->pf, event.physfn);
	t->n++;
	r = t->each(t->arg, &event);
	return r < 0 ? r : 0;
}

int vfctl_watch_wait(struct vfctl_watch *w, int timeout_ms, int wake_fd,
	int (*each)(void *arg, const struct vfctl_event *e), void *arg, struct vfctl_error **reterr)
{
	const struct pollfd wake = { .fd = wake_fd, .events = POLLIN };
	uint64_t end = host_now_ms(w->host) + (timeout_ms > 0 ? (uint64_t)timeout_ms : 0);
	struct telling t = { each, arg, 0 };
	int r = 0;

	/* Much of what is announced is about nobody here. */
	while (r >= 0 && !t.n) {
		uint64_t now = host_now_ms(w->host);
		int left = timeout_ms < 0 ? -1 : now < end ? (int)(end - now) : 0;
		struct host_event raw;

		r = w->host->ops->events->next(w->host, w->events, left, &wake, wake_fd >= 0, &raw);
		if (r == 0)
			return 0;
		if (r > 0)
			r = watch_feed(w->watch, &raw, tell, &t);
	}
	return r < 0 ? api_error(reterr, NULL, r) : t.n;
}

const char *vfctl_event_kind(const struct vfctl_event *e)
{
	return watch_kind_name(e->e->kind);
}

const char *vfctl_event_source(const struct vfctl_event *e)
{
	return watch_source_name(e->e->source);
}

const char *vfctl_event_address(const struct vfctl_event *e)
{
	return *e->address ? e->address : NULL;
}

const char *vfctl_event_physfn(const struct vfctl_event *e)
{
	return *e->physfn ? e->physfn : NULL;
}

int vfctl_event_vf_index(const struct vfctl_event *e)
{
	return e->e->vf_index;
}

const char *vfctl_event_name(const struct vfctl_event *e)
{
	return e->e->name;
}

const char *vfctl_event_from(const struct vfctl_event *e)
{
	return e->e->from;
}

const char *vfctl_event_to(const struct vfctl_event *e)
{
	return e->e->to;
}

const char *vfctl_event_text(const struct vfctl_event *e)
{
	return e->text;
}
