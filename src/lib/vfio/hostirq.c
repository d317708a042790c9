// SPDX-License-Identifier: GPL-2.0-or-later
#include "hostirq.h"

#include "base/str.h"
#include "host/procfs.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = { "intx", "msi", "msix" };

const char *vfio_host_irq_kind_name(enum vfio_host_irq_kind kind)
{
	return kinds[kind];
}

/* "vfio-msix[3](0000:03:00.1)", "vfio-intx(0000:03:00.1)" */
static bool parse_name(const char *text, const char *name, struct vfio_host_irq *ret)
{
	for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
		char wanted[64];
		unsigned vector = 0;
		int used = 0;

		if (k == VFIO_HOST_INTX)
			snprintf(wanted, sizeof(wanted), "vfio-%s", kinds[k]);
		else
			snprintf(wanted, sizeof(wanted), "vfio-%s[", kinds[k]);
		if (!str_starts(text, wanted))
			continue;
		text += strlen(wanted);
		if (k != VFIO_HOST_INTX && (sscanf(text, "%u]%n", &vector, &used) != 1 || !used))
			return false;
		text += used;
		*ret = (struct vfio_host_irq) { .kind = (enum vfio_host_irq_kind)k,
			.vector = vector };
		return *text == '(' && str_starts(text + 1, name) &&
		       str_eq(text + 1 + strlen(name), ")");
	}
	return false;
}

/* " 44:   123   5  IR-PCI-MSIX-0000:03:00.1  0-edge  vfio-msix[0](0000:03:00.1)" */
static bool parse_line(char *line, const char *name, struct vfio_host_irq *ret)
{
	char *at = strchr(line, ':'), *own = strrchr(line, ' '), *end;
	uint64_t sum = 0;

	if (!at || !own || !parse_name(own + 1, name, ret))
		return false;
	for (at++; at < own; at = end) {
		unsigned long long n;

		while (*at == ' ')
			at++;
		n = isdigit((unsigned char)*at) ? strtoull(at, &end, 10) : 0;
		/* What follows the columns of the CPUs is no number. */
		if (!isdigit((unsigned char)*at) || *end != ' ')
			break;
		sum += n;
	}
	ret->count = sum;
	return true;
}

static int by_vector(const void *a, const void *b)
{
	const struct vfio_host_irq *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return x->vector < y->vector ? -1 : x->vector > y->vector;
}

int vfio_host_irqs(struct host *h, const char *name, struct vfio_host_irq **ret, size_t *ret_n)
{
	autofree struct vfio_host_irq *v = NULL;
	autofree char *text = NULL;
	char *save = NULL;
	size_t n = 0;
	int r = procfs_read(h, &text, "interrupts");

	for (char *line = r < 0 ? NULL : strtok_r(text, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save)) {
		struct vfio_host_irq one, *more;

		if (!parse_line(line, name, &one))
			continue;
		more = reallocarray(v, n + 1, sizeof(*v));
		if (!more)
			return -ENOMEM;
		v = more;
		v[n++] = one;
	}
	if (r < 0)
		return r;
	if (n)
		qsort(v, n, sizeof(*v), by_vector);
	*ret = TAKE_PTR(v);
	*ret_n = n;
	return 0;
}
