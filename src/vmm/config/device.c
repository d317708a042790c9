/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The keys of --disk, --net, --rng, --port and --vfio: a row for each, with the kinds that have it.
 */
#include "device.h"

#include "base/str.h"

#include <string.h>

enum {
	DISK = 1 << DEVICE_DISK,
	NET = 1 << DEVICE_NET,
	VSOCK = 1 << DEVICE_VSOCK,
	VFIO = 1 << DEVICE_VFIO,
	PORTS = 1 << DEVICE_PORTS,
	NOT_UNDERSTOOD = 1, /* what a setter returns of a value that is none; < 0: it has told */
};

/* What a setter is given besides the value. */
struct device_key {
	struct options *o;
	struct device_option *d;
	const char *option; /* "--disk" */
	struct problem **reterr;
};

static int to_fd(const struct device_key *k, const char *v, int *ret)
{
	return options_fd(k->o, k->option, v, ret, k->reterr);
}

static int set_fd(const struct device_key *k, char *v)
{
	return to_fd(k, v, &k->d->fd);
}

/* "7:8:9": a queue pair each. */
static int to_fds(const struct device_key *k, char *v, int *fds, unsigned *ret_n)
{
	char *save = NULL;
	int r = 0;

	*ret_n = 0;
	for (char *w = strtok_r(v, ":", &save); w && r == 0; w = strtok_r(NULL, ":", &save)) {
		if (*ret_n == OPTION_QUEUES_MAX)
			return options_usage(k->reterr, k->option, "fd= and vhost= take 8 at most");
		r = to_fd(k, w, &fds[(*ret_n)++]);
	}
	return r;
}

static int set_fds(const struct device_key *k, char *v)
{
	int r = to_fds(k, v, k->d->fds, &k->d->n_fds);

	k->d->fd = k->d->n_fds ? k->d->fds[0] : -1;
	return r;
}

static int set_standby(const struct device_key *k, char *v)
{
	k->d->standby = true;
	k->d->standby_needed = str_eq(v, "needed");
	return k->d->standby_needed || str_eq(v, "offered") ? 0 : NOT_UNDERSTOOD;
}

/* What it is that the tap leads to, for who asks which path this is. */
static int set_over(const struct device_key *k, char *v)
{
	k->d->over_vf = str_eq(v, "vf");
	return k->d->over_vf ? 0 : NOT_UNDERSTOOD;
}

static int set_fixed_mac(const struct device_key *k, char *v UNUSED)
{
	k->d->fixed_mac = true;
	return 0;
}

static int set_container(const struct device_key *k, char *v)
{
	return to_fd(k, v, &k->d->container);
}

static int set_group(const struct device_key *k, char *v)
{
	return to_fd(k, v, &k->d->group);
}

static int set_device(const struct device_key *k, char *v)
{
	return to_fd(k, v, &k->d->device);
}

static int set_iommufd(const struct device_key *k, char *v)
{
	return to_fd(k, v, &k->d->iommufd);
}

static int set_rom_fd(const struct device_key *k, char *v)
{
	k->d->rom = OPTION_ROM_FILE;
	return to_fd(k, v, &k->d->rom_fd);
}

static int set_name(const struct device_key *k, char *v)
{
	k->d->name = v;
	return 0;
}

static int set_rom(const struct device_key *k, char *v)
{
	bool on;

	if (parse_bool(v, &on) < 0)
		return NOT_UNDERSTOOD;
	k->d->rom = on ? OPTION_ROM_DEVICE : OPTION_ROM_OFF;
	return 0;
}

static int set_on_loss(const struct device_key *k, char *v)
{
	k->d->stop_on_loss = str_eq(v, "stop");
	return k->d->stop_on_loss || str_eq(v, "unplug") ? 0 : NOT_UNDERSTOOD;
}

static int set_clean(const struct device_key *k, char *v UNUSED)
{
	k->d->clean = true;
	return 0;
}

static int set_read_only(const struct device_key *k, char *v UNUSED)
{
	k->d->read_only = true;
	return 0;
}

static int set_serial(const struct device_key *k, char *v)
{
	k->d->serial = v;
	return 0;
}

static int set_engine(const struct device_key *k, char *v)
{
	static const char *const names[] = { "auto", "uring", "uring-sqpoll", "threads", "sync" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(v, names[i])) {
			k->d->engine = (enum option_engine)i;
			return 0;
		}
	return NOT_UNDERSTOOD;
}

static int set_signals(const struct device_key *k, char *v)
{
	static const char *const names[] = { "auto", "ring", "write" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(v, names[i])) {
			k->d->signals = (enum option_signals)i;
			return 0;
		}
	return NOT_UNDERSTOOD;
}

static int set_queues(const struct device_key *k, char *v)
{
	if (parse_u32(v, &k->d->queues) < 0 || k->d->queues < 1 || k->d->queues > OPTION_QUEUES_MAX)
		return NOT_UNDERSTOOD;
	return 0;
}

static int set_mac(const struct device_key *k, char *v)
{
	return mac_parse(v, &k->d->mac) < 0 ? NOT_UNDERSTOOD : 0;
}

static int set_mtu(const struct device_key *k, char *v)
{
	uint32_t n;

	/* 5.1.4.1: at least 68. */
	if (parse_u32(v, &n) < 0 || n < 68 || n > UINT16_MAX)
		return NOT_UNDERSTOOD;
	k->d->mtu = (uint16_t)n;
	return 0;
}

static int set_ioeventfd(const struct device_key *k, char *v)
{
	bool on;

	if (parse_bool(v, &on) < 0)
		return NOT_UNDERSTOOD;
	k->d->no_ioeventfd = !on;
	return 0;
}

static int set_threads(const struct device_key *k, char *v)
{
	k->d->threads = v;
	return 0;
}

static int set_poll(const struct device_key *k, char *v)
{
	k->d->poll = v;
	return 0;
}

static int set_pin(const struct device_key *k, char *v)
{
	k->d->pin = v;
	return 0;
}

static int set_net_model(const struct device_key *k, char *v)
{
	k->d->model = str_eq(v, "e1000") ? MODEL_E1000 : MODEL_VIRTIO;
	return str_eq(v, "e1000") || str_eq(v, "virtio") ? 0 : NOT_UNDERSTOOD;
}

static int set_disk_model(const struct device_key *k, char *v)
{
	k->d->model = str_eq(v, "ide") ? MODEL_IDE : MODEL_VIRTIO;
	return str_eq(v, "ide") || str_eq(v, "virtio") ? 0 : NOT_UNDERSTOOD;
}

static int set_vhost(const struct device_key *k, char *v)
{
	int r = to_fds(k, v, k->d->vhosts, &k->d->n_vhosts);

	return r == 0 && !k->d->n_vhosts ? NOT_UNDERSTOOD : r;
}

static int set_vhost_user(const struct device_key *k, char *v)
{
	return to_fd(k, v, &k->d->vhost_user);
}

/* 2^32 - 1 stands for everybody; 0 to 2 are the host's. */
static int set_cid(const struct device_key *k, char *v)
{
	uint32_t n;

	if (parse_u32(v, &n) < 0 || n < 3 || n == UINT32_MAX)
		return NOT_UNDERSTOOD;
	k->d->cid = n;
	return 0;
}

static int set_packed(const struct device_key *k, char *v)
{
	bool on;

	if (parse_bool(v, &on) < 0)
		return NOT_UNDERSTOOD;
	k->d->no_packed = !on;
	return 0;
}

static int set_in_order(const struct device_key *k, char *v)
{
	bool on;

	if (parse_bool(v, &on) < 0)
		return NOT_UNDERSTOOD;
	k->d->in_order = on ? 1 : -1;
	return 0;
}

/* Not less than is usual: what a request may be made of was promised by that. */
static int set_queue_size(const struct device_key *k, char *v)
{
	uint32_t n;

	if (parse_u32(v, &n) < 0 || (n != 256 && n != 512 && n != 1024))
		return NOT_UNDERSTOOD;
	k->d->queue_size = (uint16_t)n;
	return 0;
}

/* What Linux makes a file's name of. */
static int set_port_name(const struct device_key *k, char *v)
{
	size_t n = strspn(v, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (!n || v[n] || n > OPTION_PORT_NAME_MAX || *v == '.')
		return NOT_UNDERSTOOD;
	k->d->ports[0].name = v;
	return 0;
}

static int set_listen(const struct device_key *k, char *v)
{
	return to_fd(k, v, &k->d->ports[0].listener);
}

/* A key has a value, or it is a bare word. */
static const struct {
	const char *key;
	unsigned kinds;
	bool bare;
	int (*set)(const struct device_key *k, char *value);
} keys[] = {
	{ "fd", DISK | VSOCK, false, set_fd },
	{ "fd", NET, false, set_fds },
	{ "vhost", NET, false, set_vhost },
	{ "vhost-user", DISK | NET, false, set_vhost_user },
	{ "cid", VSOCK, false, set_cid },
	{ "ioeventfd", DISK | NET, false, set_ioeventfd },
	{ "threads", DISK | NET, false, set_threads },
	{ "poll", DISK | NET, false, set_poll },
	{ "pin", DISK | NET, false, set_pin },
	{ "model", DISK, false, set_disk_model },
	{ "packed", DISK | NET, false, set_packed },
	{ "in-order", DISK | NET, false, set_in_order },
	{ "queue-size", DISK | NET, false, set_queue_size },
	{ "model", NET, false, set_net_model },
	{ "ro", DISK, true, set_read_only },
	{ "serial", DISK, false, set_serial },
	{ "engine", DISK, false, set_engine },
	{ "signals", DISK, false, set_signals },
	{ "queues", DISK, false, set_queues },
	{ "mac", NET, false, set_mac },
	{ "standby", NET, false, set_standby },
	{ "over", DISK | NET, false, set_over },
	{ "fixed-mac", NET, true, set_fixed_mac },
	{ "mtu", NET, false, set_mtu },
	{ "container", VFIO, false, set_container },
	{ "group", VFIO, false, set_group },
	{ "device", VFIO, false, set_device },
	{ "iommufd", VFIO, false, set_iommufd },
	{ "name", VFIO, false, set_name },
	{ "on-loss", VFIO, false, set_on_loss },
	{ "rom", VFIO, false, set_rom },
	{ "rom-fd", VFIO, false, set_rom_fd },
	{ "clean", VFIO, true, set_clean },
	{ "name", PORTS, false, set_port_name },
	{ "listen", PORTS, false, set_listen },
};

/* NULL value: a bare word. */
static int parse_key(const struct device_key *k, const char *key, char *value)
{
	int r = NOT_UNDERSTOOD;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if ((keys[i].kinds & 1U << k->d->kind) && keys[i].bare == !value &&
			str_eq(keys[i].key, key))
			r = keys[i].set(k, value);
	if (r == NOT_UNDERSTOOD)
		return problem(k->reterr, -EINVAL, PROBLEM_USAGE, "see vfctl-vmm --help",
			"%s: \"%s%s%s\" is not understood", k->option, key, value ? "=" : "",
			value ? value : "");
	return r;
}

static int check_function(
	const struct device_option *d, const char *option, struct problem **reterr)
{
	if (d->device < 0 || (d->container < 0 && d->iommufd < 0))
		return options_usage(
			reterr, option, "device= is needed, and either container= or iommufd=");
	if (d->iommufd >= 0 && (d->container >= 0 || d->group >= 0))
		return options_usage(reterr, option, "iommufd= goes without container= and group=");
	return 0;
}

/* What the disk or the network is, the other process knows. */
static int check_vhost_user(
	const struct device_option *d, const char *option, struct problem **reterr)
{
	if (d->fd >= 0 || d->n_vhosts || d->read_only || d->serial)
		return options_usage(
			reterr, option, "vhost-user= goes without fd=, vhost=, ro and serial=");
	return 0;
}

/* A descriptor serves two rings: a pair. */
static int check_vhost(const struct device_option *d, const char *option, struct problem **reterr)
{
	if (d->model != MODEL_VIRTIO)
		return options_usage(reterr, option, "vhost= is of virtio");
	if (d->n_vhosts != d->n_fds)
		return options_usage(reterr, option, "vhost= has as many descriptors as fd=");
	if (d->poll || d->pin)
		return options_usage(reterr, option,
			"vhost= goes without poll= and pin=: no thread of this process serves it");
	return 0;
}

static int check_device(const struct device_option *d, const char *option, struct problem **reterr)
{
	if (d->vhost_user >= 0)
		return check_vhost_user(d, option, reterr);
	if ((1U << d->kind & (DISK | NET | VSOCK)) && d->fd < 0)
		return options_usage(reterr, option, "fd= is missing");
	if (d->kind == DEVICE_VSOCK && !d->cid)
		return options_usage(reterr, option, "cid= is missing");
	if (d->model != MODEL_VIRTIO && (d->engine || d->queues || d->signals))
		return options_usage(reterr, option, "engine=, queues= and signals= are of virtio");
	if (d->kind == DEVICE_PORTS && (!d->ports[0].name || d->ports[0].listener < 0))
		return options_usage(reterr, option, "name= and listen= are needed");
	if (d->n_vhosts)
		return check_vhost(d, option, reterr);
	return d->kind == DEVICE_VFIO ? check_function(d, option, reterr) : 0;
}

static int parse_device(struct device_option *d, struct options *o, enum device_kind kind,
	const char *option, char *text, struct problem **reterr)
{
	const struct device_key k = { o, d, option, reterr };
	char *save = NULL;

	*d = (struct device_option) {
		.kind = kind,
		.fd = -1,
		.container = -1,
		.iommufd = -1,
		.group = -1,
		.device = -1,
		.rom_fd = -1,
		.vhost_user = -1,
		.name = "function",
		.ports = { { .listener = -1 } },
	};
	for (char *w = text ? strtok_r(text, ",", &save) : NULL; w;
		w = strtok_r(NULL, ",", &save)) {
		char *value = strchr(w, '=');
		int r;

		if (value)
			*value++ = '\0';
		r = parse_key(&k, w, value);
		if (r < 0)
			return r;
	}
	return check_device(d, option, reterr);
}

int options_add_device(struct options *o, enum device_kind kind, const char *option, char *text,
	struct problem **reterr)
{
	struct device_option d;
	int r;

	if (o->n_devices == OPTIONS_DEVICES_MAX)
		return options_usage(reterr, option, "there is room for 31 devices");
	r = parse_device(&d, o, kind, option, text, reterr);
	if (r < 0)
		return r;
	o->devices[o->n_devices++] = d;
	return 0;
}

static struct device_option *ports_device(struct options *o)
{
	for (size_t i = 0; i < o->n_devices; i++)
		if (o->devices[i].kind == DEVICE_PORTS)
			return &o->devices[i];
	return NULL;
}

int options_add_port(struct options *o, const char *option, char *text, struct problem **reterr)
{
	struct device_option *all = ports_device(o), d;
	int r;

	if (!all && o->n_devices == OPTIONS_DEVICES_MAX)
		return options_usage(reterr, option, "there is room for 31 devices");
	if (all && all->n_ports == OPTION_PORTS_MAX)
		return options_usage(reterr, option, "there is room for 7 ports");
	r = parse_device(&d, o, DEVICE_PORTS, option, text, reterr);
	if (r < 0)
		return r;
	for (unsigned i = 0; all && i < all->n_ports; i++)
		if (str_eq(all->ports[i].name, d.ports[0].name))
			return options_usage(
				reterr, option, "there is a port of that name already");
	if (!all) {
		all = &o->devices[o->n_devices++];
		*all = d;
	}
	all->ports[all->n_ports++] = d.ports[0];
	return 0;
}
