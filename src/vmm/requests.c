/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "requests.h"

#include "base/str.h"
#include "vmm/control/server.h"
#include "vmm/dev/plug.h"

#include <limits.h>
#include <string.h>

enum { WAIT_MS = 30000, WAIT_MS_MAX = 3600000 };

struct requests {
	struct requests_params params;
	struct control *control;
};

static void fail(struct control_peer *peer, struct problem *why)
{
	control_answer_problem(peer, why);
	problem_free(why);
}

static void misunderstood(struct control_peer *peer, const char *what)
{
	struct problem *why = NULL;

	problem(&why, -EINVAL, PROBLEM_USAGE, NULL, "%s", what);
	fail(peer, why);
}

static void answer_text(struct control_peer *peer, char *line)
{
	if (line)
		control_answer(peer, line, -1);
	else
		fail(peer, NULL);
	free(line);
}

static void stats(struct requests *r, struct control_peer *peer)
{
	struct report now = { .running = true };

	r->params.describe(r->params.arg, &now);
	answer_text(peer, report_line(&now));
}

static void status(struct requests *r, struct control_peer *peer)
{
	struct report now = { .running = true };

	r->params.describe(r->params.arg, &now);
	answer_text(peer,
		report_status(&now, r->params.options->cpus, r->params.options->memory_bytes));
}

static void explain(struct requests *r, struct control_peer *peer)
{
	autofree char *text = devices_explain(r->params.devices);

	answer_text(peer, text ? str_printf("{\"ok\":true,%s}\n", text) : NULL);
}

static void stop(struct requests *r, struct control_peer *peer, const struct message *m)
{
	struct report now = { 0 };
	bool force;

	if (message_bool(m, "force", false, &force) < 0) {
		misunderstood(peer, "force is true or false");
		return;
	}
	r->params.describe(r->params.arg, &now);
	control_answer_ok(peer);
	if (force)
		r->params.stop(r->params.arg, "told to on its control socket");
	else
		plug_press_button(machine_services(now.machine)->plug);
}

static void container(struct requests *r, struct control_peer *peer)
{
	int fd = devices_container(r->params.devices);
	const char *backend = devices_vfio_backend(r->params.devices);

	if (fd < 0 || !backend)
		control_answer(peer, "{\"ok\":true,\"container\":false}\n", -1);
	else
		control_answer(peer,
			str_eq(backend, "iommufd")
				? "{\"ok\":true,\"container\":true,\"iommufd\":true}\n"
				: "{\"ok\":true,\"container\":true,\"iommufd\":false}\n",
			fd);
}

/* For one more function of it: a group can be opened once only. */
static void group(struct requests *r, struct control_peer *peer, const struct message *m)
{
	const char *name = message_str(m, "name");
	int fd = name ? devices_group(r->params.devices, name) : -1;

	if (!name)
		misunderstood(peer, "group takes a name");
	else if (fd < 0)
		control_answer(peer, "{\"ok\":true,\"group\":false}\n", -1);
	else
		control_answer(peer, "{\"ok\":true,\"group\":true}\n", fd);
}

/* Which descriptors come along: the function's first. */
static bool are_right(const struct device_option *o, bool iommufd, const int *fds)
{
	if (o->beside)
		return !iommufd && fds[0] >= 0 && fds[1] < 0;
	return fds[0] >= 0 && (iommufd ? fds[2] < 0 : fds[1] >= 0);
}

static void attach(struct requests *r, struct control_peer *peer, const struct message *m, int *fds)
{
	const char *on_loss = message_str(m, "on_loss");
	struct device_option o = {
		.kind = DEVICE_VFIO,
		.fd = -1,
		.name = message_str(m, "name"),
		.beside = message_str(m, "beside"),
		.stop_on_loss = on_loss && str_eq(on_loss, "stop"),
	};
	autofree char *line = NULL;
	struct problem *why = NULL;
	bool iommufd = false, rom = false;
	unsigned slot;

	if (!o.name || strlen(o.name) > 32 || message_bool(m, "iommufd", false, &iommufd) < 0 ||
		message_bool(m, "rom", false, &rom) < 0 || !are_right(&o, iommufd, fds) ||
		(on_loss && !o.stop_on_loss && !str_eq(on_loss, "unplug"))) {
		misunderstood(peer, "attach takes a name, and descriptors of function and group, "
				    "or with iommufd or beside of the function");
		return;
	}
	o.rom = rom ? OPTION_ROM_DEVICE : OPTION_ROM_OFF;
	o.device = TAKE_FD(fds[0]);
	o.group = iommufd ? -1 : TAKE_FD(fds[1]);
	o.container = iommufd ? -1 : TAKE_FD(fds[2]);
	o.iommufd = iommufd ? TAKE_FD(fds[1]) : -1;
	if (devices_plug(r->params.devices, &o, &slot, &why) < 0) {
		fail(peer, why);
		return;
	}
	line = str_printf("{\"ok\":true,\"slot\":%u}\n", slot);
	control_answer(peer, line ? line : "{\"ok\":true}\n", -1);
}

static void detached(void *arg, int code, const char *what)
{
	struct problem *why = NULL;

	if (code == 0) {
		control_answer_ok(arg);
		return;
	}
	problem(&why, code, PROBLEM_TIMEOUT, "take it away from the guest with --force", "%s",
		what);
	fail(arg, why);
}

static void detach(struct requests *r, struct control_peer *peer, const struct message *m)
{
	const char *name = message_str(m, "name");
	struct problem *why = NULL;
	uint32_t wait_ms;
	bool force;

	if (!name || message_bool(m, "force", false, &force) < 0 ||
		message_u32(m, "wait_ms", force ? 0 : WAIT_MS, &wait_ms) < 0 ||
		wait_ms > WAIT_MS_MAX) {
		misunderstood(peer, "detach takes a name, force and wait_ms");
		return;
	}
	if (devices_unplug(r->params.devices, name, force, wait_ms, detached, peer, &why) < 0)
		fail(peer, why);
}

/* Of which device, of which queue, and one of what is to be set. */
static int set_one(struct requests *r, const struct message *m, size_t i, struct problem **reterr)
{
	const char *device = message_str(m, "device"), *key = m->pairs[i].key;
	uint32_t queue = UINT32_MAX;

	if (str_eq(key, "cmd") || str_eq(key, "device") || str_eq(key, "queue"))
		return 0;
	if (!device || !m->pairs[i].is_string || message_u32(m, "queue", UINT32_MAX, &queue) < 0 ||
		(queue > INT_MAX && queue != UINT32_MAX))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL,
			"set takes a device, a queue if need be, and texts");
	return devices_set(r->params.devices, device, queue == UINT32_MAX ? -1 : (int)queue, key,
		m->pairs[i].value, reterr);
}

/* In the order in which they were given; what comes after one that fails is not done. */
static void set(struct requests *r, struct control_peer *peer, const struct message *m)
{
	struct problem *why = NULL;
	int e = 0;

	for (size_t i = 0; i < m->n && e >= 0; i++)
		e = set_one(r, m, i, &why);
	if (e < 0)
		fail(peer, why);
	else
		control_answer_ok(peer);
}

static void on_request(void *arg, struct control_peer *peer, const struct message *m, int *fds)
{
	const char *cmd = message_str(m, "cmd");
	struct requests *r = arg;

	if (!cmd)
		misunderstood(peer, "what is wanted? \"cmd\" is missing");
	else if (str_eq(cmd, "status"))
		status(r, peer);
	else if (str_eq(cmd, "stats"))
		stats(r, peer);
	else if (str_eq(cmd, "explain"))
		explain(r, peer);
	else if (str_eq(cmd, "stop"))
		stop(r, peer, m);
	else if (str_eq(cmd, "container"))
		container(r, peer);
	else if (str_eq(cmd, "group"))
		group(r, peer, m);
	else if (str_eq(cmd, "attach"))
		attach(r, peer, m, fds);
	else if (str_eq(cmd, "detach"))
		detach(r, peer, m);
	else if (str_eq(cmd, "set"))
		set(r, peer, m);
	else
		misunderstood(peer, "there is no such command");
}

static void on_gone(void *arg, struct control_peer *peer)
{
	struct requests *r = arg;

	devices_forget(r->params.devices, peer);
}

int requests_new(const struct requests_params *params, struct requests **ret)
{
	struct requests *r = calloc(1, sizeof(*r));
	const struct control_fns fns = { on_request, on_gone, r };
	int e;

	if (!r)
		return -ENOMEM;
	r->params = *params;
	e = control_new(params->loop, params->socket, &fns, &r->control);
	if (e < 0) {
		free(r);
		return e;
	}
	*ret = r;
	return 0;
}

void requests_knows_nobody(struct requests *r)
{
	control_knows_nobody(r->control);
}

void requests_free(struct requests *r)
{
	if (!r)
		return;
	control_free(r->control);
	free(r);
}
