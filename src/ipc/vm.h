/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control sockets of running guests, RUN_DIR/vm/NAME.sock of root's and
 * $XDG_RUNTIME_DIR/vfctl/vm/NAME.sock of others, and how to talk on them; what may be asked is in
 * vfctl-vmm(8).
 */
#pragma once

#include "base/problem.h"

#include <json-c/json.h>
#include <stddef.h>

enum { VM_NAME_MAX = 64 };

/* PROBLEM_USAGE when a file cannot be called so. */
int vm_check_name(const char *name, struct problem **reterr);
/*
 * Where a guest of that name is to be found from now on; *ret_path (free) is to be removed when it
 * has ended. PROBLEM_IN_USE: a guest of that name runs.
 */
int vm_listen(const char *run_dir, const char *name, char **ret_path, struct problem **reterr);
/* The names of this user's running guests, sorted (strv_free); NULL: none. */
int vm_names(const char *run_dir, char ***ret);
/* PROBLEM_NOT_FOUND with the names that there are. */
int vm_connect(const char *run_dir, const char *name, struct problem **reterr);

/* While an answer is awaited, about once a second. */
typedef void vm_waiting(void *arg, unsigned waited_ms);

struct vm_ask {
	json_object *question; /* borrowed */
	const int *fds;	       /* that go along, borrowed */
	size_t n_fds;
	unsigned timeout_ms;
	vm_waiting *waiting; /* may be NULL */
	void *arg;
};

/*
 * The answer is the caller's, and so is the descriptor that may have come with it (*ret_fd, may be
 * NULL: none is expected; -1 if there was none). A refusal is the guest's problem as it told it;
 * PROBLEM_TIMEOUT, PROBLEM_VANISHED when it ended meanwhile.
 */
int vm_ask(int socket, const struct vm_ask *ask, json_object **ret, int *ret_fd,
	struct problem **reterr);
/* Until the guest has ended: its socket is closed. */
int vm_wait_end(
	int socket, unsigned timeout_ms, vm_waiting *waiting, void *arg, struct problem **reterr);
