// SPDX-License-Identifier: GPL-2.0-or-later
#include "report.h"

#include <string.h>

struct vfctl_report *report_new(size_t n)
{
	return calloc(1, sizeof(struct vfctl_report) + n * sizeof(struct vfctl_result));
}

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

int report_add(struct vfctl_report *r, const struct vfctl_result *result)
{
	struct vfctl_result *to = &r->v[r->n++];

	to->name = result->name;
	to->verdict = result->verdict;
	to->bad = result->bad;
	return copy(&to->text, result->text ? result->text : "") && copy(&to->file, result->file) &&
			       copy(&to->value, result->value) && copy(&to->fix, result->fix)
		       ? 0
		       : -ENOMEM;
}

void vfctl_report_free(struct vfctl_report *r)
{
	for (size_t i = 0; r && i < r->n; i++) {
		free(r->v[i].text);
		free(r->v[i].file);
		free(r->v[i].value);
		free(r->v[i].fix);
	}
	free(r);
}

int vfctl_report_good(const struct vfctl_report *r)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].bad)
			return 0;
	return 1;
}

size_t vfctl_report_results(const struct vfctl_report *r)
{
	return r->n;
}

const struct vfctl_result *vfctl_report_result(const struct vfctl_report *r, size_t i)
{
	return i < r->n ? &r->v[i] : NULL;
}

const char *vfctl_result_name(const struct vfctl_result *r)
{
	return r->name;
}

const char *vfctl_result_verdict(const struct vfctl_result *r)
{
	return r->verdict;
}

const char *vfctl_result_text(const struct vfctl_result *r)
{
	return r->text;
}

const char *vfctl_result_file(const struct vfctl_result *r)
{
	return r->file;
}

const char *vfctl_result_value(const struct vfctl_result *r)
{
	return r->value;
}

const char *vfctl_result_fix(const struct vfctl_result *r)
{
	return r->fix;
}
