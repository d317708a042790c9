// SPDX-License-Identifier: GPL-2.0-or-later
#include "namedb.h"

#include "base/str.h"

#include <pci/pci.h>
#include <setjmp.h>

struct namedb {
	struct pci_access *access; /* NULL: no database */
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

int namedb_open(const char *path, struct namedb **ret)
{
	char hwdb_switch[] = "hwdb.disable", off[] = "1"; /* libpci's prototype is not const */
	struct namedb *db = calloc(1, sizeof(*db));

	if (!db)
		return -ENOMEM;
	db->access = pci_alloc();
	db->path = path ? strdup(path) : NULL;
	if (!db->access || (path && !db->path)) {
		namedb_free(db);
		return -ENOMEM;
	}
	db->access->error = failed;
	db->access->warning = db->access->debug = quiet;
	/* The database alone: libpci's detour through udev leaks where there is no hwdb. */
	pci_set_param(db->access, hwdb_switch, off);
	if (path)
		pci_set_name_list_path(db->access, db->path, 0);
	if (!load(db->access)) {
		pci_cleanup(db->access);
		db->access = NULL;
	}
	*ret = db;
	return 0;
}

void namedb_free(struct namedb *db)
{
	if (!db)
		return;
	if (db->access)
		pci_cleanup(db->access);
	free(db->path);
	free(db);
}

static char *lookup(struct namedb *db, int what, int a, int b)
{
	char buf[256];
	const char *volatile name = NULL;
	jmp_buf out;

	if (!db || !db->access)
		return NULL;
	escape = &out;
	if (setjmp(out) == 0)
		name = pci_lookup_name(
			db->access, buf, sizeof(buf), what | PCI_LOOKUP_NO_NUMBERS, a, b);
	escape = NULL;
	return name && *name ? str_printable(name) : NULL;
}

char *namedb_vendor(struct namedb *db, uint16_t vendor)
{
	return lookup(db, PCI_LOOKUP_VENDOR, vendor, 0);
}

char *namedb_device(struct namedb *db, uint16_t vendor, uint16_t device)
{
	return lookup(db, PCI_LOOKUP_DEVICE, vendor, device);
}

char *namedb_class(struct namedb *db, uint32_t class_code)
{
	return lookup(db, PCI_LOOKUP_CLASS, (int)(class_code >> 8), 0);
}
