// SPDX-License-Identifier: GPL-2.0-or-later
/* What --disk is understood as. */
#include "disk.h"
#include "vhost.h"

#include "base/str.h"

#include <string.h>

#define HINT                                                                                       \
	"--disk FILE[,ro][,cache=none|host][,model=virtio|ide][,engine=ENGINE][,signals=auto|ring|write][,queues=N][,serial=TEXT]"

enum { QUEUES_MAX = 8, SERIAL_MAX = 20 };

void launch_disk_done(struct launch_disk *d)
{
	free(d->path);
	free(d->serial);
	*d = (struct launch_disk) { 0 };
}

/* "…: why" or NULL. */
typedef const char *set_fn(struct launch_disk *d, const char *value);

static const char *set_read_only(struct launch_disk *d, const char *v UNUSED)
{
	d->read_only = true;
	return NULL;
}

static const char *set_cache(struct launch_disk *d, const char *v)
{
	d->direct = str_eq(v, "none");
	return d->direct || str_eq(v, "host") ? NULL : "cache= is none or host";
}

static const char *set_engine(struct launch_disk *d, const char *v)
{
	static const char *const engines[] = { "auto", "uring", "uring-sqpoll", "threads", "sync" };

	for (size_t i = 0; i < ARRAY_SIZE(engines); i++)
		if (str_eq(v, engines[i])) {
			d->engine = engines[i];
			return NULL;
		}
	return "engine= is auto, uring, uring-sqpoll, threads or sync";
}

static const char *set_signals(struct launch_disk *d, const char *v)
{
	static const char *const all[] = { "auto", "ring", "write" };

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		if (str_eq(v, all[i])) {
			d->signals = all[i];
			return NULL;
		}
	return "signals= is auto, ring or write";
}

static const char *set_model(struct launch_disk *d, const char *v)
{
	d->model = str_eq(v, "ide") ? "ide" : NULL;
	return d->model || str_eq(v, "virtio") ? NULL : "model= is virtio or ide";
}

static const char *set_queues(struct launch_disk *d, const char *v)
{
	return parse_u32(v, &d->queues) < 0 || d->queues < 1 || d->queues > QUEUES_MAX
		       ? "queues= is a number from 1 to 8"
		       : NULL;
}

/* It goes into a command line that is cut at commas. */
static const char *set_serial(struct launch_disk *d, const char *v)
{
	size_t n = strlen(v);

	for (size_t i = 0; i < n; i++)
		if (v[i] <= ' ' || v[i] > '~')
			n = 0;
	if (n < 1 || n > SERIAL_MAX)
		return "serial= has 1 to 20 characters, without spaces";
	free(d->serial);
	d->serial = strdup(v);
	return d->serial ? NULL : "out of memory";
}

static const struct {
	const char *key;
	bool bare;
	set_fn *set;
} keys[] = {
	{ "ro", true, set_read_only },
	{ "cache", false, set_cache },
	{ "engine", false, set_engine },
	{ "signals", false, set_signals },
	{ "model", false, set_model },
	{ "queues", false, set_queues },
	{ "serial", false, set_serial },
};

/* Is it a key, and not a part of the name? Then it is set; *ret_why: what is wrong with it, or
 * NULL. */
static bool set_key(struct launch_disk *d, char *word, const char **ret_why)
{
	char *equals = strchr(word, '=');
	size_t n = strcspn(word, "=");
	bool known;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strlen(keys[i].key) == n && !strncmp(keys[i].key, word, n) &&
			keys[i].bare == !equals) {
			*ret_why = keys[i].set(d, equals ? equals + 1 : NULL);
			return true;
		}
	if (!equals)
		return false;
	*equals = '\0';
	known = launch_serve_set(&d->serve, word, equals + 1, ret_why);
	*equals = '=';
	return known;
}

/* From the end on, as a name may hold commas, and what looks like a key before one that is none. */
static const char *take_keys(struct launch_disk *d, char *spec)
{
	const char *why = NULL;
	char *comma;

	while (!why && (comma = strrchr(spec, ',')) && set_key(d, comma + 1, &why))
		*comma = '\0';
	return why;
}

int launch_parse_disk(struct launch_disk *d, const char *spec, const char *option, const char *text,
	struct problem **reterr)
{
	autofree char *copy = strdup(spec);
	const char *why = copy ? take_keys(d, copy) : NULL;

	if (copy && !why && !*copy)
		why = "no file is named";
	if (copy && !why && d->model &&
		(d->engine || d->signals || d->queues || launch_serve_is_set(&d->serve)))
		why = "engine=, signals=, queues=, and who works how on its queues, are of virtio";
	if (why)
		return problem(
			reterr, -EINVAL, PROBLEM_USAGE, HINT, "%s %s: %s", option, text, why);
	d->path = TAKE_PTR(copy);
	return d->path ? 0 : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
}

int launch_add_disk(struct launch_request *r, const char *text, struct problem **reterr)
{
	struct launch_disk *v;

	if (launch_is_vhost_user(text))
		return launch_add_vhost_user(r, true, text, reterr);
	v = reallocarray(r->disks, r->n_disks + 1, sizeof(*v));
	if (!v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r->disks = v;
	v[r->n_disks] = (struct launch_disk) { 0 };
	return launch_parse_disk(&v[r->n_disks++], text, "--disk", text, reterr);
}

char *launch_disk_text(const struct launch_disk *d)
{
	autostrbuf b = { 0 };
	char serve[LAUNCH_SERVE_TEXT];

	launch_serve_text(&d->serve, serve);
	strbuf_add(&b, "%s%s", d->read_only ? ",ro" : "", serve);
	if (d->serial)
		strbuf_add(&b, ",serial=%s", d->serial);
	if (d->model)
		strbuf_add(&b, ",model=%s", d->model);
	if (d->engine)
		strbuf_add(&b, ",engine=%s", d->engine);
	if (d->signals)
		strbuf_add(&b, ",signals=%s", d->signals);
	if (d->queues)
		strbuf_add(&b, ",queues=%u", d->queues);
	return strbuf_take(&b);
}
