/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What nothing costs: 64 disks that are polled as long as that pays, in three guests that have used
 * all of them and then asked for nothing more. For a minute no thread of their VMMs, nor any of the
 * kernel's behind their rings, is given a processor once.
 */
#include "control.h"

#include "base/str.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum {
	DISKS = 64,
	BYTES = 1 << 20,
	EACH = 120, /* requests of a disk: enough that looking was tried, see vmm/virtio/trial.h */
	SETTLE_MS = 1500, /* the kernel's threads look in vain for a tenth of a second */
	IDLE_MS = 60000,
	THREADS_MAX = 256,
};

/* What may need it differs: io_uring, with a thread of the kernel's or without, and neither. */
static const char *const options[] = {
	",poll=adaptive,engine=uring",
	",poll=adaptive,engine=uring-sqpoll",
	",poll=adaptive,engine=sync,signals=ring",
	",poll=adaptive,engine=threads,threads=queue",
};

struct thread {
	int id;
	char name[32];
	unsigned long long ran_ns, times; /* that it was given a processor */
};

struct threads {
	struct thread v[THREADS_MAX];
	size_t n;
};

static void read_line(const char *dir, const char *id, const char *file, char *ret, size_t room)
{
	char name[300];
	FILE *f;

	snprintf(name, sizeof(name), "%s/%s/%s", dir, id, file);
	f = fopen(name, "re");
	*ret = '\0';
	if (f && fgets(ret, (int)room, f))
		ret[strcspn(ret, "\n")] = '\0';
	if (f)
		fclose(f);
}

static void read_threads(pid_t pid, struct threads *ret)
{
	char dir[64], text[128];
	struct dirent *e;
	DIR *d;

	ret->n = 0;
	snprintf(dir, sizeof(dir), "/proc/%d/task", (int)pid);
	d = opendir(dir);
	assert_non_null(d);
	while ((e = readdir(d))) {
		struct thread *t = &ret->v[ret->n];
		unsigned long long waited;

		if (e->d_name[0] == '.')
			continue;
		assert_true(ret->n < THREADS_MAX);
		t->id = atoi(e->d_name);
		read_line(dir, e->d_name, "comm", t->name, sizeof(t->name));
		read_line(dir, e->d_name, "schedstat", text, sizeof(text));
		assert_int_equal(sscanf(text, "%llu %llu %llu", &t->ran_ns, &waited, &t->times), 3);
		ret->n++;
	}
	closedir(d);
}

static void pause_ms(unsigned ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
}

/* The same thread, later. */
static struct thread later(const struct threads *all, const struct thread *like)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].id == like->id)
			return all->v[i];
	fail_msg("%s has ended", like->name);
	return *like;
}

/* Nobody asks the VMM anything meanwhile, which would be a wake-up. */
static void watch(pid_t vmm)
{
	static struct threads before, after;
	unsigned long long ran = 0, times = 0;

	pause_ms(SETTLE_MS);
	read_threads(vmm, &before);
	pause_ms(IDLE_MS);
	read_threads(vmm, &after);
	assert_int_equal(after.n, before.n);
	for (size_t i = 0; i < before.n; i++) {
		const struct thread *was = &before.v[i], is = later(&after, was);

		if (is.times != was->times)
			print_message("%s was given a processor %llu times, for %llu ns\n", is.name,
				is.times - was->times, is.ran_ns - was->ran_ns);
		ran += is.ran_ns - was->ran_ns;
		times += is.times - was->times;
	}
	print_message(
		"%zu threads in %d s: %llu ns, %llu times\n", before.n, IDLE_MS / 1000, ran, times);
	kill(vmm, SIGTERM);
	assert_int_equal(times, 0);
	assert_int_equal(ran, 0);
}

static int disk_file(void)
{
	int fd = open(".", O_RDWR | O_TMPFILE, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, BYTES), 0);
	return fd;
}

static unsigned n_disks;

/* With one processor there is nobody to look while the guest runs. */
static bool one_processor(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 && CPU_COUNT(&set) == 1;
}

static void one_guest(void **state UNUSED)
{
	struct vm_setup s = { .when = "ok asleep", .then = watch, .limit_s = 200 };
	struct vm_result r;
	char append[64];
	unsigned asleep = 0;

	snprintf(append, sizeof(append), "test=blk_sleep disks=%u requests=%d", n_disks, EACH);
	s.append = append;
	for (unsigned i = 0; i < n_disks; i++)
		s.disks[i] = (struct vm_disk) { disk_file(), options[i % ARRAY_SIZE(options)] };
	vm_run(&s, &r);
	for (unsigned i = 0; i < n_disks; i++) {
		char path_of[64];

		snprintf(path_of, sizeof(path_of), "devices/virtio-blk%u/queue0-requests", i);
		assert_int_equal(vm_report(&r, path_of), EACH);
		snprintf(path_of, sizeof(path_of), "devices/virtio-blk%u/poll-sleeps", i);
		asleep += vm_report(&r, path_of) > 0;
		close(s.disks[i].fd);
	}
	print_message("%u of %u had polled\n", asleep, n_disks);
	assert_true(asleep > 0 || one_processor());
	vm_result_done(&r);
}

/* A process for each guest, as they are to be idle at the same time. */
static pid_t start_guest(const char *self, unsigned disks)
{
	char text[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(text, sizeof(text), "%u", disks);
	execl(self, self, text, NULL);
	_exit(127);
}

static const char *self;

static void idle_for_a_minute(void **state UNUSED)
{
	unsigned left = DISKS, n = 0;
	pid_t guests[DISKS];

	while (left) {
		unsigned some = MIN(left, (unsigned)VM_DISKS_MAX - 6);

		guests[n] = start_guest(self, some);
		assert_true(guests[n++] > 0);
		left -= some;
	}
	for (unsigned i = 0; i < n; i++) {
		int status;

		assert_int_equal(waitpid(guests[i], &status, 0), guests[i]);
		assert_int_equal(status, 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest one[] = { cmocka_unit_test(one_guest) };
	const struct CMUnitTest all[] = { cmocka_unit_test(idle_for_a_minute) };

	self = argv[0];
	if (argc < 2)
		return cmocka_run_group_tests(all, NULL, NULL);
	n_disks = (unsigned)atoi(argv[1]);
	return n_disks > VM_DISKS_MAX ? 2 : cmocka_run_group_tests(one, NULL, NULL);
}
