/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes and resets: each a job with an object on the bus. Jobs about the same PF are done one
 * after the other, in the order in which they came; others at the same time.
 */
#pragma once

#include "manager.h"

/* Methods of the manager's object. */
int job_change(sd_bus_message *asked, void *arg, sd_bus_error *e);
int job_reset(sd_bus_message *asked, void *arg, sd_bus_error *e);
int job_list(sd_bus_message *asked, void *arg, sd_bus_error *e);

/* First of all, before anybody else's: what was left behind by who died is put in order. */
int job_recover(struct manager *m);

/* The daemon's own: puts these PFs right as the configuration says, whatever is not used. */
int job_reconcile(struct manager *m, struct bdf pf);

/* That wait or run; of this client, or (NULL) of all. */
unsigned job_open(const struct manager *m, const char *sender);
/* Takes back what is being done. True: some still are. */
bool job_cancel_all(struct manager *m);
void job_done(struct manager *m);
