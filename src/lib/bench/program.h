/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The work of real programs on the host's side: bench-workload, run as a Linux guest runs it. */
#pragma once

#include "bench.h"

#include "host/netpair.h"

/* What the shortest run has, to be subtracted. */
static inline uint64_t program_least(uint64_t ops)
{
	uint64_t least = ops / 8;

	return least < 1 ? 1 : least > 16 ? 16 : least;
}

/*
 * The same without a guest: on the disk of that path, or, where there is a pair, over the loopback
 * of its network, on which there is nobody else.
 */
int program_on_host(struct host *h, const struct bench_wish *wish, const struct bench_workload *w,
	uint64_t ops, const char *disk, const struct netpair *pair, struct bench_times *ret,
	const char **ret_by, struct problem **reterr);

/* Who answers on the pair's network, until it is freed. */
struct program_peer;
int program_peer_new(const struct bench_wish *wish, const struct bench_workload *w,
	const struct netpair *pair, struct program_peer **ret, struct problem **reterr);
void program_peer_free(struct program_peer *p);
DEFINE_AUTO(struct program_peer, program_peer_free);
