/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "internal.h"

#include "vmm/bus/bus.h"
#include "vmm/loop/loop.h"

#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

enum { DATA, FEATURE, COUNT, LOW, MID, HIGH, DEVICE, COMMAND };

/* ---- interrupt, ends ---- */

static void set_line(struct ide_channel *c)
{
	c->params.interrupt(c->params.arg, c->asks && !(c->control & CONTROL_SILENT));
}

void ide_interrupt(struct ide_channel *c)
{
	c->asks = true;
	if (!(c->control & CONTROL_SILENT)) {
		c->master_status |= MASTER_INTERRUPT;
		ide_count(&c->counts.interrupts, 1);
	}
	set_line(c);
}

void ide_withdraw(struct ide_channel *c)
{
	if (!c->asks)
		return;
	c->asks = false;
	set_line(c);
}

void ide_done(struct ide_channel *c, unsigned drive)
{
	c->phase = IDE_IDLE;
	c->status[drive] = ATA_GOOD;
	c->error[drive] = 0;
	ide_interrupt(c);
}

void ide_fail(struct ide_channel *c, unsigned drive, uint8_t error)
{
	c->phase = IDE_IDLE;
	c->status[drive] = ATA_GOOD | ATA_FAILED;
	c->error[drive] = error;
	ide_count(&c->counts.errors, 1);
	ide_interrupt(c);
}

void ide_sign(struct ide_channel *c)
{
	c->phase = IDE_IDLE;
	c->now = c->before = (struct ide_file) { .count = 1, .low = 1 };
	c->device = 0;
	for (unsigned i = 0; i < IDE_DRIVES; i++) {
		c->status[i] = ATA_GOOD;
		c->error[i] = ATA_PASSED;
	}
}

/* ---- the data register ---- */

/* What is not data reads all ones. */
static uint64_t data_read(struct ide_channel *c, unsigned len)
{
	uint64_t v = bus_all_ones(len);

	if (c->phase != IDE_DATA_IN)
		return v;
	v = 0;
	for (unsigned i = 0; i < len && c->at < c->end; i++)
		v |= (uint64_t)c->buffer[c->at++] << (8 * i);
	if (c->at == c->end)
		ide_block_done(c);
	return v;
}

static void data_write(struct ide_channel *c, unsigned len, uint64_t v)
{
	if (c->phase != IDE_DATA_OUT)
		return;
	for (unsigned i = 0; i < len && c->at < c->end; i++)
		c->buffer[c->at++] = (uint8_t)(v >> (8 * i));
	if (c->at == c->end)
		ide_block_done(c);
}

/* ---- the task file ---- */

/* Of a drive that is not there, the other one answers; and if there is none, nobody does. */
static uint8_t status_of(const struct ide_channel *c)
{
	if (!ide_has(c, ide_selected(c)))
		return 0;
	return c->control & CONTROL_RESET ? ATA_BUSY : c->status[ide_selected(c)];
}

static uint8_t register_read(struct ide_channel *c, unsigned reg)
{
	const struct ide_file *f = c->control & CONTROL_BEFORE ? &c->before : &c->now;

	if (!ide_has(c, ide_selected(c)))
		return 0;
	switch (reg) {
	case FEATURE:
		return c->error[ide_selected(c)];
	case COUNT:
		return f->count;
	case LOW:
		return f->low;
	case MID:
		return f->mid;
	case HIGH:
		return f->high;
	case DEVICE:
		return c->device | 0xa0; /* two bits that are always set */
	default:
		ide_withdraw(c);
		return status_of(c);
	}
}

static void remember(uint8_t *before, uint8_t *now, uint8_t v)
{
	*before = *now;
	*now = v;
}

static void register_write(struct ide_channel *c, unsigned reg, uint8_t v)
{
	if (c->phase == IDE_WORKING || (c->control & CONTROL_RESET))
		return;
	c->control &= (uint8_t)~CONTROL_BEFORE;
	switch (reg) {
	case FEATURE:
		remember(&c->before.feature, &c->now.feature, v);
		break;
	case COUNT:
		remember(&c->before.count, &c->now.count, v);
		break;
	case LOW:
		remember(&c->before.low, &c->now.low, v);
		break;
	case MID:
		remember(&c->before.mid, &c->now.mid, v);
		break;
	case HIGH:
		remember(&c->before.high, &c->now.high, v);
		break;
	case DEVICE:
		c->device = v;
		break;
	case COMMAND:
		ide_command(c, v);
		break;
	}
}

static bool is_empty(const struct ide_channel *c)
{
	return !ide_has(c, 0) && !ide_has(c, 1);
}

uint64_t ide_command_read(struct ide_channel *c, uint64_t offset, unsigned len)
{
	uint64_t v = 0;

	if (is_empty(c))
		return bus_all_ones(len);
	pthread_mutex_lock(&c->lock);
	if (offset == DATA)
		v = data_read(c, len);
	else
		for (unsigned i = 0; i < len; i++)
			v |= (uint64_t)register_read(c, (unsigned)offset + i) << (8 * i);
	pthread_mutex_unlock(&c->lock);
	return v;
}

void ide_command_write(struct ide_channel *c, uint64_t offset, unsigned len, uint64_t v)
{
	if (is_empty(c))
		return;
	pthread_mutex_lock(&c->lock);
	if (offset == DATA)
		data_write(c, len, v);
	else
		for (unsigned i = 0; i < len; i++)
			register_write(c, (unsigned)offset + i, (uint8_t)(v >> (8 * i)));
	pthread_mutex_unlock(&c->lock);
}

/* ---- device control and its shadow of the status ---- */

uint64_t ide_control_read(struct ide_channel *c, uint64_t offset, unsigned len)
{
	uint64_t v = bus_all_ones(len);

	if (is_empty(c) || offset > IDE_CONTROL || offset + len <= IDE_CONTROL)
		return v;
	pthread_mutex_lock(&c->lock);
	v &= ~(0xffULL << (8 * (IDE_CONTROL - offset)));
	v |= (uint64_t)status_of(c) << (8 * (IDE_CONTROL - offset));
	pthread_mutex_unlock(&c->lock);
	return v;
}

static void set_control(struct ide_channel *c, uint8_t v)
{
	bool was_reset = c->control & CONTROL_RESET;

	c->control = v;
	if ((v & CONTROL_RESET) && !was_reset) {
		ide_settle(c, true);
		ide_withdraw(c);
		ide_sign(c);
	}
	set_line(c);
}

void ide_control_write(struct ide_channel *c, uint64_t offset, unsigned len, uint64_t v)
{
	if (is_empty(c) || offset > IDE_CONTROL || offset + len <= IDE_CONTROL)
		return;
	pthread_mutex_lock(&c->lock);
	set_control(c, (uint8_t)(v >> (8 * (IDE_CONTROL - offset))));
	pthread_mutex_unlock(&c->lock);
}

/* ---- the bus master ---- */

static uint8_t master_byte(const struct ide_channel *c, unsigned at)
{
	switch (at) {
	case 0:
		return c->master_command;
	case 2:
		return c->master_status;
	case 4:
	case 5:
	case 6:
	case 7:
		return (uint8_t)(c->master_table >> (8 * (at - 4)));
	default:
		return 0;
	}
}

uint64_t ide_master_read(struct ide_channel *c, uint64_t offset, unsigned len)
{
	uint64_t v = 0;

	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < len; i++)
		v |= (uint64_t)master_byte(c, (unsigned)offset + i) << (8 * i);
	pthread_mutex_unlock(&c->lock);
	return v;
}

static void master_command(struct ide_channel *c, uint8_t v)
{
	bool started = c->master_command & MASTER_START;

	if (started && !(v & MASTER_START)) {
		ide_settle(c, false);
		c->master_status &= (uint8_t)~MASTER_ACTIVE;
	}
	/* The direction stands while it runs. */
	if (!(c->master_status & MASTER_ACTIVE))
		c->master_command = v & (MASTER_START | MASTER_TO_MEMORY);
	if (!started && (v & MASTER_START)) {
		c->master_status |= MASTER_ACTIVE;
		ide_master_go(c);
	}
}

static void master_write_byte(struct ide_channel *c, unsigned at, uint8_t v)
{
	unsigned shift = 8 * (at & 3);

	if (at == 0) {
		master_command(c, v);
	} else if (at == 2) {
		c->master_status &= (uint8_t)~MASTER_CAPABLE;
		c->master_status |= v & MASTER_CAPABLE;
		c->master_status &= (uint8_t) ~(v & (MASTER_ERROR | MASTER_INTERRUPT));
	} else if (at >= 4) {
		c->master_table &= ~(0xffU << shift);
		c->master_table |= (uint32_t)v << shift & ~3U;
	}
}

void ide_master_write(struct ide_channel *c, uint64_t offset, unsigned len, uint64_t v)
{
	pthread_mutex_lock(&c->lock);
	for (unsigned i = 0; i < len; i++)
		master_write_byte(c, (unsigned)offset + i, (uint8_t)(v >> (8 * i)));
	pthread_mutex_unlock(&c->lock);
}

/* ---- life ---- */

void ide_channel_line(struct ide_channel *c)
{
	pthread_mutex_lock(&c->lock);
	set_line(c);
	pthread_mutex_unlock(&c->lock);
}

static int start_thread(struct ide_channel *c)
{
	int r;

	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0)
		return -errno;
	r = loop_new(&c->loop);
	if (r == 0)
		r = loop_add_eventfd(c->loop, c->wake_fd, ide_on_work, c, &c->source);
	if (r == 0)
		r = loop_start_thread(c->loop, c->name);
	return r;
}

int ide_channel_init(struct ide_channel *c, const struct ide_channel_params *p)
{
	int r = 0;

	*c = (struct ide_channel) { .params = *p, .wake_fd = -1 };
	snprintf(c->name, sizeof(c->name), "%s", p->name);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->settled, NULL);
	ide_sign(c);
	if (!p->inline_work)
		r = start_thread(c);
	if (r < 0)
		ide_channel_done(c);
	return r;
}

void ide_channel_stop(struct ide_channel *c)
{
	if (c->loop)
		loop_stop_thread(c->loop);
}

void ide_channel_done(struct ide_channel *c)
{
	loop_free(TAKE_PTR(c->loop));
	closep_(&c->wake_fd);
	for (unsigned i = 0; i < IDE_DRIVES; i++)
		ata_drive_done(&c->drives[i]);
	pthread_cond_destroy(&c->settled);
	pthread_mutex_destroy(&c->lock);
}
