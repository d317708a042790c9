/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs of the bench guest share: a clock, and how long each operation took. The host's
 * side is src/lib/bench; it starts "test=disk" or "test=net" with
 *
 *   op=read|write|send|receive|ping  bytes=N  depth=N  ops=N (0: none)  warm=N
 *   order=random|sequential  wait=interrupt|poll  span=BYTES (of the disk; 0: all)
 *   ours=MAC  theirs=MAC (frames go from one to the other: twelve digits each)
 *
 * and reads, beside what guest.h says, "count ops|failed|ns|p50|p99 N". Between two runs that
 * differ in nothing but `ops` the difference of all counters is that of so many operations.
 */
#pragma once

#include "guest.h"

enum { BENCH_VECTOR = 80, BENCH_DEPTH_MAX = 64, BENCH_BYTES_MAX = 65536 };

/* Nanoseconds that so many cycles take, as KVM says; gives up where it does not. */
uint64_t clock_ns(uint64_t cycles);

struct times {
	uint32_t *v; /* cycles of each operation */
	uint64_t n, max;
	uint64_t start, end;
};

void times_start(struct times *t, uint64_t max);
void times_add(struct times *t, uint64_t cycles);
void times_stop(struct times *t);
/* Sorts, and tells failed, ops, ns, p50 and p99. */
void times_tell(struct times *t, uint64_t failed);

/* A driver of disks. A request's tag is below the depth. */
struct bench_disk {
	const char *name;
	/* False: there is no such disk. `vector` 0: nobody is interrupted. Sets *ret_bytes. */
	bool (*start)(uint8_t vector, unsigned depth, uint64_t *ret_bytes);
	/* Room for `depth` requests is promised; `data` is page-aligned. */
	void (*submit)(unsigned tag, bool write, uint64_t offset, void *data, uint32_t bytes);
	/* Shows what was submitted to the device. */
	void (*kick)(void);
	/* Wishes for an interrupt with the next completion. May be NULL. */
	void (*arm)(void);
	/* The tag of one that came back, -1: none has. *failed is set when it did. */
	int (*reap)(bool *failed);
};
extern const struct bench_disk bench_virtio_blk, bench_nvme, bench_ide;

/* A driver of network interfaces: whole Ethernet frames. */
struct bench_nic {
	const char *name;
	bool (*start)(uint8_t vector);
	/* False: no room now. The frame is copied. */
	bool (*send)(const void *frame, uint32_t bytes);
	void (*kick)(void);
	/* How many frames that were sent came back from the device since it was last asked. */
	unsigned (*sent)(void);
	/* The next frame that came in, valid until the next call; its length, 0: none. */
	uint32_t (*receive)(const uint8_t **ret);
	/* Gives what was received back for more. */
	void (*refill)(void);
	/*
	 * Wishes for an interrupt with the next frame that comes in, and when so many more of those
	 * that were sent have come back; 0: nobody waits for them.
	 */
	void (*arm)(unsigned sent);
};
extern const struct bench_nic bench_virtio_net, bench_e1000;
