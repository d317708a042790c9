// SPDX-License-Identifier: GPL-2.0-or-later
/* vm run: decide what the guest gets, open it, and stay until the guest has ended. */
#include "verbs.h"
#include "lend.h"
#include "base/str.h"
#include "host/given.h"
#include "ipc/vm.h"
#include "launch/backend.h"
#include "launch/child.h"
#include "launch/memory.h"
#include "launch/net.h"
#include "launch/port.h"
#include "out/cell.h"
#include "out/complaint.h"

static const struct option options[] = {
	{ 'k', "kernel", TAKES_VALUE, "FILE", "a Linux bzImage", "<file>" },
	{ 'i', "initrd", TAKES_VALUE, "FILE", "its initial RAM disk", "<file>" },
	{ 'a', "append", TAKES_VALUE, "TEXT", "its command line", NULL },
	{ 'c', "cpus", TAKES_VALUE, "N", "1 to 8 CPUs; 1 is usual", NULL },
	{ 'm', "mem", TAKES_VALUE, "BYTES", "memory, with K, M or G; 512M is usual", NULL },
	{ 0, "vf", TAKES_VALUE, "SEL[,KEY=…]", "a function of this machine (see above)",
		"<function>" },
	{ 0, "vfio", TAKES_VALUE, "BACKEND", "auto (iommufd if it works), iommufd or type1",
		"auto iommufd type1" },
	{ 0, "peers", TAKES_VALUE, "auto|on|off", "they reach each other by DMA; auto: if two",
		"auto on off" },
	{ 'd', "disk", TAKES_VALUE, "FILE[,KEY=…]", "a raw image or block device as virtio-blk",
		"<file>" },
	{ 'n', "net", TAKES_VALUE, "UPLINK[,KEY=…]", "bridge=, ovs=, macvtap=, vf= or tap=NAME",
		NULL },
	{ 0, "vsock", TAKES_VALUE, "CID", "virtio-vsock, by the kernel (vhost-vsock)", NULL },
	{ 0, "rng", TAKES_NOTHING, NULL, "virtio-rng", NULL },
	{ 0, "balloon", TAKES_NOTHING, NULL, "virtio-balloon: memory can be taken back", NULL },
	{ 0, "console", TAKES_VALUE, "serial|virtio", "the guest's console: ttyS0, or hvc0",
		"serial virtio" },
	{ 0, "port", TAKES_VALUE, "name=N,socket=PATH", "a port that the guest finds by name",
		NULL },
	{ 0, "name", TAKES_VALUE, "NAME", "what the guest is called, see vm list", NULL },
	{ 0, "huge-pages", TAKES_MAYBE, "2M|1G", "memory from reserved huge pages; 2M is usual",
		"2M 1G" },
	{ 0, "numa", TAKES_VALUE, "auto|off|NODE", "memory near the first function; auto is usual",
		"auto off" },
	{ 0, "record", TAKES_VALUE, "FILE", "what functions were asked and answered", "<file>" },
	{ 0, "no-reboot", TAKES_NOTHING, NULL, "end when the guest reboots", NULL },
	{ 0, "sandbox", TAKES_VALUE, "on|log|off", "lock up the monitor (on): vfctl-vmm(8)",
		"on log off" },
};

static const struct example examples[] = {
	{ "vm run -k vmlinuz -i initrd -a console=ttyS0 --vf ens1f0/vf0",
		"a VF; as root, or in group vfctl" },
	{ "vm run -k vmlinuz --vf ens1f0/vf0,fallback=virtio-net:tap0",
		"emulated when the VF cannot be had" },
	{ "vm run -k vmlinuz --disk disk.img --net bridge=br0 --rng", "nothing of the machine's" },
};

static int add_repeated(struct launch_request *r, const struct args *a, struct problem **reterr)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < a->n_given; i++) {
		const struct given *g = &a->given[i];

		if (str_eq(g->option->name, "vf"))
			e = launch_add_vf(r, g->value, reterr);
		else if (str_eq(g->option->name, "disk"))
			e = launch_add_disk(r, g->value, reterr);
		else if (str_eq(g->option->name, "net"))
			e = launch_add_net(r, g->value, reterr);
		else if (str_eq(g->option->name, "port"))
			e = launch_add_port(r, g->value, reterr);
	}
	return e;
}

static int read_request(
	struct cli *cli, const struct args *a, struct launch_request *r, struct problem **reterr)
{
	int e = 0;

	r->kernel = args_value(a, "kernel");
	r->initrd = args_value(a, "initrd");
	if (args_has(a, "append"))
		r->append = args_value(a, "append");
	r->named = args_has(a, "name");
	if (r->named)
		r->name = args_value(a, "name");
	r->record = args_has(a, "record") ? args_value(a, "record") : NULL;
	r->rng = args_has(a, "rng");
	r->balloon = args_has(a, "balloon");
	r->no_reboot = args_has(a, "no-reboot");
	r->verbose = cli->verbose;
	if (args_has(a, "cpus"))
		e = launch_set_cpus(r, args_value(a, "cpus"), reterr);
	if (e == 0 && args_has(a, "mem"))
		e = launch_set_memory(r, args_value(a, "mem"), reterr);
	if (e == 0 && args_has(a, "huge-pages"))
		e = launch_set_huge_pages(r, args_value(a, "huge-pages"), reterr);
	if (e == 0 && args_has(a, "numa"))
		e = launch_set_numa(r, args_value(a, "numa"), reterr);
	if (e == 0 && args_has(a, "sandbox"))
		e = launch_set_sandbox(r, args_value(a, "sandbox"), reterr);
	if (e == 0 && args_has(a, "peers"))
		e = launch_set_peers(r, args_value(a, "peers"), reterr);
	if (e == 0 && args_has(a, "vsock"))
		e = launch_set_vsock(r, args_value(a, "vsock"), reterr);
	if (e == 0 && args_has(a, "console"))
		e = launch_set_console(r, args_value(a, "console"), reterr);
	if (e == 0 && args_has(a, "vfio"))
		e = launch_set_backend(r, args_value(a, "vfio"), reterr);
	if (e == 0)
		e = add_repeated(r, a, reterr);
	return e == 0 ? launch_request_check(r, reterr) : e;
}

/* The user asked for a function and gets something else: never silently. */
static void tell_fallbacks(struct cli *cli, const struct launch_plan *p)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct launch_choice *c = &p->v[i];
		autofree char *to = launch_choice_text(c), *why = NULL, *line = NULL, *safe = NULL;

		if (c->how == LAUNCH_VFIO)
			continue;
		why = problem_text(c->why);
		line = str_printf("%s → %s: %s", c->vf->selector, to ? to : "?", why ? why : "?");
		safe = line ? str_printable(line) : NULL;
		fprintf(cli->out.notes, "vfctl: %s\n", safe ? safe : "out of memory");
	}
}

static void tell_backend(struct cli *cli, const struct launch_handles *io)
{
	autofree char *why = io->why_type1 ? problem_text(io->why_type1) : NULL;

	if (!cli->verbose || !io->space)
		return;
	fprintf(cli->out.notes, "vfctl: VFIO by %s%s%s\n", io->space->ops->name, why ? ": " : "",
		why ? why : "");
}

/* Who asked for it hears why the kernel does not serve it; others when they want to know all. */
static void tell_vhosts(
	struct cli *cli, const struct launch_request *r, const struct launch_handles *io)
{
	for (size_t i = 0; io->net_vhosts && i < io->n_nets; i++) {
		const struct launch_net *n = &r->nets[i];
		const struct problem *p = io->net_vhosts[i].why;
		autofree char *why = p ? problem_text(p) : NULL;

		if (!why || (n->vhost != LAUNCH_VHOST_AUTO && !cli->verbose))
			continue;
		fprintf(cli->out.notes, "vfctl: --net %s is served by the VMM itself: %s\n",
			n->uplink.name, why);
		if (problem_best_hint(p))
			fprintf(cli->out.notes, "  hint: %s\n", problem_best_hint(p));
	}
}

static const char *how_name(enum launch_how how)
{
	static const char *const names[] = {
		[LAUNCH_VFIO] = "vfio",
		[LAUNCH_NET] = "virtio-net",
		[LAUNCH_DISK] = "virtio-blk",
	};

	return names[how];
}

/* A choice, and by what VFIO would open it. */
struct row {
	const struct launch_choice *c;
	const char *vfio; /* NULL: unknown */
};

static const char *backend_of(const struct row *row)
{
	const struct launch_choice *c = row->c;

	if (c->how == LAUNCH_NET)
		return c->vf->net.uplink.name;
	return c->how == LAUNCH_DISK ? c->vf->disk.path : row->vfio;
}

static int text_selector(const void *row, char **ret)
{
	return cell_str(ret, ((const struct row *)row)->c->vf->selector);
}

static int text_address(const void *row, char **ret)
{
	const struct function *f = ((const struct row *)row)->c->function;

	return cell_str(ret, f ? f->address : NULL);
}

static int text_group(const void *row, char **ret)
{
	const struct function *f = ((const struct row *)row)->c->function;

	return cell_known(ret, f ? f->iommu_group : -1);
}

static int text_how(const void *row, char **ret)
{
	return cell_str(ret, how_name(((const struct row *)row)->c->how));
}

static int text_backend(const void *row, char **ret)
{
	return cell_str(ret, backend_of(row));
}

static int text_reason(const void *row, char **ret)
{
	const struct launch_choice *c = ((const struct row *)row)->c;

	*ret = c->why ? problem_text(c->why) : NULL;
	return c->why && !*ret ? -ENOMEM : 0;
}

static const struct out_column columns[] = {
	{ "VF", "what was asked for", OUT_USUAL, text_selector, NULL },
	{ "ADDRESS", "the function", OUT_USUAL, text_address, NULL },
	{ "GROUP", "its IOMMU group", OUT_USUAL | OUT_RIGHT, text_group, NULL },
	{ "GETS", "what the guest gets: vfio, virtio-net or virtio-blk", OUT_USUAL, text_how,
		NULL },
	{ "BACKEND", "iommufd or type1; the tap or file behind an emulated device", OUT_USUAL,
		text_backend, NULL },
	{ "REASON", "why not the function", OUT_USUAL | OUT_WRAP, text_reason, NULL },
};
static const size_t n_columns = ARRAY_SIZE(columns);

static void choice_json(struct json *j, json_object *list, const struct row *row)
{
	const struct launch_choice *c = row->c;
	json_object *o = json_add_object(j, list, NULL);

	json_add_str(j, o, "selector", c->vf->selector);
	json_add_str(j, o, "address", c->function ? c->function->address : NULL);
	json_add_known(j, o, "iommu_group", c->function ? c->function->iommu_group : -1);
	json_add_str(j, o, "gets", how_name(c->how));
	json_add_str(j, o, "backend", backend_of(row));
	if (c->why)
		out_problem_json(j, o, "reason", c->why);
	else
		json_add_null(j, o, "reason");
}

static int show_json(struct cli *cli, const struct launch_request *r, const struct launch_plan *p,
	const struct row *rows, struct problem **reterr)
{
	autojson j = json_start();
	json_object *guest = json_add_object(&j, j.root, "guest"), *list;

	json_add_str(&j, guest, "name", r->name);
	json_add_u64(&j, guest, "cpus", r->cpus);
	json_add_u64(&j, guest, "memory_bytes", r->memory_bytes);
	json_add_u64(&j, guest, "huge_page_bytes", r->huge_page);
	json_add_known(&j, guest, "numa_node", p->memory.node);
	json_add_str(&j, guest, "kernel", r->kernel);
	json_add_str(&j, guest, "initrd", r->initrd);
	json_add_str(&j, guest, "append", r->append);
	json_add_u64(&j, guest, "disks", r->n_disks);
	json_add_u64(&j, guest, "nets", r->n_nets);
	json_add_u64(&j, guest, "vhost_users", r->n_vhosts);
	json_add_u64(&j, guest, "cid", r->cid);
	json_add_bool(&j, guest, "rng", r->rng);
	json_add_bool(&j, guest, "balloon", r->balloon);
	json_add_str(&j, guest, "console", r->virtio_console ? "virtio" : "serial");
	json_add_u64(&j, guest, "ports", r->n_ports);
	list = json_add_array(&j, guest, "vfs");
	for (size_t i = 0; i < p->n; i++)
		choice_json(&j, list, &rows[i]);
	return json_print(&j, &cli->out, reterr);
}

static int show_table(struct cli *cli, const struct row *rows, size_t n, struct problem **reterr)
{
	autofree const void **v = calloc(n, sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		v[i] = &rows[i];
	return v ? out_table(&cli->out, columns, n_columns, v, n, reterr) : -ENOMEM;
}

/* Of a captured machine nobody knows which nodes there are. */
static int show_plan(struct cli *cli, struct host *h, const struct launch_request *r,
	const struct launch_plan *p, struct problem **reterr)
{
	const char *vfio = h->captured ? NULL : launch_backend(h, r, p);
	autofree struct row *rows = calloc(p->n + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		rows[i] = (struct row) { &p->v[i], vfio };
	if (out_is_json(&cli->out))
		return show_json(cli, r, p, rows, reterr);
	if (p->n)
		return show_table(cli, rows, p->n, reterr);
	fprintf(cli->out.to, "guest %s would start\n", r->name);
	return 0;
}

/* The guest's control socket, as a file. */
struct control {
	char *path, *name;
};

static void control_done(struct control *c)
{
	if (c->path)
		unlink(c->path);
	free(c->path);
	free(c->name);
}

/*
 * Two guests have two names: one that was not named gets one of its own. Without a folder for
 * sockets the guest runs all the same.
 */
static int open_control(struct cli *cli, struct launch_request *r, struct launch_handles *io,
	struct control *c, struct problem **reterr)
{
	struct problem *why = NULL;
	autofree char *text = NULL;
	int e = vm_listen(cli->run_dir, r->name, &c->path, &why);

	if (e < 0 && why && why->kind == PROBLEM_IN_USE && !r->named) {
		problem_free(TAKE_PTR(why));
		r->name = c->name = str_printf("%s-%d", r->name, (int)getpid());
		if (!c->name)
			return -ENOMEM;
		e = vm_listen(cli->run_dir, c->name, &c->path, &why);
	}
	if (e >= 0) {
		io->control = e;
		return 0;
	}
	if (why && (why->kind == PROBLEM_IN_USE || why->kind == PROBLEM_USAGE)) {
		if (reterr)
			*reterr = why;
		return e;
	}
	text = why ? problem_text(why) : NULL;
	if (cli->verbose)
		fprintf(cli->out.notes, "vfctl: guest %s cannot be asked for: %s\n", r->name,
			text ? text : "out of memory");
	problem_free(why);
	return 0;
}

static int start(struct cli *cli, struct launch_request *r, struct launch_plan *p,
	struct launch_handles *io, struct lend *lend, struct problem **reterr)
{
	autofree char *vmm = NULL;
	CLEANUP(control_done) struct control control = { 0 };
	struct launch_end end = { 0 };
	struct host *h = io->host; /* of the user's files, and of all that is handed over */
	int e = launch_find_vmm(h, getenv("VFCTL_VMM"), &vmm, reterr);

	if (e < 0)
		return e;
	e = launch_open_record(r, io, reterr);
	if (e == 0)
		e = open_control(cli, r, io, &control, reterr);
	if (e == 0)
		e = lend_fetch(lend, h, p, reterr);
	if (e == 0)
		e = launch_open_devices(h, r, p, io, reterr);
	tell_fallbacks(cli, p); /* also when a fallback is what cannot be had */
	tell_backend(cli, io);
	tell_vhosts(cli, r, io);
	host_drop_given(h); /* what the guest does not get is not kept from others */
	if (e == 0)
		e = launch_run(vmm, r, p, io, &end, reterr);
	if (e < 0)
		return e;
	if (cli->verbose && end.report)
		fprintf(cli->out.notes, "vfctl: %s\n", str_trim(end.report));
	free(end.report);
	e = launch_judge(&end, r->name, reterr);
	if (e < 0)
		return e;
	fprintf(cli->out.notes, "vfctl: guest %s ended: %s%s%s\n", r->name,
		*end.reason ? end.reason : "power-off", *end.what ? ": " : "", end.what);
	return 0;
}

static int run_with(struct cli *cli, struct launch_request *r, struct problem **reterr)
{
	autohost *files = NULL; /* the user's files are here, even when the machine is captured */
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	autolend lend = { 0 }; /* what is below is closed before it is returned */
	autohandles io = { 0 };
	autolaunchplan p = { 0 };
	struct host *h;
	int e = cli_may_act(cli, reterr);

	if (e == 0)
		e = host_new_live(&files, reterr);
	if (e == 0)
		e = cli_host(cli, &h, reterr);
	if (e == 0)
		e = launch_open_files(files, r, &io, reterr);
	if (e == 0)
		e = cli_inventory(cli, INVENTORY_GROUPS, &inv, reterr);
	if (e == 0)
		e = launch_find_nets(h, inv, r, reterr);
	if (e == 0)
		e = lend_open(&lend, cli, r, reterr);
	if (e == 0)
		e = launch_plan_make(h, inv, r, lend.daemon ? lend_claim : NULL, &lend, &p, reterr);
	if (e == 0)
		e = launch_memory_plan(h, r, &p, &p.memory, reterr);
	if (e == 0 && !h->captured)
		e = launch_check_backend(h, r, &p, reterr);
	if (e == 0 && cli->dry_run && !h->captured)
		e = launch_check_memlock(&p, r->memory_bytes, reterr);
	if (e < 0)
		return e;
	return cli->dry_run ? show_plan(cli, h, r, &p, reterr)
			    : start(cli, r, &p, &io, &lend, reterr);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct launch_request r;
	int e;

	launch_request_init(&r);
	r.identity_dir = cli->identity_dir;
	e = read_request(cli, a, &r, reterr);
	if (e == 0)
		e = run_with(cli, &r, reterr);
	launch_request_done(&r);
	return e;
}

const struct verb verb_vm_run = {
	.name = "vm run",
	.section = VERB_HAND_OVER,
	.args = "--kernel FILE [OPTION…]",
	.summary = "start a guest with VFs, and stay until it ends",
	.description =
		"Checks all, then starts a guest. Its console is this terminal; Ctrl-a x quits.\n"
		"--vf SELECTOR gives the guest a function that is bound to a VFIO driver; of\n"
		"several (ens1f0/vf0-3, driver=vfio-pci) the first that can be had. With\n"
		"\",fallback=virtio-net:NET\" or \",fallback=virtio-blk:FILE\" it gets an emulated\n"
		"device where none can be had; without, it is not started. \",vf-token=UUID\"\n"
		"opens a VF whose PF is driven from user space. One that is taken back, or fails,\n"
		"is unplugged; with \",on-loss=stop\" the guest ends. More: vfctl-vm(8).\n"
		"Exits with 0 when the guest ended by itself or was told to, 1 when it crashed.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = columns,
	.n_columns = &n_columns,
	.run = run,
};
