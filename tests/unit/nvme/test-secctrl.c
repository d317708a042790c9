// SPDX-License-Identifier: GPL-2.0-or-later
/* Secondary controllers: the order that works, and a clear word for every order that does not. */
#include "cm.h"
#include "base/str.h"
#include "fake/fake.h"
#include "host/devnode.h"
#include "host/sysfs.h"
#include "nvme/secctrl.h"

#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>

#define NVME "0000:03:00.0"
#define VF0  "0000:03:00.1"

static const struct bdf pf = { 0, 3, 0, 0 };

struct fixture {
	struct host *h;
	struct nvmepf *p;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->h = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz");
	*state = f;
	return nvmepf_open(f->h, pf, &f->p, NULL);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	int hangs = (int)fake_hangs(f->h);

	nvmepf_free(f->p);
	host_free(f->h);
	free(f);
	return hangs;
}

static void numvfs(struct fixture *f, const char *n)
{
	assert_int_equal(sysfs_write(f->h, n, "bus/pci/devices/" NVME "/sriov_numvfs"), 0);
	host_sleep_ms(f->h, 200);
}

static void assert_refused(int r, int code, struct problem **p, const char *part)
{
	autofree char *text = problem_text(*p);

	assert_int_equal(r, code);
	assert_non_null(text);
	if (!strstr(text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, text);
	problem_free(*p);
	*p = NULL;
}

static void looking(void **state)
{
	struct fixture *f = *state;
	struct nvmepf_caps caps;
	struct secctrl s, *list;
	size_t n;

	assert_int_equal(nvmepf_get_caps(f->p, &caps, NULL), 0);
	assert_true(caps.vq.supported && caps.vi.supported);
	assert_int_equal(caps.vq.flexible, 8);
	assert_int_equal(caps.vq.max_per_vf, 4);
	assert_int_equal(caps.vq.fixed, 3);
	assert_int_equal(caps.vi.flexible, 4);
	assert_int_equal(caps.vi.max_per_vf, 2);
	assert_int_equal(nvmepf_list(f->p, &list, &n, NULL), 0);
	assert_int_equal(n, 2);
	assert_int_equal(list[1].scid, 2);
	assert_int_equal(list[1].vf, 2);
	assert_false(list[1].online);
	free(list);
	assert_int_equal(nvmepf_find(f->p, 1, &s, NULL), 0);
	assert_int_equal(s.vf, 2);
	assert_int_equal(nvmepf_find(f->p, 2, &s, NULL), -ENOENT);
}

static void the_way_up_and_down(void **state)
{
	struct fixture *f = *state;
	struct nvmepf_caps caps;
	autofree char *driver = NULL;
	struct secctrl s;

	assert_int_equal(nvmepf_set_resources(f->p, 0, 2, 1, NULL), 1);
	assert_int_equal(nvmepf_set_resources(f->p, 0, 2, 1, NULL), 0);
	numvfs(f, "1");
	assert_null(fake_driver(f->h, VF0)); /* offline: its driver gives up */
	assert_int_equal(nvmepf_set_online(f->p, 0, true, NULL), 1);
	assert_int_equal(nvmepf_set_online(f->p, 0, true, NULL), 0);
	assert_int_equal(nvmepf_find(f->p, 0, &s, NULL), 0);
	assert_true(s.online);
	assert_int_equal(s.nvq, 2);
	assert_int_equal(s.nvi, 1);
	assert_int_equal(nvmepf_get_caps(f->p, &caps, NULL), 0);
	assert_int_equal(caps.vq.assigned, 2);
	assert_int_equal(sysfs_write(f->h, VF0, "bus/pci/drivers/nvme/bind"), 0);
	driver = fake_driver(f->h, VF0);
	assert_string_equal(driver, "nvme");
	assert_true(devnode_exists(f->h, "nvme1"));
	assert_int_equal(nvmepf_set_online(f->p, 0, false, NULL), 1);
	assert_int_equal(nvmepf_set_online(f->p, 0, false, NULL), 0);
	assert_int_equal(nvmepf_find(f->p, 0, &s, NULL), 0);
	assert_int_equal(s.nvq, 0);
	/* And so does numvfs 0. */
	assert_int_equal(nvmepf_set_resources(f->p, 0, 3, 2, NULL), 1);
	numvfs(f, "0");
	assert_int_equal(nvmepf_find(f->p, 0, &s, NULL), 0);
	assert_int_equal(s.nvq, 0);
	assert_int_equal(s.nvi, 0);
}

static void wrong_orders(void **state)
{
	struct fixture *f = *state;
	struct problem *p = NULL;

	assert_refused(nvmepf_set_online(f->p, 0, true, &p), -EINVAL, &p, "too few to go online");
	assert_int_equal(nvmepf_set_resources(f->p, 0, 2, 1, NULL), 1);
	assert_int_equal(nvmepf_set_online(f->p, 0, true, &p), -ENXIO);
	assert_non_null(strstr(problem_best_hint(p), "create the VFs first"));
	assert_refused(-ENXIO, -ENXIO, &p, "0x4120");
	numvfs(f, "1");
	assert_int_equal(nvmepf_set_online(f->p, 0, true, NULL), 1);
	assert_refused(nvmepf_set_resources(f->p, 0, 3, 1, &p), -EBUSY, &p, "is online");
	assert_int_equal(nvmepf_set_resources(f->p, 0, 2, 1, NULL), 0);
	assert_refused(
		nvmepf_set_online(f->p, 7, true, &p), -ENOENT, &p, "no secondary controller");
}

static void too_much(void **state)
{
	struct fixture *f = *state;
	struct problem *p = NULL;
	struct secctrl s;

	assert_refused(nvmepf_set_resources(f->p, 0, 5, 1, &p), -ERANGE, &p, "at most 4 queues");
	assert_refused(nvmepf_set_resources(f->p, 0, 4, 3, &p), -ERANGE, &p, "at most 2 interrupt");
	fake_nvme_pool(f->h, 4, 4, 4, 2);
	assert_int_equal(nvmepf_set_resources(f->p, 0, 3, 1, NULL), 1);
	assert_refused(nvmepf_set_resources(f->p, 1, 2, 1, &p), -ERANGE, &p,
		"1 of 4 flexible queues left");
	assert_int_equal(nvmepf_set_resources(f->p, 0, 4, 1, NULL), 1); /* its own count is free */
	/* Nothing half done. */
	assert_int_equal(nvmepf_find(f->p, 1, &s, NULL), 0);
	assert_int_equal(s.nvq, 0);
	assert_int_equal(s.nvi, 0);
}

/* Each command of a change fails once; in the end there is all or nothing of it. */
static void every_call_fails_once(void **state)
{
	struct fixture *f = *state;
	unsigned n;

	for (n = 1; n < 20; n++) {
		struct problem *p = NULL;
		struct secctrl s;
		int r;

		fake_fail_nth(f->h, FAKE_IOCTL, n, -EIO);
		r = nvmepf_set_resources(f->p, 0, 2, 1, &p);
		fake_fail_nth(f->h, FAKE_IOCTL, 0, 0);
		assert_int_equal(nvmepf_find(f->p, 0, &s, NULL), 0);
		if (r == 1)
			break;
		assert_int_equal(r, -EIO);
		assert_non_null(p);
		problem_free(p);
		assert_true((s.nvq == 0 && s.nvi == 0) || (s.nvq == 2 && s.nvi == 1));
		assert_true(nvmepf_set_online(f->p, 0, true, NULL) < 0);
		assert_int_equal(nvmepf_set_resources(f->p, 0, 0, 0, NULL), s.nvq ? 1 : 0);
	}
	assert_in_range(n, 5, 10);
}

static void what_controllers_say(void **state)
{
	static const struct {
		int status, code;
		const char *text;
	} cases[] = {
		{ 0x4001, -EOPNOTSUPP, "does not know this command" },
		{ 0x4002, -EOPNOTSUPP, "refuses the request" },
		{ 0x411f, -ENOENT, "no such secondary controller" },
		{ 0x2121, -ERANGE, "not so many resources" },
		{ 0x0122, -EOPNOTSUPP, "resources of this kind" },
		{ 0x0006, -EIO, "NVMe status 0x0006" },
		{ -EACCES, -EACCES, "no permission" },
		{ -EINTR, -EINTR, "Interrupted" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct problem *p = NULL;
		struct nvmepf_caps caps;

		fake_fail_ioctl(f->h, NVME_IOCTL_ADMIN_CMD, cases[i].status);
		assert_refused(nvmepf_get_caps(f->p, &caps, &p), cases[i].code, &p, cases[i].text);
	}
}

static void a_controller_that_lies(void **state)
{
	struct fixture *f = *state;
	struct problem *p = NULL;

	fake_nvme_lies(f->h, true);
	assert_refused(nvmepf_set_resources(f->p, 0, 2, 1, &p), -EIO, &p, "has 0 queues");
	fake_nvme_lies(f->h, false);
	assert_int_equal(nvmepf_set_resources(f->p, 0, 2, 1, NULL), 1);
	numvfs(f, "1");
	fake_nvme_lies(f->h, true);
	assert_refused(nvmepf_set_online(f->p, 0, true, &p), -EIO, &p, "is offline although");
	fake_nvme_lies(f->h, false);
	assert_int_equal(nvmepf_set_online(f->p, 0, true, NULL), 1);
	fake_nvme_lies(f->h, true);
	assert_refused(nvmepf_set_online(f->p, 0, false, &p), -EIO, &p, "is online although");
}

static void not_openable(void **state)
{
	struct fixture *f = *state;
	autohost *captured = NULL;
	struct problem *p = NULL;
	struct nvmepf *n = NULL;

	assert_refused(nvmepf_open(f->h, (struct bdf) { 0, 1, 0, 0 }, &n, &p), -ENOENT, &p,
		"no NVMe controller");
	assert_refused(nvmepf_open(f->h, (struct bdf) { 0, 0xff, 0, 0 }, &n, &p), -ENOENT, &p,
		"no NVMe controller");
	fake_fail_path(f->h, FAKE_OPEN, "/dev/nvme0", -EACCES);
	assert_refused(nvmepf_open(f->h, pf, &n, &p), -EACCES, &p, "nvme0");
	assert_int_equal(host_new_captured(HOSTS_DIR "/s4-nvme-vf.tar.gz", &captured, NULL), 0);
	assert_refused(nvmepf_open(captured, pf, &n, &p), -EROFS, &p, "captured machine");
	assert_null(n);
	/* A controller that goes while it is open. */
	assert_int_equal(sysfs_write(f->h, NVME, "bus/pci/drivers/nvme/unbind"), 0);
	assert_true(nvmepf_set_online(f->p, 0, false, NULL) < 0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(looking),
		T(the_way_up_and_down),
		T(wrong_orders),
		T(too_much),
		T(every_call_fails_once),
		T(what_controllers_say),
		T(a_controller_that_lies),
		T(not_openable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
