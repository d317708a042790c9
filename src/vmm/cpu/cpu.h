/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inside the CPU room. */
#pragma once

#include "vcpu.h"

#include <pthread.h>

struct vcpu {
	struct cpus *cpus;
	unsigned id;
	int fd, stats_fd;
	struct kvm_run *run;
	pthread_t thread;
	bool has_thread;
	uint64_t rip; /* when it stopped */
	atomic_uint_fast64_t exits[CPU_EXIT_REASONS];
};

struct cpus {
	struct cpus_params params;
	unsigned n;
	atomic_bool stop, ended;
	enum cpu_clock clock; /* the worst */
	struct vcpu vcpus[CPU_MAX];
};

/* CPUID, MSRs, local APIC of a new CPU. */
int cpu_init_state(struct cpus *c, struct vcpu *v);
/* Serves the exit that run->exit_reason names. False when the CPU cannot go on. */
bool cpu_handle_exit(struct vcpu *v);
uint64_t cpu_rip(struct vcpu *v);
void cpu_event(struct vcpu *v, enum cpu_event event, const char *what);
