// SPDX-License-Identifier: GPL-2.0-or-later
#include "interrupt.h"

#include "base/attr.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t came;

static void say(const char *text)
{
	ssize_t n UNUSED = write(STDERR_FILENO, text, strlen(text));
}

static void on_signal(int number)
{
	if (!came) {
		came = 1;
		say("\nvfctl: interrupted: what was begun is taken back; once more ends at once\n");
		return;
	}
	say("\nvfctl: ended at once: the next vfctl that changes something puts it in order\n");
	signal(number, SIG_DFL);
	raise(number);
}

/* What is ignored, as by nohup, stays so. */
static void catch_one(int number)
{
	const struct sigaction sa = { .sa_handler = on_signal };
	struct sigaction old;

	if (sigaction(number, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(number, &sa, NULL);
}

void interrupt_catch(void)
{
	came = 0;
	catch_one(SIGINT);
	catch_one(SIGTERM);
	catch_one(SIGHUP);
}

bool interrupt_came(void *arg UNUSED)
{
	return came != 0;
}
