// SPDX-License-Identifier: GPL-2.0-or-later
/* What the kernel's log says against functions: line.def. */
#include "run.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>

static const struct line {
	enum health_state state;
	const char *words, *more, *means;
} lines[] = {
#define LINE(state, words, more, means) { state, words, more, means },
#include "line.def"
#undef LINE
};

static const struct line *find_line(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		const char *at = strstr(text, lines[i].words);

		if (at && (!lines[i].more || strstr(at + strlen(lines[i].words), lines[i].more)))
			return &lines[i];
	}
	return NULL;
}

static void say(struct patient *p, const struct line *l, const char *text, bool *failed)
{
	char *safe = l->state == HEALTH_OK ? NULL : str_printable(text);

	*failed |= l->state != HEALTH_OK && !safe;
	/* A lesser complaint does not make up for a grave one. */
	if (l->state != HEALTH_OK && l->state < p->said) {
		free(safe);
		return;
	}
	free(p->line);
	p->line = safe;
	p->said = l->state;
	p->means = l->means;
}

/* The first address in the text: whom it is about. */
static bool find_address(const char *text, struct bdf *ret)
{
	for (const char *at = strchr(text, ':'); at; at = strchr(at + 1, ':')) {
		const char *begin = at, *end = at;
		char word[BDF_TEXT_MAX];

		while (begin > text && isxdigit((unsigned char)begin[-1]))
			begin--;
		while (isxdigit((unsigned char)*end) || *end == '.' ||
			(*end == ':' && isxdigit((unsigned char)end[1])))
			end++;
		if ((size_t)(end - begin) >= sizeof(word) || (begin > text && isalnum(begin[-1])))
			continue;
		(void)snprintf(word, sizeof(word), "%.*s", (int)(end - begin), begin);
		if (bdf_parse(word, ret) == 0)
			return true;
	}
	return false;
}

static void consider(void *arg, const struct host_log_line *from)
{
	struct healths *s = arg;
	const struct line *l = from->foreign ? NULL : find_line(from->text);
	const struct function *f;
	struct patient *p;
	struct bdf a;

	if (!l || (!find_address(from->device, &a) && !find_address(from->text, &a)))
		return;
	f = inventory_find_bdf(s->inv, a);
	p = f ? patient_of(s, f) : NULL;
	if (p && from->seq >= p->forgiven.log)
		say(p, l, from->text, &s->failed);
}

void read_log(struct healths *s)
{
	uint64_t next;

	/* Not for everybody to read: then there is no such sign. */
	(void)host_kernel_log(s->h, 0, &next, consider, s);
}

void sign_log(struct sign_run *r)
{
	autofact fact = { 0 };

	if (!r->p->line)
		return;
	fact.file = strdup("kernel log");
	fact.value = strdup(r->p->line);
	r->all->failed |= !fact.file || !fact.value;
	sign_found(r, r->p->said, &fact, r->p->said >= HEALTH_DEGRADED ? "vfctl recover %s" : NULL,
		"%s", r->p->means);
}
