// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Module options that decide about functions: in modprobe.d and on the kernel's command line.
 * What is not to load at all is said by blacklist, by an install command that does nothing, and by
 * modprobe.blacklist= and module_blacklist= of the kernel's command line.
 * vfio-pci's ids= is VENDOR:DEVICE[:SUBVENDOR[:SUBDEVICE[:CLASS[:MASK]]]],… (vfio_pci.c, ids).
 */
#include "reader.h"

#include "base/str.h"
#include "host/procfs.h"

static const char *const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d",
	"/usr/local/lib/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d", NULL };

/* The kernel takes - and _ for one in names of modules. */
static bool same_module(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !((*a == '-' || *a == '_') && (*b == '-' || *b == '_')))
			return false;
	return *a == *b;
}

/* ---- vfio-pci.ids ---- */

enum { ID_VENDOR, ID_DEVICE, ID_SUBVENDOR, ID_SUBDEVICE, ID_CLASS, ID_CLASS_MASK, ID_FIELDS };

static int parse_id(char *text, uint64_t ids[ID_FIELDS])
{
	unsigned n = 0;
	char *save = NULL;

	memset(ids, 0xff, ID_FIELDS * sizeof(*ids));
	ids[ID_CLASS] = ids[ID_CLASS_MASK] = 0;
	for (char *w = strtok_r(text, ":", &save); w; w = strtok_r(NULL, ":", &save))
		if (n == ID_FIELDS || parse_hex(w, &ids[n++]) < 0)
			return -EINVAL;
	return n >= 2 ? 0 : -EINVAL;
}

static bool id_fits(uint64_t wanted, unsigned has)
{
	return wanted > UINT16_MAX || wanted == has;
}

static bool ids_fit(const uint64_t ids[ID_FIELDS], const struct identity *id)
{
	return id_fits(ids[ID_VENDOR], id->vendor) && id_fits(ids[ID_DEVICE], id->device) &&
	       id_fits(ids[ID_SUBVENDOR], id->subsystem_vendor) &&
	       id_fits(ids[ID_SUBDEVICE], id->subsystem_device) &&
	       ((ids[ID_CLASS] ^ id->class_code) & ids[ID_CLASS_MASK]) == 0;
}

/* VFs that do not exist yet have the PF's vendor and subsystem vendor (PCIe 5.0, 9.3.4.1). */
static bool ids_fit_future_vfs(const uint64_t ids[ID_FIELDS], const struct function *pf)
{
	struct identity vf = pf->id;

	if (pf->kind != FUNCTION_PF || pf->n_vfs || pf->sriov.vf_device < 0)
		return false;
	vf.device = (uint16_t)pf->sriov.vf_device;
	return ids_fit(ids, &vf);
}

static void say_ids(struct reader *r, const char *value, const char *said)
{
	autofree char *list = strdup(value);
	char *save = NULL;

	for (char *w = list ? strtok_r(list, ",", &save) : NULL; w;
		w = strtok_r(NULL, ",", &save)) {
		uint64_t ids[ID_FIELDS];

		if (parse_id(w, ids) < 0) {
			reader_doubt(r, "%s: '%s' is no id", said, w);
			continue;
		}
		for (size_t i = 0; i < r->inv->n_functions; i++) {
			const struct function *f = &r->inv->functions[i];

			if (!f->id_unknown && ids_fit(ids, &f->id))
				reader_say_of(r, f->bdf, "driver", "vfio-pci", said);
			if (ids_fit_future_vfs(ids, f))
				reader_say(r, f->bdf, FOREIGN_ALL_VFS, "driver", "vfio-pci", said);
		}
	}
}

/* The kernel takes them away, too (params.c, next_arg). */
static void without_quotes(char *text)
{
	char *to = text;

	for (; *text; text++)
		if (*text != '"')
			*to++ = *text;
	*to = '\0';
}

/* ---- DRIVER.max_vfs ---- */

/* One number for each PF of that driver, in the order of their addresses; the last for the rest? */
static void say_max_vfs(struct reader *r, const char *module, const char *value, const char *said)
{
	autofree char *list = strdup(value);
	char *save = NULL, *count = list ? strtok_r(list, ",", &save) : NULL;
	bool single = count && !strchr(value, ',');

	for (size_t i = 0; count && i < r->inv->n_functions; i++) {
		const struct function *f = &r->inv->functions[i];

		if (f->kind != FUNCTION_PF || !f->driver || !same_module(f->driver, module))
			continue;
		reader_say_count(r, f->bdf, "num-vfs", count, said);
		if (!single)
			count = strtok_r(NULL, ",", &save);
	}
}

static void say_option(struct reader *r, const char *module, char *option, const char *said)
{
	without_quotes(option);
	if (same_module(module, "vfio-pci") && str_starts(option, "ids="))
		say_ids(r, option + strlen("ids="), said);
	else if (str_starts(option, "max_vfs="))
		say_max_vfs(r, module, option + strlen("max_vfs="), said);
}

/* ---- blacklist ---- */

static void say_blacklist(struct reader *r, const char *module, const char *said)
{
	for (size_t i = 0; i < r->inv->n_functions; i++) {
		const struct function *f = &r->inv->functions[i];

		if (f->driver && f->kind != FUNCTION_PLAIN && same_module(f->driver, module))
			reader_say_of(r, f->bdf, "blacklist", f->driver, said);
	}
}

static void say_blacklists(struct reader *r, char *modules, const char *said)
{
	char *save = NULL;

	without_quotes(modules);
	for (char *m = strtok_r(modules, ",", &save); m; m = strtok_r(NULL, ",", &save))
		say_blacklist(r, m, said);
}

/* "install igb /bin/true": what is run instead of loading it does nothing. */
static bool does_nothing(const char *command)
{
	const char *name = command ? strrchr(command, '/') : NULL;

	name = name ? name + 1 : command;
	return str_eq(name, "true") || str_eq(name, "false") || str_eq(name, ":");
}

/* ---- Files ---- */

static void read_line(struct reader *r, char *line)
{
	autofree char *said = strdup(str_trim(line));
	char *save = NULL, *command = strtok_r(line, " \t", &save);
	char *module = command ? strtok_r(NULL, " \t", &save) : NULL;

	if (!said || !module || *command == '#')
		return;
	if (str_eq(command, "blacklist") ||
		(str_eq(command, "install") && does_nothing(strtok_r(NULL, " \t", &save))))
		say_blacklist(r, module, said);
	else if (str_eq(command, "options"))
		for (char *w; (w = strtok_r(NULL, " \t", &save));)
			say_option(r, module, w, said);
}

/* A backslash at the end goes on in the next line; the number is the first one's. */
static void read_text(struct reader *r, char *text)
{
	unsigned line = 1;

	for (char *at = text; *at;) {
		char *end = at;
		bool last;

		r->at.line = line;
		for (; *end && *end != '\n'; end++)
			if (end[0] == '\\' && end[1] == '\n') {
				end[0] = end[1] = ' ';
				line++;
			}
		last = !*end;
		*end = '\0';
		line++;
		read_line(r, at);
		at = last ? end : end + 1;
	}
}

static void read_command_line(struct reader *r)
{
	autofree char *text = NULL;
	char *save = NULL;

	if (procfs_read(r->h, &text, "cmdline") < 0)
		return;
	r->at.file = "kernel command line";
	r->at.line = 0;
	for (char *w = strtok_r(text, " \t\n", &save); w; w = strtok_r(NULL, " \t\n", &save)) {
		autofree char *said = strdup(w);
		char *option = strchr(w, '.'), *value = strchr(w, '=');

		if (!said)
			continue;
		if (str_starts(w, "modprobe.blacklist=") || str_starts(w, "module_blacklist="))
			say_blacklists(r, value + 1, said);
		if (!option || (value && value < option))
			continue;
		*option++ = '\0';
		say_option(r, w, option, said);
	}
}

void foreign_read_modprobe(struct reader *r)
{
	autounits units = { 0 };

	if (units_find(r->h, dirs, ".conf", &units) < 0) {
		r->error = -ENOMEM;
		return;
	}
	for (size_t i = 0; i < units.n && r->error == 0; i++) {
		size_t len;
		autofree char *text = reader_open(r, units.v[i].paths[0], &len);

		if (text)
			read_text(r, text);
	}
	read_command_line(r);
}
