/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text for XML 1.0 (2.2 and 2.4), and for the labels of dot, which are written the same way. */
#pragma once

#include "base/str.h"

/*
 * Appends `s`, printable (see str_printable) and with the five characters that mean something to
 * XML written as entities: good for content and for attributes between either kind of quotes.
 */
void xml_add(struct strbuf *b, const char *s);
void xml_addf(struct strbuf *b, const char *fmt, ...) PRINTF(2, 3);
