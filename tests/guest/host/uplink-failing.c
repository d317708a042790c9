// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * uplink-failing [PORT@]KIND:NAME[,QUEUES]…: opens the uplink, or has PORT become a port of it, on
 * this machine again and again; the first, the second, … call of the kernel fails, in four ways,
 * until none does. After each try there is nothing of ours left: no interface, no descriptor, and
 * what is below is up or down as it was.
 */
#include "base/str.h"
#include "host/host.h"
#include "uplink/uplink.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The live machine, but for one call. */
static struct {
	struct host host, *live;
	unsigned calls, fail_at; /* 0: none */
	int code;
	const char *failed;
} f;

static bool fails(const char *what)
{
	if (++f.calls != f.fail_at)
		return false;
	f.failed = what;
	return true;
}

#define OPERATION(ret, name, declared, ...)                                                        \
	static ret do_##name declared                                                              \
	{                                                                                          \
		(void)h;                                                                           \
		return fails(#name) ? f.code : f.live->ops->name(f.live, __VA_ARGS__);             \
	}

OPERATION(ssize_t, read_file, (struct host * h, const char *path, void *buf, size_t size), path,
	buf, size)
OPERATION(int, read_link, (struct host * h, const char *path, char *buf, size_t size), path, buf,
	size)
OPERATION(int, list_dir, (struct host * h, const char *path, char ***ret), path, ret)
OPERATION(int, stat, (struct host * h, const char *path, struct stat *ret), path, ret)
OPERATION(int, open, (struct host * h, const char *path, int flags), path, flags)
OPERATION(int, ioctl, (struct host * h, int fd, unsigned long request, void *arg), fd, request, arg)
OPERATION(int, link_get, (struct host * h, int ifindex, struct host_link *ret), ifindex, ret)
OPERATION(int, link_index, (struct host * h, const char *name, int *ret), name, ret)
OPERATION(int, link_set_up, (struct host * h, int ifindex, bool up), ifindex, up)
OPERATION(
	int, link_set, (struct host * h, int ifindex, const struct host_link_change *c), ifindex, c)
OPERATION(int, link_add_macvtap, (struct host * h, const struct host_macvtap *what, int *ret), what,
	ret)
OPERATION(int, link_remove, (struct host * h, int ifindex), ifindex)
OPERATION(int, run, (struct host * h, char *const *argv, unsigned ms, char *out, size_t size), argv,
	ms, out, size)

static void do_close(struct host *h UNUSED, int fd)
{
	f.live->ops->close(f.live, fd);
}

static uint64_t do_now(struct host *h UNUSED)
{
	return f.live->ops->now_ms(f.live);
}

static void do_sleep(struct host *h UNUSED, unsigned ms)
{
	f.live->ops->sleep_ms(f.live, ms);
}

/* What an uplink has no business with is not there. */
static const struct host_ops ops = {
	.read_file = do_read_file,
	.read_link = do_read_link,
	.list_dir = do_list_dir,
	.stat = do_stat,
	.open = do_open,
	.close = do_close,
	.ioctl = do_ioctl,
	.link_get = do_link_get,
	.link_index = do_link_index,
	.link_set_up = do_link_set_up,
	.link_set = do_link_set,
	.link_add_macvtap = do_link_add_macvtap,
	.link_remove = do_link_remove,
	.run = do_run,
	.now_ms = do_now,
	.sleep_ms = do_sleep,
};

static void PRINTF(1, 2) __attribute__((noreturn)) die(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	printf("not ok: call %u (%s) failed with %s: ", f.fail_at, f.failed ? f.failed : "none",
		strerror(-f.code));
	vprintf(format, ap);
	va_end(ap);
	puts("");
	exit(1);
}

/* ---- What is there ---- */

/* Entries of the folder that begin so. */
static unsigned count(const char *folder, const char *prefix)
{
	DIR *d = opendir(folder);
	unsigned n = 0;

	if (!d)
		die("%s: %s", folder, strerror(errno));
	for (const struct dirent *e; (e = readdir(d));)
		n += str_starts(e->d_name, prefix);
	closedir(d);
	return n;
}

struct state {
	unsigned ours, fds, flags;
};

static struct state look(const char *name)
{
	struct state s = { count("/sys/class/net", "vft-"), count("/proc/self/fd", ""), 0 };
	autofree char *path = str_printf("/sys/class/net/%s/flags", name);
	FILE *flags = path ? fopen(path, "re") : NULL;

	if (flags && fscanf(flags, "%x", &s.flags) != 1)
		die("%s cannot be read", path);
	if (flags)
		fclose(flags);
	return s;
}

static void compare(const char *name, const struct state *before)
{
	struct state now = look(name);

	if (now.ours)
		die("an interface is left");
	if (now.fds != before->fds)
		die("%u descriptors, there were %u", now.fds, before->fds);
	if (now.flags != before->flags)
		die("%s has flags %#x, it had %#x", name, now.flags, before->flags);
}

/* ---- Opening it ---- */

/* Not NULL: not opened, but this joins it, as a VF's representor does. */
static const char *joins;

static bool is_port(const struct uplink_wish *w)
{
	autofree char *where = str_printf(
		w->kind == UPLINK_BRIDGE ? "/sys/class/net/%s/brport"
					 : "ovs-vsctl --timeout=10 port-to-br %s >/dev/null 2>&1",
		joins);

	/* NOLINTNEXTLINE(cert-env33-c): the test's own words */
	return where && (w->kind == UPLINK_BRIDGE ? access(where, F_OK) : system(where)) == 0;
}

/* True: nothing had to fail. */
static bool once(const struct uplink_wish *w)
{
	const char *below = joins ? joins : w->name;
	struct state before = look(below);
	bool was_port = joins && is_port(w);
	struct problem *why = NULL;
	struct uplink *u = NULL;
	int r;

	f.calls = 0;
	f.failed = NULL;
	r = joins ? uplink_join(&f.host, w, joins, &u, &why) : uplink_open(&f.host, w, &u, &why);
	if (r < 0 && (!f.failed || !why || u))
		die("%s", why ? why->what : "refused without a word");
	if (r == 0 && ((joins ? !is_port(w) : u->n != (w->queues ? w->queues : 1)) || why))
		die("it is not whole");
	f.fail_at = f.failed ? f.fail_at : 0;
	uplink_free(u);
	compare(below, &before);
	if (joins && is_port(w) != was_port)
		die("%s is %s port", joins, was_port ? "no longer a" : "still a");
	problem_free(why);
	return !f.failed;
}

static void each(const struct uplink_wish *w, int code)
{
	unsigned n = 1;

	for (f.code = code;; n++) {
		f.fail_at = n;
		if (once(w))
			break;
	}
	if (n < (joins ? 4 : 5))
		die("only %u calls", n);
	printf("ok %s:%s %u calls, %s\n", uplink_kind_name(w->kind), w->name, n - 1,
		strerror(-code));
}

static void parse(char *text, struct uplink_wish *ret)
{
	char *name, *queues = strchr(text, ','), *at = strchr(text, '@');

	joins = at ? text : NULL;
	if (at)
		*at++ = '\0';
	text = at ? at : text;
	name = strchr(text, ':');

	if (!name)
		exit(2);
	*name++ = '\0';
	if (queues) {
		*queues++ = '\0';
		ret->queues = (unsigned)strtoul(queues, NULL, 10);
	}
	ret->name = name;
	if (uplink_kind_parse(text, &ret->kind) < 0)
		exit(2);
}

int main(int argc, char **argv)
{
	static const int codes[] = { -EIO, -ENOMEM, -EPERM, -EBUSY };

	f.host.ops = &ops;
	if (argc < 2 || host_new_live(&f.live, NULL) < 0)
		return 2;
	for (int i = 1; i < argc; i++) {
		struct uplink_wish w = { 0 };

		parse(argv[i], &w);
		for (size_t c = 0; c < ARRAY_SIZE(codes); c++)
			each(&w, codes[c]);
	}
	host_free(f.live);
	return 0;
}
