/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of verb.h in the words of people, of man pages and of completion. */
#pragma once

#include "verb.h"

#include <stdio.h>

void help_overview(FILE *to);
void help_verb(FILE *to, const struct verb *v);
/* Of all verbs that begin with that word; see verb_in_family(). */
void help_family(FILE *to, const char *word);

/*
 * scdoc source for the manual's sections: "options", "verbs", "attributes",
 * "vf-attributes", "checks", "causes", "exit-status", "config-match", "config-pf", "config-vf".
 * False when `section` is none of them.
 */
bool help_manual(FILE *to, const char *section);

/*
 * For completion scripts, one fact per line, fields separated by tabs:
 *   verb    NAME  COMPLETES  SUMMARY
 *   option  VERB  --NAME  -LETTER  TAKES  COMPLETES  HELP      (VERB "-": every verb)
 *   column  VERB  NAME
 *   value   KEY   WORDS                     (of a setting)
 * TAKES is "nothing", "value" or "maybe"; an empty field is "-".
 */
void help_complete(FILE *to);
