// SPDX-License-Identifier: GPL-2.0-or-later
#include "lend.h"

#include "base/str.h"
#include "claim/owner.h"
#include "handover/handover.h"
#include "host/devnode.h"
#include "host/given.h"
#include "launch/backend.h"
#include "launch/vhost-net.h"
#include "lease/lease.h"
#include "uplink/tap.h"

#include <fcntl.h>
#include <json-c/json.h>

static int no_memory(struct problem **reterr)
{
	return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

int lend_open(
	struct lend *l, struct cli *cli, const struct launch_request *r, struct problem **reterr)
{
	int e = 0;

	*l = (struct lend) { .cli = cli, .request = r };
	if (cli->asks_daemon && !cli->root && !cli->dry_run && geteuid() != 0)
		e = daemon_find(&l->daemon);
	return e < 0 ? no_memory(reterr) : 0;
}

/* ---- Claiming ---- */

/* One that is his already, whoever gave it to him; it stays his. */
static int find_own(struct lend *l, struct host *h, const struct selection *s, struct bdf *ret,
	struct problem **reterr)
{
	struct handover_asker me = { .uid = geteuid(), .pid = (int)getpid() };
	autoleases all = { 0 };

	if (process_start(h, me.pid, &me.start) < 0)
		return 0;
	if (leases_read(h, &all) < 0)
		return no_memory(reterr);
	for (size_t i = 0; i < s->n; i++) {
		const struct lease *lease = leases_find(&all, s->v[i]->bdf);

		if (!lease || !lease_is_of(h, lease) || strv_has(l->what, s->v[i]->address) ||
			!handover_is_of(h, &me, lease))
			continue;
		*ret = lease->bdf;
		/* A node that is his as well he opens himself. */
		if (!lease->node && strv_add(&l->what, s->v[i]->address) < 0)
			return no_memory(reterr);
		return 1;
	}
	return 0;
}

int lend_address_in(const char *answer, struct bdf *ret)
{
	json_object *j = answer ? json_tokener_parse(answer) : NULL;
	json_object *list = j ? json_object_object_get(j, "leases") : NULL;
	json_object *first = list ? json_object_array_get_idx(list, 0) : NULL;
	const char *address =
		first ? json_object_get_string(json_object_object_get(first, "address")) : NULL;
	int r = address ? bdf_parse(address, ret) : -EPROTO;

	json_object_put(j);
	return r;
}

static int ask_for_one(
	struct lend *l, const struct selection *s, char **ret_answer, struct problem **reterr)
{
	autoorder o = { .kind = ORDER_ASSIGN };
	int r = 0;

	o.claim.owner = str_printf("process:%d", (int)getpid());
	o.claim.count = 1;
	o.claim.near = -1;
	for (size_t i = 0; r == 0 && i < s->n; i++)
		if (!strv_has(l->what, s->v[i]->address))
			r = strv_add(&o.functions, s->v[i]->address);
	if (r < 0 || !o.claim.owner)
		return no_memory(reterr);
	if (!o.functions)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL,
			"this guest has been given all of them already");
	return daemon_claim(l->daemon, &o, NULL, 0, ret_answer, reterr);
}

int lend_claim(void *arg, const struct selection *s, struct bdf *ret, struct problem **reterr)
{
	autofree char *answer = NULL;
	struct lend *l = arg;
	struct host *h;
	int r = cli_host(l->cli, &h, reterr);

	if (r == 0)
		r = find_own(l, h, s, ret, reterr);
	if (r != 0)
		return MIN(r, 0);
	r = ask_for_one(l, s, &answer, reterr);
	if (r < 0)
		return r;
	if (lend_address_in(answer, ret) < 0)
		return problem(reterr, -EPROTO, PROBLEM_FAILED, "vfctl leases",
			"the daemon does not tell which function was claimed");
	if (strv_add(&l->claimed, BDF_TEXT(*ret)) < 0 || strv_add(&l->what, BDF_TEXT(*ret)) < 0)
		return no_memory(reterr);
	if (l->cli->verbose)
		fprintf(l->cli->out.notes, "vfctl: claimed %s\n", BDF_TEXT(*ret));
	return 0;
}

/* ---- Opening ---- */

static bool may_open_kvm(struct host *h)
{
	int fd = devnode_open(h, O_RDWR, "kvm");

	if (fd >= 0)
		host_close(h, fd);
	return fd != -EACCES && fd != -EPERM;
}

static int want(struct lend *l, const char *name)
{
	return strv_has(l->what, name) ? 0 : strv_add(&l->what, name);
}

/* Taps and ports of bridges are lent. */
static int want_net(struct lend *l, struct host *h, const struct uplink_wish *w)
{
	autofree char *name = uplink_text(w);

	if (!name)
		return -ENOMEM;
	if (w->kind == UPLINK_TAP && tap_is_own(h, w->name))
		return 0;
	return w->kind == UPLINK_TAP || w->kind == UPLINK_BRIDGE ? want(l, name) : 0;
}

/* For each pair of queues of those that the kernel may serve. */
static int want_vhosts(struct lend *l, const struct launch_net *n, unsigned *number)
{
	unsigned pairs = n->uplink.queues ? n->uplink.queues : 1;
	int r = 0;

	for (unsigned i = 0; r == 0 && launch_wants_vhost(n) && i < pairs; i++) {
		autofree char *name = launch_vhost_name((*number)++);

		r = name ? want(l, name) : -ENOMEM;
	}
	return r;
}

static int want_all_vhosts(struct lend *l, struct host *h, const struct launch_plan *p)
{
	unsigned number = 0;
	int r = 0;

	if (!launch_vhost_is_denied(h))
		return 0;
	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (p->v[i].how == LAUNCH_NET || p->v[i].vf->standby)
			r = want_vhosts(l, &p->v[i].vf->net, &number);
	for (size_t i = 0; r == 0 && i < l->request->n_nets; i++)
		r = want_vhosts(l, &l->request->nets[i], &number);
	return r;
}

static int want_all(struct lend *l, struct host *h, const struct launch_plan *p)
{
	int r = may_open_kvm(h) ? 0 : want(l, "kvm");

	for (size_t i = 0; r == 0 && i < p->n; i++)
		if (p->v[i].how == LAUNCH_NET || p->v[i].vf->standby)
			r = want_net(l, h, &p->v[i].vf->net.uplink);
	for (size_t i = 0; r == 0 && i < l->request->n_nets; i++)
		r = want_net(l, h, &l->request->nets[i].uplink);
	return r == 0 ? want_all_vhosts(l, h, p) : r;
}

static int on_opened(void *arg, const char *name, int fd)
{
	return host_give(arg, name, fd);
}

int lend_fetch(struct lend *l, struct host *h, const struct launch_plan *p, struct problem **reterr)
{
	uint64_t memory = launch_plan_has_vfio(p) ? l->request->memory_bytes : 0;
	const char *vfio = memory ? launch_wish(h, l->request, p) : NULL;

	if (!l->daemon)
		return 0;
	if (want_all(l, h, p) < 0)
		return no_memory(reterr);
	return l->what ? daemon_open_for_guest(
				 l->daemon, l->what, memory, vfio, on_opened, h, reterr)
		       : 0;
}

/* ---- And back ---- */

/* What vm detach has returned meanwhile is not returned twice. */
static char **still_claimed(const struct lend *l)
{
	autoleases all = { 0 };
	char **left = NULL;
	struct host *h;
	bool known = cli_host(l->cli, &h, NULL) == 0 && leases_read(h, &all) == 0;

	STRV_FOREACH (address, l->claimed) {
		struct bdf a;

		if (known && bdf_parse(*address, &a) == 0 && !leases_find(&all, a))
			continue;
		if (strv_add(&left, *address) < 0)
			break; /* the daemon returns it when we have ended */
	}
	return left;
}

/* At the end of this process vfctld would do that as well; but then nobody were told. */
static void give_back(struct lend *l)
{
	autoorder o = { .kind = ORDER_RELEASE };
	autoproblem *p = NULL;
	autofree char *text = NULL;

	o.functions = l->claimed ? still_claimed(l) : NULL;
	if (!o.functions || daemon_claim(l->daemon, &o, NULL, 0, NULL, &p) >= 0)
		return;
	text = p ? problem_text(p) : NULL;
	fprintf(l->cli->out.notes, "vfctl: what the guest had is not returned: %s\n",
		text ? text : "out of memory");
	if (p && problem_best_hint(p))
		fprintf(l->cli->out.notes, "  hint: %s\n", problem_best_hint(p));
}

void lend_done(struct lend *l)
{
	give_back(l);
	daemon_free(l->daemon);
	strv_free(l->claimed);
	strv_free(l->what);
	*l = (struct lend) { 0 };
}
