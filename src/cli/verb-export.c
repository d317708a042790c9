// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "base/str.h"
#include "out/export.h"
#include "select/select.h"

static const struct option options[] = {
	{ 0, "format", TAKES_VALUE, "FORMAT", "libvirt, libvirt-network, qemu, cdi, ansible",
		"libvirt libvirt-network qemu cdi ansible" },
	{ 0, "as", TAKES_VALUE, "hostdev|interface", "which element of libvirt's",
		"hostdev interface" },
	{ 0, "iommufd", TAKES_VALUE, "yes|no", "by iommufd; else if the kernel has it", "yes no" },
	{ 0, "vf-token", TAKES_VALUE, "UUID", "of a VF whose PF is on vfio-pci", "" },
	{ 0, "kind", TAKES_VALUE, "VENDOR/CLASS", "what CDI calls them, vfctl/vfio", "" },
	{ 0, "name", TAKES_VALUE, "NAME", "of the network, vfctl-ens1f0", "" },
	{ 0, "for", TAKES_VALUE, "OWNER", "who may have claimed them, domain:web1", "domain:" },
	{ 0, "as-is", TAKES_NOTHING, NULL, "also what is not ready now", NULL },
};

static const struct example examples[] = {
	{ "export ens1f0/vf0 --format libvirt", "for virsh attach-device or edit" },
	{ "export ens1f0/vf0 --format libvirt --as interface", "with its MAC address" },
	{ "export ens1f0 --format libvirt-network", "for virsh net-define /dev/stdin" },
	{ "export nvme0/vf0 --format qemu", "arguments for QEMU" },
	{ "export ens1f0/vf0-3 --format cdi", "for a file in /etc/cdi" },
	{ "export pool=guests --format ansible", "for include_tasks" },
};

static void details(FILE *to)
{
	fputs("\nFormats:\n", to);
	for (size_t i = 0; i < n_export_formats; i++)
		fprintf(to, "  %-16s %s\n", export_formats[i].name, export_formats[i].help);
}

static int need_format(
	const struct args *a, const struct export_format **ret, struct problem **reterr)
{
	const char *name = args_value(a, "format");

	if (!name)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"--format libvirt, libvirt-network, qemu, cdi or ansible",
			"--format is missing: for whom?");
	*ret = export_format_find(name);
	if (*ret)
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"one of libvirt, libvirt-network, qemu, cdi and ansible", "there is no format %s",
		name);
}

static int misplaced(const char *option, const char *formats, struct problem **reterr)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "--%s is only for --format %s", option,
		formats);
}

/* An option that would be ignored is a misunderstanding. */
static int check_places(
	const struct args *a, const struct export_format *f, struct problem **reterr)
{
	static const struct {
		const char *option, *formats[3], *words;
	} places[] = {
		{ "as", { "libvirt" }, "libvirt" },
		{ "iommufd", { "qemu", "cdi", "ansible" }, "qemu, cdi and ansible" },
		{ "vf-token", { "qemu" }, "qemu" },
		{ "kind", { "cdi" }, "cdi" },
		{ "name", { "libvirt-network" }, "libvirt-network" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		bool suits = false;

		for (size_t k = 0; k < ARRAY_SIZE(places[i].formats); k++)
			suits |= str_eq(places[i].formats[k], f->name);
		if (!suits && args_has(a, places[i].option))
			return misplaced(places[i].option, places[i].words, reterr);
	}
	return 0;
}

static int bad_value(const char *option, const char *value, struct problem **reterr)
{
	return problem(
		reterr, -EINVAL, PROBLEM_USAGE, NULL, "--%s %s: no such value", option, value);
}

static int read_opts(const struct args *a, const char *identity_dir, struct export_opts *ret,
	struct problem **reterr)
{
	const char *as = args_value(a, "as"), *iommufd = args_value(a, "iommufd");
	struct export_opts opts = {
		.as_is = args_has(a, "as-is"),
		.owner = args_value(a, "for"),
		.identity_dir = identity_dir,
		.iommufd = -1,
		.vf_token = args_value(a, "vf-token"),
		.kind = args_value(a, "kind"),
		.name = args_value(a, "name"),
	};
	bool yes;

	if (as && !str_eq(as, "hostdev") && !str_eq(as, "interface"))
		return bad_value("as", as, reterr);
	opts.as = str_eq(as, "interface") ? EXPORT_AS_INTERFACE : EXPORT_AS_HOSTDEV;
	if (iommufd && parse_bool(iommufd, &yes) < 0)
		return bad_value("iommufd", iommufd, reterr);
	if (iommufd)
		opts.iommufd = yes;
	if (opts.vf_token && !str_is_uuid(opts.vf_token))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "--vf-token is not a UUID");
	*ret = opts;
	return 0;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	const struct export_format *format = NULL;
	autoselection found = { 0 };
	autoexported e = { 0 };
	struct export_opts opts;
	struct host *h = NULL;
	int r = need_format(a, &format, reterr);

	if (r == 0)
		r = check_places(a, format, reterr);
	if (r == 0)
		r = read_opts(a, cli->identity_dir, &opts, reterr);
	if (r == 0)
		r = cli_inventory(cli, INVENTORY_GROUPS, &inv, reterr);
	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = select_some(h, inv, a->words, a->n_words, &found, reterr);
	if (r == 0)
		r = export_make(h, inv, format, found.v, found.n, &opts, &e, reterr);
	return r < 0 ? r : out_exported(&cli->out, &e, &opts, reterr);
}

const struct verb verb_export = {
	.name = "export",
	.section = VERB_HAND_OVER,
	.args = "SELECTOR…",
	.summary = "what others must be told: libvirt, QEMU, CDI",
	.description =
		"Prints what another program must be told to take these functions, which vfctl\n"
		"has prepared: an element of a libvirt domain (managed='no'; several are put into\n"
		"<devices>), a hostdev network of a PF's VFs, arguments of QEMU, a specification\n"
		"for container runtimes, tasks for Ansible. Nothing is changed. What is not on a\n"
		"VFIO driver, has other drivers in its IOMMU group, is held by somebody, or is\n"
		"claimed by somebody else (--for says by whom it may be) is refused; --as-is\n"
		"prints it all the same. As interface, libvirt has the PF set MAC address and\n"
		"VLAN of a VF; as hostdev, what vfctl set stays.\n",
	.details = details,
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<function>",
	.min_args = 1,
	.max_args = ANY_NUMBER,
	.run = run,
};
