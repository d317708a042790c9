// SPDX-License-Identifier: GPL-2.0-or-later
#include "client-inside.h"
#include "names.h"
#include "put.h"
#include "story.h"

#include <time.h>

enum {
	/* Somebody may have to type a password, and the daemon to be started. */
	ANSWER_US = 150 * 1000000,
	/* So often it is asked whether the user is tired of waiting. */
	STEP_US = 100 * 1000,
};

/* How all begins that is said for a daemon which says nothing itself. */
#define SILENT "the daemon "

/* One order under way. */
struct talk {
	struct daemon *d;
	const struct daemon_told *told;
	char *job; /* its path; NULL: not known yet */
	bool cancelled, ended, lost;
	uint64_t until_us; /* of CLOCK_MONOTONIC; 0: however long it takes */
	unsigned id;
	int code;
	char *answer;
	struct problem *problem;
	sd_bus_slot *news, *owner; /* what it listens to */
};

static void talk_done(struct talk *t)
{
	sd_bus_slot_unref(t->news);
	sd_bus_slot_unref(t->owner);
	free(t->job);
	free(t->answer);
	problem_free(t->problem);
}

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static bool is_late(uint64_t until_us)
{
	return until_us && now_us() >= until_us;
}

void daemon_free(struct daemon *d)
{
	if (!d)
		return;
	sd_bus_flush_close_unref(d->bus);
	free(d);
}

/* ---- Is there one? ---- */

static int bus_call(
	sd_bus *bus, const char *method, sd_bus_message **ret, const char *types, const char *arg)
{
	return sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
		"org.freedesktop.DBus", method, NULL, ret, types, arg);
}

static bool is_owned(sd_bus *bus)
{
	sd_bus_message *answer = NULL;
	int owned = 0;
	int r = bus_call(bus, "NameHasOwner", &answer, "s", DAEMON_NAME);

	if (r >= 0)
		r = sd_bus_message_read(answer, "b", &owned);
	sd_bus_message_unref(answer);
	return r >= 0 && owned;
}

static bool can_be_started(sd_bus *bus)
{
	sd_bus_message *answer = NULL;
	autostrv char **names = NULL;
	int r = bus_call(bus, "ListActivatableNames", &answer, "", NULL);

	if (r >= 0)
		r = sd_bus_message_read_strv(answer, &names);
	sd_bus_message_unref(answer);
	return r >= 0 && strv_has(names, DAEMON_NAME);
}

int daemon_find_within(unsigned deadline_ms, struct daemon **ret)
{
	CLEANUP(daemon_freep) struct daemon *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	if (sd_bus_open_system(&d->bus) < 0)
		return 0;
	if (deadline_ms)
		(void)sd_bus_set_method_call_timeout(d->bus, (uint64_t)deadline_ms * 1000);
	if (!is_owned(d->bus) && !can_be_started(d->bus))
		return 0;
	*ret = TAKE_PTR(d);
	return 1;
}

int daemon_find(struct daemon **ret)
{
	return daemon_find_within(0, ret);
}

/* ---- What the job tells ---- */

static void hear_recovered(struct talk *t, const struct news *n)
{
	const struct apply_opts *to = t->told->apply;
	const struct entry e = { .id = n->id, .verb = n->text };

	if (to->recovered)
		to->recovered(to->arg, &e, n->how, n->problem);
}

static void hear(struct talk *t, struct news *n)
{
	const struct apply_opts *to = t->told->apply;
	const struct step step = { .todo = n->action };

	if (n->kind == NEWS_RESULT && to->result)
		to->result(to->result_arg, &step, n->text, n->code, TAKE_PTR(n->problem));
	else if (n->kind == NEWS_LINE && t->told->line && n->subject && n->text)
		t->told->line(to->arg, n->subject, n->text, n->code, TAKE_PTR(n->problem));
	else if (n->kind == NEWS_WAITING && to->waiting && n->text)
		to->waiting(to->arg, n->text, n->waited_ms);
	else if (n->kind == NEWS_NOTE && to->note && n->text && n->hint)
		to->note(to->arg, n->text, n->hint);
	else if (n->kind == NEWS_RECOVERED)
		hear_recovered(t, n);
	else if (n->kind == NEWS_ANSWER && !t->answer)
		t->answer = TAKE_PTR(n->text);
	if (n->kind != NEWS_ENDED)
		return;
	t->ended = true;
	t->code = n->code;
	t->id = n->id;
	t->problem = TAKE_PTR(n->problem);
}

static int on_news(sd_bus_message *m, void *arg, sd_bus_error *e UNUSED)
{
	struct talk *t = arg;
	const char *text = NULL;
	autonews n = { 0 };

	if (t->ended || !str_eq(sd_bus_message_get_path(m), t->job))
		return 0;
	if (sd_bus_message_has_signature(m, "s") > 0 && sd_bus_message_read(m, "s", &text) > 0 &&
		news_from_text(text, &n) == 0)
		hear(t, &n);
	return 0;
}

static int on_owner(sd_bus_message *m, void *arg, sd_bus_error *e UNUSED)
{
	const char *name = NULL, *was = NULL, *is = NULL;
	struct talk *t = arg;

	if (sd_bus_message_read(m, "sss", &name, &was, &is) > 0 && was && *was)
		t->lost = true;
	return 0;
}

/* Before the order is given, so that nothing of the job is missed. */
static int listen(struct talk *t)
{
	int r = sd_bus_add_match(t->d->bus, &t->news,
		"type='signal',sender='" DAEMON_NAME "',interface='" JOB_INTERFACE "'", on_news, t);

	if (r >= 0)
		r = sd_bus_add_match(t->d->bus, &t->owner,
			"type='signal',sender='org.freedesktop.DBus',"
			"interface='org.freedesktop.DBus',member='NameOwnerChanged',"
			"arg0='" DAEMON_NAME "'",
			on_owner, t);
	return r < 0 ? r : 0;
}

/* ---- Giving the order ---- */

static int add_option(sd_bus_message *m, const char *key, json_object *v)
{
	if (json_object_is_type(v, json_type_boolean))
		return sd_bus_message_append(m, "{sv}", key, "b", (int)json_object_get_boolean(v));
	if (json_object_is_type(v, json_type_int))
		return sd_bus_message_append(
			m, "{sv}", key, "u", (uint32_t)json_object_get_int64(v));
	return sd_bus_message_append(m, "{sv}", key, "s", json_object_get_string(v));
}

static int add_options(sd_bus_message *m, json_object *order)
{
	json_object *options = json_object_object_get(order, "options");
	int r = sd_bus_message_open_container(m, 'a', "{sv}");

	json_object_object_foreach(options, key, v) if (r >= 0) r = add_option(m, key, v);
	return r < 0 ? r : sd_bus_message_close_container(m);
}

static int add_order(sd_bus_message *m, const struct order *o)
{
	json_object *j = order_to_json(o), *what = NULL;
	int r = j ? 0 : -ENOMEM;

	if (r == 0 && (json_object_object_get_ex(j, "wishes", &what) ||
			      json_object_object_get_ex(j, "request", &what)))
		r = sd_bus_message_append(
			m, "s", json_object_to_json_string_ext(what, JSON_C_TO_STRING_PLAIN));
	else if (r == 0)
		r = sd_bus_message_append_strv(m, o->functions);
	if (r >= 0)
		r = add_options(m, j);
	json_object_put(j);
	return r;
}

static int unheard(int r, struct problem **reterr)
{
	return problem(reterr, r, problem_kind_from_errno(r), "or --direct, as root",
		SILENT "cannot be asked: %s", strerror(-r));
}

/* What the daemon, polkit or the bus had against it. */
static int refused(sd_bus_message *answer, struct problem **reterr)
{
	const sd_bus_error *e = sd_bus_message_get_error(answer);
	const char *hint = NULL;
	int r;

	if (!e || !e->name)
		return unheard(-EPROTO, reterr);
	r = sd_bus_error_get_errno(e) ? -sd_bus_error_get_errno(e) : -EIO;
	if (str_starts(e->name, ERROR_PREFIX)) {
		if (sd_bus_message_read(answer, "s", NULL) > 0)
			(void)sd_bus_message_read(answer, "s", &hint);
		return problem(reterr, r, error_kind(e->name), hint, "%s", e->message);
	}
	return problem(reterr, r, problem_kind_from_errno(r),
		"systemctl status vfctld; or --direct, as root", SILENT "cannot be asked: %s",
		e->message ? e->message : e->name);
}

struct answer {
	bool came;
	sd_bus_message *message;
};

static int on_answer(sd_bus_message *m, void *arg, sd_bus_error *e UNUSED)
{
	struct answer *a = arg;

	a->came = true;
	a->message = sd_bus_message_ref(m);
	return 0;
}

/* One round of whatever the bus has for us. */
static int turn(struct daemon *d)
{
	int r = sd_bus_process(d->bus, NULL);

	if (r == 0)
		r = sd_bus_wait(d->bus, STEP_US);
	return r == -EINTR ? 0 : MIN(r, 0);
}

static const char *method_of(const struct order *o)
{
	static const char *const methods[ORDER_KINDS] = {
		[ORDER_CHANGE] = "Change",
		[ORDER_RESET] = "Reset",
		[ORDER_ASSIGN] = "Assign",
		[ORDER_RELEASE] = "Release",
	};

	return methods[o->kind];
}

/* One that comes after all, when nobody waits for it any more, has nowhere to go. */
int client_call(struct daemon *d, sd_bus_message *call, uint64_t until_us, sd_bus_message **ret)
{
	struct answer a = { 0 };
	sd_bus_slot *slot = NULL;
	int r = isatty(STDIN_FILENO)
			? sd_bus_message_set_allow_interactive_authorization(call, true)
			: 0;

	if (r >= 0)
		r = sd_bus_call_async(d->bus, &slot, call, on_answer, &a, ANSWER_US);
	while (r >= 0 && !a.came)
		r = is_late(until_us) ? -ETIMEDOUT : turn(d);
	sd_bus_slot_unref(slot);
	if (r >= 0)
		*ret = a.message;
	return r;
}

int client_judge(sd_bus_message *answer, int r, struct problem **reterr)
{
	if (r < 0)
		return unheard(r, reterr);
	return sd_bus_message_is_method_error(answer, NULL) ? refused(answer, reterr) : 0;
}

static int ask(struct talk *t, const struct order *o, sd_bus_message **ret)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(
		t->d->bus, &m, DAEMON_NAME, DAEMON_PATH, DAEMON_INTERFACE, method_of(o));

	if (r >= 0)
		r = add_order(m, o);
	if (r >= 0)
		r = client_call(t->d, m, t->until_us, ret);
	sd_bus_message_unref(m);
	return r;
}

static int start(struct talk *t, const struct order *o, struct problem **reterr)
{
	sd_bus_message *answer = NULL;
	const char *path = NULL;
	int r = listen(t);

	if (r == 0)
		r = ask(t, o, &answer);
	r = client_judge(answer, r, reterr);
	if (r >= 0 && sd_bus_message_read(answer, "o", &path) <= 0)
		r = problem(reterr, -EPROTO, PROBLEM_FAILED, NULL,
			SILENT "gave an answer that makes no sense");
	else if (r >= 0)
		r = wish_put(&t->job, path);
	sd_bus_message_unref(answer);
	/* A start of the daemon is no loss of it. */
	t->lost = false;
	return r;
}

/* ---- Until its end ---- */

static void cancel(struct talk *t)
{
	t->cancelled = true;
	(void)sd_bus_call_method_async(
		t->d->bus, NULL, DAEMON_NAME, t->job, JOB_INTERFACE, "Cancel", NULL, NULL, "");
}

/* What was begun is taken back, which is not waited for; a release goes on. */
static int too_late(struct talk *t, const struct order *o, struct problem **reterr)
{
	if (o->kind != ORDER_RELEASE && !t->cancelled)
		cancel(t);
	(void)sd_bus_flush(t->d->bus);
	return problem(reterr, -ETIMEDOUT, PROBLEM_TIMEOUT,
		o->kind == ORDER_RELEASE ? "vfctld goes on with it: busctl call " DAEMON_NAME
					   " " DAEMON_PATH " " DAEMON_INTERFACE " ListJobs"
					 : "vfctld takes back what it had begun",
		SILENT "was not done with it in time");
}

static int wait_for_end(struct talk *t, const struct order *o, struct problem **reterr)
{
	const struct apply_opts *to = t->told->apply;
	int r = 0;

	while (r >= 0 && !t->ended && !t->lost) {
		if (is_late(t->until_us))
			return too_late(t, o, reterr);
		if (!t->cancelled && to->cancelled && to->cancelled(to->arg))
			cancel(t);
		r = turn(t->d);
	}
	if (t->ended)
		return 0;
	return problem(reterr, -ECONNRESET, PROBLEM_FAILED,
		"what had begun is taken back or completed when vfctld starts again",
		SILENT "ended during the change");
}

static int do_it(struct talk *t, const struct order *o, struct problem **reterr)
{
	int r = start(t, o, reterr);

	if (r >= 0)
		r = wait_for_end(t, o, reterr);
	if (r < 0)
		return r;
	if (t->code < 0 && t->problem && reterr)
		*reterr = TAKE_PTR(t->problem);
	return t->code;
}

int daemon_do(struct daemon *d, const struct order *o, const struct daemon_told *told,
	unsigned *ret_id, struct problem **reterr)
{
	CLEANUP(talk_done) struct talk t = { .d = d, .told = told };
	int r = do_it(&t, o, reterr);

	if (ret_id && t.ended)
		*ret_id = t.id;
	return r;
}

int daemon_claim(struct daemon *d, const struct order *o, const struct daemon_told *told,
	unsigned deadline_ms, char **ret_answer, struct problem **reterr)
{
	static const struct apply_opts silent = { 0 };
	static const struct daemon_told nobody = { .apply = &silent };
	CLEANUP(talk_done) struct talk t = { .d = d, .told = told ? told : &nobody };
	int r;

	if (deadline_ms)
		t.until_us = now_us() + (uint64_t)deadline_ms * 1000;
	r = do_it(&t, o, reterr);
	if (r >= 0 && ret_answer)
		*ret_answer = TAKE_PTR(t.answer);
	return r;
}

bool daemon_was_silent(const struct problem *p)
{
	return p && str_starts(p->what, SILENT);
}
