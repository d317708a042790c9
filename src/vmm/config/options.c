/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "options.h"

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
	"  --huge-pages         memory from reserved 2 MiB pages\n"
	"  --kernel FD          a Linux bzImage\n"
	"  --initrd FD          its initial RAM disk\n"
	"  --append STRING      its command line\n"
	"  --disk fd=FD[,ro][,serial=S][,ioeventfd=off]\n"
	"                       a raw image as virtio-blk\n"
	"  --net fd=FD[,mac=M][,ioeventfd=off]\n"
	"                       a tap as virtio-net; with ioeventfd=off each doorbell is\n"
	"                       an exit and the CPU that rang does the device's work\n"
	"  --rng                virtio-rng\n"
	"  --vfio container=FD,group=FD,device=FD,name=BDF\n"
	"                       a function of this host\n"
	"  --status FD          a line of JSON there tells how the guest ended\n"
	"  --no-reboot          end when the guest reboots\n"
	"  -v, --verbose        say what happens\n"
	"  --help, --version\n"
	"\n"
	"The guest's serial port is standard input and output. On a terminal, Ctrl-a x quits.\n"
	"Exit status: 0 the guest powered off, 1 failed, 2 usage, 10 rebooted (--no-reboot),\n"
	"11 stopped by a signal or key, 20 crashed (triple fault), 21 KVM could not go on.\n";

static int usage(struct problem **reterr, const char *option, const char *what)
{
	return problem(
		reterr, -EINVAL, PROBLEM_USAGE, "see vfctl-vmm --help", "%s: %s", option, what);
}

static int parse_fd(const char *option, const char *text, int *ret, struct problem **reterr)
{
	uint32_t fd;
	int flags;

	if (parse_u32(text, &fd) < 0 || fd > INT_MAX)
		return usage(reterr, option, "a descriptor is a number");
	flags = fcntl((int)fd, F_GETFD);
	if (flags < 0) {
		problem(reterr, -EBADF, PROBLEM_USAGE, "pass it open to this process",
			"%s: descriptor %u is not open", option, fd);
		return -EBADF;
	}
	fcntl((int)fd, F_SETFD, flags | FD_CLOEXEC);
	*ret = (int)fd;
	return 0;
}

/* One key of a device option; NULL value = a bare word. */
static int parse_key(struct device_option *d, const char *option, const char *key,
	const char *value, struct problem **reterr)
{
	bool disk = d->kind == DEVICE_DISK, net = d->kind == DEVICE_NET;
	bool vfio = d->kind == DEVICE_VFIO, on;

	if ((disk || net) && str_eq(key, "fd") && value)
		return parse_fd(option, value, &d->fd, reterr);
	if (vfio && str_eq(key, "container") && value)
		return parse_fd(option, value, &d->container, reterr);
	if (vfio && str_eq(key, "group") && value)
		return parse_fd(option, value, &d->group, reterr);
	if (vfio && str_eq(key, "device") && value)
		return parse_fd(option, value, &d->device, reterr);
	if (vfio && str_eq(key, "name") && value)
		d->name = value;
	else if (disk && str_eq(key, "ro") && !value)
		d->read_only = true;
	else if (disk && str_eq(key, "serial") && value)
		d->serial = value;
	else if ((disk || net) && str_eq(key, "ioeventfd") && value && parse_bool(value, &on) == 0)
		d->no_ioeventfd = !on;
	else if (!net || !str_eq(key, "mac") || !value || mac_parse(value, &d->mac) < 0)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "see vfctl-vmm --help",
			"%s: \"%s%s%s\" is not understood", option, key, value ? "=" : "",
			value ? value : "");
	return 0;
}

static int check_device(const struct device_option *d, const char *option, struct problem **reterr)
{
	if ((d->kind == DEVICE_DISK || d->kind == DEVICE_NET) && d->fd < 0)
		return usage(reterr, option, "fd= is missing");
	if (d->kind == DEVICE_VFIO && (d->container < 0 || d->device < 0))
		return usage(reterr, option, "container= and device= are needed");
	return 0;
}

static int parse_device(struct options *o, enum device_kind kind, const char *option, char *text,
	struct problem **reterr)
{
	struct device_option d = {
		.kind = kind,
		.fd = -1,
		.container = -1,
		.group = -1,
		.device = -1,
		.name = "function",
	};
	char *save = NULL;
	int r;

	if (o->n_devices == OPTIONS_DEVICES_MAX)
		return usage(reterr, option, "there is room for 31 devices");
	for (char *w = text ? strtok_r(text, ",", &save) : NULL; w;
		w = strtok_r(NULL, ",", &save)) {
		char *value = strchr(w, '=');

		if (value)
			*value++ = '\0';
		r = parse_key(&d, option, w, value, reterr);
		if (r < 0)
			return r;
	}
	r = check_device(&d, option, reterr);
	if (r < 0)
		return r;
	o->devices[o->n_devices++] = d;
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
		return usage(reterr, opt, "1 to 8 CPUs can be had");
	return 0;
}

static int set_memory(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	if (parse_bytes(v, &o->memory_bytes) < 0 || !o->memory_bytes || o->memory_bytes % 4096)
		return usage(reterr, opt, "a multiple of 4096 bytes, such as 512M, is needed");
	return 0;
}

static int set_kvm(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return parse_fd(opt, v, &o->kvm, reterr);
}

static int set_kernel(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return parse_fd(opt, v, &o->kernel, reterr);
}

static int set_initrd(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return parse_fd(opt, v, &o->initrd, reterr);
}

static int set_status(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return parse_fd(opt, v, &o->status, reterr);
}

static int add_disk(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return parse_device(o, DEVICE_DISK, opt, v, reterr);
}

static int add_net(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return parse_device(o, DEVICE_NET, opt, v, reterr);
}

static int add_vfio(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return parse_device(o, DEVICE_VFIO, opt, v, reterr);
}

static int add_rng(struct options *o, const char *opt, char *v, struct problem **reterr)
{
	return parse_device(o, DEVICE_RNG, opt, v, reterr);
}

static int set_flag(
	struct options *o, const char *opt, char *v UNUSED, struct problem **reterr UNUSED)
{
	if (str_eq(opt, "--huge-pages"))
		o->huge_pages = true;
	else if (str_eq(opt, "--no-reboot"))
		o->no_reboot = true;
	else if (str_eq(opt, "--help"))
		o->help = true;
	else if (str_eq(opt, "--version"))
		o->version = true;
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
	{ "--kernel", true, set_kernel },
	{ "--initrd", true, set_initrd },
	{ "--append", true, set_append },
	{ "--disk", true, add_disk },
	{ "--net", true, add_net },
	{ "--vfio", true, add_vfio },
	{ "--status", true, set_status },
	{ "--rng", false, add_rng },
	{ "--huge-pages", false, set_flag },
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
			return usage(reterr, table[t].name, "it takes no value");
		if (table[t].has_value && !value && *i + 1 < argc)
			value = argv[++*i];
		if (table[t].has_value && !value)
			return usage(reterr, table[t].name, "a value is missing");
		return table[t].set(o, table[t].name, value, reterr);
	}
	return usage(reterr, arg, "there is no such option");
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
		.cpus = 1,
		.memory_bytes = 512ULL << 20,
	};

	for (int i = 1; i < argc; i++) {
		int r = parse_one(&o, argv, argc, &i, reterr);

		if (r < 0)
			return r;
	}
	if (!o.help && !o.version && (o.kvm < 0 || o.kernel < 0))
		return usage(reterr, o.kvm < 0 ? "--kvm" : "--kernel", "it is needed");
	*ret = o;
	return 0;
}
