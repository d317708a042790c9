/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An assigned NVMe function through many lives of a guest. The namespace's blocks are lines of text
 * that hold their own numbers; one of them ("block=") holds how often the guest has lived.
 */
#include "nvme.h"

enum { VECTOR = 90, TICK = 64, UNTOUCHED = 0x5a, READS = 50, BLOCKS = 4096 };

static struct nvme nvme;
static uint8_t *buffers; /* one page per command on its way */

static uint8_t *buffer(unsigned i)
{
	return buffers + i * 4096;
}

/* "…00123\n", 512 bytes of it */
static uint64_t number_in(const uint8_t *text)
{
	uint64_t v = 0;

	for (unsigned i = 400; i < NVME_BLOCK && text[i] >= '0' && text[i] <= '9'; i++)
		v = v * 10 + (uint64_t)(text[i] - '0');
	return v;
}

static void set_number(uint8_t *text, uint64_t v)
{
	static const char name[] = "life ";

	memset(text, '0', NVME_BLOCK);
	memcpy(text, name, sizeof(name) - 1);
	text[NVME_BLOCK - 1] = '\n';
	for (unsigned i = NVME_BLOCK - 2; v; v /= 10)
		text[i--] = (uint8_t)('0' + v % 10);
}

/* One command, and the halt that its interrupt ends. */
static void do_one(uint8_t opcode, uint64_t block, void *data)
{
	uint16_t status = 0;

	nvme_submit(&nvme, opcode, block, data);
	if (!cpu_wait(&interrupts[VECTOR], nvme.submitted))
		give_up("command %lu has no interrupt (%lu came, its answer is %s)", nvme.submitted,
			interrupts[VECTOR], nvme_reap(&nvme, &status) ? "there" : "missing, too");
	if (!nvme_reap(&nvme, &status) || status)
		give_up("block %lu: status 0x%x", block, status);
}

static void open(void)
{
	if (!nvme_open(&nvme, 0, VECTOR))
		give_up("no NVMe function that starts");
	buffers = memory_take(NVME_DEPTH * 4096, 4096);
	cpu_tick(TICK);
}

static void read_some(void)
{
	uint8_t *data = buffer(NVME_DEPTH - 1);

	for (uint64_t i = 0; i < READS; i++) {
		uint64_t block = 1000 + (i * 37 + cpu_cycles() % 7) % 1000;

		do_one(NVME_READ, block, data);
		if (number_in(data) != block)
			give_up("block %lu holds %lu", block, number_in(data));
	}
}

/* How many bytes of the others' pages are not as they were left. */
static uint64_t touched(void)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < (NVME_DEPTH - 1) * 4096; i++)
		n += buffers[i] != UNTOUCHED;
	return n;
}

/* Interrupts that nobody has asked for. */
static uint64_t strangers(void)
{
	uint64_t n = 0;

	for (unsigned i = 32; i < 256; i++)
		n += i == VECTOR || i == TICK ? 0 : interrupts[i];
	return n;
}

static void leave_on_their_way(void)
{
	for (unsigned i = 0; nvme_submit(&nvme, NVME_READ, BLOCKS + i, buffer(i)); i++)
		;
}

static void wait_for_a_key(uint64_t life)
{
	print("waiting %lu\n", life);
	while (serial_read() < 0)
		cpu_pause_us(1000);
}

/*
 * A life: count it, read with a halt per command, and reset the machine while a queue full of reads
 * is on its way into pages at which the next life looks.
 */
PROGRAM(nvme_lives)
{
	uint64_t block = arg_number("block", 600), life;
	uint8_t *data;

	open();
	data = buffer(NVME_DEPTH - 1);
	memset(buffers, UNTOUCHED, (NVME_DEPTH - 1) * 4096);
	do_one(NVME_READ, block, data);
	life = memcmp(data, "life ", 5) ? 1 : number_in(data) + 1;
	set_number(data, life);
	do_one(NVME_WRITE, block, data);
	read_some();
	if (interrupts[VECTOR] != nvme.submitted || touched() || strangers())
		check(false, "life",
			"%lu commands, %lu interrupts and %lu others, %lu bytes of an earlier life",
			nvme.submitted, interrupts[VECTOR], strangers(), touched());
	print("life %lu commands %lu interrupts %lu\n", life, nvme.submitted, interrupts[VECTOR]);
	if (life == arg_number("first", 0) || life == arg_number("lives", 2))
		wait_for_a_key(life);
	if (life >= arg_number("lives", 2))
		return;
	leave_on_their_way();
	acpi_reset();
}

/* What a guest says while it goes on, with or without the function. */
static void tell_now_and_then(void)
{
	static uint64_t told;

	if (interrupts[TICK] < told + 8)
		return;
	told = interrupts[TICK];
	print("alive %lu commands %lu\n", told / 8, nvme.completed);
	if (strangers())
		check(false, "others", "%lu interrupts that nobody asked for", strangers());
}

/*
 * Reads without end, many at a time: for those who kill the monitor, or take the function away.
 * "blank=1": the namespace is another one than that with the numbers.
 */
PROGRAM(nvme_busy)
{
	uint16_t status = 0;
	bool told = false;

	open();
	if (!arg_number("blank", 0))
		read_some();
	for (uint64_t block = 0;; relax()) {
		while (nvme_submit(&nvme, NVME_READ, BLOCKS + block % 64,
			buffer((unsigned)(nvme.submitted % NVME_DEPTH))))
			block++;
		while (nvme_reap(&nvme, &status) > 0)
			if (status)
				give_up("status 0x%x", status);
		if (!told && nvme.completed > 500)
			told = check(true, "busy", "-");
		tell_now_and_then();
	}
}
