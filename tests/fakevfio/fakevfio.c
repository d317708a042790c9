// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel: its descriptors, groups, and what is handed to whom. */
#include "parts.h"

#include "base/str.h"

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

int object_new(struct fakevfio *f, int fd, int kind, struct fakevfio_function *fn)
{
	must(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(f->objects); i++) {
		if (f->objects[i].kind)
			continue;
		f->objects[i].fd = fd;
		f->objects[i].kind = kind;
		f->objects[i].fn = fn;
		f->objects[i].iommufd = false;
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

/* A descriptor of its own for each opening, as the kernel gives. */
static int open_function(struct fakevfio *f, int kind, struct fakevfio_function *fn)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fn->memory);
	return object_new(f, open(path, O_RDWR | O_CLOEXEC), kind, fn);
}

/* Open, and in the container: of all that are in the group. */
static void set_group(struct fakevfio *f, unsigned group, bool open, bool in_container)
{
	for (unsigned i = 0; i < f->n_functions; i++)
		if (f->functions[i].group == group) {
			f->functions[i].group_open = open;
			f->functions[i].in_container = in_container;
		}
}

static int open_group(struct fakevfio *f, unsigned group)
{
	struct fakevfio_function *fn = function_in(f, group);

	if (!fn || f->no_groups || f->no_iommu)
		return -ENOENT;
	if (fn->group_open)
		return -EBUSY;
	/* A function that is bound by its node blocks its group (group.c, vfio_device_block_group).
	 */
	for (unsigned i = 0; i < f->n_functions; i++)
		if (f->functions[i].group == group && f->functions[i].devices_open)
			return -EBUSY;
	set_group(f, group, true, false);
	return object_new(f, eventfd(0, EFD_CLOEXEC), KIND_GROUP, fn);
}

static int open_iommufd(struct fakevfio *f)
{
	if (!f->iommufd)
		return -ENOENT;
	return f->iommufd_errno ? f->iommufd_errno
				: object_new(f, eventfd(0, EFD_CLOEXEC), KIND_IOMMUFD, NULL);
}

static int fake_open(struct host *h, const char *path, int flags)
{
	static const char nodes[] = "/dev/vfio/devices/";
	struct fakevfio *f = fake_of(h);
	unsigned group;

	if (fails(f))
		return f->fail_errno;
	if (strcmp(path, "/dev/vfio/vfio") == 0)
		return f->no_groups ? -ENOENT
				    : object_new(f, eventfd(0, EFD_CLOEXEC), KIND_CONTAINER, NULL);
	if (strcmp(path, "/dev/iommu") == 0)
		return open_iommufd(f);
	if (strncmp(path, nodes, strlen(nodes)) == 0) {
		struct fakevfio_function *fn = node_function(f, path + strlen(nodes));

		return fn ? open_function(f, KIND_NODE, fn) : -ENOENT;
	}
	if (sscanf(path, "/dev/vfio/%u", &group) != 1)
		return f->real ? f->real->ops->open(f->real, path, flags) : -ENOENT;
	return open_group(f, group);
}

static void device_closed(struct fakevfio *f, int i)
{
	struct fakevfio_function *fn = f->objects[i].fn;

	if (f->objects[i].iommufd) {
		fn->bound = false;
		fn->ioas = 0;
	}
	if (--fn->devices_open == 0)
		for (unsigned k = 0; k < VFIO_PCI_NUM_IRQS; k++)
			irqs_off(fn, k);
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
		set_group(f, f->objects[i].fn->group, false, false);
		container_left(f);
	}
	if (f->objects[i].kind == KIND_DEVICE)
		device_closed(f, i);
	if (f->objects[i].kind == KIND_IOMMUFD)
		iommufd_closed(f);
	f->objects[i].kind = 0;
	f->n_objects--;
	close(fd);
}

static struct fakevfio_function *member(struct fakevfio *f, unsigned group, const char *arg)
{
	size_t n = strcspn(arg, " ");

	for (unsigned i = 0; i < f->n_functions; i++) {
		struct fakevfio_function *fn = &f->functions[i];

		if (fn->group == group && strlen(fn->name) == n && !strncmp(arg, fn->name, n))
			return fn;
	}
	return NULL;
}

static int get_device(struct fakevfio *f, struct fakevfio_function *fn, const char *arg)
{
	if (!fn->in_container || !f->iommu_set)
		return -EINVAL;
	fn = member(f, fn->group, arg);
	if (!fn)
		return -ENODEV;
	if (fn->vf_token &&
		(!strstr(arg, "vf_token=") || strcmp(strstr(arg, "=") + 1, fn->vf_token) != 0))
		return -EACCES;
	fn->devices_open++;
	return open_function(f, KIND_DEVICE, fn);
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
		set_group(f, fn->group, true, true);
		return 0;
	case VFIO_GROUP_GET_DEVICE_FD:
		return get_device(f, fn, arg);
	default:
		return -ENOTTY;
	}
}

static int object_ioctl(struct fakevfio *f, int i, unsigned long request, void *arg)
{
	int r;

	switch (f->objects[i].kind) {
	case KIND_CONTAINER:
		return container_ioctl(f, request, arg);
	case KIND_GROUP:
		return group_ioctl(f, f->objects[i].fn, request, arg);
	case KIND_IOMMUFD:
		return iommufd_ioctl(f, request, arg);
	case KIND_NODE:
		return node_ioctl(f, i, request, arg);
	default:
		r = f->objects[i].iommufd ? node_ioctl(f, i, request, arg) : -ENOTTY;
		return r == -ENOTTY ? device_ioctl(f->objects[i].fn, request, arg) : r;
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
	r = object_ioctl(f, i, request, arg);
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

/* But for the driver of a function's PF, where that is VFIO's. */
static int fake_read_link(struct host *h, const char *path, char *buf, size_t size)
{
	struct fakevfio *f = fake_of(h);
	char own[96];

	for (unsigned i = 0; i < f->n_functions; i++) {
		snprintf(own, sizeof(own), "/sys/bus/pci/devices/%s/physfn/driver",
			f->functions[i].name);
		if (f->functions[i].pf_on_vfio && strcmp(own, path) == 0)
			return snprintf(buf, size, "%s", "../../bus/pci/drivers/vfio-pci");
	}
	return -ENOENT;
}

/* But for where functions have their nodes. */
static int fake_list_dir(struct host *h, const char *path, char ***ret)
{
	struct fakevfio *f = fake_of(h);
	char own[96], name[16];

	for (unsigned i = 0; i < f->n_functions; i++) {
		snprintf(
			own, sizeof(own), "/sys/bus/pci/devices/%s/vfio-dev", f->functions[i].name);
		if (strcmp(own, path) != 0 || !iommufd_has_node(f, &f->functions[i]))
			continue;
		snprintf(name, sizeof(name), "vfio%u", f->functions[i].node);
		return strv_add(ret, name);
	}
	return -ENOENT;
}

static bool is_there(struct fakevfio *f, const char *path)
{
	const char *slash = strrchr(path, '/');
	char folder[96];
	unsigned n;

	if (strcmp(path, "/dev/vfio/vfio") == 0)
		return !f->no_groups;
	if (strcmp(path, "/dev/iommu") == 0)
		return f->iommufd;
	if (sscanf(path, "/dev/vfio/noiommu-%u", &n) == 1)
		return f->no_iommu && function_in(f, n);
	if (sscanf(path, "/dev/vfio/devices/vfio%u", &n) == 1)
		return node_function(f, slash + 1);
	for (unsigned i = 0; i < f->n_functions; i++) {
		snprintf(folder, sizeof(folder), "/sys/bus/pci/devices/%s/vfio-dev/vfio%u/dev",
			f->functions[i].name, f->functions[i].node);
		if (strcmp(folder, path) == 0)
			return iommufd_has_node(f, &f->functions[i]);
	}
	return false;
}

static int fake_stat(struct host *h, const char *path, struct stat *ret)
{
	if (!is_there(fake_of(h), path))
		return -ENOENT;
	*ret = (struct stat) { .st_mode = S_IFCHR | 0600 };
	return 0;
}

/* Time is nobody's here: whoever waits has waited. */
static void fake_sleep(struct host *h UNUSED, unsigned ms UNUSED)
{
}

static const struct host_ops fake_ops = {
	.read_file = no_file,
	.read_link = fake_read_link,
	.list_dir = fake_list_dir,
	.stat = fake_stat,
	.open = fake_open,
	.close = fake_close,
	.ioctl = fake_ioctl,
	.pread = fake_pread,
	.pwrite = fake_pwrite,
	.stream_read = fake_stream_read,
	.stream_write = fake_stream_write,
	.mmap = fake_mmap,
	.munmap = fake_munmap,
	.sleep_ms = fake_sleep,
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
		.node = f->n_functions - 1,
		.viable = true,
		.can_reset = true,
		.mig.state = VFIO_DEVICE_STATE_RUNNING,
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

void fakevfio_adopt(struct fakevfio_function *fn, int container, int group, int device)
{
	struct fakevfio *f = fn->kernel;

	if (object_at(f, container) < 0)
		object_new(f, container, KIND_CONTAINER, NULL);
	object_new(f, group, KIND_GROUP, fn);
	object_new(f, dup3(fn->memory, device, O_CLOEXEC), KIND_DEVICE, fn);
	fn->group_open = fn->in_container = f->iommu_set = true;
	fn->devices_open++;
}
