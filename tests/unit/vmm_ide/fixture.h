/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A channel with one drive, whose disk is memory; the test plays the guest at its ports. */
#pragma once

#include "base/attr.h"
#include "vmm/ide/internal.h"
#include "vmm_virtio/driver.h"

#include <stdlib.h>
#include <unistd.h>

enum {
	SECTORS = 4096,
	TABLE = 0x8000, /* of PRDs, in guest memory */
	DATA = 0x100000,
	PORT_DATA = 0,
	PORT_FEATURE,
	PORT_COUNT,
	PORT_LOW,
	PORT_MID,
	PORT_HIGH,
	PORT_DEVICE,
	PORT_COMMAND,
	MASTER_COMMAND = 0,
	MASTER_STATUS = 2,
	MASTER_TABLE = 4,
	FAKE_RAM = DRV_RAM_BYTES,
};
#define PRD_LAST 0x80000000U

struct fake_disk {
	struct disk disk;
	uint8_t bytes[SECTORS * 512];
	int fail;
	atomic_bool shut;   /* reads and writes wait */
	atomic_uint inside; /* how many have begun */
	unsigned flushes, discards;
};

struct fixture {
	struct drv_ram ram;
	struct fake_disk fake;
	struct ide_channel c;
	atomic_bool line;
	unsigned failures;
};

static void enter(struct fake_disk *f)
{
	atomic_fetch_add(&f->inside, 1);
	while (atomic_load(&f->shut))
		usleep(100);
}

/* What is asked for lies on the disk, whatever the guest said. */
static void fake_check(bool right)
{
	if (!right)
		abort();
}

static int fake_read(struct disk *d, struct sg *to, uint64_t offset)
{
	struct fake_disk *f = container_of(d, struct fake_disk, disk);

	enter(f);
	fake_check(disk_holds(d, offset, to->len) && to->len % 512 == 0);
	return f->fail ? f->fail : sg_push(to, f->bytes + offset, to->len) ? 0 : -EIO;
}

static int fake_write(struct disk *d, struct sg *from, uint64_t offset)
{
	struct fake_disk *f = container_of(d, struct fake_disk, disk);

	enter(f);
	fake_check(!d->read_only && disk_holds(d, offset, from->len) && from->len % 512 == 0);
	return f->fail ? f->fail : sg_pull(from, f->bytes + offset, from->len) ? 0 : -EIO;
}

static int fake_flush(struct disk *d)
{
	container_of(d, struct fake_disk, disk)->flushes++;
	return container_of(d, struct fake_disk, disk)->fail;
}

static int fake_discard(struct disk *d, uint64_t offset, uint64_t len)
{
	struct fake_disk *f = container_of(d, struct fake_disk, disk);

	fake_check(!d->read_only && disk_holds(d, offset, len));
	memset(f->bytes + offset, 0, len);
	f->discards++;
	return f->fail;
}

static void fake_free(struct disk *d UNUSED)
{
}

static const struct disk_ops fake_ops = {
	.read = fake_read,
	.write = fake_write,
	.flush = fake_flush,
	.discard = fake_discard,
	.free = fake_free,
};

static void on_line(void *arg, bool level)
{
	atomic_store(&((struct fixture *)arg)->line, level);
}

static void on_failed(void *arg, unsigned drive UNUSED, int error UNUSED)
{
	((struct fixture *)arg)->failures++;
}

static inline void fake_fill(struct fake_disk *f)
{
	for (unsigned i = 0; i < sizeof(f->bytes); i++)
		f->bytes[i] = (uint8_t)(i / 512 * 7 + i % 512);
}

static inline struct fixture *open_channel(bool inline_work, bool read_only)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ide_channel_params p = { .name = "ide0-0", .inline_work = inline_work };

	fake_check(f);
	drv_ram_open(&f->ram);
	p.memory = f->ram.memory;
	p.interrupt = on_line;
	p.failed = on_failed;
	p.arg = f;
	f->fake.disk = (struct disk) { &fake_ops, sizeof(f->fake.bytes), 512, 512,
		.read_only = read_only };
	fake_fill(&f->fake);
	if (ide_channel_init(&f->c, &p) < 0)
		abort();
	ata_drive_init(&f->c.drives[0], &f->fake.disk, "S1");
	atomic_store(&f->c.may_master, true);
	return f;
}

static inline void close_channel(struct fixture *f)
{
	atomic_store(&f->fake.shut, false);
	ide_channel_stop(&f->c);
	ide_channel_done(&f->c);
	drv_ram_close(&f->ram);
	free(f);
}

static inline void put(struct fixture *f, unsigned reg, unsigned v)
{
	ide_command_write(&f->c, reg, 1, v);
}

static inline uint8_t get(struct fixture *f, unsigned reg)
{
	return (uint8_t)ide_command_read(&f->c, reg, 1);
}

/* Without taking the interrupt. */
static inline uint8_t peek(struct fixture *f)
{
	return (uint8_t)ide_control_read(&f->c, IDE_CONTROL, 1);
}

static inline void set_control(struct fixture *f, unsigned v)
{
	ide_control_write(&f->c, IDE_CONTROL, 1, v);
}

static inline void master(struct fixture *f, unsigned v)
{
	ide_master_write(&f->c, MASTER_COMMAND, 1, v);
}

static inline uint8_t master_status(struct fixture *f)
{
	return (uint8_t)ide_master_read(&f->c, MASTER_STATUS, 1);
}

/* 28-bit. */
static inline void address(struct fixture *f, uint32_t lba, unsigned count)
{
	put(f, PORT_COUNT, count & 0xff);
	put(f, PORT_LOW, lba & 0xff);
	put(f, PORT_MID, lba >> 8 & 0xff);
	put(f, PORT_HIGH, lba >> 16 & 0xff);
	put(f, PORT_DEVICE, DEVICE_LBA | (lba >> 24 & 15));
}

static inline void address48(struct fixture *f, uint64_t lba, unsigned count)
{
	put(f, PORT_DEVICE, DEVICE_LBA);
	for (unsigned half = 0; half < 2; half++) {
		put(f, PORT_COUNT, count >> (half ? 0 : 8) & 0xff);
		put(f, PORT_LOW, (unsigned)(lba >> (half ? 0 : 24)) & 0xff);
		put(f, PORT_MID, (unsigned)(lba >> (half ? 8 : 32)) & 0xff);
		put(f, PORT_HIGH, (unsigned)(lba >> (half ? 16 : 40)) & 0xff);
	}
}

static inline void prd(struct fixture *f, unsigned i, uint32_t at, uint32_t rest)
{
	uint32_t entry[2] = { at, rest };

	memcpy(drv_ptr(f->ram.memory, TABLE + 8 * i), entry, sizeof(entry));
}

static inline void start_dma(struct fixture *f, uint8_t command, uint32_t table)
{
	bool reads = command == 0xc8 || command == 0x25;

	master(f, 0);
	ide_master_write(&f->c, MASTER_TABLE, 4, table);
	ide_master_write(&f->c, MASTER_STATUS, 1, MASTER_ERROR | MASTER_INTERRUPT);
	put(f, PORT_COMMAND, command);
	master(f, MASTER_START | (reads ? MASTER_TO_MEMORY : 0));
}

static inline uint8_t *guest(struct fixture *f, uint64_t at)
{
	return drv_ptr(f->ram.memory, at);
}
