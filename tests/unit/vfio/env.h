/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of both back ends begin with, and how they judge refusals. */
#pragma once

#include "cm.h"

#include "base/str.h"
#include "fakevfio/fakevfio.h"
#include "vfio/device.h"
#include "vfio/space.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct env {
	struct fakevfio kernel;
	struct fakevfio_function *fn, *other;
	struct problem *why;
};

static const struct vfio_target targets[] = {
	{ .name = "0000:01:10.0", .group = 12 },
	{ .name = "0000:01:10.2", .group = 13 },
};

static char memory[8192] __attribute__((aligned(4096)));

static inline int setup(void **state)
{
	struct env *e = calloc(1, sizeof(*e));
	uint8_t config[256] = { 0x86, 0x80 };

	fakevfio_init(&e->kernel, NULL);
	e->fn = fakevfio_add(&e->kernel, targets[0].name, 12, config, sizeof(config));
	fakevfio_bar(e->fn, 0, 16384);
	e->other = fakevfio_add(&e->kernel, targets[1].name, 13, config, sizeof(config));
	*state = e;
	return 0;
}

static inline int teardown(void **state)
{
	struct env *e = *state;
	unsigned left = fakevfio_done(&e->kernel);

	problem_free(e->why);
	free(e);
	return left ? -1 : 0;
}

/* Maps, reaches the function and unmaps: what a VMM does with one that is attached. */
static inline int use(struct env *e, struct vfio_space *s, struct vfio_device *d)
{
	const struct iova at = { 0x10000 };
	uint8_t id[2];
	int r = vfio_space_map(
		s, at, memory, sizeof(memory), VFIO_PROT_READ | VFIO_PROT_WRITE, &e->why);

	if (r >= 0)
		r = vfio_config_read(d, 0, id, sizeof(id));
	if (r >= 0)
		r = vfio_device_reset(d, &e->why);
	if (r >= 0)
		r = vfio_space_unmap(s, at, sizeof(memory), &e->why);
	return r;
}

/* The n-th call from now on fails; 0: none does. */
static inline void fail_call(struct env *e, unsigned n)
{
	e->kernel.calls = 0;
	e->kernel.fail_call = n;
	e->kernel.fail_errno = -EIO;
}

/* What was refused with `r` has said why, and left nothing open. */
static inline void expect_why(
	struct env *e, int r, int code, enum problem_kind kind, const char *part)
{
	autofree char *text = NULL;

	assert_int_equal(r, code);
	assert_non_null(e->why);
	assert_int_equal(e->why->code, code);
	assert_int_equal(e->why->kind, kind);
	text = problem_text(e->why);
	if (!strstr(text, part))
		fail_msg("no \"%s\" in \"%s\"", part, text);
	problem_free(TAKE_PTR(e->why));
	assert_int_equal(e->kernel.n_objects, 0);
}

static inline void limit_memlock(rlim_t bytes)
{
	const struct rlimit limit = { bytes, bytes };

	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

static inline void drop_rights(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { 0 };

	assert_int_equal(syscall(SYS_capset, &head, caps), 0);
}

/* In a child, because a limit that was lowered and a capability that was dropped stay so. */
static inline void in_a_child(struct env *e, void (*what)(struct env *e))
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		what(e);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}
