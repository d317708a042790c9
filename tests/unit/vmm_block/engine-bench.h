/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An engine with two channels on a file, and requests with memory of their own. */
#pragma once

#include "cm.h"
#include "base/attr.h"
#include "host-fixture.h"
#include "vmm/block/engine.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

enum { DEPTH = 64, BYTES = 1 << 20, SLOT = 16 << 10, PIECES = 3 };

static const enum disk_engine_kind kinds[] = { DISK_ENGINE_URING, DISK_ENGINE_SQPOLL,
	DISK_ENGINE_THREADS, DISK_ENGINE_SYNC };

struct bench {
	int fd;
	struct disk *disk;
	struct disk_engine *engine;
	struct disk_channel *c;
};

static inline int memory_file(void)
{
	int fd = memfd_create("disk", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	return fd;
}

/* -1: no such thing in the folder where the tests run. */
static inline int direct_file(void)
{
	int fd = open(".", O_RDWR | O_TMPFILE | O_DIRECT | O_CLOEXEC, 0600);

	if (fd >= 0)
		assert_int_equal(posix_fallocate(fd, 0, BYTES), 0);
	return fd;
}

static inline void set_up(struct bench *b, enum disk_engine_kind kind, int fd)
{
	struct disk_engine_params p = { .kind = kind, .fd = fd, .channels = 2, .depth = DEPTH };

	*b = (struct bench) { .fd = fd };
	assert_true(fd >= 0);
	assert_int_equal(disk_raw_new(host, fd, false, &b->disk, NULL), 0);
	assert_int_equal(disk_engine_new(&p, &b->engine, NULL), 0);
	assert_string_equal(disk_engine_name(b->engine), disk_engine_kind_name(kind));
	assert_null(disk_engine_why(b->engine));
	assert_int_equal(disk_engine_channels(b->engine), 2);
	b->c = disk_engine_channel(b->engine, 1);
	assert_int_equal(disk_channel_start(b->c, b->disk, "test"), 0);
}

static inline void tear_down(struct bench *b)
{
	assert_int_equal(disk_in_flight(b->c), 0);
	disk_channel_stop(b->c);
	disk_engine_free(b->engine);
	disk_free(b->disk);
	close(b->fd);
}

/* A request and its memory, cut into pieces of odd lengths at odd addresses. */
struct job {
	struct disk_request r;
	struct iovec v[PIECES];
	char *buf; /* SLOT bytes */
	size_t from, len;
};

static inline void aim(struct job *j, enum disk_work work, uint64_t offset, size_t from, size_t len,
	unsigned pieces)
{
	size_t cut = len / pieces / 2 * 2 + 1;

	j->from = from;
	j->len = len;
	j->r = (struct disk_request) { .work = work, .offset = offset, .len = len };
	j->r.sg = (struct sg) { .v = j->v };
	for (unsigned i = 0; i + 1 < pieces; i++, from += cut, len -= cut)
		sg_add(&j->r.sg, j->buf + from, cut);
	sg_add(&j->r.sg, j->buf + from, len);
}

static inline struct job *jobs_new(void)
{
	struct job *j = calloc(DEPTH, sizeof(*j));

	for (unsigned i = 0; i < DEPTH; i++)
		assert_int_equal(posix_memalign((void **)&j[i].buf, 4096, SLOT), 0);
	return j;
}

static inline void jobs_free(struct job *j)
{
	for (unsigned i = 0; i < DEPTH; i++)
		free(j[i].buf);
	free(j);
}

/* All that is in flight; how many ended in an error. */
static inline unsigned finish(struct bench *b, int error)
{
	struct disk_request *r;
	unsigned failed = 0;

	disk_kick(b->c);
	while ((r = disk_wait(b->c))) {
		assert_true(r->result == 0 || r->result == error);
		failed += r->result != 0;
	}
	return failed;
}

static inline int one(struct bench *b, struct disk_request *r)
{
	disk_submit(b->c, r);
	disk_kick(b->c);
	assert_ptr_equal(disk_wait(b->c), r);
	assert_null(disk_wait(b->c));
	return r->result;
}
