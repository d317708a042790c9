/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpu.h"
#include "cpuid.h"

#include <string.h>

enum {
	MSR_MISC_ENABLE = 0x1a0,
	MISC_ENABLE_FAST_STRING = 1,
	MSR_MTRR_DEF_TYPE = 0x2ff,
	/*
	 * MTRRs on, the default type write-back: with the type that a CPU has after reset a guest
	 * with assigned devices runs uncached, a hundred times slower.
	 */
	MTRR_ENABLED_WRITE_BACK = 0xc06,
	APIC_LVT_LINT0 = 0x350,
	APIC_LVT_LINT1 = 0x360,
	APIC_MODE_NMI = 4,
	APIC_MODE_EXTINT = 7,
	CR0_PE = 1,
	CR0_ET = 1 << 4,
	CR0_NE = 1 << 5,
	CR4_PAE = 1 << 5,
	EFER_LME = 1 << 8,
	EFER_LMA = 1 << 10,
	RFLAGS_ALWAYS_ONE = 2,
};
#define CR0_PG (1ULL << 31)

static int set_cpuid(struct cpus *c, struct vcpu *v)
{
	autofree struct kvm_cpuid2 *cpuid = NULL;
	int r = cpuid_get_supported(c->params.vm, &cpuid);

	if (r < 0)
		return r;
	cpuid_adapt(cpuid, v->id, c->params.count,
		kvm_vm_capability(c->params.vm, KVM_CAP_TSC_DEADLINE_TIMER) > 0);
	return host_ioctl(c->params.vm->host, v->fd, KVM_SET_CPUID2, cpuid);
}

unsigned cpus_address_bits(struct kvm_vm *vm)
{
	enum { ADDRESS_SIZES = 0x80000008, DEFAULT_BITS = 36 };
	autofree struct kvm_cpuid2 *cpuid = NULL;

	if (cpuid_get_supported(vm, &cpuid) < 0)
		return DEFAULT_BITS;
	for (uint32_t i = 0; i < cpuid->nent; i++)
		if (cpuid->entries[i].function == (uint32_t)ADDRESS_SIZES)
			return cpuid->entries[i].eax & 0xff;
	return DEFAULT_BITS;
}

static int set_msrs(struct cpus *c, struct vcpu *v)
{
	static const struct kvm_msr_entry wanted[] = {
		{ .index = MSR_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING },
		{ .index = MSR_MTRR_DEF_TYPE, .data = MTRR_ENABLED_WRITE_BACK },
	};
	autofree struct kvm_msrs *msrs = calloc(1, sizeof(*msrs) + sizeof(wanted));
	int r;

	if (!msrs)
		return -ENOMEM;
	msrs->nmsrs = ARRAY_SIZE(wanted);
	memcpy(msrs->entries, wanted, sizeof(wanted));
	r = host_ioctl(c->params.vm->host, v->fd, KVM_SET_MSRS, msrs);
	/* The number of those it took: it stops at the first that it does not know. */
	return r < 0 ? r : r < (int)ARRAY_SIZE(wanted) ? -ENOTSUP : 0;
}

static void set_lvt(struct kvm_lapic_state *s, unsigned reg, unsigned mode)
{
	uint32_t v;

	memcpy(&v, &s->regs[reg], sizeof(v));
	v = (v & ~0x10700U) | mode << 8; /* unmasked, with this delivery mode */
	memcpy(&s->regs[reg], &v, sizeof(v));
}

/* As firmware leaves it: the PIC on LINT0 of the first CPU, NMI on LINT1 of all. */
static int set_lapic(struct cpus *c, struct vcpu *v)
{
	struct kvm_lapic_state s;
	int r = host_ioctl(c->params.vm->host, v->fd, KVM_GET_LAPIC, &s);

	if (r < 0)
		return r;
	if (v->id == 0)
		set_lvt(&s, APIC_LVT_LINT0, APIC_MODE_EXTINT);
	set_lvt(&s, APIC_LVT_LINT1, APIC_MODE_NMI);
	return host_ioctl(c->params.vm->host, v->fd, KVM_SET_LAPIC, &s);
}

int cpu_init_state(struct cpus *c, struct vcpu *v)
{
	int r = set_cpuid(c, v);

	if (r >= 0)
		r = set_msrs(c, v);
	if (r >= 0)
		r = set_lapic(c, v);
	return r < 0 ? r : 0;
}

static struct kvm_segment flat(uint16_t selector, bool code)
{
	return (struct kvm_segment) {
		.base = 0,
		.limit = 0xffffffff,
		.selector = selector,
		.type = code ? 11 : 3, /* execute and read, or read and write; accessed */
		.present = 1,
		.s = 1,
		.g = 1,
		.l = code,
		.db = !code,
	};
}

static void enter_long_mode(struct kvm_sregs *s, const struct cpu_entry *e)
{
	s->cs = flat(e->code_selector, true);
	s->ds = s->es = s->fs = s->gs = s->ss = flat(e->data_selector, false);
	s->gdt.base = e->gdt;
	s->gdt.limit = (uint16_t)(e->gdt_bytes - 1);
	s->idt.base = 0;
	s->idt.limit = 0;
	s->cr3 = e->page_tables;
	s->cr4 = CR4_PAE;
	s->cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_PG;
	s->efer = EFER_LME | EFER_LMA;
}

int cpus_set_entry(struct cpus *c, const struct cpu_entry *e, struct problem **reterr)
{
	struct host *h = c->params.vm->host;
	struct kvm_regs regs = {
		.rip = e->rip,
		.rsi = e->rsi,
		.rsp = e->rsp,
		.rflags = RFLAGS_ALWAYS_ONE,
	};
	struct kvm_sregs sregs;
	int fd = c->vcpus[0].fd;
	int r = host_ioctl(h, fd, KVM_GET_SREGS, &sregs);

	if (r >= 0) {
		enter_long_mode(&sregs, e);
		r = host_ioctl(h, fd, KVM_SET_SREGS, &sregs);
	}
	if (r >= 0)
		r = host_ioctl(h, fd, KVM_SET_REGS, &regs);
	if (r < 0)
		return problem(reterr, r, PROBLEM_NO_KVM, NULL,
			"KVM refuses the first CPU's start state: %s", strerror(-r));
	return 0;
}
