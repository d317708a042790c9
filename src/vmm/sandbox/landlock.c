/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Documentation/userspace-api/landlock.rst. Debian 12's headers end with ABI 2, so its words are
 * here. */
#include "parts.h"

#include <sys/syscall.h>

#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_restrict_self  446
#endif

struct ruleset {
	uint64_t handled_access_fs, handled_access_net, scoped;
};

enum { CREATE_RULESET_VERSION = 1, FS_REFER = 1 << 13, FS_TRUNCATE = 1 << 14 };

/* All rights that an ABI knows: what is handled and allowed by no rule is denied. */
static const struct {
	int abi;
	struct ruleset all;
	size_t bytes;
} versions[] = {
	{ 6, { 0xffff, 3, 3 }, sizeof(struct ruleset) },
	{ 5, { 0xffff, 3, 0 }, offsetof(struct ruleset, scoped) },
	{ 4, { 0x7fff, 3, 0 }, offsetof(struct ruleset, scoped) },
	{ 3, { FS_TRUNCATE | (FS_TRUNCATE - 1), 0, 0 }, sizeof(uint64_t) },
	{ 2, { FS_REFER | (FS_REFER - 1), 0, 0 }, sizeof(uint64_t) },
	{ 1, { FS_REFER - 1, 0, 0 }, sizeof(uint64_t) },
};

static int restrict_to(const struct ruleset *all, size_t bytes)
{
	autoclose int fd = (int)syscall(SYS_landlock_create_ruleset, all, bytes, 0);

	if (fd < 0)
		return -errno;
	return syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
}

int landlock_enter(void)
{
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);

	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		if (abi >= versions[i].abi)
			return restrict_to(&versions[i].all, versions[i].bytes) == 0 ? abi : 0;
	return 0;
}
