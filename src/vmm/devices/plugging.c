/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Functions that come and go while the guest runs: because somebody wishes it, because the guest
 * ejects them, or because the host takes them back. Whoever takes a function back waits in the
 * kernel until our descriptor is closed, so the guest gets a few seconds to stop its driver in
 * order; then the function is taken from under it, and the guest is told that it has gone.
 */
#include "entries.h"

#include "base/str.h"
#include "vmm/dev/plug.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

enum { LOSS_MS = 5000 }; /* for the guest's driver to stop, when the host waits */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void note(const struct devices *d, const char *fmt, ...) PRINTF(2, 3);
static void note(const struct devices *d, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (!d->services || !d->services->note)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	d->services->note(d->services->note_arg, text);
}

static void remember_loss(struct devices *d, const struct entry *e)
{
	autofree char *line = str_printf("%s: %s", e->option.name, e->why);

	if (line)
		strv_add(&d->lost, line);
}

char *const *devices_lost(const struct devices *d)
{
	return d->lost;
}

/* The next deadline of all, or none. */
static void set_timer(struct devices *d)
{
	struct itimerspec t = { 0 };
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < d->n_entries; i++)
		if (d->entries[i].asked)
			next = MIN(next, d->entries[i].deadline_ms);
	if (next != UINT64_MAX) {
		t.it_value.tv_sec = (time_t)(next / 1000);
		t.it_value.tv_nsec = (long)(next % 1000 * 1000000 + 1);
	}
	timerfd_settime(d->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* Takes the entry out of the list; what it had in the guest is gone by then. */
static void drop(struct devices *d, struct entry *e)
{
	struct entry gone = *e;

	if (gone.why)
		remember_loss(d, &gone);
	memmove(e, e + 1, (size_t)(d->entries + --d->n_entries - e) * sizeof(*e));
	vfio_session_remove(d->vfio, gone.vfio);
	set_timer(d);
	if (gone.done)
		gone.done(gone.done_arg, 0, NULL);
	free(gone.name);
}

static unsigned check(struct devices *d, char *why, size_t size)
{
	unsigned wrong =
		pci_bus_audit(d->services->pci, d->services->kvm, d->services->memory, why, size);

	return wrong + vfio_session_check(d->vfio, wrong ? NULL : why, size);
}

/* `ejected`: by the guest, so that it knows; else it is told. */
static void unplug(struct devices *d, struct entry *e, bool ejected)
{
	unsigned slot = e->pci->slot;
	char why[160];

	note(d, "%s was unplugged%s%s", e->option.name, e->why ? ": " : "", e->why ? e->why : "");
	pci_bus_remove(d->services->pci, TAKE_PTR(e->pci));
	drop(d, e);
	if (ejected)
		pci_bus_slot_is_free(d->services->pci, slot);
	else
		plug_should_leave(d->services->plug, slot);
	if (check(d, why, sizeof(why)))
		note(d, "after the unplugging something is left: %s", why);
}

static void ask(struct devices *d, struct entry *e, bool force, unsigned wait_ms)
{
	uint64_t deadline = now_ms() + wait_ms;

	if (!e->asked)
		plug_should_leave(d->services->plug, e->pci->slot);
	/* Whoever was more patient has to live with who is less. */
	e->deadline_ms = e->asked ? MIN(e->deadline_ms, deadline) : deadline;
	e->asked = true;
	e->force |= force;
	set_timer(d);
}

static void lose(struct devices *d, struct entry *e)
{
	char why[160];

	e->why = e->failed ? "it reported a fatal error" : "the host took it back";
	if (e->option.stop_on_loss) {
		snprintf(why, sizeof(why), "%s is lost: %s", e->option.name, e->why);
		remember_loss(d, e);
		e->wanted = e->failed = false;
		d->end(d->end_arg, why);
	} else if (e->failed) {
		unplug(d, e, false);
	} else {
		e->wanted = false;
		ask(d, e, true, LOSS_MS);
	}
}

static struct entry *in_slot(struct devices *d, unsigned slot)
{
	for (size_t i = 0; i < d->n_entries; i++)
		if (d->entries[i].pci && d->entries[i].pci->slot == slot)
			return &d->entries[i];
	return NULL;
}

static void ejected_from(struct devices *d, unsigned slot)
{
	const struct pci_device *other = pci_bus_device(d->services->pci, slot);
	struct entry *e = in_slot(d, slot);

	if (e)
		unplug(d, e, true);
	else if (other)
		note(d, "the guest ejects %s, which stays", other->name);
	else
		pci_bus_slot_is_free(d->services->pci, slot);
}

static void on_wake(void *arg, uint32_t events UNUSED)
{
	struct devices *d = arg;
	uint32_t slots = atomic_exchange(&d->ejected, 0);

	if (!d->services)
		return;
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++)
		if (slots & 1U << slot)
			ejected_from(d, slot);
	/* From the end: those behind one that goes move up. */
	for (size_t i = d->n_entries; i > 0; i--)
		if (d->entries[i - 1].wanted || d->entries[i - 1].failed)
			lose(d, &d->entries[i - 1]);
}

static void time_is_up(struct devices *d, struct entry *e)
{
	devices_done_fn *done = e->done;

	if (e->force) {
		unplug(d, e, false);
		return;
	}
	e->asked = false;
	e->done = NULL;
	set_timer(d);
	if (done)
		done(e->done_arg, -ETIMEDOUT,
			plug_is_heard(d->services->plug)
				? "the guest does not let go of it"
				: "the guest does not listen: it has no ACPI hot-plug, or "
				  "has not booted yet");
}

static void on_timer(void *arg, uint32_t events UNUSED)
{
	struct devices *d = arg;

	for (size_t i = d->services ? d->n_entries : 0; i > 0; i--)
		if (d->entries[i - 1].asked && d->entries[i - 1].deadline_ms <= now_ms())
			time_is_up(d, &d->entries[i - 1]);
}

static void wake(struct devices *d)
{
	eventfd_write(d->wake_fd, 1);
}

void plugging_lost(void *arg, struct vfio_device *v, enum function_loss how)
{
	struct devices *d = arg;

	for (size_t i = 0; i < d->n_entries; i++) {
		if (d->entries[i].vfio != v)
			continue;
		d->entries[i].wanted |= how == FUNCTION_WANTED;
		d->entries[i].failed |= how == FUNCTION_FAILED;
	}
	wake(d);
}

void devices_ejected(struct devices *d, uint32_t slots)
{
	atomic_fetch_or(&d->ejected, slots);
	wake(d);
}

int plugging_new(struct devices *d)
{
	int r;

	d->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	d->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (d->wake_fd < 0 || d->timer_fd < 0)
		return -errno;
	r = loop_add_eventfd(d->loop, d->wake_fd, on_wake, d, &d->wake);
	/* Its counter is eight bytes, too. */
	return r < 0 ? r : loop_add_eventfd(d->loop, d->timer_fd, on_timer, d, &d->timer);
}

void plugging_done(struct devices *d)
{
	loop_remove(d->wake);
	loop_remove(d->timer);
	if (d->wake_fd >= 0)
		close(d->wake_fd);
	if (d->timer_fd >= 0)
		close(d->timer_fd);
	strv_free(d->lost);
}

void plugging_settle(struct devices *d)
{
	atomic_store(&d->ejected, 0);
	for (size_t i = d->n_entries; i > 0; i--)
		if (d->entries[i - 1].asked)
			drop(d, &d->entries[i - 1]);
}

static struct entry *find(struct devices *d, const char *name)
{
	for (size_t i = 0; i < d->n_entries; i++)
		if (d->entries[i].vfio && str_eq(d->entries[i].option.name, name))
			return &d->entries[i];
	return NULL;
}

static bool has_balloon(const struct devices *d)
{
	for (size_t i = 0; i < d->n_entries; i++)
		if (d->entries[i].option.kind == DEVICE_BALLOON)
			return true;
	return false;
}

static int check_plug(struct devices *d, const struct device_option *o, struct problem **reterr)
{
	if (!d->services)
		return problem(
			reterr, -EAGAIN, PROBLEM_FAILED, "try again", "the guest is starting");
	if (has_balloon(d))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"start the guest without --balloon",
			"the guest has a balloon: a function reaches its memory by DMA, and what "
			"was given back to the host is not there for it");
	if (find(d, o->name))
		return problem(
			reterr, -EEXIST, PROBLEM_IN_USE, NULL, "the guest has %s already", o->name);
	if (d->n_entries == OPTIONS_DEVICES_MAX)
		return problem(reterr, -ENOSPC, PROBLEM_FAILED, NULL,
			"the guest has room for %d devices", OPTIONS_DEVICES_MAX);
	return 0;
}

static void reset(struct devices *d, struct entry *e)
{
	autoproblem *why = NULL;

	if (vfio_reset_newcomer(d->vfio, e->vfio, &why) < 0)
		note(d, "%s", why ? why->what : "out of memory");
}

/* From the session to the guest's bus; what fails leaves the session as it was. */
static int bring_in(struct devices *d, struct entry *e, struct problem **reterr)
{
	char why[160];
	int r = vfio_session_admit(d->vfio, e->vfio, reterr);

	if (r == 0)
		reset(d, e);
	if (r == 0)
		r = entry_add_function(d, d->services, e, reterr);
	if (r == 0 && check(d, why, sizeof(why))) {
		unsigned slot = e->pci->slot;

		r = problem(reterr, -EIO, PROBLEM_FAILED, NULL,
			"it would leave the guest in disorder: %s", why);
		pci_bus_remove(d->services->pci, e->pci);
		/* The guest has never heard of it. */
		pci_bus_slot_is_free(d->services->pci, slot);
	}
	if (r < 0)
		vfio_session_remove(d->vfio, e->vfio);
	return r;
}

int devices_group(struct devices *d, const char *name)
{
	const struct entry *e = find(d, name);

	return e ? vfio_session_group(d->vfio, e->vfio) : -1;
}

static int find_beside(struct devices *d, const struct device_option *o, struct vfio_fds *fds,
	struct problem **reterr)
{
	const struct entry *e = o->beside ? find(d, o->beside) : NULL;

	if (o->beside && !e)
		return problem(
			reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "the guest has no %s", o->beside);
	fds->beside = e ? e->vfio : NULL;
	return 0;
}

/* Into the session, or closed. */
static int take_over(struct devices *d, const struct device_option *o, struct problem **reterr)
{
	struct vfio_fds fds = entry_fds(o);
	int container = o->iommufd >= 0 ? o->iommufd : o->container;
	int r = check_plug(d, o, reterr);

	if (r == 0)
		r = find_beside(d, o, &fds, reterr);
	if (r == 0)
		r = vfio_session_add(d->vfio, &fds, reterr);
	if (r == 0)
		return 0;
	host_close(d->host, o->device);
	if (o->group >= 0)
		host_close(d->host, o->group);
	if (container >= 0 && !vfio_session_prune(d->vfio, container))
		host_close(d->host, container);
	return r;
}

int devices_plug(struct devices *d, const struct device_option *o, unsigned *ret_slot,
	struct problem **reterr)
{
	struct entry e = { .option = *o };
	autofree char *name = strdup(o->name);
	int r = take_over(d, o, reterr);

	if (r < 0)
		return r;
	e.vfio = vfio_session_device(d->vfio, vfio_session_count(d->vfio) - 1);
	if (name)
		r = bring_in(d, &e, reterr);
	else
		vfio_session_remove(d->vfio, e.vfio);
	if (r < 0 || !name)
		return name ? r
			    : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	e.option.name = e.name = TAKE_PTR(name);
	e.option.beside = NULL;
	d->entries[d->n_entries++] = e;
	*ret_slot = e.pci->slot;
	note(d, "%s was plugged in", e.name);
	plug_came(d->services->plug, e.pci->slot);
	return 0;
}

int devices_unplug(struct devices *d, const char *name, bool force, unsigned wait_ms,
	devices_done_fn *done, void *arg, struct problem **reterr)
{
	struct entry *e = d->services ? find(d, name) : NULL;

	if (!e)
		return problem(
			reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "the guest has no %s", name);
	if (e->done)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL,
			"somebody else waits for %s already", name);
	e->done = done;
	e->done_arg = arg;
	if (force && !wait_ms)
		unplug(d, e, false);
	else
		ask(d, e, force, wait_ms);
	return 0;
}

void devices_forget(struct devices *d, const void *arg)
{
	for (size_t i = 0; i < d->n_entries; i++)
		if (d->entries[i].done && d->entries[i].done_arg == arg)
			d->entries[i].done = NULL;
}
