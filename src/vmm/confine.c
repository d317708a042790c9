/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "confine.h"

#include "base/str.h"
#include "tty.h"
#include "vfio/memlock.h"

enum {
	/* Loops, console, VM, RAM, kernel's devices, and a descriptor or two in passing. */
	FILES_MACHINE = 64,
	FILES_CPU = 3,
	FILES_VIRTIO = 160,		     /* loops, doorbells, a vector for each queue */
	FILES_VFIO = 2048 + 16,		     /* a function has up to 2048 vectors */
	FILES_CONTROL = 64 + 4 * FILES_VFIO, /* who asks, and what may be plugged in */
	MEMLOCK_SLACK = 64 << 20,
};

void confine_descriptors(struct options *o)
{
	if (o->sandbox != SANDBOX_OFF)
		sandbox_keep_only(o->fds, o->n_fds);
}

static unsigned files_of(const struct options *o)
{
	unsigned n = FILES_MACHINE + o->cpus * FILES_CPU;
	int highest = STDERR_FILENO;

	for (size_t i = 0; i < o->n_fds; i++)
		highest = MAX(highest, o->fds[i]);
	for (size_t i = 0; i < o->n_devices; i++)
		n += o->devices[i].kind == DEVICE_VFIO ? FILES_VFIO : FILES_VIRTIO;
	if (o->control >= 0)
		n += FILES_CONTROL;
	return (unsigned)highest + 1 + n;
}

static unsigned use_of(const struct device_option *d)
{
	bool cpu = d->no_ioeventfd || (d->threads && str_eq(d->threads, "cpu"));
	unsigned uses = cpu ? SANDBOX_USE_CPU_IO : 0;

	if (d->vhost_user >= 0)
		return uses | SANDBOX_USE_VHOST_USER;
	if (d->n_vhosts)
		uses |= SANDBOX_USE_VHOST;
	switch (d->kind) {
	case DEVICE_DISK:
		return uses | SANDBOX_USE_DISK;
	case DEVICE_NET:
		return uses | SANDBOX_USE_NET;
	case DEVICE_VSOCK:
		return uses | SANDBOX_USE_VHOST;
	case DEVICE_VFIO:
		return uses | SANDBOX_USE_VFIO;
	case DEVICE_PORTS:
		return uses | SANDBOX_USE_PORTS;
	case DEVICE_RNG:
	case DEVICE_CONSOLE:
	case DEVICE_BALLOON:
		break;
	}
	return uses;
}

static unsigned uses_of(const struct options *o)
{
	unsigned uses = isatty(STDIN_FILENO) ? SANDBOX_USE_TTY : 0;

	/* Functions may come. */
	if (o->control >= 0)
		uses |= SANDBOX_USE_CONTROL | SANDBOX_USE_VFIO;
	for (size_t i = 0; i < o->n_devices; i++)
		uses |= use_of(&o->devices[i]);
	return uses;
}

/*
 * Root may pin memory by a capability, which it is about to lose: in its place comes a limit, of
 * the guest's memory for each function, as each may have a container of its own. Others had theirs
 * raised by who started them. True when the limit cannot be had, and the capability must stay.
 */
static bool keep_right_to_pin(const struct options *o)
{
	uint64_t bytes = MEMLOCK_SLACK + (o->control >= 0 ? o->memory_bytes : 0);
	struct memlock m;

	for (size_t i = 0; i < o->n_devices; i++)
		if (o->devices[i].kind == DEVICE_VFIO)
			bytes += o->memory_bytes;
	return memlock_raise(bytes) < 0 && memlock_get(&m) == 0 && m.exempt;
}

static int prepare(void *arg, struct problem **reterr)
{
	return devices_prepare(arg, reterr);
}

int confine(const struct options *o, struct devices *d, const char *head, const char *tail,
	struct sandbox_applied *ret, struct problem **reterr)
{
	struct sandbox_params p = {
		.mode = o->sandbox,
		.uses = uses_of(o),
		.files = files_of(o),
		.report_fd = o->status,
		.report_head = head,
		.report_tail = tail,
		.dying = tty_restore,
		.last = prepare,
		.arg = d,
	};

	/* Memory that is shared is files. */
	if (p.uses & SANDBOX_USE_VHOST_USER)
		p.file_bytes = o->memory_bytes;
	if (o->sandbox != SANDBOX_OFF)
		p.may_pin = keep_right_to_pin(o);
	return sandbox_enter(&p, ret, reterr);
}
