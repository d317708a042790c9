// SPDX-License-Identifier: GPL-2.0-or-later
#include "locked.h"
#include "base/str.h"

static void take(void *arg, size_t i, ssize_t n, const char *data)
{
	struct locked_read *r = (struct locked_read *)arg + i;

	if (n < 0) {
		r->result = (int)n;
		return;
	}
	n = MIN(n, LOCKED_TEXT_MAX);
	memcpy(r->text, data, (size_t)n);
	r->text[n] = '\0';
	r->text[strcspn(r->text, "\n")] = '\0';
	r->result = 0;
}

static void read_plainly(struct host *h, char *const *paths, struct locked_read *reads)
{
	for (size_t i = 0; paths[i]; i++) {
		char data[LOCKED_TEXT_MAX];

		take(reads, i, h->ops->read_file(h, paths[i], data, sizeof(data)), data);
	}
}

static char *path_of(const struct locked_read *r)
{
	if (r->interface)
		return str_printf("/sys/class/net/%s/%s", r->interface, r->attribute);
	if (r->migration)
		return str_printf("/sys/kernel/debug/vfio/%s/migration/%s", BDF_TEXT(r->function),
			r->attribute);
	return str_printf("/sys/bus/pci/devices/%s/%s", BDF_TEXT(r->function), r->attribute);
}

void locked_read_within(struct host *h, struct locked_read *reads, size_t n, unsigned ms)
{
	autostrv char **paths = calloc(n + 1, sizeof(*paths));
	int r = paths ? 0 : -ENOMEM;

	for (size_t i = 0; i < n; i++) {
		reads[i].result = -ENODATA;
		if (r == 0 && !(paths[i] = path_of(&reads[i])))
			r = -ENOMEM;
	}
	if (r == 0 && n && h->ops->read_files_within)
		r = h->ops->read_files_within(h, paths, ms, take, reads);
	else if (r == 0)
		read_plainly(h, paths, reads);
	for (size_t i = 0; r < 0 && i < n; i++)
		if (reads[i].result == -ENODATA)
			reads[i].result = r;
}

void locked_read_all(struct host *h, struct locked_read *reads, size_t n)
{
	locked_read_within(h, reads, n, LOCKED_STALL_MS);
}
