// SPDX-License-Identifier: GPL-2.0-or-later
/* vm run: decide what the guest gets, open it, and stay until the guest has ended. */
#include "verbs.h"
#include "lend.h"
#include "base/str.h"
#include "host/given.h"
#include "launch/child.h"
#include "out/cell.h"
#include "out/complaint.h"

static const struct option options[] = {
	{ 'k', "kernel", TAKES_VALUE, "FILE", "a Linux bzImage", "<file>" },
	{ 'i', "initrd", TAKES_VALUE, "FILE", "its initial RAM disk", "<file>" },
	{ 'a', "append", TAKES_VALUE, "TEXT", "its command line", NULL },
	{ 'c', "cpus", TAKES_VALUE, "N", "1 to 8 CPUs; 1 is usual", NULL },
	{ 'm', "mem", TAKES_VALUE, "BYTES", "memory, with K, M or G; 512M is usual", NULL },
	{ 0, "vf", TAKES_VALUE, "SEL[,fallback=…]", "a function of this machine (see above)",
		"<function>" },
	{ 'd', "disk", TAKES_VALUE, "FILE[,ro]", "a raw image or block device as virtio-blk",
		"<file>" },
	{ 'n', "net", TAKES_VALUE, "tap=NAME[,mac=M]", "a tap as virtio-net", NULL },
	{ 0, "rng", TAKES_NOTHING, NULL, "virtio-rng", NULL },
	{ 0, "name", TAKES_VALUE, "NAME", "what messages call the guest", NULL },
	{ 0, "hugepages", TAKES_NOTHING, NULL, "memory from reserved 2 MiB pages", NULL },
	{ 0, "no-reboot", TAKES_NOTHING, NULL, "end when the guest reboots", NULL },
};

static const struct example examples[] = {
	{ "vm run -k vmlinuz -i initrd -a console=ttyS0 --vf ens1f0/vf0",
		"a VF; as root, or in group vfctl" },
	{ "vm run -k vmlinuz --vf ens1f0/vf0,fallback=virtio-net:tap0",
		"emulated when the VF cannot be had" },
	{ "vm run -k vmlinuz --vf nvme0/vf0,fallback=virtio-blk:disk.img --dry-run",
		"what would it get?" },
	{ "vm run -k vmlinuz --disk disk.img --net tap=tap0 --rng", "nothing of the machine's" },
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
	if (args_has(a, "name"))
		r->name = args_value(a, "name");
	r->rng = args_has(a, "rng");
	r->huge_pages = args_has(a, "hugepages");
	r->no_reboot = args_has(a, "no-reboot");
	r->verbose = cli->verbose;
	if (args_has(a, "cpus"))
		e = launch_set_cpus(r, args_value(a, "cpus"), reterr);
	if (e == 0 && args_has(a, "mem"))
		e = launch_set_memory(r, args_value(a, "mem"), reterr);
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

static const char *how_name(enum launch_how how)
{
	static const char *const names[] = {
		[LAUNCH_VFIO] = "vfio",
		[LAUNCH_NET] = "virtio-net",
		[LAUNCH_DISK] = "virtio-blk",
	};

	return names[how];
}

static const char *backend_of(const struct launch_choice *c)
{
	if (c->how == LAUNCH_NET)
		return c->vf->net.tap;
	return c->how == LAUNCH_DISK ? c->vf->disk.path : NULL;
}

static int text_selector(const void *row, char **ret)
{
	return cell_str(ret, ((const struct launch_choice *)row)->vf->selector);
}

static int text_address(const void *row, char **ret)
{
	const struct function *f = ((const struct launch_choice *)row)->function;

	return cell_str(ret, f ? f->address : NULL);
}

static int text_group(const void *row, char **ret)
{
	const struct function *f = ((const struct launch_choice *)row)->function;

	return cell_known(ret, f ? f->iommu_group : -1);
}

static int text_how(const void *row, char **ret)
{
	return cell_str(ret, how_name(((const struct launch_choice *)row)->how));
}

static int text_backend(const void *row, char **ret)
{
	return cell_str(ret, backend_of(row));
}

static int text_reason(const void *row, char **ret)
{
	const struct launch_choice *c = row;

	*ret = c->why ? problem_text(c->why) : NULL;
	return c->why && !*ret ? -ENOMEM : 0;
}

static const struct out_column columns[] = {
	{ "VF", "what was asked for", OUT_USUAL, text_selector, NULL },
	{ "ADDRESS", "the function", OUT_USUAL, text_address, NULL },
	{ "GROUP", "its IOMMU group", OUT_USUAL | OUT_RIGHT, text_group, NULL },
	{ "GETS", "what the guest gets: vfio, virtio-net or virtio-blk", OUT_USUAL, text_how,
		NULL },
	{ "BACKEND", "the tap or file behind an emulated device", OUT_USUAL, text_backend, NULL },
	{ "REASON", "why not the function", OUT_USUAL | OUT_WRAP, text_reason, NULL },
};
static const size_t n_columns = ARRAY_SIZE(columns);

static void choice_json(struct json *j, json_object *list, const struct launch_choice *c)
{
	json_object *o = json_add_object(j, list, NULL);

	json_add_str(j, o, "selector", c->vf->selector);
	json_add_str(j, o, "address", c->function ? c->function->address : NULL);
	json_add_known(j, o, "iommu_group", c->function ? c->function->iommu_group : -1);
	json_add_str(j, o, "gets", how_name(c->how));
	json_add_str(j, o, "backend", backend_of(c));
	if (c->why)
		out_problem_json(j, o, "reason", c->why);
	else
		json_add_null(j, o, "reason");
}

static int show_json(struct cli *cli, const struct launch_request *r, const struct launch_plan *p,
	struct problem **reterr)
{
	autojson j = json_start();
	json_object *guest = json_add_object(&j, j.root, "guest"), *list;

	json_add_str(&j, guest, "name", r->name);
	json_add_u64(&j, guest, "cpus", r->cpus);
	json_add_u64(&j, guest, "memory_bytes", r->memory_bytes);
	json_add_str(&j, guest, "kernel", r->kernel);
	json_add_str(&j, guest, "initrd", r->initrd);
	json_add_str(&j, guest, "append", r->append);
	json_add_u64(&j, guest, "disks", r->n_disks);
	json_add_u64(&j, guest, "nets", r->n_nets);
	json_add_bool(&j, guest, "rng", r->rng);
	list = json_add_array(&j, guest, "vfs");
	for (size_t i = 0; i < p->n; i++)
		choice_json(&j, list, &p->v[i]);
	return json_print(&j, &cli->out, reterr);
}

static int show_plan(struct cli *cli, const struct launch_request *r, const struct launch_plan *p,
	struct problem **reterr)
{
	autofree const void **rows = calloc(p->n + 1, sizeof(*rows));

	if (out_is_json(&cli->out))
		return show_json(cli, r, p, reterr);
	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		rows[i] = &p->v[i];
	if (p->n)
		return out_table(&cli->out, columns, n_columns, rows, p->n, reterr);
	fprintf(cli->out.to, "guest %s would start\n", r->name);
	return 0;
}

static int start(struct cli *cli, const struct launch_request *r, struct launch_plan *p,
	struct launch_handles *io, struct lend *lend, struct problem **reterr)
{
	autofree char *vmm = NULL;
	struct launch_end end = { 0 };
	struct host *h = io->host; /* of the user's files, and of all that is handed over */
	int e = launch_find_vmm(h, getenv("VFCTL_VMM"), &vmm, reterr);

	if (e < 0)
		return e;
	e = lend_fetch(lend, h, p, reterr);
	if (e == 0)
		e = launch_open_devices(h, r, p, io, reterr);
	tell_fallbacks(cli, p); /* also when a fallback is what cannot be had */
	host_drop_given(h);	/* what the guest does not get is not kept from others */
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

static int run_with(struct cli *cli, const struct launch_request *r, struct problem **reterr)
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
		e = lend_open(&lend, cli, r, reterr);
	if (e == 0)
		e = launch_plan_make(h, inv, r, lend.daemon ? lend_claim : NULL, &lend, &p, reterr);
	if (e == 0 && cli->dry_run && !h->captured)
		e = launch_check_memlock(&p, r->memory_bytes, reterr);
	if (e < 0)
		return e;
	return cli->dry_run ? show_plan(cli, r, &p, reterr) : start(cli, r, &p, &io, &lend, reterr);
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
		"Starts a guest under the bundled VMM. Its serial console is this terminal;\n"
		"Ctrl-a x quits. Everything is checked before anything is started.\n"
		"\n"
		"--vf SELECTOR gives the guest a function that is bound to a VFIO driver; of\n"
		"several (ens1f0/vf0-3, driver=vfio-pci) the first that can be had. With\n"
		"\",fallback=virtio-net:TAP\" or \",fallback=virtio-blk:FILE\" it gets an emulated\n"
		"device in its place when the function cannot be had, and the reason is told;\n"
		"without, the start is refused. \",vf-token=UUID\" opens a VF whose PF is driven\n"
		"from user space. --vf, --disk and --net may be repeated. A tap that is not there\n"
		"is made. For users other than root vfctld(8) claims and binds the function for\n"
		"as long as the guest runs, and opens it, KVM and taps, where polkit lets it.\n"
		"\n"
		"Exits with 0 when the guest ended by itself or was told to, 1 when it crashed.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.columns = columns,
	.n_columns = &n_columns,
	.run = run,
};
