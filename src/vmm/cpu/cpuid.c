/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cpuid.h"

enum { ENTRIES_MAX = 512 };

/* Bits by the names of the vendors' manuals. */
enum {
	ECX1_VMX = 1 << 5,
	ECX1_PDCM = 1 << 15,
	ECX1_X2APIC = 1 << 21,
	ECX1_TSC_DEADLINE = 1 << 24,
	EDX1_HTT = 1 << 28,
	ECX81_CMP_LEGACY = 1 << 1,
	ECX81_SVM = 1 << 2,
	ECX81_PERFCTR_CORE = 1 << 23,
};
#define ECX1_HYPERVISOR (1U << 31)

int cpuid_get_supported(struct kvm_vm *vm, struct kvm_cpuid2 **ret)
{
	autofree struct kvm_cpuid2 *c = NULL;
	int r;

	c = calloc(1, sizeof(*c) + ENTRIES_MAX * sizeof(c->entries[0]));
	if (!c)
		return -ENOMEM;
	c->nent = ENTRIES_MAX;
	r = host_ioctl(vm->host, vm->kvm_fd, KVM_GET_SUPPORTED_CPUID, c);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(c);
	return 0;
}

/* How many bits an APIC id of `count` CPUs takes. */
static unsigned id_bits(unsigned count)
{
	unsigned bits = 0;

	while (1U << bits < count)
		bits++;
	return bits;
}

static void adapt_features(
	struct kvm_cpuid_entry2 *e, unsigned id, unsigned count, bool tsc_deadline)
{
	e->ebx = (e->ebx & 0xffffU) | (1U << id_bits(count)) << 16 | id << 24;
	e->ecx &= ~(uint32_t)(ECX1_VMX | ECX1_PDCM);
	e->ecx |= ECX1_X2APIC | ECX1_HYPERVISOR;
	if (tsc_deadline)
		e->ecx |= ECX1_TSC_DEADLINE;
	if (count > 1)
		e->edx |= EDX1_HTT;
	else
		e->edx &= ~(uint32_t)EDX1_HTT;
}

/* Leaves 0xB and 0x1F: sub-leaf 0 is the thread, 1 the core, all others invalid. */
static void adapt_topology(struct kvm_cpuid_entry2 *e, unsigned id, unsigned count)
{
	unsigned level = e->index;

	e->eax = level == 1 ? id_bits(count) : 0;
	e->ebx = level == 0 ? 1 : level == 1 ? count : 0;
	e->ecx = level | (level == 0 ? 1U << 8 : level == 1 ? 2U << 8 : 0);
	e->edx = id;
}

/* Leaf 4: the caches; each core has its own but the last level, which all share. */
static void adapt_caches(struct kvm_cpuid_entry2 *e, unsigned count)
{
	unsigned level = e->eax >> 5 & 7, bits = id_bits(count);

	if (!(e->eax & 0x1f))
		return;
	e->eax &= 0x3fffU;
	e->eax |= ((1U << bits) - 1) << 26;
	if (level >= 3)
		e->eax |= ((1U << bits) - 1) << 14;
}

static void adapt(struct kvm_cpuid_entry2 *e, unsigned id, unsigned count, bool tsc_deadline)
{
	switch (e->function) {
	case 0x1:
		adapt_features(e, id, count, tsc_deadline);
		break;
	case 0x4:
		adapt_caches(e, count);
		break;
	case 0xa: /* no performance counters: nobody multiplexes them here */
	case 0x80000022:
		e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	case 0xb:
	case 0x1f:
		adapt_topology(e, id, count);
		break;
	case 0x80000001:
		e->ecx &= ~(uint32_t)(ECX81_SVM | ECX81_PERFCTR_CORE | ECX81_CMP_LEGACY);
		if (count > 1)
			e->ecx |= ECX81_CMP_LEGACY;
		break;
	case 0x80000008:
		e->ecx = id_bits(count) << 12 | (count - 1);
		break;
	case 0x8000000a: /* SVM's own leaf */
		e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	case 0x8000001e:
		e->eax = id;
		e->ebx = id; /* core id, one thread per core */
		e->ecx = 0;
		break;
	default:
		break;
	}
}

/* KVM lists sub-leaf 0 of the topology only on some kernels; the guest reads 0 and 1. */
static void add_topology(struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == function && c->entries[i].index == index)
			return;
	if (c->nent == ENTRIES_MAX)
		return;
	c->entries[c->nent++] = (struct kvm_cpuid_entry2) {
		.function = function,
		.index = index,
		.flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX,
	};
}

void cpuid_adapt(struct kvm_cpuid2 *c, unsigned id, unsigned count, bool tsc_deadline)
{
	uint32_t highest = 0;

	for (uint32_t i = 0; i < c->nent; i++)
		if (c->entries[i].function == 0)
			highest = c->entries[i].eax;
	if (highest >= 0xb) {
		add_topology(c, 0xb, 0);
		add_topology(c, 0xb, 1);
	}
	if (highest >= 0x1f) {
		add_topology(c, 0x1f, 0);
		add_topology(c, 0x1f, 1);
	}
	for (uint32_t i = 0; i < c->nent; i++)
		adapt(&c->entries[i], id, count, tsc_deadline);
}
