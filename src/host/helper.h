/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process of its own for work that may block in the kernel for ever. A child of the caller
 * forks the helper and ends at once, so that nobody has to collect a helper that outlives its
 * caller's patience (init does).
 *
 * A helper stuck in the kernel keeps what it inherited: it therefore closes every descriptor but
 * the two that it needs, or it would hold a VFIO device open (and so wait for itself), or keep the
 * reader of our standard output waiting for its end.
 *
 * The caller may have threads: `run` makes async-signal-safe calls only, on data prepared before.
 */
#pragma once

/*
 * Runs `run` with `fd` (renumbered) and one end of a stream as its only descriptors; the other end
 * is the caller's. When it is closed, writing to ours kills us and reading from it ends. When the
 * helper cannot be forked, the errno is told by `failed`.
 */
struct helper {
	void (*run)(void *arg, int fd, int out);
	void (*failed)(void *arg, int out, int code);
	void *arg;
	int fd;
};

int helper_start(const struct helper *what, int *ret_in);
