/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a process calls itself, and the guest that it runs. */
#pragma once

#include "host/host.h"

struct process {
	int pid;
	char *command; /* printable; "?" when it could not be read */
	char *vm_name; /* printable; NULL: it is no VMM, or its guest has no name */
};

/* A process that is gone meanwhile has a number and nothing else: no error. */
int process_read(struct host *h, int pid, struct process *ret);
void process_done(struct process *p);

/*
 * The guest's name in a VMM's command line, words with a NUL behind each: QEMU's "-name
 * guest=web1,debug-threads=on", kvmtool's "-n", Firecracker's "--id", others' "--name". NULL: none.
 */
char *process_guest_name(const char *command, const char *words, size_t len) NODISCARD;
