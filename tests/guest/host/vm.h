/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs vfctl-vmm with the test guest, as a launcher would: every file is opened here and handed
 * over as a descriptor. What the guest said and how the VMM ended is kept for the test to judge.
 */
#pragma once

#include "cm.h"

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { VM_FDS_MAX = 8, VM_EXTRA_MAX = 8, VM_DISKS_MAX = 31 };

struct vm_disk {
	int fd;
	const char *options; /* ",ro", ",serial=x" or NULL */
};

struct vm_setup {
	const char *append; /* "test=pci …"; "memory=… cpus=…" are added */
	unsigned cpus;	    /* 0 = 1 */
	uint64_t memory;    /* bytes, 0 = 64 MiB */
	int initrd;	    /* a descriptor, 0 = none */
	int kernel;	    /* a descriptor, 0 = the test guest */
	struct vm_disk disks[VM_DISKS_MAX];
	int net; /* a tap, 0 = none */
	const char *net_options;
	bool rng;
	const char *input;		 /* what the console gets to read after `when` */
	const char *extra[VM_EXTRA_MAX]; /* more arguments */
	unsigned limit_s;		 /* 0 = 60 */
	/* When the console has shown `when`: `then` is called, `input` sent; both may be NULL. */
	const char *when;
	void (*then)(pid_t vmm);
	/* In the process that is going to be the VMM; false: it is not to be. NULL: nothing. */
	bool (*before_exec)(void);
};

struct vm_result {
	char *console, *errors; /* NUL-terminated */
	int status;		/* exit status, or 128 + signal */
	bool timed_out;
	struct json_object *report; /* the line on --status; NULL if there was none */
};

void vm_run(const struct vm_setup *setup, struct vm_result *ret);
void vm_result_done(struct vm_result *r);

/* The guest came to its end, no check failed, at least one held; the VMM says power-off. */
void vm_assert_good(const struct vm_result *r);
/* The VMM ended with this status and its report says "reason". */
void vm_assert_ended(const struct vm_result *r, int status, const char *reason);
bool vm_says(const struct vm_result *r, const char *line);
/* The guest's "count KEY VALUE"; fails the test when there is none. */
uint64_t vm_count(const struct vm_result *r, const char *key);
/* A number in the report by its path, "devices/virtio-blk0/doorbells"; fails the test if absent. */
uint64_t vm_report(const struct vm_result *r, const char *path);

/* A file without a name that holds `bytes` bytes; the descriptor is the caller's. */
int vm_file(const void *data, size_t bytes);
