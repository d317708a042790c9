/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket of a running guest: a listening stream socket that somebody passed. A peer
 * sends a line (message.h), descriptors with it if need be, and gets a line of JSON; then it may
 * send the next. Root may, and the user that runs this VMM; others are cut off, as far as they can
 * be known, see control_knows_nobody(). They do not get here if the socket's file is that user's
 * alone.
 *
 * All in the loop's thread.
 */
#pragma once

#include "message.h"

#include "base/attr.h"

struct control;
struct control_peer;
struct loop;

enum {
	CONTROL_PEERS_MAX = 8,
	CONTROL_LINE_MAX = 4096,
	CONTROL_FDS_MAX = 4,
};

struct control_fns {
	/*
	 * Answers now or later. Descriptors that it takes it sets to -1; the others are closed.
	 * What it does not understand it answers with a problem.
	 */
	void (*request)(void *arg, struct control_peer *peer, const struct message *m,
		int fds[CONTROL_FDS_MAX]);
	/* A peer that was not answered yet has gone. */
	void (*gone)(void *arg, struct control_peer *peer);
	void *arg;
};

/* Takes the socket over on success. */
int control_new(struct loop *loop, int socket, const struct control_fns *fns, struct control **ret);
/*
 * We are in a user namespace of our own, in which all others look alike: from now on whoever could
 * open the socket may ask.
 */
void control_knows_nobody(struct control *c);
void control_free(struct control *c);
DEFINE_AUTO(struct control, control_free);

/*
 * One line of JSON, its newline included. `fd` goes along if it is not -1; it stays the caller's.
 * Peers that do not read what they asked for are cut off.
 */
void control_answer(struct control_peer *peer, const char *line, int fd);
/* {"ok":true} */
void control_answer_ok(struct control_peer *peer);
/* {"ok":false,"error":{…}}: kind, what, hint. */
void control_answer_problem(struct control_peer *peer, const struct problem *p);
