/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rings, interrupts, other CPUs. Programs run in ring 3; what only ring 0 may do is done in the
 * handler of a software interrupt, when rax holds a password. Where there are none (PVM) the
 * instruction is an invalid opcode, and its exception does as well; KVM on VMX and SVM would leave
 * the guest for that, but not for an interrupt.
 */
#include "guest.h"

enum {
	X2APIC_ID = 0x802,
	X2APIC_COMMAND = 0x830,
	X2APIC_TIMER = 0x832,
	X2APIC_TIMER_START = 0x838,
	X2APIC_TIMER_DIVIDER = 0x83e,
	TIMER_PERIODIC = 1 << 17,
	TRAMPOLINE = 0x8000,
	RING0_VECTOR = 0x81, /* boot.S, too */

	IOAPIC_SELECT = 0xfec00000,
	IOAPIC_DATA = IOAPIC_SELECT + 0x10,
	IOAPIC_PINS = 0x10, /* two registers each */
	IOAPIC_LEVEL = 1 << 15,
};
static const uint64_t ring0_password = 0x72696e6730206f6b;

/* What boot.S leaves on the stack: registers, then what the CPU pushed. */
struct frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error, rip, cs, flags, rsp, ss;
};

struct gate {
	uint16_t offset_low, selector;
	uint8_t ist, type;
	uint16_t offset_middle;
	uint32_t offset_high, zero;
};

struct work {
	void (*volatile fn)(void *arg);
	void *volatile arg;
	volatile bool up;
};

volatile uint64_t interrupts[256];
volatile uint64_t interrupt_quiet_vector, interrupt_quiet;
volatile uint32_t interrupt_quiet_value;
volatile uint32_t end_unsaid; /* boot.S */
static struct work work[CPUS_MAX];

extern struct gate idt[256];
extern char interrupt_stubs[], trampoline[], trampoline_end[];
extern volatile uint32_t next_cpu;
void guest_exception(struct frame *f);
_Noreturn void guest_other_cpu(unsigned index);

static const struct program *program(const char *name)
{
	extern const struct program programs_start[], programs_end[];

	for (const struct program *p = programs_start; p < programs_end; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

_Noreturn void guest_start(void);
_Noreturn void guest_start(void)
{
	const char *name;
	const struct program *p;

	cpu_start();
	serial_start();
	name = arg_text("test", "");
	p = program(name);
	if (!p)
		give_up("no program '%s' in this guest", name);
	p->run();
	print("end\n");
	acpi_power_off();
}

static uint64_t enable_interrupts(uint64_t frame, uint64_t b)
{
	(void)b;
	((struct frame *)(uintptr_t)frame)->flags |= 0x200;
	return 0;
}

/* The handler passes its frame to functions that ask for it with a = 0. */
uint64_t cpu_ring0(uint64_t (*fn)(uint64_t, uint64_t), uint64_t a, uint64_t b)
{
	uint64_t ret;

	__asm__ volatile("int %[vector]"
			 : "=a"(ret)
			 : [vector] "i"(RING0_VECTOR), "a"(ring0_password), "D"(fn), "S"(a), "d"(b)
			 : "memory");
	return ret;
}

static bool is_ring0_call(const struct frame *f)
{
	return (f->vector == 6 || f->vector == RING0_VECTOR) && (f->cs & 3) == 3 &&
	       f->rax == ring0_password;
}

void guest_exception(struct frame *f)
{
	uint64_t (*fn)(uint64_t, uint64_t) = (void *)(uintptr_t)f->rdi;
	uint64_t fault = 0;

	if (is_ring0_call(f)) {
		if (f->vector == 6)
			f->rip += 2; /* else it is behind the instruction already */
		f->rax = fn(f->rsi ? f->rsi : (uint64_t)(uintptr_t)f, f->rdx);
		return;
	}
	__asm__ volatile("mov %%cr2, %0" : "=r"(fault));
	print("not ok exception: vector %lu error 0x%lx at 0x%lx ring %lu, address 0x%lx\n",
		f->vector, f->error, f->rip, f->cs & 3, fault);
	acpi_power_off();
}

void cpu_start(void)
{
	for (unsigned i = 0; i < 256; i++) {
		uint64_t at = (uint64_t)(uintptr_t)interrupt_stubs + i * 16;

		idt[i] = (struct gate) {
			.offset_low = (uint16_t)at,
			.selector = 0x10,
			.type = i == RING0_VECTOR ? 0xee : 0x8e, /* ring 3 may, or not */
			.offset_middle = (uint16_t)(at >> 16),
			.offset_high = (uint32_t)(at >> 32),
		};
	}
	out8(0x21, 0xff); /* nothing from the old interrupt controllers */
	out8(0xa1, 0xff);
	cpu_ring0(enable_interrupts, 0, 0);
}

static uint64_t read_msr(uint64_t msr, uint64_t b)
{
	uint32_t low, high;

	(void)b;
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"((uint32_t)msr));
	return (uint64_t)high << 32 | low;
}

static uint64_t write_msr(uint64_t msr, uint64_t v)
{
	__asm__ volatile("wrmsr" ::"c"((uint32_t)msr), "a"((uint32_t)v), "d"((uint32_t)(v >> 32)));
	return 0;
}

uint64_t cpu_read_msr(uint32_t msr)
{
	return cpu_ring0(read_msr, msr, 0);
}

void cpu_write_msr(uint32_t msr, uint64_t value)
{
	cpu_ring0(write_msr, msr, value);
}

uint32_t cpu_apic_id(void)
{
	return (uint32_t)cpu_read_msr(X2APIC_ID);
}

/* Linux, Documentation/virt/kvm/x86/msr.rst, MSR_KVM_EOI_EN. */
void cpu_say_no_end(void)
{
	uint32_t a = 0x40000001, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	if (a & 1 << 6)
		cpu_write_msr(0x4b564d04, (uint64_t)(uintptr_t)&end_unsaid | 1);
}

static void write_ioapic(unsigned at, uint32_t value)
{
	write32(IOAPIC_SELECT, at);
	write32(IOAPIC_DATA, value);
}

static void route(unsigned pin, uint32_t how)
{
	write_ioapic(IOAPIC_PINS + 2 * pin + 1, cpu_apic_id() << 24);
	write_ioapic(IOAPIC_PINS + 2 * pin, how);
}

void cpu_route_pin(unsigned pin, uint8_t vector)
{
	route(pin, IOAPIC_LEVEL | vector);
}

void cpu_route_edge(unsigned pin, uint8_t vector)
{
	route(pin, vector);
}

uint64_t cpu_cycles(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/*
 * Interrupts are off in here, so none can slip in between the look and the halt: sti takes effect
 * after the instruction that follows it.
 */
static uint64_t halt_until(uint64_t counter, uint64_t want)
{
	if (*(volatile uint64_t *)(uintptr_t)counter < want)
		__asm__ volatile("sti; hlt; cli" ::: "memory");
	return 0;
}

static const uint64_t patience = 20000000000; /* cycles: 5 to 10 seconds */

bool cpu_wait(volatile uint64_t *counter, uint64_t want)
{
	uint64_t start = cpu_cycles();

	while (*counter < want) {
		if (cpu_cycles() - start > patience)
			return false;
		cpu_ring0(halt_until, (uint64_t)(uintptr_t)counter, want);
	}
	return true;
}

bool cpu_spin(volatile uint64_t *counter, uint64_t want)
{
	uint64_t start = cpu_cycles();

	while (*counter < want) {
		if (cpu_cycles() - start > patience)
			return false;
		relax();
	}
	return true;
}

void cpu_tick(uint8_t vector)
{
	cpu_write_msr(X2APIC_TIMER_DIVIDER, 0xb);
	cpu_write_msr(X2APIC_TIMER, TIMER_PERIODIC | vector);
	cpu_write_msr(X2APIC_TIMER_START, 250000000); /* nanoseconds: KVM's APIC bus has 1 GHz */
}

void cpu_pause_us(uint64_t us)
{
	uint64_t start = cpu_cycles();

	while (cpu_cycles() - start < us * 2000)
		relax();
}

static void send_ipi(uint32_t apic_id, uint32_t command)
{
	cpu_write_msr(X2APIC_COMMAND, (uint64_t)apic_id << 32 | command);
}

int cpu_wake(uint32_t apic_id)
{
	uint32_t index = next_cpu;
	uint64_t start = cpu_cycles();

	memcpy((void *)TRAMPOLINE, trampoline, (size_t)(trampoline_end - trampoline));
	send_ipi(apic_id, 0x4500); /* INIT */
	cpu_pause_us(10000);
	send_ipi(apic_id, 0x4600 | TRAMPOLINE >> 12); /* SIPI */
	while (index >= CPUS_MAX || !work[index].up) {
		if (cpu_cycles() - start > patience)
			return -1;
		relax();
	}
	return (int)index;
}

void guest_other_cpu(unsigned index)
{
	struct work *w = &work[index];

	cpu_ring0(enable_interrupts, 0, 0);
	w->up = true;
	for (;;) {
		if (w->fn) {
			w->fn(w->arg);
			fence();
			w->fn = NULL;
		}
		relax();
	}
}

void cpu_run(int index, void (*fn)(void *arg), void *arg)
{
	work[index].arg = arg;
	fence();
	work[index].fn = fn;
}

bool cpu_idle(int index)
{
	return !work[index].fn;
}

static uint64_t no_handlers(uint64_t a, uint64_t b)
{
	static const struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) none = { 0, 0 };

	(void)a;
	(void)b;
	__asm__ volatile("lidt %0; ud2" ::"m"(none));
	return 0;
}

void cpu_triple_fault(void)
{
	cpu_ring0(no_handlers, 1, 0);
	give_up("survived a triple fault");
}
