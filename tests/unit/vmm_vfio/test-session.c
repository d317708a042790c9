// SPDX-License-Identifier: GPL-2.0-or-later
/* The functions of a VMM that came by iommufd and nodes of their own. */
#include "cm.h"

#include "fakevfio/fakekvm.h"
#include "fakevfio/fakevfio.h"
#include "vfio/iommufd.h"
#include "vmm/vfio/session.h"

#include <fcntl.h>
#include <string.h>

struct env {
	struct fakekvm k;
	struct fakevfio v;
	struct fakevfio_function *fn[2];
	struct kvm_vm *vm;
	struct guest_memory *memory;
};

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	struct guest_memory_params m = { .size = 2 << 20 };
	uint8_t config[256] = { 0x86, 0x80 };

	fakekvm_init(&e->k);
	fakevfio_init(&e->v, &e->k.host);
	e->v.iommufd = true;
	e->fn[0] = fakevfio_add(&e->v, "0000:01:10.0", 12, config, sizeof(config));
	e->fn[1] = fakevfio_add(&e->v, "0000:01:10.2", 13, config, sizeof(config));
	*state = e;
	if (kvm_vm_new(&e->v.host, e->k.fd, &e->vm, NULL) < 0)
		return -1;
	return guest_memory_new(&e->v.host, &m, &e->memory, NULL);
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left;

	kvm_vm_free(e->vm);
	guest_memory_free(e->memory);
	left = fakevfio_done(&e->v);
	fakekvm_done(&e->k);
	free(e);
	return left ? -1 : 0;
}

static int enter(struct env *e, struct vfio_session *s, struct problem **reterr)
{
	int r = vfio_session_enter(s, e->vm, e->memory, reterr);

	for (size_t i = 0; r == 0 && i < e->memory->n_banks; i++)
		r = vfio_session_map_bank(s, i, reterr);
	return r;
}

/* As a parent would who binds nothing, and one who has bound it. */
static struct vfio_fds open_fds(struct env *e, const struct vfio_fds *same, unsigned i)
{
	static const char *const nodes[] = { "/dev/vfio/devices/vfio0", "/dev/vfio/devices/vfio1" };
	struct vfio_fds f = { .container = -1, .group = -1, .name = e->fn[i]->name };

	f.iommufd = same ? same->iommufd : host_open(&e->v.host, "/dev/iommu", O_RDWR);
	f.device = host_open(&e->v.host, nodes[i], O_RDWR);
	assert_true(f.iommufd >= 0 && f.device >= 0);
	return f;
}

static void both_reach_the_memory_and_kvm_knows_them(void **state)
{
	struct env *e = *state;
	CLEANUP(vfio_session_freep) struct vfio_session *s = NULL;
	struct vfio_fds first = open_fds(e, NULL, 0), second = open_fds(e, &first, 1);
	struct guest_range *reserved;
	uint16_t master = 4;
	char got[4];
	size_t n;

	assert_int_equal(vfio_session_new(&e->v.host, PEERS_AUTO, &s), 0);
	assert_null(vfio_session_backend(s));
	assert_int_equal(vfio_session_add(s, &first, NULL), 0);
	assert_int_equal(vfio_session_add(s, &second, NULL), 0);
	assert_string_equal(vfio_session_backend(s), "iommufd");
	assert_int_equal(vfio_session_reserved(s, &reserved, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(reserved[0].start, 0xfee00000);
	free(reserved);
	for (int boot = 0; boot < 2; boot++) {
		assert_int_equal(enter(e, s, NULL), 0);
		/* Pinned once for both. */
		assert_int_equal(e->v.n_mappings, e->memory->n_banks);
		assert_int_equal(e->k.n_groups, 2);
		for (int i = 0; i < 2; i++) {
			fakevfio_poke(e->fn[i], VFIO_PCI_CONFIG_REGION_INDEX, 4, &master, 2);
			assert_true(fakevfio_dma_read(e->fn[i], 0, got, sizeof(got)));
		}
		vfio_session_leave(s);
		assert_int_equal(e->v.n_mappings, 0);
		assert_false(fakevfio_dma_read(e->fn[0], 0, got, sizeof(got)));
	}
}

/* What the session did not take over is the caller's to close. */
static void close_the_rest(struct env *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(e->v.objects); i++)
		if (e->v.objects[i].kind)
			host_close(&e->v.host, e->v.objects[i].fd);
}

static int trip(struct env *e, unsigned fail)
{
	struct vfio_session *s = NULL;
	struct problem *why = NULL;
	struct vfio_fds fds;
	int r;

	e->v.fail_call = 0;
	fds = open_fds(e, NULL, 0);
	assert_int_equal(vfio_session_new(&e->v.host, PEERS_AUTO, &s), 0);
	e->v.calls = 0;
	e->v.fail_call = fail;
	e->v.fail_errno = -EIO;
	r = vfio_session_add(s, &fds, &why);
	if (r == 0) {
		r = enter(e, s, &why);
		vfio_session_free(s);
		assert_int_equal(e->v.n_objects, 0);
	} else {
		vfio_session_free(s);
		assert_false(e->v.n_mappings);
		close_the_rest(e);
	}
	assert_true((r < 0) == (why != NULL));
	problem_free(why);
	return r;
}

static void every_call_may_fail(void **state)
{
	struct env *e = *state;
	unsigned total, refused = 0;

	assert_int_equal(trip(e, 0), 0);
	total = e->v.calls;
	for (unsigned n = 1; n <= total; n++) {
		refused += trip(e, n) < 0;
		assert_int_equal(e->v.n_objects, 0);
		assert_int_equal(e->v.n_mappings, 0);
		assert_false(e->fn[0]->bound);
	}
	/* All of taking over and of mapping, but how memory is counted. */
	assert_true(refused >= 7);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(both_reach_the_memory_and_kvm_knows_them),
		T(every_call_may_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
