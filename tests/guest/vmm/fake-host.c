/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In place of the VMM's door to the kernel (the linker wraps its constructor): see machine.h. */
#include "machine.h"

#include <linux/kvm.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __real_host_new_fds_only(struct host **ret);
int __wrap_host_new_fds_only(struct host **ret);

enum { MSI_AT = 0x50, MSIX_AT = 0x70, EXPRESS_AT = 0x80, TABLE = 0x1000, PBA = 0x1800 };

static struct shim *shim_of(struct host *h)
{
	return container_of(h, struct shim, host);
}

static bool is_fake(int fd)
{
	return fd >= CONTAINER_FD && fd <= CONTAINER_FD + 2 * FUNCTIONS;
}

static bool is_judge(int fd, uint64_t at)
{
	return fd == CONTAINER_FD + 2 + 2 * JUDGE && at >> 40 == VFIO_PCI_BAR0_REGION_INDEX;
}

static int shim_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct shim *s = shim_of(h);
	int r;

	if (!is_fake(fd)) {
		if (request == KVM_SET_USER_MEMORY_REGION &&
			atomic_fetch_add(&s->slot_calls, 1) + 1 == atomic_load(&s->fail_slot))
			return -ENOMEM;
		return host_ioctl(s->real, fd, request, arg);
	}
	pthread_mutex_lock(&s->lock);
	r = host_ioctl(&s->fake.host, fd, request, arg);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static ssize_t shim_pread(struct host *h, int fd, void *buf, size_t len, uint64_t at)
{
	struct shim *s = shim_of(h);
	uint32_t v;
	ssize_t n;

	if (!is_fake(fd))
		return host_pread(s->real, fd, buf, len, at);
	if (is_judge(fd, at) && len == 4) {
		v = judge_read(s, at & 0xff);
		memcpy(buf, &v, sizeof(v));
		return 4;
	}
	pthread_mutex_lock(&s->lock);
	n = host_pread(&s->fake.host, fd, buf, len, at);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static ssize_t shim_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t at)
{
	struct shim *s = shim_of(h);
	uint32_t v;
	ssize_t n;

	if (!is_fake(fd))
		return host_pwrite(s->real, fd, buf, len, at);
	if (is_judge(fd, at) && len == 4) {
		memcpy(&v, buf, sizeof(v));
		judge_write(s, at & 0xff, v);
		return 4;
	}
	pthread_mutex_lock(&s->lock);
	n = host_pwrite(&s->fake.host, fd, buf, len, at);
	pthread_mutex_unlock(&s->lock);
	return n;
}

static int shim_mmap(
	struct host *h, int fd, uint64_t at, size_t len, int prot, int flags, void **ret)
{
	struct shim *s = shim_of(h);
	int r;

	if (!is_fake(fd))
		return s->real->ops->mmap(s->real, fd, at, len, prot, flags, ret);
	pthread_mutex_lock(&s->lock);
	r = s->fake.host.ops->mmap(&s->fake.host, fd, at, len, prot, flags, ret);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static int shim_munmap(struct host *h, void *addr, size_t len)
{
	return host_munmap(shim_of(h)->real, addr, len);
}

static void shim_close(struct host *h, int fd)
{
	struct shim *s = shim_of(h);

	if (!is_fake(fd)) {
		host_close(s->real, fd);
		return;
	}
	pthread_mutex_lock(&s->lock);
	host_close(&s->fake.host, fd);
	pthread_mutex_unlock(&s->lock);
}

/* What is left open or mapped at the very end was forgotten. */
static void shim_free(struct host *h)
{
	struct shim *s = shim_of(h);

	if (s->fake.n_mappings)
		fprintf(stderr, "judge: %u mappings are left\n", s->fake.n_mappings);
	if (fakevfio_done(&s->fake))
		fprintf(stderr, "judge: descriptors are left open\n");
	host_free(s->real);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static const struct host_ops shim_ops = {
	.free = shim_free,
	.close = shim_close,
	.ioctl = shim_ioctl,
	.pread = shim_pread,
	.pwrite = shim_pwrite,
	.mmap = shim_mmap,
	.munmap = shim_munmap,
};

/* One of each: wide and narrow memory, ports; INTx, MSI, MSI-X; a reset of its own. */
static void make_config(uint8_t *c, uint16_t id)
{
	const uint8_t head[] = { 0x36, 0x1b, (uint8_t)id, (uint8_t)(id >> 8), 0, 0, 0x10, 0, 2, 2,
		8, 1 };

	memset(c, 0, 256);
	memcpy(c, head, sizeof(head));
	c[PCI_BASE_ADDRESS_0] = PCI_BASE_ADDRESS_MEM_TYPE_64;
	c[PCI_BASE_ADDRESS_4] = PCI_BASE_ADDRESS_SPACE_IO;
	c[PCI_CAPABILITY_LIST] = MSI_AT;
	c[MSI_AT] = PCI_CAP_ID_MSI;
	c[MSI_AT + 1] = MSIX_AT;
	c[MSI_AT + 2] = (2 << 1) | PCI_MSI_FLAGS_64BIT; /* 4 vectors */
	c[MSI_AT + 3] = PCI_MSI_FLAGS_MASKBIT >> 8;
	c[MSIX_AT] = PCI_CAP_ID_MSIX;
	c[MSIX_AT + 1] = EXPRESS_AT;
	c[MSIX_AT + PCI_MSIX_FLAGS] = 7; /* 8 vectors */
	c[MSIX_AT + PCI_MSIX_TABLE + 1] = TABLE >> 8;
	c[MSIX_AT + PCI_MSIX_PBA + 1] = PBA >> 8;
	c[EXPRESS_AT] = PCI_CAP_ID_EXP;
	c[EXPRESS_AT + 2] = 2;
}

static void add_victim(struct shim *s, const char *name, unsigned group, uint16_t id)
{
	uint8_t config[256];
	struct fakevfio_function *fn;

	make_config(config, id);
	fn = fakevfio_add(&s->fake, name, group, config, sizeof(config));
	fakevfio_bar(fn, 0, 0x4000);
	fakevfio_bar(fn, 2, 0x2000);
	fakevfio_bar(fn, 4, 0x20);
	fn->regions[4].flags &= ~(uint32_t)VFIO_REGION_INFO_FLAG_MMAP;
	fn->irq_counts[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	fn->irq_counts[VFIO_PCI_MSI_IRQ_INDEX] = 4;
	fn->irq_counts[VFIO_PCI_MSIX_IRQ_INDEX] = 8;
}

/* One image, its last, for the first victim; 64 KiB of room. */
static void add_rom(struct fakevfio_function *fn)
{
	const uint8_t pcir[] = { 'P', 'C', 'I', 'R', 0x36, 0x1b, 0x01, 0x0e, 0, 0, 0x18, 0, 0, 0, 0,
		0, 2, 0, 0, 0, 0, 0x80 };
	uint8_t rom[1024] = { 0x55, 0xaa };

	rom[0x18] = 0x40;
	memcpy(&rom[0x40], pcir, sizeof(pcir));
	fn->regions[VFIO_PCI_ROM_REGION_INDEX].size = 0x10000;
	fn->regions[VFIO_PCI_ROM_REGION_INDEX].flags = VFIO_REGION_INFO_FLAG_READ;
	fakevfio_poke(fn, VFIO_PCI_ROM_REGION_INDEX, 0, rom, sizeof(rom));
}

static void add_judge(struct shim *s)
{
	uint8_t config[256] = { 0x36, 0x1b, 0x03, 0x0e, 0, 0, 0, 0, 2, 0, 0, 8 };

	fakevfio_bar(fakevfio_add(&s->fake, "0000:07:00.0", 9, config, sizeof(config)), 0, 0x100);
}

int __wrap_host_new_fds_only(struct host **ret)
{
	struct shim *s = calloc(1, sizeof(*s));
	int r = s ? __real_host_new_fds_only(&s->real) : -ENOMEM;

	if (r < 0) {
		free(s);
		return r;
	}
	s->host.ops = &shim_ops;
	pthread_mutex_init(&s->lock, NULL);
	fakevfio_init(&s->fake, s->real);
	add_victim(s, "0000:05:00.0", 7, 0x0e01);
	add_victim(s, "0000:06:00.0", 8, 0x0e02);
	add_rom(&s->fake.functions[0]);
	add_judge(s);
	for (int i = 0; i < FUNCTIONS; i++)
		fakevfio_adopt(&s->fake.functions[i], CONTAINER_FD, CONTAINER_FD + 1 + 2 * i,
			CONTAINER_FD + 2 + 2 * i);
	*ret = &s->host;
	return 0;
}
