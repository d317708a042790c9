/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Peer-to-peer: the BARs of assigned functions in the I/O address space that those functions share,
 * at the addresses where the guest has placed them, so that one function's DMA reaches another's
 * registers and memory. Nobody needs it to run: what cannot be mapped is remembered with the reason
 * and told on request, and is tried again when the BAR moves.
 *
 * Whether requests find their way is not in our hands: above functions that the IOMMU keeps apart
 * they go up to the root complex, and not every one of those sends them down again.
 *
 * Windows come and go with functions, spaces with sessions, both in the main thread; they are shown
 * and hidden by whichever vCPU moves a BAR. A lock of its own guards all of it, inside the bus's.
 */
#pragma once

#include "vfio/space.h"

#include <pthread.h>

enum peers_wish {
	PEERS_AUTO, /* as soon as there are two functions */
	PEERS_ON,
	PEERS_OFF,
};

/* Part of a BAR that is mapped into this process. The function's, in the book while it lives. */
struct peer_window {
	const char *name; /* of its function */
	unsigned bar;
	uint64_t offset, size;
	void *mem;
	unsigned prot; /* enum vfio_prot */

	/* The book's. */
	bool shown; /* the guest decodes it, at `at` */
	struct iova at;
};

/* One window in one space. */
struct peer_entry {
	struct vfio_space *space;
	struct peer_window *window;
	bool mapped;
	struct iova at; /* where it is, if it is mapped */
	int error;	/* why it is not, though it is shown; not tried again before it moves */
};

struct peers {
	pthread_mutex_t lock;
	enum peers_wish wish;
	bool on;
	struct peer_window **windows;
	size_t n_windows;
	struct vfio_space **spaces;
	size_t n_spaces;
	struct peer_entry *entries; /* each window in each space */
	size_t n_entries;
	unsigned calls; /* to map, since peers_restart() */
};

void peers_init(struct peers *p, enum peers_wish wish);
/* All windows and spaces have gone. */
void peers_done(struct peers *p);
/* -ENOMEM; then nothing has changed. */
int peers_add_space(struct peers *p, struct vfio_space *s);
int peers_add_window(struct peers *p, struct peer_window *w);
/* What is mapped is unmapped; what cannot be stays counted in the space. */
void peers_remove_space(struct peers *p, struct vfio_space *s);
void peers_remove_window(struct peers *p, struct peer_window *w);
/* How many functions there are, which decides whether anything is mapped at all. */
void peers_count(struct peers *p, size_t functions);
void peers_restart(struct peers *p);

/* The guest decodes the window now, there. Memory decode of the device is on. */
void peers_show(struct peers *p, struct peer_window *w, struct iova at);
/*
 * It does not any more. An error: some space does not let go of it, and it stays in all of them
 * where it was.
 */
int peers_hide(struct peers *p, struct peer_window *w);

/* How many windows of BARs are mapped in this space, and how many entries it counts in all. */
unsigned peers_mapped(struct peers *p, const struct vfio_space *s, unsigned *ret_entries);
unsigned peers_calls(struct peers *p);
/* The entry of a window in a space; false: it is not in the book. */
bool peers_look(struct peers *p, const struct vfio_space *s, const struct peer_window *w,
	struct peer_entry *ret);
/* What to say of an entry's error: a string that lives. */
const char *peers_why(int error);
/* Is anything mapped at all, as matters are? */
bool peers_are_on(struct peers *p);
