/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end of the bench guest's network interface, and the guest's part without a guest. The
 * frames are src/guest/bench/wire.h's.
 */
#pragma once

#include "bench.h"
#include "pair.h"

struct wire_peer;

/*
 * Until frames pass in both directions, for some seconds: what was set up only now loses the first.
 * Before anybody else is at either end. -ETIMEDOUT.
 */
int wire_await(const struct pair *p);
/* Answers at the pair's peer end, in a thread of its own, until it is freed. */
int wire_peer_new(const struct pair *p, struct wire_peer **ret);
/* Frames of data that came; of those that were too many for the socket, too. */
uint64_t wire_peer_stop(struct wire_peer *w);
void wire_peer_free(struct wire_peer *w);
DEFINE_AUTO(struct wire_peer, wire_peer_free);

/* What the guest does, done on the tap by this thread. A peer answers. */
int wire_host_run(const struct pair *p, const struct bench_workload *w, size_t ops,
	unsigned deadline_s, struct bench_times *ret, const char **ret_by, struct problem **reterr);
