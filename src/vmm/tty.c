/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tty.h"

#include "base/attr.h"

#include <signal.h>
#include <stdatomic.h>
#include <termios.h>

/* A terminal belongs to the process, so its state does too: signal handlers have no argument. */
static struct termios saved;
static int saved_fd;
static atomic_bool is_raw;

void tty_restore(void)
{
	if (atomic_exchange(&is_raw, false))
		tcsetattr(saved_fd, TCSANOW, &saved);
}

/* tcsetattr() is async-signal-safe. The signal's default action follows on return. */
static void on_fatal(int sig)
{
	tty_restore();
	raise(sig);
}

bool tty_make_raw(int fd)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };
	struct sigaction sa = { .sa_handler = on_fatal, .sa_flags = (int)SA_RESETHAND };
	struct termios raw;

	if (!isatty(fd) || tcgetattr(fd, &saved) < 0)
		return false;
	saved_fd = fd;
	raw = saved;
	cfmakeraw(&raw);
	raw.c_oflag |= OPOST; /* messages of our own still want their carriage returns */
	atomic_store(&is_raw, true);
	for (size_t i = 0; i < ARRAY_SIZE(fatal); i++)
		sigaction(fatal[i], &sa, NULL);
	atexit(tty_restore);
	if (tcsetattr(fd, TCSANOW, &raw) < 0) {
		atomic_store(&is_raw, false);
		return false;
	}
	return true;
}
