// SPDX-License-Identifier: GPL-2.0-or-later
#include "slow.h"

#include "base/bdf.h"
#include "base/str.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

enum { LOCKS = 1 << 16 };

struct slow {
	struct host host, *fake, *live;
	struct slow_costs costs;
	const char *scratch;
	uint64_t begin_ms;	/* by the clock … */
	uint64_t fake_begin_ms; /* … and by the fake kernel's */
	atomic_uint writes;
	pthread_mutex_t kernel;	 /* the fake one knows no threads */
	pthread_mutex_t rtnl;	 /* link attributes, one at a time */
	pthread_mutex_t *device; /* by bus, device and function */
};

static struct slow *slow_of(struct host *h)
{
	return container_of(h, struct slow, host);
}

/* What should have happened by now happens; then the fake kernel is the caller's. */
static struct host *enter(struct host *h)
{
	struct slow *s = slow_of(h);
	uint64_t now, fake;

	pthread_mutex_lock(&s->kernel);
	now = host_now_ms(s->live) - s->begin_ms;
	fake = host_now_ms(s->fake) - s->fake_begin_ms;
	if (now > fake)
		host_sleep_ms(s->fake, (unsigned)(now - fake));
	return s->fake;
}

static void leave(struct host *h)
{
	pthread_mutex_unlock(&slow_of(h)->kernel);
}

#define INSIDE(type, h, call)                                                                      \
	struct host *fake = enter(h);                                                              \
	type result = fake->ops->call;                                                             \
	leave(h);                                                                                  \
	return result

static ssize_t slow_read_file(struct host *h, const char *path, void *buf, size_t size)
{
	INSIDE(ssize_t, h, read_file(fake, path, buf, size));
}

static int slow_read_files_within(struct host *h, char *const *paths, unsigned stall_ms,
	void (*got)(void *arg, size_t i, ssize_t n, const char *data), void *arg)
{
	INSIDE(int, h, read_files_within(fake, paths, stall_ms, got, arg));
}

static int slow_read_link(struct host *h, const char *path, char *buf, size_t size)
{
	INSIDE(int, h, read_link(fake, path, buf, size));
}

static int slow_list_dir(struct host *h, const char *path, char ***ret)
{
	INSIDE(int, h, list_dir(fake, path, ret));
}

static int slow_stat(struct host *h, const char *path, struct stat *ret)
{
	INSIDE(int, h, stat(fake, path, ret));
}

static int slow_link_get(struct host *h, int ifindex, struct host_link *ret)
{
	INSIDE(int, h, link_get(fake, ifindex, ret));
}

static int slow_link_vfs(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n)
{
	INSIDE(int, h, link_vfs(fake, ifindex, ret, ret_n));
}

static int slow_link_set_up(struct host *h, int ifindex, bool up)
{
	INSIDE(int, h, link_set_up(fake, ifindex, up));
}

static int slow_load_module(struct host *h, const char *name)
{
	INSIDE(int, h, load_module(fake, name));
}

static int slow_open(struct host *h, const char *path UNUSED, int flags UNUSED)
{
	return h ? -ENOENT : -EINVAL;
}

static void pass_us(unsigned us)
{
	struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static int slow_link_set_vf(struct host *h, int ifindex, const struct host_vf_change *change)
{
	struct slow *s = slow_of(h);
	struct host *fake;
	int r;

	atomic_fetch_add(&s->writes, 1);
	pthread_mutex_lock(&s->rtnl);
	pass_us(s->costs.netlink_us);
	fake = enter(h);
	r = fake->ops->link_set_vf(fake, ifindex, change);
	leave(h);
	pthread_mutex_unlock(&s->rtnl);
	return r;
}

/* Whose lock the kernel takes: the function's that is in the path or, for drivers, in the text. */
static pthread_mutex_t *lock_of(struct slow *s, const char *path, const char *text)
{
	autofree char *copy = strdup(path);
	struct bdf a = { 0 };
	char *save = NULL;

	for (char *part = strtok_r(copy, "/", &save); part; part = strtok_r(NULL, "/", &save))
		(void)bdf_parse(part, &a);
	(void)bdf_parse(text, &a);
	return &s->device[a.bus << 8 | (a.dev & 31U) << 3 | (a.fn & 7U)];
}

static unsigned cost_of(const struct slow *s, const char *path, const char *text)
{
	uint64_t n = 0;

	if (str_ends(path, "/sriov_numvfs"))
		return parse_u64(text, &n) == 0 ? (unsigned)n * s->costs.vf_us : 0;
	if (str_ends(path, "/bind") || str_ends(path, "/unbind"))
		return s->costs.bind_us;
	return s->costs.attribute_us;
}

/* `wait` NULL: a plain write. */
static int write_slowly(struct host *h, const char *path, const void *data, size_t len,
	const struct host_wait *wait)
{
	autofree char *text = strndup(data, len);
	struct slow *s = slow_of(h);
	pthread_mutex_t *lock = lock_of(s, path, str_trim(text));
	struct host *fake;
	int r;

	atomic_fetch_add(&s->writes, 1);
	pthread_mutex_lock(lock);
	r = wait ? s->live->ops->write_file_within(s->live, s->scratch, data, len, wait)
		 : s->live->ops->write_file(s->live, s->scratch, data, len);
	pass_us(cost_of(s, path, text));
	fake = enter(h);
	if (r == 0)
		r = fake->ops->write_file(fake, path, data, len);
	leave(h);
	pthread_mutex_unlock(lock);
	return r;
}

static int slow_write_file(struct host *h, const char *path, const void *data, size_t len)
{
	return write_slowly(h, path, data, len, NULL);
}

static int slow_write_file_within(struct host *h, const char *path, const void *data, size_t len,
	const struct host_wait *wait)
{
	return write_slowly(h, path, data, len, wait);
}

static uint64_t slow_now_ms(struct host *h)
{
	return host_now_ms(slow_of(h)->live);
}

static void slow_sleep_ms(struct host *h UNUSED, unsigned ms)
{
	pass_us(ms * 1000);
}

static void slow_free(struct host *h)
{
	struct slow *s = slow_of(h);

	host_free(s->fake);
	host_free(s->live);
	free(s->device);
	free(s);
}

static const struct host_ops slow_ops = {
	.free = slow_free,
	.read_file = slow_read_file,
	.write_file = slow_write_file,
	.write_file_within = slow_write_file_within,
	.read_files_within = slow_read_files_within,
	.read_link = slow_read_link,
	.list_dir = slow_list_dir,
	.stat = slow_stat,
	.open = slow_open,
	.link_get = slow_link_get,
	.link_set_up = slow_link_set_up,
	.link_vfs = slow_link_vfs,
	.link_set_vf = slow_link_set_vf,
	.load_module = slow_load_module,
	.now_ms = slow_now_ms,
	.sleep_ms = slow_sleep_ms,
};

struct host *slow_kernel_new(struct host *fake, const struct slow_costs *costs, const char *scratch)
{
	struct slow *s = calloc(1, sizeof(*s));

	if (!s || host_new_live(&s->live, NULL) < 0)
		abort();
	s->host.ops = &slow_ops;
	s->fake = fake;
	s->costs = *costs;
	s->scratch = scratch;
	s->device = calloc(LOCKS, sizeof(*s->device));
	if (!s->device)
		abort();
	for (size_t i = 0; i < LOCKS; i++)
		pthread_mutex_init(&s->device[i], NULL);
	pthread_mutex_init(&s->kernel, NULL);
	pthread_mutex_init(&s->rtnl, NULL);
	s->begin_ms = host_now_ms(s->live);
	s->fake_begin_ms = host_now_ms(fake);
	return &s->host;
}

unsigned slow_writes(struct host *h)
{
	return atomic_load(&slow_of(h)->writes);
}
