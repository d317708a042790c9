/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where holders are found. Each source looks once, for all functions at a time, and adds what it
 * finds; what it may not look into it says in `found.unknown`. Only -ENOMEM is an error.
 */
#pragma once

#include "holder.h"

#include <stdint.h>

/* A device node that belongs to a function: who has it open holds the function. */
struct node {
	char *name;	 /* below the folder of device nodes: "vfio/12", "nvme0n1p2" */
	char *chain;	 /* how it leads there, "nvme0n1 → md0"; NULL: it is the function's own */
	size_t function; /* index in search.a */
	enum holder_kind kind;
};

struct search {
	struct host *h;
	const struct bdf *a;
	size_t n;
	char **drivers; /* of each function, NULL: none */
	size_t *order;	/* of a[], by address */
	struct node *nodes;
	size_t n_nodes, n_unlikely; /* of functions without driver: not asking is no loss */
	bool some_device; /* some function is on a VFIO driver: an anonymous device may be it */
	struct holders found;
};

int search_init(struct search *s, struct host *h, const struct bdf *a, size_t n);
void search_done(struct search *s);

/* The index in a[], or -1 when nobody asked about that function. */
ssize_t search_index(const struct search *s, struct bdf a);
bool search_is_on_vfio(const struct search *s, size_t function);

/* Takes `text` over, also on failure; NULL `text` is -ENOMEM. */
int search_add(struct search *s, enum holder_kind kind, enum holder_strength strength,
	size_t function, char *text);
/* The one that was added last, to be filled further. */
struct holder *search_last(struct search *s);
/* Takes `name` and `chain` over, also on failure. */
int search_add_node(
	struct search *s, enum holder_kind kind, size_t function, char *name, char *chain);
/* "libvirt's domains: Permission denied"; said once. */
int search_unknown(struct search *s, const char *what, int code);

/* Nodes first, then the walk that looks who has them open. */
int find_vfio_nodes(struct search *s);
int find_block(struct search *s); /* mounts, swap, stacks, fstab; nodes of disks */
int find_class_nodes(struct search *s);
int find_net(struct search *s);
int find_consoles(struct search *s); /* displays, terminals, keyboards */
int find_domains(struct search *s);
int find_claims(struct search *s);
int find_processes(struct search *s);
