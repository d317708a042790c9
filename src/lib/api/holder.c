// SPDX-License-Identifier: GPL-2.0-or-later
#include "holder/holder.h"
#include "run.h"

#include "base/str.h"

struct vfctl_holder {
	const struct holder *h;
	char address[BDF_TEXT_MAX];
};

struct vfctl_holders {
	struct holders found;
	struct vfctl_holder *v; /* as found.v */
};

void vfctl_holders_free(struct vfctl_holders *s)
{
	if (!s)
		return;
	holders_done(&s->found);
	free(s->v);
	free(s);
}

static int add_addresses(struct vfctl_holders *s)
{
	s->v = calloc(s->found.n + 1, sizeof(*s->v));
	for (size_t i = 0; s->v && i < s->found.n; i++) {
		s->v[i].h = &s->found.v[i];
		memcpy(s->v[i].address, BDF_TEXT(s->found.v[i].bdf), BDF_TEXT_MAX);
	}
	return s->v ? 0 : -ENOMEM;
}

int vfctl_holders_find(struct vfctl_host *host, const char *const *functions, size_t n,
	struct vfctl_holders **ret, struct vfctl_error **reterr)
{
	autofree struct bdf *a = calloc(n + 1, sizeof(*a));
	struct vfctl_holders *s = calloc(1, sizeof(*s));
	struct problem *p = NULL;
	int r = a && s ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = api_address(functions[i], &a[i], &p);
	if (r == 0)
		r = holders_find(host->host, a, n, &s->found);
	if (r == 0)
		r = add_addresses(s);
	if (r < 0) {
		vfctl_holders_free(s);
		return api_error(reterr, p, r);
	}
	*ret = s;
	return 0;
}

size_t vfctl_holders_count(const struct vfctl_holders *s)
{
	return s->found.n;
}

const struct vfctl_holder *vfctl_holders_get(const struct vfctl_holders *s, size_t i)
{
	return i < s->found.n ? &s->v[i] : NULL;
}

const char *vfctl_holders_unknown(const struct vfctl_holders *s, size_t i)
{
	STRV_FOREACH (u, s->found.unknown)
		if (i-- == 0)
			return *u;
	return NULL;
}

const char *vfctl_holder_function(const struct vfctl_holder *h)
{
	return h->address;
}

const char *vfctl_holder_kind(const struct vfctl_holder *h)
{
	return holder_kind_name(h->h->kind);
}

const char *vfctl_holder_strength(const struct vfctl_holder *h)
{
	return holder_strength_name(h->h->strength);
}

int vfctl_holder_pid(const struct vfctl_holder *h)
{
	return h->h->pid;
}

const char *vfctl_holder_command(const struct vfctl_holder *h)
{
	return h->h->command;
}

const char *vfctl_holder_vm(const struct vfctl_holder *h)
{
	return h->h->vm_name;
}

const char *vfctl_holder_text(const struct vfctl_holder *h)
{
	return h->h->text;
}
