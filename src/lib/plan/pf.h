/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The planning of one group, as its parts share it. */
#pragma once

#include "plan.h"

#include "setting/key.h"

struct maker {
	const struct inventory *inv;
	const struct now *now;
	const struct plan_opts *opts;
	struct plan *plan;
	const struct pf_wish *wish;
	const struct function *f;
	unsigned quirks;
	unsigned from, to;
	bool through_none; /* every VF that there is afterwards is a new one */
	bool autoprobe;	   /* how it is afterwards */
	bool switches;	   /* the eswitch changes its mode */
	bool failed;	   /* memory ran out */
};

/* A step of the group; `was` is copied. NULL, and failed, without memory. */
struct step *maker_add(
	struct maker *m, enum stage stage, enum action_kind kind, int vf, const char *was);
/* Takes text that was allocated: NULL is a lack of memory. */
char *maker_text(struct maker *m, char *text);
bool maker_copy(struct maker *m, char **to, const char *text);
void maker_word(struct maker *m, char ***to, const char *word);
/* Refuses the group; the first refusal stays. */
void maker_refuse(struct maker *m, struct problem *p);
struct plan_group *maker_group(struct maker *m);
/* What a step takes; refuses when that may not be. */
void maker_takes(struct maker *m, const struct function *f, bool destroyed);

/* words.c: the words of a wish for the function itself, in their stages. */
void plan_settings(struct maker *m, int vf, char *const *words);
/* Refuses words that cannot be right. */
bool plan_words_fit(struct maker *m, int vf, char *const *words);
bool word_is(const char *word, enum setting_when when);
bool word_is_resource(const char *word);
/* Whether the value of that key is known to be what the word asks for. */
bool setting_is_so(struct maker *m, int vf, const char *word);
/* A step, if one of them differs (`fresh`: in any case), with a way back unless fresh. */
void add_settings(struct maker *m, enum stage stage, int vf, char *const *words, bool fresh);
void add_resources(struct maker *m, int vf, char *const *words);
/* What brings all present VFs back as they are. */
void remember_vfs(struct maker *m, struct actions *back);

/* vfs.c */
void plan_vfs(struct maker *m);
/* Moves the function itself or a VF to a driver; `old` NULL: a VF that is not there yet. */
void plan_driver(struct maker *m, enum stage stage, int vf, const struct function *old,
	const char *driver, const char *override);
