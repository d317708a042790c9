/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of this folder; what is asked for and answered is Linux's, vfio.h. */
#pragma once

#include "fakevfio.h"

#include <stdlib.h>

enum { KIND_CONTAINER = 1, KIND_GROUP, KIND_DEVICE, KIND_IOMMUFD, KIND_NODE, KIND_DATA };

/* vfio-pci puts each region at its index, 40 bits up. */
#define REGION_AT(i) ((uint64_t)(i) << 40)

/* The build defines NDEBUG: must() would do nothing, with its side effects. */
static inline void must(bool ok)
{
	if (!ok)
		abort();
}

static inline struct fakevfio *fake_of(struct host *h)
{
	return container_of(h, struct fakevfio, host);
}

static inline bool fails(struct fakevfio *f)
{
	return ++f->calls == f->fail_call;
}

/* Of an open descriptor: its place in `objects`, or -1. */
int object_at(struct fakevfio *f, int fd);

void show_msix(struct fakevfio_function *fn, bool on);
void irqs_off(struct fakevfio_function *fn, unsigned index);
int irq_info(struct fakevfio_function *fn, struct vfio_irq_info *info);
int set_irqs(struct fakevfio_function *fn, const struct vfio_irq_set *s);
void container_left(struct fakevfio *f);
int container_ioctl(struct fakevfio *f, unsigned long request, void *arg);
/* The errno of mapping it, as type1 and iommufd have it in common. */
int mapping_add(struct fakevfio *f, const struct fakevfio_mapping *m, unsigned limit);
void mapping_remove(struct fakevfio *f, unsigned i);
bool iommufd_has_node(const struct fakevfio *f, const struct fakevfio_function *fn);
struct fakevfio_function *node_function(struct fakevfio *f, const char *name);
int node_ioctl(struct fakevfio *f, int object, unsigned long request, void *arg);
int iommufd_ioctl(struct fakevfio *f, unsigned long request, void *arg);
void iommufd_closed(struct fakevfio *f);
int region_info(struct fakevfio_function *fn, struct vfio_region_info *info);
ssize_t fake_pread(struct host *h, int fd, void *buf, size_t len, uint64_t at);
ssize_t fake_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t at);
int fake_mmap(struct host *h, int fd, uint64_t at, size_t len, int prot, int flags, void **ret);
int fake_munmap(struct host *h, void *addr, size_t len);
int object_new(struct fakevfio *f, int fd, int kind, struct fakevfio_function *fn);
int device_feature(struct fakevfio_function *fn, struct vfio_device_feature *q);
void migration_reset(struct fakevfio_function *fn);
ssize_t fake_stream_read(struct host *h, int fd, void *buf, size_t len, unsigned ms);
ssize_t fake_stream_write(struct host *h, int fd, const void *buf, size_t len, unsigned ms);
int device_ioctl(struct fakevfio_function *fn, unsigned long request, void *arg);
