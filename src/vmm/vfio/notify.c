/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two eventfds by which the host speaks: "give the function back" (its driver is being unbound or
 * its VFs destroyed: whoever asked waits in the kernel until our descriptor closes) and "the
 * function reported a fatal error" (AER). The guest cannot keep the function in either case.
 */
#include "internal.h"

#include "host/witness.h"

#include <string.h>
#include <sys/eventfd.h>

static void on_request(void *arg, uint32_t events UNUSED)
{
	struct function *f = arg;

	HOST_PART(f->d->host, "signal %s request", f->d->name);
	function_note(f, "the host wants the function back");
	if (f->lost)
		f->lost(f->lost_arg, f->d, FUNCTION_WANTED);
}

static void on_error(void *arg, uint32_t events UNUSED)
{
	struct function *f = arg;

	HOST_PART(f->d->host, "signal %s error", f->d->name);
	function_note(f, "the function reported a fatal error");
	if (f->lost)
		f->lost(f->lost_arg, f->d, FUNCTION_FAILED);
}

/* Old kernels and functions without AER lack one or both: the guest then just goes on. */
static int connect_to(
	struct function *f, uint32_t index, loop_fn fn, int *fd, struct loop_source **source)
{
	struct vfio_irq irq;
	int r = vfio_irq_get(f->d, index, &irq, NULL);

	if (r < 0 || !irq.count)
		return r;
	*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (*fd < 0)
		return -errno;
	r = loop_add_eventfd(f->services->loop, *fd, fn, f, source);
	return r < 0 ? r : vfio_irq_connect(f->d, index, VFIO_IRQ_TRIGGER, 0, fd, 1);
}

static void listen_to(
	struct function *f, uint32_t index, loop_fn fn, int *fd, struct loop_source **source)
{
	int r = connect_to(f, index, fn, fd, source);

	if (r < 0)
		function_note(f, "cannot listen to %s: %s",
			index == VFIO_PCI_REQ_IRQ_INDEX ? "the host's requests" : "its errors",
			strerror(-r));
}

static void unlisten(struct function *f, uint32_t index, int *fd, struct loop_source **source)
{
	if (*fd < 0)
		return;
	vfio_irq_disable(f->d, index);
	loop_remove(*source);
	*source = NULL;
	close(*fd);
	*fd = -1;
}

void function_notify_new(struct function *f)
{
	if (!f->services->loop)
		return;
	listen_to(f, VFIO_PCI_ERR_IRQ_INDEX, on_error, &f->err_fd, &f->err_source);
	listen_to(f, VFIO_PCI_REQ_IRQ_INDEX, on_request, &f->req_fd, &f->req_source);
}

void function_notify_done(struct function *f)
{
	unlisten(f, VFIO_PCI_ERR_IRQ_INDEX, &f->err_fd, &f->err_source);
	unlisten(f, VFIO_PCI_REQ_IRQ_INDEX, &f->req_fd, &f->req_source);
}
