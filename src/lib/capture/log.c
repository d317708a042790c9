// SPDX-License-Identifier: GPL-2.0-or-later
/* Of the kernel's log what it says of functions, of IOMMUs and of what they need. */
#include "parts.h"

#include "base/bdf.h"
#include "base/str.h"
#include "host/logfacts.h"

#include <ctype.h>

enum { LOG_BYTES_MAX = 1 << 20 };

/* "0000:01:10.0" anywhere. */
static bool names_a_function(const char *text)
{
	for (const char *dot = strchr(text, '.'); dot; dot = strchr(dot + 1, '.')) {
		char word[BDF_TEXT_MAX];
		const char *at = dot;
		struct bdf a;

		while (at > text && dot - at < 16 &&
			(isxdigit((unsigned char)at[-1]) || at[-1] == ':'))
			at--;
		if ((size_t)(dot + 3 - at) > sizeof(word) || !dot[1])
			continue;
		memcpy(word, at, (size_t)(dot + 2 - at));
		word[dot + 2 - at] = '\0';
		if (bdf_parse(word, &a) == 0)
			return true;
	}
	return false;
}

static bool is_wanted(const struct host_log_line *line)
{
	static const char *const words[] = { "DMAR", "AMD-Vi", "arm-smmu", "iommu", "IOMMU", "vfio",
		"VFIO", "SR-IOV", "MMIO", "can't assign; no space", "No bus number", "[bus " };

	if (line->foreign)
		return false;
	if (str_starts(line->device, "+pci:") || str_starts(line->text, "nvme ") ||
		names_a_function(line->text))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line->text, words[i]))
			return true;
	return false;
}

static void keep(void *arg, const struct host_log_line *line)
{
	struct strbuf *b = arg;

	if (b->len < LOG_BYTES_MAX && is_wanted(line))
		logfacts_add(line, b);
}

/* Who may not read it has no such file, and then nobody knows what it says. */
int capture_log(struct capture *c)
{
	autostrbuf b = { 0 };
	uint64_t next;
	int r = host_kernel_log(c->h, 0, &next, keep, &b);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	return b.failed ? -ENOMEM : capture_put_text(c, "/vfctl/log", b.s ? b.s : "");
}
