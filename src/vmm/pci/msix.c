/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "msix.h"

#include "base/checked.h"
#include "claims.h"

#include <pthread.h>
#include <stdio.h>
#include <stdatomic.h>
#include <string.h>

enum { CAP_BYTES = PCI_CAP_MSIX_SIZEOF };

struct entry {
	uint8_t table[MSIX_ENTRY_BYTES]; /* as the guest sees it */
	struct msi_vector vector;
	_Atomic int fd; /* vector.fd for msix_notify(), which takes no lock; -1 = none yet */
	bool was_live;	/* since MSI-X was last enabled */
	KEEP_APART;
};

struct msix {
	struct pci_device *dev;
	struct msix_params params;
	unsigned cap;
	pthread_mutex_t lock; /* the table and what follows from it */
	atomic_bool enabled;
	bool function_masked;
	struct entry entries[];
};

static uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool is_masked(const struct entry *e)
{
	return e->table[PCI_MSIX_ENTRY_VECTOR_CTRL] & PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

static struct msi_message message_of(const struct entry *e)
{
	return (struct msi_message) {
		.address = (uint64_t)get32(&e->table[PCI_MSIX_ENTRY_UPPER_ADDR]) << 32 |
			   get32(&e->table[PCI_MSIX_ENTRY_LOWER_ADDR]),
		.data = get32(&e->table[PCI_MSIX_ENTRY_DATA]),
	};
}

static void reset_entry(struct entry *e)
{
	memset(e->table, 0, sizeof(e->table));
	e->table[PCI_MSIX_ENTRY_VECTOR_CTRL] = PCI_MSIX_ENTRY_CTRL_MASKBIT;
}

static int set_up_capability(
	struct pci_device *dev, const struct msix_params *p, unsigned cap, unsigned *ret_cap)
{
	int r = cap ? (int)cap : pci_add_capability(dev, PCI_CAP_ID_MSIX, CAP_BYTES);

	if (r < 0)
		return r;
	cap = (unsigned)r;
	pci_set16(dev, cap + PCI_MSIX_FLAGS, (uint16_t)(p->vectors - 1));
	dev->write_mask[cap + PCI_MSIX_FLAGS] = 0;
	dev->write_mask[cap + PCI_MSIX_FLAGS + 1] =
		(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL) >> 8;
	pci_set32(dev, cap + PCI_MSIX_TABLE, p->table_offset | p->table_bar);
	pci_set32(dev, cap + PCI_MSIX_PBA, p->pba_offset | p->pba_bar);
	*ret_cap = cap;
	return 0;
}

int msix_new(struct pci_device *dev, const struct msix_params *p, unsigned cap, struct msix **ret)
{
	CLEANUP(msix_freep) struct msix *m = NULL;
	int r;

	if (!p->vectors || p->vectors > MSIX_VECTORS_MAX || p->table_bar > 5 || p->pba_bar > 5 ||
		p->table_offset % 8 || p->pba_offset % 8 ||
		(cap && !range_fits(cap, CAP_BYTES, PCI_CFG_SPACE_SIZE)))
		return -EINVAL;
	m = calloc(1, sizeof(*m) + p->vectors * sizeof(m->entries[0]));
	if (!m)
		return -ENOMEM;
	m->dev = dev;
	m->params = *p;
	pthread_mutex_init(&m->lock, NULL);
	for (unsigned i = 0; i < p->vectors; i++) {
		msi_vector_init(&m->entries[i].vector, p->irq);
		m->entries[i].vector.foreign = p->foreign;
		m->entries[i].fd = -1;
		reset_entry(&m->entries[i]);
	}
	r = set_up_capability(dev, p, cap, &m->cap);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

void msix_free(struct msix *m)
{
	if (!m)
		return;
	for (unsigned i = 0; i < m->params.vectors; i++)
		msi_vector_done(&m->entries[i].vector);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

static int entry_fd(struct entry *e)
{
	int fd = msi_vector_fd(&e->vector);

	if (fd >= 0)
		atomic_store(&e->fd, fd);
	return fd;
}

static int tell(struct msix *m, int r)
{
	if (r < 0 && m->params.ops && m->params.ops->failed)
		m->params.ops->failed(m->params.opaque, r);
	return r;
}

/* Brings one vector to where the table and the two function-wide bits want it. Lock held. */
static void update_entry(struct msix *m, unsigned i)
{
	struct entry *e = &m->entries[i];
	bool live = atomic_load(&m->enabled) && !m->function_masked && !is_masked(e);

	if (!live) {
		msi_vector_detach(&e->vector);
		return;
	}
	if (tell(m, entry_fd(e)) < 0)
		return; /* out of descriptors: the guest loses this vector, nothing else */
	if (!e->was_live && m->params.ops && m->params.ops->live)
		m->params.ops->live(m->params.opaque, i);
	e->was_live = true;
	tell(m, msi_vector_attach(&e->vector, message_of(e)));
}

static void update_all(struct msix *m)
{
	irq_batch_begin(m->params.irq);
	for (unsigned i = 0; i < m->params.vectors; i++)
		update_entry(m, i);
	tell(m, irq_batch_commit(m->params.irq));
}

static void set_enabled(struct msix *m, bool on)
{
	if (on == atomic_load(&m->enabled))
		return;
	atomic_store(&m->enabled, on);
	if (m->params.ops && m->params.ops->enabled)
		m->params.ops->enabled(m->params.opaque, on);
	if (on)
		return;
	/* What was pending is forgotten, and each vector is new when it becomes live again. */
	update_all(m);
	for (unsigned i = 0; i < m->params.vectors; i++) {
		msi_vector_drain(&m->entries[i].vector);
		m->entries[i].was_live = false;
	}
}

void msix_config_written(struct msix *m, unsigned offset, unsigned len)
{
	uint16_t flags;

	if (!pci_touches(offset, len, m->cap + PCI_MSIX_FLAGS, 2))
		return;
	flags = pci_get16(m->dev, m->cap + PCI_MSIX_FLAGS);
	pthread_mutex_lock(&m->lock);
	m->function_masked = flags & PCI_MSIX_FLAGS_MASKALL;
	set_enabled(m, flags & PCI_MSIX_FLAGS_ENABLE);
	update_all(m);
	pthread_mutex_unlock(&m->lock);
}

static bool in_table(const struct msix *m, unsigned bar, uint64_t offset, uint64_t *ret_at)
{
	*ret_at = offset - m->params.table_offset;
	return bar == m->params.table_bar && offset >= m->params.table_offset &&
	       *ret_at < msix_table_bytes(m->params.vectors);
}

static bool in_pba(const struct msix *m, unsigned bar, uint64_t offset, uint64_t *ret_at)
{
	*ret_at = offset - m->params.pba_offset;
	return bar == m->params.pba_bar && offset >= m->params.pba_offset &&
	       *ret_at < msix_pba_bytes(m->params.vectors);
}

/* NULL beyond the table's end. */
static uint8_t *table_byte(struct msix *m, uint64_t at)
{
	uint64_t i = at / MSIX_ENTRY_BYTES;

	return i < m->params.vectors ? &m->entries[i].table[at % MSIX_ENTRY_BYTES] : NULL;
}

static uint64_t table_read(struct msix *m, uint64_t at, unsigned len)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < len; i++) {
		const uint8_t *byte = table_byte(m, at + i);

		v |= (uint64_t)(byte ? *byte : 0xff) << (8 * i);
	}
	return v;
}

/* Only when enabled: before that nothing can be pending. */
static uint64_t pba_read(struct msix *m, uint64_t at, unsigned len)
{
	uint64_t v = 0;

	for (unsigned bit = 0; bit < 8 * len; bit++) {
		uint64_t i = 8 * at + bit;

		if (i < m->params.vectors && atomic_load(&m->enabled) &&
			msi_vector_pending(&m->entries[i].vector))
			v |= 1ULL << bit;
	}
	return v;
}

bool msix_bar_read(struct msix *m, unsigned bar, uint64_t offset, unsigned len, uint64_t *ret_value)
{
	bool table, pba;
	uint64_t table_at, pba_at;

	table = in_table(m, bar, offset, &table_at);
	pba = in_pba(m, bar, offset, &pba_at);
	if (!table && !pba)
		return false;
	pthread_mutex_lock(&m->lock);
	*ret_value = table ? table_read(m, table_at, len) : pba_read(m, pba_at, len);
	pthread_mutex_unlock(&m->lock);
	return true;
}

/* The reserved bits of an entry read zero: all of the control word but the mask, and two of the
 * address. */
static uint8_t writable_bits(uint64_t at)
{
	switch (at % MSIX_ENTRY_BYTES) {
	case PCI_MSIX_ENTRY_LOWER_ADDR:
		return 0xfc;
	case PCI_MSIX_ENTRY_VECTOR_CTRL:
		return PCI_MSIX_ENTRY_CTRL_MASKBIT;
	case PCI_MSIX_ENTRY_VECTOR_CTRL + 1:
	case PCI_MSIX_ENTRY_VECTOR_CTRL + 2:
	case PCI_MSIX_ENTRY_VECTOR_CTRL + 3:
		return 0;
	default:
		return 0xff;
	}
}

static void table_write(struct msix *m, uint64_t at, unsigned len, uint64_t value)
{
	uint64_t first = at / MSIX_ENTRY_BYTES, last = (at + len - 1) / MSIX_ENTRY_BYTES;

	for (unsigned i = 0; i < len; i++) {
		uint8_t *byte = table_byte(m, at + i);

		if (byte)
			*byte = (uint8_t)(value >> (8 * i)) & writable_bits(at + i);
	}
	irq_batch_begin(m->params.irq);
	for (uint64_t i = first; i <= last && i < m->params.vectors; i++)
		update_entry(m, (unsigned)i);
	tell(m, irq_batch_commit(m->params.irq));
}

bool msix_bar_write(struct msix *m, unsigned bar, uint64_t offset, unsigned len, uint64_t value)
{
	uint64_t at;

	if (in_table(m, bar, offset, &at)) {
		pthread_mutex_lock(&m->lock);
		table_write(m, at, len, value);
		pthread_mutex_unlock(&m->lock);
		return true;
	}
	return in_pba(m, bar, offset, &at); /* read-only */
}

bool msix_is_enabled(const struct msix *m)
{
	return atomic_load(&m->enabled);
}

int msix_fd(struct msix *m, unsigned vector)
{
	/* Once made it stays; callbacks that hold the lock already ask for those that are made. */
	int fd;

	if (vector >= m->params.vectors)
		return -ERANGE;
	fd = atomic_load(&m->entries[vector].fd);
	if (fd >= 0)
		return fd;
	pthread_mutex_lock(&m->lock);
	fd = entry_fd(&m->entries[vector]);
	pthread_mutex_unlock(&m->lock);
	return fd;
}

void msix_lend(struct msix *m, const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n && i < m->params.vectors; i++) {
		msi_vector_lend(&m->entries[i].vector, fds[i]);
		atomic_store(&m->entries[i].fd, fds[i]);
	}
}

bool msix_announce(struct msix *m, unsigned vector)
{
	if (!atomic_load(&m->enabled) || vector >= m->params.vectors)
		return false;
	msi_vector_announce(&m->entries[vector].vector);
	return true;
}

void msix_is_foreign(struct msix *m, unsigned vector)
{
	if (vector >= m->params.vectors)
		return;
	pthread_mutex_lock(&m->lock);
	m->entries[vector].vector.foreign = true;
	pthread_mutex_unlock(&m->lock);
}

void msix_notify(struct msix *m, unsigned vector)
{
	if (!atomic_load(&m->enabled) || msix_fd(m, vector) < 0)
		return;
	msi_vector_signal(&m->entries[vector].vector);
}

void msix_notify_to_be_sure(struct msix *m, unsigned vector)
{
	if (vector < m->params.vectors && atomic_load(&m->entries[vector].fd) >= 0)
		msi_vector_signal_to_be_sure(&m->entries[vector].vector);
}

void msix_stats(struct msix *m, void (*each)(void *arg, const char *name, uint64_t v), void *arg)
{
	struct msi_counts all = { 0 };

	for (unsigned i = 0; i < m->params.vectors; i++)
		msi_counts_add(&all, msi_vector_counts(&m->entries[i].vector));
	msi_counts_tell(&all, "interrupts", each, arg);
	for (unsigned i = 0; i < m->params.vectors; i++) {
		struct msi_counts c = msi_vector_counts(&m->entries[i].vector);
		char name[24];

		snprintf(name, sizeof(name), "vector%u", i);
		if (c.signalled)
			msi_counts_tell(&c, name, each, arg);
	}
}

void msix_claim(struct msix *m, struct pci_claims *c)
{
	pci_claim_hold(c, &m->lock);
	for (unsigned i = 0; i < m->params.vectors; i++) {
		const struct entry *e = &m->entries[i];
		bool live = atomic_load(&m->enabled) && !m->function_masked && !is_masked(e);

		pci_claim_vector(c, m->dev->name, &e->vector);
		if (e->vector.attached && !live)
			pci_claim_wrong(c, "%s: masked vector %u is live", m->dev->name, i);
	}
}

void msix_reset(struct msix *m)
{
	pthread_mutex_lock(&m->lock);
	set_enabled(m, false);
	m->function_masked = false;
	for (unsigned i = 0; i < m->params.vectors; i++)
		reset_entry(&m->entries[i]);
	pci_set16(m->dev, m->cap + PCI_MSIX_FLAGS, (uint16_t)(m->params.vectors - 1));
	pthread_mutex_unlock(&m->lock);
}
