/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A trace that vfctl-vmm has recorded (vmm/trace/record.h), played again: vmm/vfio does what it did
 * then, on a KVM without CPUs (fakevfio/fakekvm.h), and whatever it asks of VFIO must be the next
 * line of the trace, which has the answer. A trace comes from anywhere: nothing in it is believed.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum line_kind { LINE_BEGIN, LINE_END, LINE_CALL };

struct trace_line {
	unsigned number; /* in the file, from 1 */
	unsigned thing;	 /* what it belongs to, from 1 */
	enum line_kind kind;
	const char *text;   /* what begins; what was asked; what came of it */
	const char *answer; /* of a call */
	size_t next;	    /* of the same thing; 0: none */
};

struct trace {
	char *copy;
	struct trace_line *v;
	size_t n;
	size_t *things; /* where each begins; thing i is things[i - 1] */
	size_t n_things;
	bool cut; /* the last line has no end: whoever wrote it was killed */
};

struct replay_end {
	bool ok;
	unsigned line;	      /* 0: the trace as a whole */
	char what[600];	      /* why not; one or two lines more: expected, got */
	size_t things, calls; /* that were played */
};

/* -EINVAL and the line that is wrong; -ENOMEM. */
int trace_parse(const char *text, size_t len, struct trace *ret, struct replay_end *why);
void trace_done(struct trace *t);

/* Parses and plays. */
void replay(const char *text, size_t len, struct replay_end *ret);
