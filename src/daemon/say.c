// SPDX-License-Identifier: GPL-2.0-or-later
/* To the journal with fields of their own, where it listens; else to standard error. */
#include "manager.h"

#include "base/str.h"

#include <stdio.h>
#include <systemd/sd-journal.h>

void say(int priority, unsigned job, const char *fmt, ...)
{
	autofree char *text = NULL, *safe = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	safe = text ? str_printable(text) : NULL;
	if (!safe)
		return;
	if (!getenv("JOURNAL_STREAM"))
		fprintf(stderr, "vfctld: %s\n", safe);
	else if (job)
		(void)sd_journal_send(
			"MESSAGE=%s", safe, "PRIORITY=%d", priority, "VFCTL_JOB=%u", job, NULL);
	else
		(void)sd_journal_send("MESSAGE=%s", safe, "PRIORITY=%d", priority, NULL);
}
