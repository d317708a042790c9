// SPDX-License-Identifier: GPL-2.0-or-later
#include "player.h"

#include "base/str.h"
#include "host/witness.h"
#include "vmm/trace/calls.h"
#include "vmm/trace/say.h"

#include <linux/kvm.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

enum { AHEAD_MAX = 256 }; /* things of other threads that a thing may be behind */

static struct player *player_of(struct host *h)
{
	return container_of(h, struct player, host);
}

void player_fail(struct player *p, unsigned line, const char *fmt, ...)
{
	va_list ap;

	if (p->failed)
		return;
	p->failed = true;
	p->end->line = line;
	va_start(ap, fmt);
	vsnprintf(p->end->what, sizeof(p->end->what), fmt, ap);
	va_end(ap);
}

static void diverge(struct player *p, unsigned line, const char *expected, const char *got)
{
	player_fail(p, line, "it goes another way\n  expected: %.250s\n  got:      %.250s",
		expected, got);
}

/* ---- Things ---- */

const struct trace_line *player_next(struct player *p)
{
	while (p->next < p->trace->n_things && p->played[p->next])
		p->next++;
	return p->next < p->trace->n_things ? &p->trace->v[p->trace->things[p->next]] : NULL;
}

void player_skip(struct player *p)
{
	if (player_next(p))
		p->played[p->next] = true;
}

const char *player_result(const struct player *p, const struct trace_line *begin)
{
	const struct trace_line *l = begin;

	while (l->next)
		l = &p->trace->v[l->next];
	return l->kind == LINE_END ? l->text : NULL;
}

/* Of two threads the one that was first to begin may be the last to be played. */
static bool find_thing(struct player *p, const char *text)
{
	for (size_t i = p->next; i < p->trace->n_things && i < p->next + AHEAD_MAX; i++) {
		size_t at = p->trace->things[i];

		if (p->played[i] || !str_eq(p->trace->v[at].text, text))
			continue;
		p->played[i] = true;
		p->thing = i + 1;
		p->at = at;
		return true;
	}
	return false;
}

static void begin(struct host *h, const char *text)
{
	struct player *p = player_of(h);
	const struct trace_line *next = player_next(p);

	if (p->depth++ || p->failed)
		return;
	if (find_thing(p, text))
		p->end->things++;
	else if (next)
		diverge(p, next->number, next->text, text);
	else
		player_fail(p, 0, "the trace ends, and more happens: %s", text);
}

static const struct trace_line *peek(const struct player *p)
{
	size_t next = p->thing ? p->trace->v[p->at].next : 0;

	return next ? &p->trace->v[next] : NULL;
}

/* Places are the guest's, and not to be compared: the player makes them what they were. */
static bool is_same(const char *then, const char *now)
{
	bool failed = str_eq(then, "failed");

	if (failed || str_eq(now, "failed"))
		return str_eq(then, now);
	return !str_starts(then, "0x") || !*now || str_eq(then, now);
}

static void end(struct host *h, const char *result)
{
	struct player *p = player_of(h);
	const struct trace_line *l = peek(p);

	if (--p->depth)
		return;
	if (!p->failed && l && l->kind == LINE_CALL)
		diverge(p, l->number, l->text, "nothing more is asked");
	if (!p->failed && l && !is_same(l->text, result))
		diverge(p, l->number, l->text, result);
	p->thing = 0;
}

static const char *name(struct host *h, int fd, const char *kind)
{
	return names_add_fd(&player_of(h)->names, fd, kind);
}

static const struct host_witness witness = { .begin = begin, .end = end, .name = name };

/* ---- Calls ---- */

/* The line that has the answer; NULL: there is none, or it is another call's. */
static const struct trace_line *ask(struct player *p, const struct strbuf *b)
{
	const struct trace_line *l = peek(p);

	if (p->failed)
		return NULL;
	if (b->failed) {
		player_fail(p, 0, "out of memory");
	} else if (!p->thing) {
		player_fail(p, 0, "outside of everything that is told: %s", b->s);
	} else if (!l) {
		player_fail(p, p->trace->v[p->at].number,
			"the trace ends here, in the midst of something; next would be: %s", b->s);
	} else if (l->kind == LINE_END) {
		diverge(p, l->number, "nothing more is asked", b->s);
	} else if (!str_eq(l->text, b->s)) {
		diverge(p, l->number, l->text, b->s);
	} else {
		p->at = (size_t)(l - p->trace->v);
		p->end->calls++;
		return l;
	}
	return NULL;
}

static int nonsense(struct player *p, const struct trace_line *l)
{
	player_fail(p, l->number, "the answer makes no sense: %.200s", l->answer);
	return -EIO;
}

static int take_code(struct player *p, const struct trace_line *l, long *ret)
{
	const char *rest;

	return parse_code(l->answer, &rest, ret) < 0 || *rest ? nonsense(p, l) : 0;
}

static bool is_kvms(unsigned long request)
{
	return _IOC_TYPE(request) == KVMIO;
}

/* What KVM did then, the fake one does as well; its books are what the checker looks into. */
static int ask_kvm(struct player *p, const struct call *c, const struct trace_line *l, int then)
{
	int r = then < 0 ? 0 : host_ioctl(p->kvm, c->fd, c->request, c->arg);

	if (then >= 0 && r < 0 && c->request != KVM_SET_DEVICE_ATTR)
		player_fail(p, l->number, "KVM took that then, and does not now: %s", strerror(-r));
	return then;
}

static int play_ioctl(struct player *p, struct call *c)
{
	const struct trace_line *l;
	autostrbuf b = { 0 };
	int made = -1, r = -EIO;

	call_say(c, &b);
	l = ask(p, &b);
	if (!l)
		return -EIO;
	if (c->request == KVM_CREATE_DEVICE && *l->answer != '-') {
		if (host_ioctl(p->kvm, c->fd, c->request, c->arg) == 0)
			made = (int)((struct kvm_create_device *)c->arg)->fd;
		if (made < 0)
			return nonsense(p, l);
	}
	if (call_take_answer(c, l->answer, made, &r) < 0)
		return nonsense(p, l);
	return is_kvms(c->request) && made < 0 ? ask_kvm(p, c, l, r) : r;
}

/* What is taken apart after a failure: KVM's books are kept, nobody else is asked. */
static int quiet_ioctl(struct player *p, int fd, unsigned long request, void *arg)
{
	return is_kvms(request) ? host_ioctl(p->kvm, fd, request, arg) : -EIO;
}

static int play_ioctl_of(struct host *h, int fd, unsigned long request, void *arg)
{
	struct player *p = player_of(h);
	size_t at = p->thing ? p->trace->things[p->thing - 1] : 0;
	char of[NAME_BYTES] = "";
	struct call c;

	if (p->failed)
		return quiet_ioctl(p, fd, request, arg);
	if (p->thing)
		sscanf(p->trace->v[at].text, "%*s %47s", of);
	call_note_routes(&p->names, request, arg);
	if (!call_matters(request) || !call_init(&c, &p->names, of, p->thing, fd, request, arg))
		return host_ioctl(p->kvm, fd, request, arg);
	return play_ioctl(p, &c);
}

static ssize_t play_pread(struct host *h, int fd, void *buf, size_t len, uint64_t offset)
{
	struct player *p = player_of(h);
	const struct trace_line *l;
	autostrbuf b = { 0 };
	ssize_t n;
	long code;

	say_read(&p->names, fd, offset, len, &b);
	l = ask(p, &b);
	if (!l)
		return -EIO;
	if (*l->answer == '-')
		return take_code(p, l, &code) < 0 ? -EIO : code;
	n = parse_data(l->answer, buf, len);
	return n < 0 ? nonsense(p, l) : n;
}

static ssize_t play_pwrite(struct host *h, int fd, const void *buf, size_t len, uint64_t offset)
{
	struct player *p = player_of(h);
	const struct trace_line *l;
	autostrbuf b = { 0 };
	long code;

	say_write(&p->names, fd, offset, buf, len, &b);
	l = ask(p, &b);
	return !l || take_code(p, l, &code) < 0 ? -EIO : code;
}

static int play_mmap(
	struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags, void **ret)
{
	struct player *p = player_of(h);
	const struct trace_line *l;
	autostrbuf b = { 0 };
	long code;
	void *at;

	if (fd < 0)
		return host_mmap(p->kvm, fd, offset, len, prot, flags, ret);
	say_map(&p->names, fd, offset, len, prot, &b);
	l = ask(p, &b);
	if (!l || take_code(p, l, &code) < 0)
		return -EIO;
	if (code < 0)
		return (int)code;
	at = mmap(flags & MAP_FIXED_NOREPLACE ? *ret : NULL, len, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (flags & MAP_FIXED_NOREPLACE), -1, 0);
	if (at == MAP_FAILED) {
		player_fail(p, l->number, "no room for a mapping of %zu bytes", len);
		return -ENOMEM;
	}
	names_mapped(&p->names, fd, offset, at, len);
	*ret = at;
	return 0;
}

static int play_munmap(struct host *h, void *addr, size_t len)
{
	struct player *p = player_of(h);
	const struct named_map *m = names_map_at(&p->names, addr);
	autostrbuf b = { 0 };

	if (m && !p->failed) {
		say_unmap(&p->names, m, &b);
		ask(p, &b);
	}
	names_unmapped(&p->names, addr);
	return munmap(addr, len) < 0 ? -errno : 0;
}

static void play_close(struct host *h, int fd)
{
	struct player *p = player_of(h);
	autostrbuf b = { 0 };

	if (names_fd(&p->names, fd)) {
		if (!p->failed) {
			say_close(&p->names, fd, &b);
			ask(p, &b);
		}
		names_drop_fd(&p->names, fd);
	}
	host_close(p->kvm, fd);
}

static ssize_t no_file(
	struct host *h UNUSED, const char *path UNUSED, void *buf UNUSED, size_t size UNUSED)
{
	return -EACCES;
}

static const struct host_ops ops = {
	.read_file = no_file,
	.close = play_close,
	.ioctl = play_ioctl_of,
	.pread = play_pread,
	.pwrite = play_pwrite,
	.mmap = play_mmap,
	.munmap = play_munmap,
};

int player_init(struct player *p, const struct trace *t, struct host *kvm, struct replay_end *end_)
{
	*p = (struct player) { .kvm = kvm, .trace = t, .end = end_ };
	p->host.ops = &ops;
	p->host.witness = &witness;
	p->played = calloc(t->n_things + 1, sizeof(*p->played));
	return p->played ? 0 : -ENOMEM;
}

void player_done(struct player *p)
{
	names_done(&p->names);
	free(p->played);
}
