// SPDX-License-Identifier: GPL-2.0-or-later
#include "reader.h"

#include "base/grow.h"
#include "base/str.h"
#include "host/conf.h"

#include <stdio.h>

char *reader_open(struct reader *r, const char *path, size_t *ret_len)
{
	char *text;
	int e;

	r->at.file = path;
	r->at.line = 0;
	e = conf_read(r->h, path, &text, ret_len);
	if (e == 0)
		return text;
	if (e != -ENOENT)
		reader_doubt(r, "cannot be read: %s", strerror(-e));
	return NULL;
}

void reader_doubt(struct reader *r, const char *fmt, ...)
{
	struct foreign *f = r->ret;
	char *what = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&what, fmt, ap) < 0)
		what = NULL;
	va_end(ap);
	if (!what || !GROW(f->doubts, f->n_doubts)) {
		free(what);
		r->error = -ENOMEM;
		return;
	}
	f->doubts[f->n_doubts++] = (struct foreign_doubt) {
		.by = r->at.by, .file = strdup(r->at.file), .line = r->at.line, .what = what
	};
}

void reader_say(struct reader *r, struct bdf pf, int vf, const char *key, const char *value,
	const char *said)
{
	int e = foreign_add(r->ret, &r->at, pf, vf, key, value, said);

	if (e < 0)
		r->error = e;
}

static int64_t routing_id(struct bdf a)
{
	return a.bus << 8 | a.dev << 3 | a.fn;
}

/* First offset and stride tell the addresses of VFs that do not exist yet (PCIe 5.0, 9.2.1.2). */
static const struct function *pf_of_future_vf(
	const struct inventory *inv, struct bdf a, unsigned *ret_index)
{
	for (size_t i = 0; i < inv->n_functions; i++) {
		const struct function *f = &inv->functions[i];
		int64_t distance = routing_id(a) - routing_id(f->bdf) - f->sriov.offset;

		if (f->kind != FUNCTION_PF || f->bdf.domain != a.domain || f->sriov.offset <= 0 ||
			f->sriov.stride <= 0 || distance < 0 || distance % f->sriov.stride ||
			distance / f->sriov.stride >= f->sriov.total_vfs)
			continue;
		*ret_index = (unsigned)(distance / f->sriov.stride);
		return f;
	}
	return NULL;
}

void reader_say_of(
	struct reader *r, struct bdf a, const char *key, const char *value, const char *said)
{
	const struct function *f = inventory_find_bdf(r->inv, a), *pf;
	unsigned index;

	if (f && f->kind == FUNCTION_VF && f->physfn)
		reader_say(r, f->physfn->bdf, f->vf_index, key, value, said);
	else if (f)
		reader_say(r, f->bdf, FOREIGN_ITSELF, key, value, said);
	else if ((pf = pf_of_future_vf(r->inv, a, &index)))
		reader_say(r, pf->bdf, (int)index, key, value, said);
}

void reader_say_setting(struct reader *r, struct bdf pf, int vf, const char *key, const char *value,
	const char *said)
{
	autofree char *word = str_printf("%s=%s", key, value), *own = NULL;
	int e = word ? setting_value(word, &own, NULL) : -ENOMEM;

	if (e == -ENOMEM)
		r->error = e;
	else if (e < 0)
		reader_doubt(r, "%s: no value for %s", said, key);
	else
		reader_say(r, pf, vf, key, own, said);
}

void reader_say_count(
	struct reader *r, struct bdf pf, const char *key, const char *value, const char *said)
{
	uint32_t n;
	char text[12];

	if (parse_u32(value, &n) < 0) {
		reader_doubt(r, "%s: not a number", said);
		return;
	}
	snprintf(text, sizeof(text), "%u", n);
	reader_say(r, pf, FOREIGN_ITSELF, key, text, said);
}
