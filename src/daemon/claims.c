// SPDX-License-Identifier: GPL-2.0-or-later
#include "claims-inside.h"
#include "job-inside.h"
#include "polkit.h"

#include "base/str.h"
#include "ipc/names.h"
#include "ipc/news.h"

#include <malloc.h>
#include <sys/inotify.h>
#include <syslog.h>

/* As workers have it, worker.c. */
#define RECORDS "/run/vfctl/" LEASE_DIR

static void tell(struct claims *c, const char *signal, const struct lease *l, const char *reason)
{
	autofree char *owner = owner_text(&l->owner), *safe = reason ? str_printable(reason) : NULL;
	const char *who = owner ? owner : "?";

	say(reason ? LOG_WARNING : LOG_INFO, 0, "%s: %s, %s%s%s", BDF_TEXT(l->bdf),
		str_eq(signal, "ClaimGranted")	  ? "given"
		: str_eq(signal, "ClaimReleased") ? "returned"
						  : "lost",
		who, reason ? ": " : "", safe ? safe : "");
	if (bus_is_behind(c->m))
		return;
	if (reason)
		(void)sd_bus_emit_signal(c->m->bus, DAEMON_PATH, DAEMON_INTERFACE, signal, "sss",
			BDF_TEXT(l->bdf), who, safe ? safe : "?");
	else
		(void)sd_bus_emit_signal(c->m->bus, DAEMON_PATH, DAEMON_INTERFACE, signal, "ss",
			BDF_TEXT(l->bdf), who);
}

static void tell_count(struct claims *c)
{
	(void)sd_bus_emit_properties_changed(
		c->m->bus, DAEMON_PATH, DAEMON_INTERFACE, "NumLeases", NULL);
}

/* ---- One claim ---- */

static void claim_free(struct claim *k)
{
	claim_unwatch(k);
	lease_done(&k->lease);
	free(k);
}

static struct claim *find(struct claims *c, const struct lease *l)
{
	for (struct claim *k = c->first; k; k = k->next)
		if (bdf_eq(k->lease.bdf, l->bdf) && k->lease.incarnation == l->incarnation &&
			k->lease.since_boot_ms == l->since_boot_ms)
			return k;
	return NULL;
}

static bool is_same(const struct lease *a, const struct lease *b)
{
	return a->state == b->state && a->owner.pid == b->owner.pid &&
	       a->owner.start == b->owner.start && a->worker == b->worker &&
	       a->worker_start == b->worker_start;
}

/* It is the owner's, or his no more; `silent`: it was so before we began. */
static void judge(struct claim *k, bool silent)
{
	const struct lease *l = &k->lease;
	bool lost = !k->lost && !lease_is_of(k->all->m->host, l);

	if (l->state == LEASE_HELD && !k->granted && !lost) {
		k->granted = true;
		if (!silent)
			tell(k->all, "ClaimGranted", l, NULL);
	}
	if (l->state == LEASE_QUARANTINE && k->granted && !k->lost)
		tell(k->all, "ClaimLost", l, l->reason ? l->reason : "it is in quarantine");
	else if (lost && (k->granted || silent))
		tell(k->all, "ClaimLost", l, "the function is gone");
	k->granted &= l->state != LEASE_QUARANTINE;
	k->lost |= lost;
}

/* Takes what was read. */
static void update(struct claims *c, struct lease *l, bool silent)
{
	struct claim *k = find(c, l);
	bool same = k && is_same(&k->lease, l);

	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return;
		k->all = c;
		k->next = c->first;
		c->first = k;
		c->n++;
	}
	k->seen = true;
	lease_done(&k->lease);
	k->lease = *l;
	*l = (struct lease) { 0 };
	if (same)
		return;
	claim_unwatch(k);
	claim_hope(k);
	judge(k, silent);
}

/* Those whose record is gone. */
static void sweep(struct claims *c)
{
	for (struct claim **at = &c->first, *k; (k = *at);) {
		if (k->seen) {
			k->seen = false;
			at = &k->next;
			continue;
		}
		*at = k->next;
		c->n--;
		if (k->granted && !k->lost)
			tell(c, "ClaimReleased", &k->lease, NULL);
		claim_free(k);
	}
}

static void read_all(struct claims *c, bool silent)
{
	unsigned before = c->n;
	autoleases s = { 0 };

	if (leases_read(c->m->host, &s) < 0)
		return;
	for (size_t i = 0; i < s.n; i++)
		update(c, &s.v[i], silent);
	sweep(c);
	for (struct claim *k = c->first; k; k = k->next)
		claim_watch(k);
	claims_watch_guests(c);
	if (c->n != before)
		tell_count(c);
	if (c->n < before)
		(void)malloc_trim(0);
}

/* ---- The folder of the records ---- */

static int on_read(sd_event_source *s, void *arg)
{
	struct claims *c = arg;

	(void)sd_event_source_set_enabled(s, SD_EVENT_OFF);
	read_all(c, false);
	return 0;
}

static void read_soon(struct claims *c)
{
	(void)sd_event_source_set_enabled(c->read, SD_EVENT_ONESHOT);
}

static int on_folder(sd_event_source *s UNUSED, const struct inotify_event *e, void *arg)
{
	struct claims *c = arg;

	/* The folder itself has gone; the next worker makes it anew. */
	if (e->mask & (IN_IGNORED | IN_DELETE_SELF))
		c->folder = sd_event_source_unref(c->folder);
	read_soon(c);
	return 0;
}

/* It may not be there before the first worker has made it. */
static void watch_folder(struct claims *c)
{
	if (!c->folder)
		(void)sd_event_add_inotify(c->m->loop, &c->folder, RECORDS,
			IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF | IN_ONLYDIR, on_folder, c);
}

int claims_open(struct manager *m)
{
	struct claims *c;
	int r;

	if (m->host->captured)
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->m = m;
	m->claims = c;
	r = sd_event_add_defer(m->loop, &c->read, on_read, c);
	if (r >= 0)
		r = sd_event_source_set_enabled(c->read, SD_EVENT_OFF);
	if (r < 0)
		return r;
	watch_folder(c);
	read_all(c, true);
	return 0;
}

void claims_close(struct manager *m)
{
	struct claims *c = TAKE_PTR(m->claims);

	if (!c)
		return;
	for (struct claim *k = c->first, *next; k; k = next) {
		next = k->next;
		claim_free(k);
	}
	sd_event_source_unref(c->folder);
	sd_event_source_unref(c->read);
	sd_event_source_unref(c->guests);
	free(c);
}

unsigned claims_count(const struct manager *m)
{
	return m->claims ? m->claims->n : 0;
}

/* ---- What others tell ---- */

void claims_function_gone(struct manager *m, struct bdf a)
{
	for (struct claim *k = m->claims ? m->claims->first : NULL; k; k = k->next)
		if (bdf_eq(k->lease.bdf, a)) {
			judge(k, false);
			claim_watch(k);
		}
}

void claims_look_again(struct manager *m, const char *owner)
{
	for (struct claim *k = m->claims ? m->claims->first : NULL; k; k = k->next) {
		autofree char *his = owner_text(&k->lease.owner);

		if (owner && !str_eq(his, owner))
			continue;
		claim_hope(k);
		if (k->lease.state != LEASE_QUARANTINE)
			claim_look(k);
	}
}

static struct claim *of_job(struct manager *m, const struct job *j)
{
	for (struct claim *k = m->claims ? m->claims->first : NULL; k; k = k->next)
		if (k->job == j->id)
			return k;
	return NULL;
}

void claims_hear(struct manager *m, const struct job *j, const struct news *n)
{
	struct claim *k = n->kind == NEWS_LINE ? of_job(m, j) : NULL;

	if (k)
		k->holder = n->code < 0 ? n->pid : 0;
}

void claims_job_ended(struct manager *m, const struct job *j)
{
	struct claim *k = of_job(m, j);

	if (k) {
		k->job = 0;
		k->tried = true;
	}
	if (!m->claims)
		return;
	watch_folder(m->claims);
	read_soon(m->claims);
}

/* ---- On the bus ---- */

static int go_look(struct manager *m, sd_bus_message *asked, unsigned uid UNUSED)
{
	const char *owner = NULL;
	int r = sd_bus_message_read(asked, "s", &owner);

	if (r < 0)
		return r;
	claims_look_again(m, *owner ? owner : NULL);
	return sd_bus_reply_method_return(asked, NULL);
}

int claims_asked(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return polkit_ask(arg, asked, POLKIT_CHANGE, go_look);
}
