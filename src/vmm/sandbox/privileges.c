/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "parts.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

int privileges_forgo(void)
{
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0;
}

/* Up to the last that this kernel knows. Without CAP_SETPCAP there is nothing to lose. */
static void drop_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

int privileges_drop(const struct sandbox_params *p)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3] = { 0 };

	drop_bounding_set();
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	if (p->may_pin)
		left[0].permitted = left[0].effective = CAP_TO_MASK(CAP_IPC_LOCK);
	return syscall(SYS_capset, &head, left) < 0 ? -errno : 0;
}

void privileges_hide(void)
{
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
