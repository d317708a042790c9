/* SPDX-License-Identifier: GPL-2.0-or-later */
/* KVM's paravirtual clock (Linux, Documentation/virt/kvm/x86/msr.rst) says how long a cycle is. */
#include "bench.h"

enum {
	KVM_FEATURES = 0x40000001,
	KVM_CLOCKSOURCE2 = 1 << 3,
	KVM_SYSTEM_TIME_NEW = 0x4b564d01,
};

struct system_time {
	uint32_t version, pad;
	uint64_t cycles, ns;
	uint32_t multiplier;
	int8_t shift;
	uint8_t flags, pad2[2];
};

static uint32_t kvm_features(void)
{
	uint32_t a = KVM_FEATURES, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return a;
}

static const volatile struct system_time *system_time(void)
{
	static const volatile struct system_time *t;

	if (t)
		return t;
	if (!(kvm_features() & KVM_CLOCKSOURCE2))
		give_up("KVM offers no clock");
	t = memory_take(sizeof(*t), 64);
	cpu_write_msr(KVM_SYSTEM_TIME_NEW, (uint64_t)(uintptr_t)t | 1);
	if (!t->multiplier)
		give_up("KVM's clock stands still");
	return t;
}

uint64_t clock_ns(uint64_t cycles)
{
	const volatile struct system_time *t = system_time();

	cycles = t->shift < 0 ? cycles >> -t->shift : cycles << t->shift;
	return (uint64_t)((unsigned __int128)cycles * t->multiplier >> 32);
}

void times_start(struct times *t, uint64_t max)
{
	*t = (struct times) { .max = max };
	clock_ns(0);
	t->v = memory_take((max + 1) * sizeof(*t->v), 64);
	t->start = cpu_cycles();
}

void times_add(struct times *t, uint64_t cycles)
{
	if (t->n < t->max)
		t->v[t->n++] = cycles < UINT32_MAX ? (uint32_t)cycles : UINT32_MAX;
}

void times_stop(struct times *t)
{
	t->end = cpu_cycles();
}

static void sift(uint32_t *v, uint64_t root, uint64_t n)
{
	for (uint64_t child; (child = 2 * root + 1) < n; root = child) {
		uint32_t moved = v[root];

		if (child + 1 < n && v[child + 1] > v[child])
			child++;
		if (v[child] <= moved)
			return;
		v[root] = v[child];
		v[child] = moved;
	}
}

static void sort(uint32_t *v, uint64_t n)
{
	for (uint64_t i = n / 2; i-- > 0;)
		sift(v, i, n);
	for (uint64_t last = n; last-- > 1;) {
		uint32_t largest = v[0];

		v[0] = v[last];
		v[last] = largest;
		sift(v, 0, last);
	}
}

static void tell(const char *key, uint64_t v)
{
	print("count %s %016lu\n", key, v);
}

void times_tell(struct times *t, uint64_t failed)
{
	sort(t->v, t->n);
	tell("failed", failed);
	tell("ops", t->n);
	tell("ns", clock_ns(t->end - t->start));
	tell("p50", t->n ? clock_ns(t->v[t->n / 2]) : 0);
	tell("p99", t->n ? clock_ns(t->v[t->n * 99 / 100]) : 0);
}
