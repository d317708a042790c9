/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line of JSON on --status: how the guest ended and what its last life cost. */
#pragma once

#include "machine.h"
#include "vmm/sandbox/sandbox.h"

struct report {
	const char *name;
	enum vmm_exit status;
	const char *what; /* "" if there is nothing to add */
	unsigned reboots;
	const char *vfio;  /* "iommufd" or "type1"; NULL: nothing is assigned */
	bool running;	   /* there is no end yet: status and what say nothing */
	char *const *lost; /* functions that it lost, "NAME: why", NULL-terminated; NULL: none */
	const struct sandbox_applied *sandbox;
	const struct machine *machine; /* NULL: it never ran */
	const struct dma_usage *dma;   /* NULL: no function is assigned */
};

/* "power-off", "reboot", … */
const char *report_reason(enum vmm_exit status);
/* What the start took, for people: some lines without the last newline, allocated; or NULL. */
char *report_start(const struct machine *m, const struct dma_usage *dma);
/* One line with its newline, allocated; NULL when memory is out. */
char *report_line(const struct report *r);
/* The same for a guest that runs, without the counters: who it is and what it has. */
char *report_status(const struct report *r, unsigned cpus, uint64_t memory_bytes);
/*
 * The same in advance, for who cannot make it when it is needed: what stands before the words of
 * "what", which must be plain ASCII without quotes, and what after them. Allocated; NULL.
 */
char *report_head(const char *name, enum vmm_exit status);
extern const char report_tail[];
