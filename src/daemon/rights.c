// SPDX-License-Identifier: GPL-2.0-or-later
#include "rights.h"

#include "base/attr.h"

#include <cap-ng.h>

/*
 * Of root's workers: the configuration space beyond 64 bytes, NVMe's admin queue and
 * driver_override of others (SYS_ADMIN); attributes of VFs and devlink (NET_ADMIN); drivers
 * (SYS_MODULE); who holds a device, in /proc of other users (SYS_PTRACE, DAC_READ_SEARCH); what the
 * kernel said (SYSLOG); how much memory somebody's guest may pin (SYS_RESOURCE); whose a device
 * node is (CHOWN, FOWNER).
 */
static const unsigned kept[] = { CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_MODULE, CAP_SYS_PTRACE,
	CAP_DAC_READ_SEARCH, CAP_SYSLOG, CAP_SYS_RESOURCE, CAP_CHOWN, CAP_FOWNER };

int rights_limit(void)
{
	capng_type_t sets = CAPNG_PERMITTED | CAPNG_EFFECTIVE;
	capng_select_t what = CAPNG_SELECT_CAPS;
	unsigned had = 0;

	if (capng_get_caps_process() < 0)
		return -EPERM;
	if (capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP)) {
		sets |= CAPNG_BOUNDING_SET;
		what = CAPNG_SELECT_BOTH;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		had |= (unsigned)(capng_have_capability(CAPNG_PERMITTED, kept[i]) != 0) << i;
	capng_clear(what);
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (had >> i & 1)
			capng_update(CAPNG_ADD, sets, kept[i]);
	return capng_apply(what) < 0 ? -EPERM : 0;
}

/* Permitted they stay: root's exec makes them effective again. */
int rights_idle(bool for_good)
{
	capng_type_t sets = CAPNG_EFFECTIVE | (for_good ? CAPNG_PERMITTED : CAPNG_EFFECTIVE);

	if (capng_get_caps_process() < 0)
		return -EPERM;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		capng_update(CAPNG_DROP, sets, kept[i]);
	return capng_apply(CAPNG_SELECT_CAPS) < 0 ? -EPERM : 0;
}
