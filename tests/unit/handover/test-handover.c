// SPDX-License-Identifier: GPL-2.0-or-later
/* Who gets what handed over, on the fake kernel; and that nothing is left open. */
#include "claim/machine-claim.h"

#include "fakevfio/fakevfio.h"
#include "handover/handover.h"
#include "host/sysfs.h"
#include "uplink/tap.h"
#include "vfio/memlock.h"

#include <dirent.h>
#include <sys/resource.h>

enum { ALICE = 1000, BOB = 1001, SHELL = 4700, OTHER = 4900, START = 100 };

static void process(struct host *h, int pid, int parent, unsigned uid, unsigned saved)
{
	autofree char *stat = str_printf(
		"%d (a) S %d 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, parent, START);
	autofree char *status = str_printf("Name:\ta\nUmask:\t0022\nPid:\t%d\nPPid:\t%d\n"
					   "Uid:\t%u\t%u\t%u\t%u\nGid:\t9\t9\t9\t9\n",
		pid, parent, uid, uid, saved, uid);

	fake_put(h, stat, "/proc/%d/stat", pid);
	fake_put(h, status, "/proc/%d/status", pid);
}

/* Alice's shell, and below it the process that asks: this one, so that its limits are real. */
static void start(struct fixture *f)
{
	fixture_start(f);
	process(f->h, SHELL, 1, ALICE, ALICE);
	process(f->h, getpid(), SHELL, ALICE, ALICE);
	process(f->h, OTHER, 1, BOB, BOB);
}

static struct handover_asker asker(unsigned uid)
{
	return (struct handover_asker) { .uid = uid, .pid = getpid(), .start = START };
}

static void claim(struct fixture *f, const char *address, const char *owner, unsigned uid)
{
	const struct bdf one = at(address);
	const struct claim_request q = {
		.owner = &f->owner, .among = &one, .n_among = 1, .count = 1, .near = -1, .uid = uid
	};
	autoleases given = { 0 };

	owner_done(&f->owner);
	assert_int_equal(owner_parse(f->h, owner, &f->owner, NULL), 0);
	assert_int_equal(claim_take(f->h, &q, &f->opts, &given, NULL), 0);
}

static int ask_by(struct fixture *f, enum vfio_backend backend, struct handover_asker who,
	const char *const *what, uint64_t memory, struct handover *ret)
{
	struct handover_limits limits = { .memory_bytes = 1 << 20 };
	const struct handover_request q = { .asker = who,
		.what = (char *const *)(uintptr_t)what,
		.memory_bytes = memory,
		.backend = backend,
		.run_dir = f->run };

	problem_free(TAKE_PTR(f->problem));
	return handover_open(f->h, &q, &limits, ret, &f->problem);
}
static int ask_for(struct fixture *f, struct handover_asker who, const char *const *what,
	uint64_t memory, struct handover *ret)
{
	return ask_by(f, VFIO_BACKEND_AUTO, who, what, memory, ret);
}
#define ASK(f, who, ret, ...) ask_for(f, who, (const char *const[]) { __VA_ARGS__, NULL }, 0, ret)

static void says(struct fixture *f, enum problem_kind kind, const char *part)
{
	autofree char *text = f->problem ? problem_text(f->problem) : NULL;

	if (!text || !strstr(text, part))
		fail_msg("'%s' is not in '%s'", part, text ? text : "");
	assert_int_equal(f->problem->kind, kind);
}

static unsigned open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void gets_group_and_container(struct fixture *f, struct handover_asker who)
{
	autohandover got = { 0 };

	assert_int_equal(ASK(f, who, &got, VF(0)), 0);
	assert_int_equal(got.n, 2);
	assert_string_equal(got.v[0].name, "/dev/vfio/vfio");
	assert_true(str_starts(got.v[1].name, "/dev/vfio/"));
	assert_int_not_equal(strcmp(got.v[1].name, "/dev/vfio/vfio"), 0);
}

static void refused(
	struct fixture *f, struct handover_asker who, enum problem_kind kind, const char *part)
{
	autohandover got = { 0 };
	unsigned before = open_fds();

	assert_true(ASK(f, who, &got, VF(0)) < 0);
	assert_int_equal(got.n, 0);
	says(f, kind, part);
	assert_int_equal(open_fds(), before);
}

static void what_he_claimed(void **state UNUSED)
{
	autofree char *me = str_printf("process:%d", (int)getpid());
	struct fixture f;

	start(&f);
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, "nobody has claimed");
	claim(&f, VF(0), me, ALICE);
	gets_group_and_container(&f, asker(ALICE));
	gets_group_and_container(&f, asker(ALICE)); /* it was closed: again */
	assert_int_equal(give_back(&f, VF(0)), CLAIM_RETURNED);
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, "nobody has claimed");
	fixture_end(&f);
}

static void gets(struct fixture *f, enum vfio_backend backend, const char *const *names)
{
	static const char *const what[] = { VF(0), VF(2), NULL };
	autohandover got = { 0 };
	size_t n = strv_len((char *const *)(uintptr_t)names);

	assert_int_equal(ask_by(f, backend, asker(ALICE), what, 0, &got), 0);
	assert_int_equal(got.n, n);
	for (size_t i = 0; i < n; i++)
		if (!str_starts(got.v[i].name, names[i]))
			fail_msg("%s, not %s", got.v[i].name, names[i]);
}

/* Where the kernel has it, unless she wants groups: an iommufd for all, a node for each. */
static void by_iommufd(void **state UNUSED)
{
	static const char *const nodes[] = { "/dev/iommu", "/dev/vfio/devices/vfio",
		"/dev/vfio/devices/vfio", NULL };
	static const char *const groups[] = { "/dev/vfio/vfio", "/dev/vfio/", "/dev/vfio/", NULL };
	static const char *const what[] = { VF(0), NULL };
	autofree char *me = str_printf("process:%d", (int)getpid());
	autohandover got = { 0 };
	struct fixture f;

	start(&f);
	claim(&f, VF(0), me, ALICE);
	claim(&f, VF(2), me, ALICE);
	assert_int_equal(ask_by(&f, VFIO_BACKEND_IOMMUFD, asker(ALICE), what, 0, &got), -ENOENT);
	says(&f, PROBLEM_UNSUPPORTED, "no VFIO device node of its own");
	gets(&f, VFIO_BACKEND_AUTO, groups);
	fake_iommufd(f.h);
	gets(&f, VFIO_BACKEND_AUTO, nodes);
	gets(&f, VFIO_BACKEND_IOMMUFD, nodes);
	gets(&f, VFIO_BACKEND_TYPE1, groups);
	/* One function without a node: groups for both. */
	assert_int_equal(give_back(&f, VF(2)), CLAIM_RETURNED);
	claim(&f, VF(2), me, ALICE);
	gets(&f, VFIO_BACKEND_AUTO, nodes);
	fake_vanish(f.h, "/dev/iommu");
	gets(&f, VFIO_BACKEND_AUTO, groups);
	assert_true(ask_by(&f, VFIO_BACKEND_IOMMUFD, asker(ALICE), what, 0, &got) < 0);
	fixture_end(&f);
}

/* What is pinned through it will count for her process alone. */
static void the_iommufd_counts_processes(void **state UNUSED)
{
	static const char *const what[] = { VF(0), NULL };
	autofree char *me = str_printf("process:%d", (int)getpid());
	autohandover got = { 0 };
	struct fixture f;

	start(&f);
	fake_iommufd(f.h);
	claim(&f, VF(0), me, ALICE);
	assert_int_equal(ask_by(&f, VFIO_BACKEND_AUTO, asker(ALICE), what, 0, &got), 0);
	assert_true(fake_vfio(f.h)->memlock_of_process);
	handover_done(&got);
	assert_int_equal(fake_vfio(f.h)->n_objects, 0);
	fixture_end(&f);
}

/* Its node alone opens nothing of them, but nothing is between them either. */
static void fellow_members_by_iommufd(void **state UNUSED)
{
	autofree char *me = str_printf("process:%d", (int)getpid());
	autofree char *group = NULL,
		      *target = str_printf("../../../../devices/pci0000:00/%s", VF(2));
	struct fixture f;

	start(&f);
	fake_iommufd(f.h);
	claim(&f, VF(0), me, ALICE);
	claim(&f, VF(2), "process:4900", BOB);
	assert_int_equal(sysfs_link_name(f.h, &group, "bus/pci/devices/%s/iommu_group", VF(0)), 0);
	fake_link(f.h, target, "/sys/kernel/iommu_groups/%s/devices/%s", group, VF(2));
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, VF(2) " is in the same IOMMU group");
	fixture_end(&f);
}

/* root claimed it for her shell: what runs below that as her, has it. */
static void what_was_claimed_for_him(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	claim(&f, VF(0), "process:4700", 0);
	gets_group_and_container(&f, asker(ALICE));
	/* The shell of somebody else. */
	process(f.h, getpid(), OTHER, ALICE, ALICE);
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, "not by you");
	/* Below hers, but with somebody else's rights in between. */
	process(f.h, getpid(), OTHER, ALICE, ALICE);
	process(f.h, OTHER, SHELL, 0, 0);
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, "claimed by process:4700");
	/* A circle, which a hostile /proc could show, ends. */
	process(f.h, OTHER, OTHER, ALICE, ALICE);
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, "not by you");
	fixture_end(&f);
}

static void what_is_another_s(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	claim(&f, VF(0), "process:4900", BOB);
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, "claimed by process:4900, not by you");
	assert_int_equal(give_back(&f, VF(0)), CLAIM_RETURNED);
	claim(&f, VF(0), "manual:lab", 0);
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, "claimed by manual:lab");
	fixture_end(&f);
}

/* A number that was given to another process, and one that runs with somebody's rights. */
static void who_is_not_who_he_was(void **state UNUSED)
{
	autofree char *me = str_printf("process:%d", (int)getpid());
	struct handover_asker late;
	struct fixture f;

	start(&f);
	claim(&f, VF(0), me, ALICE);
	late = asker(ALICE);
	late.start++;
	refused(&f, late, PROBLEM_NOT_FOUND, "has ended");
	process(f.h, getpid(), SHELL, ALICE, 0);
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, "does not run as user 1000 alone");
	process(f.h, getpid(), SHELL, ALICE, ALICE);
	refused(&f, asker(BOB), PROBLEM_PERMISSION, "does not run as user 1001 alone");
	/* The owner has ended: it is on its way back, although the same user asks. */
	assert_int_equal(give_back(&f, VF(0)), CLAIM_RETURNED);
	claim(&f, VF(0), "process:4700", ALICE);
	fake_vanish(f.h, "/proc/4700");
	refused(&f, asker(ALICE), PROBLEM_NOT_FOUND, "its owner has ended");
	fixture_end(&f);
}

/* The node opens all of the group. */
static void fellow_members(void **state UNUSED)
{
	autofree char *me = str_printf("process:%d", (int)getpid());
	autohandover got = { 0 };
	struct fixture f;

	start(&f);
	claim(&f, VF(0), me, ALICE);
	claim(&f, VF(2), "process:4900", BOB);
	{
		autofree char *group = NULL, *target = NULL;

		assert_int_equal(
			sysfs_link_name(f.h, &group, "bus/pci/devices/%s/iommu_group", VF(0)), 0);
		target = str_printf("../../../../devices/pci0000:00/%s", VF(2));
		fake_link(f.h, target, "/sys/kernel/iommu_groups/%s/devices/%s", group, VF(2));
	}
	refused(&f, asker(ALICE), PROBLEM_PERMISSION, VF(2) " is in the same IOMMU group");
	assert_int_equal(ASK(&f, asker(0), &got, VF(0)), -EPERM); /* root is not Alice's process */
	process(f.h, getpid(), SHELL, 0, 0);
	assert_int_equal(ASK(&f, asker(0), &got, VF(0)), 0);
	handover_done(&got);
	fixture_end(&f);
}

static void nonsense(void **state UNUSED)
{
	char *many[HANDOVER_MAX + 2] = { NULL };
	struct fixture f;
	autohandover got = { 0 };
	static const struct {
		const char *what, *says;
	} cases[] = {
		{ "", "nothing that can be handed over" },
		{ "/dev/kvm", "nothing that can be handed over" },
		{ "/dev/sda", "nothing that can be handed over" },
		{ "tap:", "no name for a tap" },
		{ "tap:../../x", "no name for a tap" },
		{ "tap:eth%d", "no name for a tap" },
		{ "tap:a234567890123456", "no name for a tap" },
		{ "tap:vm0", "none that users may have" },
		{ "bridge:", "no name for a bridge" },
		{ "bridge:-x", "no name for a bridge" },
		{ "bridge:a/b", "no name for a bridge" },
		{ "bridge:br0#", "no name for a bridge" },
		{ "bridge:br0#x", "no name for a bridge" },
		{ "bridge:br0", "none of which users may have a port" },
		{ "bridge:br0#1", "none of which users may have a port" },
		{ "vhost-net1", "nothing that can be handed over" },
		{ "vhost-net#", "nothing that can be handed over" },
		{ "vhost-net#-1", "nothing that can be handed over" },
		{ "ovs:br0", "nothing that can be handed over" },
		{ "9999:99:99.0", "nothing that can be handed over" },
		{ "0000:7f:00.0", "nobody has claimed" },
	};

	start(&f);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_true(ASK(&f, asker(ALICE), &got, cases[i].what) < 0);
		if (!strstr(f.problem->what, cases[i].says))
			fail_msg("%s: %s", cases[i].what, f.problem->what);
	}
	assert_true(ASK(&f, asker(ALICE), &got, VF(0), VF(0)) < 0);
	says(&f, PROBLEM_USAGE, "twice");
	assert_true(ask_for(&f, asker(ALICE), (const char *const *)many, 0, &got) < 0);
	for (size_t i = 0; i <= HANDOVER_MAX; i++)
		many[i] = str_printf("tap:t%zu", i);
	assert_true(ask_for(&f, asker(ALICE), (const char *const *)many, 0, &got) < 0);
	says(&f, PROBLEM_USAGE, "1 to 64");
	for (size_t i = 0; i <= HANDOVER_MAX; i++)
		free(many[i]);
	fixture_end(&f);
}

/* Whatever fails on the way: all that was opened is closed again, the group is free. */
static void failures_leak_nothing(void **state UNUSED)
{
	autofree char *me = str_printf("process:%d", (int)getpid());
	struct fixture f;
	unsigned n, failed = 0;

	start(&f);
	claim(&f, VF(0), me, ALICE);
	claim(&f, VF(2), me, ALICE);
	for (n = 1; n < 10; n++) {
		unsigned before = open_fds();
		int r;
		{
			autohandover got = { 0 };

			fake_fail_nth(f.h, FAKE_OPEN, n, -EIO);
			r = ASK(&f, asker(ALICE), &got, VF(0), VF(2));
			fake_fail_nth(f.h, FAKE_OPEN, 0, 0);
			assert_int_equal(got.n, r < 0 ? 0 : 3);
		}
		assert_int_equal(open_fds(), before);
		failed += r < 0;
		if (r == 0)
			break;
	}
	assert_int_equal(failed, 3); /* a container and two groups */
	gets_group_and_container(&f, asker(ALICE));
	fixture_end(&f);
}

/* In a process of its own: a limit that was lowered cannot be raised by everybody. */
static void memory(void **state UNUSED)
{
	autofree char *me = str_printf("process:%d", (int)getpid());
	const struct rlimit low = { 64 << 10, 4 << 20 };
	struct rlimit before, after;
	autohandover got = { 0 };
	struct fixture f;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &low), 0);
	start(&f);
	claim(&f, VF(0), me, ALICE);
	assert_int_equal(
		ask_for(&f, asker(ALICE), (const char *const[]) { VF(0), NULL }, 2 << 20, &got),
		-ENOMEM);
	says(&f, PROBLEM_MEMLOCK, "2097152 bytes of memory are to be pinned");
	says(&f, PROBLEM_MEMLOCK, "may pin 65536, and a guest may be allowed 1M");
	assert_int_equal(ask_for(&f, asker(ALICE), (const char *const[]) { "tap:x", VF(0), NULL },
				 1 << 20, &got),
		-EACCES);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &after), 0);
	assert_int_equal(after.rlim_cur, low.rlim_cur); /* not for what is refused */
	assert_int_equal(
		ask_for(&f, asker(ALICE), (const char *const[]) { VF(0), NULL }, 1 << 20, &got), 0);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &after), 0);
	assert_int_equal(after.rlim_cur, 1 << 20);
	assert_int_equal(after.rlim_max, low.rlim_max);
	handover_done(&got);
	/* What he may anyway is no more than looked at. */
	assert_int_equal(
		ask_for(&f, asker(ALICE), (const char *const[]) { VF(0), NULL }, 32 << 10, &got),
		0);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &after), 0);
	assert_int_equal(after.rlim_cur, 1 << 20);
	handover_done(&got);
	fixture_end(&f);
	(void)setrlimit(RLIMIT_MEMLOCK, &before);
}

static void put_tap(struct fixture *f, const char *name, const char *owner, const char *group)
{
	fake_put(f->h, owner, "/sys/class/net/%s/owner", name);
	fake_put(f->h, group, "/sys/class/net/%s/group", name);
}

static void tap_refused(
	struct fixture *f, const char *what, enum problem_kind kind, const char *part)
{
	char *patterns[] = { (char[]) { "vm-*" }, (char[]) { "eth0" }, NULL };
	const struct handover_limits l = { .taps = patterns };
	const char *const all[] = { what, NULL };
	const struct handover_request q = {
		.asker = asker(ALICE), .what = (char *const *)(uintptr_t)all, .run_dir = f->run
	};
	autohandover got = { 0 };

	problem_free(TAKE_PTR(f->problem));
	assert_true(handover_open(f->h, &q, &l, &got, &f->problem) < 0);
	says(f, kind, part);
}

/* Names that are listed, and of these what is nobody else's; the fake kernel has no taps. */
static void taps(void **state UNUSED)
{
	struct fixture f;

	start(&f);
	tap_refused(&f, "tap:lan0", PROBLEM_PERMISSION, "none that users may have");
	tap_refused(&f, "tap:vm-1", PROBLEM_UNSUPPORTED, "offers no taps");
	put_tap(&f, "vm-1", "-1\n", "-1\n");
	tap_refused(&f, "tap:vm-1", PROBLEM_UNSUPPORTED, "offers no taps");
	put_tap(&f, "vm-1", "1000\n", "-1\n");
	tap_refused(&f, "tap:vm-1", PROBLEM_UNSUPPORTED, "offers no taps");
	put_tap(&f, "vm-1", "1001\n", "-1\n");
	tap_refused(&f, "tap:vm-1", PROBLEM_PERMISSION, "for another user or a group");
	put_tap(&f, "vm-1", "-1\n", "5\n");
	tap_refused(&f, "tap:vm-1", PROBLEM_PERMISSION, "for another user or a group");
	tap_refused(&f, "tap:eth0", PROBLEM_USAGE, "is no tap");
	fixture_end(&f);
}

/* What the kernel would let this user attach to, without anybody's help. */
static void taps_of_ones_own(void **state UNUSED)
{
	autofree char *me = str_printf("%u\n", geteuid()), *mine = str_printf("%u\n", getegid());
	struct fixture f;

	start(&f);
	assert_false(tap_is_own(f.h, "vm-1"));
	put_tap(&f, "vm-1", me, "-1\n");
	assert_true(tap_is_own(f.h, "vm-1"));
	put_tap(&f, "vm-1", "54321\n", "-1\n");
	assert_false(tap_is_own(f.h, "vm-1"));
	put_tap(&f, "vm-1", me, "54321\n");
	assert_false(tap_is_own(f.h, "vm-1"));
	put_tap(&f, "vm-1", "-1\n", mine);
	assert_true(tap_is_own(f.h, "vm-1"));
	put_tap(&f, "vm-1", "-1\n", "-1\n");
	assert_true(tap_is_own(f.h, "vm-1"));
	fixture_end(&f);
}

static int read_limits(struct fixture *f, const char *text, struct handover_limits *ret)
{
	fake_put(f->h, text, "/etc/vfctl/vfctl.conf");
	problem_free(TAKE_PTR(f->problem));
	return handover_limits_read(f->h, ret, &f->problem);
}

static void limits(void **state UNUSED)
{
	struct handover_limits l = { 0 };
	struct fixture f;

	start(&f);
	fake_put(f.h, "MemTotal:        2048 kB\n", "/proc/meminfo");
	assert_int_equal(handover_limits_read(f.h, &l, NULL), 0);
	assert_null(l.taps);
	assert_int_equal(l.memory_bytes, 1 << 20);
	fake_put(f.h, "[Guests]\nMemoryMax=2M\n", "/usr/lib/vfctl/vfctl.conf");
	assert_int_equal(handover_limits_read(f.h, &l, NULL), 0);
	assert_int_equal(l.memory_bytes, 2 << 20);
	assert_int_equal(
		read_limits(&f,
			"[Guests]\nTaps=vm-* lab0\nTaps=x\nMemoryMax=3M\nBridges=br0 vm-*\n"
			"[Other]\nAnything=1\n",
			&l),
		0);
	assert_int_equal(strv_len(l.taps), 3);
	assert_string_equal(l.taps[1], "lab0");
	assert_int_equal(strv_len(l.bridges), 2);
	assert_int_equal(l.memory_bytes, 3 << 20);
	handover_limits_done(&l);
	assert_int_equal(
		read_limits(&f, "[Guests]\nTaps=vm-*\nTaps=\nMemoryMax=infinity\n", &l), 0);
	assert_null(l.taps);
	assert_true(l.memory_bytes == UINT64_MAX);
	assert_true(read_limits(&f, "[Guests]\nTap=vm-*\n", &l) < 0);
	says(&f, PROBLEM_USAGE, "/etc/vfctl/vfctl.conf:2: [Guests] has no key 'Tap'");
	assert_true(read_limits(&f, "[Guests]\n\nMemoryMax=much\n", &l) < 0);
	says(&f, PROBLEM_USAGE, "vfctl.conf:3: MemoryMax=much is none of its values");
	assert_true(read_limits(&f, "Taps=vm-*\n", &l) < 0);
	says(&f, PROBLEM_USAGE, "vfctl.conf:1: this is not understood");
	handover_limits_done(&l);
	fixture_end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_he_claimed),
		cmocka_unit_test(by_iommufd),
		cmocka_unit_test(the_iommufd_counts_processes),
		cmocka_unit_test(fellow_members_by_iommufd),
		cmocka_unit_test(what_was_claimed_for_him),
		cmocka_unit_test(what_is_another_s),
		cmocka_unit_test(who_is_not_who_he_was),
		cmocka_unit_test(fellow_members),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(failures_leak_nothing),
		cmocka_unit_test(memory),
		cmocka_unit_test(taps),
		cmocka_unit_test(taps_of_ones_own),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
