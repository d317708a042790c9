// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening everything, and a VMM that is a shell script: it can look at its descriptors and end in
 * every way that a VMM can.
 */
#include "cm.h"

#include "base/str.h"
#include "fakevfio/fakekvm.h"
#include "fakevfio/fakevfio.h"
#include "host/given.h"
#include "launch/attach.h"
#include "launch/backend.h"
#include "launch/child.h"
#include "launch/image.h"

#include <linux/capability.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct env {
	struct fakekvm k;
	struct fakevfio v;
	struct fakevfio_function *fn[2];
	struct function functions[2];
	struct launch_request r;
	struct launch_plan p;
	struct launch_handles io;
	struct problem *why;
	char folder[64], kernel[96], vmm[96], out[96], disk[96], record[96];
};

static void write_file(const char *path, const void *data, size_t n)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

/* A header that says 2.15, 64-bit, one setup sector, 4 KiB of kernel. */
static void write_kernel(const char *path, size_t bytes)
{
	static uint8_t k[8192];

	memset(k, 0, sizeof(k));
	k[0x1f1] = 1;
	k[0x1f4] = 0;
	k[0x1f5] = 1;
	k[0x1fe] = 0x55;
	k[0x1ff] = 0xaa;
	memcpy(&k[0x202], "HdrS", 4);
	k[0x206] = 15;
	k[0x207] = 2;
	k[0x236] = 0x7f;
	write_file(path, k, bytes);
}

static int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	uint8_t config[256] = { 0x86, 0x80 }, sectors[4096] = { 0 };

	snprintf(e->folder, sizeof(e->folder), "/tmp/vfctl-launch-XXXXXX");
	if (!mkdtemp(e->folder))
		return -1;
	snprintf(e->kernel, sizeof(e->kernel), "%s/vmlinuz", e->folder);
	snprintf(e->vmm, sizeof(e->vmm), "%s/vmm", e->folder);
	snprintf(e->out, sizeof(e->out), "%s/out", e->folder);
	snprintf(e->disk, sizeof(e->disk), "%s/disk", e->folder);
	snprintf(e->record, sizeof(e->record), "%s/record", e->folder);
	write_kernel(e->kernel, 8192);
	write_file(e->disk, sectors, sizeof(sectors));
	fakekvm_init(&e->k);
	fakevfio_init(&e->v, &e->k.host);
	e->fn[0] = fakevfio_add(&e->v, "0000:01:10.0", 12, config, sizeof(config));
	e->fn[1] = fakevfio_add(&e->v, "0000:01:10.2", 13, config, sizeof(config));
	for (int i = 0; i < 2; i++) {
		snprintf(e->functions[i].address, sizeof(e->functions[i].address), "%s",
			e->fn[i]->name);
		e->functions[i].iommu_group = (int)e->fn[i]->group;
	}
	launch_request_init(&e->r);
	e->r.kernel = e->kernel;
	e->r.memory_bytes = 4 << 20; /* what a plain user may pin */
	*state = e;
	return 0;
}

static int teardown(void **state)
{
	struct env *e = *state;
	unsigned left;

	launch_handles_done(&e->io);
	launch_plan_done(&e->p);
	launch_request_done(&e->r);
	problem_free(e->why);
	left = fakevfio_done(&e->v);
	fakekvm_done(&e->k);
	unlink(e->kernel);
	unlink(e->vmm);
	unlink(e->out);
	unlink(e->disk);
	unlink(e->record);
	rmdir(e->folder);
	free(e);
	return left ? -1 : 0;
}

static void want(struct env *e, const char *first, const char *second)
{
	const char *texts[] = { first, second };

	for (int i = 0; i < 2 && texts[i]; i++)
		assert_int_equal(launch_add_vf(&e->r, texts[i], NULL), 0);
	e->p.v = calloc(2, sizeof(*e->p.v));
	e->p.n = e->r.n_vfs;
	for (size_t i = 0; i < e->p.n; i++)
		e->p.v[i] =
			(struct launch_choice) { .vf = &e->r.vfs[i], .function = &e->functions[i] };
}

static int open_all(struct env *e)
{
	int r = launch_open_files(&e->v.host, &e->r, &e->io, &e->why);

	return r < 0 ? r : launch_open_devices(&e->v.host, &e->r, &e->p, &e->io, &e->why);
}

static void script(struct env *e, const char *text)
{
	autofree char *all = str_printf("#!/bin/sh\nexec >%s\n%s\n", e->out, text);

	write_file(e->vmm, all, strlen(all));
	assert_int_equal(chmod(e->vmm, 0755), 0);
}

static char *output(struct env *e)
{
	char *buf = calloc(1, 4096);
	FILE *f = fopen(e->out, "r");

	assert_non_null(f);
	assert_true(fread(buf, 1, 4095, f) < 4095);
	fclose(f);
	return buf;
}

/* Every argument that names descriptors is looked up in the child's own table. */
#define LOOK_AT_FDS                                                                                \
	"prev=\n"                                                                                  \
	"for a; do\n"                                                                              \
	"  case $prev in --kvm|--kernel|--status|--record) f=$a ;;\n"                              \
	"  --disk|--vfio) f=$(echo \"$a\" | tr ',' '\\n' |\n"                                      \
	"      sed -n 's/^\\(fd\\|container\\|group\\|device\\|iommufd\\)=//p') ;;\n"              \
	"  *) f= ;; esac\n"                                                                        \
	"  for fd in $f; do [ -e /proc/self/fd/$fd ] || echo \"$prev $fd is closed\"; done\n"      \
	"  prev=$a\n"                                                                              \
	"done\n"

static void the_vmm_gets_all_its_descriptors(void **state)
{
	struct env *e = *state;
	struct launch_end end;
	autofree char *said = NULL;

	want(e, "a", "b");
	assert_int_equal(launch_add_disk(&e->r, e->disk, NULL), 0);
	e->r.rng = true;
	e->r.balloon = true;
	e->r.append = "console=ttyS0 with spaces";
	e->r.huge_page = 2 << 20;
	e->r.record = e->record;
	assert_int_equal(open_all(e), 0);
	assert_int_equal(launch_open_record(&e->r, &e->io, NULL), 0);
	e->p.memory = (struct launch_memory) { .node = 1, .only = true, .no_thp = true };
	assert_ptr_equal(e->io.devices[0]->host, &e->v.host);
	script(e, LOOK_AT_FDS "echo \"$@\"\n");
	assert_int_equal(launch_run(e->vmm, &e->r, &e->p, &e->io, &end, &e->why), 0);
	assert_int_equal(end.status, 0);
	assert_null(end.report);
	said = output(e);
	assert_null(strstr(said, "is closed"));
	assert_non_null(strstr(said, "--mem 4194304 --huge-pages 2097152 --numa 1,only "));
	assert_non_null(strstr(said, "--append console=ttyS0 with spaces "));
	assert_non_null(strstr(said, ",name=0000:01:10.0,clean --vfio container="));
	assert_non_null(strstr(said, ",name=0000:01:10.2,clean --disk fd="));
	assert_non_null(strstr(said, " --rng --balloon\n"));
	assert_non_null(strstr(said, " --record "));
	/* Ours are closed: the group is free again. */
	assert_int_equal(e->v.n_objects, 0);
}

static void give(struct env *e, const char *path)
{
	int fd = e->v.host.ops->open(&e->v.host, path, 0);

	assert_true(fd >= 0);
	assert_int_equal(host_give(&e->v.host, path, fd), 0);
}

/* Somebody else opened them: the paths, which are busy now, are left alone. */
static void what_was_given_is_not_opened(void **state)
{
	struct env *e = *state;
	struct launch_end end;
	autofree char *said = NULL;

	give(e, "/dev/vfio/vfio");
	give(e, "/dev/vfio/12");
	give(e, "/dev/vfio/13");
	want(e, "a", "b");
	assert_int_equal(open_all(e), 0);
	assert_int_equal(e->p.v[0].how, LAUNCH_VFIO);
	assert_int_equal(e->p.v[1].how, LAUNCH_VFIO);
	script(e, LOOK_AT_FDS "echo \"$@\"\n");
	assert_int_equal(launch_run(e->vmm, &e->r, &e->p, &e->io, &end, &e->why), 0);
	said = output(e);
	assert_null(strstr(said, "is closed"));
	assert_non_null(strstr(said, ",name=0000:01:10.2"));
	assert_int_equal(e->v.n_objects, 0);
	host_forget_given(&e->v.host);
}

/* One iommufd for all functions, and no groups. */
static void by_iommufd(void **state)
{
	struct env *e = *state;
	struct launch_end end;
	autofree char *said = NULL;

	e->v.iommufd = true;
	want(e, "a", "b");
	assert_string_equal(launch_backend(&e->v.host, &e->r, &e->p), "iommufd");
	assert_int_equal(launch_check_backend(&e->v.host, &e->r, &e->p, NULL), 0);
	assert_int_equal(open_all(e), 0);
	assert_null(e->io.why_type1);
	assert_false(e->fn[0]->group_open);
	script(e, LOOK_AT_FDS "echo \"$@\"\n");
	assert_int_equal(launch_run(e->vmm, &e->r, &e->p, &e->io, &end, &e->why), 0);
	said = output(e);
	assert_null(strstr(said, "is closed"));
	assert_null(strstr(said, "container="));
	assert_non_null(strstr(said, "--vfio iommufd="));
	assert_non_null(strstr(said, ",name=0000:01:10.2"));
	assert_int_equal(e->v.n_objects, 0);
	assert_false(e->fn[0]->bound);
}

static void by_what_was_given_of_it(void **state)
{
	struct env *e = *state;

	e->v.iommufd = true;
	give(e, "/dev/iommu");
	give(e, "/dev/vfio/devices/vfio0");
	e->v.iommufd_errno = -EACCES; /* for whoever opens it himself */
	want(e, "a", NULL);
	assert_int_equal(open_all(e), 0);
	assert_string_equal(e->io.space->ops->name, "iommufd");
	launch_handles_done(&e->io);
	host_forget_given(&e->v.host);
}

/* The kernel has it, and the user may not open it: groups are his way. */
static void what_may_not_be_opened_is_passed_over(void **state)
{
	struct env *e = *state;

	e->v.iommufd = true;
	e->v.iommufd_errno = -EACCES;
	want(e, "a", "b");
	assert_int_equal(open_all(e), 0);
	assert_string_equal(e->io.space->ops->name, "type1");
	assert_int_equal(e->io.why_type1->kind, PROBLEM_PERMISSION);
	launch_handles_done(&e->io);
	assert_int_equal(launch_set_backend(&e->r, "iommufd", NULL), 0);
	assert_int_equal(open_all(e), -EACCES);
	assert_int_equal(e->why->kind, PROBLEM_PERMISSION);
}

static void what_is_wished_for_has_to_be_there(void **state)
{
	struct env *e = *state;
	autofree char *text = str_printf("b,fallback=virtio-blk:%s", e->disk);

	assert_int_equal(launch_set_backend(&e->r, "vfio", &e->why), -EINVAL);
	assert_int_equal(e->why->kind, PROBLEM_USAGE);
	problem_free(TAKE_PTR(e->why));
	assert_int_equal(launch_set_backend(&e->r, "iommufd", NULL), 0);
	want(e, "a", text);
	e->v.iommufd = true;
	e->fn[1]->no_node = true;
	assert_int_equal(launch_check_backend(&e->v.host, &e->r, &e->p, NULL), 0);
	assert_int_equal(e->p.v[0].how, LAUNCH_VFIO);
	assert_int_equal(e->p.v[1].how, LAUNCH_DISK);
	assert_non_null(strstr(e->p.v[1].why->what, "no VFIO device node"));
	e->v.iommufd = false;
	assert_int_equal(launch_check_backend(&e->v.host, &e->r, &e->p, &e->why), -ENOENT);
	assert_int_equal(e->why->kind, PROBLEM_UNSUPPORTED);
	problem_free(TAKE_PTR(e->why));
	assert_int_equal(launch_set_backend(&e->r, "type1", NULL), 0);
	assert_int_equal(launch_check_backend(&e->v.host, &e->r, &e->p, NULL), 0);
	e->v.no_groups = true;
	assert_int_equal(launch_check_backend(&e->v.host, &e->r, &e->p, NULL), -ENOENT);
}

static size_t opened_for(struct env *e, int container, bool is_iommufd, bool expect_iommufd)
{
	autolaunchfunction f = { 0 };
	int fds[3];
	size_t n;

	assert_int_equal(
		launch_open_function(&e->v.host, &e->p.v[0], container, is_iommufd, &f, NULL), 0);
	assert_int_equal(launch_function_is_iommufd(&f), expect_iommufd);
	n = launch_function_fds(&f, fds);
	assert_int_equal(fds[0], f.device->fd);
	for (size_t i = 0; i < n; i++)
		assert_true(fds[i] >= 0);
	return n;
}

/* For a guest that runs: into what it has, or what works. */
static void one_more_goes_where_the_others_are(void **state)
{
	struct env *e = *state;

	want(e, "a", NULL);
	assert_int_equal(opened_for(e, -1, false, false), 3);
	e->v.iommufd = true;
	assert_int_equal(opened_for(e, -1, false, true), 2);
	assert_int_equal(
		opened_for(e, e->v.host.ops->open(&e->v.host, "/dev/iommu", 0), true, true), 1);
	assert_int_equal(e->v.n_objects, 0);
	assert_false(e->fn[0]->bound || e->fn[0]->group_open);
}

/* A group that the guest has open cannot be opened again: through what is lent of it, it can. */
static void one_more_of_a_group_comes_through_the_others(void **state)
{
	struct env *e = *state;
	autolaunchfunction first = { 0 }, none = { 0 };
	struct problem *why = NULL;
	int device;

	e->fn[1]->group = e->fn[0]->group;
	e->functions[1].iommu_group = e->functions[0].iommu_group;
	want(e, "a", "b");
	assert_int_equal(launch_open_function(&e->v.host, &e->p.v[0], -1, false, &first, NULL), 0);
	assert_int_equal(
		launch_open_function(&e->v.host, &e->p.v[1], -1, false, &none, &why), -EBUSY);
	problem_free(TAKE_PTR(why));
	device = launch_open_beside(&e->v.host, &e->p.v[1], first.device->group_fd, NULL);
	assert_true(device >= 0);
	assert_int_equal(e->fn[1]->devices_open, 1);
	host_close(&e->v.host, device);
	e->fn[1]->vf_token = "6ba7b810-9dad-11d1-80b4-00c04fd430c8";
	device = launch_open_beside(&e->v.host, &e->p.v[1], first.device->group_fd, &why);
	assert_int_equal(device, -EACCES);
	assert_int_equal(why->kind, PROBLEM_PERMISSION);
	problem_free(why);
}

static void the_vmm_gains_no_rights(void **state)
{
	struct env *e = *state;
	struct launch_end end;
	autofree char *said = NULL;

	want(e, "a", NULL);
	assert_int_equal(open_all(e), 0);
	script(e, "grep -E '^(NoNewPrivs|CapEff|CapPrm|CapAmb)' /proc/self/status");
	assert_int_equal(launch_run(e->vmm, &e->r, &e->p, &e->io, &end, &e->why), 0);
	said = output(e);
	assert_non_null(strstr(said, "NoNewPrivs:\t1\n"));
	if (geteuid() == 0)
		return;
	assert_non_null(strstr(said, "CapPrm:\t0000000000000000\n"));
	assert_non_null(strstr(said, "CapEff:\t0000000000000000\n"));
}

static void what_cannot_be_opened_falls_back(void **state)
{
	struct env *e = *state;
	autofree char *text = str_printf("b,fallback=virtio-blk:%s,ro", e->disk);

	e->fn[1]->viable = false;
	want(e, "a", text);
	assert_int_equal(open_all(e), 0);
	assert_int_equal(e->p.v[0].how, LAUNCH_VFIO);
	assert_int_equal(e->p.v[1].how, LAUNCH_DISK);
	assert_int_equal(e->p.v[1].why->kind, PROBLEM_GROUP_NOT_VIABLE);
	assert_null(e->io.devices[1]);
	assert_true(e->io.fallbacks[1] >= 0);
	assert_false(e->fn[1]->group_open);
}

static void when_all_fall_back_nothing_is_held(void **state)
{
	struct env *e = *state;
	autofree char *text = str_printf("a,fallback=virtio-blk:%s", e->disk);

	e->fn[0]->group_open = true; /* by somebody else */
	want(e, text, NULL);
	assert_int_equal(open_all(e), 0);
	assert_int_equal(e->p.v[0].why->kind, PROBLEM_IN_USE);
	assert_null(e->io.space);
	assert_int_equal(e->v.n_objects, 0);
}

/* Before anything is pinned: the kernel has told how many there are. */
static void too_few_mappings_fall_back(void **state)
{
	struct env *e = *state;
	autofree char *text = str_printf("a,fallback=virtio-blk:%s", e->disk), *why = NULL;

	e->v.dma_limit = 1;
	e->r.memory_bytes = 4ULL << 30; /* goes on above 4 GiB */
	want(e, text, NULL);
	assert_int_equal(open_all(e), 0);
	assert_int_equal(e->p.v[0].how, LAUNCH_DISK);
	assert_int_equal(e->p.v[0].why->kind, PROBLEM_DMA_LIMIT);
	why = problem_text(e->p.v[0].why);
	assert_non_null(strstr(why, "needs 2 DMA mappings, the IOMMU has 1 left"));
	assert_int_equal(e->v.maps, 0);
	assert_null(e->io.space);
}

static void one_mapping_is_enough_for_little_memory(void **state)
{
	struct env *e = *state;

	e->v.dma_limit = 1;
	e->r.memory_bytes = 3ULL << 30;
	want(e, "a", NULL);
	assert_int_equal(open_all(e), 0);
	assert_int_equal(e->p.v[0].how, LAUNCH_VFIO);
}

static void without_fallback_it_is_refused(void **state)
{
	struct env *e = *state;

	e->fn[1]->viable = false;
	want(e, "a", "b");
	assert_int_equal(open_all(e), -EPERM);
	assert_int_equal(e->why->kind, PROBLEM_GROUP_NOT_VIABLE);
	assert_string_equal(e->why->what, "b");
	launch_handles_done(&e->io);
	assert_int_equal(e->v.n_objects, 0);
}

static void every_call_may_fail(void **state)
{
	struct env *e = *state;
	unsigned total;

	want(e, "a", "b");
	assert_int_equal(open_all(e), 0);
	total = e->v.calls;
	launch_handles_done(&e->io);
	for (unsigned n = 1; n <= total; n++) {
		e->v.calls = 0;
		e->v.fail_call = n;
		e->v.fail_errno = -EIO;
		assert_true(open_all(e) < 0);
		assert_non_null(e->why);
		problem_free(TAKE_PTR(e->why));
		launch_handles_done(&e->io);
		assert_int_equal(e->v.n_objects, 0);
		assert_int_equal(e->k.opened, -1);
	}
}

/* But how memory is counted, which may be refused, is two calls that nothing depends on. */
static void every_call_by_iommufd_may_fail(void **state)
{
	struct env *e = *state;
	unsigned total, survived = 0;

	e->v.iommufd = true;
	want(e, "a", "b");
	assert_int_equal(open_all(e), 0);
	total = e->v.calls;
	launch_handles_done(&e->io);
	for (unsigned n = 1; n <= total; n++) {
		e->v.calls = 0;
		e->v.fail_call = n;
		e->v.fail_errno = -EIO;
		survived += open_all(e) == 0;
		assert_false(e->why && !e->why->what);
		problem_free(TAKE_PTR(e->why));
		launch_handles_done(&e->io);
		assert_int_equal(e->v.n_objects, 0);
		assert_false(e->fn[0]->bound || e->fn[1]->bound);
		assert_int_equal(e->k.opened, -1);
	}
	assert_int_equal(survived, 4); /* of two functions how memory is counted, and dirty pages */
}

/* In a child, which gives up its capabilities. */
static void memlock_child(struct env *e)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };
	struct rlimit limit = { 1 << 20, 1 << 20 };
	autofree char *text = str_printf("a,fallback=virtio-blk:%s", e->disk);

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(syscall(SYS_capset, &head, caps), 0);
	want(e, text, "b");
	assert_int_equal(open_all(e), -ENOMEM);
	assert_int_equal(e->why->kind, PROBLEM_MEMLOCK);
	assert_int_equal(e->p.v[0].how, LAUNCH_DISK);
	assert_non_null(strstr(e->p.v[0].why->what, "allows 1048576 bytes"));
	assert_non_null(strstr(e->p.v[0].why->what, "needs 4194304"));
	/* What the hard limit allows is raised without a word. */
	e->r.memory_bytes = 1 << 20;
	limit.rlim_cur = 4096;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
	assert_int_equal(launch_check_memlock(&e->p, 1 << 20, NULL), 0);
	assert_int_equal(e->p.v[1].how, LAUNCH_VFIO);
}

static void memory_that_may_not_be_pinned_is_told(void **state)
{
	struct env *e = *state;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		memlock_child(e);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void end_of(struct env *e, const char *text, struct launch_end *end)
{
	*end = (struct launch_end) { 0 };
	if (!e->p.v)
		want(e, NULL, NULL);
	assert_int_equal(open_all(e), 0);
	script(e, text);
	assert_int_equal(launch_run(e->vmm, &e->r, &e->p, &e->io, end, &e->why), 0);
	free(TAKE_PTR(end->report));
}

/* dash knows no descriptors of two digits. */
#define SAY(text)                                                                                  \
	"while [ \"$1\" != --status ]; do shift; done\n"                                           \
	"echo '" text "' >/proc/self/fd/$2\n"
#define REPORT(reason, what) SAY("{\"reason\":\"" reason "\",\"what\":\"" what "\"}")

static void the_end_is_told(void **state)
{
	struct env *e = *state;
	struct launch_end end;

	end_of(e, REPORT("power-off", "") "exit 0", &end);
	assert_string_equal(end.reason, "power-off");
	assert_int_equal(launch_judge(&end, "web1", NULL), 0);
	end_of(e, "exit 10", &end);
	assert_int_equal(launch_judge(&end, "web1", NULL), 0);
	end_of(e, REPORT("crashed", "triple fault") "exit 20", &end);
	assert_int_equal(launch_judge(&end, "web1", &e->why), -ENOTRECOVERABLE);
	assert_int_equal(e->why->kind, PROBLEM_GUEST_CRASHED);
	assert_string_equal(e->why->what, "guest web1 crashed: triple fault");
	problem_free(TAKE_PTR(e->why));
	end_of(e, SAY("nonsense") "exit 1", &end);
	assert_int_equal(launch_judge(&end, "web1", &e->why), -ECHILD);
	problem_free(TAKE_PTR(e->why));
	end_of(e, "kill -9 $$", &end);
	assert_int_equal(end.status, 137);
	assert_int_equal(launch_judge(&end, "web1", &e->why), -ECHILD);
	assert_non_null(strstr(e->why->what, "signal 9"));
	problem_free(TAKE_PTR(e->why));
	end_of(e, REPORT("sandbox", "the sandbox stopped it: system call 2") "kill -31 $$", &end);
	assert_int_equal(end.status, 159);
	assert_int_equal(launch_judge(&end, "web1", &e->why), -ECHILD);
	assert_int_equal(e->why->kind, PROBLEM_SANDBOX);
	assert_string_equal(e->why->what, "guest web1: the sandbox stopped it: system call 2");
	problem_free(TAKE_PTR(e->why));
	end_of(e, "kill -31 $$", &end);
	assert_int_equal(launch_judge(&end, "web1", &e->why), -ECHILD);
	assert_non_null(strstr(e->why->what, "SIGSYS"));
}

static void signals_are_passed_on(void **state)
{
	struct env *e = *state;
	struct launch_end end;
	autofree char *text = str_printf(
		"trap 'exit 11' TERM\nkill -TERM %d\nwhile :; do sleep 0.05; done", (int)getpid());

	end_of(e, text, &end);
	assert_int_equal(end.status, 11);
	assert_int_equal(launch_judge(&end, "web1", NULL), 0);
}

static void a_program_that_cannot_run_is_told(void **state)
{
	struct env *e = *state;
	struct launch_end end;

	want(e, NULL, NULL);
	assert_int_equal(open_all(e), 0);
	write_file(e->vmm,
		"\x7f"
		"ELF",
		4);
	assert_int_equal(chmod(e->vmm, 0755), 0);
	assert_int_equal(launch_run(e->vmm, &e->r, &e->p, &e->io, &end, &e->why), -ENOEXEC);
}

static void the_program_is_found_or_missed(void **state)
{
	struct env *e = *state;
	autofree char *path = NULL;
	char *none = NULL;

	script(e, "exit 0");
	assert_int_equal(launch_find_vmm(&e->v.host, e->vmm, &path, NULL), 0);
	assert_string_equal(path, e->vmm);
	assert_int_equal(launch_find_vmm(&e->v.host, e->disk, &none, &e->why), -ENOENT);
	assert_int_equal(e->why->kind, PROBLEM_NOT_FOUND);
}

static void bad_image(struct env *e, int fd, enum problem_kind kind)
{
	assert_true(fd < 0);
	assert_int_equal(e->why->kind, kind);
	problem_free(TAKE_PTR(e->why));
}

/* A record begins anew; what is no record stays. */
static void a_record_takes_the_place_of_a_record_only(void **state)
{
	static const char old[] = "vfctl-trace 1\n# of yesterday\n", disk[] = "a disk, or a letter";
	struct env *e = *state;
	struct host *h = &e->v.host;
	struct stat st;
	int fd;

	for (int i = 0; i < 2; i++) {
		fd = image_open_record(h, e->record, NULL);
		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_int_equal(st.st_size, 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_true(fcntl(fd, F_GETFL) & O_APPEND);
		close(fd);
		write_file(e->record, old, sizeof(old) - 1);
	}
	write_file(e->record, disk, sizeof(disk));
	bad_image(e, image_open_record(h, e->record, &e->why), PROBLEM_BAD_IMAGE);
	assert_int_equal(stat(e->record, &st), 0);
	assert_int_equal(st.st_size, sizeof(disk));
}

static void images_are_checked(void **state)
{
	struct env *e = *state;
	struct host *h = &e->v.host;
	int fd = image_open_kernel(h, e->kernel, NULL);

	assert_true(fd >= 0);
	close(fd);
	write_kernel(e->kernel, 4096); /* says 1024 + 4096 */
	bad_image(e, image_open_kernel(h, e->kernel, &e->why), PROBLEM_BAD_IMAGE);
	bad_image(e, image_open_kernel(h, e->disk, &e->why), PROBLEM_BAD_IMAGE);
	bad_image(e, image_open_kernel(h, e->folder, &e->why), PROBLEM_BAD_IMAGE);
	bad_image(e, image_open_kernel(h, "/nosuch", &e->why), PROBLEM_NOT_FOUND);
	bad_image(e, image_open_disk(h, e->folder, false, false, &e->why), PROBLEM_BAD_IMAGE);
	bad_image(e, image_open_disk(h, e->folder, true, false, &e->why), PROBLEM_BAD_IMAGE);
	write_file(e->out, "short", 5);
	bad_image(e, image_open_disk(h, e->out, true, false, &e->why), PROBLEM_BAD_IMAGE);
	write_file(e->out, "", 0);
	bad_image(e, image_open_initrd(h, e->out, &e->why), PROBLEM_BAD_IMAGE);
	bad_image(e, image_open_record(h, e->folder, &e->why), PROBLEM_BAD_IMAGE);
	unlink(e->out);
	assert_int_equal(mkfifo(e->out, 0600), 0); /* and nobody waits for a writer */
	assert_int_equal(image_open_record(h, e->out, &e->why), -EINVAL);
	problem_free(TAKE_PTR(e->why));
	bad_image(e, image_open_initrd(h, e->out, &e->why), PROBLEM_BAD_IMAGE);
	bad_image(e, image_open_kernel(h, e->out, &e->why), PROBLEM_BAD_IMAGE);
}

/* One writer, or many who read; as long as a copy of the descriptor is open somewhere. */
static void a_disk_is_used_by_one(void **state)
{
	struct env *e = *state;
	struct host *h = &e->v.host;
	int fd = image_open_disk(h, e->disk, false, false, NULL), copy;

	assert_true(fd >= 0);
	bad_image(e, image_open_disk(h, e->disk, false, false, &e->why), PROBLEM_IN_USE);
	bad_image(e, image_open_disk(h, e->disk, true, false, &e->why), PROBLEM_IN_USE);
	copy = dup(fd);
	close(fd);
	bad_image(e, image_open_disk(h, e->disk, true, false, &e->why), PROBLEM_IN_USE);
	close(copy);
	fd = image_open_disk(h, e->disk, true, false, NULL);
	assert_true(fd >= 0);
	copy = image_open_disk(h, e->disk, true, false, NULL);
	assert_true(copy >= 0);
	bad_image(e, image_open_disk(h, e->disk, false, false, &e->why), PROBLEM_IN_USE);
	close(fd);
	close(copy);
}

/* Without the page cache, or a reason why not. */
static void a_disk_without_the_page_cache(void **state)
{
	struct env *e = *state;
	int fd = image_open_disk(&e->v.host, e->disk, false, true, &e->why);

	if (fd < 0) {
		assert_non_null(strstr(e->why->what, "page cache"));
		problem_free(TAKE_PTR(e->why));
		return;
	}
	assert_true(fcntl(fd, F_GETFL) & O_DIRECT);
	close(fd);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_vmm_gets_all_its_descriptors),
		T(by_iommufd),
		T(one_more_goes_where_the_others_are),
		T(one_more_of_a_group_comes_through_the_others),
		T(by_what_was_given_of_it),
		T(what_may_not_be_opened_is_passed_over),
		T(what_is_wished_for_has_to_be_there),
		T(every_call_by_iommufd_may_fail),
		T(what_was_given_is_not_opened),
		T(the_vmm_gains_no_rights),
		T(what_cannot_be_opened_falls_back),
		T(when_all_fall_back_nothing_is_held),
		T(too_few_mappings_fall_back),
		T(one_mapping_is_enough_for_little_memory),
		T(without_fallback_it_is_refused),
		T(every_call_may_fail),
		T(memory_that_may_not_be_pinned_is_told),
		T(the_end_is_told),
		T(signals_are_passed_on),
		T(a_program_that_cannot_run_is_told),
		T(the_program_is_found_or_missed),
		T(a_record_takes_the_place_of_a_record_only),
		T(images_are_checked),
		T(a_disk_is_used_by_one),
		T(a_disk_without_the_page_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
