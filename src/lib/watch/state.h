/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the machine was when somebody last looked. */
#pragma once

#include "watch.h"

struct watched {
	struct bdf bdf;
	bool is_vf;
	struct bdf pf;
	int vf_index; /* -1: not known yet */
	char *driver; /* NULL none */
	unsigned num_vfs;
	bool seen; /* in the look that is going on */
};

struct watched_link {
	int ifindex;
	struct bdf bdf;
	char name[16];
	bool up, carrier, link_known;
	struct host_vf *vfs;
	size_t n_vfs;
};

struct state {
	struct host *h;
	struct watched *v;
	size_t n;
	struct watched_link *links;
	size_t n_links;
};

int state_load(struct state *s, struct host *h, struct problem **reterr);
void state_done(struct state *s);

struct watched *state_find(const struct state *s, struct bdf a);
/* Also what it is, read from the machine. NULL when memory is out. */
struct watched *state_add(struct state *s, struct bdf a);
void state_remove(struct state *s, struct bdf a);
/* A VF's PF and number, once their links are there. */
void state_look_at_pf(struct state *s, struct watched *f);
unsigned state_count_vfs(struct state *s, struct bdf pf);
int state_set_driver(struct watched *f, const char *driver);

struct watched_link *state_find_link(const struct state *s, int ifindex);
struct watched_link *state_add_link(struct state *s, int ifindex, struct bdf a, const char *name);
void state_remove_link(struct state *s, int ifindex);
/* Its flags and its VFs as they are now; the old ones are the caller's to compare and free. */
void state_look_at_link(struct state *s, struct watched_link *l);
