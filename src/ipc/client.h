/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks the daemon. An order given to it comes out as it does in this process: the same news,
 * through the same callbacks, and the same answer.
 *
 * Users of this header also name the rooms pci, iommu, netdev, driver, sriov, inventory and plan.
 */
#pragma once

#include "order.h"
#include "news.h"
#include "plan/apply.h"

struct daemon;

/*
 * 1: *ret talks to a daemon that runs or can be started; 0: there is none, or no bus. Starts
 * nothing.
 */
int daemon_find(struct daemon **ret);
/* The same when the bus itself may hang: 0 after that time, and no call lasts longer. 0: as usual.
 */
int daemon_find_within(unsigned deadline_ms, struct daemon **ret);
void daemon_free(struct daemon *d);
DEFINE_AUTO(struct daemon, daemon_free);

/* A line of a reset; `p` is the callee's. */
typedef void daemon_line(
	void *arg, const char *subject, const char *text, int code, struct problem *p);

struct daemon_told {
	/* Of these are called: result, waiting, note, cancelled, with their arguments. */
	const struct apply_opts *apply;
	/* In place of apply->recovered, whose entry only has its number and verb. */
	daemon_line *line; /* with apply->arg; NULL: none */
};

/*
 * Asks for a change or a reset and waits for its end; as plan_apply(). When
 * told->apply->cancelled() says so, the job is cancelled, and what it then answers is the answer.
 */
int daemon_do(struct daemon *d, const struct order *o, const struct daemon_told *told,
	unsigned *ret_id, struct problem **reterr);

/*
 * Asks for an assign or a release and waits for its end: 1, 0 when nothing was to be done, or why
 * not. `told` may be NULL. With a deadline (0: none), PROBLEM_TIMEOUT comes at once when it is
 * over: an assign is then taken back, a release goes on. *ret_answer (may be NULL) becomes what
 * `vfctl assign --json` prints, allocated; NULL for a release, which tells each function to
 * told->line.
 */
int daemon_claim(struct daemon *d, const struct order *o, const struct daemon_told *told,
	unsigned deadline_ms, char **ret_answer, struct problem **reterr);

/* What was opened, by the name that host_give() takes; the descriptor is the callee's. -errno. */
typedef int daemon_opened(void *arg, const char *name, int fd);
/*
 * OpenForGuest: opens for this process, with as much memory to be pinned as that; functions by the
 * back end `vfio` of VFIO, or by the daemon's choice (NULL). All or nothing,
 * but for what `opened` refuses.
 */
int daemon_open_for_guest(struct daemon *d, char *const *what, uint64_t memory_bytes,
	const char *vfio, daemon_opened *opened, void *arg, struct problem **reterr);

/* Whether that is what became of an order that nobody answered: no daemon, or none in time. */
bool daemon_was_silent(const struct problem *p);
