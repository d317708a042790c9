// SPDX-License-Identifier: GPL-2.0-or-later
#include "say.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

void say_code(struct strbuf *to, long r)
{
	const char *name = r < 0 ? strerrorname_np((int)-r) : NULL;

	if (name)
		strbuf_add(to, "-%s", name);
	else
		strbuf_add(to, "%ld", r);
}

static int errno_named(const char *name, size_t len)
{
	for (int i = 1; i < 200; i++) {
		const char *one = strerrorname_np(i);

		if (one && strlen(one) == len && memcmp(one, name, len) == 0)
			return i;
	}
	return 0;
}

int parse_code(const char *text, const char **ret_end, long *ret)
{
	size_t len = strcspn(text, " ");
	char number[24];
	uint64_t v;

	*ret_end = text + len + strspn(text + len, " ");
	if (*text == '-') {
		*ret = -errno_named(text + 1, len - 1);
		return *ret ? 0 : -EINVAL;
	}
	if (len == 0 || len >= sizeof(number))
		return -EINVAL;
	memcpy(number, text, len);
	number[len] = '\0';
	if (parse_u64(number, &v) < 0 || v > INT32_MAX)
		return -EINVAL;
	*ret = (long)v;
	return 0;
}

static bool is_number(size_t len)
{
	return len == 1 || len == 2 || len == 4 || len == 8;
}

void say_data(struct strbuf *to, const void *data, size_t len)
{
	uint64_t v = 0;

	if (!is_number(len)) {
		for (size_t i = 0; i < len; i++)
			strbuf_add(to, "%02x", ((const uint8_t *)data)[i]);
		return;
	}
	memcpy(&v, data, len);
	strbuf_add(to, "0x%0*llx", (int)(2 * len), (unsigned long long)v);
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef", *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

ssize_t parse_data(const char *text, void *buf, size_t size)
{
	bool number = str_starts(text, "0x");
	const char *hex = number ? text + 2 : text;
	size_t digits = strcspn(hex, " "), len = digits / 2;
	uint8_t *to = buf;

	if (digits % 2 || len > size || (number && !is_number(len)))
		return -EINVAL;
	for (size_t i = 0; i < len; i++) {
		int high = digit(hex[2 * i]), low = digit(hex[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		to[number ? len - 1 - i : i] = (uint8_t)(high << 4 | low);
	}
	return (ssize_t)len;
}

/* ---- Calls that are no ioctls ---- */

static const char *place(const struct names *n, int fd, uint64_t offset, struct strbuf *to,
	const char *what, char buf[PLACE_BYTES])
{
	const char *name = names_fd(n, fd);

	strbuf_add(to, "%s %s ", what, name ? name : "?");
	return names_place(n, fd, offset, buf);
}

void say_read(const struct names *n, int fd, uint64_t offset, size_t len, struct strbuf *to)
{
	char buf[PLACE_BYTES];

	strbuf_add(to, "%s %zu", place(n, fd, offset, to, "read", buf), len);
}

void say_write(const struct names *n, int fd, uint64_t offset, const void *data, size_t len,
	struct strbuf *to)
{
	char buf[PLACE_BYTES];

	strbuf_add(to, "%s %zu ", place(n, fd, offset, to, "write", buf), len);
	say_data(to, data, len);
}

void say_map(
	const struct names *n, int fd, uint64_t offset, size_t len, int prot, struct strbuf *to)
{
	char buf[PLACE_BYTES];

	strbuf_add(to, "%s 0x%zx %s%s", place(n, fd, offset, to, "map", buf), len,
		prot & 1 ? "r" : "", prot & 2 ? "w" : "");
}

void say_unmap(const struct names *n, const struct named_map *m, struct strbuf *to)
{
	char buf[PLACE_BYTES];

	strbuf_add(to, "%s 0x%zx", place(n, m->device, m->offset, to, "unmap", buf), m->len);
}

void say_close(const struct names *n, int fd, struct strbuf *to)
{
	const char *name = names_fd(n, fd);

	strbuf_add(to, "close %s", name ? name : "?");
}
