/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked of the disk, outside of the channel's lock, and what becomes of it. */
#include "internal.h"
#include "prd.h"

#include "base/sg.h"
#include "vmm/count/syscalls.h"

#include <string.h>

enum { BATCH_BYTES = 1 << 20 };

static struct disk *disk_of(struct ide_channel *c, const struct ide_request *r)
{
	return c->drives[r->drive].disk;
}

/* ---- outside of the lock ---- */

static int move(struct ide_channel *c, const struct ide_request *r, bool write, struct sg *s)
{
	struct disk *d = disk_of(c, r);
	uint64_t offset = r->lba * ATA_SECTOR, bytes = s->len;
	int e = write ? d->ops->write(d, s, offset) : d->ops->read(d, s, offset);

	if (e == 0)
		ide_count(write ? &c->counts.bytes_written : &c->counts.bytes_read, bytes);
	return e;
}

static int move_buffer(struct ide_channel *c, const struct ide_request *r, bool write)
{
	struct iovec v = { c->buffer, r->now * ATA_SECTOR };
	struct sg s = { &v, 1, v.iov_len };
	struct disk *d = disk_of(c, r);
	int e = move(c, r, write, &s);

	return e == 0 && write && r->stable ? d->ops->flush(d) : e;
}

/* Reads to see that it can be read. */
static int verify(struct ide_channel *c, struct ide_request *r)
{
	int e = 0;

	while (e == 0 && r->left) {
		r->now = MIN(r->left, (uint32_t)ATA_MULTIPLE_MAX);
		e = move_buffer(c, r, false);
		if (e == 0) {
			r->lba += r->now;
			r->left -= r->now;
		}
	}
	return e;
}

/*
 * The next pieces of guest memory, as many whole sectors as fit. Entries may cut sectors in two:
 * what is too much is taken again with the next ones.
 */
static int gather(struct ide_channel *c, struct prd *p, uint64_t bytes, struct sg *s)
{
	struct prd again = *p;
	size_t whole;
	int e;

	*s = (struct sg) { .v = c->pieces };
	e = prd_take(p, MIN(bytes, (uint64_t)BATCH_BYTES), IDE_PIECES_MAX, s);
	if (e < 0)
		return e;
	whole = s->len - s->len % ATA_SECTOR;
	if (whole == s->len || prd_is_empty(p)) {
		sg_chop(s, s->len - whole);
		return 0;
	}
	*p = again;
	*s = (struct sg) { .v = c->pieces };
	e = prd_take(p, whole, IDE_PIECES_MAX, s);
	if (e == 0)
		sg_chop(s, s->len % ATA_SECTOR); /* somebody has rewritten the list */
	return e;
}

static void dma(struct ide_channel *c, struct ide_request *r, struct ide_outcome *o)
{
	bool write = r->work == IDE_DMA_WRITE;
	struct prd p;

	prd_init(&p, c->params.memory, r->prd);
	while (o->error == 0 && r->left && !o->exhausted) {
		struct sg s;
		uint32_t sectors;

		o->error = gather(c, &p, (uint64_t)r->left * ATA_SECTOR, &s);
		if (o->error < 0)
			break;
		sectors = (uint32_t)(s.len / ATA_SECTOR);
		o->exhausted = !sectors;
		if (sectors)
			o->error = move(c, r, write, &s);
		if (o->error == 0) {
			r->lba += sectors;
			r->left -= sectors;
		}
	}
	o->list_done = prd_is_empty(&p);
	if (o->error == 0 && write && r->stable)
		o->error = disk_of(c, r)->ops->flush(disk_of(c, r));
}

/* One range: 48 bits of address, 16 of sectors; 0 sectors: none. */
static int trim_range(struct ide_channel *c, const struct ide_request *r, uint64_t range)
{
	struct disk *d = disk_of(c, r);
	uint64_t lba = range & 0xffffffffffff, sectors = range >> 48;
	int e;

	if (!sectors)
		return 0;
	if (!ata_drive_holds(&c->drives[r->drive], lba, sectors))
		return -EINVAL;
	e = d->ops->discard(d, lba * ATA_SECTOR, sectors * ATA_SECTOR);
	return e == -EOPNOTSUPP ? 0 : e; /* it is a hint */
}

static void trim(struct ide_channel *c, struct ide_request *r, struct ide_outcome *o)
{
	struct sg s = { .v = c->pieces };
	struct prd p;

	prd_init(&p, c->params.memory, r->prd);
	o->error = prd_take(&p, r->left * ATA_SECTOR, IDE_PIECES_MAX, &s);
	o->list_done = prd_is_empty(&p);
	if (o->error < 0)
		return;
	o->exhausted = !sg_pull(&s, c->buffer, r->left * ATA_SECTOR);
	for (uint32_t i = 0; !o->exhausted && o->error == 0 && i < r->left * ATA_SECTOR; i += 8) {
		uint64_t range;

		memcpy(&range, &c->buffer[i], sizeof(range));
		o->error = trim_range(c, r, range);
	}
}

/* Else the guest asked for what there is not. */
static bool is_of_host(int error)
{
	return error < 0 && error != -EFAULT && error != -EINVAL;
}

static void run(struct ide_channel *c, struct ide_request *r, struct ide_outcome *o)
{
	switch (r->work) {
	case IDE_PIO_READ:
	case IDE_PIO_WRITE:
		o->error = move_buffer(c, r, r->work == IDE_PIO_WRITE);
		break;
	case IDE_DMA_READ:
	case IDE_DMA_WRITE:
		dma(c, r, o);
		break;
	case IDE_TRIM:
		trim(c, r, o);
		break;
	case IDE_FLUSH:
		o->error = disk_of(c, r)->ops->flush(disk_of(c, r));
		break;
	case IDE_VERIFY:
		o->error = verify(c, r);
		break;
	case IDE_NOTHING:
		break;
	}
	if (is_of_host(o->error))
		c->params.failed(c->params.arg, r->drive, o->error);
}

/* ---- what becomes of it ---- */

static bool by_master(const struct ide_request *r)
{
	return r->work == IDE_DMA_READ || r->work == IDE_DMA_WRITE || r->work == IDE_TRIM;
}

/* The address of the sector that failed is in the task file. */
static void tell_where(struct ide_channel *c, const struct ide_request *r)
{
	c->now.low = (uint8_t)r->lba;
	c->now.mid = (uint8_t)(r->lba >> 8);
	c->now.high = (uint8_t)(r->lba >> 16);
	if (r->extended) {
		c->before.low = (uint8_t)(r->lba >> 24);
		c->before.mid = (uint8_t)(r->lba >> 32);
		c->before.high = (uint8_t)(r->lba >> 40);
	} else if (c->device & DEVICE_LBA) {
		c->device = (uint8_t)((c->device & ~DEVICE_HEAD) | (r->lba >> 24 & DEVICE_HEAD));
	}
}

static void failed(struct ide_channel *c, const struct ide_outcome *o)
{
	const struct ide_request *r = &c->request;

	if (by_master(r))
		c->master_status &= (uint8_t)~MASTER_ACTIVE;
	if (o->error == -EFAULT)
		c->master_status |= MASTER_ERROR;
	if (is_of_host(o->error))
		ide_count(disk_is_full(o->error) ? &c->counts.no_space : &c->counts.io_errors, 1);
	tell_where(c, r);
	ide_fail(c, r->drive, is_of_host(o->error) ? ATA_UNCORRECTABLE : ATA_ABORTED);
}

/* A list that is too short leaves the drive waiting for ever, the bus master idle, and no
 * interrupt; one that is too long leaves the bus master active (1.0, table 2). */
static void master_finished(struct ide_channel *c, const struct ide_outcome *o)
{
	if (o->exhausted || o->list_done)
		c->master_status &= (uint8_t)~MASTER_ACTIVE;
	if (!o->exhausted) {
		ide_done(c, c->request.drive);
		return;
	}
	c->phase = IDE_DMA_WAIT;
	c->request.work = IDE_NOTHING;
	c->status[c->request.drive] = ATA_GOOD | ATA_DATA;
}

static void offer_block(struct ide_channel *c, enum ide_phase phase)
{
	struct ide_request *r = &c->request;

	c->at = 0;
	c->end = r->now * ATA_SECTOR;
	c->phase = phase;
	c->status[r->drive] = ATA_GOOD | ATA_DATA;
	ide_interrupt(c);
}

static void pio_finished(struct ide_channel *c)
{
	struct ide_request *r = &c->request;

	if (r->work == IDE_PIO_READ) {
		offer_block(c, IDE_DATA_IN);
		return;
	}
	r->lba += r->now;
	r->left -= r->now;
	r->now = MIN(r->left, r->block);
	if (r->left)
		offer_block(c, IDE_DATA_OUT);
	else
		ide_done(c, r->drive);
}

static void finish(struct ide_channel *c, const struct ide_outcome *o)
{
	const struct ide_request *r = &c->request;

	if (o->error < 0)
		failed(c, o);
	else if (by_master(r))
		master_finished(c, o);
	else if (r->work == IDE_PIO_READ || r->work == IDE_PIO_WRITE)
		pio_finished(c);
	else
		ide_done(c, r->drive);
}

/* Lock held, and given away while the disk is at it. */
static void work(struct ide_channel *c)
{
	struct ide_request r = c->request;
	struct ide_outcome o = { 0 };

	c->pending = false;
	c->working = true;
	pthread_mutex_unlock(&c->lock);
	run(c, &r, &o);
	pthread_mutex_lock(&c->lock);
	c->working = false;
	if (!c->cancelled) {
		c->request = r;
		finish(c, &o);
	}
	c->cancelled = false;
	ide_count(&c->counts.syscalls, syscalls_take());
	pthread_cond_broadcast(&c->settled);
}

void ide_on_work(void *arg, uint32_t events UNUSED)
{
	struct ide_channel *c = arg;

	ide_count(&c->counts.wakeups, 1);
	pthread_mutex_lock(&c->lock);
	if (c->pending)
		work(c);
	pthread_mutex_unlock(&c->lock);
}

/* ---- from the guest's accesses ---- */

void ide_work_start(struct ide_channel *c)
{
	struct ide_request *r = &c->request;
	uint64_t one = 1;

	if (r->work == IDE_PIO_READ)
		r->now = MIN(r->left, r->block);
	c->phase = IDE_WORKING;
	c->status[r->drive] = ATA_BUSY | ATA_GOOD;
	c->pending = true;
	if (c->params.inline_work)
		work(c);
	else if (write(c->wake_fd, &one, sizeof(one)) == sizeof(one)) /* else it is awake anyway */
		ide_count(&c->counts.syscalls, 1);
}

/* Both sides have to want it, and the same direction. */
void ide_master_go(struct ide_channel *c)
{
	bool to_memory = c->master_command & MASTER_TO_MEMORY;

	if (c->phase != IDE_DMA_WAIT || c->request.work == IDE_NOTHING ||
		!(c->master_status & MASTER_ACTIVE) ||
		!atomic_load_explicit(&c->may_master, memory_order_relaxed) ||
		to_memory != (c->request.work == IDE_DMA_READ))
		return;
	c->request.prd = c->master_table;
	ide_work_start(c);
}

void ide_settle(struct ide_channel *c, bool forget)
{
	if (forget) {
		c->pending = false;
		c->cancelled = c->working;
		/* Another vCPU may wait for what will never begin. */
		pthread_cond_broadcast(&c->settled);
	}
	while (c->pending || c->working)
		pthread_cond_wait(&c->settled, &c->lock);
}

void ide_block_done(struct ide_channel *c)
{
	struct ide_request *r = &c->request;

	if (c->phase == IDE_DATA_OUT) {
		ide_work_start(c);
		return;
	}
	if (r->work == IDE_PIO_READ) {
		r->lba += r->now;
		r->left -= r->now;
		if (r->left) {
			ide_work_start(c);
			return;
		}
	}
	c->phase = IDE_IDLE;
	c->status[r->drive] = ATA_GOOD;
}
