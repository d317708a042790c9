// SPDX-License-Identifier: GPL-2.0-or-later
/* Verbs in the manual: a page for each group of them, which vfctl(8) leads to. */
#include "manual.h"
#include "base/str.h"
#include "bench/bench.h"

/* "vfctl-PAGE(8)", for verbs by their first word; others go with their section. */
static const struct {
	const char *word, *page;
} places[] = {
	{ "plan", "config" },
	{ "apply", "config" },
	{ "config", "config" },
	{ "import", "config" },
	{ "assign", "claims" },
	{ "release", "claims" },
	{ "leases", "claims" },
	{ "health", "health" },
	{ "recover", "health" },
	{ "vm", "vm" },
	{ "bench", "bench" },
};

static size_t word_length(const struct verb *v)
{
	return strcspn(v->name, " ");
}

static const char *page_of(const struct verb *v)
{
	static const char *const pages[] = {
		[VERB_LOOK] = "look",
		[VERB_ACT] = "change",
		[VERB_HAND_OVER] = "hand-over",
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (strlen(places[i].word) == word_length(v) && str_starts(v->name, places[i].word))
			return places[i].page;
	return v->section == VERB_HELP ? NULL : pages[v->section];
}

static void put_columns(FILE *to, const struct verb *v)
{
	if (!verb_takes_columns(v))
		return;
	fputs("Columns of *-o*: ", to);
	for (size_t i = 0; i < *v->n_columns; i++) {
		fputs(i ? ", " : "", to);
		manual_text(to, v->columns[i].name);
		fputs(" (", to);
		manual_text(to, v->columns[i].help);
		fputs(")", to);
	}
	fputs(".\n\n", to);
}

static void put_examples(FILE *to, const struct verb *v)
{
	for (size_t i = 0; i < v->n_examples; i++) {
		fputs("*vfctl ", to);
		manual_text(to, v->examples[i].command);
		fputs("*\n\t", to);
		manual_text(to, v->examples[i].shows);
		fputs("\n\n", to);
	}
}

static void put_verb(FILE *to, const struct verb *v)
{
	fprintf(to, "## vfctl %s ", v->name);
	/* A heading is plain text: nothing in it is markup. */
	fprintf(to, "%s\n\n", v->args);
	manual_text(to, v->description);
	fputc('\n', to);
	for (size_t i = 0; i < v->n_options; i++)
		manual_option(to, &v->options[i]);
	put_columns(to, v);
	put_examples(to, v);
}

bool manual_page(FILE *to, const char *page)
{
	bool any = false;

	for (size_t i = 0; i < n_verbs; i++) {
		const char *on = page_of(verbs[i]);

		if (!on || !str_eq(on, page))
			continue;
		put_verb(to, verbs[i]);
		any = true;
	}
	return any;
}

static void put_row(FILE *to, const char *name, const char *text)
{
	fprintf(to, "*%s*\n\t", name);
	manual_text(to, text);
	fputs("\n\n", to);
}

void manual_bench_paths(FILE *to)
{
	for (size_t i = 0; i < n_bench_paths; i++) {
		const struct bench_path *p = &bench_paths[i];
		autofree char *text = str_printf("%u: %s", p->number, p->what);

		put_row(to, p->name, text ? text : p->what);
	}
}

void manual_bench_work(FILE *to)
{
	static const char *const ops[] = {
		[BENCH_READ] = "reads",
		[BENCH_WRITE] = "writes",
		[BENCH_SEND] = "frames sent",
		[BENCH_RECEIVE] = "frames received",
		[BENCH_PING] = "frames sent, each answered before the next",
	};

	for (size_t i = 0; i < n_bench_workloads; i++) {
		const struct bench_workload *w = &bench_workloads[i];
		autofree char *own =
			str_printf("%s of %u bytes, %u at a time%s", ops[w->op], w->bytes, w->depth,
				w->io == BENCH_NET ? ""
				: w->sequential	   ? ", one block after the other"
						   : ", at random");

		if (!w->program)
			put_row(to, w->name, own ? own : "");
	}
}

void manual_bench_programs(FILE *to)
{
	for (size_t i = 0; i < n_bench_workloads; i++) {
		const struct bench_workload *w = &bench_workloads[i];
		autofree char *text = w->program ? str_printf("%s: %s", w->program, w->what) : NULL;

		if (text)
			put_row(to, w->name, text);
	}
}

void manual_bench_figures(FILE *to)
{
	for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
		put_row(to, bench_figures[f].column, bench_figures[f].what);
}

/* What vfctl(8) has of each verb. */
void manual_overview(FILE *to)
{
	for (size_t i = 0; i < n_verbs; i++) {
		const char *page = page_of(verbs[i]);

		fprintf(to, "*%s* ", verbs[i]->name);
		manual_text(to, verbs[i]->args);
		fputs("\n\t", to);
		manual_text(to, verbs[i]->summary);
		if (page)
			fprintf(to, ": *vfctl-%s*(8)", page);
		fputs("\n\n", to);
	}
}

/* "vfctl-create vfctl-change": under which names a page is found, too. */
void manual_aliases(FILE *to)
{
	const struct verb *before = NULL;

	for (size_t i = 0; i < n_verbs; i++) {
		const struct verb *v = verbs[i];
		const char *page = page_of(v);
		size_t n = word_length(v);
		bool same = before && n == word_length(before) &&
			    strncmp(v->name, before->name, n) == 0;

		before = v;
		if (page && !same && (strlen(page) != n || !str_starts(v->name, page)))
			fprintf(to, "vfctl-%.*s vfctl-%s\n", (int)n, v->name, page);
	}
}
