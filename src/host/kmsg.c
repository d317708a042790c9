// SPDX-License-Identifier: GPL-2.0-or-later
#include "kmsg.h"
#include "rootdir.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	RECORD_MAX = 8192, /* more than the kernel ever gives; a longer one would be EINVAL */
	/* As many as fit into the largest log there is; a flood in the meantime ends too. */
	RECORDS_MAX = 1 << 20,
	LEVEL_MASK = 7,
};

/* The property DEVICE among the lines behind the text; cut off in place. */
static const char *find_device(char *properties)
{
	static const char key[] = " DEVICE=";

	for (char *line = properties; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		line[strcspn(line, "\n")] = '\0';
		return line + strlen(key);
	}
	return "";
}

int kmsg_parse(char *record, struct host_log_line *ret)
{
	struct host_log_line line = { .device = "" };
	unsigned prefix;
	int text = 0;
	size_t n;

	if (sscanf(record, "%u,%" SCNu64 ",%" SCNu64 ",%*[^;];%n", &prefix, &line.seq, &line.us,
		    &text) != 3 ||
		!text)
		return -EBADMSG;
	line.level = prefix & LEVEL_MASK;
	line.foreign = prefix > LEVEL_MASK;
	line.text = record + text;
	n = strcspn(line.text, "\n");
	if (line.text[n])
		line.device = find_device(record + text + n + 1);
	record[text + (int)n] = '\0';
	*ret = line;
	return 0;
}

/* The next record: its length, 0 at the end of the log. */
static ssize_t next_record(int fd, char *buf, size_t size)
{
	for (;;) {
		ssize_t n = read(fd, buf, size - 1);

		if (n >= 0) {
			buf[n] = '\0';
			return n;
		}
		if (errno == EAGAIN)
			return 0;
		/* EPIPE: what comes next was overwritten; the next read goes on behind it. */
		if (errno != EPIPE && errno != EINTR)
			return -errno;
	}
}

/* All there is now, from where `fd` stands: the number after the last, 0 none. */
static int read_all(int fd, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	char buf[RECORD_MAX];
	uint64_t next = 0;

	for (unsigned i = 0; i < RECORDS_MAX; i++) {
		struct host_log_line line;
		ssize_t n = next_record(fd, buf, sizeof(buf));

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		if (kmsg_parse(buf, &line) < 0)
			continue;
		next = line.seq + 1;
		if (line.seq >= from)
			each(arg, &line);
	}
	*ret_next = next;
	return 0;
}

static int open_log(const struct rootdir *root)
{
	return rootdir_open(root, "/dev/kmsg", O_RDONLY | O_NONBLOCK);
}

int kmsg_read(const struct rootdir *root, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	autoclose int fd = open_log(root);

	return fd < 0 ? fd : read_all(fd, from, ret_next, each, arg);
}

int kmsg_mark(const struct rootdir *root)
{
	autoclose int fd = open_log(root);

	if (fd < 0)
		return fd;
	return lseek(fd, 0, SEEK_END) < 0 ? -errno : TAKE_FD(fd);
}

int kmsg_since(struct host *h UNUSED, int mark,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	uint64_t next;

	return read_all(mark, 0, &next, each, arg);
}
