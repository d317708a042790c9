/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Virtual CPUs: one thread each. CPU 0 starts where `struct cpu_entry` says, in 64-bit mode; the
 * others wait for their INIT and SIPI, which KVM's local APIC delivers.
 */
#pragma once

#include "clock.h"

#include "vmm/bus/bus.h"
#include "vmm/kvm/kvm.h"

#include <stdatomic.h>
#include <stdbool.h>

enum {
	CPU_MAX = 8,
	CPU_EXIT_REASONS = 64, /* KVM_EXIT_* that are counted one by one */
};

/* Why a CPU cannot go on by itself. */
enum cpu_event {
	CPU_TRIPLE_FAULT,
	CPU_RESET, /* KVM_SYSTEM_EVENT_RESET and the like */
	CPU_POWER_OFF,
	CPU_INTERNAL_ERROR,
};

/* Where the first CPU begins, and with what. The tables are in guest memory already. */
struct cpu_entry {
	uint64_t rip, rsi, rsp;
	uint64_t page_tables; /* guest-physical address of the PML4 */
	uint64_t gdt;
	uint16_t gdt_bytes;
	uint16_t code_selector, data_selector; /* flat 64-bit code, flat data */
};

struct cpus_params {
	struct kvm_vm *vm;
	struct bus *pio, *mmio;
	unsigned count; /* 1…CPU_MAX */
	/* Called once, from the thread of the CPU that it happened to; `what` says more. */
	void (*event)(void *arg, enum cpu_event event, const char *what);
	void *arg;
};

struct cpus;

/* Creates the CPUs and gives them CPUID, MSRs and a local APIC; they do not run yet. */
int cpus_new(const struct cpus_params *params, struct cpus **ret, struct problem **reterr);
/* Stops first. */
void cpus_free(struct cpus *c);
DEFINE_AUTO(struct cpus, cpus_free);

/* Of the CPU that has the worst. */
enum cpu_clock cpus_clock(const struct cpus *c);
/* Physical address bits of the CPUs that KVM offers; 36 when it does not say. */
unsigned cpus_address_bits(struct kvm_vm *vm);

int cpus_set_entry(struct cpus *c, const struct cpu_entry *entry, struct problem **reterr);
int cpus_start(struct cpus *c, struct problem **reterr);
/* Kicks all out of the guest and joins the threads. Not from a CPU's thread. */
void cpus_stop(struct cpus *c);

/* Exits to user space of one CPU by KVM_EXIT_* reason; any thread, also while it runs. */
uint64_t cpus_exits(const struct cpus *c, unsigned cpu, unsigned reason);
/* Where a CPU was when it stopped; 0 while it runs. */
uint64_t cpus_rip(const struct cpus *c, unsigned cpu);
unsigned cpus_count(const struct cpus *c);
/* KVM's own counters of a CPU, as kvm_stats_read(); -ENOTTY if this KVM keeps none. */
int cpus_kvm_stats(
	const struct cpus *c, unsigned cpu, const char *const *names, uint64_t *values, size_t n);
