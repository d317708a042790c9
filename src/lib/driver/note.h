/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function had before it was first changed: one file per function. */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

struct note {
	char *driver;	/* NULL: none */
	char *override; /* NULL: none */
};

void note_done(struct note *n);
#define autonote CLEANUP(note_done) struct note

/* 1 written, 0 when a valid note is there already, which stays. */
int note_keep(struct host *h, struct bdf a, const char *dir, const struct note *n);
/* -ENOENT: none, or one that is void (another boot, another card in the slot). */
int note_read(struct host *h, struct bdf a, const char *dir, struct note *ret);
int note_forget(struct bdf a, const char *dir);
