// SPDX-License-Identifier: GPL-2.0-or-later
#include "terminal.h"
#include "winsize.h"

#include "base/str.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <termios.h>

enum { ROWS = 24, COLUMNS = 80, CTRL_C = 3, CTRL_D = 4 };

struct terminal {
	int in_fd, out_fd, signals;
	struct termios saved;
	sigset_t saved_mask;
	bool is_raw;
};

/* Another screen, without a cursor; and back. */
static const char enter[] = "\033[?1049h\033[?25l";
static const char leave[] = "\033[?25h\033[?1049l";

static int put(int fd, const char *s, size_t len)
{
	while (len) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			s += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int take_signals(struct terminal *t)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, &t->saved_mask);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return t->signals < 0 ? -errno : 0;
}

static int make_raw(struct terminal *t)
{
	struct termios raw = t->saved;

	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(t->in_fd, TCSANOW, &raw) < 0)
		return -errno;
	t->is_raw = true;
	return put(t->out_fd, enter, strlen(enter));
}

int terminal_open(int in_fd, int out_fd, struct terminal **ret)
{
	CLEANUP(terminal_closep) struct terminal *t = NULL;
	int r;

	if (!isatty(in_fd) || !isatty(out_fd))
		return -ENOTTY;
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	*t = (struct terminal) { .in_fd = in_fd, .out_fd = out_fd, .signals = -1 };
	r = take_signals(t);
	if (r == 0 && tcgetattr(in_fd, &t->saved) < 0)
		r = -errno;
	if (r == 0)
		r = make_raw(t);
	if (r == 0)
		*ret = TAKE_PTR(t);
	return r;
}

void terminal_close(struct terminal *t)
{
	if (!t)
		return;
	if (t->is_raw) {
		put(t->out_fd, leave, strlen(leave));
		tcsetattr(t->in_fd, TCSANOW, &t->saved);
	}
	if (t->signals >= 0)
		close(t->signals);
	sigprocmask(SIG_SETMASK, &t->saved_mask, NULL);
	free(t);
}

void terminal_size(const struct terminal *t, unsigned *ret_rows, unsigned *ret_columns)
{
	uint16_t columns, rows;
	int r = winsize_get(t->out_fd, &columns, &rows);

	/* A serial line knows no size. */
	*ret_rows = r < 0 || !rows || !columns ? ROWS : rows;
	*ret_columns = r < 0 || !rows || !columns ? COLUMNS : columns;
}

static int of_signal(struct terminal *t)
{
	struct signalfd_siginfo si;

	if (read(t->signals, &si, sizeof(si)) != sizeof(si))
		return TERMINAL_NOTHING;
	return si.ssi_signo == SIGWINCH ? TERMINAL_RESIZED : TERMINAL_END;
}

static int of_key(struct terminal *t)
{
	unsigned char c;
	ssize_t n = read(t->in_fd, &c, 1);

	if (n < 0 && errno == EINTR)
		return TERMINAL_NOTHING;
	if (n != 1 || c == CTRL_C || c == CTRL_D)
		return TERMINAL_END;
	return c;
}

int terminal_wait(struct terminal *t, unsigned timeout_ms)
{
	struct pollfd fds[] = { { .fd = t->signals, .events = POLLIN },
		{ .fd = t->in_fd, .events = POLLIN } };
	int n = poll(fds, ARRAY_SIZE(fds), (int)timeout_ms);

	if (n < 0)
		return errno == EINTR ? TERMINAL_NOTHING : -errno;
	if (fds[0].revents)
		return of_signal(t);
	return fds[1].revents ? of_key(t) : TERMINAL_NOTHING;
}

/* Each line is cleared behind its text, and all below the last: nothing flickers. */
int terminal_show(struct terminal *t, const char *text)
{
	autostrbuf b = { 0 };

	strbuf_add(&b, "\033[H");
	while (*text) {
		size_t n = strcspn(text, "\n");

		strbuf_add_bytes(&b, text, n);
		strbuf_add(&b, "\033[K");
		text += n;
		if (*text == '\n' && *++text)
			strbuf_add(&b, "\r\n");
	}
	strbuf_add(&b, "\033[J");
	return b.failed ? -ENOMEM : put(t->out_fd, b.s, b.len);
}
