/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A disk that another process serves by vhost-user: QEMU's storage daemon, started for one open
 * file, with a socket in a folder of its own.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct storage {
	pid_t pid;    /* 0: there is none */
	int channel;  /* to who connects to it (dial.h); -1: none */
	char *folder; /* NULL: none */
};
#define STORAGE_NONE                                                                               \
	(struct storage)                                                                           \
	{                                                                                          \
		.channel = -1                                                                      \
	}

/*
 * The file stays the caller's. -ENOENT: the program is not there; -ECHILD: it ended at once;
 * -ETIMEDOUT: it does not listen.
 */
int storage_new(int fd, bool writable, struct storage *ret);
/* Ends it, and nothing of it is left. */
void storage_done(struct storage *s);
