// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An IOMMU fault is told in the kernel's log and nowhere else. The lines are
 *
 *   DMAR: [DMA Write NO_PASID] Request device [01:10.0] fault addr 0x1200000 [fault reason …
 *   AMD-Vi: Event logged [IO_PAGE_FAULT device=0000:01:10.0 domain=0x1 address=0x1200000 …
 *   arm-smmu-v3 …: … (a number per stream, no address of a function)
 *
 * and a kernel prints only so many of them in a while (for Intel's ten in five seconds, of which
 * one fault may take four): what is silent is tried again until that time has passed.
 */
#include "run.h"

#include "base/str.h"

#include <inttypes.h>
#include <string.h>

enum { FAULT_MS = 1000, ATTEMPTS = 7, TEXT_MAX = 400 };

void fault_mark(struct proof_run *r)
{
	fault_forget(r);
	r->log_mark = host_log_mark(r->host);
}

void fault_forget(struct proof_run *r)
{
	if (r->log_mark >= 0)
		host_close(r->host, r->log_mark);
	r->log_mark = -1;
}

/* Any number written 0x… in the line that lies in the range. */
static bool names_address(const char *line, uint64_t iova, uint64_t len)
{
	for (const char *s = line; (s = strstr(s, "0x")); s += 2) {
		uint64_t v = strtoull(s + 2, NULL, 16);

		if (v >= iova && v - iova < len)
			return true;
	}
	return false;
}

static bool names_function(const char *line, struct bdf a)
{
	char full[BDF_TEXT_MAX];
	const char *brief = strchr(bdf_format(a, full), ':') + 1;

	return strstr(line, brief) != NULL;
}

bool fault_is(const char *line, struct bdf a, uint64_t iova, uint64_t len)
{
	if (strstr(line, "DMAR:") || strstr(line, "AMD-Vi:"))
		return names_function(line, a) && names_address(line, iova, len);
	return strstr(line, "smmu") && names_address(line, iova, len);
}

struct search {
	struct proof_run *r;
	uint64_t iova, len;
	unsigned found;
	char *line; /* the first one, printable */
};

static void look_at(void *arg, const struct host_log_line *line)
{
	struct search *s = arg;

	if (!fault_is(line->text, s->r->target->bdf, s->iova, s->len))
		return;
	s->found++;
	if (!s->line) {
		autofree char *brief = strndup(line->text, TEXT_MAX);

		s->line = brief ? str_printable(brief) : NULL;
	}
}

static int look(void *arg)
{
	struct search *s = arg;
	int e = host_log_since(s->r->host, s->r->log_mark, look_at, s);

	return e < 0 ? e : s->found > 0;
}

unsigned fault_wait(struct proof_run *r, uint64_t iova, uint64_t len, unsigned ms, char **ret_line)
{
	struct search s = { .r = r, .iova = iova, .len = len };

	if (r->log_mark >= 0)
		proof_wait(r, ms, look, &s);
	*ret_line = s.line;
	return s.found;
}

/* Faults that were seen, and whether the device reported an error of its own. */
static unsigned provoke(struct proof_run *r, struct proof_check *c, const struct outside *o,
	int (*attempt)(void *arg), void *arg, bool *ret_refused)
{
	unsigned n = 0;

	for (int i = 0; i < ATTEMPTS && !n && !r->cancelled; i++) {
		autofree char *line = NULL;
		int e = attempt(arg);

		*ret_refused |= e > 0;
		n = fault_wait(r, o->iova, o->size, FAULT_MS, &line);
		if (line)
			check_evidence(c, "%s", line);
		if (e < 0 || r->log_mark < 0)
			break;
	}
	return n;
}

void check_isolation(struct proof_run *r, struct proof_check *c, const struct outside *o,
	uint8_t fill, int (*attempt)(void *arg), void *arg)
{
	bool refused = false;
	unsigned n = provoke(r, c, o, attempt, arg, &refused);

	c->faults += n;
	if (!outside_is(o, fill)) {
		check_failed(c, "memory was written that is not mapped for the function");
		check_hint(c, "do not assign anything on this machine: the IOMMU does not isolate");
	} else if (n || refused) {
		check_proved(c, "0x%" PRIx64 " cannot be reached once it is unmapped: %s", o->iova,
			n ? "the IOMMU faults" : "the function reports the error");
	} else {
		check_unproved(c, "unmapped memory stayed untouched, but no fault was %s",
			r->log_mark >= 0 ? "logged" : "seen: the kernel's log cannot be read");
	}
}
