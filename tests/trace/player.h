/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host that answers out of a trace. One thread. */
#pragma once

#include "trace.h"

#include "host/host.h"
#include "vmm/trace/names.h"

struct player {
	struct host host;
	struct host *kvm; /* the fake one's; also all that is no matter of the trace */
	const struct trace *trace;
	struct names names;
	bool *played; /* per thing */
	size_t next;  /* the first that is not; n_things: none */
	size_t thing; /* that is under way, from 1; 0: none */
	size_t at;    /* its last line that was played */
	unsigned depth;
	bool failed; /* from then on nothing is answered, and nothing is compared */
	struct replay_end *end;
};

/* `kvm` stays the caller's. */
int player_init(struct player *p, const struct trace *t, struct host *kvm, struct replay_end *end);
void player_done(struct player *p);
/* The line that the next thing begins with, NULL: no more. */
const struct trace_line *player_next(struct player *p);
/* What came of it then; NULL: the trace ends before. */
const char *player_result(const struct player *p, const struct trace_line *begin);
/* It is not done here, and need not be. */
void player_skip(struct player *p);
/* The first time counts. `line` 0: the trace as a whole. */
void player_fail(struct player *p, unsigned line, const char *fmt, ...) PRINTF(3, 4);
