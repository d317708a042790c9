// SPDX-License-Identifier: GPL-2.0-or-later
#include "doze.h"

#include <sched.h>

static void attend(struct server *s, bool on)
{
	virtq_lock(s->q);
	s->device->ops->attend(s->device, s->q, on);
	s->attended = on;
	server_listen(s);
	virtq_unlock(s->q);
}

/* By the thread itself it is left at once. */
static void leave(struct worker *w)
{
	struct server *s = w->dozes;

	__atomic_store_n(&w->dozes, NULL, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&w->in_bed, __ATOMIC_SEQ_CST)) {
		server_poke(s);
		sched_yield();
	}
	attend(s, false);
}

static void enter(struct worker *w, struct server *s)
{
	attend(s, true);
	__atomic_store_n(&w->dozes, s, __ATOMIC_SEQ_CST);
	loop_wake(w->loop);
}

/* The only one there is. */
static struct server *who(const struct worker *w)
{
	struct server *s = w->servers;

	return w->own && s && !s->next && s->device->doorbells && s->device->ops->doze ? s : NULL;
}

void doze_choose(struct worker *w)
{
	struct server *now = who(w);

	if (now == w->dozes)
		return;
	if (w->dozes)
		leave(w);
	if (now)
		enter(w, now);
}

/* Back in its loop for good, if it could not. */
static void woken(struct worker *w, struct server *s, int rung)
{
	loop_hold(w->loop);
	if (w->dozes == s && rung >= 0)
		server_woken(s, rung);
	else if (w->dozes == s)
		leave(w);
	loop_release(w->loop);
}

static bool doze(void *arg)
{
	struct worker *w = arg;
	struct server *s;
	int rung = 0;

	__atomic_store_n(&w->in_bed, true, __ATOMIC_SEQ_CST);
	s = __atomic_load_n(&w->dozes, __ATOMIC_SEQ_CST);
	if (s)
		rung = s->device->ops->doze(s->device, s->q);
	__atomic_store_n(&w->in_bed, false, __ATOMIC_SEQ_CST);
	if (!s)
		return false;
	woken(w, s, rung);
	return true;
}

/* The loop is held. */
static void poke(void *arg)
{
	struct worker *w = arg;

	if (w->dozes)
		server_poke(w->dozes);
}

void doze_prepare(struct worker *w)
{
	static const struct loop_sleeper sleeper = { doze, poke };

	loop_set_sleeper(w->loop, &sleeper, w);
}
