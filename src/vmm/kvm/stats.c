// SPDX-License-Identifier: GPL-2.0-or-later
#include "stats.h"

#include "base/str.h"

#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 128, DESCRIPTORS_MAX = 1024, DATA_BYTES_MAX = 1 << 20 };

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

/* All at once: header, descriptors and values are three calls, however many they are. */
static int read_part(struct host *h, int fd, uint64_t at, size_t len, void **ret)
{
	autofree void *buf = calloc(1, len + 1);
	int r = buf ? read_at(h, fd, at, buf, len) : -ENOMEM;

	if (r == 0)
		*ret = TAKE_PTR(buf);
	return r;
}

struct stats {
	struct kvm_stats_header header;
	char *descriptors; /* each followed by its name */
};

/* The i-th descriptor, and the name that follows it. */
static struct kvm_stats_desc descriptor(
	const struct stats *s, uint32_t i, char name[NAME_BYTES_MAX + 1])
{
	struct kvm_stats_desc d;
	const char *at = s->descriptors + (size_t)i * (sizeof(d) + s->header.name_size);

	memcpy(&d, at, sizeof(d));
	memcpy(name, at + sizeof(d), s->header.name_size);
	name[s->header.name_size] = '\0';
	return d;
}

/* The first byte behind all values. */
static int find_end(const struct stats *s, size_t *ret)
{
	char name[NAME_BYTES_MAX + 1];

	*ret = 0;
	for (uint32_t i = 0; i < s->header.num_desc; i++) {
		struct kvm_stats_desc d = descriptor(s, i, name);
		uint64_t end = (uint64_t)d.offset + d.size * sizeof(uint64_t);

		if (end > DATA_BYTES_MAX)
			return -EBADMSG;
		*ret = MAX(*ret, (size_t)end);
	}
	return 0;
}

static int pick(const struct stats *s, const char *data, const char *const *names, uint64_t *values,
	size_t n)
{
	int found = 0;

	for (uint32_t i = 0; i < s->header.num_desc; i++) {
		char name[NAME_BYTES_MAX + 1];
		struct kvm_stats_desc d = descriptor(s, i, name);

		for (size_t k = 0; k < n; k++)
			if (d.size == 1 && str_eq(name, names[k])) {
				memcpy(&values[k], data + d.offset, sizeof(values[k]));
				found++;
			}
	}
	return found;
}

int kvm_stats_read(struct host *h, int fd, const char *const *names, uint64_t *values, size_t n)
{
	autofree void *descriptors = NULL, *data = NULL;
	struct stats s = { 0 };
	size_t end;
	int r = read_header(h, fd, &s.header);

	if (r == 0)
		r = read_part(h, fd, s.header.desc_offset,
			s.header.num_desc * (sizeof(struct kvm_stats_desc) + s.header.name_size),
			&descriptors);
	s.descriptors = descriptors;
	if (r == 0)
		r = find_end(&s, &end);
	if (r == 0)
		r = read_part(h, fd, s.header.data_offset, end, &data);
	return r < 0 ? r : pick(&s, data, names, values, n);
}
