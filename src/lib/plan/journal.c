// SPDX-License-Identifier: GPL-2.0-or-later
/* Writing. */
#include "journal.h"

#include "base/str.h"
#include "host/procfs.h"
#include "identity/identity.h"
#include "store/store.h"

#include <json-c/json.h>
#include <time.h>

struct journal {
	struct journal_place place;
	char *dir, *name;
	struct logfile *file;
	unsigned id;
};

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

const char *journal_why(int code)
{
	switch (code) {
	case -EINVAL:
		return "nothing of it is whole";
	case -EPROTONOSUPPORT:
		return "another version of vfctl wrote it";
	case -ELOOP:
		return "it is a symbolic link";
	case -EFBIG:
		return "it is no file, or far too big";
	default:
		return strerror(-code);
	}
}

/* ---- Who may write there ---- */

/* Whether it can be used at all is seen when it is. */
static int dir_is_safe(const char *dir, struct problem **reterr)
{
	if (store_is_safe(dir) != -EPERM)
		return 0;
	problem(reterr, -EPERM, PROBLEM_PERMISSION, NULL,
		"%s can be written by others than root, and what is in it would be believed", dir);
	problem_hint(reterr, "look at what is in it, then: chown root: %s; chmod 755 %s", dir, dir);
	return -EPERM;
}

int journal_is_safe(const struct journal_place *place, struct problem **reterr)
{
	autofree char *dir = journal_run_dir(place);
	int r = dir ? dir_is_safe(place->run_dir, reterr)
		    : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");

	if (r == 0)
		r = dir_is_safe(dir, reterr);
	return r == 0 ? dir_is_safe(place->history_dir, reterr) : r;
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

/* What stands there is looked at once more before it is undone. */
static char *card_record(struct host *h, struct bdf a)
{
	autofree char *card = NULL;
	json_object *j;
	bool ok;

	/* Of what cannot be told now nothing will be asked then. */
	if (identity_fingerprint(h, a, &card) == -ENOMEM)
		return NULL;
	j = json_object_new_object();
	ok = put_text(j, "card", BDF_TEXT(a)) && put_text(j, "is", card ? card : "");
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
	bool ok = put_text(o, "end", journal_end_name(how)) && put_number(o, "time", time(NULL));
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

static int add_text(char ***texts, char *text)
{
	autofree char *own = text;

	return own ? strv_add(texts, own) : -ENOMEM;
}

/* One write: a journal without its "planned" was never begun. */
static int write_plan(
	struct host *h, struct journal *j, const char *boot, const char *verb, const struct plan *p)
{
	autostrv char **texts = NULL;
	int r = add_text(&texts, begin_record(boot, j->id, verb));

	for (size_t i = 0; r == 0 && i < p->n_groups; i++)
		if (p->groups[i].end > p->groups[i].begin)
			r = add_text(&texts, card_record(h, p->groups[i].bdf));
	for (size_t i = 0; r == 0 && i < p->n; i++)
		r = add_text(&texts, step_record(i, &p->steps[i]));
	if (r == 0)
		r = add_text(&texts, event_record("planned", p->n, NULL, NULL));
	if (r == 0)
		r = logfile_add(j->file, (const char *const *)texts, strv_len(texts));
	return r;
}

int journal_begin(struct host *h, const struct journal_place *place, const char *verb,
	const struct plan *plan, struct journal **ret, struct problem **reterr)
{
	autofree char *boot = NULL;
	autojournal *j = NULL;
	int r = journal_is_safe(place, reterr);

	if (r < 0)
		return r;
	r = new_journal(place, &j);
	if (r == 0)
		r = journal_boot(h, &boot);
	if (r == 0)
		r = create_file(j);
	if (r == 0) {
		r = write_plan(h, j, boot, verb, plan);
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
