// SPDX-License-Identifier: GPL-2.0-or-later
#include "namedb.h"
#include "idfile.h"

#include "base/str.h"

#include <pci/pci.h>
#include <setjmp.h>

/*
 * Names of vendors and devices come from the file as it is, where it is plain text; all else is
 * libpci's: which file, compressed ones, and classes. It is made to load its table when it is
 * asked.
 */
struct namedb {
	struct idfile *plain;	   /* NULL: libpci's table for all */
	struct pci_access *access; /* NULL: no database */
	bool loaded;
	char *path;
};

/*
 * libpci's error handler gets no context and must not return (a damaged database, no memory), so
 * the way out is kept per thread, and only while libpci runs.
 */
static _Thread_local jmp_buf *escape;

static void failed(char *fmt, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void failed(char *fmt UNUSED, ...)
{
	longjmp(*escape, 1);
}

static void quiet(char *fmt, ...) PRINTF(1, 2);
static void quiet(char *fmt UNUSED, ...)
{
}

/* No pci_init(): it would look for devices, and only the names are wanted. */
static bool load(struct pci_access *access)
{
	jmp_buf out;
	volatile bool ok = false;

	escape = &out;
	if (setjmp(out) == 0)
		ok = pci_load_name_list(access);
	escape = NULL;
	return ok;
}

static struct pci_access *new_access(void)
{
	char hwdb_switch[] = "hwdb.disable", off[] = "1"; /* libpci's prototype is not const */
	struct pci_access *access = pci_alloc();

	if (access) {
		access->error = failed;
		access->warning = access->debug = quiet;
		/* The database alone: libpci's detour through udev leaks where there is no hwdb. */
		pci_set_param(access, hwdb_switch, off);
	}
	return access;
}

/* libpci's own place may end in ".gz"; there or without it is the file, and it asks in that order.
 */
static int read_plain(struct namedb *db)
{
	autofree char *path = strdup(db->access->id_file_name ? db->access->id_file_name : "");
	int r;

	if (!path)
		return -ENOMEM;
	r = idfile_read(path, &db->plain);
	if (r == -ENOENT && str_ends(path, ".gz")) {
		path[strlen(path) - strlen(".gz")] = '\0';
		r = idfile_read(path, &db->plain);
	}
	return r == -ENOMEM ? r : 0;
}

int namedb_open(const char *path, struct namedb **ret)
{
	struct namedb *db CLEANUP(namedb_freep) = calloc(1, sizeof(*db));
	int r;

	if (!db)
		return -ENOMEM;
	db->access = new_access();
	db->path = path ? strdup(path) : NULL;
	if (!db->access || (path && !db->path))
		return -ENOMEM;
	if (path)
		pci_set_name_list_path(db->access, db->path, 0);
	r = read_plain(db);
	if (r == 0)
		*ret = TAKE_PTR(db);
	return r;
}

void namedb_free(struct namedb *db)
{
	if (!db)
		return;
	if (db->access)
		pci_cleanup(db->access);
	idfile_free(db->plain);
	free(db->path);
	free(db);
}

/* Whether libpci has its table. */
static bool is_loaded(struct namedb *db)
{
	if (!db->loaded && db->access && !load(db->access)) {
		pci_cleanup(db->access);
		db->access = NULL;
	}
	db->loaded = true;
	return db->access;
}

static char *lookup(struct namedb *db, int what, int a, int b)
{
	char buf[256];
	const char *volatile name = NULL;
	jmp_buf out;

	if (!db || !is_loaded(db))
		return NULL;
	escape = &out;
	if (setjmp(out) == 0)
		name = pci_lookup_name(
			db->access, buf, sizeof(buf), what | PCI_LOOKUP_NO_NUMBERS, a, b);
	escape = NULL;
	return name && *name ? str_printable(name) : NULL;
}

static char *printable(const char *name, size_t len)
{
	autofree char *copy = name ? strndup(name, len) : NULL;

	return copy ? str_printable(copy) : NULL;
}

char *namedb_vendor(struct namedb *db, uint16_t vendor)
{
	const char *name;
	size_t len = 0;

	if (!db || !db->plain)
		return lookup(db, PCI_LOOKUP_VENDOR, vendor, 0);
	name = idfile_vendor(db->plain, vendor, &len);
	return printable(name, len);
}

char *namedb_device(struct namedb *db, uint16_t vendor, uint16_t device)
{
	const char *name;
	size_t len = 0;

	if (!db || !db->plain)
		return lookup(db, PCI_LOOKUP_DEVICE, vendor, device);
	name = idfile_device(db->plain, vendor, device, &len);
	return printable(name, len);
}
