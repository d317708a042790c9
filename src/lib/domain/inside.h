/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the readers of parts of a text share. */
#pragma once

#include "domain.h"

#include "base/str.h"

#include <libxml/tree.h>

static inline void xml_freep(xmlChar **s)
{
	if (*s)
		xmlFree(*s);
}

static inline bool xml_is(const xmlNode *n, const char *name)
{
	return n && n->type == XML_ELEMENT_NODE && str_eq((const char *)n->name, name);
}

/* A printable copy of an attribute; *ret NULL: there is none (or no element). -ENOMEM. */
int xml_attribute_take(xmlNode *n, const char *name, char **ret);
/*
 * Room for element n. Twice as many each time: a text of a million addresses must not be copied a
 * million times.
 */
int array_grow(void **v, size_t n, size_t size);

/* The wishes in <metadata>, which may be NULL. -ENOMEM. */
int assigns_read(const xmlNode *metadata, struct domain *d);
void assign_done(struct domain_assign *a);
