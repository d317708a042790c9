// SPDX-License-Identifier: GPL-2.0-or-later
/* A disk whose file has grown, or is to be shown smaller. */
#include "disk.h"

#include "base/str.h"
#include "vmm/sandbox/sandbox.h"

#include <string.h>

/* Of `there` bytes as many as `text` says. */
static int understand(const struct disk *d, uint64_t there, const char *text, uint64_t *ret,
	struct problem **reterr)
{
	if (str_eq(text, "auto")) {
		*ret = there;
		return 0;
	}
	if (parse_bytes(text, ret) < 0 || *ret == 0 || *ret % d->logical_bytes)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"size is auto, or bytes, such as 2G, in whole blocks of %u",
			d->logical_bytes);
	if (*ret <= there)
		return 0;
	problem(reterr, -ENOSPC, PROBLEM_BAD_IMAGE, NULL, "the disk's file has %llu bytes",
		(unsigned long long)there);
	problem_hint(reterr, "make it larger first: truncate -s %s FILE", text);
	return -ENOSPC;
}

int disk_resize(struct disk *d, const char *size, struct problem **reterr)
{
	uint64_t there = 0, bytes = 0;
	int r = d->ops->look(d, &there);

	if (r < 0)
		return problem(reterr, r, PROBLEM_IO, NULL, "cannot tell the size of the disk: %s",
			strerror(-r));
	if (there == 0)
		return problem(reterr, -EINVAL, PROBLEM_BAD_IMAGE, NULL,
			"there is nothing left of the disk's file");
	r = understand(d, there, size, &bytes, reterr);
	if (r < 0)
		return r;
	r = sandbox_allow_file_bytes(bytes);
	if (r < 0)
		return problem(reterr, r, PROBLEM_PERMISSION, "see ulimit -f",
			"files of this process may not become so large");
	return __atomic_exchange_n(&d->bytes, bytes, __ATOMIC_RELAXED) != bytes;
}
