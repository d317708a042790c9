// SPDX-License-Identifier: GPL-2.0-or-later
/* The sysfs "resource" file: a line "start end flags" per region, flags as in linux/ioport.h. */
#include "detail.h"

#include "base/str.h"

#include <stdio.h>

enum {
	RESOURCE_IO = 0x100,
	RESOURCE_MEM = 0x200,
	RESOURCE_PREFETCH = 0x2000,
	RESOURCE_MEM_64 = 0x100000,
};

static struct region parse_line(const char *line)
{
	unsigned long long start, end, flags;

	if (sscanf(line, "0x%llx 0x%llx 0x%llx", &start, &end, &flags) != 3 ||
		!(flags & (RESOURCE_IO | RESOURCE_MEM)) || end < start || end - start == UINT64_MAX)
		return (struct region) { 0 };
	return (struct region) {
		.start = start,
		.size = end - start + 1,
		.io = flags & RESOURCE_IO,
		.prefetchable = flags & RESOURCE_PREFETCH,
		.is64 = flags & RESOURCE_MEM_64,
	};
}

void regions_parse(const char *resource_file, struct region ret[REGIONS])
{
	const char *line = resource_file;

	for (unsigned i = 0; i < REGIONS; i++)
		ret[i] = (struct region) { 0 };
	for (unsigned i = 0; i < REGIONS && line && *line; i++) {
		ret[i] = parse_line(line);
		line = strchr(line, '\n');
		if (line)
			line++;
	}
}
