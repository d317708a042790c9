// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owners' ends: a process by its pidfd, a container by its control group, a domain by its process
 * and, before it has one, by libvirt's run state. And the ends of workers, whose claims are then
 * nobody's, and of who still has open what its owner has left.
 */
#include "claims-inside.h"
#include "job-inside.h"
#include "method.h"

#include "base/str.h"
#include "claim/owner.h"

#include <sys/inotify.h>
#include <syslog.h>

#define GUESTS "/run/libvirt/qemu"

/*
 * Till another try. Who is in the way is awaited; SOON, and then twice as late each time, when
 * nobody is known to be: he may have ended between the refusal and the look for him.
 */
enum { AGAIN_SECONDS = 60, SOON_SECONDS = 1 };

void claim_unwatch(struct claim *k)
{
	k->end = sd_event_source_unref(k->end);
	k->holder_end = sd_event_source_unref(k->holder_end);
	k->later = sd_event_source_unref(k->later);
	k->by = AWAIT_NOBODY;
}

/* ---- Returning ---- */

static int fill(struct job *j, const struct claim *k)
{
	autofree char *owner = owner_text(&k->lease.owner);
	autoorder o = { .kind = ORDER_RELEASE };

	o.claim.asker = (struct order_asker) { .admin = true, .automatic = true };
	if (strv_add(&o.functions, BDF_TEXT(k->lease.bdf)) < 0)
		return -ENOMEM;
	j->command = str_printf("release what %s left: %s", owner ? owner : "?", o.functions[0]);
	o.command = j->command ? strdup(j->command) : NULL;
	j->sender = strdup("");
	j->order = o.command ? order_text(&o) : NULL;
	j->pfs = calloc(1, sizeof(*j->pfs));
	if (!j->command || !j->sender || !j->order || !j->pfs)
		return -ENOMEM;
	j->pfs[0] = k->lease.pf;
	j->n = 1;
	return job_export(j);
}

static int on_later(sd_event_source *s UNUSED, uint64_t now UNUSED, void *arg)
{
	struct claim *k = arg;

	k->later = sd_event_source_unref(k->later);
	k->tried = false;
	claim_look(k);
	return 0;
}

static void try_later(struct claim *k, unsigned seconds)
{
	if (!k->later)
		(void)sd_event_add_time_relative(k->all->m->loop, &k->later, CLOCK_MONOTONIC,
			seconds * 1000000ULL, seconds * 100000ULL, on_later, k);
}

/* The worker judges, behind the lock: here it is only guessed. */
void claim_look(struct claim *k)
{
	struct manager *m = k->all->m;
	struct job *j;

	if (k->job)
		return;
	j = job_new(m, ORDER_RELEASE, false);
	if (!j || fill(j, k) < 0) {
		if (j)
			job_free(j);
		try_later(k, AGAIN_SECONDS);
		return;
	}
	k->job = j->id;
	k->holder = 0;
	job_schedule(m);
}

/* ---- Who is in the way ---- */

static int on_holder_ended(sd_event_source *s UNUSED, int fd UNUSED, uint32_t e UNUSED, void *arg)
{
	struct claim *k = arg;

	k->holder_end = sd_event_source_unref(k->holder_end);
	claim_hope(k);
	claim_look(k);
	return 0;
}

static unsigned patience(struct claim *k)
{
	unsigned seconds = SOON_SECONDS << k->in_vain;

	if (seconds >= AGAIN_SECONDS)
		return AGAIN_SECONDS;
	k->in_vain++;
	return seconds;
}

/* It was tried, and cannot be returned yet. */
static void await_holder(struct claim *k)
{
	struct manager *m = k->all->m;
	int fd;

	if (k->holder_end)
		return;
	fd = k->holder ? host_watch_process(m->host, k->holder) : -ESRCH;
	try_later(k, fd == -ESRCH ? patience(k) : AGAIN_SECONDS);
	if (fd < 0)
		return;
	say(LOG_NOTICE, 0, "%s cannot be returned: process %d still has it open",
		BDF_TEXT(k->lease.bdf), k->holder);
	if (sd_event_add_io(m->loop, &k->holder_end, fd, EPOLLIN, on_holder_ended, k) < 0 ||
		sd_event_source_set_io_fd_own(k->holder_end, true) < 0)
		close(fd);
}

static void left_behind(struct claim *k)
{
	if (k->tried)
		await_holder(k);
	else
		claim_look(k);
}

/* ---- Whose end is awaited ---- */

static int on_end(sd_event_source *s UNUSED, int fd UNUSED, uint32_t e UNUSED, void *arg)
{
	struct claim *k = arg;

	k->end = sd_event_source_unref(k->end);
	claim_hope(k);
	claim_look(k);
	return 0;
}

static enum await awaited(const struct lease *l)
{
	return l->state == LEASE_HELD	      ? AWAIT_OWNER
	       : l->state == LEASE_QUARANTINE ? AWAIT_NOBODY
					      : AWAIT_WORKER;
}

static int open_end(struct claim *k)
{
	const struct lease *l = &k->lease;
	const struct owner worker = {
		.kind = OWNER_PROCESS, .pid = l->worker, .start = l->worker_start
	};

	return owner_watch(k->all->m->host, k->by == AWAIT_WORKER ? &worker : &l->owner);
}

void claim_watch(struct claim *k)
{
	enum await by = awaited(&k->lease);
	int fd;

	if (k->job)
		return; /* its end leads here again */
	if (k->lost) {
		left_behind(k);
		return;
	}
	if (k->end && k->by == by)
		return;
	k->end = sd_event_source_unref(k->end);
	k->by = by;
	fd = by == AWAIT_NOBODY ? -EOPNOTSUPP : open_end(k);
	if (fd == -ESRCH) {
		left_behind(k);
		return;
	}
	/* He lives, or nobody is awaited. */
	claim_unwatch(k);
	k->by = by;
	if (fd < 0)
		return;
	if (sd_event_add_io(k->all->m->loop, &k->end, fd, EPOLLIN, on_end, k) < 0 ||
		sd_event_source_set_io_fd_own(k->end, true) < 0)
		close(fd);
}

/* ---- Domains that have not begun ---- */

static bool has_not_begun(const struct claim *k)
{
	return k->lease.state == LEASE_HELD && k->lease.owner.kind == OWNER_DOMAIN &&
	       !k->lease.owner.pid;
}

/* Files have the domain's name; of one that was claimed by its UUID any may be his. */
static bool may_be_of(const struct claim *k, const char *file)
{
	const char *id = k->lease.owner.id;
	size_t len = strlen(id);

	return str_is_uuid(id) || (strncmp(file, id, len) == 0 && str_eq(file + len, ".xml"));
}

static int on_guest(sd_event_source *s UNUSED, const struct inotify_event *e, void *arg)
{
	struct claims *c = arg;

	if (e->mask & (IN_IGNORED | IN_DELETE_SELF)) {
		c->guests = sd_event_source_unref(c->guests);
		return 0;
	}
	if (!e->len || !str_ends(e->name, ".xml"))
		return 0;
	for (struct claim *k = c->first; k; k = k->next)
		if (has_not_begun(k) && may_be_of(k, e->name))
			claim_look(k);
	return 0;
}

void claims_watch_guests(struct claims *c)
{
	bool needed = false;

	for (const struct claim *k = c->first; k; k = k->next)
		needed |= has_not_begun(k);
	if (!needed)
		c->guests = sd_event_source_unref(c->guests);
	if (needed && !c->guests)
		(void)sd_event_add_inotify(c->m->loop, &c->guests, GUESTS,
			IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE_SELF | IN_ONLYDIR, on_guest, c);
}
