// SPDX-License-Identifier: GPL-2.0-or-later
/* What an owner's process may: its user, its CPUs, the memory that it may pin. */
#include "owner.h"

#include "base/str.h"
#include "host/procfs.h"
#include "host/sysfs.h"

#include <stdio.h>

/* The value of "Key:\tVALUE" in a file of such lines; allocated, NULL: it is not there. */
static char *line_value(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0)
			return strndup(line + len + strspn(line + len, " \t"),
				strcspn(line + len + strspn(line + len, " \t"), "\n"));
	}
	return NULL;
}

/* Whether all numbers of the list "0-3,8" are within the other. */
static bool list_is_within(const char *list, const char *other)
{
	autofree char *copy = strdup(list);

	for (char *part, *rest = copy; copy && (part = strsep(&rest, ","));) {
		unsigned first, last, from, to;
		autofree char *all = strdup(other);
		bool found = false;
		int n = sscanf(part, "%u-%u", &first, &last);

		if (n < 1 || !all)
			return false;
		last = n == 1 ? first : last;
		for (char *p, *more = all; (p = strsep(&more, ","));) {
			int m = sscanf(p, "%u-%u", &from, &to);

			found |= m >= 1 && first >= from && last <= (m == 1 ? from : to);
		}
		if (!found)
			return false;
	}
	return copy != NULL;
}

int owner_node(struct host *h, const struct owner *o)
{
	autofree char *status = NULL, *cpus = NULL;
	autostrv char **names = NULL;

	if (!o->pid || procfs_read(h, &status, "%d/status", o->pid) < 0 ||
		sysfs_list(h, &names, "devices/system/node") < 0)
		return -1;
	cpus = line_value(status, "Cpus_allowed_list:");
	STRV_FOREACH (name, names) {
		autofree char *list = NULL;
		uint32_t node;

		if (!cpus || !str_starts(*name, "node") || parse_u32(*name + 4, &node) < 0 ||
			sysfs_read(h, &list, "devices/system/node/%s/cpulist", *name) < 0)
			continue;
		if (list_is_within(cpus, list))
			return (int)node;
	}
	return -1;
}

/* "Uid:" has the real, the effective, the saved and the file system's. */
bool process_is_of(struct host *h, int pid, uint32_t uid)
{
	autofree char *status = NULL, *line = NULL;
	unsigned n = 0;

	if (pid <= 0 || procfs_read(h, &status, "%d/status", pid) < 0)
		return false;
	line = line_value(status, "Uid:");
	for (char *word, *rest = line; line && (word = strsep(&rest, "\t "));) {
		uint32_t u;

		if (parse_u32(word, &u) < 0 || u != uid)
			return false;
		n++;
	}
	return n == 4;
}

enum { IPC_LOCK = 14 }; /* its bit, capabilities(7): who has it may pin what he likes */

static bool is_exempt(struct host *h, int pid)
{
	autofree char *status = NULL, *caps = NULL, *hex = NULL;
	uint64_t n;

	if (procfs_read(h, &status, "%d/status", pid) < 0)
		return false;
	caps = line_value(status, "CapEff:");
	hex = caps ? str_printf("0x%s", caps) : NULL;
	return hex && parse_u64(hex, &n) == 0 && n >> IPC_LOCK & 1;
}

int owner_memlock(struct host *h, const struct owner *o, uint64_t *ret)
{
	autofree char *limits = NULL, *value = NULL;

	if (!o->pid || procfs_read(h, &limits, "%d/limits", o->pid) < 0)
		return -ENODATA;
	value = line_value(limits, "Max locked memory");
	if (!value)
		return -ENODATA;
	value[strcspn(value, " ")] = '\0';
	if (str_eq(value, "unlimited") || is_exempt(h, o->pid))
		*ret = UINT64_MAX;
	else if (parse_u64(value, ret) < 0)
		return -ENODATA;
	return 0;
}

static char *text_of(const struct owner *o, const char *may, const char *need)
{
	return need ? str_printf("process %d may pin %s, and a guest of that size needs %s", o->pid,
			      may, need)
		    : str_printf("process %d may pin %s: a guest with more memory than that cannot "
				 "have it",
			      o->pid, may);
}

int owner_memlock_missing(struct host *h, const struct owner *o, uint64_t need_bytes,
	char **ret_text, char **ret_hint)
{
	autostrbuf need = { 0 }, may = { 0 };
	autofree char *text = NULL, *hint = NULL;
	uint64_t allowed;

	/* libvirt raises the limit of its domains itself. */
	if ((!need_bytes && o->kind != OWNER_PROCESS) || owner_memlock(h, o, &allowed) < 0 ||
		allowed == UINT64_MAX || (need_bytes && allowed >= need_bytes))
		return 0;
	strbuf_add_size(&need, need_bytes);
	strbuf_add_size(&may, allowed);
	if (need.failed || may.failed)
		return -ENOMEM;
	text = text_of(o, may.s, need_bytes ? need.s : NULL);
	hint = str_printf("raise its limit: prlimit --pid %d --memlock=%s, LimitMEMLOCK= of its "
			  "unit, or give it CAP_IPC_LOCK",
		o->pid, need_bytes ? need.s : "BYTES");
	if (!text || !hint)
		return -ENOMEM;
	*ret_text = TAKE_PTR(text);
	*ret_hint = TAKE_PTR(hint);
	return 1;
}
