/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A captured machine that somebody sent: any archive, walked and read from end to end, and what
 * list and show make of it.
 */
#include "fuzz.h"

#include "about/about.h"
#include "base/str.h"
#include "host/host.h"
#include "out/function.h"
#include "out/show.h"

#include <stdio.h>
#include <sys/mman.h>

static void walk(struct host *h, const char *path, unsigned depth)
{
	autostrv char **names = NULL;
	char below[1024], text[256];
	struct stat st;

	if (h->ops->stat(h, path, &st) < 0 || depth > 8)
		return;
	h->ops->read_file(h, path, text, sizeof(text));
	h->ops->read_link(h, path, text, sizeof(text));
	if (h->ops->list_dir(h, path, &names) < 0)
		return;
	STRV_FOREACH (name, names) {
		if (snprintf(below, sizeof(below), "%s/%s", path, *name) < (int)sizeof(below))
			walk(h, below, depth + 1);
	}
}

static struct out to_nowhere(FILE *nowhere, enum out_format format)
{
	return (struct out) { .to = nowhere, .notes = nowhere, .format = format, .legend = true };
}

static void show(
	struct host *h, const struct inventory *inv, const struct function *f, FILE *nowhere)
{
	struct about *about CLEANUP(about_freep) = NULL;
	struct out text = to_nowhere(nowhere, OUT_TABLE),
		   json = to_nowhere(nowhere, OUT_JSON_SHORT);

	if (about_load(h, inv, f, NULL, &about, NULL) < 0)
		return;
	out_show(&text, about, NULL);
	out_show(&json, about, NULL);
}

/* The first few are enough: they are all alike to the code. */
static void look(struct host *h, FILE *nowhere)
{
	enum { SHOWN = 3, LISTED = 16 };
	struct inventory *inv CLEANUP(inventory_freep) = NULL;
	struct out text = to_nowhere(nowhere, OUT_TABLE),
		   json = to_nowhere(nowhere, OUT_JSON_SHORT);
	const struct function *rows[LISTED];
	size_t n;

	if (inventory_load(h, INVENTORY_ALL & ~(unsigned)INVENTORY_NAMES, &inv, NULL) < 0)
		return;
	n = MIN(inv->n_functions, (size_t)LISTED);
	for (size_t i = 0; i < n; i++)
		rows[i] = &inv->functions[i];
	out_functions(&text, rows, n, NULL);
	out_functions(&json, rows, n, NULL);
	for (size_t i = 0; i < MIN(n, (size_t)SHOWN); i++)
		show(h, inv, rows[i], nowhere);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autoclose int fd = memfd_create("capture", MFD_CLOEXEC);
	autoproblem *why = NULL;
	autohost *h = NULL;
	char path[64];
	FILE *nowhere;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (host_new_captured(path, &h, &why) < 0)
		return 0;
	walk(h, "/sys", 0);
	nowhere = fopen("/dev/null", "w");
	if (nowhere) {
		look(h, nowhere);
		fclose(nowhere);
	}
	return 0;
}
