/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A ring of io_uring(7) that may do little: what the engine "uring" and the bells share. */
#pragma once

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RING_FILES_MAX = 64,
	RING_IDLE_MS = 100, /* then the kernel's thread sleeps, and is woken by a system call */
};

struct ring_rules {
	const uint8_t *ops; /* the operations, each on a registered file */
	size_t n_ops;
	const int *files;
	unsigned n_files;
	uint8_t flags; /* that an entry may have besides IOSQE_FIXED_FILE */
};

/*
 * These operations on these files, and nothing can be registered later: for good
 * (IORING_REGISTER_RESTRICTIONS, Linux 5.10). `share`: the descriptor of a ring whose polling
 * thread is to serve this one too, or -1. -errno, and in *ret_what what the kernel did not give;
 * nothing is left of it then.
 */
int ring_open(struct io_uring *ring, unsigned entries, bool sqpoll, int share,
	const struct ring_rules *rules, const char **ret_what);
/* Shows the kernel what was prepared. */
void ring_publish(struct io_uring *ring);
/* Entries that the kernel has not taken yet. */
unsigned ring_published(const struct io_uring *ring);
/* Its thread sleeps, and would have to be woken for what is published. */
bool ring_sleeps(const struct io_uring *ring);
/* Wakes it if so; *woken_for is the caller's to keep. */
void ring_wake(struct io_uring *ring, unsigned *woken_for);
/* io_uring_enter(2), counted. */
int ring_enter(struct io_uring *ring, unsigned submit, unsigned wait, unsigned flags);
/* The same for so long at most, from Linux 5.11 (IORING_FEAT_EXT_ARG): -ETIME. */
int ring_enter_for(struct io_uring *ring, unsigned submit, unsigned wait, uint32_t ns);
