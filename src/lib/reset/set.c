// SPDX-License-Identifier: GPL-2.0-or-later
/* Which method, and who is reset along. */
#include "reset.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/sysfs.h"

void reset_plan_done(struct reset_plan *p)
{
	free(p->set);
	free(p->method);
	free(p->listed);
	*p = (struct reset_plan) { 0 };
}

static bool is_of_bus(const char *method)
{
	return str_eq(method, "bus") || str_eq(method, "cxl_bus");
}

static bool is_below(const struct topo_node *n, const struct topo_node *bridge)
{
	for (n = n->parent; n; n = n->parent)
		if (n == bridge)
			return true;
	return false;
}

/* The function, of a PF its VFs; with `whole_bus` all that hang below the same bridge. */
static int find_set(
	const struct topology *t, const struct function *f, bool whole_bus, struct reset_plan *p)
{
	const struct topo_node *n = topology_node(t, f);

	p->set = calloc(t->inv->n_functions + 1, sizeof(struct function *));
	if (!p->set)
		return -ENOMEM;
	p->set[p->n_set++] = f;
	for (size_t i = 0; i < t->inv->n_functions; i++) {
		const struct function *x = &t->inv->functions[i];
		bool along = whole_bus ? is_below(&t->nodes[i], n->parent) : x->physfn == f;

		if (x != f && along)
			p->set[p->n_set++] = x;
	}
	return 0;
}

/* On the bus itself: pci_parent_bus_reset() refuses then; what is behind bridges is no matter. */
static bool has_siblings(const struct topology *t, const struct function *f)
{
	const struct topo_node *n = topology_node(t, f);

	for (size_t i = 0; i < t->inv->n_functions; i++) {
		const struct function *x = &t->inv->functions[i];

		if (x != f && t->nodes[i].parent == n->parent && x->bdf.bus == f->bdf.bus &&
			x->bdf.domain == f->bdf.domain)
			return true;
	}
	return false;
}

/* The kernel's conditions for resetting this function by its bus. */
static bool can_reset_bus(const struct topology *t, const struct function *f)
{
	const struct topo_node *n = topology_node(t, f);

	return n->parent && !n->bridge && !has_siblings(t, f);
}

/* Whether the list names it. */
static bool is_listed(const char *listed, const char *method)
{
	autofree char *copy = listed ? strdup(listed) : NULL;
	char *save = NULL;

	for (char *w = copy ? strtok_r(copy, " ", &save) : NULL; w; w = strtok_r(NULL, " ", &save))
		if (str_eq(w, method))
			return true;
	return false;
}

/* What the kernel would use: the first that applies. *ret NULL: none. */
static int first_method(
	const struct topology *t, const struct function *f, const char *listed, char **ret)
{
	autofree char *copy = strdup(listed);
	char *save = NULL;

	if (!copy)
		return -ENOMEM;
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		if (is_of_bus(w) && !can_reset_bus(t, f))
			continue;
		*ret = strdup(w);
		return *ret ? 0 : -ENOMEM;
	}
	*ret = NULL;
	return 0;
}

/* The file is there since Linux 5.15, and empty when the administrator has switched resets off. */
static int read_listed(
	struct host *h, const struct function *f, char **ret, struct problem **reterr)
{
	struct locked_read read = { .function = f->bdf, .attribute = "reset_method" };

	*ret = NULL;
	locked_read_all(h, &read, 1);
	if (read.result == -ETIMEDOUT)
		return problem(reterr, read.result, PROBLEM_TIMEOUT,
			"something keeps the kernel from letting it go: see vfctl why",
			"%s: the kernel does not answer how it can be reset", f->address);
	if (read.result < 0)
		return read.result == -ENOMEM ? -ENOMEM : 0;
	*ret = str_printable(str_trim(read.text));
	return *ret ? 0 : -ENOMEM;
}

static int unsupported(const struct function *f, const char *method, const char *listed,
	const char *why, struct problem **reterr)
{
	int r;

	if (method)
		r = problem(reterr, -EINVAL, PROBLEM_UNSUPPORTED, NULL,
			"%s cannot be reset by %s%s%s", f->address, method, why ? ": " : "",
			why ? why : "");
	else
		r = problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s has no way to be reset", f->address);
	if (listed && *listed)
		problem_hint(reterr, "what it has: %s", listed);
	return r;
}

/* The whole bus, through the bridge's own attribute (Linux 6.13, and backports). */
static int plan_bus(struct host *h, const struct topology *t, const struct function *f,
	struct reset_plan *p, struct problem **reterr)
{
	const struct topo_node *n = topology_node(t, f);

	if (!n->parent)
		return unsupported(f, "bus", p->listed, "it stands on a root bus", reterr);
	if (!sysfs_exists(h, "bus/pci/devices/%s/reset_subordinate", n->parent->f->address))
		return unsupported(f, "bus", p->listed,
			"others share its bus, and this kernel resets no whole bus", reterr);
	p->bridge = n->parent->f;
	return find_set(t, f, true, p);
}

static int plan_method(const struct topology *t, const struct function *f, const char *method,
	struct reset_plan *p, struct problem **reterr)
{
	if (!is_listed(p->listed, method))
		return unsupported(f, method, p->listed, NULL, reterr);
	p->must_set = !str_eq(p->listed, method);
	return find_set(t, f, is_of_bus(method), p);
}

/* Before 5.15, or when nothing is listed: there is a reset file or there is not. */
static int plan_unknown(struct host *h, const struct topology *t, const struct function *f,
	struct reset_plan *p, struct problem **reterr)
{
	if (is_listed(p->listed, "bus"))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"--method bus resets all of it",
			"%s can only be reset by its bus, which others share", f->address);
	if (p->listed || !sysfs_exists(h, "bus/pci/devices/%s/reset", f->address))
		return unsupported(f, NULL, NULL, NULL, reterr);
	/* It may be the bus that is reset, if the kernel finds the function alone there. */
	return find_set(t, f, can_reset_bus(t, f), p);
}

static int make(struct host *h, const struct topology *t, const struct function *f,
	const char *method, struct reset_plan *p, struct problem **reterr)
{
	int r = read_listed(h, f, &p->listed, reterr);

	if (r == 0 && method && !p->listed && !is_of_bus(method))
		return unsupported(f, method, NULL, "this kernel lets nobody choose", reterr);
	if (r == 0 && method)
		p->method = strdup(method);
	else if (r == 0 && p->listed)
		r = first_method(t, f, p->listed, &p->method);
	if (r < 0 || (method && !p->method))
		return r < 0 ? r : -ENOMEM;
	if (!p->method)
		return plan_unknown(h, t, f, p, reterr);
	if (method && is_of_bus(method) && !can_reset_bus(t, f))
		return plan_bus(h, t, f, p, reterr);
	if (method)
		return plan_method(t, f, method, p, reterr);
	return find_set(t, f, is_of_bus(p->method), p);
}

int reset_plan(struct host *h, const struct topology *t, const struct function *f,
	const char *method, struct reset_plan *ret, struct problem **reterr)
{
	struct reset_plan p = { 0 };
	int r = make(h, t, f, method, &p, reterr);

	if (r < 0) {
		reset_plan_done(&p);
		return r;
	}
	*ret = p;
	return 0;
}
