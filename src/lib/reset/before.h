/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a function's configuration space said before, and whether it says so again. */
#pragma once

#include "pci/config.h"

struct before {
	struct bdf bdf;
	uint8_t header[64];
	size_t len; /* 0: could not be read */
	/*
	 * A VF that only follows its PF is not restored by the kernel; who uses it next enables it.
	 * So its command register says nothing, unless a driver is at work on it.
	 */
	bool ignore_command;
};

void before_read(struct host *h, struct bdf a, struct before *ret);
/*
 * NULL: as before. Else what is wrong, "its command register is 0000, was 0406": the first
 * difference in what the kernel restores (command, BARs, ROM, bus numbers). Allocated.
 */
char *before_difference(struct host *h, const struct before *b);
