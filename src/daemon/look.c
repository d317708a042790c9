// SPDX-License-Identifier: GPL-2.0-or-later
#include "look.h"
#include "child.h"
#include "method.h"
#include "polkit.h"

#include "base/str.h"
#include "ipc/names.h"
#include "ipc/news.h"

#include <json-c/json.h>
#include <malloc.h>
#include <syslog.h>

struct look {
	struct manager *m;
	struct look *next;
	sd_bus_message *asked;
	sd_bus_track *track; /* that who asked is still there */
	char *order;
	struct child *child; /* NULL: it waits for its turn */
	bool hands_over;     /* descriptors are the answer */
	bool answered;
};

static void start_next(struct manager *m);

static void look_free(struct look *l)
{
	struct look **at = &l->m->looks;

	while (*at && *at != l)
		at = &(*at)->next;
	if (*at)
		*at = l->next;
	child_free(l->child);
	sd_bus_track_unref(l->track);
	sd_bus_message_unref(l->asked);
	free(l->order);
	free(l);
}

unsigned look_open(const struct manager *m, const char *sender)
{
	unsigned n = 0;

	for (const struct look *l = m->looks; l; l = l->next)
		n += !sender || str_eq(sd_bus_message_get_sender(l->asked), sender);
	return n;
}

void look_done(struct manager *m)
{
	while (m->looks)
		look_free(m->looks);
}

static void answer_problem(struct look *l, const struct problem *p)
{
	if (!l->answered)
		(void)reply_problem(l->asked, p);
	l->answered = true;
}

/* `names`: JSON, a list in the order of the descriptors. */
static int append_fds(sd_bus_message *answer, json_object *names, const int *fds, size_t n)
{
	int r = json_object_is_type(names, json_type_array) && json_object_array_length(names) == n
			? sd_bus_message_open_container(answer, 'a', "{sh}")
			: -EBADMSG;

	for (size_t i = 0; r >= 0 && i < n; i++)
		r = sd_bus_message_append(answer, "{sh}",
			json_object_get_string(json_object_array_get_idx(names, i)), fds[i]);
	return r < 0 ? r : sd_bus_message_close_container(answer);
}

static int answer_fds(struct look *l, const char *text)
{
	json_object *names = json_tokener_parse(text);
	sd_bus_message *answer = NULL;
	const int *fds;
	size_t n = child_fds(l->child, &fds);
	int r = sd_bus_message_new_method_return(l->asked, &answer);

	if (r >= 0)
		r = append_fds(answer, names, fds, n);
	if (r >= 0)
		r = sd_bus_send(l->m->bus, answer, NULL);
	sd_bus_message_unref(answer);
	json_object_put(names);
	return r;
}

static void answer(struct look *l, const char *text)
{
	int r = l->hands_over ? answer_fds(l, text)
			      : sd_bus_reply_method_return(l->asked, "s", text);

	if (r < 0)
		(void)sd_bus_reply_method_errno(l->asked, l->hands_over ? r : -EMSGSIZE, NULL);
	l->answered = true;
}

static void line(void *arg, const char *text)
{
	struct look *l = arg;
	autonews n = { 0 };

	if (news_from_text(text, &n) < 0)
		return;
	if (n.kind == NEWS_ENDED)
		child_has_ended(l->child);
	if (n.kind == NEWS_ENDED && n.problem)
		answer_problem(l, n.problem);
	if (!l->answered && n.kind == NEWS_ANSWER && n.text)
		answer(l, n.text);
}

static void ended(void *arg)
{
	struct look *l = arg;
	struct manager *m = l->m;
	autoproblem *p = NULL;

	if (!l->answered) {
		problem(&p, -EIO, PROBLEM_FAILED, NULL, "the process that looked died");
		say(LOG_ERR, 0, "%s", p ? p->what : "a look failed");
		answer_problem(l, p);
	}
	look_free(l);
	start_next(m);
	/* An answer may have been long; nobody wants that memory any more. */
	if (!m->looks)
		(void)malloc_trim(0);
}

static void start(struct look *l)
{
	static const struct child_calls calls = { line, ended };
	autoproblem *p = NULL;
	int r = child_start(l->m, l->order, &calls, l, &l->child);

	if (r == 0)
		return;
	problem(&p, r, problem_kind_from_errno(r), NULL, "no process to look with: %s",
		strerror(-r));
	answer_problem(l, p);
	look_free(l);
}

static void start_next(struct manager *m)
{
	struct look *l = m->looks, *next;
	unsigned busy = 0;

	for (; l; l = l->next)
		busy += l->child != NULL;
	for (l = m->looks; l && busy < LOOKERS_MAX; l = next) {
		next = l->next;
		if (l->child)
			continue;
		busy++;
		start(l);
	}
}

static int on_left(sd_bus_track *t UNUSED, void *arg)
{
	struct look *l = arg;
	struct manager *m = l->m;

	look_free(l);
	start_next(m);
	return 0;
}

int look_begin(struct manager *m, sd_bus_message *asked, const struct order *o)
{
	struct look *l, **at = &m->looks;
	int r;

	if (look_open(m, NULL) >= LOOKS_MAX)
		return reply_limit(asked, "looks of all clients");
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	*l = (struct look) {
		.m = m, .asked = sd_bus_message_ref(asked), .hands_over = o->kind == ORDER_OPEN
	};
	while (*at)
		at = &(*at)->next;
	*at = l;
	l->order = order_text(o);
	r = l->order ? sd_bus_track_new(m->bus, &l->track, on_left, l) : -ENOMEM;
	if (r >= 0)
		r = sd_bus_track_add_sender(l->track, asked);
	if (r < 0) {
		look_free(l);
		return r;
	}
	start_next(m);
	return 1;
}

static int go(struct manager *m, sd_bus_message *asked, enum order_kind kind)
{
	autoorder o = { .kind = kind };
	autoproblem *p = NULL;
	int r = kind == ORDER_LIST   ? method_functions(asked, &o, &p)
		: kind == ORDER_SHOW ? method_function(asked, &o, &p)
				     : 0;

	if (r == 0 && kind == ORDER_LIST)
		r = method_options(asked, &o, &p);
	if (r < 0)
		return reply_problem(asked, p);
	return look_begin(m, asked, &o);
}

static int go_list(struct manager *m, sd_bus_message *asked, unsigned uid UNUSED)
{
	return go(m, asked, ORDER_LIST);
}

static int go_show(struct manager *m, sd_bus_message *asked, unsigned uid UNUSED)
{
	return go(m, asked, ORDER_SHOW);
}

static int go_leases(struct manager *m, sd_bus_message *asked, unsigned uid UNUSED)
{
	return go(m, asked, ORDER_LEASES);
}

int look_list(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return polkit_ask(arg, asked, POLKIT_LOOK, go_list);
}

int look_show(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return polkit_ask(arg, asked, POLKIT_LOOK, go_show);
}

int look_leases(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	return polkit_ask(arg, asked, POLKIT_LOOK, go_leases);
}
