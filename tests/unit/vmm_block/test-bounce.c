// SPDX-License-Identifier: GPL-2.0-or-later
/* Transfers that the file does not take as they are: nobody waits, and no part of a block is lost.
 */
#include "engine-bench.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_bounced_waits_for_nobody),
		cmocka_unit_test(parts_of_a_block_do_not_get_lost),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
