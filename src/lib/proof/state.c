// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A driver that offers migration has to do it: the function's state is taken out, the function is
 * reset, and takes the state, or one that was taken elsewhere, in again.
 */
#include "run.h"

#include "vfio/migration.h"
#include "vfio/state.h"

#include <inttypes.h>
#include <string.h>

enum {
	STALL_MS = 10000, /* of a driver that gives nothing */
	BUFFER_STEP = 1 << 20,
	BUFFER_MAX = 512 << 20, /* cards with a state of gigabytes take --save-state */
};

/* In place of a file. */
struct buffer {
	char *bytes;
	size_t len, room;
};

static ssize_t buffer_read(void *arg, void *buf, size_t len, uint64_t at)
{
	const struct buffer *b = arg;
	size_t n = at < b->len ? MIN(len, b->len - (size_t)at) : 0;

	if (n)
		memcpy(buf, b->bytes + at, n);
	return (ssize_t)n;
}

static int buffer_grow(struct buffer *b, size_t wanted)
{
	/* Half as much again, or large states would be copied too often. */
	size_t room = MAX(wanted + BUFFER_STEP, b->room + b->room / 2);
	char *bytes;

	if (wanted <= b->room)
		return 0;
	if (wanted > BUFFER_MAX)
		return -EFBIG;
	bytes = realloc(b->bytes, room);
	if (!bytes)
		return -ENOMEM;
	b->bytes = bytes;
	b->room = room;
	return 0;
}

static int buffer_write(void *arg, const void *data, size_t len, uint64_t at)
{
	struct buffer *b = arg;
	int r = buffer_grow(b, (size_t)at + len);

	if (r < 0)
		return r;
	memcpy(b->bytes + at, data, len);
	b->len = MAX(b->len, (size_t)at + len);
	return 0;
}

struct moved {
	struct vfio_saved saved, loaded;
	unsigned save_ms, load_ms;
};

static unsigned since(struct proof_run *r, uint64_t start_ms)
{
	return (unsigned)(host_now_ms(r->host) - start_ms);
}

/* Out, forgotten, and in; it runs again. */
static int move(struct proof_run *r, const struct vfio_saved_file *to,
	const struct vfio_saved_file *from, struct moved *ret, struct problem **reterr)
{
	uint64_t start = host_now_ms(r->host);
	int e = vfio_saved_write(r->device, to, STALL_MS, &ret->saved, reterr);

	if (e < 0)
		return e;
	ret->save_ms = since(r, start);
	if (r->device->can_reset)
		e = vfio_device_reset(r->device, reterr);
	if (e == 0) {
		start = host_now_ms(r->host);
		e = vfio_saved_read(r->device, from, STALL_MS, &ret->loaded, reterr);
		ret->load_ms = since(r, start);
	}
	if (e == 0)
		e = vfio_state_set(r->device, VFIO_STATE_RUNNING, reterr);
	else
		vfio_state_set(r->device, VFIO_STATE_RUNNING, NULL);
	return e;
}

static void judge(struct proof_run *r, struct proof_check *c, const struct moved *m)
{
	uint64_t guess;

	check_proved(c, "%" PRIu64 " bytes taken out in %u ms, %" PRIu64 " put in in %u ms",
		m->saved.bytes, m->save_ms, m->loaded.bytes, m->load_ms);
	if (vfio_state_size(r->device, &guess) == 0)
		check_evidence(c, "its driver thinks of %" PRIu64 " bytes", guess);
}

static bool offers(const struct proof_run *r)
{
	return r->proof->migration > 0 && r->proof->migration & VFIO_MIGRATES;
}

void prove_state(struct proof_run *r)
{
	struct proof_check *c = check_start(r, "state");
	struct buffer own = { 0 };
	const struct vfio_saved_file buffer = { buffer_read, buffer_write, &own },
				     *to = r->opts->save_to ?: &buffer,
				     *from = r->opts->load_from ?: to;
	struct problem *p = NULL;
	struct moved m = { 0 };
	int e;

	if (!offers(r) && (r->opts->save_to || r->opts->load_from)) {
		check_unproved(c, "its VFIO driver can neither take its state out nor put one in");
		c->kind = PROBLEM_UNSUPPORTED;
		return;
	}
	if (!offers(r)) {
		check_skipped(c, "its VFIO driver offers no live migration");
		return;
	}
	e = move(r, to, from, &m, &p);
	if (e < 0)
		check_problem(c, p, e);
	else
		judge(r, c, &m);
	free(own.bytes);
}
