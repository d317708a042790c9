// SPDX-License-Identifier: GPL-2.0-or-later
#include "bench.h"
#include "hostdisk.h"
#include "life.h"
#include "pair.h"
#include "program.h"
#include "wire.h"

#include "base/grow.h"
#include "base/str.h"
#include "host/procfs.h"
#include "host/storage.h"
#include "launch/image.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

enum { MEMORY_BYTES = 64 << 20, ROUNDS_MAX = 99 };

struct disk {
	int fd; /* -1: not yet */
	uint64_t bytes;
};

struct bench {
	struct host *host;
	const struct bench_wish *wish;
	struct disk disk, host_disk;
};

/* Of several rounds: the quickest, and all of the ratios. */
struct rounds {
	struct bench_times guest, host;
	double each[BENCH_FIGURES];
	double ratios[ROUNDS_MAX], ratios_p50[ROUNDS_MAX];
	size_t n;
};

void bench_results_done(struct bench_results *r)
{
	for (size_t i = 0; i < r->n; i++)
		problem_free(r->v[i].why);
	free(r->v);
	*r = (struct bench_results) { 0 };
}

static int find(struct host *h, const char *name, const char *wish, char **ret)
{
	static const char *const places[] = { "", "../libexec/vfctl/" };
	autofree char *self = NULL;
	char *slash;

	if (!wish && procfs_read_link(h, &self, "self/exe") == 0 && (slash = strrchr(self, '/')))
		*slash = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		autofree char *path = wish   ? strdup(wish)
				      : self ? str_printf("%s/%s%s", self, places[i], name)
					     : NULL;

		if (path && access(path, R_OK) == 0) {
			*ret = TAKE_PTR(path);
			return 0;
		}
	}
	return -ENOENT;
}

int bench_find_payload(struct host *h, const char *wish, char **ret, struct problem **reterr)
{
	return find(h, "bench-guest", wish, ret) == 0
		       ? 0
		       : problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
				 "install vfctl-vmm, or name it in $VFCTL_BENCH_GUEST",
				 "the bench guest is not there");
}

int bench_find_script(struct host *h, const char *wish, char **ret, struct problem **reterr)
{
	return find(h, "bench-workload", wish, ret) == 0
		       ? 0
		       : problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
				 "install vfctl-vmm, or name it in $VFCTL_BENCH_WORKLOAD",
				 "the script bench-workload is not there");
}

/* Memory with something in it, so that no page is made while it is measured. */
static int memory_disk(void)
{
	static const char page[1 << 16] = { 1 };
	autoclose int fd = memfd_create("bench-disk", MFD_CLOEXEC);

	for (size_t at = 0; fd >= 0 && at < MEMORY_BYTES; at += sizeof(page))
		if (pwrite(fd, page, sizeof(page), (off_t)at) != (ssize_t)sizeof(page))
			return -EIO;
	return fd < 0 ? -errno : TAKE_FD(fd);
}

/* A disk of somebody's is read past the page cache where that can be, by guest and host alike. */
static int named_disk(struct bench *b, const char *path, bool read_only, struct problem **reterr)
{
	int fd = image_open_disk(b->host, path, read_only, false, reterr), flags;

	if (fd < 0)
		return fd;
	flags = fcntl(fd, F_GETFL);
	(void)fcntl(fd, F_SETFL, flags | O_DIRECT);
	return fd;
}

/* Made for this, or named by --disk: not one of the host's that is only looked at. */
static bool is_own(enum bench_io io)
{
	return io == BENCH_DISK || io == BENCH_STORAGE;
}

static int open_disk(struct bench *b, enum bench_io io, struct problem **reterr)
{
	const struct bench_wish *w = b->wish;
	struct disk *d = is_own(io) ? &b->disk : &b->host_disk;
	off_t size;

	if (d->fd >= 0)
		return 0;
	d->fd = !is_own(io) ? named_disk(b, w->host_disk, true, reterr)
		: w->disk   ? named_disk(b, w->disk, !w->write, reterr)
			    : memory_disk();
	if (d->fd < 0)
		return !is_own(io) || w->disk
			       ? d->fd
			       : problem(reterr, d->fd, PROBLEM_NO_MEMORY, NULL,
					 "no memory for a disk: %s", strerror(-d->fd));
	size = lseek(d->fd, 0, SEEK_END);
	d->bytes = size > 0 ? (uint64_t)size : 0;
	return 0;
}

/* What the host does the same on; NULL: nothing. What is only read is nobody's loss. */
static struct disk *beside(struct bench *b, const struct life *l)
{
	if (is_own(l->path->io))
		return &b->disk;
	return b->wish->host_disk && l->workload->op == BENCH_READ ? &b->host_disk : NULL;
}

/*
 * What grows with time instead of operations, such as looks at a queue that is polled, can be more
 * in the shorter life: then nothing is known. A few of them are chance.
 */
static double per_op(double more, double less, uint64_t ops)
{
	if (more < 0 || less < 0 || less - more > (double)ops / 20)
		return -1;
	return MAX(more - less, 0) / (double)ops;
}

static void keep(struct rounds *r, const struct life_result *none, const struct life_result *all,
	const struct bench_times *host, bool one_at_a_time)
{
	bool medians = all->times.p50 > 0 && host->p50 > 0;
	double guest = medians && one_at_a_time ? all->times.p50 : all->times.mean;
	double other = medians && one_at_a_time ? host->p50 : host->mean;

	if (other > 0 && r->n < ROUNDS_MAX) {
		r->ratios[r->n] = guest / other;
		r->ratios_p50[r->n++] = medians ? all->times.p50 / host->p50 : 0;
	}
	if (host->mean > 0 && (r->host.mean <= 0 || host->mean < r->host.mean))
		r->host = *host;
	if (r->guest.mean > 0 && r->guest.mean <= all->times.mean)
		return;
	r->guest = all->times;
	for (enum bench_figure f = 0; f < BENCH_FIGURES; f++)
		r->each[f] = per_op(all->counted[f], none->counted[f], all->ops - none->ops);
}

/* The life without operations, and the one with. */
static int two_lives(struct bench *b, struct life *l, uint64_t ops, struct life_result *none,
	struct life_result *all, struct problem **reterr)
{
	int r;

	l->ops = l->workload->program ? ops : 0;
	if (l->workload->program)
		return life_run_linux(b->host, l, none, all, reterr);
	r = life_run(b->host, l, none, reterr);
	if (r < 0)
		return r;
	l->ops = ops;
	return life_run(b->host, l, all, reterr);
}

/*
 * Programs open the disk themselves, and a device that somebody has cannot be mounted. A disk in
 * memory has a name only here.
 */
static int program_on_disk(struct bench *b, const struct life *l, struct disk *d, uint64_t ops,
	struct bench_times *ret, const char **by, struct problem **reterr)
{
	const char *named = d == &b->disk ? b->wish->disk : b->wish->host_disk;
	autofree char *name = NULL;
	int r = named ? 0 : open_disk(b, BENCH_DISK, reterr);

	if (r < 0)
		return r;
	if (named)
		closep_(&d->fd);
	if (named)
		d->fd = -1;
	name = named ? strdup(named) : procfs_path("%d/fd/%d", (int)getpid(), d->fd);
	if (!name)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return program_on_host(b->host, b->wish, l->workload, ops, name, NULL, ret, by, reterr);
}

static int serve_elsewhere(
	struct bench *b, struct life *l, struct storage *s, struct problem **reterr)
{
	int r = storage_new(b->disk.fd, !b->wish->disk || b->wish->write, s);

	l->channel = s->channel;
	if (r == -ENOENT)
		return problem(reterr, r, PROBLEM_NOT_FOUND, "apt install qemu-system-common",
			"there is no qemu-storage-daemon to serve the disk");
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL,
			       "qemu-storage-daemon does not serve the disk: %s", strerror(-r))
		     : 0;
}

static int disk_round(struct bench *b, struct life *l, uint64_t ops, struct rounds *rounds,
	const char **by, struct problem **reterr)
{
	struct life_result none, all;
	struct bench_times host = { 0 };
	CLEANUP(storage_done) struct storage elsewhere = STORAGE_NONE;
	struct disk *d = beside(b, l);
	int r = 0;

	if (d && l->workload->program)
		r = program_on_disk(b, l, d, ops, &host, by, reterr);
	if (r == 0 && d)
		r = open_disk(b, l->path->io, reterr);
	if (r == 0 && d && !l->workload->program)
		r = hostdisk_run(d->fd, d->bytes, l->workload, ops, &host, by, reterr);
	l->fd = d && l->path->io != BENCH_FUNCTION ? d->fd : -1;
	if (r == 0 && l->path->io == BENCH_STORAGE)
		r = serve_elsewhere(b, l, &elsewhere, reterr);
	if (r == 0)
		r = two_lives(b, l, ops, &none, &all, reterr);
	if (r == 0)
		keep(rounds, &none, &all, &host, l->workload->depth == 1);
	return r;
}

static int on_wire(const struct pair *p, struct wire_peer **ret, struct problem **reterr)
{
	int r = wire_peer_new(p, ret);

	return r < 0 ? problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "no thread for the peer") : 0;
}

static int program_over_wire(struct bench *b, const struct life *l, uint64_t ops,
	const struct netpair *p, struct bench_times *ret, const char **by, struct problem **reterr)
{
	CLEANUP(program_peer_freep) struct program_peer *peer = NULL;
	int r = program_peer_new(l->wish, l->workload, p, &peer, reterr);

	return r < 0 ? r
		     : program_on_host(
			       b->host, l->wish, l->workload, ops, NULL, p, ret, by, reterr);
}

static int host_on_wire(struct bench *b, const struct life *l, uint64_t ops,
	struct bench_times *ret, const char **by, struct problem **reterr)
{
	autopair p = PAIR_NONE;
	CLEANUP(wire_peer_freep) struct wire_peer *peer = NULL;
	int r = pair_new(b->host, l->wish, l->path, &p, reterr);

	if (r == 0 && l->workload->program)
		return program_over_wire(b, l, ops, &p.ends, ret, by, reterr);
	if (r == 0)
		r = on_wire(&p, &peer, reterr);
	return r < 0 ? r
		     : wire_host_run(&p, l->workload, ops, l->wish->deadline_s, ret, by, reterr);
}

static int life_on_wire(
	struct bench *b, struct life *l, struct life_result *ret, struct problem **reterr)
{
	autopair p = PAIR_NONE;
	CLEANUP(wire_peer_freep) struct wire_peer *peer = NULL;
	uint64_t came;
	int r = pair_new(b->host, l->wish, l->path, &p, reterr);

	if (r == 0)
		r = on_wire(&p, &peer, reterr);
	if (r < 0)
		return r;
	l->pair = &p;
	r = life_run(b->host, l, ret, reterr);
	l->pair = NULL;
	came = wire_peer_stop(peer);
	if (r == 0 && l->workload->op == BENCH_SEND && came < l->ops)
		return problem(reterr, -EIO, PROBLEM_IO, NULL,
			"of %llu frames that were sent %llu came out at the other end",
			(unsigned long long)l->ops, (unsigned long long)came);
	return r;
}

static int lives_on_wire(struct bench *b, struct life *l, uint64_t ops, struct life_result *none,
	struct life_result *all, struct problem **reterr)
{
	int r;

	l->ops = 0;
	r = life_on_wire(b, l, none, reterr);
	l->ops = ops;
	return r < 0 ? r : life_on_wire(b, l, all, reterr);
}

/* The guest's one life, with somebody to talk to. */
static int program_lives(struct bench *b, struct life *l, uint64_t ops, struct life_result *none,
	struct life_result *all, struct problem **reterr)
{
	autopair p = PAIR_NONE;
	CLEANUP(program_peer_freep) struct program_peer *peer = NULL;
	int r = pair_new(b->host, l->wish, l->path, &p, reterr);

	if (r == 0)
		r = program_peer_new(b->wish, l->workload, &p.ends, &peer, reterr);
	l->pair = &p;
	if (r == 0)
		r = two_lives(b, l, ops, none, all, reterr);
	l->pair = NULL;
	return r;
}

static int net_round(struct bench *b, struct life *l, uint64_t ops, struct rounds *rounds,
	const char **by, struct problem **reterr)
{
	struct life_result none, all;
	struct bench_times host = { 0 };
	int r = host_on_wire(b, l, ops, &host, by, reterr);

	if (r == 0)
		r = l->workload->program ? program_lives(b, l, ops, &none, &all, reterr)
					 : lives_on_wire(b, l, ops, &none, &all, reterr);
	if (r == 0)
		keep(rounds, &none, &all, &host, l->workload->depth == 1);
	return r;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return n ? v[n / 2] : 0;
}

static int measure(struct bench *b, struct bench_result *ret, struct problem **reterr)
{
	struct life l = { .wish = b->wish,
		.path = ret->path,
		.workload = ret->workload,
		.fd = -1,
		.channel = -1 };
	struct rounds rounds = { 0 };
	uint64_t ops = MAX((uint64_t)b->wish->ops * ret->workload->share / 8, 1U);
	int r = 0;

	for (unsigned i = 0; i < b->wish->rounds && r == 0; i++)
		r = bench_is_net(ret->path->io)
			    ? net_round(b, &l, ops, &rounds, &ret->host_by, reterr)
			    : disk_round(b, &l, ops, &rounds, &ret->host_by, reterr);
	if (r < 0)
		return r;
	ret->ops = ops;
	ret->guest = rounds.guest;
	ret->host = rounds.host;
	ret->ratio = median(rounds.ratios, rounds.n);
	ret->ratio_p50 = median(rounds.ratios_p50, rounds.n);
	memcpy(ret->each, rounds.each, sizeof(ret->each));
	return 0;
}

/* An interface of the host's is nobody's to give addresses to. */
static int obstacle_to_linux(
	const struct bench_path *p, const struct bench_workload *l, struct problem **reterr)
{
	if (p->io == BENCH_MACVTAP)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"programs talk over a network of their own alone");
	if (*p->guest && (p->io != BENCH_DISK || l->depth != 1 || !str_eq(l->program, "fio")))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"a Linux guest cannot poll for that");
	return 0;
}

/* Threads that poll by turns take milliseconds for an operation: only for who asks for that. */
static int obstacle_of_processors(
	const struct bench_wish *w, const struct bench_path *p, struct problem **reterr)
{
	cpu_set_t set;
	unsigned n = sched_getaffinity(0, sizeof(set), &set) == 0 ? (unsigned)CPU_COUNT(&set) : 1;

	if (w->paths || p->pollers <= n)
		return 0;
	problem(reterr, -EAGAIN, PROBLEM_UNSUPPORTED, NULL,
		"%u threads would poll by turns on %u processors", p->pollers, n);
	problem_hint(reterr, "--path %s", p->name);
	return -EAGAIN;
}

/* What keeps this path or this work from being measured here, before anything is tried. */
static int obstacle(const struct bench_wish *w, const struct bench_path *p,
	const struct bench_workload *l, struct problem **reterr)
{
	bool theirs = p->io == BENCH_FUNCTION || (is_own(p->io) && w->disk);

	if (p->io == BENCH_HOST_DISK && !w->host_disk)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "--host-disk DEVICE",
			"no disk of the host's was named");
	if (p->io == BENCH_MACVTAP && !w->netdev)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "--netdev NAME,PEER",
			"no network interface was named");
	if (p->io == BENCH_HOST_DISK && l && l->op == BENCH_WRITE)
		return problem(reterr, -EROFS, PROBLEM_PERMISSION, "--disk names one to be written",
			"a disk of the host's is only read");
	if (p->io == BENCH_FUNCTION && !w->function)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, "--vf SELECTOR",
			"no function was named");
	if (l && l->op == BENCH_WRITE && theirs && !w->write)
		return problem(reterr, -EROFS, PROBLEM_PERMISSION, "--write",
			"what is on it would be lost");
	if (l && l->program)
		return obstacle_to_linux(p, l, reterr);
	return obstacle_of_processors(w, p, reterr);
}

static bool is_wanted(char *const *names, const char *name)
{
	return !names || strv_has(names, name);
}

static struct bench_result *add(struct bench_results *to, const struct bench_path *p,
	const struct bench_workload *w, struct problem *why)
{
	if (!GROW(to->v, to->n)) {
		problem_free(why);
		return NULL;
	}
	to->v[to->n] = (struct bench_result) { .path = p, .workload = w, .why = why };
	return &to->v[to->n++];
}

/* -ECANCELED and -ENOMEM end all; a reason is a result. `*first`: nothing was measured there yet.
 */
static int one(struct bench *b, const struct bench_path *p, const struct bench_workload *w,
	bool *first, struct bench_results *ret)
{
	const struct bench_wish *wish = b->wish;
	struct bench_result *result;
	struct problem *why = NULL;
	int r = obstacle(wish, p, w, &why);

	if (r < 0)
		return add(ret, p, w, why) ? 0 : -ENOMEM;
	if (wish->dry) {
		*first = false;
		return add(ret, p, w, NULL) ? 0 : -ENOMEM;
	}
	if (wish->progress && wish->progress(wish->arg, p, w))
		return -ECANCELED;
	result = add(ret, p, w, NULL);
	if (!result)
		return -ENOMEM;
	r = measure(b, result, &result->why);
	if (r < 0 && *first) {
		result->workload = NULL;
		return 1;
	}
	*first = false;
	return 0;
}

static int one_path(struct bench *b, const struct bench_path *p, struct bench_results *ret)
{
	struct problem *why = NULL;
	bool first = true;
	int r = obstacle(b->wish, p, NULL, &why);

	if (r < 0)
		return add(ret, p, NULL, why) ? 0 : -ENOMEM;
	for (size_t i = 0; i < n_bench_workloads && r == 0; i++)
		if (bench_fits(p, &bench_workloads[i]) &&
			!bench_workloads[i].program == !b->wish->kernel &&
			is_wanted(b->wish->workloads, bench_workloads[i].name))
			r = one(b, p, &bench_workloads[i], &first, ret);
	return MIN(r, 0);
}

int bench_run(struct host *h, const struct bench_wish *w, struct bench_results *ret,
	struct problem **reterr)
{
	struct bench b = { .host = h, .wish = w, .disk = { .fd = -1 }, .host_disk = { .fd = -1 } };
	autobench all = { 0 };
	int r = bench_check(w, reterr);

	if (r < 0)
		return r;
	for (size_t i = 0; i < n_bench_paths && r == 0; i++)
		if (is_wanted(w->paths, bench_paths[i].name))
			r = one_path(&b, &bench_paths[i], &all);
	closep_(&b.disk.fd);
	closep_(&b.host_disk.fd);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s",
			r == -ECANCELED ? "interrupted" : strerror(-r));
	*ret = TAKE_STRUCT(all);
	return 0;
}
