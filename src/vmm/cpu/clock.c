// SPDX-License-Identifier: GPL-2.0-or-later
#include "clock.h"

#include <linux/kvm.h>

enum cpu_clock cpu_clock_settle(struct host *h, int vcpu_fd)
{
	/* Negative: it does not tell, KVM_CAP_GET_TSC_KHZ is missing. */
	if (host_ioctl(h, vcpu_fd, KVM_GET_TSC_KHZ, NULL) != 0)
		return CPU_CLOCK_GOOD;
	/* 0 stands for the host's, which takes no scaling. */
	host_ioctl(h, vcpu_fd, KVM_SET_TSC_KHZ, NULL);
	return host_ioctl(h, vcpu_fd, KVM_GET_TSC_KHZ, NULL) > 0 ? CPU_CLOCK_REPAIRED
								 : CPU_CLOCK_NONE;
}

const char *cpu_clock_text(enum cpu_clock c)
{
	switch (c) {
	case CPU_CLOCK_GOOD:
		return NULL;
	case CPU_CLOCK_REPAIRED:
		return "KVM had no frequency for the guest's clock, since the host's was measured anew "
		       "after KVM was loaded; it has that one now";
	case CPU_CLOCK_NONE:
		break;
	}
	return "KVM has no frequency for the guest's clock: its timers may never fire; reload KVM's "
	       "modules, or boot the host with tsc=reliable";
}
