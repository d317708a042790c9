// SPDX-License-Identifier: GPL-2.0-or-later
#include "polkit.h"
#include "guard.h"

#include "base/str.h"
#include "ipc/names.h"

#include <stdio.h>

enum {
	SILENT_US = 10 * 1000000,
	/* Somebody types a password. */
	ASKING_US = 120 * 1000000,
	ALLOW_INTERACTION = 1,
};

struct question {
	struct manager *m;
	struct question *next;
	sd_bus_message *asked;
	sd_bus_slot *slot;
	struct polkit_way ways[POLKIT_WAYS_MAX];
	unsigned way, n_ways; /* the one that is asked about */
	char **about;
	unsigned uid;
	size_t bytes; /* of `asked`, which is kept */
};

static int call(struct question *q);

static const struct polkit_way *way(const struct question *q)
{
	return &q->ways[q->way];
}

static void question_free(struct question *q)
{
	struct question **at = &q->m->questions;

	while (*at && *at != q)
		at = &(*at)->next;
	if (*at)
		*at = q->next;
	sd_bus_slot_unref(q->slot);
	sd_bus_message_unref(q->asked);
	strv_free(q->about);
	free(q);
}

unsigned polkit_open(const struct manager *m, const char *sender)
{
	unsigned n = 0;

	for (const struct question *q = m->questions; q; q = q->next)
		n += !sender || str_eq(sd_bus_message_get_sender(q->asked), sender);
	return n;
}

void polkit_done(struct manager *m)
{
	while (m->questions)
		question_free(m->questions);
}

static int refuse(struct question *q, const char *why)
{
	const char *hint = str_eq(way(q)->action, POLKIT_CLAIM)
				   ? "members of the group vfctl may (usermod -aG vfctl USER, then "
				     "log in anew), root, and who a rule of polkit allows it"
				   : "root may, and who a rule of polkit allows it";
	autoproblem *p = NULL;

	problem(&p, -EACCES, PROBLEM_PERMISSION, hint, "polkit does not allow %s: %s",
		way(q)->action, why);
	return reply_problem(q->asked, p);
}

/* Nobody is there to be asked: as the policy that we install says. */
static int without_polkit(struct question *q)
{
	return str_eq(way(q)->action, POLKIT_LOOK) ? way(q)->go(q->m, q->asked, q->uid)
						   : refuse(q, "it does not run");
}

/* Not: it is slow, or has too much to do. Then it is not as if there were none. */
static bool is_not_there(sd_bus_message *answer)
{
	static const char *const none[] = {
		SD_BUS_ERROR_SERVICE_UNKNOWN,
		SD_BUS_ERROR_NAME_HAS_NO_OWNER,
		"org.freedesktop.DBus.Error.Spawn.ServiceNotFound",
		"org.freedesktop.systemd1.NoSuchUnit",
		"org.freedesktop.systemd1.UnitMasked",
	};

	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		if (sd_bus_message_is_method_error(answer, none[i]))
			return true;
	return false;
}

static int judge(struct question *q, sd_bus_message *answer)
{
	int allowed = 0, challenge = 0, r;

	if (is_not_there(answer))
		return without_polkit(q);
	if (sd_bus_message_is_method_error(answer, NULL))
		return refuse(q, "it gave no answer");
	r = sd_bus_message_enter_container(answer, 'r', "bba{ss}");
	if (r >= 0)
		r = sd_bus_message_read(answer, "bb", &allowed, &challenge);
	if (r < 0)
		return refuse(q, "its answer makes no sense");
	return allowed	   ? way(q)->go(q->m, q->asked, q->uid)
	       : challenge ? refuse(q, "it wants to ask somebody, and nobody is there")
			   : refuse(q, "the user may not");
}

/* 1: no, but there is another way, and polkit is asked about that. */
static int next_way(struct question *q, sd_bus_message *answer)
{
	int allowed = 0;

	if (q->way + 1 == q->n_ways || sd_bus_message_is_method_error(answer, NULL))
		return 0;
	if (sd_bus_message_enter_container(answer, 'r', "bba{ss}") < 0 ||
		sd_bus_message_read(answer, "bb", &allowed, NULL) < 0 || allowed)
		return sd_bus_message_rewind(answer, true) < 0 ? -EBADMSG : 0;
	q->way++;
	q->slot = sd_bus_slot_unref(q->slot);
	return call(q) < 0 ? -EIO : 1;
}

static int on_answer(sd_bus_message *answer, void *arg, sd_bus_error *e UNUSED)
{
	struct question *q = arg;
	int r = next_way(q, answer);

	if (r == 1)
		return 0;
	if (r == 0)
		r = judge(q, answer);
	if (r < 0)
		(void)sd_bus_reply_method_errno(q->asked, r, NULL);
	question_free(q);
	return 0;
}

static int add_about(sd_bus_message *call, char *const *about)
{
	int r = sd_bus_message_open_container(call, 'a', "{ss}");

	for (; r >= 0 && about && about[0]; about += 2)
		r = sd_bus_message_append(call, "{ss}", about[0], about[1]);
	return r < 0 ? r : sd_bus_message_close_container(call);
}

static int call(struct question *q)
{
	bool asks = q->way + 1 == q->n_ways &&
		    sd_bus_message_get_allow_interactive_authorization(q->asked) > 0;
	sd_bus_message *call = NULL;
	int r = sd_bus_message_new_method_call(q->m->bus, &call, "org.freedesktop.PolicyKit1",
		"/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority",
		"CheckAuthorization");

	if (r >= 0)
		r = sd_bus_message_append(call, "(sa{sv})s", "system-bus-name", 1, "name", "s",
			sd_bus_message_get_sender(q->asked), way(q)->action);
	if (r >= 0)
		r = add_about(call, q->about);
	if (r >= 0)
		r = sd_bus_message_append(call, "us", asks ? ALLOW_INTERACTION : 0, "");
	if (r >= 0)
		r = sd_bus_call_async(
			q->m->bus, &q->slot, call, on_answer, q, asks ? ASKING_US : SILENT_US);
	sd_bus_message_unref(call);
	return r;
}

static int sender_uid(sd_bus_message *asked, unsigned *ret)
{
	sd_bus_creds *creds = NULL;
	uid_t uid = 0;
	int r = sd_bus_query_sender_creds(asked, SD_BUS_CREDS_EUID, &creds);

	if (r >= 0)
		r = sd_bus_creds_get_euid(creds, &uid);
	sd_bus_creds_unref(creds);
	*ret = uid;
	return r;
}

static int question_new(struct manager *m, sd_bus_message *asked, const char *const *about,
	unsigned uid, struct question **ret)
{
	struct question *q = calloc(1, sizeof(*q));

	if (!q)
		return -ENOMEM;
	*q = (struct question) {
		.m = m, .asked = sd_bus_message_ref(asked), .uid = uid, .next = m->questions
	};
	m->questions = q;
	for (unsigned i = 0; about && about[i] && i < POLKIT_ABOUT_MAX; i++)
		if (strv_add(&q->about, about[i]) < 0) {
			question_free(q);
			return -ENOMEM;
		}
	*ret = q;
	return 0;
}

/* One user cannot have us keep more than this for him, with however many connections. */
static bool is_too_much(const struct manager *m, unsigned uid, size_t bytes)
{
	unsigned n = 0;

	for (const struct question *q = m->questions; q; q = q->next)
		if (q->uid == uid) {
			n++;
			bytes += q->bytes;
		}
	return n >= USER_MAX || bytes > USER_BYTES_MAX;
}

int polkit_ask_ways(struct manager *m, sd_bus_message *asked, const char *const *about,
	const struct polkit_way *ways, unsigned n)
{
	struct question *q = NULL;
	unsigned uid = 0;
	size_t bytes;
	int r;

	if (manager_load(m, sd_bus_message_get_sender(asked)) >= CLIENT_MAX)
		return reply_limit(asked, "requests of one client");
	r = sender_uid(asked, &uid);
	if (r < 0)
		return r;
	if (uid == 0)
		return ways[0].go(m, asked, uid);
	bytes = guard_weigh(asked, MESSAGE_MAX);
	if (is_too_much(m, uid, bytes))
		return reply_limit(asked, "requests of one user");
	r = question_new(m, asked, about, uid, &q);
	if (r < 0)
		return r;
	q->bytes = bytes;
	for (; q->n_ways < n && q->n_ways < POLKIT_WAYS_MAX; q->n_ways++)
		q->ways[q->n_ways] = ways[q->n_ways];
	r = call(q);
	if (r < 0)
		question_free(q);
	return r < 0 ? r : 1;
}

int polkit_ask(struct manager *m, sd_bus_message *asked, const char *action, polkit_go *go)
{
	const struct polkit_way way = { action, go };

	return polkit_ask_ways(m, asked, NULL, &way, 1);
}
