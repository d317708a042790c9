/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test guest has to work with. A guest is one boot image (boot.S) that holds all programs;
 * the kernel command line says which one runs: "test=NAME KEY=VALUE…". It tells what it found on
 * the first serial port, one line each:
 *
 *   ok NAME              a check held
 *   not ok NAME: WHY     it did not
 *   count KEY VALUE      a number for the host's side to judge
 *   end                  the program came to its end (the machine is powered off after this)
 *
 * Nothing here is thread-safe except where it says so: only cpu_run() starts other CPUs.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A program: PROGRAM(pci) { … } makes "test=pci" run it. */
struct program {
	const char *name;
	void (*run)(void);
};
#define PROGRAM(id)                                                                                \
	static void program_##id(void);                                                            \
	static const struct program entry_##id                                                     \
		__attribute__((section(".programs"), used, aligned(8))) = { #id, program_##id };   \
	static void program_##id(void)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* text.c */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
int strcmp(const char *a, const char *b);
/* %s %d %u %x %c %% with l, ll, z, width and 0; returns the length that it wanted. */
int format(char *buf, size_t size, const char *fmt, va_list ap);

/* report.c */
void print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Reports NAME with what was found when it does not hold; returns the condition. */
bool check(bool held, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Both numbers in the line when they differ. */
bool check_equal(uint64_t got, uint64_t want, const char *name);
void count(const char *key, uint64_t value);
/* "not ok" and the end of the machine: nothing sensible can follow. */
_Noreturn void give_up(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* serial.c: port 0x3f8 */
void serial_start(void);
void serial_write(const char *s, size_t n);
/* The next byte that came in, -1 if none. */
int serial_read(void);

/* args.c: the kernel command line */
const char *arg_text(const char *key, const char *otherwise);
uint64_t arg_number(const char *key, uint64_t otherwise);

/* memory.c: zeroed, never given back */
void *memory_take(size_t bytes, size_t align);
/* Makes the range above 4 GiB reachable; one to one, as everything. */
void memory_map(uint64_t address, uint64_t bytes);

/* cpu.c */
enum { CPUS_MAX = 8 };
extern volatile uint64_t interrupts[256]; /* how often each vector came, on any CPU */
/* What is written where before the end of each interrupt of one vector (0: of none); below 64 Ki it
 * is a port that is read. */
extern volatile uint64_t interrupt_quiet_vector, interrupt_quiet;
extern volatile uint32_t interrupt_quiet_value;
/* Level-triggered interrupts of this pin of the IOAPIC, to a vector of this CPU. */
void cpu_route_pin(unsigned pin, uint8_t vector);
/* The same, once for each time that the pin rises: what is counted to the last one (some KVMs
 * deliver a level twice). */
void cpu_route_edge(unsigned pin, uint8_t vector);
void cpu_start(void);
/* Runs fn(a, b) in ring 0, interrupts off. */
uint64_t cpu_ring0(uint64_t (*fn)(uint64_t a, uint64_t b), uint64_t a, uint64_t b);
uint64_t cpu_read_msr(uint32_t msr);
void cpu_write_msr(uint32_t msr, uint64_t value);
uint32_t cpu_apic_id(void);
/* From now on interrupts of this CPU, the only one that may have any, end without an exit where KVM
 * allows that, as they do in Linux. */
void cpu_say_no_end(void);
/* Halts until *counter is at least `want`; false after some seconds without that, if ticks wake it.
 */
bool cpu_wait(volatile uint64_t *counter, uint64_t want);
/* The same without halting. */
bool cpu_spin(volatile uint64_t *counter, uint64_t want);
/* The local APIC's timer from now on, several times a second. */
void cpu_tick(uint8_t vector);
/* About this long; the cycle counter is taken for 2 GHz, good enough for "should be over". */
void cpu_pause_us(uint64_t us);
uint64_t cpu_cycles(void);
/* INIT and SIPI to the CPU with this APIC id; its index, or -1 when it does not come up. */
int cpu_wake(uint32_t apic_id);
/* Runs fn(arg) on a CPU that was woken, without waiting; it must be idle. */
void cpu_run(int index, void (*fn)(void *arg), void *arg);
bool cpu_idle(int index);
_Noreturn void cpu_triple_fault(void);

/* acpi.c */
struct acpi_table {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[6], oem_table[8];
	uint32_t oem_revision, creator, creator_revision;
} __attribute__((packed));
/* The table with this signature, checksum verified (a wrong one is reported); NULL if none. */
const struct acpi_table *acpi_find(const char *signature);
/* Walks every table that the XSDT names. */
void acpi_each(void (*fn)(const struct acpi_table *t));
_Noreturn void acpi_power_off(void);
_Noreturn void acpi_reset(void);

static inline void out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" ::"a"(v), "d"(port));
}
static inline void out16(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" ::"a"(v), "d"(port));
}
static inline void out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" ::"a"(v), "d"(port));
}
static inline uint8_t in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "d"(port));
	return v;
}
static inline uint16_t in16(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "d"(port));
	return v;
}
static inline uint32_t in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "d"(port));
	return v;
}

/* Memory-mapped registers: exactly one access of exactly this width. */
#define MMIO(bits)                                                                                 \
	static inline uint##bits##_t read##bits(uint64_t at)                                       \
	{                                                                                          \
		return *(volatile uint##bits##_t *)(uintptr_t)at;                                  \
	}                                                                                          \
	static inline void write##bits(uint64_t at, uint##bits##_t v)                              \
	{                                                                                          \
		*(volatile uint##bits##_t *)(uintptr_t)at = v;                                     \
	}
MMIO(8)
MMIO(16)
MMIO(32)
MMIO(64)
#undef MMIO

static inline void barrier(void)
{
	__asm__ volatile("" ::: "memory");
}
static inline void fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
static inline void relax(void)
{
	__asm__ volatile("pause" ::: "memory");
}
