/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names out of the pci.ids database: of plain text as it stands (idfile.h), else through libpci,
 * which only namedb.c knows. Without a database every look-up says NULL. Not thread-safe: libpci
 * caches as it looks up.
 */
#pragma once

#include "base/attr.h"

#include <stdint.h>

struct namedb;

/* `path` NULL: libpci's own place. Never fails but for memory (-ENOMEM). */
int namedb_open(const char *path, struct namedb **ret);
void namedb_free(struct namedb *db);
DEFINE_AUTO(struct namedb, namedb_free);

/* Allocated and made printable; NULL when the name is not known. A NULL db knows nothing. */
char *namedb_vendor(struct namedb *db, uint16_t vendor) NODISCARD;
char *namedb_device(struct namedb *db, uint16_t vendor, uint16_t device) NODISCARD;
