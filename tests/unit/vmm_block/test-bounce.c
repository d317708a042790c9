// SPDX-License-Identifier: GPL-2.0-or-later
/* Transfers that the file does not take as they are: nobody waits, and no part of a block is lost.
 */
#include "engine-bench.h"
#include "vmm/block/bounce.h"

#include <errno.h>

#include <pthread.h>

/* Whoever submits waits for nothing, also where a block has to be read to be written. */
static void what_is_bounced_waits_for_nobody(void **state UNUSED)
{
	static const enum disk_work works[] = { DISK_READ, DISK_WRITE };
	struct job *j = jobs_new();
	struct bench b;

	set_up(&b, DISK_ENGINE_URING, memory_file());
	b.disk->direct_bytes = b.disk->direct_memory = 4096;
	for (size_t i = 0; i < ARRAY_SIZE(works); i++) {
		aim(&j[0], works[i], 512, 512, 1024, 2);
		disk_submit(b.c, &j[0].r);
		assert_null(disk_reap(b.c));
		disk_kick(b.c);
		assert_ptr_equal(disk_wait(b.c), &j[0].r);
		assert_int_equal(j[0].r.result, 0);
		assert_null(j[0].r.bounce);
	}
	assert_int_equal(disk_channel_stats(b.c).bounced, 2);
	/* In the middle of it nobody wants it any more; who comes next is not kept out. */
	for (unsigned n = 0; n < 50; n++) {
		for (unsigned i = 0; i < DEPTH; i++) {
			aim(&j[i], DISK_WRITE, 512, 512, 1024, 2);
			disk_submit(b.c, &j[i].r);
		}
		disk_kick(b.c);
		for (unsigned i = 0; i < n; i++)
			disk_reap(b.c);
		while (disk_drop(b.c))
			;
	}
	aim(&j[0], DISK_WRITE, 512, 512, 1024, 2);
	assert_int_equal(one(&b, &j[0].r), 0);
	tear_down(&b);
	jobs_free(j);
}

enum { ROUNDS = 200, PARTS = 8 };

struct writer {
	struct disk_channel *c;
	struct job *j;
	unsigned first; /* of the sectors of each block, every other one is its */
};

static void *write_parts(void *arg)
{
	struct writer *w = arg;

	for (unsigned n = 1; n <= ROUNDS; n++) {
		for (unsigned i = w->first; i < PARTS; i += 2) {
			memset(w->j[i].buf, (int)(n + i), 512);
			aim(&w->j[i], DISK_WRITE, i * 512ULL, 0, 512, 1);
			disk_submit(w->c, &w->j[i].r);
		}
		disk_kick(w->c);
		while (disk_wait(w->c))
			;
	}
	return NULL;
}

/* Sectors of one block of the file, by two queues, in two threads and in one: none gets lost. */
static void parts_of_a_block(enum disk_engine_kind kind)
{
	struct job *j = jobs_new();
	struct bench b;
	struct writer w[2];
	pthread_t t;
	char block[PARTS * 512];

	set_up(&b, kind, memory_file());
	b.disk->direct_bytes = PARTS * 512;
	for (unsigned i = 0; i < 2; i++) {
		w[i] = (struct writer) { disk_engine_channel(b.engine, i), j, i };
		if (w[i].c != b.c)
			assert_int_equal(disk_channel_start(w[i].c, b.disk, "other"), 0);
	}
	assert_int_equal(pthread_create(&t, NULL, write_parts, &w[0]), 0);
	write_parts(&w[1]);
	pthread_join(t, NULL);
	assert_int_equal(pread(b.fd, block, sizeof(block), 0), sizeof(block));
	for (unsigned i = 0; i < sizeof(block); i++)
		assert_int_equal(block[i], (char)(ROUNDS + i / 512));
	disk_channel_stop(w[0].c);
	tear_down(&b);
	jobs_free(j);
}

/* One of the thread's queues may hold what the other one waits for. */
static void by_one_thread(enum disk_engine_kind kind)
{
	struct job *j = jobs_new();
	struct disk_channel *other;
	struct bench b;

	set_up(&b, kind, memory_file());
	b.disk->direct_bytes = PARTS * 512;
	other = disk_engine_channel(b.engine, 0);
	assert_int_equal(disk_channel_start(other, b.disk, "other"), 0);
	for (unsigned i = 0; i < PARTS; i++) {
		struct disk_channel *c = i % 2 ? b.c : other;

		memset(j[i].buf, (int)i + 1, 512);
		aim(&j[i], DISK_WRITE, i * 512ULL, 0, 512, 1);
		disk_submit(c, &j[i].r);
	}
	disk_kick(other);
	disk_kick(b.c);
	for (unsigned left = PARTS; left;)
		left -= (disk_reap(b.c) != NULL) + (disk_reap(other) != NULL);
	for (unsigned i = 0; i < PARTS; i++) {
		char is;

		assert_int_equal(pread(b.fd, &is, 1, i * 512 + 511), 1);
		assert_int_equal(is, i + 1);
	}
	disk_channel_stop(other);
	tear_down(&b);
	jobs_free(j);
}

static void parts_of_a_block_do_not_get_lost(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		parts_of_a_block(kinds[i]);
		by_one_thread(kinds[i]);
	}
}

/* ---- the steps by themselves, on a file that is memory, which moves less than it is asked ---- */

enum { UNIT = 4096, FILE_BYTES = 64 * UNIT, ONE_BYTES = 50 * UNIT };

struct walk {
	struct disk disk;
	struct disk_request r;
	struct iovec v;
	bool goes_on;
	unsigned n, written;
	char *file, *buf; /* as long as the file */
};

static struct walk *walk_new(void)
{
	struct walk *w = calloc(1, sizeof(*w));

	w->disk.direct_bytes = w->disk.direct_memory = UNIT;
	w->file = malloc(FILE_BYTES);
	w->buf = malloc(FILE_BYTES);
	for (unsigned i = 0; i < FILE_BYTES; i++) {
		w->file[i] = (char)(i * 7 + i / UNIT);
		w->buf[i] = (char)~(i * 3 + i / 512);
	}
	return w;
}

static void walk_free(struct walk *w)
{
	free(w->file);
	free(w->buf);
	free(w);
}

static void begin_on(
	struct walk *w, struct disk *d, enum disk_work work, uint64_t offset, size_t len)
{
	w->r = (struct disk_request) { .work = work, .offset = offset, .result = 0 };
	w->v = (struct iovec) { w->buf + offset, len };
	if (work == DISK_ZERO)
		w->r.len = len;
	else
		w->r.sg = (struct sg) { &w->v, 1, len };
	w->n = w->written = 0;
	assert_int_equal(disk_bounce_begin(d, &w->r), 0);
	w->goes_on = true;
}

static void begin(struct walk *w, enum disk_work work, uint64_t offset, size_t len)
{
	begin_on(w, &w->disk, work, offset, len);
}

static void step(struct walk *w, struct disk *d, char *file, size_t most)
{
	const struct disk_bounce_io io = disk_bounce_next(&w->r);
	const size_t n = MIN(io.len, most);

	assert_true(io.len > 0 && io.at + io.len <= FILE_BYTES);
	assert_int_equal((io.at + io.len) % UNIT, 0);
	assert_true(w->n++ || ((uintptr_t)io.buf % UNIT == 0 && io.at % UNIT == 0));
	assert_true(w->n < 2000);
	w->written += io.write;
	if (io.write)
		memcpy(file + io.at, io.buf, n);
	else
		memcpy(io.buf, file + io.at, n);
	w->goes_on = !disk_bounce_did(d, &w->r, (int)n);
	if (!w->goes_on)
		disk_bounce_end(d, &w->r);
}

static void as_it_was(const struct walk *w, unsigned i)
{
	assert_int_equal(w->file[i], (char)(i * 7 + i / UNIT));
}

/* Pieces of 64 KiB, of which the first and the last lie in blocks that are not all of it. */
static void walks(size_t offset, size_t len, size_t most)
{
	static const enum disk_work works[] = { DISK_READ, DISK_WRITE, DISK_ZERO };

	for (size_t k = 0; k < ARRAY_SIZE(works); k++) {
		struct walk *w = walk_new();

		begin(w, works[k], offset, len);
		while (w->goes_on)
			step(w, &w->disk, w->file, most);
		assert_int_equal(w->r.result, 0);
		assert_false(w->disk.partial);
		for (unsigned i = 0; i < FILE_BYTES; i++) {
			const bool is_in = i >= offset && i - offset < len;
			const char written = (char)~(i * 3 + i / 512);

			if (works[k] == DISK_READ || !is_in)
				as_it_was(w, i);
			else
				assert_int_equal(w->file[i], works[k] == DISK_ZERO ? 0 : written);
			assert_int_equal(
				w->buf[i], works[k] == DISK_READ && is_in ? w->file[i] : written);
		}
		walk_free(w);
	}
}

static void long_ones_go_in_pieces(void **state UNUSED)
{
	static const size_t most[] = { SIZE_MAX, 1000, 5 * UNIT };

	for (size_t i = 0; i < ARRAY_SIZE(most); i++) {
		walks(512, 1024, most[i]);
		walks(UNIT - 512, 1024, most[i]);
		walks(3 * UNIT + 512, ONE_BYTES, most[i]);
		walks(3 * UNIT, ONE_BYTES + 512, most[i]);
		walks(3 * UNIT + 3584, ONE_BYTES + 512, most[i]);
		walks(2 * UNIT, ONE_BYTES, most[i]);
	}
}

/* Whole blocks are not read to be written. */
static void whole_blocks_are_only_written(void **state UNUSED)
{
	struct walk *w = walk_new();

	begin(w, DISK_WRITE, 2 * UNIT, 3 * UNIT);
	step(w, &w->disk, w->file, SIZE_MAX);
	assert_false(w->goes_on);
	assert_int_equal(w->written, 1);
	begin(w, DISK_WRITE, 512, 512);
	step(w, &w->disk, w->file, SIZE_MAX);
	assert_int_equal(w->written, 0);
	assert_true(w->disk.partial);
	/* Whoever drops it in the middle gives the right to it back. */
	disk_bounce_end(&w->disk, &w->r);
	assert_false(w->disk.partial);
	walk_free(w);
}

/* Two write parts of one block, a step each in turn: neither sees a half of the other's. */
static void parts_take_turns(void **state UNUSED)
{
	for (unsigned lead = 0; lead < 6; lead++) {
		struct walk *a = walk_new(), *b = walk_new();

		begin(a, DISK_WRITE, 512, 512);
		begin_on(b, &a->disk, DISK_WRITE, 1024, 512);
		for (unsigned i = 0; i < lead && a->goes_on; i++)
			step(a, &a->disk, a->file, UNIT / 2);
		while (a->goes_on || b->goes_on) {
			if (b->goes_on)
				step(b, &a->disk, a->file, UNIT / 2);
			if (a->goes_on)
				step(a, &a->disk, a->file, UNIT / 2);
		}
		assert_memory_equal(a->file + 512, a->buf + 512, 1024);
		as_it_was(a, 511);
		as_it_was(a, 1536);
		assert_false(a->disk.partial);
		walk_free(a);
		walk_free(b);
	}
}

static void errors_end_it(void **state UNUSED)
{
	struct walk *w = walk_new();

	begin(w, DISK_READ, 512, 512);
	assert_true(disk_bounce_did(&w->disk, &w->r, -EREMOTEIO));
	assert_int_equal(w->r.result, -EREMOTEIO);
	disk_bounce_end(&w->disk, &w->r);
	begin(w, DISK_WRITE, 512, 512);
	assert_true(disk_bounce_did(&w->disk, &w->r, 0)); /* its file was cut */
	assert_int_equal(w->r.result, -EIO);
	disk_bounce_end(&w->disk, &w->r);
	assert_null(w->r.bounce);
	assert_false(w->disk.partial);
	walk_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_bounced_waits_for_nobody),
		cmocka_unit_test(parts_of_a_block_do_not_get_lost),
		cmocka_unit_test(long_ones_go_in_pieces),
		cmocka_unit_test(whole_blocks_are_only_written),
		cmocka_unit_test(parts_take_turns),
		cmocka_unit_test(errors_end_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
