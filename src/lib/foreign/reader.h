/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of this room share: one file each, one function each. For this room alone. */
#pragma once

#include "foreign.h"

#include "policy/key.h"

struct reader {
	struct host *h;
	const struct inventory *inv;
	struct policy_keys keys; /* the names that systemd has for our settings */
	struct foreign *ret;
	struct foreign_source at; /* what is being read */
	int error;		  /* -ENOMEM has happened: the rest is not read */
};

void foreign_read_systemd(struct reader *r);
void foreign_read_networkmanager(struct reader *r);
void foreign_read_netplan(struct reader *r);
void foreign_read_driverctl(struct reader *r);
void foreign_read_modprobe(struct reader *r);
void foreign_read_mdevctl(struct reader *r);
void foreign_read_libvirt(struct reader *r);

/* The file's text; NULL and a doubt when it cannot be had. Sets r->at.file, which borrows `path`.
 */
char *reader_open(struct reader *r, const char *path, size_t *ret_len);
/* In r->at.file at r->at.line. */
void reader_doubt(struct reader *r, const char *fmt, ...) PRINTF(2, 3);
/* A fact about a PF, a VF of it, or all of them; `said` as it stands there. */
void reader_say(struct reader *r, struct bdf pf, int vf, const char *key, const char *value,
	const char *said);
/* The same of a function by its address: a VF's, which need not exist now, counts as its PF's. */
void reader_say_of(
	struct reader *r, struct bdf a, const char *key, const char *value, const char *said);
/*
 * A setting by its own key; a value that the setting does not have is a doubt.
 */
void reader_say_setting(struct reader *r, struct bdf pf, int vf, const char *key, const char *value,
	const char *said);
/* A count like "4"; anything else is a doubt. */
void reader_say_count(
	struct reader *r, struct bdf pf, const char *key, const char *value, const char *said);

/* A file and its drop-ins, in the order of reading. */
struct unit {
	char *name;
	char **paths;
};

struct units {
	struct unit *v; /* by name */
	size_t n;
};

/*
 * Files of several folders, the strongest first: of one name only the strongest counts, an empty
 * one or a link to /dev/null takes the name away; drop-ins NAME.d/x.conf of any folder follow.
 */
int units_find(struct host *h, const char *const *dirs, const char *suffix, struct units *ret);
void units_done(struct units *u);
#define autounits CLEANUP(units_done) struct units
