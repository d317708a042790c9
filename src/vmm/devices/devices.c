/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "entries.h"

#include "base/str.h"
#include "vmm/block/engine.h"
#include "vmm/virtio/blk.h"
#include "vmm/dev/console.h"
#include "vmm/virtio/console.h"
#include "vmm/virtio/ports.h"
#include "vmm/virtio/virtio.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 24 };

struct vfio_fds entry_fds(const struct device_option *o)
{
	return (struct vfio_fds) {
		.container = o->container,
		.group = o->group,
		.device = o->device,
		.iommufd = o->iommufd,
		.name = o->name,
		.clean = o->clean,
	};
}

static int open_vfio(
	struct devices *d, struct host *h, enum option_peers peers, struct problem **reterr)
{
	static const enum peers_wish wishes[] = {
		[OPTION_PEERS_AUTO] = PEERS_AUTO,
		[OPTION_PEERS_ON] = PEERS_ON,
		[OPTION_PEERS_OFF] = PEERS_OFF,
	};
	int r = vfio_session_new(h, wishes[peers], &d->vfio);

	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "assigned functions");
	for (size_t i = 0; i < d->n_entries; i++) {
		struct entry *e = &d->entries[i];
		const struct device_option *o = &e->option;
		const struct vfio_fds fds = entry_fds(o);

		if (o->kind != DEVICE_VFIO)
			continue;
		r = vfio_session_add(d->vfio, &fds, reterr);
		if (r < 0)
			return r;
		e->vfio = vfio_session_device(d->vfio, vfio_session_count(d->vfio) - 1);
	}
	r = vfio_session_reserved(d->vfio, &d->reserved, &d->n_reserved);
	return r < 0 ? problem(reterr, r, PROBLEM_FAILED, NULL,
			       "the I/O address ranges cannot be read: %s", strerror(-r))
		     : 0;
}

/* The sandbox lets all CPUs do devices' work as soon as it is to be so for one device. */
static void allow_cpus(struct devices *d, const struct options *o)
{
	bool may = o->sandbox != SANDBOX_ON;

	for (size_t i = 0; i < d->n_entries; i++) {
		const struct device_option *e = &d->entries[i].option;

		may |= e->no_ioeventfd || (e->threads && str_eq(e->threads, "cpu"));
	}
	for (size_t i = 0; i < d->n_entries; i++)
		d->entries[i].option.may_trap = may;
}

int devices_new(struct host *h, struct loop *loop, const struct options *o, devices_end_fn *end,
	void *arg, struct devices **ret, struct problem **reterr)
{
	CLEANUP(devices_freep) struct devices *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "devices");
	d->host = h;
	d->cpus = o->cpus;
	d->loop = loop;
	d->end = end;
	d->end_arg = arg;
	d->wake_fd = d->timer_fd = -1;
	for (size_t i = 0; i < o->n_devices; i++)
		d->entries[d->n_entries++].option = o->devices[i];
	r = plugging_new(d);
	if (r < 0)
		return problem(
			reterr, r, PROBLEM_FAILED, NULL, "cannot watch devices: %s", strerror(-r));
	allow_cpus(d, o);
	r = open_vfio(d, h, o->peers, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(d);
	return 0;
}

/* The kernel's thread that rings for a queue is for those that are polled from the start. */
static bool is_polled(const struct device_option *o)
{
	return (o->threads && str_eq(o->threads, "dedicated")) ||
	       (o->poll && str_eq(o->poll, "dedicated"));
}

static int open_engine(struct devices *d, struct entry *e, struct problem **reterr)
{
	static const enum disk_engine_kind kinds[] = {
		[OPTION_ENGINE_AUTO] = DISK_ENGINE_AUTO,
		[OPTION_ENGINE_URING] = DISK_ENGINE_URING,
		[OPTION_ENGINE_SQPOLL] = DISK_ENGINE_SQPOLL,
		[OPTION_ENGINE_THREADS] = DISK_ENGINE_THREADS,
		[OPTION_ENGINE_SYNC] = DISK_ENGINE_SYNC,
	};
	static const enum disk_signals signals[] = {
		[OPTION_SIGNALS_AUTO] = DISK_SIGNALS_AUTO,
		[OPTION_SIGNALS_RING] = DISK_SIGNALS_RING,
		[OPTION_SIGNALS_WRITE] = DISK_SIGNALS_WRITE,
	};
	const unsigned queues =
		e->option.queues ? e->option.queues : MIN(d->cpus, (unsigned)OPTION_QUEUES_MAX);
	const struct disk_engine_params p = {
		.kind = kinds[e->option.engine],
		.fd = e->option.fd,
		.channels = queues,
		.depth = MAX((unsigned)VIRTIO_BLK_DEPTH, e->option.queue_size),
		.bells = queues + 1, /* as many vectors as the function has */
		.signals = signals[e->option.signals],
		.polled = is_polled(&e->option),
	};

	return disk_engine_new(&p, &e->engine, reterr);
}

int devices_prepare(struct devices *d, struct problem **reterr)
{
	int r = 0;

	for (size_t i = 0; i < d->n_entries && r == 0; i++)
		if (d->entries[i].option.kind == DEVICE_DISK &&
			d->entries[i].option.model == MODEL_VIRTIO)
			r = open_engine(d, &d->entries[i], reterr);
	return r;
}

static void entry_done(struct entry *e)
{
	disk_engine_free(e->engine);
	free(e->name);
}

void devices_free(struct devices *d)
{
	if (!d)
		return;
	plugging_done(d);
	/* Whatever the guest left in them is nobody's business; session_free() does the others. */
	if (d->vfio)
		vfio_reset_together(d->vfio, NULL, NULL);
	vfio_session_free(d->vfio);
	for (size_t i = 0; i < d->n_entries; i++)
		entry_done(&d->entries[i]);
	free(d->reserved);
	free(d);
}

const struct guest_range *devices_reserved(const struct devices *d, size_t *ret_n)
{
	*ret_n = d->n_reserved;
	return d->reserved;
}

int devices_container(const struct devices *d)
{
	return vfio_session_container(d->vfio);
}

const char *devices_vfio_backend(const struct devices *d)
{
	return vfio_session_backend(d->vfio);
}

/* "virtio-blk0": numbered by kind, so that a name does not depend on the other devices. */
static struct virtio_options common(
	char buf[NAME_BYTES], const char *kind, unsigned number, const struct device_option *o)
{
	snprintf(buf, NAME_BYTES, "%s%u", kind, number);
	return (struct virtio_options) { .name = buf,
		.slot = PCI_SLOT_ANY,
		.no_ioeventfd = o->no_ioeventfd,
		.may_trap = o->may_trap,
		.rings = { o->no_packed, o->in_order, o->queue_size } };
}

static int add_disk(const struct vmm_services *s, const struct entry *e, unsigned number,
	struct problem **reterr)
{
	const struct device_option *o = &e->option;
	char name[NAME_BYTES];
	const struct virtio_vhost_user_params other = {
		.common = common(name, "virtio-blk", number, o),
		.channel = o->vhost_user,
		.queues = o->queues,
	};
	const struct virtio_blk_params p = {
		.common = other.common,
		.fd = o->fd,
		.engine = e->engine,
		.read_only = o->read_only,
		.serial = o->serial,
		.over_vf = o->over_vf,
	};

	return o->vhost_user >= 0 ? virtio_vhost_user_blk_new(s, &other, reterr)
				  : virtio_blk_new(s, &p, reterr);
}

static int add_net(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_net_params p = {
		.common = common(name, "virtio-net", number, o),
		.fds = o->fds,
		.n_fds = o->n_fds,
		.mac = o->mac,
		.fixed_mac = o->fixed_mac,
		.standby = o->standby,
		.standby_needed = o->standby_needed,
		.over_vf = o->over_vf,
		.mtu = o->mtu,
	};
	const struct virtio_vhost_user_params other = {
		.common = p.common,
		.channel = o->vhost_user,
		.queues = o->queues,
		.mac = o->mac,
		.mtu = o->mtu,
	};
	const struct virtio_vhost_net_params kernel = { .fds = o->vhosts, .net = &p };

	if (o->vhost_user >= 0)
		return virtio_vhost_user_net_new(s, &other, reterr);
	return o->n_vhosts ? virtio_vhost_net_new(s, &kernel, reterr)
			   : virtio_net_new(s, &p, reterr);
}

static int add_vsock(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_vhost_vsock_params p = {
		.common = common(name, "virtio-vsock", number, o),
		.fd = o->fd,
		.cid = o->cid,
	};

	return virtio_vhost_vsock_new(s, &p, reterr);
}

static int add_rng(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_options options = common(name, "virtio-rng", number, o);

	return virtio_rng_new(s, &options, reterr);
}

static int add_balloon(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_options options = common(name, "balloon", number, o);

	return virtio_balloon_new(s, &options, reterr);
}

static size_t typed_room(void *arg)
{
	return virtio_console_room(arg);
}

static void typed(void *arg, const uint8_t *bytes, size_t n)
{
	virtio_console_type(arg, bytes, n);
}

static void terminal_resized(void *arg, uint16_t columns, uint16_t rows)
{
	virtio_console_resize(arg, columns, rows);
}

static int add_console(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_console_params p = {
		.common = common(name, "virtio-console", number, o),
		.out_fd = s->console_fd,
		.more = s->console ? console_more : NULL,
		.arg = s->console,
	};
	struct console_sink sink = {
		.room = typed_room, .receive = typed, .resized = terminal_resized
	};
	struct virtio_console *c;
	int r = virtio_console_new(s, &p, &c, reterr);

	if (r < 0)
		return r;
	sink.arg = c;
	if (s->console)
		console_connect(s->console, &sink);
	return 0;
}

static int add_ports(const struct vmm_services *s, const struct device_option *o, unsigned number,
	struct problem **reterr)
{
	char name[NAME_BYTES];
	const struct virtio_options options = common(name, "virtio-serial", number, o);
	struct virtio_port_setup v[VIRTIO_PORTS_MAX];

	_Static_assert((int)VIRTIO_PORTS_MAX == (int)OPTION_PORTS_MAX, "as many");
	_Static_assert((int)VIRTIO_PORT_NAME_MAX == (int)OPTION_PORT_NAME_MAX, "as long");
	for (unsigned i = 0; i < o->n_ports; i++)
		v[i] = (struct virtio_port_setup) { o->ports[i].name, o->ports[i].listener };
	return virtio_ports_new(s, &options, v, o->n_ports, reterr);
}

int entry_add_function(
	struct devices *d, const struct vmm_services *s, struct entry *e, struct problem **reterr)
{
	static const enum function_rom roms[] = {
		[OPTION_ROM_OFF] = FUNCTION_ROM_OFF,
		[OPTION_ROM_DEVICE] = FUNCTION_ROM_DEVICE,
		[OPTION_ROM_FILE] = FUNCTION_ROM_FILE,
	};
	const struct vfio_function_params p = {
		.device = e->vfio,
		.peers = vfio_session_peers(d->vfio),
		.lost = plugging_lost,
		.lost_arg = d,
		.rom = roms[e->option.rom],
		.rom_fd = e->option.rom_fd,
	};

	return vfio_function_add(s, &p, &e->pci, reterr);
}

static int add(struct devices *d, const struct vmm_services *s, struct entry *e, unsigned number,
	struct problem **reterr)
{
	switch (e->option.kind) {
	case DEVICE_DISK:
		if (e->option.model == MODEL_IDE)
			return entry_add_ide(d, s, e, number, reterr);
		return add_disk(s, e, number, reterr);
	case DEVICE_NET:
		if (e->option.model == MODEL_E1000)
			return entry_add_e1000(s, e, number, reterr);
		return add_net(s, &e->option, number, reterr);
	case DEVICE_VSOCK:
		return add_vsock(s, &e->option, number, reterr);
	case DEVICE_RNG:
		return add_rng(s, &e->option, number, reterr);
	case DEVICE_CONSOLE:
		return add_console(s, &e->option, number, reterr);
	case DEVICE_PORTS:
		return add_ports(s, &e->option, number, reterr);
	case DEVICE_BALLOON:
		return add_balloon(s, &e->option, number, reterr);
	case DEVICE_VFIO:
		return entry_add_function(d, s, e, reterr);
	}
	return -EINVAL;
}

static int set_all(struct pci_device *pci, const struct device_option *o, struct problem **reterr)
{
	const struct {
		const char *key, *value;
	} all[] = { { "threads", o->threads }, { "pin", o->pin }, { "poll", o->poll } };
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(all) && r == 0; i++)
		if (all[i].value)
			r = pci->ops->set(pci, -1, all[i].key, all[i].value, reterr);
	return r;
}

/* The newest device gets what its option says, as if it was set later. */
static int tune(struct pci_bus *bus, const struct device_option *o, struct problem **reterr)
{
	struct pci_device *newest = NULL;

	if (!o->threads && !o->poll && !o->pin)
		return 0;
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++)
		newest = pci_bus_device(bus, slot) ?: newest;
	if (!newest || !newest->ops->set)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"threads, poll and pin are for virtio devices");
	return set_all(newest, o, reterr);
}

static struct pci_device *find(struct pci_bus *bus, const char *name)
{
	for (unsigned slot = 1; slot < PCI_SLOTS; slot++) {
		struct pci_device *dev = pci_bus_device(bus, slot);

		if (dev && str_eq(dev->name, name))
			return dev;
	}
	return NULL;
}

int devices_set(struct devices *d, const char *name, int queue, const char *key, const char *value,
	struct problem **reterr)
{
	struct pci_device *dev = d->services ? find(d->services->pci, name) : NULL;

	if (!dev)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
			"vfctl vm stats names its devices", "the guest has no device \"%s\"", name);
	if (!dev->ops->set)
		return problem(
			reterr, -EINVAL, PROBLEM_USAGE, NULL, "nothing of %s can be set", name);
	return dev->ops->set(dev, queue, key, value, reterr);
}

/* The number-th of its kind. */
static int add_tuned(struct devices *d, const struct vmm_services *s, struct entry *e,
	unsigned number, struct problem **reterr)
{
	int r = add(d, s, e, number, reterr);

	return r < 0 || e->option.model != MODEL_VIRTIO ? r : tune(s->pci, &e->option, reterr);
}

int devices_attach(struct devices *d, const struct vmm_services *s, struct problem **reterr)
{
	unsigned numbers[DEVICE_VFIO + 1][MODELS] = { 0 };
	int r;

	plugging_settle(d);
	vfio_reset_together(d->vfio, s->note, s->note_arg);
	r = vfio_session_enter(d->vfio, s->kvm, s->memory, reterr);
	for (size_t i = 0; i < d->n_entries && r == 0; i++) {
		const struct device_option *o = &d->entries[i].option;

		r = add_tuned(d, s, &d->entries[i], numbers[o->kind][o->model]++, reterr);
	}
	if (r == 0)
		d->services = s;
	return r;
}

void devices_detach(struct devices *d)
{
	d->services = NULL;
	for (size_t i = 0; i < d->n_entries; i++)
		d->entries[i].pci = NULL;
	vfio_session_leave(d->vfio);
}

int devices_map_bank(struct devices *d, size_t bank, struct problem **reterr)
{
	return vfio_session_map_bank(d->vfio, bank, reterr);
}

bool devices_share_memory(const struct devices *d)
{
	for (size_t i = 0; i < d->n_entries; i++)
		if (d->entries[i].option.vhost_user >= 0)
			return true;
	return false;
}

bool devices_have_dma(const struct devices *d)
{
	return vfio_session_count(d->vfio) > 0;
}

void devices_dma_usage(const struct devices *d, struct dma_usage *ret)
{
	vfio_session_usage(d->vfio, ret);
}
