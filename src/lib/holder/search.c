// SPDX-License-Identifier: GPL-2.0-or-later
#include "sources.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "iommu/group.h"

static int by_address(const void *x, const void *y, void *arg)
{
	const struct bdf *a = arg;
	size_t i = *(const size_t *)x, j = *(const size_t *)y;
	int c = bdf_cmp(a[i], a[j]);

	return c ? c : (i > j) - (i < j);
}

static int read_driver(struct search *s, size_t i)
{
	int r = sysfs_link_name(
		s->h, &s->drivers[i], "bus/pci/devices/%s/driver", BDF_TEXT(s->a[i]));

	return r == -ENOMEM ? r : 0;
}

int search_init(struct search *s, struct host *h, const struct bdf *a, size_t n)
{
	*s = (struct search) { .h = h, .a = a, .n = n };
	s->drivers = calloc(n + 1, sizeof(*s->drivers));
	s->order = calloc(n + 1, sizeof(*s->order));
	if (!s->drivers || !s->order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int r = read_driver(s, i);

		if (r < 0)
			return r;
		s->some_device = s->some_device || search_is_on_vfio(s, i);
		s->order[i] = i;
	}
	qsort_r(s->order, n, sizeof(*s->order), by_address, (void *)(uintptr_t)a);
	return 0;
}

void search_done(struct search *s)
{
	for (size_t i = 0; s->drivers && i < s->n; i++)
		free(s->drivers[i]);
	free(s->drivers);
	free(s->order);
	for (size_t i = 0; i < s->n_nodes; i++) {
		free(s->nodes[i].name);
		free(s->nodes[i].chain);
	}
	free(s->nodes);
	holders_done(&s->found);
}

ssize_t search_index(const struct search *s, struct bdf a)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (bdf_cmp(s->a[s->order[mid]], a) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n && bdf_eq(s->a[s->order[lo]], a) ? (ssize_t)s->order[lo] : -1;
}

bool search_is_on_vfio(const struct search *s, size_t function)
{
	return s->drivers[function] && driver_is_vfio(s->drivers[function]);
}

int search_add(struct search *s, enum holder_kind kind, enum holder_strength strength,
	size_t function, char *text)
{
	struct holders *f = &s->found;
	struct holder *more = reallocarray(f->v, f->n + 1, sizeof(*more));

	if (more)
		f->v = more;
	if (!more || !text) {
		free(text);
		return -ENOMEM;
	}
	f->v[f->n++] = (struct holder) {
		.kind = kind, .strength = strength, .bdf = s->a[function], .text = text
	};
	return 0;
}

struct holder *search_last(struct search *s)
{
	return &s->found.v[s->found.n - 1];
}

int search_add_node(
	struct search *s, enum holder_kind kind, size_t function, char *name, char *chain)
{
	struct node *more = reallocarray(s->nodes, s->n_nodes + 1, sizeof(*more));

	if (more)
		s->nodes = more;
	if (!more || !name) {
		free(name);
		free(chain);
		return -ENOMEM;
	}
	s->nodes[s->n_nodes++] =
		(struct node) { .name = name, .chain = chain, .function = function, .kind = kind };
	return 0;
}

int search_unknown(struct search *s, const char *what, int code)
{
	autofree char *text = str_printf("%s: %s", what, strerror(-code));

	if (!text)
		return -ENOMEM;
	return strv_has(s->found.unknown, text) ? 0 : strv_add(&s->found.unknown, text);
}
