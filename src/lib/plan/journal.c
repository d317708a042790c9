// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing. */
#include "journal.h"

#include "base/str.h"
#include "host/procfs.h"
#include "store/store.h"

#include <json-c/json.h>
#include <time.h>

struct journal {
	struct journal_place place;
	char *dir, *name;
	struct logfile *file;
	unsigned id;
};

static const char *const end_names[JOURNAL_ENDS] = {
	[JOURNAL_RUNNING] = "running",
	[JOURNAL_DONE] = "done",
	[JOURNAL_UNDONE] = "undone",
	[JOURNAL_KEPT] = "kept",
	[JOURNAL_VOID] = "void",
};

const char *journal_end_name(enum journal_end how)
{
	return end_names[how];
}

void journal_close(struct journal *j)
{
	if (!j)
		return;
	logfile_close(j->file);
	free(j->dir);
	free(j->name);
	free(j);
}

unsigned journal_id(const struct journal *j)
{
	return j->id;
}

char *journal_run_dir(const struct journal_place *place)
{
	return str_printf("%s/journal", place->run_dir);
}

int journal_boot(struct host *h, char **ret)
{
	autofree char *text = NULL;
	char *copy;
	int r = procfs_read(h, &text, "sys/kernel/random/boot_id");

	if (r < 0 && r != -ENOENT)
		return r;
	copy = strdup(text ? str_trim(text) : "unknown");
	if (!copy)
		return -ENOMEM;
	*ret = copy;
	return 0;
}

/* ---- Records ---- */

static bool put(json_object *to, const char *key, json_object *value)
{
	if (to && value && json_object_object_add(to, key, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static bool put_number(json_object *to, const char *key, int64_t n)
{
	return put(to, key, json_object_new_int64(n));
}

static bool put_text(json_object *to, const char *key, const char *text)
{
	return !text || put(to, key, json_object_new_string(text));
}

/* Takes `j`; the text is the caller's. */
static char *text_of(json_object *j, bool ok)
{
	const char *text = ok ? json_object_to_json_string_ext(j, JSON_C_TO_STRING_PLAIN) : NULL;
	char *copy = text ? strdup(text) : NULL;

	json_object_put(j);
	return copy;
}

static char *begin_record(const char *boot, unsigned id, const char *verb)
{
	json_object *j = json_object_new_object();
	bool ok = put_number(j, "journal", 1) && put_number(j, "id", id) &&
		  put_text(j, "boot", boot) && put_number(j, "time", time(NULL)) &&
		  put_number(j, "pid", getpid()) && put_text(j, "verb", verb);

	return text_of(j, ok);
}

static json_object *back_json(const struct actions *back)
{
	json_object *list = json_object_new_array();

	for (size_t i = 0; list && i < back->n; i++) {
		json_object *a = action_to_json(&back->v[i]);

		if (a && json_object_array_add(list, a) == 0)
			continue;
		json_object_put(a);
		json_object_put(list);
		return NULL;
	}
	return list;
}

static char *step_record(size_t i, const struct step *s)
{
	json_object *j = json_object_new_object();
	bool ok = put_number(j, "step", (int64_t)i) && put(j, "do", action_to_json(&s->todo)) &&
		  put(j, "back", back_json(&s->back)) && put_text(j, "was", s->was) &&
		  put_number(j, "stage", s->stage);

	return text_of(j, ok);
}

static char *event_record(const char *what, size_t step, const int *code, const struct problem *p)
{
	json_object *j = json_object_new_object();
	autofree char *why = p ? problem_text(p) : NULL;
	bool ok = put_number(j, what, (int64_t)step) && (!code || put_number(j, "code", *code)) &&
		  put_text(j, "text", why);

	return text_of(j, ok);
}

static int add(struct journal *j, char *text)
{
	autofree char *own = text;
	const char *const texts[] = { own };

	return own ? logfile_add(j->file, texts, 1) : -ENOMEM;
}

int journal_start(struct journal *j, size_t step)
{
	return add(j, event_record("start", step, NULL, NULL));
}

int journal_did(struct journal *j, size_t step, int code, const struct problem *p)
{
	return add(j, event_record("did", step, &code, p));
}

int journal_undid(struct journal *j, size_t step, int code, const struct problem *p)
{
	return add(j, event_record("undid", step, &code, p));
}

int journal_finish(struct journal *j, enum journal_end how)
{
	json_object *o = json_object_new_object();
	bool ok = put_text(o, "end", end_names[how]) && put_number(o, "time", time(NULL));
	int r = add(j, text_of(o, ok));

	return r < 0 ? r : logfile_move(j->dir, j->name, j->place.history_dir);
}

int journal_drop(struct journal *j)
{
	int r = store_remove(j->dir, j->name);

	return r < 0 ? r : 0;
}

/* ---- Beginning ---- */

static int new_journal(const struct journal_place *place, struct journal **ret)
{
	autojournal *j = calloc(1, sizeof(*j));

	if (!j)
		return -ENOMEM;
	j->place = *place;
	j->dir = journal_run_dir(place);
	if (!j->dir)
		return -ENOMEM;
	*ret = TAKE_PTR(j);
	return 0;
}

/* The next free number; somebody else may be as fast. */
static int create_file(struct journal *j)
{
	for (unsigned tries = 0; tries < 1000; tries++) {
		autofree unsigned *ids = NULL;
		size_t n;
		int r = journal_ids(&j->place, &ids, &n);

		if (r < 0)
			return r;
		j->id = (n ? ids[n - 1] : 0) + 1 + tries;
		free(j->name);
		j->name = str_printf("%u", j->id);
		if (!j->name)
			return -ENOMEM;
		r = logfile_create(j->dir, j->name, j->place.io, &j->file);
		if (r != -EEXIST)
			return r;
	}
	return -EEXIST;
}

/* One write: a journal without its "planned" was never begun. */
static int write_plan(struct journal *j, const char *boot, const char *verb, const struct plan *p)
{
	char **texts = calloc(p->n + 3, sizeof(char *));
	int r = texts ? 0 : -ENOMEM;

	if (texts) {
		texts[0] = begin_record(boot, j->id, verb);
		for (size_t i = 0; i < p->n; i++)
			texts[i + 1] = step_record(i, &p->steps[i]);
		texts[p->n + 1] = event_record("planned", p->n, NULL, NULL);
	}
	for (size_t i = 0; r == 0 && i < p->n + 2; i++)
		r = texts[i] ? 0 : -ENOMEM;
	if (r == 0)
		r = logfile_add(j->file, (const char *const *)texts, p->n + 2);
	for (size_t i = 0; texts && i < p->n + 2; i++)
		free(texts[i]);
	free(texts);
	return r;
}

int journal_begin(struct host *h, const struct journal_place *place, const char *verb,
	const struct plan *plan, struct journal **ret, struct problem **reterr)
{
	autofree char *boot = NULL;
	autojournal *j = NULL;
	int r = new_journal(place, &j);

	if (r == 0)
		r = journal_boot(h, &boot);
	if (r == 0)
		r = create_file(j);
	if (r == 0) {
		r = write_plan(j, boot, verb, plan);
		if (r < 0)
			(void)journal_drop(j);
	}
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r),
			"nothing was changed; make room, or run it as root",
			"cannot write the journal in %s: %s", place->run_dir, strerror(-r));
	*ret = TAKE_PTR(j);
	return 0;
}

int journal_take_over(const struct journal_place *place, const char *name, struct journal **ret)
{
	autojournal *j = NULL;
	int r = new_journal(place, &j);

	if (r == 0) {
		j->name = strdup(name);
		r = j->name && parse_u32(name, &j->id) == 0 ? 0 : -EINVAL;
	}
	if (r == 0)
		r = logfile_take_over(j->dir, name, place->io, &j->file);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(j);
	return 0;
}
