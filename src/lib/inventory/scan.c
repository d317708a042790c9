// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Few system calls: this runs for every function of the machine, and there are machines with ten
 * thousand. In the order of addresses a PF comes before its VFs, so that a VF is known by its PF's
 * link and need not be asked what it is. "uevent" would tell driver and identity in one read, but
 * some kernels take the device lock for it (6.10, and stable ones of that summer).
 */
#include "scan.h"

#include "base/str.h"
#include "host/sysfs.h"
#include "iommu/group.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>

/* Threads take runs of functions, of a size that does not depend on how many threads there are. */
enum { RUN = 256, PARALLEL_FROM = 4 * RUN, THREADS_MAX = 8 };

/* What a PF's link says. */
struct claim {
	struct bdf pf, vf;
	unsigned index;
};

struct claims {
	struct claim *v;
	size_t n, room;
};

/* Shared by all threads; an element of v is touched by the one that scans it. */
struct scan {
	struct host *h;
	struct function *v;
	size_t n;
	bool *gone;
	atomic_size_t next; /* of the runs */
	atomic_int failed;
};

/* One thread's. */
struct worker {
	struct scan *s;
	struct folder at;
	struct claims claims;
	size_t begin, end; /* of its run */
	bool claimed[RUN]; /* by a PF of the run */
	pthread_t thread;
};

static void scan_done(struct scan *s)
{
	free(s->gone);
}

static int by_address(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return bdf_cmp(x->bdf, y->bdf);
}

struct addresses {
	struct bdf *v;
	size_t n, room;
};

static void addresses_done(struct addresses *l)
{
	free(l->v);
}

static int add_address(void *list, const char *name)
{
	struct addresses *l = list;
	struct bdf a;

	if (bdf_parse(name, &a) < 0)
		return 0;
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 256;
		struct bdf *more = reallocarray(l->v, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->v = more;
		l->room = room;
	}
	l->v[l->n++] = a;
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct bdf *x = a, *y = b;

	return bdf_cmp(*x, *y);
}

/* Empty, but for addresses; sorted, each once ("0000:00:1f.0" can be written in other ways). */
int scan_addresses(struct host *h, struct inventory *inv)
{
	CLEANUP(addresses_done) struct addresses l = { 0 };
	struct function *v;
	autofolder all;
	int r;

	folder_init(&all, h);
	r = sysfs_enter(&all, "bus/pci/devices");
	if (r == 0)
		r = folder_each(&all, add_address, &l);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	inv->functions = v = calloc(l.n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), compare);
	for (size_t i = 0; i < l.n; i++) {
		if (i && bdf_eq(l.v[i - 1], l.v[i]))
			continue;
		v[inv->n_functions].bdf = l.v[i];
		bdf_format(l.v[i], v[inv->n_functions++].address);
	}
	return 0;
}

static size_t find(const struct scan *s, struct bdf a)
{
	struct function key = { .bdf = a };
	const struct function *f = bsearch(&key, s->v, s->n, sizeof(*s->v), by_address);

	return f ? (size_t)(f - s->v) : SIZE_MAX;
}

static int read_driver(struct folder *at, char **ret)
{
	char name[NAME_MAX + 1];

	if (folder_link_name(at, "driver", name, sizeof(name)) < 0)
		return 0;
	*ret = str_printable(name); /* no kernel has one for which that makes a difference */
	return *ret ? 0 : -ENOMEM;
}

static int read_numa_node(struct folder *at)
{
	char text[32];
	uint64_t node;

	/* "-1" where the firmware says nothing, and that is no number for us. */
	if (folder_read_text(at, "numa_node", text, sizeof(text)) < 0 ||
		parse_u64(str_trim(text), &node) < 0 || node > INT_MAX)
		return -1;
	return (int)node;
}

/* -ENOENT: it has gone meanwhile. */
static int read_identity(struct worker *w, struct function *f)
{
	int r = identity_read_in(&w->at, &f->id);

	if (r == -ENOMEM ||
		(r == -ENOENT && !sysfs_exists(w->s->h, "bus/pci/devices/%s", f->address)))
		return r;
	f->id_unknown = r < 0;
	f->class_word = r < 0 ? "other" : class_word(f->id.class_code);
	return 0;
}

static int add_claim(struct claims *c, struct claim one)
{
	if (c->n == c->room) {
		size_t room = c->room ? c->room * 2 : 64;
		struct claim *more = reallocarray(c->v, room, sizeof(*more));

		if (!more)
			return -ENOMEM;
		c->v = more;
		c->room = room;
	}
	c->v[c->n++] = one;
	return 0;
}

static int claim_vfs(struct worker *w, struct function *pf)
{
	autofree struct sriov_vf *vfs = NULL;
	size_t n;
	int r = sriov_vfs_in(&w->at, &vfs, &n);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	pf->sriov.num_vfs = (unsigned)n;
	for (size_t i = 0; r == 0 && i < n; i++) {
		size_t vf = find(w->s, vfs[i].bdf);

		if (vf >= w->begin && vf < w->end)
			w->claimed[vf - w->begin] = true;
		r = add_claim(&w->claims, (struct claim) { pf->bdf, vfs[i].bdf, vfs[i].index });
	}
	return r;
}

static int read_kind(struct worker *w, size_t i)
{
	struct function *f = &w->s->v[i];
	struct bdf pf;

	if (w->claimed[i - w->begin] || sriov_physfn_in(&w->at, &pf) == 0) {
		f->kind = FUNCTION_VF;
		return 0;
	}
	if (sriov_total_vfs_in(&w->at, &f->sriov.total_vfs) < 0)
		return 0;
	f->kind = FUNCTION_PF;
	return claim_vfs(w, f);
}

static int read_function(struct worker *w, size_t i)
{
	struct function *f = &w->s->v[i];
	int r;

	f->vf_index = -1;
	f->sriov = (struct sriov_facts) {
		.offset = -1,
		.stride = -1,
		.vf_device = -1,
		.drivers_autoprobe = -1,
		.vf_total_msix = -1,
	};
	/* What is there and cannot be entered is shown, with nothing known about it. */
	r = sysfs_enter(&w->at, "bus/pci/devices/%s", f->address);
	if (r == -ENOENT || r == -ENOMEM)
		return r;
	r = read_identity(w, f);
	if (r == 0)
		r = read_driver(&w->at, &f->driver);
	if (r < 0)
		return r;
	f->iommu_group = MAX(iommu_group_of_in(&w->at), -1);
	f->numa_node = read_numa_node(&w->at);
	return read_kind(w, i);
}

static int read_run(struct worker *w)
{
	memset(w->claimed, 0, sizeof(w->claimed));
	for (size_t i = w->begin; i < w->end; i++) {
		int r = read_function(w, i);

		if (r == -ENOMEM)
			return r;
		w->s->gone[i] = r < 0;
	}
	return 0;
}

static void work(struct worker *w)
{
	struct scan *s = w->s;

	folder_init(&w->at, s->h);
	while (!atomic_load(&s->failed)) {
		w->begin = atomic_fetch_add(&s->next, RUN);
		if (w->begin >= s->n)
			break;
		w->end = MIN(w->begin + RUN, s->n);
		if (read_run(w) < 0)
			atomic_store(&s->failed, 1);
	}
	folder_done(&w->at);
}

static void *work_beside(void *arg)
{
	folder_thread_begin();
	work(arg);
	return NULL;
}

/* A host without descriptors is in memory: there is nothing to win, and fakes are no friends. */
static unsigned useful_threads(const struct scan *s)
{
	cpu_set_t cpus;

	if (s->n < PARALLEL_FROM || !s->h->ops->files || !s->h->ops->files(s->h) ||
		sched_getaffinity(0, sizeof(cpus), &cpus) < 0)
		return 1;
	return MIN((unsigned)CPU_COUNT(&cpus), (unsigned)THREADS_MAX);
}

/* The caller's thread is one of them, and enough when no other can be had. */
static void work_together(struct scan *s, struct worker *workers, unsigned n)
{
	unsigned started = 1;
	sigset_t all, was;

	for (unsigned i = 0; i < n; i++)
		workers[i].s = s;
	sigfillset(&all); /* signals are for the threads that the caller knows of */
	pthread_sigmask(SIG_SETMASK, &all, &was);
	while (started < n &&
		pthread_create(&workers[started].thread, NULL, work_beside, &workers[started]) == 0)
		started++;
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	work(&workers[0]);
	for (unsigned i = 1; i < started; i++)
		pthread_join(workers[i].thread, NULL);
}

/* Closes the gaps; from here on functions do not move, and pointers to them are taken. */
static void compact(struct scan *s, struct inventory *inv)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++)
		if (!s->gone[i])
			s->v[kept++] = s->v[i];
	inv->n_functions = kept;
	for (size_t i = 0; i < kept; i++)
		inv->iommu_on |= s->v[i].iommu_group >= 0;
}

/*
 * Captures may lie: a PF is nobody's VF, least of all its own, and a VF has one PF and one index.
 * So the picture is a forest, and who walks it comes to an end.
 */
static int link_vf(const struct inventory *inv, const struct claim *c)
{
	struct function *pf = inventory_find_bdf(inv, c->pf);
	struct function *vf = inventory_find_bdf(inv, c->vf);

	if (!pf || !vf || pf == vf || vf->physfn || vf->kind == FUNCTION_PF)
		return 0;
	if (pf->n_vfs && pf->vfs[pf->n_vfs - 1]->vf_index == (int)c->index)
		return 0;
	if (!pf->vfs)
		pf->vfs = calloc(pf->sriov.num_vfs + 1, sizeof(struct function *));
	if (!pf->vfs)
		return -ENOMEM;
	vf->kind = FUNCTION_VF;
	vf->physfn = pf;
	vf->vf_index = (int)c->index;
	pf->vfs[pf->n_vfs++] = vf;
	return 0;
}

static int by_pf(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c = bdf_cmp(x->pf, y->pf);

	return c ? c : (x->index > y->index) - (x->index < y->index);
}

static int link_vfs(struct inventory *inv, const struct worker *workers, unsigned n)
{
	struct claims all = { 0 };
	int r = 0;

	for (unsigned i = 0; i < n; i++)
		for (size_t j = 0; r == 0 && j < workers[i].claims.n; j++)
			r = add_claim(&all, workers[i].claims.v[j]);
	if (all.n)
		qsort(all.v, all.n, sizeof(*all.v), by_pf);
	for (size_t i = 0; r == 0 && i < all.n; i++)
		r = link_vf(inv, &all.v[i]);
	/* So far it was the number of links: of memory that is needed at most. */
	for (size_t i = 0; i < inv->n_functions; i++)
		inv->functions[i].sriov.num_vfs = (unsigned)inv->functions[i].n_vfs;
	free(all.v);
	return r;
}

static int scan(struct scan *s, struct inventory *inv)
{
	unsigned n = useful_threads(s);
	autofree struct worker *workers = calloc(n, sizeof(*workers));
	int r = -ENOMEM;

	if (workers) {
		work_together(s, workers, n);
		r = atomic_load(&s->failed) ? -ENOMEM : 0;
	}
	/* Also after a failure: what was read is freed with the inventory. */
	compact(s, inv);
	if (r == 0)
		r = link_vfs(inv, workers, n);
	for (unsigned i = 0; workers && i < n; i++)
		free(workers[i].claims.v);
	return r;
}

int scan_functions(struct host *h, struct inventory *inv)
{
	CLEANUP(scan_done)
	struct scan s = { .h = h, .v = inv->functions, .n = inv->n_functions };

	int r;

	s.gone = calloc(s.n + 1, sizeof(*s.gone));
	r = s.gone ? scan(&s, inv) : -ENOMEM;
	inv->iommu_may_be_missing = r == 0 && !inv->iommu_on && iommu_may_be_missing(h);
	return r;
}
