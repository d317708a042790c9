/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A pci.ids file in memory: names of vendors and devices, looked up where they stand. Of the 40,000
 * lines a machine needs a handful, and to sort all of them first takes longer than to look at ten
 * thousand functions. The format is told at the head of the file itself.
 */
#pragma once

#include "base/attr.h"

#include <stdint.h>

struct idfile;

/* -EINVAL: not plain text (a compressed one). Errors of reading; -ENOMEM. */
int idfile_read(const char *path, struct idfile **ret);
void idfile_free(struct idfile *f);
DEFINE_AUTO(struct idfile, idfile_free);

/* Up to the end of its line, which is not the string's end: *ret_len; NULL when not known.
 * Borrowed. */
const char *idfile_vendor(const struct idfile *f, uint16_t vendor, size_t *ret_len);
const char *idfile_device(
	const struct idfile *f, uint16_t vendor, uint16_t device, size_t *ret_len);
