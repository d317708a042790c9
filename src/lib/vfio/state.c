// SPDX-License-Identifier: GPL-2.0-or-later
#include "state.h"

#include "feature.h"

#include <string.h>

enum { CHUNK_BYTES = 256 << 10 };

const char *vfio_state_name(enum vfio_state s)
{
	static const char *const names[VFIO_STATES] = {
		[VFIO_STATE_ERROR] = "error",
		[VFIO_STATE_STOP] = "stopped",
		[VFIO_STATE_RUNNING] = "running",
		[VFIO_STATE_STOP_COPY] = "stop-copy",
		[VFIO_STATE_RESUMING] = "resuming",
		[VFIO_STATE_RUNNING_P2P] = "running-p2p",
		[VFIO_STATE_PRE_COPY] = "pre-copy",
		[VFIO_STATE_PRE_COPY_P2P] = "pre-copy-p2p",
	};

	return (unsigned)s < VFIO_STATES ? names[s] : "unknown";
}

int vfio_state_get(struct vfio_device *d, enum vfio_state *ret)
{
	struct vfio_device_feature_mig_state s = { .data_fd = -1 };
	int r = vfio_feature(
		d, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, &s, sizeof(s));

	if (r >= 0)
		*ret = (enum vfio_state)s.device_state;
	return MIN(r, 0);
}

int vfio_state_size(struct vfio_device *d, uint64_t *ret)
{
	struct abi_mig_data_size s = { 0 };
	int r = vfio_feature(d, VFIO_DEVICE_FEATURE_GET | ABI_FEATURE_MIG_DATA_SIZE, &s, sizeof(s));

	if (r >= 0)
		*ret = s.stop_copy_length;
	return MIN(r, 0);
}

/* *ret_fd: what the state is read from or written to, -1 none. */
static int change(struct vfio_device *d, enum vfio_state to, int *ret_fd)
{
	struct vfio_device_feature_mig_state s = { .device_state = to, .data_fd = -1 };
	int r = vfio_feature(
		d, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_MIG_DEVICE_STATE, &s, sizeof(s));

	*ret_fd = r < 0 ? -1 : s.data_fd;
	return MIN(r, 0);
}

static int change_quietly(struct vfio_device *d, enum vfio_state to)
{
	int fd, r = change(d, to, &fd);

	if (fd >= 0)
		host_close(d->host, fd);
	return r;
}

/* After a failure, when what it holds is worth nothing, or is lost already. */
static void start_anew(struct vfio_device *d, struct problem **reterr)
{
	enum vfio_state now = VFIO_STATE_RUNNING;

	/*
	 * Also where no reset is promised: it is the only way out of an error, and mtty has one
	 * that it does not tell of. And a driver may say that it has reset it, and have lost it all
	 * the same.
	 */
	if (host_ioctl(d->host, d->fd, VFIO_DEVICE_RESET, NULL) == 0 &&
		(vfio_state_get(d, &now) < 0 || now == VFIO_STATE_RUNNING))
		problem_hint(
			reterr, "%s was reset: it works, and has forgotten what it did", d->name);
	else if (change_quietly(d, VFIO_STATE_RUNNING) == 0)
		problem_hint(reterr,
			"%s runs again, but cannot be reset: nobody knows what it holds", d->name);
	else
		problem_hint(
			reterr, "%s cannot be reset either: close it, and bind it anew", d->name);
}

/* Has the driver lost it? Then a reset is all that can be done. */
static void rescue(struct vfio_device *d, struct problem **reterr)
{
	enum vfio_state now = VFIO_STATE_ERROR;

	if (vfio_state_get(d, &now) < 0 || now == VFIO_STATE_ERROR)
		start_anew(d, reterr);
}

static int blame_change(
	const struct vfio_device *d, enum vfio_state to, int code, struct problem **reterr)
{
	if (code == -ENOTTY)
		return problem(reterr, code, PROBLEM_UNSUPPORTED, NULL,
			"the driver of %s offers no migration", d->name);
	return problem(reterr, code, problem_kind_from_errno(code), NULL,
		"the driver of %s cannot make it %s: %s", d->name, vfio_state_name(to),
		strerror(-code));
}

int vfio_state_set(struct vfio_device *d, enum vfio_state to, struct problem **reterr)
{
	int r = change_quietly(d, to);

	if (r < 0)
		blame_change(d, to, r, reterr);
	if (r < 0 && r != -ENOTTY)
		rescue(d, reterr);
	return r;
}

/* Into a state that has data. */
static int open_data(struct vfio_device *d, enum vfio_state to, int *ret, struct problem **reterr)
{
	int r = change(d, to, ret);

	if (r < 0)
		return blame_change(d, to, r, reterr);
	if (*ret < 0)
		return problem(reterr, -EBADMSG, PROBLEM_FAILED, NULL,
			"the driver of %s is %s, and gives nothing to move its state by", d->name,
			vfio_state_name(to));
	return 0;
}

static int blame_transfer(const struct vfio_device *d, const char *how, uint64_t bytes, int code,
	struct problem **reterr)
{
	return problem(reterr, code,
		code == -ETIMEDOUT ? PROBLEM_TIMEOUT : problem_kind_from_errno(code), NULL,
		"the state of %s cannot be %s, after %llu bytes: %s", d->name, how,
		(unsigned long long)bytes, strerror(-code));
}

static int copy_out(struct vfio_device *d, int fd, const struct vfio_state_io *to, uint64_t *bytes)
{
	autofree char *chunk = malloc(CHUNK_BYTES);
	ssize_t n = chunk ? 1 : -ENOMEM;

	while (n > 0) {
		n = host_stream_read(d->host, fd, chunk, CHUNK_BYTES, to->stall_ms);
		if (n > 0) {
			int r = to->put(to->arg, chunk, (size_t)n);

			n = r < 0 ? r : n;
		}
		*bytes += n > 0 ? (size_t)n : 0;
	}
	return (int)n;
}

int vfio_state_save(struct vfio_device *d, const struct vfio_state_io *to, uint64_t *ret_bytes,
	struct problem **reterr)
{
	uint64_t bytes = 0;
	int fd, r = open_data(d, VFIO_STATE_STOP_COPY, &fd, reterr);

	if (r == -ENOTTY)
		return r;
	if (r == 0) {
		r = copy_out(d, fd, to, &bytes);
		host_close(d->host, fd);
		if (r < 0)
			blame_transfer(d, "read", bytes, r, reterr);
	}
	if (r == 0)
		r = vfio_state_set(d, VFIO_STATE_STOP, reterr);
	else if (change_quietly(d, VFIO_STATE_RUNNING) < 0)
		rescue(d, reterr);
	if (r == 0)
		*ret_bytes = bytes;
	return r;
}

static int write_all(struct vfio_device *d, int fd, const char *data, size_t len, unsigned stall_ms)
{
	while (len) {
		ssize_t n = host_stream_write(d->host, fd, data, len, stall_ms);

		if (n <= 0)
			return n < 0 ? (int)n : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int copy_in(struct vfio_device *d, int fd, const struct vfio_state_io *from, uint64_t *bytes)
{
	autofree char *chunk = malloc(CHUNK_BYTES);
	ssize_t n = chunk ? 1 : -ENOMEM;

	while (n > 0) {
		n = from->get(from->arg, chunk, CHUNK_BYTES);
		if (n > 0) {
			int r = write_all(d, fd, chunk, (size_t)n, from->stall_ms);

			n = r < 0 ? r : n;
		}
		*bytes += n > 0 ? (size_t)n : 0;
	}
	return (int)n;
}

int vfio_state_load(struct vfio_device *d, const struct vfio_state_io *from, uint64_t *ret_bytes,
	struct problem **reterr)
{
	uint64_t bytes = 0;
	int fd, r = open_data(d, VFIO_STATE_RESUMING, &fd, reterr);

	if (r == -ENOTTY)
		return r;
	if (r == 0) {
		r = copy_in(d, fd, from, &bytes);
		host_close(d->host, fd);
		if (r < 0)
			blame_transfer(d, "written", bytes, r, reterr);
	}
	if (r == 0) {
		/* Drivers look at what they got when it is complete. */
		r = change_quietly(d, VFIO_STATE_STOP);
		if (r < 0)
			problem(reterr, r, PROBLEM_FAILED, NULL,
				"the driver of %s does not take a state of %llu bytes: %s", d->name,
				(unsigned long long)bytes, strerror(-r));
	}
	if (r < 0)
		start_anew(d, reterr);
	else
		*ret_bytes = bytes;
	return r;
}
