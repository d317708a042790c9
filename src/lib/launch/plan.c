// SPDX-License-Identifier: GPL-2.0-or-later
#include "plan.h"

#include "base/str.h"
#include "fitness/fitness.h"
#include "select/select.h"
#include "setting/port.h"
#include "vfio/memlock.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void launch_plan_done(struct launch_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		problem_free(p->v[i].why);
	free(p->v);
	p->v = NULL;
	p->n = 0;
}

int launch_fall_back(
	struct launch_choice *c, int code, struct problem *why, struct problem **reterr)
{
	if (c->vf->fallback == LAUNCH_FALLBACK_NONE) {
		if (reterr)
			*reterr = why;
		else
			problem_free(why);
		return problem_wrap(reterr, code, "%s", c->vf->selector);
	}
	problem_free(c->why);
	c->why = why;
	c->how = c->vf->fallback == LAUNCH_FALLBACK_NET ? LAUNCH_NET : LAUNCH_DISK;
	return 0;
}

bool launch_plan_has_vfio(const struct launch_plan *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].how == LAUNCH_VFIO)
			return true;
	return false;
}

static int check_twice(
	const struct launch_plan *p, size_t n, const struct function *f, struct problem **reterr)
{
	for (size_t i = 0; i < n; i++)
		if (p->v[i].how == LAUNCH_VFIO && p->v[i].function == f)
			return problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL,
				"%s is given to this guest already, as %s", f->address,
				p->v[i].vf->selector);
	return 0;
}

/* A request that is not clear is the user's mistake: no fallback for that. */
static bool is_mistake(const struct problem *p)
{
	return p && (p->kind == PROBLEM_AMBIGUOUS || p->kind == PROBLEM_USAGE ||
			    p->kind == PROBLEM_NO_MEMORY);
}

/* From where the functions come. */
struct source {
	struct host *h;
	const struct inventory *inv;
	launch_claim_fn *claim; /* NULL: they are opened as they are */
	void *arg;
	int guest_pid; /* 0: the guest does not run yet */
};

/* The first of the functions that can be had; if none can, *reterr says why of each. */
static int first_of(const struct source *from, const struct launch_plan *p,
	const struct selection *s, const struct function **ret, struct problem **reterr)
{
	struct host *h = from->h;
	autostrbuf reasons = { 0 };
	enum problem_kind kind = PROBLEM_FAILED;
	int r = -ENOENT;

	for (size_t i = 0; i < s->n; i++) {
		autoproblem *why = NULL;
		autofree char *text = NULL;

		r = check_twice(p, p->n, s->v[i], &why);
		if (r == 0)
			r = fitness_check_beside(
				h, from->inv, p->identity_dir, s->v[i], from->guest_pid, &why);
		if (r == 0)
			r = fitness_check_own(h, s->v[i], NULL, &why);
		if (r == 0) {
			*ret = s->v[i];
			return 0;
		}
		if (s->n == 1 || is_mistake(why)) {
			if (reterr)
				*reterr = TAKE_PTR(why);
			return r;
		}
		text = problem_text(why);
		strbuf_add(&reasons, "%s%s", i ? "; " : "", text ? text : s->v[i]->address);
		kind = why ? why->kind : kind;
	}
	return problem(reterr, r, kind, "end what holds one of them, or vfctl bind another",
		"none of %zu functions can be had: %s", s->n, reasons.s ? reasons.s : "");
}

static int claim_one(const struct source *from, const struct selection *s,
	const struct function **ret, struct problem **reterr)
{
	struct bdf a;
	int r = from->claim(from->arg, s, &a, reterr);

	if (r < 0)
		return r;
	*ret = inventory_find_bdf(from->inv, a);
	return *ret ? 0
		    : problem(reterr, -ENOENT, PROBLEM_VANISHED, NULL,
			      "%s was claimed, and is gone", BDF_TEXT(a));
}

/* What the user says, where nobody says otherwise. */
static int take_mac(struct launch_choice *c, struct problem **reterr)
{
	const struct mac *told = &c->mac, *said = &c->vf->standby_mac;

	if (!mac_is_zero(*told) && memcmp(told, said, sizeof(*told)) != 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "leave standby-mac= out",
			"%s has the address %s, not %s", c->function->address, MAC_TEXT(*told),
			MAC_TEXT(*said));
	c->mac = *said;
	return 0;
}

/*
 * The guest's net_failover knows the two for one by their address: what the PF was told, which the
 * VF has in every guest. One that it was not told the VF's driver makes up anew.
 */
static int find_mac(struct host *h, struct launch_choice *c, struct problem **reterr)
{
	const struct function *f = c->function, *pf = f->physfn;
	autofree struct host_vf *v = NULL;
	size_t n = 0;
	int r = pf && pf->n_netdevs ? host_link_vfs(h, pf->netdevs[0].ifindex, &v, &n) : -ENODEV;

	for (size_t i = 0; i < n; i++)
		if ((int)v[i].vf == f->vf_index)
			c->mac = v[i].mac;
	if (!mac_is_zero(c->vf->standby_mac))
		return take_mac(c, reterr);
	if (r < 0)
		return problem(reterr, r, PROBLEM_UNSUPPORTED,
			"standby-mac=ADDRESS, as its driver in the guest will find it",
			"%s: what its address is nobody on this host tells", f->address);
	if (!mac_is_zero(c->mac))
		return 0;
	problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
		"%s has no address of its own, by which its standby would be known for it",
		f->address);
	problem_hint(reterr, "vfctl set %s/vf%d mac=ADDRESS", pf->netdevs[0].name, f->vf_index);
	return -EINVAL;
}

/* Where the card's switch is not in switchdev mode, nobody on the host hears what the VF sends. */
static int find_representor(struct host *h, struct launch_choice *c, struct problem **reterr)
{
	const struct function *f = c->function;
	struct devlink_port port = { 0 };
	int r = f->physfn ? port_of_vf(h, f, &port) : -ENODEV;

	if (r == 0 && !*port.netdev)
		r = -ENOENT;
	if (r == 0) {
		snprintf(c->representor, sizeof(c->representor), "%s", port.netdev);
		return 0;
	}
	if (!f->physfn)
		return problem(reterr, r, PROBLEM_USAGE, NULL, "%s is no VF: it has no representor",
			f->address);
	problem(reterr, r, PROBLEM_UNSUPPORTED, NULL, "%s has no representor on this host: %s",
		f->address, r == -ENOENT ? "the card's switch is in legacy mode" : strerror(-r));
	problem_hint(reterr, "vfctl set %s eswitch-mode=switchdev, where its driver can",
		f->physfn->address);
	return r;
}

static int choose(const struct source *from, struct launch_plan *p, const struct launch_vf *vf,
	struct problem **reterr)
{
	struct launch_choice *c = &p->v[p->n];
	const char *word = vf->selector;
	struct problem *why = NULL;
	autoselection s = { 0 };
	int r;

	*c = (struct launch_choice) { .vf = vf, .how = LAUNCH_VFIO };
	r = select_some(from->h, from->inv, &word, 1, &s, &why);
	if (r == 0) {
		c->function = s.n == 1 ? s.v[0] : NULL;
		r = from->claim ? claim_one(from, &s, &c->function, &why)
				: first_of(from, p, &s, &c->function, &why);
	}
	if (r == 0 && vf->standby)
		r = find_mac(from->h, c, &why);
	if (r == 0 && vf->port.uplink.name)
		r = find_representor(from->h, c, &why);
	p->n++;
	if (r == 0)
		return 0;
	if (is_mistake(why)) {
		if (reterr)
			*reterr = why;
		else
			problem_free(why);
		return r;
	}
	return launch_fall_back(c, r, why, reterr);
}

int launch_check_memlock(struct launch_plan *p, uint64_t memory_bytes, struct problem **reterr)
{
	struct memlock limit;

	if (!launch_plan_has_vfio(p) || memlock_get(&limit) < 0 ||
		memlock_allows(&limit, memory_bytes) || memlock_raise(memory_bytes) >= 0)
		return 0;
	for (size_t i = 0; i < p->n; i++) {
		struct problem *why = NULL;
		int r;

		if (p->v[i].how != LAUNCH_VFIO)
			continue;
		problem(&why, -ENOMEM, PROBLEM_MEMLOCK, NULL,
			"RLIMIT_MEMLOCK allows %" PRIu64
			" bytes, the guest's memory needs %" PRIu64,
			limit.allowed_bytes, memory_bytes);
		problem_hint(&why,
			"ulimit -l %" PRIu64 ", LimitMEMLOCK= in the unit, or limits.conf",
			memory_bytes / 1024);
		r = launch_fall_back(&p->v[i], -ENOMEM, why, reterr);
		if (r < 0)
			return r;
	}
	return 0;
}

int launch_plan_make(struct host *h, const struct inventory *inv, const struct launch_request *r,
	launch_claim_fn *claim, void *arg, struct launch_plan *ret, struct problem **reterr)
{
	const struct source from = { h, inv, claim, arg, r->guest_pid };
	autolaunchplan p = { .v = calloc(r->n_vfs + 1, sizeof(*p.v)),
		.identity_dir = r->identity_dir,
		.memory = { .node = -1 } };

	if (!p.v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < r->n_vfs; i++) {
		int e = choose(&from, &p, &r->vfs[i], reterr);

		if (e < 0)
			return e;
	}
	*ret = p;
	p = (struct launch_plan) { 0 };
	return 0;
}

char *launch_choice_text(const struct launch_choice *c)
{
	autofree char *uplink = NULL;

	switch (c->how) {
	case LAUNCH_NET:
		if (c->vf->net.uplink.kind == UPLINK_TAP)
			return str_printf("virtio-net on %s", c->vf->net.uplink.name);
		uplink = uplink_text(&c->vf->net.uplink);
		return uplink ? str_printf("virtio-net on %s", uplink) : NULL;
	case LAUNCH_DISK:
		return str_printf("virtio-blk on %s", c->vf->disk.path);
	case LAUNCH_VFIO:
		break;
	}
	return strdup("VFIO");
}
