/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "routes.h"

enum { FIRST_BLOCK = IRQ_IOAPIC_PINS };

/* Vectors of the message: its number, 0 to 255. */
static uint32_t number_of(struct msi_message m)
{
	return m.data & 0xff;
}

static struct msi_message without_number(struct msi_message m)
{
	return (struct msi_message) { m.address, m.data & ~0xffU };
}

static bool same(struct msi_message a, struct msi_message b)
{
	return a.address == b.address && a.data == b.data;
}

static int gsi_in_block(unsigned block, uint32_t number)
{
	return (int)(FIRST_BLOCK + block * ROUTES_VECTORS + number - ROUTES_FIRST_VECTOR);
}

static int gsi_of_single(const struct irq_routes *r, unsigned i)
{
	return (int)(FIRST_BLOCK + r->n_blocks * ROUTES_VECTORS + i);
}

/* The block that a GSI is in, or n_blocks and more. */
static unsigned block_of(int gsi)
{
	return (unsigned)(gsi - FIRST_BLOCK) / ROUTES_VECTORS;
}

static unsigned single_of(const struct irq_routes *r, int gsi)
{
	return (unsigned)(gsi - gsi_of_single(r, 0));
}

void routes_init(struct irq_routes *r, unsigned entries, unsigned pins)
{
	unsigned room = MIN(entries, (unsigned)IRQ_ROUTES_MAX);

	*r = (struct irq_routes) { 0 };
	/* Neither their number nor their GSIs may reach KVM's limit. */
	room = room > pins ? room - pins : 0;
	if (room > ROUTES_SINGLES)
		r->n_blocks =
			MIN((room - ROUTES_SINGLES) / ROUTES_VECTORS, (unsigned)ROUTES_BLOCKS);
	r->n_singles = MIN(room - r->n_blocks * ROUTES_VECTORS, (unsigned)ROUTES_SINGLES);
}

bool routes_is_used(const struct irq_routes *r, int gsi)
{
	return gsi >= FIRST_BLOCK && gsi < IRQ_ROUTES_MAX && (r->used[gsi / 64] >> gsi % 64 & 1);
}

static void set_used(struct irq_routes *r, int gsi, bool used)
{
	uint64_t bit = 1ULL << gsi % 64;

	r->used[gsi / 64] = used ? r->used[gsi / 64] | bit : r->used[gsi / 64] & ~bit;
}

/* The block of the message; a new one, or one that nobody uses any more, becomes it. */
static struct irq_block *find_block(struct irq_routes *r, struct msi_message m)
{
	struct irq_block *spare = NULL;

	for (unsigned i = 0; i < r->n_blocks; i++) {
		struct irq_block *b = &r->blocks[i];

		if (b->made && same(b->message, m))
			return b;
		if (!b->users && (!spare || (spare->made && !b->made)))
			spare = b;
	}
	if (!spare)
		return NULL;
	*spare = (struct irq_block) { .made = true, .message = m };
	r->dirty = true;
	return spare;
}

static int take_single(struct irq_routes *r, struct msi_message m)
{
	for (unsigned i = 0; i < r->n_singles; i++) {
		int gsi = gsi_of_single(r, i);

		if (routes_is_used(r, gsi))
			continue;
		r->singles[i] = m;
		set_used(r, gsi, true);
		r->dirty = true;
		return gsi;
	}
	return -ENOSPC;
}

int routes_take(struct irq_routes *r, struct msi_message m)
{
	struct irq_block *b =
		number_of(m) >= ROUTES_FIRST_VECTOR ? find_block(r, without_number(m)) : NULL;
	int gsi = b ? gsi_in_block((unsigned)(b - r->blocks), number_of(m)) : -1;

	if (!b || routes_is_used(r, gsi))
		return take_single(r, m);
	set_used(r, gsi, true);
	b->users++;
	return gsi;
}

/* What is stale in KVM's table goes with the next change of it: nothing signals it any more. */
void routes_give(struct irq_routes *r, int gsi)
{
	if (!routes_is_used(r, gsi))
		return;
	set_used(r, gsi, false);
	if (block_of(gsi) < r->n_blocks)
		r->blocks[block_of(gsi)].users--;
}

struct msi_message routes_message(const struct irq_routes *r, int gsi)
{
	unsigned block = block_of(gsi);
	struct msi_message m;

	if (block >= r->n_blocks)
		return r->singles[single_of(r, gsi)];
	m = r->blocks[block].message;
	m.data |= (unsigned)(gsi - FIRST_BLOCK) % ROUTES_VECTORS + ROUTES_FIRST_VECTOR;
	return m;
}

static bool is_in_table(const struct irq_routes *r, int gsi)
{
	unsigned block = block_of(gsi);

	return block < r->n_blocks ? r->blocks[block].made : routes_is_used(r, gsi);
}

static int end_of(const struct irq_routes *r)
{
	return gsi_of_single(r, r->n_singles);
}

unsigned routes_count(const struct irq_routes *r)
{
	unsigned n = 0;

	for (int gsi = FIRST_BLOCK; gsi < end_of(r); gsi++)
		n += is_in_table(r, gsi);
	return n;
}

void routes_fill(const struct irq_routes *r, struct kvm_irq_routing_entry *e)
{
	for (int gsi = FIRST_BLOCK; gsi < end_of(r); gsi++) {
		struct msi_message m;

		if (!is_in_table(r, gsi))
			continue;
		m = routes_message(r, gsi);
		e->gsi = (uint32_t)gsi;
		e->type = KVM_IRQ_ROUTING_MSI;
		e->u.msi.address_lo = (uint32_t)m.address;
		e->u.msi.address_hi = (uint32_t)(m.address >> 32);
		e->u.msi.data = m.data;
		e++;
	}
}
