/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "env.h"
#include "vfio/memlock.h"
#include "vfio/type1.h"

#include <sys/mman.h>

enum { MiB = 1 << 20 };

static int whole_trip(struct env *e)
{
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *d = NULL;
	int r = vfio_type1_open(&e->kernel.host, &s, &e->why);

	if (r >= 0)
		r = vfio_space_attach(s, &targets[0], &d, &e->why);
	return r < 0 ? r : use(e, s, d);
}

static void the_whole_trip_works(void **state)
{
	struct env *e = *state;

	assert_int_equal(whole_trip(e), 0);
	assert_null(e->why);
	assert_int_equal(e->fn->resets, 1);
	assert_int_equal(e->kernel.n_objects, 0);
	assert_false(e->fn->group_open);
}

/* type1 takes all that is mapped for written, where it tells anything. */
static void dirty_pages_are_told(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *d = NULL;

	assert_null(vfio_dirty_name(VFIO_DIRTY_UNKNOWN));
	assert_int_equal(vfio_type1_open(&e->kernel.host, &s, NULL), 0);
	assert_int_equal(s->dirty, VFIO_DIRTY_UNKNOWN);
	assert_int_equal(vfio_space_attach(s, &targets[0], &d, NULL), 0);
	assert_string_equal(vfio_dirty_name(s->dirty), "none");
	e->kernel.tracks_dirty = true;
	assert_int_equal(s->ops->refresh(s), 0);
	assert_string_equal(vfio_dirty_name(s->dirty), "all-mapped");
	assert_int_equal(s->n_ranges, 2);
	assert_true(s->dma_avail_known);
}

static void every_call_may_fail_and_nothing_leaks(void **state)
{
	struct env *e = *state;
	unsigned total;

	assert_int_equal(whole_trip(e), 0);
	total = e->kernel.calls;
	assert_true(total > 12);
	for (unsigned n = 1; n <= total; n++) {
		fail_call(e, n);
		assert_true(whole_trip(e) < 0);
		assert_int_equal(e->kernel.n_objects, 0);
		assert_int_equal(e->kernel.n_mappings, 0);
		problem_free(TAKE_PTR(e->why));
	}
	e->kernel.fail_call = 0;
	assert_int_equal(whole_trip(e), 0);
}

static void expect(struct env *e, int code, enum problem_kind kind, const char *part)
{
	expect_why(e, whole_trip(e), code, kind, part);
}

static void refusals_say_who_is_to_blame(void **state)
{
	struct env *e = *state;

	e->fn->viable = false;
	expect(e, -EPERM, PROBLEM_GROUP_NOT_VIABLE, "group 12 is not viable");
	e->fn->viable = true;
	e->fn->group_open = true;
	expect(e, -EBUSY, PROBLEM_IN_USE, "held by another process");
	e->fn->group_open = false;
	e->fn->group = 13;
	expect(e, -ENOENT, PROBLEM_NOT_BOUND_TO_VFIO, "group 12 has no member");
	e->fn->group = 12;
	e->kernel.no_iommu = true;
	expect(e, -ENOENT, PROBLEM_NO_IOMMU, "noiommu-12");
	e->kernel.no_iommu = false;
	e->fn->name = "0000:01:10.2";
	expect(e, -ENODEV, PROBLEM_NOT_BOUND_TO_VFIO, "0000:01:10.0 is not bound");
	e->fn->name = "0000:01:10.0";
	e->fn->vf_token = "2ab74924-c335-45f4-9b16-8569e5b08258";
	expect(e, -EACCES, PROBLEM_PERMISSION, "VF token");
	e->fn->vf_token = NULL;
	e->kernel.api_version = 1;
	expect(e, -EPROTONOSUPPORT, PROBLEM_UNSUPPORTED, "version 1, not 0");
	e->kernel.api_version = 0;
	e->kernel.type1v2 = false;
	expect(e, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, "type1v2");
	e->kernel.type1v2 = true;
	e->kernel.map_errno = -ENOSPC;
	expect(e, -ENOSPC, PROBLEM_DMA_LIMIT, "limit of DMA mappings");
	e->fn->can_reset = false;
	e->kernel.map_errno = 0;
	expect(e, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, "no way to be reset");
}

static void a_token_opens_the_vf(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *d = NULL;
	struct vfio_target t = targets[0];

	t.vf_token = e->fn->vf_token = "2ab74924-c335-45f4-9b16-8569e5b08258";
	assert_int_equal(vfio_type1_open(&e->kernel.host, &s, NULL), 0);
	assert_int_equal(vfio_space_attach(s, &t, &d, NULL), 0);
}

static void memlock_child(struct env *e)
{
	struct memlock m;

	limit_memlock(65536);
	e->kernel.map_errno = -ENOMEM;
	if (memlock_get(&m) == 0 && m.exempt)
		expect(e, -ENOMEM, PROBLEM_NO_MEMORY, "out of memory");
	drop_rights();
	limit_memlock(4096);
	expect(e, -ENOMEM, PROBLEM_MEMLOCK,
		"allows 4096 bytes, pinning the guest's memory needs 8192");
	assert_int_equal(memlock_raise(8192), -EPERM);
	assert_int_equal(memlock_raise(4096), 0);
}

static void memlock_is_told_from_lack_of_memory(void **state)
{
	in_a_child(*state, memlock_child);
}

struct opened {
	struct vfio_space *s;
	struct vfio_device *d;
};

static struct opened open_all(struct env *e)
{
	struct opened o = { 0 };

	assert_int_equal(vfio_type1_open(&e->kernel.host, &o.s, NULL), 0);
	assert_int_equal(vfio_space_attach(o.s, &targets[0], &o.d, NULL), 0);
	return o;
}

static void close_all(struct opened *o)
{
	vfio_device_free(o->d);
	vfio_space_free(o->s);
}

static void reserved_ranges_are_refused_before_the_kernel_is_asked(void **state)
{
	struct env *e = *state;
	CLEANUP(close_all) struct opened o = open_all(e);
	void *mem = mmap(NULL, 2 * MiB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	unsigned calls = e->kernel.calls;

	assert_int_equal(o.s->n_ranges, 2);
	assert_true(o.s->dma_avail_known);
	assert_int_equal(o.s->dma_avail, FAKEVFIO_MAPPINGS);
	/* One page into the MSI window, one page behind the end, all around the window. */
	assert_int_equal(
		vfio_space_map(o.s, (struct iova) { 0xfedff000 }, mem, 8192, 3, &e->why), -ERANGE);
	assert_int_equal(e->why->kind, PROBLEM_RESERVED_IOVA);
	assert_non_null(strstr(e->why->what, "0xfee00000 cannot be mapped"));
	assert_int_equal(
		vfio_space_check(o.s, (struct iova) { 0x7ffffff000 }, 8192, NULL), -ERANGE);
	assert_int_equal(vfio_space_check(o.s, (struct iova) { 0 }, 0x100000000, NULL), -ERANGE);
	assert_int_equal(vfio_space_check(o.s, (struct iova) { ~0xfffULL }, 8192, NULL), -ERANGE);
	assert_int_equal(vfio_space_check(o.s, (struct iova) { 12 }, 4096, NULL), -EINVAL);
	assert_int_equal(vfio_space_check(o.s, (struct iova) { 0 }, 0, NULL), -EINVAL);
	assert_int_equal(e->kernel.calls, calls);
	assert_int_equal(vfio_space_map(o.s, (struct iova) { 0xfedff000 }, mem, 4096, 3, NULL), 0);
	assert_int_equal(
		vfio_space_map(o.s, (struct iova) { 0xfef00000 }, mem, 2 * MiB, 3, NULL), 0);
	assert_int_equal(e->kernel.maps, 2);
	assert_int_equal(o.s->mapped_bytes, 2 * MiB + 4096);
	munmap(mem, 2 * MiB);
}

static void unmapping_what_was_never_mapped_is_an_error(void **state)
{
	struct env *e = *state;
	CLEANUP(close_all) struct opened o = open_all(e);

	assert_int_equal(vfio_space_unmap(o.s, (struct iova) { 0 }, 4096, NULL), -ENOENT);
}

/* The first capability of the answer to VFIO_IOMMU_GET_INFO, NULL in any other call. */
static void *first_capability(unsigned long request, void *arg)
{
	struct vfio_iommu_type1_info *info = arg;

	if (request != VFIO_IOMMU_GET_INFO || !info->cap_offset)
		return NULL;
	return (char *)arg + info->cap_offset;
}

static void lie_ranges(unsigned long request, void *arg)
{
	struct vfio_iommu_type1_info_cap_iova_range *c = first_capability(request, arg);

	if (c)
		c->nr_iovas = 0x10000000;
}

static void lie_circle(unsigned long request, void *arg)
{
	struct vfio_info_cap_header *c = first_capability(request, arg);

	if (!c)
		return;
	c->id = 77;
	c->next = ((struct vfio_iommu_type1_info *)arg)->cap_offset;
}

static void lie_offset(unsigned long request, void *arg)
{
	struct vfio_iommu_type1_info *info = arg;

	if (first_capability(request, arg))
		info->cap_offset = info->argsz - 4;
}

static void lie_size(unsigned long request, void *arg)
{
	if (request == VFIO_IOMMU_GET_INFO)
		((struct vfio_iommu_type1_info *)arg)->argsz = 0x7fffffff;
}

static void a_kernel_that_lies_is_refused(void **state)
{
	struct env *e = *state;
	void (*lies[])(unsigned long, void *) = { lie_ranges, lie_circle, lie_offset, lie_size };

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		e->kernel.lie = lies[i];
		expect(e, -EBADMSG, PROBLEM_FAILED, "not usable");
	}
}

static void without_ranges_everything_is_allowed(void **state)
{
	struct env *e = *state;

	e->kernel.n_ranges = 0;
	assert_int_equal(whole_trip(e), 0);
}

/* What the launcher hands to the VMM: descriptors without names. */
static void descriptors_are_adopted_or_left_alone(void **state)
{
	struct env *e = *state;
	CLEANUP(close_all) struct opened o = open_all(e);
	struct vfio_space *s = NULL;
	struct vfio_device *d = NULL;
	int container = vfio_type1_container_fd(o.s), device = o.d->fd, group = o.d->group_fd;

	assert_int_equal(vfio_type1_adopt(&e->kernel.host, device, &s, &e->why), -ENOTTY);
	assert_int_equal(e->why->kind, PROBLEM_UNSUPPORTED);
	assert_int_equal(vfio_type1_adopt(&e->kernel.host, container, &s, NULL), 0);
	assert_int_equal(s->n_ranges, 2);
	assert_int_equal(vfio_type1_adopt_device(s, group, container, "x", &d, NULL), -ENOTTY);
	assert_int_equal(vfio_type1_adopt_device(s, group, device, "x", &d, NULL), 0);
	assert_int_equal(vfio_device_reset(d, NULL), 0);
	vfio_device_free(d);
	vfio_space_free(s);
	/* Ours were closed by the adopters: nothing is left to close but the memory. */
	assert_int_equal(e->kernel.n_objects, 0);
}

static void two_spaces_do_not_fight_over_a_failed_adoption(void **state)
{
	struct env *e = *state;
	struct vfio_space *s = NULL, *adopted = NULL;

	assert_int_equal(vfio_type1_open(&e->kernel.host, &s, NULL), 0);
	/* No IOMMU was set yet. */
	assert_int_equal(
		vfio_type1_adopt(&e->kernel.host, vfio_type1_container_fd(s), &adopted, NULL),
		-EINVAL);
	assert_int_equal(e->kernel.n_objects, 1);
	vfio_space_free(s);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_whole_trip_works),
		T(dirty_pages_are_told),
		T(every_call_may_fail_and_nothing_leaks),
		T(refusals_say_who_is_to_blame),
		T(a_token_opens_the_vf),
		T(memlock_is_told_from_lack_of_memory),
		T(reserved_ranges_are_refused_before_the_kernel_is_asked),
		T(unmapping_what_was_never_mapped_is_an_error),
		T(a_kernel_that_lies_is_refused),
		T(without_ranges_everything_is_allowed),
		T(descriptors_are_adopted_or_left_alone),
		T(two_spaces_do_not_fight_over_a_failed_adoption),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
