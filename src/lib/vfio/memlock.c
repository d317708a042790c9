/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "memlock.h"

#include "base/attr.h"

#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static bool has_ipc_lock(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0)
		return false;
	return data[CAP_TO_INDEX(CAP_IPC_LOCK)].effective & CAP_TO_MASK(CAP_IPC_LOCK);
}

int memlock_get(struct memlock *ret)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_MEMLOCK, &r) < 0)
		return -errno;
	ret->allowed_bytes = r.rlim_cur == RLIM_INFINITY ? UINT64_MAX : r.rlim_cur;
	ret->exempt = has_ipc_lock();
	return 0;
}

bool memlock_allows(const struct memlock *m, uint64_t bytes)
{
	return m->exempt || bytes <= m->allowed_bytes;
}

int memlock_get_of(int pid, uint64_t *ret_bytes)
{
	struct rlimit r;

	if (prlimit(pid, RLIMIT_MEMLOCK, NULL, &r) < 0)
		return -errno;
	*ret_bytes = r.rlim_cur == RLIM_INFINITY ? UINT64_MAX : r.rlim_cur;
	return 0;
}

int memlock_raise_of(int pid, uint64_t bytes)
{
	struct rlimit r;

	if (prlimit(pid, RLIMIT_MEMLOCK, NULL, &r) < 0)
		return -errno;
	if (r.rlim_cur == RLIM_INFINITY || r.rlim_cur >= bytes)
		return 0;
	r.rlim_cur = bytes;
	if (r.rlim_max != RLIM_INFINITY && r.rlim_max < bytes)
		r.rlim_max = bytes;
	return prlimit(pid, RLIMIT_MEMLOCK, &r, NULL) < 0 ? -errno : 1;
}

int memlock_raise(uint64_t bytes)
{
	return memlock_raise_of(0, bytes);
}
