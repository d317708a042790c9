/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fact and where it was read: what every explanation of this tool rests on. `file` is the path
 * as a user may read it himself, `value` what stood there, on one line and printable.
 */
#pragma once

#include "base/attr.h"
#include "host/host.h"

struct fact {
	char *file;
	char *value; /* NULL: it is not there, or cannot be read */
};

void fact_done(struct fact *f);
#define autofact CLEANUP(fact_done) struct fact

/*
 * Each replaces what *f said. 0, or what reading gave; *f names the file in any case, but when
 * memory is out (-ENOMEM).
 */
int fact_sysfs(struct host *h, struct fact *f, const char *fmt, ...) PRINTF(3, 4);
int fact_procfs(struct host *h, struct fact *f, const char *fmt, ...) PRINTF(3, 4);
/* The last component of a link's target; no link is a fact too (-ENOENT, value NULL). */
int fact_sysfs_link(struct host *h, struct fact *f, const char *fmt, ...) PRINTF(3, 4);
/* A file that tells by being there: value "there". */
int fact_sysfs_exists(struct host *h, struct fact *f, const char *fmt, ...) PRINTF(3, 4);
/* A value that was found out otherwise; the file stays. */
int fact_say(struct fact *f, const char *fmt, ...) PRINTF(2, 3);
/* What was read and judged by the caller; takes `file` over (NULL: -ENOMEM). */
int fact_stand(struct fact *f, char *file, const char *fmt, ...) PRINTF(3, 4);
/* The value as a number; `otherwise` when it is none. */
uint64_t fact_number(const struct fact *f, uint64_t otherwise);
