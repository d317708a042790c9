// SPDX-License-Identifier: GPL-2.0-or-later
#include "record.h"

#include "calls.h"
#include "say.h"

#include "base/clock.h"
#include "base/str.h"
#include "host/witness.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>

enum { THREADS_MAX = 64 };

/* What a thread is about; depth 0: nothing, the entry is free. */
struct doing {
	pthread_t thread;
	unsigned depth;
	unsigned number;
	char of[NAME_BYTES];
};

struct recorder {
	struct host host;
	struct host *inner;
	struct record_params params;
	pthread_mutex_t lock; /* everything below */
	struct names names;
	struct doing doing[THREADS_MAX];
	unsigned begun;
	uint64_t written, start_us;
	bool ended;
};

static struct recorder *recorder_of(struct host *h)
{
	return container_of(h, struct recorder, host);
}

static struct recorder *lock(struct host *h)
{
	struct recorder *r = recorder_of(h);

	pthread_mutex_lock(&r->lock);
	return r;
}

static void unlock(struct recorder *r)
{
	pthread_mutex_unlock(&r->lock);
}

/* ---- Lines ---- */

static void give_up(struct recorder *r, const char *why)
{
	autofree char *text = str_printf("the record ends here: %s", why);

	r->ended = true;
	if (text && r->params.note)
		r->params.note(r->params.arg, text);
}

/* A whole line or none; who reads it knows where it ends. */
static void put(struct recorder *r, const char *line, size_t len)
{
	ssize_t n;

	do
		n = write(r->params.fd, line, len);
	while (n < 0 && errno == EINTR);
	if (n == (ssize_t)len)
		r->written += len;
	else
		give_up(r, n < 0 ? strerrordesc_np(errno) : "its file is full");
}

static void end_at_limit(struct recorder *r)
{
	char text[96];
	int n = snprintf(text, sizeof(text), "# the record ends here: %llu MiB are its limit\n",
		(unsigned long long)r->params.limit >> 20);

	put(r, text, (size_t)n);
	if (!r->ended)
		give_up(r, "it has reached its size limit");
}

static void put_line(struct recorder *r, struct strbuf *b)
{
	strbuf_add(b, "\n");
	if (r->ended)
		return;
	if (b->failed || r->names.failed)
		give_up(r, "out of memory");
	else if (r->written + b->len > r->params.limit)
		end_at_limit(r);
	else
		put(r, b->s, b->len);
}

/* ---- What for ---- */

static const struct doing idle;

static struct doing *find_doing(struct recorder *r)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (r->doing[i].depth && pthread_equal(r->doing[i].thread, pthread_self()))
			return &r->doing[i];
	return NULL;
}

static const struct doing *doing_now(struct recorder *r)
{
	const struct doing *d = find_doing(r);

	return d ? d : &idle;
}

static struct doing *new_doing(struct recorder *r)
{
	for (size_t i = 0; i < THREADS_MAX; i++)
		if (!r->doing[i].depth)
			return &r->doing[i];
	return NULL;
}

/* The second word names the function. */
static void start_doing(struct recorder *r, struct doing *d, const char *text)
{
	const char *of = strchr(text, ' ');
	uint64_t ms = (clock_us() - r->start_us) / 1000;
	autostrbuf b = { 0 };

	d->thread = pthread_self();
	d->number = ++r->begun;
	of = of ? of + 1 : "";
	snprintf(d->of, sizeof(d->of), "%.*s", (int)MIN(strcspn(of, " "), sizeof(d->of) - 1), of);
	strbuf_add(&b, "%u > @%llu.%03llu %s", d->number, (unsigned long long)ms / 1000,
		(unsigned long long)ms % 1000, text);
	put_line(r, &b);
}

static void begin(struct host *h, const char *text)
{
	struct recorder *r = lock(h);
	struct doing *d = find_doing(r);

	if (!d) {
		d = new_doing(r);
		if (d)
			start_doing(r, d, text);
	}
	if (d)
		d->depth++;
	unlock(r);
}

static void end(struct host *h, const char *result)
{
	struct recorder *r = lock(h);
	struct doing *d = find_doing(r);

	if (d && --d->depth == 0) {
		autostrbuf b = { 0 };

		strbuf_add(&b, "%u <%s%s", d->number, *result ? " " : "", result);
		put_line(r, &b);
	}
	unlock(r);
}

static const char *name(struct host *h, int fd, const char *kind)
{
	struct recorder *r = lock(h);
	const char *found = names_add_fd(&r->names, fd, kind);

	unlock(r);
	return found;
}

static const struct host_witness witness = { .begin = begin, .end = end, .name = name };

/* ---- Calls ---- */

static void head(struct recorder *r, struct strbuf *b)
{
	strbuf_add(b, "%u ", doing_now(r)->number);
}

/* That it begins, for what may never end. */
static void tell_slow(struct recorder *r, struct call *c)
{
	autostrbuf b = { 0 };

	if (!call_is_slow(c))
		return;
	strbuf_add(&b, "# ");
	call_say(c, &b);
	strbuf_add(&b, " ...");
	put_line(r, &b);
}

static int told_ioctl(struct recorder *r, struct call *c)
{
	autostrbuf b = { 0 };
	int code;

	head(r, &b);
	call_say(c, &b);
	tell_slow(r, c);
	unlock(r);
	code = host_ioctl(r->inner, c->fd, c->request, c->arg);
	lock(&r->host);
	strbuf_add(&b, " = ");
	call_say_answer(c, code, &b);
	put_line(r, &b);
	return code;
}

static int rec_ioctl(struct host *h, int fd, unsigned long request, void *arg)
{
	struct recorder *r = recorder_of(h);
	const struct doing *d;
	char of[NAME_BYTES];
	struct call c;
	bool told;
	int code;

	if (!call_matters(request))
		return host_ioctl(r->inner, fd, request, arg);
	lock(h);
	d = doing_now(r);
	memcpy(of, d->of, sizeof(of));
	call_note_routes(&r->names, request, arg);
	told = call_init(&c, &r->names, of, d->number, fd, request, arg);
	code = told ? told_ioctl(r, &c) : 0;
	unlock(r);
	return told ? code : host_ioctl(r->inner, fd, request, arg);
}

static bool is_named(struct recorder *r, int fd)
{
	bool yes;

	lock(&r->host);
	yes = names_fd(&r->names, fd);
	unlock(r);
	return yes;
}

static ssize_t rec_pread(struct host *h, int fd, void *buf, size_t len, uint64_t offset)
{
	struct recorder *r = recorder_of(h);
	ssize_t n = host_pread(r->inner, fd, buf, len, offset);
	autostrbuf b = { 0 };

	if (!is_named(r, fd))
		return n;
	lock(h);
	head(r, &b);
	say_read(&r->names, fd, offset, len, &b);
	strbuf_add(&b, " = ");
	if (n < 0)
		say_code(&b, n);
	else
		say_data(&b, buf, (size_t)n);
	put_line(r, &b);
	unlock(r);
	return n;
}

static ssize_t rec_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t offset)
{
	struct recorder *r = recorder_of(h);
	ssize_t n = host_pwrite(r->inner, fd, buf, len, offset);
	autostrbuf b = { 0 };

	if (!is_named(r, fd))
		return n;
	lock(h);
	head(r, &b);
	say_write(&r->names, fd, offset, buf, len, &b);
	strbuf_add(&b, " = ");
	say_code(&b, n);
	put_line(r, &b);
	unlock(r);
	return n;
}

static int rec_mmap(
	struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags, void **ret)
{
	struct recorder *r = recorder_of(h);
	int code = host_mmap(r->inner, fd, offset, len, prot, flags, ret);
	autostrbuf b = { 0 };

	if (fd < 0 || !is_named(r, fd))
		return code;
	lock(h);
	head(r, &b);
	say_map(&r->names, fd, offset, len, prot, &b);
	strbuf_add(&b, " = ");
	say_code(&b, code);
	if (code >= 0)
		names_mapped(&r->names, fd, offset, *ret, len);
	put_line(r, &b);
	unlock(r);
	return code;
}

static int rec_munmap(struct host *h, void *addr, size_t len)
{
	struct recorder *r = lock(h);
	const struct named_map *m = names_map_at(&r->names, addr);
	autostrbuf b = { 0 };
	int code;

	if (m) {
		head(r, &b);
		say_unmap(&r->names, m, &b);
	}
	names_unmapped(&r->names, addr);
	unlock(r);
	code = host_munmap(r->inner, addr, len);
	if (!b.len)
		return code;
	strbuf_add(&b, " = ");
	say_code(&b, code);
	lock(h);
	put_line(r, &b);
	unlock(r);
	return code;
}

static void rec_close(struct host *h, int fd)
{
	struct recorder *r = lock(h);
	autostrbuf b = { 0 };

	if (names_fd(&r->names, fd)) {
		head(r, &b);
		say_close(&r->names, fd, &b);
		strbuf_add(&b, " = 0");
		put_line(r, &b);
		names_drop_fd(&r->names, fd);
	}
	unlock(r);
	host_close(r->inner, fd);
}

/* ---- What is only passed on ---- */

static ssize_t rec_read_file(struct host *h, const char *path, void *buf, size_t size)
{
	struct host *inner = recorder_of(h)->inner;

	return inner->ops->read_file(inner, path, buf, size);
}

static int rec_read_link(struct host *h, const char *path, char *buf, size_t size)
{
	return host_read_link(recorder_of(h)->inner, path, buf, size);
}

static int rec_list_dir(struct host *h, const char *path, char ***ret_names)
{
	struct host *inner = recorder_of(h)->inner;

	return inner->ops->list_dir(inner, path, ret_names);
}

static int rec_stat(struct host *h, const char *path, struct stat *ret)
{
	struct host *inner = recorder_of(h)->inner;

	return inner->ops->stat(inner, path, ret);
}

static int rec_open(struct host *h, const char *path, int flags)
{
	return host_open(recorder_of(h)->inner, path, flags);
}

static uint64_t rec_now_ms(struct host *h)
{
	return host_now_ms(recorder_of(h)->inner);
}

static void rec_sleep_ms(struct host *h, unsigned ms)
{
	host_sleep_ms(recorder_of(h)->inner, ms);
}

static void rec_free(struct host *h)
{
	struct recorder *r = recorder_of(h);

	names_done(&r->names);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

/* The VMM's host knows descriptors only: of the rest there is what can be asked without harm. */
static const struct host_ops ops = {
	.free = rec_free,
	.read_file = rec_read_file,
	.read_link = rec_read_link,
	.list_dir = rec_list_dir,
	.stat = rec_stat,
	.open = rec_open,
	.close = rec_close,
	.ioctl = rec_ioctl,
	.pread = rec_pread,
	.pwrite = rec_pwrite,
	.mmap = rec_mmap,
	.munmap = rec_munmap,
	.now_ms = rec_now_ms,
	.sleep_ms = rec_sleep_ms,
};

static void put_about(struct recorder *r)
{
	autofree char *copy = strdup(r->params.about ? r->params.about : "");
	autostrbuf first = { 0 };
	char *save = NULL;

	strbuf_add(&first, "%s", RECORD_VERSION);
	put_line(r, &first);
	for (char *line = copy ? strtok_r(copy, "\n", &save) : NULL; line;
		line = strtok_r(NULL, "\n", &save)) {
		autostrbuf b = { 0 };

		strbuf_add(&b, "# %s", line);
		put_line(r, &b);
	}
}

int record_new(struct host *inner, const struct record_params *params, struct host **ret)
{
	struct recorder *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->host.ops = &ops;
	r->host.witness = &witness;
	r->inner = inner;
	r->params = *params;
	r->params.limit = params->limit ? params->limit : RECORD_LIMIT;
	r->start_us = clock_us();
	pthread_mutex_init(&r->lock, NULL);
	put_about(r);
	*ret = &r->host;
	return 0;
}
