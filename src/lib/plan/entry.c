// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what a journal says. A record that makes no sense ends the reading, as a torn one does.
 */
#include "journal.h"
#include "wish.h"

#include "base/str.h"

#include <json-c/json.h>

void entry_done(struct entry *e)
{
	for (size_t i = 0; e->steps && i < e->plan.n; i++)
		free(e->steps[i].text);
	free(e->steps);
	free(e->boot);
	free(e->verb);
	plan_done(&e->plan);
	*e = (struct entry) { 0 };
}

static bool number(json_object *j, const char *key, int64_t *ret)
{
	json_object *v = NULL;

	if (!json_object_object_get_ex(j, key, &v) || !json_object_is_type(v, json_type_int))
		return false;
	*ret = json_object_get_int64(v);
	return true;
}

static const char *text(json_object *j, const char *key)
{
	json_object *v = NULL;

	return json_object_object_get_ex(j, key, &v) ? json_object_get_string(v) : NULL;
}

static int read_begin(struct entry *e, json_object *j)
{
	int64_t version, id, begin, pid;

	if (!number(j, "journal", &version))
		return -EINVAL;
	if (version != 1)
		return -EPROTONOSUPPORT;
	if (!number(j, "id", &id) || id <= 0 || id > UINT32_MAX || !number(j, "time", &begin) ||
		!number(j, "pid", &pid))
		return -EINVAL;
	e->id = (unsigned)id;
	e->begin_s = begin;
	e->pid = (int)pid;
	if (wish_put(&e->boot, text(j, "boot")) < 0 || wish_put(&e->verb, text(j, "verb")) < 0)
		return -ENOMEM;
	return e->boot && e->verb ? 0 : -EINVAL;
}

static int read_back(json_object *j, struct actions *back)
{
	json_object *list = NULL;

	if (!json_object_object_get_ex(j, "back", &list) ||
		!json_object_is_type(list, json_type_array))
		return -EINVAL;
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct action *a = actions_add(back, ACTION_LINK, (struct bdf) { 0 }, OF_ITSELF);
		int r = a ? action_from_json(json_object_array_get_idx(list, i), a) : -ENOMEM;

		if (r < 0)
			return r;
	}
	return 0;
}

static struct plan_group *new_group(struct plan *p, struct bdf bdf)
{
	struct plan_group *g = reallocarray(p->groups, p->n_groups + 1, sizeof(*g));

	if (!g)
		return NULL;
	p->groups = g;
	g += p->n_groups++;
	*g = (struct plan_group) { .bdf = bdf };
	return g;
}

/* The cards stand before the steps. */
static int read_card(struct entry *e, json_object *j)
{
	const char *where = text(j, "card"), *is = text(j, "is");
	struct plan_group *g;
	struct bdf bdf;

	if (!where || !is || bdf_parse(where, &bdf) < 0 || e->plan.n)
		return -EINVAL;
	g = new_group(&e->plan, bdf);
	if (!g)
		return -ENOMEM;
	return *is ? wish_put(&g->card, is) : 0;
}

/* Steps of a function follow each other. */
static int add_group(struct plan *p, struct bdf bdf)
{
	size_t last = p->n - 1, i = 0;
	struct plan_group *g;

	while (i < p->n_groups &&
		!(bdf_eq(p->groups[i].bdf, bdf) && (p->groups[i].end == last || !p->groups[i].end)))
		i++;
	g = i < p->n_groups ? &p->groups[i] : new_group(p, bdf);
	if (!g)
		return -ENOMEM;
	if (!g->end)
		g->begin = last;
	g->end = p->n;
	p->steps[last].group = i;
	return 0;
}

static int read_step(struct entry *e, json_object *j)
{
	struct plan *p = &e->plan;
	json_object *todo = NULL;
	int64_t index, stage;
	struct step *s;
	int r;

	if (!number(j, "step", &index) || index != (int64_t)p->n || !number(j, "stage", &stage) ||
		stage < 0 || stage > STAGE_EACH || !json_object_object_get_ex(j, "do", &todo))
		return -EINVAL;
	s = reallocarray(p->steps, p->n + 1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	p->steps = s;
	s += p->n++;
	*s = (struct step) { .stage = (enum stage)stage };
	r = action_from_json(todo, &s->todo);
	if (r == 0)
		r = read_back(j, &s->back);
	if (r == 0)
		r = wish_put(&s->was, text(j, "was"));
	return r < 0 ? r : add_group(p, s->todo.bdf);
}

static int read_planned(struct entry *e, json_object *j)
{
	int64_t n;

	if (!number(j, "planned", &n) || n != (int64_t)e->plan.n)
		return -EINVAL;
	e->steps = calloc(e->plan.n + 1, sizeof(*e->steps));
	e->planned = e->steps != NULL;
	return e->planned ? 0 : -ENOMEM;
}

/* The step that an event is about; NULL. */
static struct entry_step *step_of(struct entry *e, json_object *j, const char *key)
{
	int64_t i;

	if (!e->planned || !number(j, key, &i) || i < 0 || i >= (int64_t)e->plan.n)
		return NULL;
	return &e->steps[i];
}

static int read_event(struct entry *e, json_object *j)
{
	struct entry_step *start = step_of(e, j, "start"), *did = step_of(e, j, "did"),
			  *undid = step_of(e, j, "undid");
	int64_t code = 0;

	if (start && !start->started) {
		start->started = true;
		start->order = e->n_started++;
		return 0;
	}
	if (!(did || undid) || !number(j, "code", &code))
		return -EINVAL;
	if (did) {
		did->ended = true;
		did->code = (int)code;
		return wish_put(&did->text, text(j, "text"));
	}
	undid->undone = code >= 0;
	undid->undo_code = (int)code;
	return 0;
}

static int read_end(struct entry *e, json_object *j)
{
	const char *name = text(j, "end");

	for (int i = JOURNAL_DONE; i < JOURNAL_ENDS; i++)
		if (str_eq(name, journal_end_name((enum journal_end)i))) {
			e->end = (enum journal_end)i;
			return number(j, "time", &e->end_s) ? 0 : -EINVAL;
		}
	return -EINVAL;
}

static int read_record(struct entry *e, const char *line)
{
	json_object *j = json_tokener_parse(line);
	int r = -EINVAL;

	if (json_object_object_get_ex(j, "journal", NULL))
		r = read_begin(e, j);
	else if (json_object_object_get_ex(j, "card", NULL) && !e->planned)
		r = read_card(e, j);
	else if (json_object_object_get_ex(j, "step", NULL) && !e->planned)
		r = read_step(e, j);
	else if (json_object_object_get_ex(j, "planned", NULL) && !e->planned)
		r = read_planned(e, j);
	else if (json_object_object_get_ex(j, "end", NULL))
		r = read_end(e, j);
	else if (j)
		r = read_event(e, j);
	json_object_put(j);
	return r;
}

int entry_read(const char *dir, const char *name, struct entry *ret)
{
	autostrv char **lines = NULL;
	autoentry e = { 0 };
	int r = logfile_read(dir, name, &lines);

	if (r < 0)
		return r;
	STRV_FOREACH (line, lines) {
		r = read_record(&e, *line);
		if (r == -ENOMEM)
			return r;
		e.strange = r < 0;
		if (r < 0)
			break;
	}
	if (!e.id)
		return r < 0 ? r : -EINVAL;
	*ret = e;
	e = (struct entry) { 0 };
	return 0;
}

static int compare_ids(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

int journal_ids(const struct journal_place *place, unsigned **ret, size_t *ret_n)
{
	autofree char *run = journal_run_dir(place);
	autostrv char **running = NULL, **ended = NULL;
	autofree unsigned *ids = NULL;
	size_t n = 0, once = 0;
	int r = run ? logfile_list(run, &running) : -ENOMEM;

	if (r == 0)
		r = logfile_list(place->history_dir, &ended);
	if (r < 0)
		return r;
	ids = calloc(strv_len(running) + strv_len(ended) + 1, sizeof(*ids));
	if (!ids)
		return -ENOMEM;
	STRV_FOREACH (name, running)
		n += parse_u32(*name, &ids[n]) == 0;
	STRV_FOREACH (name, ended)
		n += parse_u32(*name, &ids[n]) == 0;
	qsort(ids, n, sizeof(*ids), compare_ids);
	for (size_t i = 0; i < n; i++)
		if (!i || ids[i] != ids[i - 1])
			ids[once++] = ids[i];
	*ret = TAKE_PTR(ids);
	*ret_n = once;
	return 0;
}

int journal_read(const struct journal_place *place, unsigned id, struct entry *ret)
{
	autofree char *run = journal_run_dir(place), *name = str_printf("%u", id);
	int r;

	if (!run || !name)
		return -ENOMEM;
	/* In this order: a file that moves between the looks is seen in the second place. */
	r = entry_read(run, name, ret);
	if (r != -ENOENT)
		return r;
	r = entry_read(place->history_dir, name, ret);
	/* What comes there has ended. */
	if (r == 0 && ret->end == JOURNAL_RUNNING)
		ret->end = JOURNAL_TORN;
	return r;
}
