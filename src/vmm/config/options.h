/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of vfctl-vmm. */
#pragma once

#include "base/mac.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OPTIONS_DEVICES_MAX = 31 };

enum device_kind {
	DEVICE_DISK,
	DEVICE_NET,
	DEVICE_RNG,
	DEVICE_VFIO,
};

/* Fields that the kind does not have are -1, zero or NULL. */
struct device_option {
	enum device_kind kind;
	int fd;
	bool read_only;
	const char *serial;
	struct mac mac;
	bool no_ioeventfd;
	int container, group, device;
	const char *name;
};

struct options {
	const char *name, *append;
	int kvm, kernel, initrd, status; /* -1 = not given */
	unsigned cpus;
	uint64_t memory_bytes;
	bool huge_pages, no_reboot, verbose;
	struct device_option devices[OPTIONS_DEVICES_MAX];
	size_t n_devices;
	bool help, version;
};

/*
 * Strings point into argv, which is cut at commas. Descriptors are checked to be open, each is made
 * close-on-exec. Usage problems: PROBLEM_USAGE.
 */
int options_parse(int argc, char **argv, struct options *ret, struct problem **reterr);
extern const char options_help[];
