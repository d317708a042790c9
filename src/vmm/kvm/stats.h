/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KVM's own counters, which also know the exits that never reach user space (binary statistics of
 * Documentation/virt/kvm/api.rst, 4.133). The descriptor must have been made before the vCPU ran
 * for the first time; reading it later disturbs nobody.
 */
#pragma once

#include "host/host.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Reads the counters called names[i] into values[i]; those that this kernel does not have stay as
 * they are. Returns how many were found, -EBADMSG when the file contradicts itself.
 */
int kvm_stats_read(struct host *h, int fd, const char *const *names, uint64_t *values, size_t n);
