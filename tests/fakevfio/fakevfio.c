// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel: its descriptors, groups, and what is handed to whom. */
#include "parts.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

int object_at(struct fakevfio *f, int fd)
{
	for (int i = 0; i < (int)ARRAY_SIZE(f->objects); i++)
		if (f->objects[i].kind && f->objects[i].fd == fd)
			return i;
	return -1;
}

static int object_new(struct fakevfio *f, int fd, int kind, struct fakevfio_function *fn)
{
	must(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(f->objects); i++) {
		if (f->objects[i].kind)
			continue;
		f->objects[i].fd = fd;
		f->objects[i].kind = kind;
		f->objects[i].fn = fn;
		f->n_objects++;
		return fd;
	}
	abort();
}

static struct fakevfio_function *function_in(struct fakevfio *f, unsigned group)
{
	for (unsigned i = 0; i < f->n_functions; i++)
		if (f->functions[i].group == group)
			return &f->functions[i];
	return NULL;
}

static int fake_open(struct host *h, const char *path, int flags)
{
	struct fakevfio *f = fake_of(h);
	struct fakevfio_function *fn;
	unsigned group;

	if (fails(f))
		return f->fail_errno;
	if (strcmp(path, "/dev/vfio/vfio") == 0)
		return object_new(f, eventfd(0, EFD_CLOEXEC), KIND_CONTAINER, NULL);
	if (sscanf(path, "/dev/vfio/%u", &group) != 1)
		return f->real ? f->real->ops->open(f->real, path, flags) : -ENOENT;
	fn = function_in(f, group);
	if (!fn)
		return -ENOENT;
	if (fn->group_open)
		return -EBUSY;
	fn->group_open = true;
	return object_new(f, eventfd(0, EFD_CLOEXEC), KIND_GROUP, fn);
}

static void fake_close(struct host *h, int fd)
{
	struct fakevfio *f = fake_of(h);
	int i = object_at(f, fd);

	if (i < 0) {
		if (f->real)
			host_close(f->real, fd);
		return;
	}
	if (f->objects[i].kind == KIND_GROUP) {
		f->objects[i].fn->group_open = false;
		f->objects[i].fn->in_container = false;
		container_left(f);
	}
	if (f->objects[i].kind == KIND_DEVICE && --f->objects[i].fn->devices_open == 0)
		for (unsigned k = 0; k < VFIO_PCI_NUM_IRQS; k++)
			irqs_off(f->objects[i].fn, k);
	f->objects[i].kind = 0;
	f->n_objects--;
	close(fd);
}

static int get_device(struct fakevfio *f, struct fakevfio_function *fn, const char *arg)
{
	size_t n = strcspn(arg, " ");
	char path[64];
	int fd;

	if (!fn->in_container || !f->iommu_set)
		return -EINVAL;
	if (strlen(fn->name) != n || strncmp(arg, fn->name, n) != 0)
		return -ENODEV;
	if (fn->vf_token &&
		(!strstr(arg, "vf_token=") || strcmp(strstr(arg, "=") + 1, fn->vf_token) != 0))
		return -EACCES;
	/* A descriptor of its own for each opening, as the kernel gives. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fn->memory);
	fd = open(path, O_RDWR | O_CLOEXEC);
	fn->devices_open++;
	return object_new(f, fd, KIND_DEVICE, fn);
}

static int group_ioctl(
	struct fakevfio *f, struct fakevfio_function *fn, unsigned long request, void *arg)
{
	struct vfio_group_status *st = arg;
	int i;

	switch (request) {
	case VFIO_GROUP_GET_STATUS:
		st->flags = (fn->viable ? VFIO_GROUP_FLAGS_VIABLE : 0) |
			    (fn->in_container ? VFIO_GROUP_FLAGS_CONTAINER_SET : 0);
		return 0;
	case VFIO_GROUP_SET_CONTAINER:
		i = object_at(f, *(int32_t *)arg);
		if (i < 0 || f->objects[i].kind != KIND_CONTAINER || fn->in_container)
			return -EINVAL;
		if (!fn->viable)
			return -EPERM;
		fn->in_container = true;
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return get_device(f, fn, arg);
	default:
		return -ENOTTY;
	}
}

static int fake_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct fakevfio *f = fake_of(h);
	int i = object_at(f, fd), r;

	if (i < 0)
		return f->real ? host_ioctl(f->real, fd, request, arg) : -EBADF;
	if (fails(f))
		return f->fail_errno;
	if (f->objects[i].kind == KIND_CONTAINER)
		r = container_ioctl(f, request, arg);
	else if (f->objects[i].kind == KIND_GROUP)
		r = group_ioctl(f, f->objects[i].fn, request, arg);
	else
		r = device_ioctl(f->objects[i].fn, request, arg);
	if (r >= 0 && f->lie)
		f->lie(request, arg);
	return r;
}

/* There are no files here: who explains a refusal by reading finds nothing. */
static ssize_t no_file(
	struct host *h UNUSED, const char *path UNUSED, void *buf UNUSED, size_t size UNUSED)
{
	return -ENOENT;
}

static int no_link(
	struct host *h UNUSED, const char *path UNUSED, char *buf UNUSED, size_t size UNUSED)
{
	return -ENOENT;
}

static int no_dir(struct host *h UNUSED, const char *path UNUSED, char ***ret UNUSED)
{
	return -ENOENT;
}

static int no_stat(struct host *h UNUSED, const char *path UNUSED, struct stat *ret UNUSED)
{
	return -ENOENT;
}

static const struct host_ops fake_ops = {
	.read_file = no_file,
	.read_link = no_link,
	.list_dir = no_dir,
	.stat = no_stat,
	.open = fake_open,
	.close = fake_close,
	.ioctl = fake_ioctl,
	.pread = fake_pread,
	.pwrite = fake_pwrite,
	.mmap = fake_mmap,
	.munmap = fake_munmap,
};

void fakevfio_init(struct fakevfio *f, struct host *real)
{
	*f = (struct fakevfio) {
		.host.ops = &fake_ops,
		.real = real,
		.api_version = VFIO_API_VERSION,
		.type1v2 = true,
		.page_sizes = ~0xfffULL,
		.dma_limit = FAKEVFIO_MAPPINGS,
		/* What an Intel IOMMU with 39 bits gives. */
		.ranges = { { 0, 0xfedfffff }, { 0xfef00000, 0x7fffffffff } },
		.n_ranges = 2,
	};
}

unsigned fakevfio_done(struct fakevfio *f)
{
	unsigned left = f->n_objects;

	for (size_t i = 0; i < ARRAY_SIZE(f->objects); i++)
		if (f->objects[i].kind)
			fake_close(&f->host, f->objects[i].fd);
	for (unsigned i = 0; i < f->n_functions; i++)
		close(f->functions[i].memory);
	return left;
}

struct fakevfio_function *fakevfio_add(
	struct fakevfio *f, const char *name, unsigned group, const void *config, size_t len)
{
	struct fakevfio_function *fn = &f->functions[f->n_functions++];

	must(f->n_functions <= FAKEVFIO_GROUPS);
	*fn = (struct fakevfio_function) {
		.kernel = f,
		.name = name,
		.group = group,
		.viable = true,
		.can_reset = true,
		.on = -1,
		.memory = memfd_create("fakevfio", MFD_CLOEXEC),
		.irq_counts = { [VFIO_PCI_MSIX_IRQ_INDEX] = 3,
			[VFIO_PCI_ERR_IRQ_INDEX] = 1,
			[VFIO_PCI_REQ_IRQ_INDEX] = 1 },
	};
	must(fn->memory >= 0 && ftruncate(fn->memory, REGION_AT(VFIO_PCI_NUM_REGIONS)) == 0);
	memset(fn->fds, 0xff, sizeof(fn->fds));
	fn->regions[VFIO_PCI_CONFIG_REGION_INDEX].size = 4096;
	fn->regions[VFIO_PCI_CONFIG_REGION_INDEX].flags =
		VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	fakevfio_poke(fn, VFIO_PCI_CONFIG_REGION_INDEX, 0, config, len);
	show_msix(fn, false); /* the driver before switched it off when it left */
	return fn;
}
