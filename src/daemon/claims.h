/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who has what, as the records in /run/vfctl/claims say, whoever wrote them: the folder is watched,
 * and what has changed goes out as signals. Each owner's end is awaited, without a timer: what he
 * leaves is returned by a worker. So is what a worker left that was killed in the middle of it.
 *
 * What somebody else still has open stays his until he has ended; because a program may also just
 * close it, which nobody tells, there is another try each minute.
 */
#pragma once

#include "manager.h"

struct job;
struct news;

/* Reads what there is; from here on nothing is missed. -ENOMEM. */
int claims_open(struct manager *m);
void claims_close(struct manager *m);
unsigned claims_count(const struct manager *m);

/* The kernel says that this function went: who had it has lost it. */
void claims_function_gone(struct manager *m, struct bdf a);
/*
 * Something has happened to this owner ("domain:web1"; NULL: to anybody): looks whether he lives,
 * and of a domain by which process.
 */
void claims_look_again(struct manager *m, const char *owner);
/* Any job has told something, or has ended. */
void claims_hear(struct manager *m, const struct job *j, const struct news *n);
void claims_job_ended(struct manager *m, const struct job *j);

/* Method of the manager's object: LookAgain. */
int claims_asked(sd_bus_message *asked, void *arg, sd_bus_error *e);
