// SPDX-License-Identifier: GPL-2.0-or-later
/* vm attach: one more function for a guest that runs. */
#include "lend.h"
#include "verbs.h"
#include "vm.h"
#include "base/str.h"
#include "claim/owner.h"
#include "host/given.h"
#include "ipc/client.h"
#include "launch/attach.h"

/* A guest whose first function it is gets all of its memory first. */
enum { ANSWER_MS = 300000 };

static const struct option options[] = {
	{ 0, "vf", TAKES_VALUE, "SEL[,KEY=…]", "a function of this machine, as for vm run",
		"<function>" },
};

static const struct example examples[] = {
	{ "vm attach web1 --vf ens1f0/vf3", "one more VF" },
	{ "vm attach web1 --vf ens1f0/vf0-7", "the first of these that can be had" },
	{ "vm attach web1 --vf nvme0/vf1,on-loss=stop", "without it the guest shall not go on" },
	{ "vm attach web1 --vf ens1f0/vf3 --dry-run", "could it be had?" },
};

/* For users who may open nothing: claimed for the guest's VMM, so that it ends with that. */
struct lender {
	struct daemon *daemon; /* NULL: our own rights are all there is */
	int pid;	       /* of the VMM */
	char **claimed;
};

static void lender_done(struct lender *l)
{
	autoorder o = { .kind = ORDER_RELEASE, .functions = TAKE_PTR(l->claimed) };

	if (o.functions)
		daemon_claim(l->daemon, &o, NULL, 0, NULL, NULL);
	daemon_free(l->daemon);
}

/* launch_claim_fn */
static int claim(void *arg, const struct selection *s, struct bdf *ret, struct problem **reterr)
{
	autoorder o = { .kind = ORDER_ASSIGN };
	autofree char *answer = NULL;
	struct lender *l = arg;
	int r = 0;

	o.claim.owner = str_printf("process:%d", l->pid);
	o.claim.count = 1;
	o.claim.near = -1;
	for (size_t i = 0; r == 0 && i < s->n; i++)
		r = strv_add(&o.functions, s->v[i]->address);
	if (r < 0 || !o.claim.owner)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = daemon_claim(l->daemon, &o, NULL, 0, &answer, reterr);
	if (r < 0)
		return r;
	if (lend_address_in(answer, ret) < 0)
		return problem(reterr, -EPROTO, PROBLEM_FAILED, "vfctl leases",
			"the daemon does not tell which function was claimed");
	return strv_add(&l->claimed, BDF_TEXT(*ret)) < 0
		       ? problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory")
		       : 0;
}

static int on_opened(void *arg, const char *name, int fd)
{
	return host_give(arg, name, fd);
}

static int ask_for_pid(struct vm_talk *t, int *ret, struct problem **reterr)
{
	json_object *status;
	int r = vm_talk(t, vm_question("status"), NULL, 0, ANSWER_MS, &status, NULL, reterr);

	if (r < 0)
		return r;
	*ret = json_object_get_int(json_object_object_get(status, "pid"));
	json_object_put(status);
	return 0;
}

static int find_lender(struct vm_talk *t, int pid, struct lender *l, struct problem **reterr)
{
	if (!t->cli->asks_daemon || t->cli->dry_run || geteuid() == 0)
		return 0;
	l->pid = pid;
	return daemon_find(&l->daemon) < 0
		       ? problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory")
		       : 0;
}

/* What VFIO the guest has: the new one goes into the same. */
struct guest_vfio {
	int fd; /* a container or an iommufd; -1: none yet */
	bool iommufd;
};

static void guest_vfio_done(struct guest_vfio *g)
{
	if (g->fd >= 0)
		close(g->fd);
}

static int ask_for_vfio(struct vm_talk *t, struct guest_vfio *ret, struct problem **reterr)
{
	json_object *has = NULL;
	int r = vm_talk(t, vm_question("container"), NULL, 0, ANSWER_MS, &has, &ret->fd, reterr);

	if (r < 0)
		return r;
	ret->iommufd = json_object_get_boolean(json_object_object_get(has, "iommufd"));
	json_object_put(has);
	return 0;
}

static const char *wish(const struct guest_vfio *g)
{
	if (g->fd < 0)
		return NULL;
	return vfio_backend_name(g->iommufd ? VFIO_BACKEND_IOMMUFD : VFIO_BACKEND_TYPE1);
}

static json_object *attach_question(const struct launch_choice *c)
{
	json_object *q = vm_question("attach");

	json_object_object_add(q, "name", json_object_new_string(c->function->address));
	json_object_object_add(q, "rom", json_object_new_boolean(c->vf->rom));
	json_object_object_add(
		q, "on_loss", json_object_new_string(c->vf->stop_on_loss ? "stop" : "unplug"));
	return q;
}

static int ask_to_attach(struct vm_talk *t, const struct launch_choice *c, json_object *question,
	const int *fds, size_t n, struct problem **reterr)
{
	json_object *answer = NULL;
	int r = vm_talk(t, question, fds, n, ANSWER_MS, &answer, NULL, reterr);

	if (r < 0)
		return r;
	fprintf(t->cli->out.notes, "vfctl: %s is in slot %d of guest %s\n", c->function->address,
		json_object_get_int(json_object_object_get(answer, "slot")), t->name);
	json_object_put(answer);
	return 0;
}

static int hand_over(struct vm_talk *t, struct host *h, const struct launch_choice *c,
	struct guest_vfio *g, struct problem **reterr)
{
	json_object *question;
	autolaunchfunction f = { 0 };
	int fds[3], r;
	size_t n;

	r = launch_open_function(h, c, TAKE_FD(g->fd), g->iommufd, &f, reterr);
	if (r < 0)
		return r;
	n = launch_function_fds(&f, fds);
	question = attach_question(c);
	json_object_object_add(
		question, "iommufd", json_object_new_boolean(launch_function_is_iommufd(&f)));
	return ask_to_attach(t, c, question, fds, n, reterr);
}

/* Through the group that the guest has open. */
static int hand_over_beside(struct vm_talk *t, struct host *h, const struct launch_choice *c,
	const char *beside, int group_fd, struct problem **reterr)
{
	int device = launch_open_beside(h, c, group_fd, reterr), r;
	json_object *question;

	if (device < 0)
		return device;
	question = attach_question(c);
	json_object_object_add(question, "beside", json_object_new_string(beside));
	r = ask_to_attach(t, c, question, &device, 1, reterr);
	host_close(h, device);
	return r;
}

/* One of the guest's functions that is in the same IOMMU group; borrowed from `status`, or NULL. */
static const char *find_beside(
	json_object *status, const struct inventory *inv, const struct function *f)
{
	json_object *list = json_object_object_get(status, "devices");
	size_t n = list ? json_object_array_length(list) : 0;

	for (size_t i = 0; f->iommu_group >= 0 && i < n; i++) {
		json_object *d = json_object_array_get_idx(list, i);
		const char *name = json_object_get_string(json_object_object_get(d, "name"));
		struct bdf a;
		const struct function *other =
			name && bdf_parse(name, &a) == 0 ? inventory_find_bdf(inv, a) : NULL;

		if (other && other != f && other->iommu_group == f->iommu_group)
			return name;
	}
	return NULL;
}

static int ask_for_group(
	struct vm_talk *t, const char *beside, int *ret_fd, struct problem **reterr)
{
	json_object *question = vm_question("group"), *answer = NULL;
	int r;

	json_object_object_add(question, "name", json_object_new_string(beside));
	r = vm_talk(t, question, NULL, 0, ANSWER_MS, &answer, ret_fd, reterr);
	json_object_put(answer);
	return r;
}

/*
 * A group is opened by one process, once: of one that the guest has, more is opened through what it
 * has. *ret_fd -1: it has none of it, or each function by a node of its own.
 */
static int borrow_group(struct vm_talk *t, const struct inventory *inv, const struct function *f,
	char **ret_beside, int *ret_fd, struct problem **reterr)
{
	json_object *status = NULL;
	const char *beside;
	int r = vm_talk(t, vm_question("status"), NULL, 0, ANSWER_MS, &status, NULL, reterr);

	*ret_fd = -1;
	if (r < 0)
		return r;
	beside = find_beside(status, inv, f);
	*ret_beside = beside ? strdup(beside) : NULL;
	if (beside)
		r = *ret_beside ? ask_for_group(t, beside, ret_fd, reterr) : -ENOMEM;
	json_object_put(status);
	return r;
}

static int open_and_hand_over(struct vm_talk *t, struct host *h, const struct inventory *inv,
	const struct launch_choice *c, struct lender *l, struct problem **reterr)
{
	CLEANUP(guest_vfio_done) struct guest_vfio g = { -1, false };
	autofree char *beside = NULL;
	autoclose int group = -1;
	int r = borrow_group(t, inv, c->function, &beside, &group, reterr);

	if (r < 0)
		return r;
	if (group >= 0)
		return hand_over_beside(t, h, c, beside, group, reterr);
	r = ask_for_vfio(t, &g, reterr);
	if (r == 0 && l->daemon)
		r = daemon_open_for_guest(l->daemon, l->claimed, 0, wish(&g), on_opened, h, reterr);
	return r < 0 ? r : hand_over(t, h, c, &g, reterr);
}

static int attach(struct vm_talk *t, struct host *h, const struct inventory *inv,
	const struct launch_request *q, struct problem **reterr)
{
	CLEANUP(lender_done) struct lender l = { 0 };
	autolaunchplan p = { 0 };
	int r = find_lender(t, q->guest_pid, &l, reterr);

	if (r == 0)
		r = launch_plan_make(h, inv, q, l.daemon ? claim : NULL, &l, &p, reterr);
	if (r < 0)
		return r;
	if (t->cli->dry_run) {
		fprintf(t->cli->out.to, "guest %s would get %s\n", t->name,
			p.v[0].function->address);
		return 0;
	}
	r = open_and_hand_over(t, h, inv, &p.v[0], &l, reterr);
	if (r == 0)
		strv_free(TAKE_PTR(l.claimed)); /* it is the guest's now */
	return r;
}

static int read_request(
	struct cli *cli, const struct args *a, struct launch_request *q, struct problem **reterr)
{
	int r;

	q->identity_dir = cli->identity_dir;
	if (args_count(a, "vf") != 1)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"vfctl vm attach GUEST --vf SELECTOR",
			"vm attach: one function at a time is attached");
	r = launch_add_vf(q, args_value(a, "vf"), reterr);
	if (r == 0 && q->vfs[0].fallback != LAUNCH_FALLBACK_NONE)
		r = problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"a running guest gets the function or nothing: no fallback");
	if (r == 0 && q->vfs[0].port.uplink.name)
		r = problem(reterr, -EINVAL, PROBLEM_USAGE,
			"ip link set REPRESENTOR master NAME, or ovs-vsctl add-port",
			"representor= is of vm run, which takes it out again when the guest ends");
	if (r == 0 && q->vfs[0].rom_file)
		r = problem(reterr, -EINVAL, PROBLEM_USAGE, "rom=on, or rom=off",
			"a running guest sees the function's own ROM or none");
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct launch_request q;
	autovmtalk t = { 0 };
	struct host *h;
	int r;

	launch_request_init(&q);
	r = read_request(cli, a, &q, reterr);
	if (r == 0)
		r = vm_open(cli, a, &t, reterr);
	if (r == 0)
		r = ask_for_pid(&t, &q.guest_pid, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = cli_inventory(cli, INVENTORY_GROUPS, &inv, reterr);
	if (r == 0)
		r = attach(&t, h, inv, &q, reterr);
	launch_request_done(&q);
	return r;
}

const struct verb verb_vm_attach = {
	.name = "vm attach",
	.section = VERB_HAND_OVER,
	.args = "GUEST --vf SELECTOR",
	.summary = "give a running guest one more function",
	.description =
		"Opens a function that is bound to a VFIO driver, hands it to the guest's VMM,\n"
		"and tells the guest that there is a new device. All or nothing: what cannot be\n"
		"had leaves guest and function as they were. For users other than root vfctld(8)\n"
		"claims, binds and opens it, as for vm run, until the guest ends or vm detach.\n"
		"\n"
		"A guest has four slots for functions that come while it runs. Linux sees them by\n"
		"itself.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<guest>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
