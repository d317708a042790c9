// SPDX-License-Identifier: GPL-2.0-or-later
/* How changes end, by name: for whoever tells of them and writes no journal. */
#include "journal.h"

static const char *const end_names[JOURNAL_ENDS] = {
	[JOURNAL_RUNNING] = "running",
	[JOURNAL_DONE] = "done",
	[JOURNAL_UNDONE] = "undone",
	[JOURNAL_KEPT] = "kept",
	[JOURNAL_VOID] = "void",
	[JOURNAL_TORN] = "torn",
	[JOURNAL_BROKEN] = "broken",
};

const char *journal_end_name(enum journal_end how)
{
	return end_names[how];
}
