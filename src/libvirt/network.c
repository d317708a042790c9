// SPDX-License-Identifier: GPL-2.0-or-later
#include "network.h"

#include "base/str.h"
#include "domain/domain.h"

#include <libvirt/virterror.h>

static void network_freep(virNetworkPtr *n)
{
	if (*n)
		virNetworkFree(*n);
}
#define autonetwork CLEANUP(network_freep) virNetworkPtr

struct work {
	virConnectPtr c;
	bool dry_run;
	const struct network_told *to;
	char *name;
};

static void work_done(struct work *w)
{
	free(w->name);
}

/* `r`: what libvirt's call returned, at 0 or above it is `code` that is told. */
static int tell(const struct work *w, const char *what, int r, int code)
{
	struct problem *p = NULL;

	if (r < 0)
		code = virt_problem(&p, "network %s: %s", w->name, what);
	w->to->step(w->to->arg, w->name, what, code, p);
	return MIN(code, 0);
}

/* ---- What there is ---- */

/* *ret NULL: there is none of that name. */
static int find(const struct work *w, virNetworkPtr *ret, struct problem **reterr)
{
	virNetworkPtr n = virNetworkLookupByName(w->c, w->name);

	*ret = n;
	if (n || virt_failed_with(VIR_ERR_NO_NETWORK))
		return 0;
	return virt_problem(reterr, "network %s cannot be looked up", w->name);
}

/* As it runs, or, with `stored`, as it will be when it is started again. */
static int read_text(const struct work *w, virNetworkPtr n, bool stored, struct domain *ret,
	struct problem **reterr)
{
	bool both = stored && virNetworkIsActive(n) == 1 && virNetworkIsPersistent(n) == 1;
	autofree char *xml = virNetworkGetXMLDesc(n, both ? VIR_NETWORK_XML_INACTIVE : 0);
	int r;

	/* A driver that keeps but one description knows no such flag. */
	if (!xml && both && virt_failed_with(VIR_ERR_INVALID_ARG))
		xml = virNetworkGetXMLDesc(n, 0);
	if (!xml)
		return virt_problem(reterr, "network %s cannot be read", w->name);
	r = domain_parse(xml, strlen(xml), ret);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL,
			"network %s: libvirt describes it in a way that cannot be read", w->name);
	return 0;
}

static int refuse_other(
	const struct work *w, const struct domain *d, const char *hint, struct problem **reterr)
{
	if (d->is_pool)
		return 0;
	return problem(reterr, -EBUSY, PROBLEM_IN_USE, hint,
		"%s is a network of another kind, which hands out no functions", w->name);
}

static bool same_members(const struct domain *a, const struct domain *b)
{
	size_t n = strv_len(a->interfaces);

	if (n != strv_len(b->interfaces))
		return false;
	STRV_FOREACH (dev, a->interfaces)
		if (!strv_has(b->interfaces, *dev))
			return false;
	/* libvirt lists the VFs of a PF that it has looked at; the PF is what counts. */
	if (n)
		return true;
	if (a->n_devices != b->n_devices)
		return false;
	for (size_t i = 0; i < a->n_devices; i++)
		if (!bdf_eq(a->devices[i].bdf, b->devices[i].bdf))
			return false;
	return true;
}

static bool is_same(const struct domain *a, const struct domain *b)
{
	return a->pool_managed == b->pool_managed && same_members(a, b);
}

/* ---- Making ---- */

/* libvirt knows its networks by their UUIDs: without it, ours would be another of the same name. */
static int with_uuid(const char *xml, const struct domain *d, char **ret)
{
	const char *name = strstr(xml, "<name>");

	*ret = name && d->uuid
		       ? str_printf("%.*s<uuid>%s</uuid>%s", (int)(name - xml), xml, d->uuid, name)
		       : strdup(xml);
	return *ret ? 0 : -ENOMEM;
}

static int define(const struct work *w, const char *xml, virNetworkPtr *n, const char *what)
{
	virNetworkPtr made = w->dry_run ? NULL : virNetworkDefineXML(w->c, xml);

	if (made) {
		network_freep(n);
		*n = made;
	}
	return tell(w, what, made || w->dry_run ? 0 : -1, 1);
}

static int stop(const struct work *w, virNetworkPtr n)
{
	return tell(w, "stop", w->dry_run ? 0 : virNetworkDestroy(n), 1);
}

static int start(const struct work *w, virNetworkPtr n)
{
	return tell(w, "start", w->dry_run ? 0 : virNetworkCreate(n), 1);
}

/* What runs goes on as it was until it is started again; nobody's guest is cut off for that. */
static int start_anew(const struct work *w, virNetworkPtr n, const struct domain *running)
{
	autofree char *text = NULL, *hint = NULL;
	int r;

	if (!running->connections) {
		r = stop(w, n);
		return r < 0 ? r : start(w, n);
	}
	text = str_printf("%u interfaces of guests are on network %s: it changes when it is "
			  "started again",
		running->connections, w->name);
	hint = str_printf("virsh net-destroy %s; virsh net-start %s", w->name, w->name);
	if (!text || !hint)
		return -ENOMEM;
	w->to->note(w->to->arg, text, hint);
	return 0;
}

static int autostart(const struct work *w, virNetworkPtr n)
{
	int is = 0, r = n ? virNetworkGetAutostart(n, &is) : 0;

	if (r == 0 && !is && !w->dry_run)
		r = virNetworkSetAutostart(n, 1);
	return tell(w, "autostart", r, !is);
}

static int make(const struct work *w, const char *xml)
{
	autonetwork n = NULL;
	int r = define(w, xml, &n, "define");

	if (r == 0)
		r = autostart(w, n);
	return r < 0 ? r : start(w, n);
}

/* One that somebody only started, without a definition, gets one. */
static int update(const struct work *w, const char *xml, const struct domain *wanted,
	virNetworkPtr *n, struct problem **reterr)
{
	autodomain stored = { 0 }, running = { 0 };
	bool active = virNetworkIsActive(*n) == 1, lasting = virNetworkIsPersistent(*n) == 1;
	autofree char *text = NULL;
	int r = read_text(w, *n, true, &stored, reterr);

	if (r == 0)
		r = read_text(w, *n, false, &running, reterr);
	if (r == 0)
		r = refuse_other(w, &stored, "another name: --name", reterr);
	if (r == 0)
		r = with_uuid(xml, &stored, &text);
	if (r < 0)
		return r;
	if (lasting && is_same(&stored, wanted))
		r = tell(w, "define", 0, 0);
	else
		r = define(w, text, n, lasting ? "redefine" : "define");
	if (r == 0)
		r = autostart(w, *n);
	if (r < 0)
		return r;
	if (!active)
		return start(w, *n);
	return is_same(&running, wanted) ? tell(w, "start", 0, 0) : start_anew(w, *n, &running);
}

static int begin(struct work *w, virConnectPtr c, const char *name, bool dry_run,
	const struct network_told *to)
{
	*w = (struct work) { .c = c, .dry_run = dry_run, .to = to, .name = strdup(name) };
	return w->name ? 0 : -ENOMEM;
}

/* A step that failed has been told, with its reason. */
static int no_memory(int r, struct problem **reterr)
{
	if (r == -ENOMEM && reterr && !*reterr)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return r;
}

int network_define(virConnectPtr c, const char *xml, bool dry_run, const struct network_told *to,
	struct problem **reterr)
{
	CLEANUP(work_done) struct work w = { 0 };
	autodomain wanted = { 0 };
	autonetwork n = NULL;
	int r = domain_parse(xml, strlen(xml), &wanted);

	if (r < 0 || !wanted.is_pool)
		return problem(reterr, r < 0 ? r : -EINVAL, PROBLEM_USAGE, NULL,
			"that is no network that hands out functions");
	r = begin(&w, c, wanted.name, dry_run, to);
	if (r == 0)
		r = find(&w, &n, reterr);
	if (r == 0)
		r = n ? update(&w, xml, &wanted, &n, reterr) : make(&w, xml);
	return no_memory(r, reterr);
}

/* ---- The way back ---- */

static int take_away(const struct work *w, virNetworkPtr n, struct problem **reterr)
{
	autodomain running = { 0 };
	bool lasting = virNetworkIsPersistent(n) == 1;
	int r = read_text(w, n, false, &running, reterr);

	if (r == 0)
		r = refuse_other(w, &running, "virsh net-undefine, if that is meant", reterr);
	if (r < 0)
		return r;
	if (running.connections)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE, "stop these guests first",
			"%u interfaces of guests are on network %s", running.connections, w->name);
	if (virNetworkIsActive(n) == 1)
		r = stop(w, n);
	if (r < 0 || !lasting)
		return r;
	return tell(w, "undefine", w->dry_run ? 0 : virNetworkUndefine(n), 1);
}

int network_undefine(virConnectPtr c, const char *name, bool dry_run, const struct network_told *to,
	struct problem **reterr)
{
	CLEANUP(work_done) struct work w = { 0 };
	autonetwork n = NULL;
	int r = begin(&w, c, name, dry_run, to);

	if (r == 0)
		r = find(&w, &n, reterr);
	if (r == 0 && !n)
		r = tell(&w, "undefine", 0, 0);
	if (r == 0 && n)
		r = take_away(&w, n, reterr);
	return no_memory(r, reterr);
}
