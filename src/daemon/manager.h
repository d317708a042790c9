/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: one thread, one event loop. It looks at nothing that can block and changes nothing;
 * for both it has worker processes (child.h). What it knows itself is the picture that events keep
 * up to date (watch/watch.h).
 */
#pragma once

#include "ipc/order.h"
#include "watch/watch.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

enum {
	JOBS_MAX = 256,	     /* that wait or run */
	ENDED_MAX = 32,	     /* that have ended and are still told about */
	LINGER_SECONDS = 10, /* for so long */
	CLIENT_MAX = 16,     /* requests of one client at a time */
	LOOKS_MAX = 64,	     /* of all clients */
	LOOKERS_MAX = 2,     /* at work at a time */
	ANYWHERE_MAX = 4,    /* claims from pools, which wait for one lock, at work at a time */
	USER_MAX = 64,	     /* of one user that wait for polkit, of all his clients */
	USER_BYTES_MAX = 8 << 20,
	MESSAGE_MAX = ORDER_BYTES_MAX,
	BACKLOG_MAX = 4096, /* messages that the bus has not taken yet */
};

struct claims;
struct job;
struct look;
struct mind;
struct question;

struct manager {
	sd_event *loop;
	sd_bus *bus;
	struct host *host;
	const char *root;    /* of a captured machine; NULL: this one */
	const char *program; /* of workers that it starts itself */
	const char *workers; /* the socket that starts them; NULL: none */
	struct events *events;
	sd_event_source *ears[EVENT_FDS_MAX];
	struct watch *watch;
	struct job *jobs;	    /* the oldest first */
	struct look *looks;	    /* the same */
	struct question *questions; /* that polkit has not answered */
	struct mind *mind;	    /* NULL: nothing has happened yet */
	struct claims *claims;
	unsigned last_job;
	bool lost_told; /* that the bus does not keep up */
};

/* Connects to the bus (NULL: the system's), exports the object and takes the name. */
int manager_connect(struct manager *m, const char *address, struct problem **reterr);
void manager_done(struct manager *m);

/* Of everything that this client has asked for and that is not answered. */
unsigned manager_load(const struct manager *m, const char *sender);

/* The answer "org.vfctl1.Error.KIND", its text and its hint. Frees nothing. */
int reply_problem(sd_bus_message *asked, const struct problem *p);
int reply_limit(sd_bus_message *asked, const char *what);
/* True: the bus is so far behind that signals are left out. */
bool bus_is_behind(struct manager *m);

/* One line for the journal; job 0: none. */
void say(int priority, unsigned job, const char *fmt, ...) PRINTF(3, 4);
