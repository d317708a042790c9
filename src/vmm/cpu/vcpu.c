/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu.h"

#include "base/thread.h"
#include "vmm/kvm/stats.h"
#include "vmm/sandbox/sandbox.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* The page that KVM shares with this thread's CPU: the kick's handler reaches for it. */
static _Thread_local struct kvm_run *current_run;

/*
 * A signal that comes between the look at `stop` and KVM_RUN would be lost, if it did not tell KVM
 * to return at once.
 */
static void on_kick(int sig UNUSED)
{
	if (current_run)
		current_run->immediate_exit = 1;
}

static int kick_signal(void)
{
	return SIGRTMIN;
}

static int install_kick(void)
{
	struct sigaction sa = { .sa_handler = on_kick };

	sigemptyset(&sa.sa_mask);
	return sigaction(kick_signal(), &sa, NULL) < 0 ? -errno : 0;
}

static int create_vcpu(struct cpus *c, struct vcpu *v)
{
	struct host *h = c->params.vm->host;
	void *run;
	int r;

	r = kvm_vm_ioctl(c->params.vm, KVM_CREATE_VCPU, (void *)(uintptr_t)v->id);
	if (r < 0)
		return r;
	v->fd = r;
	r = host_mmap(
		h, v->fd, 0, c->params.vm->run_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, &run);
	if (r < 0)
		return r;
	v->run = run;
	/* Once the CPU runs it holds the mutex that this call needs. */
	r = host_ioctl(h, v->fd, KVM_GET_STATS_FD, NULL);
	v->stats_fd = r < 0 ? -1 : r;
	c->clock = MAX(c->clock, cpu_clock_settle(h, v->fd));
	return cpu_init_state(c, v);
}

enum cpu_clock cpus_clock(const struct cpus *c)
{
	return c->clock;
}

int cpus_new(const struct cpus_params *params, struct cpus **ret, struct problem **reterr)
{
	CLEANUP(cpus_freep) struct cpus *c = NULL;
	int r;

	if (!params->count || params->count > CPU_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "%u CPUs: 1 to %d can be had",
			params->count, CPU_MAX);
	c = calloc(1, sizeof(*c));
	if (!c)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "virtual CPUs");
	c->params = *params;
	r = install_kick();
	for (unsigned i = 0; i < params->count && r >= 0; i++) {
		struct vcpu *v = &c->vcpus[i];

		v->cpus = c;
		v->id = i;
		v->fd = v->stats_fd = -1;
		c->n = i + 1;
		r = create_vcpu(c, v);
	}
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_KVM, NULL, "KVM cannot create CPU %u: %s",
			c->n ? c->n - 1 : 0, strerror(-r));
	*ret = TAKE_PTR(c);
	return 0;
}

void cpus_free(struct cpus *c)
{
	if (!c)
		return;
	cpus_stop(c);
	for (unsigned i = 0; i < c->n; i++) {
		struct vcpu *v = &c->vcpus[i];
		struct host *h = c->params.vm->host;

		if (v->run)
			host_munmap(h, v->run, c->params.vm->run_bytes);
		if (v->stats_fd >= 0)
			host_close(h, v->stats_fd);
		if (v->fd >= 0)
			host_close(h, v->fd);
	}
	free(c);
}

void cpu_event(struct vcpu *v, enum cpu_event event, const char *what)
{
	struct cpus *c = v->cpus;

	/* The others go on until somebody stops them; only the first end counts. */
	if (!atomic_exchange(&c->ended, true))
		c->params.event(c->params.arg, event, what);
}

/* One trip into the guest. False when this CPU has no more to do. */
static bool run_once(struct vcpu *v)
{
	int r = host_ioctl(v->cpus->params.vm->host, v->fd, KVM_RUN, NULL);

	/* EAGAIN: a CPU that waits for its SIPI was woken without one. */
	if (r == -EINTR || r == -EAGAIN) {
		v->run->immediate_exit = 0;
		return true;
	}
	if (r < 0) {
		char what[80];

		snprintf(what, sizeof(what), "CPU %u: KVM_RUN: %s", v->id, strerror(-r));
		cpu_event(v, CPU_INTERNAL_ERROR, what);
		return false;
	}
	return cpu_handle_exit(v);
}

static void *thread_main(void *arg)
{
	struct vcpu *v = arg;
	sigset_t kick;
	bool more = true;

	sandbox_thread(SANDBOX_CPU);
	current_run = v->run;
	sigemptyset(&kick);
	sigaddset(&kick, kick_signal());
	pthread_sigmask(SIG_UNBLOCK, &kick, NULL);
	while (more && !atomic_load(&v->cpus->stop))
		more = run_once(v);
	v->rip = cpu_rip(v);
	return NULL;
}

/* The threads start with all signals blocked: those of the process are the main loop's. */
int cpus_start(struct cpus *c, struct problem **reterr)
{
	sigset_t all, before;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	for (unsigned i = 0; i < c->n && r == 0; i++) {
		struct vcpu *v = &c->vcpus[i];
		char name[16];

		snprintf(name, sizeof(name), "cpu%u", i);
		r = thread_start(&v->thread, name, thread_main, v);
		v->has_thread = r == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		return 0;
	cpus_stop(c);
	return problem(
		reterr, r, PROBLEM_FAILED, NULL, "cannot start the CPU threads: %s", strerror(-r));
}

void cpus_stop(struct cpus *c)
{
	atomic_store(&c->stop, true);
	for (unsigned i = 0; i < c->n; i++)
		if (c->vcpus[i].has_thread)
			pthread_kill(c->vcpus[i].thread, kick_signal());
	for (unsigned i = 0; i < c->n; i++) {
		if (c->vcpus[i].has_thread)
			pthread_join(c->vcpus[i].thread, NULL);
		c->vcpus[i].has_thread = false;
	}
}

uint64_t cpus_exits(const struct cpus *c, unsigned cpu, unsigned reason)
{
	if (cpu >= c->n || reason >= CPU_EXIT_REASONS)
		return 0;
	return atomic_load_explicit(&c->vcpus[cpu].exits[reason], memory_order_relaxed);
}

uint64_t cpus_rip(const struct cpus *c, unsigned cpu)
{
	return cpu < c->n && !c->vcpus[cpu].has_thread ? c->vcpus[cpu].rip : 0;
}

unsigned cpus_count(const struct cpus *c)
{
	return c->n;
}

int cpus_kvm_stats(
	const struct cpus *c, unsigned cpu, const char *const *names, uint64_t *values, size_t n)
{
	if (cpu >= c->n || c->vcpus[cpu].stats_fd < 0)
		return -ENOTTY;
	return kvm_stats_read(c->params.vm->host, c->vcpus[cpu].stats_fd, names, values, n);
}
