// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest-ask.h"
#include "look.h"
#include "method.h"
#include "polkit.h"

#include "base/str.h"
#include "ipc/names.h"

static int read_text(sd_bus_message *m, char **ret)
{
	const char *text = NULL;
	int r = sd_bus_message_read(m, "v", "s", &text);

	if (r <= 0)
		return r;
	free(*ret);
	*ret = strdup(text);
	return *ret ? r : -ENOMEM;
}

static int read_option(sd_bus_message *m, const char *key, struct order_guest *g)
{
	if (str_eq(key, "memory"))
		return sd_bus_message_read(m, "v", "t", &g->memory_bytes);
	return str_eq(key, "vfio") ? read_text(m, &g->vfio) : -EINVAL;
}

/* {"memory": t, "vfio": s}. */
static int read_options(sd_bus_message *m, struct order *o)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sv}");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sv")) > 0) {
		const char *key = NULL;

		r = sd_bus_message_read(m, "s", &key);
		if (r > 0)
			r = read_option(m, key, &o->guest);
		if (r > 0)
			r = sd_bus_message_exit_container(m);
	}
	return r < 0 ? r : sd_bus_message_exit_container(m);
}

/* The bus knows who is at the other end of the connection; what he says of himself is no matter. */
static int sender_pid(sd_bus_message *asked, struct order *o)
{
	sd_bus_creds *creds = NULL;
	pid_t pid = 0;
	int r = sd_bus_query_sender_creds(asked, SD_BUS_CREDS_PID, &creds);

	if (r >= 0)
		r = sd_bus_creds_get_pid(creds, &pid);
	sd_bus_creds_unref(creds);
	o->guest.pid = (uint32_t)pid;
	return r;
}

static int go(struct manager *m, sd_bus_message *asked, unsigned uid)
{
	autoorder o = { .kind = ORDER_OPEN };
	autoproblem *p = NULL;
	int r = method_functions(asked, &o, &p);

	if (r == 0 && read_options(asked, &o) < 0)
		r = problem(&p, -EINVAL, PROBLEM_USAGE, "vfctld(8) has the methods",
			"the options cannot be read: 'memory' is a number of bytes (t), 'vfio' a "
			"name (s)");
	if (r == 0 && m->host->captured)
		r = problem(&p, -EROFS, PROBLEM_READ_ONLY, NULL,
			"%s is a captured machine: nothing can be opened there", m->root);
	if (r < 0)
		return reply_problem(asked, p);
	o.guest.uid = uid;
	r = sender_pid(asked, &o);
	return r < 0 ? r : look_begin(m, asked, &o);
}

int guest_open(sd_bus_message *asked, void *arg, sd_bus_error *e UNUSED)
{
	const struct polkit_way ways[] = { { POLKIT_CHANGE, go }, { POLKIT_CLAIM, go } };

	return polkit_ask_ways(arg, asked, NULL, ways, ARRAY_SIZE(ways));
}
