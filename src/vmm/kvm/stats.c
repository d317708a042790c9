// SPDX-License-Identifier: GPL-2.0-or-later
#include "stats.h"

#include "base/str.h"

#include <linux/kvm.h>

enum { NAME_BYTES_MAX = 128, DESCRIPTORS_MAX = 1024 };

static int read_at(struct host *h, int fd, uint64_t at, void *buf, size_t len)
{
	ssize_t n = host_pread(h, fd, buf, len, at);

	if (n < 0)
		return (int)n;
	return (size_t)n == len ? 0 : -EBADMSG;
}

static int read_header(struct host *h, int fd, struct kvm_stats_header *ret)
{
	int r = read_at(h, fd, 0, ret, sizeof(*ret));

	if (r == 0 && (ret->name_size == 0 || ret->name_size > NAME_BYTES_MAX ||
			      ret->num_desc > DESCRIPTORS_MAX))
		return -EBADMSG;
	return r;
}

/* The i-th descriptor, and the name that follows it. */
static int read_descriptor(struct host *h, int fd, const struct kvm_stats_header *header,
	uint32_t i, struct kvm_stats_desc *ret, char name[NAME_BYTES_MAX + 1])
{
	uint64_t at = header->desc_offset + (uint64_t)i * (sizeof(*ret) + header->name_size);
	int r = read_at(h, fd, at, ret, sizeof(*ret));

	if (r == 0)
		r = read_at(h, fd, at + sizeof(*ret), name, header->name_size);
	name[header->name_size] = '\0';
	return r;
}

int kvm_stats_read(struct host *h, int fd, const char *const *names, uint64_t *values, size_t n)
{
	struct kvm_stats_header header;
	int found = 0, r = read_header(h, fd, &header);

	for (uint32_t i = 0; r == 0 && i < header.num_desc; i++) {
		char name[NAME_BYTES_MAX + 1];
		struct kvm_stats_desc d;

		r = read_descriptor(h, fd, &header, i, &d, name);
		for (size_t k = 0; r == 0 && k < n; k++)
			if (d.size == 1 && str_eq(name, names[k])) {
				r = read_at(h, fd, (uint64_t)header.data_offset + d.offset,
					&values[k], sizeof(values[k]));
				found++;
			}
	}
	return r < 0 ? r : found;
}
