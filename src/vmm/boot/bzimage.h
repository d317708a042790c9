/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Linux/x86 boot protocol, 64-bit entry (Documentation/arch/x86/boot.rst). The kernel's own header
 * is taken from a file that anybody may have made: every field is checked before it is used.
 */
#pragma once

#include "base/problem.h"
#include "host/host.h"
#include "vmm/cpu/vcpu.h"
#include "vmm/memory/guest_memory.h"

#include <asm/bootparam.h>

struct bzimage {
	struct setup_header header;
	uint64_t file_size;
	uint64_t code_offset; /* where the protected-mode part begins in the file */
	uint64_t code_size;
};

/* Checks the first bytes of a file of `file_size` bytes: PROBLEM_BAD_IMAGE says what is wrong. */
int bzimage_parse(const void *head, size_t len, uint64_t file_size, struct bzimage *ret,
	struct problem **reterr);

struct boot_image_params {
	int kernel_fd;
	int initrd_fd; /* -1 = none */
	const char *cmdline;
	uint64_t ecam; /* told to the kernel as reserved, 1 MiB */
	struct gpa rsdp;
};

/* Loads kernel, initrd and command line, and everything that the first CPU needs to start. */
int boot_load(struct host *h, const struct guest_memory *m, const struct boot_image_params *p,
	struct cpu_entry *ret, struct problem **reterr);
