/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * virtio-balloon: pages that were given are empty, come back when they are touched, and everything
 * else stays as it was; what is no page of ours is nothing. The host says how many, and looks at
 * what it has got, between "filled" and "emptied".
 *
 * Arguments: those of ring_wishes(), reporting=3|4, the index of that queue.
 */
#include "virtio.h"

enum {
	VIRTIO_BALLOON = 5,
	INFLATE = 0,
	DEFLATE = 1,
	STATS = 2,
	VECTOR = 80,
	PAGE = 4096,
	PAGES = 8192, /* that we have to give from */
	RUN = 3072,   /* from the first on, the last of them first; then every second */
	BATCH = 256,
	STAT_FREE = 4,
	OURS = 64 << 20, /* where they are: nobody else is up there */
	NUM_PAGES = 0,	 /* of the configuration */
	ACTUAL = 4,
};

struct stat {
	uint16_t tag;
	uint64_t value;
} __attribute__((packed));

static struct virtio v;
static struct ring inflate, deflate, stats, reporting;
static uint64_t *pages;
static uint32_t *pfns;
static struct stat *told;

static uint64_t word(unsigned page, unsigned i)
{
	return (page * 512ULL + i) * 0x9e3779b97f4a7c15 | 1;
}

static uint64_t *page(unsigned n)
{
	return pages + n * (PAGE / 8);
}

/* How many of its words are not what they were, and how many are not zero. */
static uint64_t changed(unsigned n, bool zero)
{
	uint64_t bad = 0;

	for (unsigned i = 0; i < PAGE / 8; i++)
		bad += page(n)[i] != (zero ? 0 : word(n, i));
	return bad;
}

static void fill(unsigned n)
{
	for (unsigned i = 0; i < PAGE / 8; i++)
		page(n)[i] = word(n, i);
}

static bool send(struct ring *r, void *at, uint32_t bytes, bool device_writes)
{
	struct buffer b = { at, bytes, device_writes };

	ring_add(r, &b, 1);
	if (r->event_idx)
		ring_interrupt_after(r, r->next_used);
	ring_kick(r);
	return ring_wait(r, NULL) >= 0;
}

/* The nth page that is given. */
static unsigned given(unsigned n)
{
	return n < RUN ? RUN - 1 - n : RUN + 1 + 2 * (n - RUN);
}

static void move(struct ring *r, unsigned n)
{
	for (unsigned done = 0; done < n;) {
		unsigned i;

		for (i = 0; i < BATCH && done < n; i++)
			pfns[i] = (uint32_t)((uint64_t)page(given(done++)) / PAGE);
		if (!send(r, pfns, i * 4, false))
			give_up("pages were not taken");
	}
}

static void tell_free(uint64_t value)
{
	struct buffer b = { told, sizeof(*told), false };

	*told = (struct stat) { STAT_FREE, value };
	ring_add(&stats, &b, 1);
	ring_kick(&stats);
}

/* Until the host wishes for so many; meanwhile it is told what it asks for. */
static unsigned await(bool some)
{
	static uint64_t asked;
	uint64_t start = cpu_cycles();
	uint32_t n;

	while (!(n = read32(v.device + NUM_PAGES)) == some) {
		if (ring_take(&stats, NULL) >= 0)
			tell_free(1000 + ++asked);
		if (cpu_cycles() - start > 60000000000)
			give_up("nothing is wished for");
	}
	return n;
}

static void judge(unsigned n)
{
	uint64_t lost = 0, dirty = 0;

	for (unsigned i = 0; i < PAGES; i++) {
		bool gone = i < RUN || (i - RUN) % 2 == 1;

		if (!gone || (i >= RUN && (i - RUN) / 2 >= n - RUN))
			lost += changed(i, false);
		else
			dirty += changed(i, true);
	}
	check_equal(lost, 0, "what-was-not-given-stays");
	check_equal(dirty, 0, "what-was-given-is-empty");
	for (unsigned i = 0; i < PAGES; i++)
		fill(i);
	for (unsigned i = 0; i < PAGES; i++)
		lost += changed(i, false);
	check_equal(lost, 0, "pages-come-back");
}

static void report_free(void)
{
	/* From the middle of page 10 to that of page 20. */
	check(send(&reporting, (uint8_t *)page(10) + 100, 10 * PAGE, true), "free-pages", "-");
	check_equal(changed(10, false) + changed(20, false), 0, "parts-of-pages-stay");
	for (unsigned i = 11; i < 20; i++)
		check_equal(changed(i, true), 0, "reported-is-empty");
	check(send(&reporting, (uint8_t *)page(30) + 1, PAGE, true), "no-whole-page", "-");
	check_equal(changed(30, false) + changed(31, false), 0, "it-stays");
}

/* The local APIC, above all RAM, and bytes that are no number. */
static void lie(void)
{
	pfns[0] = 0xffffffff;
	pfns[1] = 0xfee00;
	pfns[2] = 0xfffff;
	pfns[3] = 0x100000;
	pfns[4] = (uint32_t)((uint64_t)page(40) / PAGE);
	check(send(&inflate, pfns, 4 * 4 + 3, false), "lies-are-answered", "-");
	check(send(&deflate, pfns, 3, false), "less-than-a-number", "-");
	check_equal(changed(40, false), 0, "half-a-number-is-none");
	write32(v.device + NUM_PAGES, 7);
	check_equal(read32(v.device + NUM_PAGES), 0, "the-wish-is-the-hosts");
}

static bool start(void)
{
	return virtio_find(VIRTIO_BALLOON, 0, &v) &&
	       virtio_begin(&v, ring_wishes() | FEATURE(1) | FEATURE(2) | FEATURE(5)) &&
	       ring_start(&inflate, &v, INFLATE, 16, VECTOR) &&
	       ring_start(&deflate, &v, DEFLATE, 16, VECTOR + 1) &&
	       ring_start(&stats, &v, STATS, 16, 0) &&
	       ring_start(&reporting, &v, (unsigned)arg_number("reporting", 3), 16, VECTOR + 2);
}

PROGRAM(balloon)
{
	unsigned n;

	pages = (uint64_t *)(uintptr_t)OURS;
	pfns = memory_take(BATCH * 4, 64);
	told = memory_take(64, 64);
	if (!start())
		give_up("wants a virtio-balloon");
	virtio_set_status(&v, VIRTIO_DRIVER_OK);
	for (unsigned i = 0; i < PAGES; i++)
		fill(i);
	tell_free(1000);
	check(v.features & FEATURE(5), "filled", "-");
	n = await(true);
	if (n <= RUN || given(n - 1) >= PAGES)
		give_up("%u pages are not what this test is about", n);
	move(&inflate, n);
	write32(v.device + ACTUAL, n);
	check_equal(read32(v.device + ACTUAL), n, "inflated");
	await(false);
	move(&deflate, n);
	write32(v.device + ACTUAL, 0);
	judge(n);
	report_free();
	lie();
	check(!(virtio_status(&v) & VIRTIO_NEEDS_RESET), "emptied", "-");
}
