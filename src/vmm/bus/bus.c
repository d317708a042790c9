/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "bus.h"

#include "base/checked.h"
#include "base/counter.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

struct bus {
	const char *name;
	pthread_rwlock_t lock;	     /* the array, never held while a handler runs */
	struct bus_region **regions; /* sorted by start, not overlapping */
	size_t n, cap;
	atomic_uint_fast64_t unclaimed;
};

/* The handler that this thread is in, so that a device which removes itself is found out. */
static _Thread_local const struct bus_region *current_region;

int bus_new(const char *name, struct bus **ret)
{
	struct bus *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->name = name;
	pthread_rwlock_init(&b->lock, NULL);
	*ret = b;
	return 0;
}

void bus_free(struct bus *b)
{
	if (!b)
		return;
	pthread_rwlock_destroy(&b->lock);
	free(b->regions);
	free(b);
}

/* Index of the first region that starts above addr. */
static size_t upper_bound(const struct bus *b, uint64_t addr)
{
	size_t lo = 0, hi = b->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (b->regions[mid]->start <= addr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int insert(struct bus *b, struct bus_region *r)
{
	size_t at = upper_bound(b, r->start);

	if (at > 0 && ranges_overlap(b->regions[at - 1]->start, b->regions[at - 1]->size, r->start,
			      r->size))
		return -EEXIST;
	if (at < b->n &&
		ranges_overlap(b->regions[at]->start, b->regions[at]->size, r->start, r->size))
		return -EEXIST;
	if (b->n == b->cap) {
		size_t cap = b->cap ? b->cap * 2 : 16;
		void *p = reallocarray(b->regions, cap, sizeof(*b->regions));

		if (!p)
			return -ENOMEM;
		b->regions = p;
		b->cap = cap;
	}
	memmove(&b->regions[at + 1], &b->regions[at], (b->n - at) * sizeof(*b->regions));
	b->regions[at] = r;
	b->n++;
	return 0;
}

int bus_add(struct bus *b, struct bus_region *r)
{
	int ret;

	if (!r->size || r->start + (r->size - 1) < r->start)
		return -EINVAL;
	pthread_rwlock_wrlock(&b->lock);
	ret = insert(b, r);
	pthread_rwlock_unlock(&b->lock);
	return ret;
}

int bus_remove(struct bus *b, struct bus_region *r)
{
	unsigned mine = current_region == r ? 1 : 0;
	int ret = -ENOENT;

	pthread_rwlock_wrlock(&b->lock);
	for (size_t i = 0; i < b->n; i++) {
		if (b->regions[i] != r)
			continue;
		memmove(&b->regions[i], &b->regions[i + 1], (b->n - i - 1) * sizeof(*b->regions));
		b->n--;
		ret = 0;
		break;
	}
	pthread_rwlock_unlock(&b->lock);
	while (ret == 0 && atomic_load(&r->users) > mine)
		sched_yield();
	return ret;
}

/* The region that holds the whole access, its use counted; NULL if there is none. */
static struct bus_region *enter(struct bus *b, uint64_t addr, unsigned len)
{
	struct bus_region *r = NULL;
	size_t at;

	pthread_rwlock_rdlock(&b->lock);
	at = upper_bound(b, addr);
	if (at > 0 && range_fits(addr - b->regions[at - 1]->start, len, b->regions[at - 1]->size)) {
		r = b->regions[at - 1];
		atomic_fetch_add(&r->users, 1);
	}
	pthread_rwlock_unlock(&b->lock);
	if (!r)
		atomic_fetch_add_explicit(&b->unclaimed, 1, memory_order_relaxed);
	return r;
}

static void leave(struct bus_region *r)
{
	atomic_fetch_sub(&r->users, 1);
}

bool bus_read(struct bus *b, uint64_t addr, unsigned len, uint64_t *ret_value)
{
	const struct bus_region *outer = current_region;
	struct bus_region *r = enter(b, addr, len);

	*ret_value = bus_all_ones(len);
	if (!r)
		return false;
	current_region = r;
	COUNTED(atomic_fetch_add_explicit(&r->reads, 1, memory_order_relaxed));
	if (r->ops->read)
		*ret_value = r->ops->read(r->opaque, addr - r->start, len) & bus_all_ones(len);
	current_region = outer;
	leave(r);
	return true;
}

bool bus_write(struct bus *b, uint64_t addr, unsigned len, uint64_t value)
{
	const struct bus_region *outer = current_region;
	struct bus_region *r = enter(b, addr, len);

	if (!r)
		return false;
	current_region = r;
	COUNTED(atomic_fetch_add_explicit(&r->writes, 1, memory_order_relaxed));
	if (r->ops->write)
		r->ops->write(r->opaque, addr - r->start, len, value & bus_all_ones(len));
	current_region = outer;
	leave(r);
	return true;
}

uint64_t bus_unclaimed(const struct bus *b)
{
	return atomic_load_explicit(&b->unclaimed, memory_order_relaxed);
}

void bus_foreach(struct bus *b, void (*fn)(const struct bus_region *r, void *arg), void *arg)
{
	pthread_rwlock_rdlock(&b->lock);
	for (size_t i = 0; i < b->n; i++)
		fn(b->regions[i], arg);
	pthread_rwlock_unlock(&b->lock);
}
