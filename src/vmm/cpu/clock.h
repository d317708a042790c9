/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frequency of a virtual CPU's time stamp counter. KVM takes the one that it measured when it
 * was loaded; where the host measured anew since then, and the hardware cannot scale, it has none,
 * says so to nobody, and the guest's timers never fire (x86.c, kvm_arch_vcpu_create()).
 */
#pragma once

#include "host/host.h"

enum cpu_clock {
	CPU_CLOCK_GOOD,	    /* or this KVM does not tell */
	CPU_CLOCK_REPAIRED, /* it had none, and has the host's of now */
	CPU_CLOCK_NONE,
};

/* Of a CPU that has not run yet. */
enum cpu_clock cpu_clock_settle(struct host *h, int vcpu_fd);
/* What to tell, NULL when all is well. Static. */
const char *cpu_clock_text(enum cpu_clock c);
