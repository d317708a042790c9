/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "env.h"
#include "vfio/abi.h"
#include "vfio/iommufd.h"
#include "vfio/pick.h"

#include <fcntl.h>

#define TOKEN "2ab74924-c335-45f4-9b16-8569e5b08258"

static int setup_iommufd(void **state)
{
	setup(state);
	((struct env *)*state)->kernel.iommufd = true;
	return 0;
}

static int whole_trip(struct env *e, const char *token)
{
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *d = NULL;
	struct vfio_target t = targets[0];
	int r = vfio_iommufd_open(&e->kernel.host, &s, &e->why);

	t.vf_token = token;
	if (r >= 0)
		r = vfio_space_attach(s, &t, &d, &e->why);
	return r < 0 ? r : use(e, s, d);
}

static void the_whole_trip_works(void **state)
{
	struct env *e = *state;

	assert_int_equal(whole_trip(e, NULL), 0);
	assert_null(e->why);
	assert_int_equal(e->fn->resets, 1);
	assert_int_equal(e->kernel.maps, 1);
	assert_int_equal(e->kernel.n_objects, 0);
	assert_false(e->fn->bound);
	assert_false(e->fn->group_open);
}

/* But for how memory is counted, what the IOMMU tells of dirty pages, and taking the address space
 * away, which would go by itself. */
static void every_call_may_fail_and_nothing_leaks(void **state)
{
	struct env *e = *state;
	unsigned total, survived = 0;

	assert_int_equal(whole_trip(e, NULL), 0);
	total = e->kernel.calls;
	assert_true(total > 12);
	for (unsigned n = 1; n <= total; n++) {
		fail_call(e, n);
		survived += whole_trip(e, NULL) == 0;
		assert_int_equal(e->kernel.n_objects, 0);
		assert_int_equal(e->kernel.n_mappings, 0);
		assert_false(e->fn->bound);
		problem_free(TAKE_PTR(e->why));
	}
	assert_int_equal(survived, 4);
	e->kernel.fail_call = 0;
	assert_int_equal(whole_trip(e, NULL), 0);
}

static void expect(
	struct env *e, const char *token, int code, enum problem_kind kind, const char *part)
{
	expect_why(e, whole_trip(e, token), code, kind, part);
}

static void refusals_say_who_is_to_blame(void **state)
{
	struct env *e = *state;

	e->fn->viable = false;
	expect(e, NULL, -EPERM, PROBLEM_GROUP_NOT_VIABLE, "group is not usable");
	e->fn->viable = true;
	e->fn->group_open = true;
	expect(e, NULL, -EBUSY, PROBLEM_IN_USE, "held already");
	e->fn->group_open = false;
	e->fn->bound = true;
	expect(e, NULL, -EBUSY, PROBLEM_IN_USE, "held by another process");
	e->fn->bound = false;
	e->fn->no_node = true;
	expect(e, NULL, -ENOENT, PROBLEM_NOT_BOUND_TO_VFIO, "0000:01:10.0 has no VFIO device node");
	e->fn->no_node = false;
	e->kernel.attach_errno = -EADDRINUSE;
	expect(e, NULL, -EADDRINUSE, PROBLEM_RESERVED_IOVA, "reserved for 0000:01:10.0");
	e->kernel.attach_errno = 0;
	e->kernel.iommufd_errno = -EACCES;
	expect(e, NULL, -EACCES, PROBLEM_PERMISSION, "no permission to open the iommufd");
	e->kernel.iommufd_errno = 0;
	e->kernel.iommufd = false;
	expect(e, NULL, -ENOENT, PROBLEM_UNSUPPORTED, "no iommufd");
	e->kernel.iommufd = true;
	e->kernel.map_errno = -EEXIST;
	expect(e, NULL, -EEXIST, PROBLEM_FAILED, "mapped already");
	e->kernel.map_errno = 0;
	e->kernel.ranges[1].first = 0;
	expect(e, NULL, -EBADMSG, PROBLEM_FAILED, "not usable");
	e->kernel.n_ranges = 0;
	expect(e, NULL, -EBADMSG, PROBLEM_FAILED, "not usable");
}

static void tokens_are_given_where_the_kernel_takes_them(void **state)
{
	struct env *e = *state;

	e->fn->vf_token = TOKEN;
	/* Before 6.17 the kernel would open it without; who names a token wants it checked. */
	assert_int_equal(whole_trip(e, NULL), 0);
	expect(e, TOKEN, -EINVAL, PROBLEM_UNSUPPORTED, "no VF token before Linux 6.17");
	e->kernel.tokens_by_node = true;
	assert_int_equal(whole_trip(e, TOKEN), 0);
	assert_int_equal(whole_trip(e, "2AB74924-C335-45F4-9B16-8569E5B08258"), 0);
	expect(e, NULL, -EACCES, PROBLEM_PERMISSION, "needs a VF token");
	expect(e, "00000000-c335-45f4-9b16-8569e5b08258", -EACCES, PROBLEM_PERMISSION,
		"not this one");
}

/* With the first function the address space gets its holes. */
static void the_ranges_are_those_of_the_functions(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *d = NULL;

	assert_int_equal(vfio_iommufd_open(&e->kernel.host, &s, NULL), 0);
	assert_int_equal(s->n_ranges, 1);
	assert_int_equal(vfio_space_attach(s, &targets[0], &d, NULL), 0);
	assert_int_equal(d->group_fd, -1);
	assert_int_equal(s->n_ranges, 2);
	assert_int_equal(s->ranges[0].last, 0xfedfffff);
	assert_int_equal(s->page_sizes, 4096);
	assert_false(s->dma_avail_known);
	assert_int_equal(
		vfio_space_map(s, (struct iova) { 0xfedff000 }, memory, 8192, 3, &e->why), -ERANGE);
	assert_int_equal(vfio_space_unmap(s, (struct iova) { 0 }, 4096, NULL), -ENOENT);
}

static void two_functions_reach_the_same_memory(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *a = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *b = NULL;
	uint16_t master = 4;
	char got[5] = "";

	assert_int_equal(vfio_iommufd_open(&e->kernel.host, &s, NULL), 0);
	assert_int_equal(vfio_space_attach(s, &targets[0], &a, NULL), 0);
	assert_int_equal(vfio_space_attach(s, &targets[1], &b, NULL), 0);
	assert_int_equal(vfio_space_map(s, (struct iova) { 0 }, memory, 4096, 3, NULL), 0);
	assert_int_equal(vfio_config_write(a, 4, &master, 2), 0);
	assert_int_equal(vfio_config_write(b, 4, &master, 2), 0);
	assert_true(fakevfio_dma_write(e->fn, 100, "word", 4));
	assert_true(fakevfio_dma_read(e->other, 100, got, 4));
	assert_string_equal(got, "word");
	assert_false(fakevfio_dma_read(e->other, 4096, got, 4));
	vfio_device_free(TAKE_PTR(b));
	assert_false(fakevfio_dma_read(e->other, 100, got, 4));
}

/* What a launcher hands to the VMM: bound and attached, or as it was opened. */
static void descriptors_are_adopted_or_left_alone(void **state)
{
	struct env *e = *state;
	struct host *h = &e->kernel.host;
	struct vfio_space *theirs = NULL, *s = NULL;
	struct vfio_device *first = NULL, *a = NULL, *b = NULL;
	int fd, raw = host_open(h, "/dev/vfio/devices/vfio1", O_RDWR);

	assert_int_equal(vfio_iommufd_open(h, &theirs, NULL), 0);
	assert_int_equal(vfio_space_attach(theirs, &targets[0], &first, NULL), 0);
	assert_int_equal(vfio_space_map(theirs, (struct iova) { 0 }, memory, 4096, 3, NULL), 0);
	fd = vfio_iommufd_fd(theirs);
	assert_int_equal(vfio_iommufd_adopt(h, raw, &s, &e->why), -EINVAL);
	assert_int_equal(e->why->kind, PROBLEM_UNSUPPORTED);
	assert_int_equal(vfio_iommufd_adopt(h, fd, &s, NULL), 0);
	assert_true(vfio_space_is_iommufd(s));
	assert_int_equal(vfio_iommufd_adopt_device(s, fd, "x", &a, NULL), -ENOTTY);
	assert_int_equal(vfio_iommufd_adopt_device(s, first->fd, "a", &a, NULL), 0);
	assert_int_equal(vfio_iommufd_adopt_device(s, raw, "b", &b, NULL), 0);
	/* It came out of the address space that it was in: nothing is mapped for it now. */
	assert_int_equal(e->fn->ioas, e->other->ioas);
	assert_int_equal(vfio_space_map(s, (struct iova) { 0 }, memory, 4096, 3, NULL), 0);
	vfio_device_free(a);
	vfio_device_free(b);
	vfio_space_free(s);
	assert_int_equal(e->kernel.n_objects, 0);
	assert_int_equal(e->kernel.destroyed, 0); /* with the iommufd all has gone */
	/* Theirs are closed: only memory is left. */
	free(first->name);
	vfio_region_done(&first->config);
	free(first);
	free(theirs->ranges);
	free(theirs);
}

static int adopt(struct env *e, int fd, int raw)
{
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *d = NULL;
	int r = vfio_iommufd_adopt(&e->kernel.host, fd, &s, NULL);

	if (r < 0)
		host_close(&e->kernel.host, fd);
	else
		r = vfio_iommufd_adopt_device(s, raw, "a", &d, NULL);
	if (r < 0)
		host_close(&e->kernel.host, raw);
	return r;
}

static int open_and_adopt(struct env *e, unsigned fail)
{
	int fd, raw;

	e->kernel.fail_call = 0;
	fd = host_open(&e->kernel.host, "/dev/iommu", O_RDWR);
	raw = host_open(&e->kernel.host, "/dev/vfio/devices/vfio0", O_RDWR);
	fail_call(e, fail);
	return adopt(e, fd, raw);
}

static void adopting_may_fail_at_every_call(void **state)
{
	struct env *e = *state;
	unsigned total, survived = 0;

	assert_int_equal(open_and_adopt(e, 0), 0);
	total = e->kernel.calls;
	for (unsigned n = 1; n <= total; n++) {
		survived += open_and_adopt(e, n) == 0;
		assert_int_equal(e->kernel.n_objects, 0);
		assert_false(e->fn->bound);
	}
	assert_int_equal(survived, 3); /* how memory is counted; dirty pages; and the end */
}

/* ---- Memory that may be pinned ---- */

static void memlock_child(struct env *e)
{
	limit_memlock(65536);
	drop_rights();
	e->kernel.map_errno = -ENOMEM;
	expect(e, NULL, -ENOMEM, PROBLEM_MEMLOCK,
		"allows 65536 bytes for all processes of the user together");
	/* Counted for this process alone it would have done. */
	e->kernel.may_count_processes = true;
	expect(e, NULL, -ENOMEM, PROBLEM_NO_MEMORY, "out of memory");
	limit_memlock(4096);
	expect(e, NULL, -ENOMEM, PROBLEM_MEMLOCK,
		"allows 4096 bytes, pinning the guest's memory needs 8192");
}

static void the_limit_is_the_users_or_the_processs(void **state)
{
	in_a_child(*state, memlock_child);
}

/* ---- The choice ---- */

static const char *picked(struct env *e, struct vfio_pick *p, struct problem **reterr)
{
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *a = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *b = NULL;

	vfio_pick_done(p);
	if (vfio_pick_attach(&e->kernel.host, p, &p->targets[0], &s, &a, reterr) < 0 ||
		vfio_pick_attach(&e->kernel.host, p, &p->targets[1], &s, &b, reterr) < 0)
		return NULL;
	return s->ops->name;
}

static void auto_is_iommufd_where_it_works(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_pick_done) struct vfio_pick p = { .targets = targets, .n = 2 };

	assert_string_equal(picked(e, &p, NULL), "iommufd");
	assert_null(p.why_not);
	e->other->no_node = true;
	assert_string_equal(picked(e, &p, NULL), "type1");
	assert_non_null(strstr(p.why_not->what, "0000:01:10.2 has no VFIO device node"));
	e->other->no_node = false;
	e->kernel.iommufd_errno = -EACCES;
	assert_string_equal(picked(e, &p, NULL), "type1");
	assert_int_equal(p.why_not->kind, PROBLEM_PERMISSION);
	e->kernel.iommufd_errno = 0;
	e->kernel.iommufd = false;
	assert_string_equal(picked(e, &p, NULL), "type1");
	assert_int_equal(e->kernel.n_objects, 0);
}

static void a_wish_is_no_suggestion(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_pick_done)
	struct vfio_pick p = { .wish = VFIO_BACKEND_TYPE1, .targets = targets, .n = 2 };

	assert_string_equal(picked(e, &p, NULL), "type1");
	p.wish = VFIO_BACKEND_IOMMUFD;
	assert_string_equal(picked(e, &p, NULL), "iommufd");
	e->kernel.iommufd = false;
	assert_null(picked(e, &p, &e->why));
	assert_int_equal(e->why->kind, PROBLEM_UNSUPPORTED);
	assert_int_equal(e->kernel.n_objects, 0);
}

/* A function that somebody holds is held in either way; it is not tried twice. */
static void what_is_in_use_stays_in_use(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_pick_done) struct vfio_pick p = { .targets = targets, .n = 2 };

	e->fn->bound = true;
	assert_null(picked(e, &p, &e->why));
	assert_int_equal(e->why->kind, PROBLEM_IN_USE);
	assert_int_equal(e->kernel.n_objects, 0);
}

static void neither_way_is_told(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_pick_done) struct vfio_pick p = { .targets = targets, .n = 2 };

	e->kernel.no_groups = true;
	assert_string_equal(picked(e, &p, NULL), "iommufd");
	e->kernel.iommufd_errno = -EACCES;
	assert_null(picked(e, &p, &e->why));
	assert_int_equal(e->why->kind, PROBLEM_PERMISSION);
	problem_free(TAKE_PTR(e->why));
	e->kernel.iommufd = false;
	assert_null(picked(e, &p, &e->why));
	assert_int_equal(e->why->kind, PROBLEM_UNSUPPORTED);
	assert_non_null(strstr(e->why->what, "no VFIO container"));
}

static void with_a_token_groups_are_asked(void **state)
{
	struct env *e = *state;
	const struct vfio_target t[] = { { "0000:01:10.0", 12, TOKEN }, targets[1] };
	CLEANUP(vfio_pick_done) struct vfio_pick p = { .targets = t, .n = 2 };

	e->fn->vf_token = TOKEN;
	assert_string_equal(picked(e, &p, NULL), "type1");
	assert_non_null(strstr(p.why_not->what, "VF tokens"));
	e->kernel.no_groups = e->kernel.tokens_by_node = true;
	assert_string_equal(picked(e, &p, NULL), "iommufd");
}

/* Through its node this kernel would ask nobody. */
static void a_vf_of_somebodys_pf_is_asked_for_through_its_group(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_pick_done) struct vfio_pick p = { .targets = targets, .n = 2 };

	e->fn->vf_token = TOKEN;
	e->fn->pf_on_vfio = true;
	assert_null(picked(e, &p, &e->why));
	assert_int_equal(e->why->kind, PROBLEM_PERMISSION);
	assert_non_null(strstr(e->why->what, "needs a VF token") ? e->why : e->why->cause);
	assert_int_equal(e->kernel.n_objects, 0);
}

static void names_are_understood(void **state UNUSED)
{
	enum vfio_backend b;

	for (int i = VFIO_BACKEND_AUTO; i <= VFIO_BACKEND_IOMMUFD; i++) {
		assert_int_equal(vfio_backend_parse(vfio_backend_name(i), &b), 0);
		assert_int_equal(b, i);
	}
	assert_int_equal(vfio_backend_parse("", &b), -EINVAL);
	assert_int_equal(vfio_backend_parse("Type1", &b), -EINVAL);
}

/* As much as the least of the IOMMUs can. */
static void dirty_pages_are_told(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_space_freep) struct vfio_space *s = NULL;
	CLEANUP(vfio_device_freep) struct vfio_device *one = NULL, *two = NULL;

	e->kernel.tracks_dirty = true;
	assert_int_equal(vfio_iommufd_open(&e->kernel.host, &s, NULL), 0);
	assert_int_equal(s->dirty, VFIO_DIRTY_UNKNOWN);
	assert_int_equal(vfio_space_attach(s, &targets[0], &one, NULL), 0);
	assert_string_equal(vfio_dirty_name(s->dirty), "pages");
	e->kernel.tracks_dirty = false;
	assert_int_equal(vfio_space_attach(s, &targets[1], &two, NULL), 0);
	assert_string_equal(vfio_dirty_name(s->dirty), "none");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup_iommufd, teardown)
	const struct CMUnitTest tests[] = {
		T(the_whole_trip_works),
		T(dirty_pages_are_told),
		T(every_call_may_fail_and_nothing_leaks),
		T(refusals_say_who_is_to_blame),
		T(tokens_are_given_where_the_kernel_takes_them),
		T(the_ranges_are_those_of_the_functions),
		T(two_functions_reach_the_same_memory),
		T(descriptors_are_adopted_or_left_alone),
		T(adopting_may_fail_at_every_call),
		T(the_limit_is_the_users_or_the_processs),
		T(auto_is_iommufd_where_it_works),
		T(a_wish_is_no_suggestion),
		T(what_is_in_use_stays_in_use),
		T(neither_way_is_told),
		T(with_a_token_groups_are_asked),
		T(a_vf_of_somebodys_pf_is_asked_for_through_its_group),
		T(names_are_understood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
