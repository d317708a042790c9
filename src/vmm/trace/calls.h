/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of VFIO, iommufd and KVM as text: what was asked, and what came back. One table (calls.c)
 * says which fields of which request are which; who records writes by it, who replays reads by it.
 */
#pragma once

#include "names.h"

struct strbuf;

/* An ioctl under way. */
struct call {
	struct names *names;
	const char *of; /* the function that it is for; "": none. Scope of eventfds' names */
	int fd;
	unsigned long request;
	void *arg;
	const struct call_shape *shape;
	uint32_t argsz; /* bytes of `arg`, as they were before the kernel wrote there */
	uint32_t room;	/* of a list that `arg` points at, also before */
};

/* Whether there is anything to be told, or remembered, of such requests at all. */
bool call_matters(unsigned long request);
/*
 * False: not a matter of traces. KVM's requests are one only `inside` of what is done for a
 * function: the others' are not of interest.
 */
bool call_init(struct call *c, struct names *n, const char *of, bool inside, int fd,
	unsigned long request, void *arg);
/* "container VFIO_IOMMU_MAP_DMA flags=0x3 iova=0x0 size=0x10000000 memory" */
void call_say(struct call *c, struct strbuf *to);
/* "0 flags=0x7 size=0x4000"; also remembers what the names need (call_learn()). */
void call_say_answer(struct call *c, int r, struct strbuf *to);
/* The same text back into *ret and `arg`. -EINVAL. What is made (a descriptor) is `made`. */
int call_take_answer(struct call *c, const char *text, int made, int *ret);
/* May take long: worth a line before. */
bool call_is_slow(const struct call *c);
/* KVM_SET_GSI_ROUTING is no line of its own; the messages are told where they are connected. */
void call_note_routes(struct names *n, unsigned long request, const void *arg);
