// SPDX-License-Identifier: GPL-2.0-or-later
#include "forgiven.h"
#include "run.h"

#include "base/str.h"
#include "host/rootfs.h"
#include "lease/lease.h"
#include "store/store.h"

#include <inttypes.h>

enum { NUMBERS = 5 };

/* "health 1 N N N N N" */
static bool parse(const char *text, uint64_t n[NUMBERS])
{
	static const char head[] = "health 1 ";
	autofree char *copy = str_starts(text, head) ? strdup(text + strlen(head)) : NULL;
	char *save = NULL, *word = copy ? strtok_r(copy, " \n", &save) : NULL;

	for (unsigned i = 0; i < NUMBERS; i++, word = strtok_r(NULL, " \n", &save))
		if (!word || parse_u64(word, &n[i]) < 0)
			return false;
	return !word;
}

void forgiven_read(struct host *h, struct bdf a, struct forgiven *ret)
{
	autofree char *text = NULL;
	uint64_t n[NUMBERS], now;

	*ret = (struct forgiven) { 0 };
	if (rootfs_read(h, &text, "run/vfctl/" HEALTH_DIR "/%s", BDF_TEXT(a)) < 0 ||
		!parse(text, n))
		return;
	if (!h->captured && (lease_incarnation(h, a, &now) < 0 || now != n[0]))
		return;
	*ret = (struct forgiven) { .log = n[1], .errors = { true, n[2], n[3], n[4] } };
}

int health_mark(struct host *h, struct bdf a, struct health_mark *ret, struct problem **reterr)
{
	struct health_mark m = { .bdf = a };
	int r = lease_incarnation(h, a, &m.incarnation);

	if (r < 0)
		return problem(
			reterr, r, PROBLEM_VANISHED, NULL, "%s is not there any more", BDF_TEXT(a));
	errors_count(h, a, &m.errors);
	/* Without the right to read it, it tells nothing against the function either. */
	if (host_kernel_log(h, UINT64_MAX, &m.log, NULL, NULL) < 0)
		m.log = 0;
	*ret = m;
	return 0;
}

int health_forgive(const struct health_mark *m, const char *run_dir, struct problem **reterr)
{
	autofree char *dir = str_printf("%s/" HEALTH_DIR, run_dir), *text = NULL;
	int r;

	text = str_printf("health 1 %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 "\n",
		m->incarnation, m->log, m->errors.correctable, m->errors.nonfatal, m->errors.fatal);
	r = dir && text ? store_put_for_boot(dir, BDF_TEXT(m->bdf), text) : -ENOMEM;
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), "run it as root",
			"what %s is forgiven cannot be noted: %s", BDF_TEXT(m->bdf), strerror(-r));
	return 0;
}
