// SPDX-License-Identifier: GPL-2.0-or-later
/* PCIe errors as the kernel counts them (kernel document sysfs-bus-pci-devices-aer). */
#include "run.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <inttypes.h>

enum { MANY_CORRECTABLE = 1000 };

static const struct counter {
	const char *file, *total;
} fatal = { "aer_dev_fatal", "TOTAL_ERR_FATAL" },
  nonfatal = { "aer_dev_nonfatal", "TOTAL_ERR_NONFATAL" },
  correctable = { "aer_dev_correctable", "TOTAL_ERR_COR" };

/* "TOTAL_ERR_FATAL 0" is the last line of such a file. */
static bool read_total(struct host *h, struct bdf a, const struct counter *c, uint64_t *ret)
{
	autofree char *text = NULL;
	char *at;

	if (sysfs_read(h, &text, "bus/pci/devices/%s/%s", BDF_TEXT(a), c->file) < 0)
		return false;
	at = strstr(text, c->total);
	if (!at)
		return false;
	at = str_trim(at + strlen(c->total));
	at[strcspn(at, "\n")] = '\0';
	return parse_u64(at, ret) == 0;
}

bool errors_count(struct host *h, struct bdf a, struct health_errors *ret)
{
	struct health_errors e = { 0 };

	e.known = read_total(h, a, &fatal, &e.fatal) && read_total(h, a, &nonfatal, &e.nonfatal) &&
		  read_total(h, a, &correctable, &e.correctable);
	if (!e.known)
		return false;
	*ret = e;
	return true;
}

/* Fewer than were forgiven: the counters began anew. */
static uint64_t since(uint64_t now, uint64_t then)
{
	return now >= then ? now - then : now;
}

/* The kinds that were counted, without the total: "SDES 1, MalfTLP 2". NULL: no memory. */
static char *kinds_of(struct sign_run *r, const struct counter *c)
{
	autofree char *text = NULL;
	autostrbuf b = { 0 };
	char *save = NULL;

	if (sysfs_read(r->h, &text, "bus/pci/devices/%s/%s", r->f->address, c->file) < 0)
		return strdup("?");
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		uint64_t n;
		char *at = strrchr(l, ' ');

		if (!at || str_starts(l, "TOTAL_") || parse_u64(at + 1, &n) < 0 || !n)
			continue;
		strbuf_add(&b, "%s%s", b.len ? ", " : "", l);
	}
	return b.len ? strbuf_take(&b) : strdup(c->total);
}

static void tell(struct sign_run *r, enum health_state state, const struct counter *c, uint64_t n,
	const char *what)
{
	autofree char *kinds = kinds_of(r, c), *safe = kinds ? str_printable(kinds) : NULL;
	autofact fact = { 0 };

	if (!safe || fact_stand(&fact, sysfs_path("bus/pci/devices/%s/%s", r->f->address, c->file),
			     "%s", safe) == -ENOMEM) {
		r->all->failed = true;
		return;
	}
	sign_found(r, state, &fact,
		state == HEALTH_UNHEALTHY ? "vfctl recover %s"
					  : "see the kernel log; vfctl recover --accept %s",
		"%" PRIu64 " %s PCIe error%s", n, what, n == 1 ? "" : "s");
}

void sign_errors(struct sign_run *r)
{
	struct health *to = &r->p->health;
	const struct health_errors *f = &r->p->forgiven.errors;

	if (!errors_count(r->h, r->f->bdf, &to->total))
		return;
	to->fresh = (struct health_errors) {
		.known = true,
		.correctable = since(to->total.correctable, f->correctable),
		.nonfatal = since(to->total.nonfatal, f->nonfatal),
		.fatal = since(to->total.fatal, f->fatal),
	};
	if (to->fresh.fatal)
		tell(r, HEALTH_UNHEALTHY, &fatal, to->fresh.fatal, "fatal");
	if (to->fresh.nonfatal)
		tell(r, HEALTH_DEGRADED, &nonfatal, to->fresh.nonfatal, "non-fatal");
	if (to->fresh.correctable >= MANY_CORRECTABLE)
		tell(r, HEALTH_DEGRADED, &correctable, to->fresh.correctable, "correctable");
}
