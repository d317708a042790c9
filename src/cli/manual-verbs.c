// SPDX-License-Identifier: GPL-2.0-or-later
/* Verbs in the manual: a page for each group of them, which vfctl(8) leads to. */
#include "manual.h"
#include "base/str.h"

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
