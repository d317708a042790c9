/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "device.h"

#include "base/str.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>

const char options_help[] =
	"vfctl-vmm - runs one virtual machine on descriptors that it was given\n"
	"\n"
	"  vfctl-vmm --kvm FD --kernel FD [OPTION]...\n"
	"\n"
	"  --name NAME          what messages call the guest\n"
	"  --kvm FD             an open /dev/kvm\n"
	"  --cpus N             1 to 8 CPUs (1)\n"
	"  --mem BYTES          memory, with K, M or G (512M)\n"
	"  --huge-pages 2M|1G   memory from reserved pages of that size\n"
	"  --numa NODE[,only]   memory near that NUMA node, or from nowhere else\n"
	"  --thp off            the host gives no transparent huge pages: to be told\n"
	"  --kernel FD          a Linux bzImage\n"
	"  --initrd FD          its initial RAM disk\n"
	"  --append STRING      its command line\n"
	"  --disk fd=FD[,model=virtio|ide][,ro][,serial=S][,engine=ENGINE][,queues=N]\n"
	"              [,signals=auto|ring|write][,ioeventfd=off]\n"
	"                       a raw image or block device as virtio-blk, with N queues (one\n"
	"                       for each CPU), or on an IDE controller that has up to four;\n"
	"                       open it with O_DIRECT to go without the host's page cache;\n"
	"                       ENGINE: uring, uring-sqpoll (the kernel polls for requests),\n"
	"                       threads, sync, or auto: uring where there is one;\n"
	"                       signals: interrupts by a ring that the kernel polls, or written\n"
	"  --net fd=FD[:FD…][,model=virtio|e1000][,mac=M][,fixed-mac][,mtu=N]\n"
	"      [,standby=needed|offered][,ioeventfd=off]\n"
	"                       a tap as virtio-net, or as a card of Intel's, 82540EM;\n"
	"                       with ioeventfd=off each doorbell is an exit and the CPU that\n"
	"                       rang does the device's work;\n"
	"                       both: threads=io|queue|main|cpu|dedicated: who works for the\n"
	"                       guest; poll=notify|adaptive|dedicated: how long it looks for\n"
	"                       requests before it sleeps; pin=CPU: where, of the host;\n"
	"                       packed=off: no packed rings; in-order=on|off;\n"
	"                       queue-size=256|512|1024 (256)\n"
	"                       vhost-user=FD in the place of fd=: another process serves the\n"
	"                       device; FD leads to who connects to it; of --net,\n"
	"                       vhost=FD[:FD…], an open /dev/vhost-net for each of fd=: the\n"
	"                       kernel serves it\n"
	"  --vsock fd=FD,cid=N  virtio-vsock, by an open /dev/vhost-vsock\n"
	"  --rng                virtio-rng\n"
	"  --balloon            virtio-balloon: the guest gives memory back that it does not\n"
	"                       need; without --vfio, vhost-user= and --huge-pages\n"
	"  --console serial|virtio\n"
	"                       where what is typed goes; both print\n"
	"  --port name=NAME,listen=FD\n"
	"                       a port that the guest finds by its name, of one virtio-console\n"
	"                       with up to 7 of them; who connects to the socket talks to who\n"
	"                       opens it in the guest\n"
	"  --vfio container=FD,group=FD,device=FD,name=BDF[,KEY=VALUE]...\n"
	"  --vfio iommufd=FD,device=FD,name=BDF[,KEY=VALUE]...\n"
	"                       a function of this host, by its group or by its own node;\n"
	"                       on-loss=unplug|stop: when it is taken back, or fails, it is\n"
	"                       unplugged and the guest goes on (usual), or ends;\n"
	"                       rom=off|on: the guest sees no option ROM (usual), or the\n"
	"                       function's; rom-fd=FD: it sees that file;\n"
	"                       clean, without a value: it was opened just now, and that has\n"
	"                       reset it: it is not reset once more\n"
	"  --peers auto|on|off  functions reach each other's BARs by DMA, as far as the IOMMU\n"
	"                       lets them: when there are two (auto, usual), always, never\n"
	"  --status FD          a line of JSON there tells how the guest ended\n"
	"  --control FD         a listening socket, for who attaches and detaches functions,\n"
	"                       asks for counters, and stops the guest\n"
	"  --record FD          what assigned functions are asked and answer is written there,\n"
	"                       line by line, to be replayed\n"
	"  --no-reboot          end when the guest reboots\n"
	"  --sandbox on|log|off what a hostile guest may do once it holds this process:\n"
	"                       little (on), all, but it is logged (log), or all\n"
	"  --sandbox-rules      print what little that is, and leave\n"
	"  -v, --verbose        say what happens\n"
	"  --help, --version\n"
	"\n"
	"The guest's serial port is standard input and output. On a terminal, Ctrl-a x quits.\n"
	"Exit status: 0 the guest powered off, 1 failed, 2 usage, 10 rebooted (--no-reboot),\n"
	"11 stopped by a signal or key, 20 crashed (triple fault), 21 KVM could not go on,\n"
	"159 (SIGSYS) stopped by the sandbox.\n";

int options_usage(struct problem **reterr, const char *option, const char *what)
{
	return problem(
		reterr, -EINVAL, PROBLEM_USAGE, "see vfctl-vmm --help", "%s: %s", option, what);
}

int options_fd(
	struct options *o, const char *option, const char *text, int *ret, struct problem **reterr)
{
	uint32_t fd;
	int flags;

	if (parse_u32(text, &fd) < 0 || fd > INT_MAX)
		return options_usage(reterr, option, "a descriptor is a number");
	flags = fcntl((int)fd, F_GETFD);
	if (flags < 0) {
		problem(reterr, -EBADF, PROBLEM_USAGE, "pass it open to this process",
			"%s: descriptor %u is not open", option, fd);
		return -EBADF;
	}
	if (o->n_fds == OPTIONS_FDS_MAX)
		return options_usage(reterr, option, "too many descriptors");
	fcntl((int)fd, F_SETFD, flags | FD_CLOEXEC);
	o->fds[o->n_fds++] = (int)fd;
	*ret = (int)fd;
	return 0;
}

static int set_name(
	struct options *o, const char *opt UNUSED, char *v, struct problem **reterr UNUSED)
{
	o->name = v;
	return 0;
}

static int set_append(
	struct options *o, const char *opt UNUSED, char *v, struct problem **reterr UNUSED)
{
	o->append = v;
	return 0;
}

static int set_cpus(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	if (parse_u32(v, &o->cpus) < 0 || o->cpus < 1 || o->cpus > 8)
		return options_usage(reterr, opt, "1 to 8 CPUs can be had");
	return 0;
}

static int set_memory(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	if (parse_bytes(v, &o->memory_bytes) < 0 || !o->memory_bytes || o->memory_bytes % 4096)
		return options_usage(
			reterr, opt, "a multiple of 4096 bytes, such as 512M, is needed");
	return 0;
}

static int set_huge_pages(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	if (parse_bytes(v, &o->huge_page) < 0 ||
		(o->huge_page != 2ULL << 20 && o->huge_page != 1ULL << 30))
		return options_usage(reterr, opt, "huge pages have 2M or 1G");
	return 0;
}

static int set_numa(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	char *comma = strchr(v, ',');
	uint32_t node;

	o->numa_only = comma && str_eq(comma + 1, "only");
	if (comma)
		*comma = '\0';
	if (parse_u32(v, &node) < 0 || node > INT_MAX || (comma && !o->numa_only))
		return options_usage(
			reterr, opt, "the number of a node is needed, \",only\" may follow");
	o->numa = (int)node;
	return 0;
}

static int set_thp(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	o->no_thp = str_eq(v, "off");
	return o->no_thp ? 0 : options_usage(reterr, opt, "only \"off\" is worth telling");
}

static int set_kvm(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_fd(o, opt, v, &o->kvm, reterr);
}

static int set_kernel(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_fd(o, opt, v, &o->kernel, reterr);
}

static int set_initrd(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_fd(o, opt, v, &o->initrd, reterr);
}

static int set_status(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_fd(o, opt, v, &o->status, reterr);
}

static int set_record(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_fd(o, opt, v, &o->record, reterr);
}

static int set_sandbox(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return sandbox_mode_parse(v, &o->sandbox) < 0 ? options_usage(reterr, opt, "on, log or off")
						      : 0;
}

static int set_peers(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	static const char *const names[] = { "auto", "on", "off" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(v, names[i])) {
			o->peers = (enum option_peers)i;
			return 0;
		}
	return options_usage(reterr, opt, "auto, on or off");
}

static int set_control(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_fd(o, opt, v, &o->control, reterr);
}

static int add_disk(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_add_device(o, DEVICE_DISK, opt, v, reterr);
}

static int add_net(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_add_device(o, DEVICE_NET, opt, v, reterr);
}

static int add_vfio(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_add_device(o, DEVICE_VFIO, opt, v, reterr);
}

static int add_vsock(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_add_device(o, DEVICE_VSOCK, opt, v, reterr);
}

static bool options_have(const struct options *o, enum device_kind kind)
{
	for (size_t i = 0; i < o->n_devices; i++)
		if (o->devices[i].kind == kind)
			return true;
	return false;
}

/* One of them: nobody can type into two. */
static int set_console(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	if (options_have(o, DEVICE_CONSOLE))
		return options_usage(reterr, opt, "there is one already");
	if (str_eq(v, "serial"))
		return 0;
	if (!str_eq(v, "virtio"))
		return options_usage(reterr, opt, "serial or virtio");
	return options_add_device(o, DEVICE_CONSOLE, opt, NULL, reterr);
}

static int add_port(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_add_port(o, opt, v, reterr);
}

static int add_rng(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return options_add_device(o, DEVICE_RNG, opt, v, reterr);
}

static int add_balloon(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	if (options_have(o, DEVICE_BALLOON))
		return options_usage(reterr, opt, "there is one already");
	return options_add_device(o, DEVICE_BALLOON, opt, v, reterr);
}

/* Whoever reaches memory by DMA, or may, goes on with the pages that the guest gave back. */
static int check_balloon(const struct options *o, struct problem **reterr)
{
	bool vhost_user = false;

	for (size_t i = 0; i < o->n_devices; i++)
		vhost_user |= o->devices[i].vhost_user >= 0;
	if (options_have(o, DEVICE_VFIO))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "leave out --balloon, or --vfio",
			"--balloon: a function reaches the guest's memory by DMA, so that all of "
			"it is pinned and nothing can be given back");
	if (vhost_user)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"leave out --balloon, or use fd= instead of vhost-user=",
			"--balloon: the process behind vhost-user may have handed the guest's "
			"memory to a device, so that nothing can be given back");
	if (o->huge_page)
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"leave out --balloon, or --huge-pages",
			"--balloon: reserved huge pages cannot be given back in pieces");
	return 0;
}

static int set_flag(
	struct options *o, const char *opt, char *v UNUSED, struct problem **reterr UNUSED)
{
	if (str_eq(opt, "--no-reboot"))
		o->no_reboot = true;
	else if (str_eq(opt, "--help"))
		o->help = true;
	else if (str_eq(opt, "--version"))
		o->version = true;
	else if (str_eq(opt, "--sandbox-rules"))
		o->sandbox_rules = true;
	else
		o->verbose = true;
	return 0;
}

static const struct {
	const char *name;
	bool has_value;
	int (*set)(struct options *o, const char *opt, char *value, struct problem **reterr);
} table[] = {
	{ "--name", true, set_name },
	{ "--kvm", true, set_kvm },
	{ "--cpus", true, set_cpus },
	{ "--mem", true, set_memory },
	{ "--huge-pages", true, set_huge_pages },
	{ "--numa", true, set_numa },
	{ "--thp", true, set_thp },
	{ "--kernel", true, set_kernel },
	{ "--initrd", true, set_initrd },
	{ "--append", true, set_append },
	{ "--disk", true, add_disk },
	{ "--net", true, add_net },
	{ "--vfio", true, add_vfio },
	{ "--vsock", true, add_vsock },
	{ "--peers", true, set_peers },
	{ "--status", true, set_status },
	{ "--control", true, set_control },
	{ "--record", true, set_record },
	{ "--rng", false, add_rng },
	{ "--balloon", false, add_balloon },
	{ "--console", true, set_console },
	{ "--port", true, add_port },
	{ "--sandbox", true, set_sandbox },
	{ "--sandbox-rules", false, set_flag },
	{ "--no-reboot", false, set_flag },
	{ "--verbose", false, set_flag },
	{ "-v", false, set_flag },
	{ "--help", false, set_flag },
	{ "--version", false, set_flag },
};

/* "--key value" and "--key=value". */
static int parse_one(struct options *o, char **argv, int argc, int *i, struct problem **reterr)
{
	char *arg = argv[*i];

	for (size_t t = 0; t < ARRAY_SIZE(table); t++) {
		size_t len = strlen(table[t].name);
		char *value = NULL;

		if (strncmp(arg, table[t].name, len) != 0 || (arg[len] && arg[len] != '='))
			continue;
		if (arg[len] == '=')
			value = arg + len + 1;
		if (value && !table[t].has_value)
			return options_usage(reterr, table[t].name, "it takes no value");
		if (table[t].has_value && !value && *i + 1 < argc)
			value = argv[++*i];
		if (table[t].has_value && !value)
			return options_usage(reterr, table[t].name, "a value is missing");
		return table[t].set(o, table[t].name, value, reterr);
	}
	return options_usage(reterr, arg, "there is no such option");
}

int options_parse(int argc, char **argv, struct options *ret, struct problem **reterr)
{
	struct options o = {
		.name = "guest",
		.append = "",
		.kvm = -1,
		.kernel = -1,
		.initrd = -1,
		.status = -1,
		.control = -1,
		.record = -1,
		.cpus = 1,
		.numa = OPTION_NUMA_NONE,
		.memory_bytes = 512ULL << 20,
	};

	for (int i = 1; i < argc; i++) {
		int r = parse_one(&o, argv, argc, &i, reterr);

		if (r < 0)
			return r;
	}
	if (!o.help && !o.version && !o.sandbox_rules && (o.kvm < 0 || o.kernel < 0))
		return options_usage(reterr, o.kvm < 0 ? "--kvm" : "--kernel", "it is needed");
	if (options_have(&o, DEVICE_BALLOON)) {
		int r = check_balloon(&o, reterr);

		if (r < 0)
			return r;
	}
	*ret = o;
	return 0;
}
