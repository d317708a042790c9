/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "console.h"

#include "host/winsize.h"
#include "vmm/loop/loop.h"

#include <sys/eventfd.h>

enum {
	CTRL_A = 1,
	CHUNK = 256,
};

struct console {
	struct console_params params;
	struct console_sink sink; /* room NULL: nobody */
	struct loop_source *source, *wake_source;
	int wake;
	bool escaped; /* a Ctrl-a came, what follows decides */
};

/* Takes the keys that are ours out of the input; returns how many bytes are left. */
static size_t take_keys(struct console *c, uint8_t *bytes, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		bool escaped = c->escaped;

		c->escaped = !escaped && bytes[i] == CTRL_A;
		if (c->escaped)
			continue;
		if (escaped && (bytes[i] == 'x' || bytes[i] == 'X')) {
			c->params.quit(c->params.arg);
			return kept;
		}
		bytes[kept++] = bytes[i];
	}
	return kept;
}

static void on_input(void *arg, uint32_t events UNUSED)
{
	struct console *c = arg;
	uint8_t bytes[CHUNK];
	size_t room = c->sink.room ? c->sink.room(c->sink.arg) : 0;
	ssize_t n;

	if (!room) { /* sleep until the guest has read something */
		loop_source_set_events(c->source, 0);
		return;
	}
	n = read(c->params.in_fd, bytes, MIN(room, sizeof(bytes)));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		loop_remove(c->source);
		c->source = NULL;
		return;
	}
	if (c->params.keys)
		n = (ssize_t)take_keys(c, bytes, (size_t)n);
	c->sink.receive(c->sink.arg, bytes, (size_t)n);
}

static void on_wake(void *arg, uint32_t events UNUSED)
{
	struct console *c = arg;

	if (c->source)
		loop_source_set_events(c->source, EPOLLIN);
}

int console_new(const struct console_params *params, struct console **ret)
{
	CLEANUP(console_freep) struct console *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->params = *params;
	c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake < 0)
		return -errno;
	r = loop_add_eventfd(params->loop, c->wake, on_wake, c, &c->wake_source);
	if (r < 0)
		return r;
	r = loop_add(params->loop, params->in_fd, EPOLLIN, on_input, c, &c->source);
	/* A file (</dev/null) cannot be waited for: nobody types there. */
	if (r < 0 && r != -EPERM && r != -EBADF)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

void console_free(struct console *c)
{
	if (!c)
		return;
	loop_remove(c->source);
	loop_remove(c->wake_source);
	if (c->wake >= 0)
		close(c->wake);
	free(c);
}

void console_connect(struct console *c, const struct console_sink *sink)
{
	c->sink = sink ? *sink : (struct console_sink) { 0 };
	if (!sink)
		return;
	console_more(c);
	console_resized(c);
}

bool console_is_connected(const struct console *c)
{
	return c->sink.room;
}

void console_resized(struct console *c)
{
	uint16_t columns, rows;

	if (c->params.keys && c->sink.resized && winsize_get(c->params.in_fd, &columns, &rows) == 0)
		c->sink.resized(c->sink.arg, columns, rows);
}

void console_more(void *console)
{
	struct console *c = console;
	uint64_t one = 1;
	ssize_t n = write(c->wake, &one, sizeof(one));

	(void)n; /* a full counter wakes just as well */
}
