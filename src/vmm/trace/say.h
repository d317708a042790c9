/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as words of a line, and calls that are no ioctls. */
#pragma once

#include "names.h"

#include <sys/types.h>

struct strbuf;

/* "0", "3", "-EINVAL" */
void say_code(struct strbuf *to, long r);
int parse_code(const char *text, const char **ret_end, long *ret);
/* Of 1, 2, 4 or 8 bytes a number, else pairs of digits. */
void say_data(struct strbuf *to, const void *data, size_t len);
/* At most `size` bytes; how many it were, or -EINVAL. */
ssize_t parse_data(const char *text, void *buf, size_t size);

/* "read 0000:01:10.0 config+0x0 4" and so on; the descriptor has a name. */
void say_read(const struct names *n, int fd, uint64_t offset, size_t len, struct strbuf *to);
void say_write(const struct names *n, int fd, uint64_t offset, const void *data, size_t len,
	struct strbuf *to);
void say_map(
	const struct names *n, int fd, uint64_t offset, size_t len, int prot, struct strbuf *to);
void say_unmap(const struct names *n, const struct named_map *m, struct strbuf *to);
void say_close(const struct names *n, int fd, struct strbuf *to);
