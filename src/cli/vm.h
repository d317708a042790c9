/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the verbs on running guests have in common. */
#pragma once

#include "cli.h"

#include "ipc/vm.h"

struct vm_talk {
	struct cli *cli;
	const char *name; /* of the guest */
	const char *what; /* what is awaited, "web1 to let go of 0000:01:10.0" */
	int socket;
};

/* Refuses captured machines. The guest of the first word. */
int vm_open(struct cli *cli, const struct args *a, struct vm_talk *ret, struct problem **reterr);
/* The same for a guest that is named otherwise. */
int vm_open_named(struct cli *cli, const char *name, struct vm_talk *ret, struct problem **reterr);
void vm_close(struct vm_talk *t);
#define autovmtalk CLEANUP(vm_close) struct vm_talk

/* {"cmd":CMD} to be filled in; json_object_put(). */
json_object *vm_question(const char *cmd);
/* Takes the question. `fds`, ret and ret_fd may be NULL; see vm_ask(). */
int vm_talk(struct vm_talk *t, json_object *question, const int *fds, size_t n_fds,
	unsigned timeout_ms, json_object **ret, int *ret_fd, struct problem **reterr);
/* Progress while it waits. */
void vm_show_waiting(void *arg, unsigned waited_ms);
