/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capchain.h"

#include "base/checked.h"

#include <string.h>

enum {
	ANSWER_MAX = 1 << 20,
	CHAIN_MAX = 64, /* the kernel knows fewer than ten kinds */
};

int capchain_ask(struct host *h, int fd, unsigned long request, const void *first, size_t size,
	void **ret, size_t *ret_len)
{
	size_t len = size;

	/* Twice is enough: the answer's size does not change while we look. */
	for (int round = 0; round < 3; round++) {
		autofree char *buf = calloc(1, len);
		uint32_t argsz = (uint32_t)len;
		int r;

		if (!buf)
			return -ENOMEM;
		memcpy(buf, first, size);
		memcpy(buf, &argsz, sizeof(argsz));
		r = host_ioctl(h, fd, request, buf);
		if (r < 0)
			return r;
		memcpy(&argsz, buf, sizeof(argsz));
		if (argsz > ANSWER_MAX)
			return -EBADMSG;
		if (argsz <= len) {
			*ret_len = len;
			*ret = TAKE_PTR(buf);
			return 0;
		}
		len = argsz;
	}
	return -EBADMSG;
}

int capchain_walk(const void *answer, size_t len, uint32_t first_offset,
	int (*each)(const struct vfio_info_cap_header *cap, size_t room, void *arg), void *arg)
{
	uint32_t at = first_offset;

	for (int i = 0; at != 0; i++) {
		const struct vfio_info_cap_header *cap;
		int r;

		if (i == CHAIN_MAX || at % _Alignof(struct vfio_info_cap_header) ||
			!range_fits(at, sizeof(*cap), len))
			return -EBADMSG;
		cap = (const void *)((const char *)answer + at);
		r = each(cap, len - at, arg);
		if (r)
			return r;
		at = cap->next;
	}
	return 0;
}
