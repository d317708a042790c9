// SPDX-License-Identifier: GPL-2.0-or-later
/* VFIO_DEVICE_FEATURE, and a driver that moves a function's state by it (vfio_main.c, 6.12). */
#include "parts.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

static const char prefix[] = "state:";

/* Its own, as linux/vfio.h before 6.2 has it not. */
enum { FEATURE_MIG_DATA_SIZE = 9 };

/* As vfio_check_feature(): 1 go on, 0 that was all, or an errno. */
static int check_feature(const struct vfio_device_feature *q, uint32_t can, size_t bytes)
{
	uint32_t wanted = q->flags & (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET);

	if (wanted & ~can)
		return -EINVAL;
	if (q->flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	return !wanted || q->argsz - sizeof(*q) < bytes ? -EINVAL : 1;
}

static bool has_data(unsigned state)
{
	return state == VFIO_DEVICE_STATE_STOP_COPY || state == VFIO_DEVICE_STATE_RESUMING;
}

static bool is_state(const struct fakevfio_function *fn, unsigned s)
{
	return s == VFIO_DEVICE_STATE_STOP || s == VFIO_DEVICE_STATE_RUNNING || has_data(s) ||
	       (s == VFIO_DEVICE_STATE_RUNNING_P2P && fn->migration & VFIO_MIGRATION_P2P);
}

/* Every way leads over STOP; from RUNNING over RUNNING_P2P where there is that. */
static unsigned next_state(const struct fakevfio_function *fn, unsigned to)
{
	unsigned now = fn->mig.state;
	bool p2p = fn->migration & VFIO_MIGRATION_P2P;

	if (has_data(now))
		return VFIO_DEVICE_STATE_STOP;
	if (now == VFIO_DEVICE_STATE_RUNNING)
		return p2p ? VFIO_DEVICE_STATE_RUNNING_P2P : VFIO_DEVICE_STATE_STOP;
	if (now == VFIO_DEVICE_STATE_RUNNING_P2P)
		return to == VFIO_DEVICE_STATE_RUNNING ? to : VFIO_DEVICE_STATE_STOP;
	return to == VFIO_DEVICE_STATE_RUNNING && p2p ? VFIO_DEVICE_STATE_RUNNING_P2P : to;
}

/* What was written is looked at when it is complete. */
static int take_over(struct fakevfio_migration *m)
{
	if (m->len < strlen(prefix) || memcmp(m->data, prefix, strlen(prefix)) != 0 ||
		m->data[m->len - 1] != '\0')
		return -EINVAL;
	memcpy(m->inner, m->data + strlen(prefix), m->len - strlen(prefix));
	return 0;
}

static void give_out(struct fakevfio_migration *m)
{
	memcpy(m->data, prefix, strlen(prefix));
	memcpy(m->data + strlen(prefix), m->inner, strlen(m->inner) + 1);
	m->len = strlen(prefix) + strlen(m->inner) + 1;
}

static int step(struct fakevfio_function *fn, unsigned to)
{
	struct fakevfio_migration *m = &fn->mig;
	size_t n = strlen(m->steps);
	int r = m->step_errno && m->fails_at == to ? m->step_errno : 0;

	if (r == 0 && m->state == VFIO_DEVICE_STATE_RESUMING)
		r = take_over(m);
	if (r < 0) {
		m->state = m->fails_for_good ? VFIO_DEVICE_STATE_ERROR : m->state;
		return r;
	}
	m->at = m->len = 0;
	if (to == VFIO_DEVICE_STATE_STOP_COPY)
		give_out(m);
	m->state = to;
	must(n < sizeof(m->steps) - 1);
	m->steps[n] = "esrcipPP"[to];
	return 0;
}

static int go_to(struct fakevfio_function *fn, struct vfio_device_feature_mig_state *s)
{
	struct fakevfio_migration *m = &fn->mig;

	s->data_fd = -1;
	if (m->state == VFIO_DEVICE_STATE_ERROR || !is_state(fn, s->device_state))
		return -EINVAL;
	while (m->state != s->device_state) {
		int r = step(fn, next_state(fn, s->device_state));

		if (r < 0)
			return r;
	}
	if (has_data(m->state) && !m->no_data_fd)
		s->data_fd = object_new(fn->kernel, eventfd(0, EFD_CLOEXEC), KIND_DATA, fn);
	return 0;
}

static int state_feature(struct fakevfio_function *fn, struct vfio_device_feature *q)
{
	const uint32_t both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	struct vfio_device_feature_mig_state s;
	int r = fn->migration ? check_feature(q, both, sizeof(s)) : -ENOTTY;

	if (r <= 0)
		return r;
	memcpy(&s, q->data, sizeof(s));
	if (q->flags & VFIO_DEVICE_FEATURE_SET)
		r = go_to(fn, &s);
	else
		s = (struct vfio_device_feature_mig_state) { fn->mig.state, -1 };
	if (r < 0)
		return r;
	memcpy(q->data, &s, sizeof(s));
	return 0;
}

/* What can only be read. */
static int told(struct vfio_device_feature *q, bool has, const void *data, size_t len)
{
	int r = has ? check_feature(q, VFIO_DEVICE_FEATURE_GET, len) : -ENOTTY;

	if (r == 1)
		memcpy(q->data, data, len);
	return MIN(r, 0);
}

int device_feature(struct fakevfio_function *fn, struct vfio_device_feature *q)
{
	const uint32_t both = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	struct vfio_device_feature_migration m = { .flags = fn->migration };
	uint64_t bytes = sizeof(prefix) + strlen(fn->mig.inner);
	int r;

	if (q->argsz < sizeof(*q) ||
		q->flags & ~(VFIO_DEVICE_FEATURE_MASK | VFIO_DEVICE_FEATURE_PROBE | both))
		return -EINVAL;
	if (!(q->flags & VFIO_DEVICE_FEATURE_PROBE) && (q->flags & both) == both)
		return -EINVAL;
	switch (q->flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_MIGRATION:
		return told(q, fn->migration, &m, sizeof(m));
	case VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE:
		return state_feature(fn, q);
	case FEATURE_MIG_DATA_SIZE:
		return told(q, fn->migration && !fn->mig.no_size, &bytes, sizeof(bytes));
	case VFIO_DEVICE_FEATURE_DMA_LOGGING_START:
		/* Only asked for: nothing here tracks. */
		r = fn->tracks_dma ? check_feature(q, VFIO_DEVICE_FEATURE_SET, 0) : -ENOTTY;
		return r == 1 ? -EOPNOTSUPP : r;
	default:
		return -ENOTTY;
	}
}

void migration_reset(struct fakevfio_function *fn)
{
	if (fn->mig.deaf_to_reset && fn->mig.state == VFIO_DEVICE_STATE_ERROR)
		return;
	memset(fn->mig.inner, 0, sizeof(fn->mig.inner));
	fn->mig.state = VFIO_DEVICE_STATE_RUNNING;
}

/* How many bytes go through, of `len` with `left` before the end or the failure. */
static ssize_t portion(const struct fakevfio_migration *m, size_t len)
{
	if (m->data_errno && m->at >= m->data_good)
		return m->data_errno;
	if (m->data_errno)
		len = MIN(len, m->data_good - m->at);
	return (ssize_t)(m->chunk ? MIN(len, (size_t)m->chunk) : len);
}

static struct fakevfio_migration *data_of(struct fakevfio *f, int fd, unsigned state)
{
	int i = object_at(f, fd);

	if (i < 0 || f->objects[i].kind != KIND_DATA || f->objects[i].fn->mig.state != state)
		return NULL;
	return &f->objects[i].fn->mig;
}

ssize_t fake_stream_read(struct host *h, int fd, void *buf, size_t len, unsigned ms UNUSED)
{
	struct fakevfio *f = fake_of(h);
	struct fakevfio_migration *m = data_of(f, fd, VFIO_DEVICE_STATE_STOP_COPY);
	ssize_t n;

	if (fails(f))
		return f->fail_errno;
	if (!m)
		return -ENODEV;
	n = portion(m, MIN(len, m->len - m->at));
	if (n <= 0)
		return n;
	memcpy(buf, m->data + m->at, (size_t)n);
	m->at += (size_t)n;
	return n;
}

ssize_t fake_stream_write(struct host *h, int fd, const void *buf, size_t len, unsigned ms UNUSED)
{
	struct fakevfio *f = fake_of(h);
	struct fakevfio_migration *m = data_of(f, fd, VFIO_DEVICE_STATE_RESUMING);
	ssize_t n;

	if (fails(f))
		return f->fail_errno;
	if (!m)
		return -ENODEV;
	n = portion(m, len);
	if (n < 0)
		return n;
	if ((size_t)n > sizeof(m->data) - m->at)
		return -ENOSPC;
	memcpy(m->data + m->at, buf, (size_t)n);
	m->at += (size_t)n;
	m->len = m->at;
	return n;
}
