/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads or writes a disk with so many requests at a time, each as soon as one has come back. */
#include "bench.h"

static const struct bench_disk *const drivers[] = { &bench_virtio_blk, &bench_nvme, &bench_ide };

struct job {
	const struct bench_disk *disk;
	uint64_t blocks; /* of `bytes` each */
	uint32_t bytes;
	unsigned depth;
	bool write, random, polls;
	uint8_t *data;
	uint64_t began[BENCH_DEPTH_MAX]; /* by tag */
	uint64_t next, failed, seed;
};

static struct job job;

static const struct bench_disk *find(uint8_t vector, unsigned depth, uint64_t *ret_bytes)
{
	for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
		if (drivers[i]->start(vector, depth, ret_bytes))
			return drivers[i];
	give_up("there is no disk that this guest can drive");
}

/* The same addresses in every run, whoever asks. */
static uint64_t next_offset(struct job *j)
{
	uint64_t block = j->next++;

	if (j->random) {
		j->seed = j->seed * 6364136223846793005 + 1442695040888963407;
		block = j->seed >> 33;
	}
	return block % j->blocks * j->bytes;
}

static void submit(struct job *j, unsigned tag)
{
	j->began[tag] = cpu_cycles();
	j->disk->submit(
		tag, j->write, next_offset(j), j->data + (uint64_t)tag * j->bytes, j->bytes);
}

/* Takes what has come back, and submits as many as are left; how many came. */
static uint64_t turn(struct job *j, uint64_t *left, struct times *t)
{
	uint64_t came = 0;
	bool failed;
	int tag;

	while ((tag = j->disk->reap(&failed)) >= 0) {
		came++;
		j->failed += failed;
		if (t)
			times_add(t, cpu_cycles() - j->began[tag]);
		if (!*left)
			continue;
		(*left)--;
		submit(j, (unsigned)tag);
	}
	if (came)
		j->disk->kick();
	return came;
}

static void wait(struct job *j, uint64_t seen)
{
	if (j->polls)
		relax();
	else if (!cpu_wait(&interrupts[BENCH_VECTOR], seen + 1))
		give_up("the disk sends no interrupt");
}

static void run(struct job *j, uint64_t ops, struct times *t)
{
	uint64_t left = ops, done = 0;

	for (unsigned tag = 0; tag < j->depth && left; tag++, left--)
		submit(j, tag);
	j->disk->kick();
	while (done < ops) {
		uint64_t seen = interrupts[BENCH_VECTOR], came;

		if (!j->polls && j->disk->arm)
			j->disk->arm();
		came = turn(j, &left, t);
		done += came;
		if (!came)
			wait(j, seen);
	}
}

static void prepare(struct job *j)
{
	uint64_t size = 0, span = arg_number("span", 0);

	j->bytes = (uint32_t)arg_number("bytes", 4096);
	j->depth = (unsigned)arg_number("depth", 1);
	j->write = !strcmp(arg_text("op", "read"), "write");
	j->random = !strcmp(arg_text("order", "random"), "random");
	j->polls = !strcmp(arg_text("wait", "interrupt"), "poll");
	j->seed = 1;
	if (!j->depth || j->depth > BENCH_DEPTH_MAX || !j->bytes || j->bytes > BENCH_BYTES_MAX)
		give_up("depth=%u bytes=%u is out of range", j->depth, j->bytes);
	j->data = memory_take((uint64_t)j->depth * j->bytes, 4096);
	j->disk = find(j->polls ? 0 : BENCH_VECTOR, j->depth, &size);
	j->blocks = (span && span < size ? span : size) / j->bytes;
	if (!j->blocks)
		give_up("the disk has %lu bytes: not one block", size);
}

PROGRAM(disk)
{
	uint64_t ops = arg_number("ops", 1000);
	struct times t;

	prepare(&job);
	cpu_say_no_end();
	print("driver %s\n", job.disk->name);
	run(&job, arg_number("warm", 16), NULL);
	times_start(&t, ops);
	run(&job, ops, &t);
	times_stop(&t);
	times_tell(&t, job.failed);
}
