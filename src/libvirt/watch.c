// SPDX-License-Identifier: GPL-2.0-or-later
#include "watch.h"

#include "base/grow.h"
#include "base/str.h"
#include "lease/lease.h"

#include <libvirt/virterror.h>
#include <time.h>

enum {
	/* A libvirtd that hangs is given up after so many of these without an answer. */
	PING_S = 30,
	PINGS = 3,
};

struct turn {
	char *name;
	bool started; /* else: has gone */
	uint64_t boot_ms;
};

struct watch {
	virConnectPtr c;
	const struct watch_opts *opts;
	struct turn *v; /* in the order in which they came */
	size_t n;
	bool gone; /* libvirt */
};

static void watch_done(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++)
		free(w->v[i].name);
	free(w->v);
}

static uint64_t boot_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- What has gone ---- */

/* A domain that libvirt does not know does not run either. */
static int runs(virConnectPtr c, const char *name, struct problem **reterr)
{
	virDomainPtr dom = virDomainLookupByName(c, name);
	int r;

	if (!dom && str_is_uuid(name))
		dom = virDomainLookupByUUIDString(c, name);
	if (!dom)
		return virt_failed_with(VIR_ERR_NO_DOMAIN) ? 0 : virt_problem(reterr, "%s", name);
	r = virDomainIsActive(dom);
	if (r < 0)
		r = virt_problem(reterr, "%s", name);
	virDomainFree(dom);
	return r;
}

static int add_claims(
	const struct watch_opts *opts, const char *name, uint64_t before_boot_ms, struct order *o)
{
	autoleases all = { 0 };
	int r = leases_read(opts->h, &all);

	for (size_t i = 0; r == 0 && i < all.n; i++) {
		const struct lease *l = &all.v[i];

		if (l->state == LEASE_HELD && l->owner.kind == OWNER_DOMAIN &&
			str_eq(l->owner.id, name) && l->since_boot_ms < before_boot_ms)
			r = strv_add(&o->functions, BDF_TEXT(l->bdf));
	}
	return r;
}

int watch_return(virConnectPtr c, const struct watch_opts *opts, const char *name,
	uint64_t before_boot_ms, struct problem **reterr)
{
	autoorder o = { .kind = ORDER_RELEASE, .claim.near = -1 };
	int r = add_claims(opts, name, before_boot_ms, &o);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (!o.functions)
		return 0;
	r = runs(c, name, reterr);
	if (r != 0)
		return MIN(r, 0);
	r = opts->ask(&o, reterr);
	return r < 0 ? r : (int)strv_len(o.functions);
}

/* ---- One turn ---- */

static void tell(const struct watch *w, const char *name, struct problem *p)
{
	w->opts->failed(w->opts->told.arg, name, p);
}

static void attend(struct watch *w, const struct turn *t)
{
	struct problem *p = NULL;
	int r = t->started ? guest_attach(w->c, w->opts->h, t->name, false, &w->opts->told, &p)
			   : watch_return(w->c, w->opts, t->name, t->boot_ms, &p);

	/* It may have gone in the meantime; that comes as a turn of its own. */
	if (r == -ESRCH || (r == -ENOENT && t->started))
		problem_free(p);
	else if (r < 0)
		tell(w, t->name, p);
}

static void attend_all(struct watch *w)
{
	for (size_t i = 0; i < w->n; i++) {
		attend(w, &w->v[i]);
		free(w->v[i].name);
	}
	w->n = 0;
}

static void add(struct watch *w, const char *name, bool started, uint64_t when)
{
	struct turn t = { name ? strdup(name) : NULL, started, when };

	if (t.name && GROW(w->v, w->n))
		w->v[w->n++] = t;
	else
		free(t.name);
}

/* ---- What libvirt tells ---- */

/* In libvirt's loop: nothing that waits is done here. */
static int on_life(
	virConnectPtr c UNUSED, virDomainPtr dom, int event, int detail UNUSED, void *arg)
{
	if (event == VIR_DOMAIN_EVENT_STARTED)
		add(arg, virDomainGetName(dom), true, boot_ms());
	else if (event == VIR_DOMAIN_EVENT_STOPPED)
		add(arg, virDomainGetName(dom), false, boot_ms());
	return 0;
}

static void on_close(virConnectPtr c UNUSED, int reason UNUSED, void *arg)
{
	struct watch *w = arg;

	w->gone = true;
}

static int add_running(struct watch *w, struct problem **reterr)
{
	virDomainPtr *all = NULL;
	int n = virConnectListAllDomains(w->c, &all, VIR_CONNECT_LIST_DOMAINS_ACTIVE);

	if (n < 0)
		return virt_problem(reterr, "libvirt's domains");
	for (int i = 0; i < n; i++) {
		add(w, virDomainGetName(all[i]), true, boot_ms());
		virDomainFree(all[i]);
	}
	free(all);
	return 0;
}

static int start(struct watch *w, struct problem **reterr)
{
	if (virConnectRegisterCloseCallback(w->c, on_close, w, NULL) < 0 ||
		virConnectDomainEventRegisterAny(w->c, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE,
			VIR_DOMAIN_EVENT_CALLBACK(on_life), w, NULL) < 0)
		return virt_problem(reterr, "libvirt does not tell what happens");
	/* Not all drivers have it. */
	(void)virConnectSetKeepAlive(w->c, PING_S, PINGS);
	return add_running(w, reterr);
}

int watch_prepare(struct problem **reterr)
{
	if (virEventRegisterDefaultImpl() < 0)
		return virt_problem(reterr, "libvirt's loop");
	return 0;
}

int watch_run(virConnectPtr c, const struct watch_opts *opts, struct problem **reterr)
{
	CLEANUP(watch_done) struct watch w = { .c = c, .opts = opts };
	int r = start(&w, reterr);

	if (r < 0)
		return r;
	while (!w.gone) {
		attend_all(&w);
		if (opts->stop && *opts->stop)
			return 0;
		if (virEventRunDefaultImpl() < 0)
			return virt_problem(reterr, "libvirt's loop");
	}
	return problem(reterr, -ECONNRESET, PROBLEM_FAILED, NULL, "libvirt has gone");
}
