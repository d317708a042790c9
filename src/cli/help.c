// SPDX-License-Identifier: GPL-2.0-or-later
#include "help.h"
#include "base/str.h"
#include "setting/setting.h"

enum { LEFT_WIDTH = 31, EXAMPLE_WIDTH = 40 };

/* Columns on the screen: UTF-8's continuation bytes take none. */
static int columns_of(const char *s)
{
	int n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

/* Two columns; a left side that is too wide has a line to itself. */
static void put_pair(FILE *to, const char *left, int width, const char *right)
{
	int used = columns_of(left);

	if (used > width)
		fprintf(to, "  %s\n  %*s %s\n", left, width, "", right);
	else
		fprintf(to, "  %s%*s %s\n", left, width - used, "", right);
}

/* Options without help are for scripts. */
static void help_option(FILE *to, const struct option *o)
{
	autofree char *left = NULL;
	const char *value = o->takes == TAKES_NOTHING ? "" : o->value;

	if (!o->help)
		return;
	left = str_printf("%c%c%c --%s%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
		o->letter ? ',' : ' ', o->name,
		o->takes == TAKES_MAYBE	  ? "[="
		: o->takes == TAKES_VALUE ? " "
					  : "",
		value, o->takes == TAKES_MAYBE ? "]" : "");
	if (left)
		put_pair(to, left, LEFT_WIDTH, o->help);
}

static void help_options(FILE *to, const struct option *o, size_t n)
{
	for (size_t i = 0; i < n; i++)
		help_option(to, &o[i]);
}

/* How much of the name is the word that verbs of two words share; 0: it is one word. */
static size_t first_word(const struct verb *v)
{
	const char *blank = strchr(v->name, ' ');

	return blank ? (size_t)(blank - v->name) : 0;
}

static bool same_first_word(const struct verb *a, const struct verb *b)
{
	size_t n = first_word(a);

	return n && n == first_word(b) && strncmp(a->name, b->name, n) == 0;
}

static void help_one(FILE *to, const struct verb *v)
{
	autofree char *left = str_printf("%s %s", v->name, v->args);

	put_pair(to, left ? left : v->name, LEFT_WIDTH, v->summary);
}

/* "config check|show|cat|pools", or "libvirt VERB…" where that is too long; or a verb that is
 * alone. */
static void help_line(FILE *to, const struct verb *first)
{
	autofree char *word = strndup(first->name, first_word(first));
	autostrbuf left = { 0 };
	const struct verb *v;

	if (!word || !*word || !verb_in_family(word, 1)) {
		help_one(to, first);
		return;
	}
	for (size_t i = 0; (v = verb_in_family(word, i)); i++)
		strbuf_add(&left, "%s%s", i ? "|" : "", v->name + (i ? first_word(v) + 1 : 0));
	if (!left.failed && columns_of(left.s) > LEFT_WIDTH) {
		strbuf_done(&left);
		left = (struct strbuf) { 0 };
		strbuf_add(&left, "%s VERB…", word);
	}
	put_pair(to, left.failed ? word : left.s, LEFT_WIDTH, verb_family_summary(word));
}

void help_family(FILE *to, const char *word)
{
	const struct verb *v = verb_in_family(word, 0);

	if (!verb_in_family(word, 1)) {
		help_verb(to, v);
		return;
	}
	fprintf(to, "Usage: vfctl [OPTION…] %s VERB [ARGUMENT…]\n%s: %s.\n\n", word, word,
		verb_family_summary(word));
	for (size_t i = 0; (v = verb_in_family(word, i)); i++)
		help_one(to, v);
	fprintf(to, "\nMore on each: vfctl %s --help\n", verb_in_family(word, 0)->name);
}

static void help_section(FILE *to, enum verb_section section)
{
	bool any = false;

	for (size_t i = 0; i < n_verbs; i++) {
		if (verbs[i]->section != section)
			continue;
		if (!any)
			fprintf(to, "\n%s:\n", verb_section_title(section));
		any = true;
		if (i == 0 || !same_first_word(verbs[i], verbs[i - 1]))
			help_line(to, verbs[i]);
	}
}

void help_overview(FILE *to)
{
	fputs("Usage: vfctl [OPTION…] VERB [ARGUMENT…]\n"
	      "PCI functions, SR-IOV and VFIO, from the host to the guest.\n",
		to);
	for (enum verb_section s = VERB_LOOK; s <= VERB_HELP; s++)
		help_section(to, s);
	fputs("\nOptions, before or after the verb:\n", to);
	help_options(to, global_options, n_global_options);
	fputs("\nSELECTOR: an address (3b:00.1), an interface or controller (ens1f0, nvme0), VFs\n"
	      "of a PF (ens1f0/vf0-3,7) or an attribute (driver=igb). See vfctl VERB --help.\n",
		to);
}

/* Two to a line, so that a verb's help fits a screen. */
static void help_columns(FILE *to, const struct verb *v)
{
	enum { name_width = 10, help_width = 26 };

	if (!verb_takes_columns(v))
		return;
	fputs("\nColumns (* shown unless -o chooses):\n", to);
	for (size_t i = 0; i < *v->n_columns; i++) {
		const struct out_column *c = &v->columns[i];
		bool last = i % 2 || i + 1 == *v->n_columns;

		fprintf(to, " %c%-*s %s", c->flags & OUT_USUAL ? '*' : ' ', name_width, c->name,
			c->help);
		if (last)
			fputc('\n', to);
		else
			fprintf(to, "%*s", MAX(1, help_width - columns_of(c->help)), "");
	}
}

void help_verb(FILE *to, const struct verb *v)
{
	fprintf(to, "Usage: vfctl [OPTION…] %s%s%s\n%s", v->name, *v->args ? " " : "", v->args,
		v->description);
	if (v->details)
		v->details(to);
	if (v->n_options && v->options[0].help)
		fputs("\nOptions (vfctl --help lists those of all verbs):\n", to);
	help_options(to, v->options, v->n_options);
	help_columns(to, v);
	fputs("\nExamples:\n", to);
	for (size_t i = 0; i < v->n_examples; i++) {
		autofree char *command = str_printf("vfctl %s", v->examples[i].command);

		put_pair(to, command ? command : "", EXAMPLE_WIDTH, v->examples[i].shows);
	}
}

static const char *dash(const char *s)
{
	return s && *s ? s : "-";
}

static void complete_option(FILE *to, const char *verb, const struct option *o)
{
	static const char *const takes[] = {
		[TAKES_NOTHING] = "nothing",
		[TAKES_VALUE] = "value",
		[TAKES_MAYBE] = "maybe",
	};

	if (o->help)
		fprintf(to, "option\t%s\t--%s\t%s%c\t%s\t%s\t%s\n", verb, o->name,
			o->letter ? "-" : "", o->letter ? o->letter : '-', takes[o->takes],
			dash(o->completes), o->help);
}

/* What a setting takes, where that are words. */
static void complete_value(FILE *to, const struct setting_key *k)
{
	fprintf(to, "value\t%s\t", k->name);
	if (k->choices)
		for (size_t i = 0; k->choices[i]; i++)
			fprintf(to, "%s%s", i ? " " : "", k->choices[i]);
	else
		fputs(k->type == SETTING_SWITCH ? "on off" : "stable", to);
	fputc('\n', to);
}

static bool takes_words(const struct setting_key *k)
{
	return k->choices || k->type == SETTING_SWITCH || k->own;
}

void help_complete(FILE *to)
{
	const struct setting_key *key;

	for (size_t i = 0; i < n_verbs; i++)
		fprintf(to, "verb\t%s\t%s\t%s\n", verbs[i]->name, dash(verbs[i]->completes),
			verbs[i]->summary);
	for (unsigned i = 0; (key = setting_key_at(i)); i++)
		if (takes_words(key))
			complete_value(to, key);
	for (size_t i = 0; i < n_global_options; i++)
		complete_option(to, "-", &global_options[i]);
	for (size_t i = 0; i < n_verbs; i++) {
		for (size_t k = 0; k < verbs[i]->n_options; k++)
			complete_option(to, verbs[i]->name, &verbs[i]->options[k]);
		for (size_t k = 0; verb_takes_columns(verbs[i]) && k < *verbs[i]->n_columns; k++)
			fprintf(to, "column\t%s\t%s\n", verbs[i]->name, verbs[i]->columns[k].name);
	}
}
