// SPDX-License-Identifier: GPL-2.0-or-later
#include "handle.h"

#include "base/str.h"

struct vfctl_error {
	struct problem *problem;
	char *message;
};

int api_error(struct vfctl_error **reterr, struct problem *p, int code)
{
	struct vfctl_error *e;

	if (!p && code < 0)
		problem(&p, code, problem_kind_from_errno(code), NULL, "%s", strerror(-code));
	e = reterr && p ? calloc(1, sizeof(*e)) : NULL;
	if (!e) {
		problem_free(p);
		return code;
	}
	e->problem = p;
	e->message = problem_text(p);
	*reterr = e;
	return code;
}

const char *vfctl_error_message(const struct vfctl_error *e)
{
	return e->message ? e->message : problem_kind_meaning(e->problem->kind);
}

const char *vfctl_error_hint(const struct vfctl_error *e)
{
	return problem_best_hint(e->problem);
}

const char *vfctl_error_kind(const struct vfctl_error *e)
{
	return problem_kind_name(e->problem->kind);
}

int vfctl_error_code(const struct vfctl_error *e)
{
	return e->problem->code;
}

int vfctl_error_exit_code(const struct vfctl_error *e)
{
	return problem_kind_exit_code(e->problem->kind);
}

void vfctl_error_free(struct vfctl_error *e)
{
	if (!e)
		return;
	problem_free(e->problem);
	free(e->message);
	free(e);
}
