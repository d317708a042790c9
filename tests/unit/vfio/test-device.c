/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "fakevfio/fakevfio.h"
#include "vfio/device.h"
#include "vfio/hotreset.h"
#include "vfio/irq.h"
#include "vfio/migration.h"
#include "vfio/type1.h"

#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

struct env {
	struct fakevfio kernel;
	struct fakevfio_function *fn;
	struct vfio_space *space;
	struct vfio_device *d;
};

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct vfio_target t = { .name = "0000:01:10.0", .group = 12 };
	uint8_t config[256] = { 0x86, 0x80, 0xca, 0x10 };

	fakevfio_init(&e->kernel, NULL);
	e->fn = fakevfio_add(&e->kernel, "0000:01:10.0", 12, config, sizeof(config));
	fakevfio_bar(e->fn, 0, 65536);
	if (vfio_type1_open(&e->kernel.host, &e->space, NULL) < 0 ||
		vfio_space_attach(e->space, &t, &e->d, NULL) < 0)
		return -1;
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left;

	vfio_device_free(e->d);
	vfio_space_free(e->space);
	left = fakevfio_done(&e->kernel);
	free(e);
	return left ? -1 : 0;
}

static void config_is_bounded(void **state)
{
	struct env *e = *state;
	uint16_t id, two[2];

	assert_int_equal(vfio_config_read(e->d, 2, &id, 2), 0);
	assert_int_equal(id, 0x10ca);
	assert_int_equal(vfio_config_read(e->d, 4095, two, 2), -EINVAL);
	assert_int_equal(vfio_config_read(e->d, UINT64_MAX, two, 2), -EINVAL);
	id = 0x1234;
	assert_int_equal(vfio_config_write(e->d, 4094, &id, 2), 0);
	assert_int_equal(vfio_config_write(e->d, 4096, &id, 1), -EINVAL);
	fakevfio_peek(e->fn, VFIO_PCI_CONFIG_REGION_INDEX, 4094, &id, 2);
	assert_int_equal(id, 0x1234);
}

static void absent_regions_have_size_zero(void **state)
{
	struct env *e = *state;
	struct vfio_region r;

	assert_int_equal(vfio_region_get(e->d, 1, &r, NULL), 0);
	assert_int_equal(r.size, 0);
	/* The kernel says -EINVAL for the VGA region of what is no VGA. */
	assert_int_equal(vfio_region_get(e->d, VFIO_PCI_VGA_REGION_INDEX, &r, NULL), 0);
	assert_int_equal(r.size, 0);
	assert_int_equal(vfio_region_get(e->d, 4711, &r, NULL), 0);
	assert_int_equal(r.size, 0);
}

static void sparse_areas_and_msix_are_read(void **state)
{
	struct env *e = *state;
	struct fakevfio_region *f = &e->fn->regions[0];
	autoregion r = { 0 };
	void *p;

	f->sparse = f->msix_mappable = true;
	f->n_areas = 3;
	f->areas[0].offset = 0x8000; /* out of order */
	f->areas[0].size = 0x4000;
	f->areas[1].offset = 0x1000;
	f->areas[1].size = 0; /* and empty */
	f->areas[2].offset = 0;
	f->areas[2].size = 0x2000;
	assert_int_equal(vfio_region_get(e->d, 0, &r, NULL), 0);
	assert_true(r.has_areas && r.msix_mappable && r.mappable);
	assert_int_equal(r.n_areas, 2);
	assert_int_equal(r.areas[0].offset, 0);
	assert_int_equal(r.areas[1].offset, 0x8000);
	assert_int_equal(r.areas[1].size, 0x4000);
	assert_int_equal(vfio_region_map(e->d, &r, 0x8000, 0x4000, &p), 0);
	munmap(p, 0x4000);
	assert_int_equal(vfio_region_map(e->d, &r, 0x4000, 0x1000, &p), -EINVAL);
	assert_int_equal(vfio_region_map(e->d, &r, 0xf000, 0x2000, &p), -EINVAL);
}

static void overlapping_or_outside_areas_are_lies(void **state)
{
	struct env *e = *state;
	struct fakevfio_region *f = &e->fn->regions[0];
	struct vfio_region r;
	struct problem *why = NULL;

	f->sparse = true;
	f->n_areas = 2;
	f->areas[0].size = 0x2000;
	f->areas[1].offset = 0x1000;
	f->areas[1].size = 0x1000;
	assert_int_equal(vfio_region_get(e->d, 0, &r, &why), -EBADMSG);
	assert_non_null(strstr(why->what, "region 0 of 0000:01:10.0"));
	problem_free(why);
	f->areas[1].offset = 0xf000;
	f->areas[1].size = 0x2000;
	assert_int_equal(vfio_region_get(e->d, 0, &r, NULL), -EBADMSG);
	f->areas[1].offset = 0x2800; /* not on a page */
	f->areas[1].size = 0x1000;
	assert_int_equal(vfio_region_get(e->d, 0, &r, NULL), -EBADMSG);
	f->areas[1].offset = 0x2000;
	assert_int_equal(vfio_region_get(e->d, 0, &r, NULL), 0);
	vfio_region_done(&r);
}

static void lie_areas(unsigned long request, void *arg)
{
	struct vfio_region_info *info = arg;
	struct vfio_region_info_cap_sparse_mmap *c = (void *)((char *)arg + info->cap_offset);

	if (request == VFIO_DEVICE_GET_REGION_INFO && info->cap_offset)
		c->nr_areas = 0xffffffff;
}

static void more_areas_than_the_answer_holds_are_lies(void **state)
{
	struct env *e = *state;
	struct vfio_region r;

	e->fn->regions[0].sparse = true;
	e->kernel.lie = lie_areas;
	assert_int_equal(vfio_region_get(e->d, 0, &r, NULL), -EBADMSG);
}

static void interrupts_follow_the_kernels_rules(void **state)
{
	struct env *e = *state;
	int fds[2] = { eventfd(0, EFD_NONBLOCK), -1 };
	struct vfio_irq irq;
	eventfd_t n;

	assert_int_equal(vfio_irq_get(e->d, VFIO_PCI_MSIX_IRQ_INDEX, &irq, NULL), 0);
	assert_int_equal(irq.count, 3);
	assert_true(irq.eventfd && !irq.fixed && !irq.automasked);
	assert_int_equal(vfio_irq_get(e->d, VFIO_PCI_INTX_IRQ_INDEX, &irq, NULL), 0);
	assert_true(irq.count == 0 && irq.automasked && irq.fixed == false);
	assert_int_equal(vfio_irq_get(e->d, 99, &irq, NULL), 0);
	assert_int_equal(irq.count, 0);

	assert_int_equal(
		vfio_irq_connect(e->d, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_TRIGGER, 0, fds, 2), 0);
	assert_int_equal(e->fn->on, VFIO_PCI_MSIX_IRQ_INDEX);
	assert_true(fakevfio_fire(e->fn, VFIO_PCI_MSIX_IRQ_INDEX, 0));
	assert_false(fakevfio_fire(e->fn, VFIO_PCI_MSIX_IRQ_INDEX, 1));
	assert_int_equal(vfio_irq_act(e->d, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_TRIGGER, 0), 0);
	assert_int_equal(eventfd_read(fds[0], &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(
		vfio_irq_connect(e->d, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_TRIGGER, 3, fds, 1),
		-EINVAL);
	assert_int_equal(
		vfio_irq_connect(e->d, VFIO_PCI_MSIX_IRQ_INDEX, VFIO_IRQ_TRIGGER, 0, fds, 0),
		-EINVAL);
	assert_int_equal(vfio_irq_disable(e->d, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	assert_false(fakevfio_fire(e->fn, VFIO_PCI_MSIX_IRQ_INDEX, 0));
	assert_int_equal(e->fn->on, -1);
	close(fds[0]);
}

static int feature(struct env *e, uint32_t flags, uint32_t argsz)
{
	uint64_t room[2] = { 0 };
	struct vfio_device_feature *f = (void *)room;

	f->argsz = argsz;
	f->flags = flags;
	return host_ioctl(&e->kernel.host, e->d->fd, VFIO_DEVICE_FEATURE, f);
}

/* What the kernel's drivers/vfio/vfio_main.c answers. */
static void features_are_checked_as_the_kernel_does(void **state)
{
	struct env *e = *state;
	const uint32_t get = VFIO_DEVICE_FEATURE_GET, set = VFIO_DEVICE_FEATURE_SET,
		       probe = VFIO_DEVICE_FEATURE_PROBE, mig = VFIO_DEVICE_FEATURE_MIGRATION;

	assert_int_equal(feature(e, probe | get | mig, 8), -ENOTTY);
	e->fn->migration = VFIO_MIGRATION_STOP_COPY;
	assert_int_equal(feature(e, probe | get | mig, 8), 0);
	assert_int_equal(feature(e, probe | mig, 8), 0);
	assert_int_equal(feature(e, probe | set | mig, 8), -EINVAL);
	assert_int_equal(feature(e, mig, 16), -EINVAL);
	assert_int_equal(feature(e, get | mig, 8), -EINVAL);
	assert_int_equal(feature(e, get | mig, 16), 0);
	assert_int_equal(feature(e, get | set | mig, 16), -EINVAL);
	assert_int_equal(feature(e, probe | mig, 4), -EINVAL);
	assert_int_equal(feature(e, 1u << 31 | mig, 16), -EINVAL);
	assert_int_equal(feature(e, probe | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN, 8), -ENOTTY);
}

static void migration_is_what_the_driver_offers(void **state)
{
	struct env *e = *state;
	char text[VFIO_MIGRATION_TEXT_MAX];
	unsigned offered = 4711;

	assert_int_equal(vfio_migration_get(e->d, &offered), 0);
	assert_int_equal(offered, 0);
	assert_string_equal(vfio_migration_text(offered, text), "none");
	assert_null(vfio_migration_word(0, 0));
	/* A bit of the future says nothing to us. */
	e->fn->migration = VFIO_MIGRATION_STOP_COPY | 1 << 2 | 1ULL << 40;
	assert_int_equal(vfio_migration_get(e->d, &offered), 0);
	assert_string_equal(vfio_migration_text(offered, text), "stop-copy pre-copy");
	e->fn->migration |= VFIO_MIGRATION_P2P;
	e->fn->tracks_dma = true;
	assert_int_equal(vfio_migration_get(e->d, &offered), 0);
	assert_string_equal(
		vfio_migration_text(offered, text), "stop-copy p2p pre-copy dirty-tracking");
	assert_string_equal(vfio_migration_word(offered, 3), "dirty-tracking");
	assert_null(vfio_migration_word(offered, 4));
	offered = 4711;
	e->fn->migration = VFIO_MIGRATION_P2P; /* never without stop-copy */
	assert_int_equal(vfio_migration_get(e->d, &offered), -EBADMSG);
	e->kernel.fail_errno = -EIO;
	e->kernel.fail_call = e->kernel.calls + 1;
	assert_int_equal(vfio_migration_get(e->d, &offered), -EIO);
	assert_int_equal(offered, 4711);
}

static uint32_t lied_count;

static void lie_about_the_set(unsigned long request, void *arg)
{
	if (request == VFIO_DEVICE_GET_PCI_HOT_RESET_INFO)
		((struct vfio_pci_hot_reset_info *)arg)->count = lied_count;
}

static void who_is_reset_together_is_told(void **state)
{
	struct env *e = *state;
	struct vfio_hot_set set = { 0 };
	struct problem *why = NULL;
	uint8_t config[256] = { 0 };
	int group = e->d->group_fd;

	assert_int_equal(vfio_hot_set_get(e->d, &set, &why), -ENODEV);
	assert_int_equal(why->kind, PROBLEM_UNSUPPORTED);
	assert_non_null(strstr(why->what, "cannot be reset, neither alone"));
	problem_free(why);
	e->fn->slot = 1;
	fakevfio_add(&e->kernel, "0000:01:1f.7", 13, config, sizeof(config))->slot = 1;
	assert_int_equal(vfio_hot_set_get(e->d, &set, NULL), 0);
	assert_int_equal(set.n, 2);
	assert_string_equal(BDF_TEXT(set.v[0]), "0000:01:10.0");
	assert_string_equal(BDF_TEXT(set.v[1]), "0000:01:1f.7");
	assert_false(set.by_devices || set.owned);
	vfio_hot_set_done(&set);
	/* With the one group alone the kernel refuses. */
	assert_int_equal(vfio_hot_reset(e->d, &group, 1, NULL), -EINVAL);
	assert_int_equal(e->fn->hot_resets, 0);
	e->fn->by_iommufd = true;
	assert_int_equal(vfio_hot_set_get(e->d, &set, NULL), 0);
	assert_true(set.by_devices && set.owned);
	vfio_hot_set_done(&set);
	assert_int_equal(vfio_hot_reset(e->d, NULL, 0, NULL), 0);
	assert_int_equal(e->fn->hot_resets, 1);
	e->kernel.lie = lie_about_the_set;
	for (unsigned i = 0; i < 3; i++) {
		lied_count = (const uint32_t[]) { 0, 3, UINT32_MAX }[i];
		assert_int_equal(vfio_hot_set_get(e->d, &set, NULL), -EBADMSG);
	}
	assert_null(set.v);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(config_is_bounded),
		T(absent_regions_have_size_zero),
		T(sparse_areas_and_msix_are_read),
		T(overlapping_or_outside_areas_are_lies),
		T(more_areas_than_the_answer_holds_are_lies),
		T(interrupts_follow_the_kernels_rules),
		T(features_are_checked_as_the_kernel_does),
		T(migration_is_what_the_driver_offers),
		T(who_is_reset_together_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
