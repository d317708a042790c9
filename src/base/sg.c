// SPDX-License-Identifier: GPL-2.0-or-later
#include "sg.h"
#include "attr.h"

#include <stdint.h>
#include <string.h>

void sg_add(struct sg *s, void *base, size_t len)
{
	s->v[s->n++] = (struct iovec) { base, len };
	s->len += len;
}

void sg_skip(struct sg *s, size_t len)
{
	s->len -= len;
	while (s->n && len >= s->v->iov_len) {
		len -= s->v->iov_len;
		s->v++;
		s->n--;
	}
	if (len) {
		s->v->iov_base = (char *)s->v->iov_base + len;
		s->v->iov_len -= len;
	}
}

void sg_chop(struct sg *s, size_t len)
{
	s->len -= len;
	while (s->n && len >= s->v[s->n - 1].iov_len)
		len -= s->v[--s->n].iov_len;
	if (len)
		s->v[s->n - 1].iov_len -= len;
}

bool sg_pull(struct sg *s, void *buf, size_t len)
{
	size_t done = 0;

	if (len > s->len)
		return false;
	for (unsigned i = 0; done < len; i++) {
		size_t part = MIN(len - done, s->v[i].iov_len);

		memcpy((char *)buf + done, s->v[i].iov_base, part);
		done += part;
	}
	sg_skip(s, len);
	return true;
}

bool sg_push(struct sg *s, const void *buf, size_t len)
{
	if (!sg_write_at(s, 0, buf, len))
		return false;
	sg_skip(s, len);
	return true;
}

bool sg_write_at(const struct sg *s, size_t offset, const void *buf, size_t len)
{
	if (offset > s->len || len > s->len - offset)
		return false;
	for (unsigned i = 0; len; i++) {
		size_t part;

		if (offset >= s->v[i].iov_len) {
			offset -= s->v[i].iov_len;
			continue;
		}
		part = MIN(len, s->v[i].iov_len - offset);
		memcpy((char *)s->v[i].iov_base + offset, buf, part);
		buf = (const char *)buf + part;
		len -= part;
		offset = 0;
	}
	return true;
}
