/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between manual.c and manual-verbs.c. */
#pragma once

#include "verb.h"

/* As scdoc wants it: characters that it would take for markup are escaped. */
void manual_text(FILE *to, const char *s);
void manual_option(FILE *to, const struct option *o);

/* The verbs of vfctl-PAGE(8); false: there are none. */
bool manual_page(FILE *to, const char *page);
void manual_overview(FILE *to);
void manual_aliases(FILE *to);
/* What vfctl-bench(8) has of the tables of bench/bench.h. */
void manual_bench_paths(FILE *to);
void manual_bench_work(FILE *to);
void manual_bench_programs(FILE *to);
void manual_bench_figures(FILE *to);
