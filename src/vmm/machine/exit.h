/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How vfctl-vmm ends: its exit status, and the "reason" in the line on --status. */
#pragma once

enum vmm_exit {
	VMM_EXIT_POWER_OFF = 0, /* the guest powered itself off */
	VMM_EXIT_FAILED = 1,	/* the VMM could not start or go on */
	VMM_EXIT_USAGE = 2,	/* the command line is wrong */
	VMM_EXIT_REBOOT = 10,	/* the guest rebooted and --no-reboot was given */
	VMM_EXIT_STOPPED = 11,	/* SIGTERM, SIGINT, or Ctrl-a x on the console */
	VMM_EXIT_CRASHED = 20,	/* triple fault */
	VMM_EXIT_INTERNAL_ERROR =
		21,		/* KVM could not go on (KVM_EXIT_INTERNAL_ERROR, FAIL_ENTRY) */
	VMM_EXIT_SANDBOX = 159, /* killed by SIGSYS: the sandbox denied a system call */
};
