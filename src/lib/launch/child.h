/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The VMM as a child process: its command line, its life, and how it ended. */
#pragma once

#include "handles.h"

#include <sys/types.h>

/*
 * Where vfctl-vmm is: what $VFCTL_VMM says (given as `wish`, may be NULL), beside this program, in
 * ../libexec/vfctl, or in $PATH. Allocated. NOT_FOUND when it is nowhere.
 */
int launch_find_vmm(struct host *h, const char *wish, char **ret, struct problem **reterr);

/*
 * The command line, NULL-terminated (strv_free), and the descriptors in it (free).
 * status_fd is where the VMM reports.
 */
int launch_command(const char *vmm, const struct launch_request *r, const struct launch_plan *p,
	const struct launch_handles *l, int status_fd, char ***ret_argv, int **ret_fds,
	size_t *ret_n_fds);

/*
 * Starts that command line with `streams` as standard input, output and error, and does not wait:
 * the process. It is told to end when the calling thread does.
 */
int launch_spawn(char **argv, const int *fds, size_t n_fds, const int streams[3]);

/* How a guest ended. */
struct launch_end {
	int status;	 /* the VMM's exit status, or 128 + the signal that killed it */
	char reason[32]; /* "power-off", "reboot", "crashed"…; what the VMM reported, or "" */
	char what[200];	 /* more about it; may be "" */
	char *report;	 /* the VMM's whole line of JSON, NULL if it could not give one; owned */
};

/*
 * Runs it to its end, on this process's terminal. SIGTERM, SIGINT and SIGHUP are passed on; if this
 * process dies, the VMM is told to end. The VMM can gain no rights by what it executes and, unless
 * root runs it, has no capability. Once it has its own descriptors, ours are closed: a group is
 * free again as soon as the VMM has ended.
 */
int launch_run(const char *vmm, const struct launch_request *r, const struct launch_plan *p,
	struct launch_handles *l, struct launch_end *ret, struct problem **reterr);
/* 0 when the guest ended as guests do; else the problem to tell. */
int launch_judge(const struct launch_end *end, const char *name, struct problem **reterr);
