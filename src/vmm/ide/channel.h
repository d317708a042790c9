/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An IDE channel: the task file of up to two drives (ATA/ATAPI-6), and the bus master that moves
 * their sectors (Programming Interface for Bus Master IDE Controller 1.0).
 *
 * What a command wants of the disk is done by the channel's I/O thread, or with `inline_work` by
 * the CPU that asked. While that goes on the drive is busy, and whatever the guest writes to the
 * task file is lost, as with a drive; a reset, and the end of the bus master, wait for it.
 *
 * Threads: everything may be called from any vCPU. `lock` guards all of it; it is not held while
 * the disk is read or written. Taken before the irq room's lock.
 */
#pragma once

#include "drive.h"
#include "vmm/memory/guest_memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/uio.h>

struct loop;
struct loop_source;

enum {
	IDE_DRIVES = 2,
	IDE_PIECES_MAX = 1024, /* IOV_MAX */
	IDE_BUFFER_BYTES = ATA_MULTIPLE_MAX * ATA_SECTOR,
	IDE_COMMAND_PORTS = 8,
	IDE_CONTROL_PORTS = 4, /* of a BAR; only the third is one */
	IDE_CONTROL = 2,
	IDE_MASTER_PORTS = 8,
};

/* What the disk is asked. */
enum ide_work {
	IDE_NOTHING,
	IDE_PIO_READ,
	IDE_PIO_WRITE,
	IDE_DMA_READ,
	IDE_DMA_WRITE,
	IDE_TRIM,
	IDE_FLUSH,
	IDE_VERIFY,
};

enum ide_phase {
	IDE_IDLE,
	IDE_DATA_IN,  /* the guest reads the buffer */
	IDE_DATA_OUT, /* … writes it */
	IDE_DMA_WAIT, /* the bus master has not been started */
	IDE_WORKING,
};

/* One command, from when it is written until it is done. */
struct ide_request {
	enum ide_work work;
	unsigned drive;
	bool extended; /* 48-bit addresses */
	bool stable;   /* no write is done before it is on the medium */
	uint64_t lba;
	uint32_t left;	/* sectors */
	uint32_t block; /* sectors per interrupt */
	uint32_t now;	/* … of the block under way */
	uint32_t prd;	/* where the bus master's list is */
};

/* How it went. */
struct ide_outcome {
	int error;	/* of the disk, or -EFAULT: of the bus master */
	bool exhausted; /* the bus master's list ended before the transfer */
	bool list_done; /* … with it */
};

/* Registers as they were written: the last value and the one before (ATA/ATAPI-6, 6.20). */
struct ide_file {
	uint8_t feature, count, low, mid, high;
};

struct ide_counts {
	atomic_uint_fast64_t requests, bytes_read, bytes_written, interrupts, wakeups, syscalls;
	atomic_uint_fast64_t errors, io_errors, no_space; /* the last two are among the first */
};

struct ide_channel_params {
	const char *name; /* "ide0-0", copied */
	const struct guest_memory *memory;
	bool inline_work;
	/* Its interrupt line; the channel's lock is held. */
	void (*interrupt)(void *arg, bool level);
	/* A drive's disk has failed; without locks, from the thread that works. */
	void (*failed)(void *arg, unsigned drive, int error);
	void *arg;
};

struct ide_channel {
	struct ide_channel_params params;
	char name[24];
	struct ata_drive drives[IDE_DRIVES];
	struct loop *loop; /* NULL: inline */
	struct loop_source *source;
	int wake_fd;
	pthread_mutex_t lock;
	pthread_cond_t settled;

	struct ide_file now, before;
	uint8_t device, control;
	uint8_t status[IDE_DRIVES], error[IDE_DRIVES];
	bool asks; /* for an interrupt */

	uint8_t master_command, master_status;
	uint32_t master_table;
	atomic_bool may_master; /* the function's command register says so */

	enum ide_phase phase;
	struct ide_request request;
	bool pending, working;		     /* the thread has to; it does */
	bool cancelled;			     /* what it does, nobody wants to know */
	uint32_t at, end;		     /* of the buffer */
	uint8_t buffer[IDE_BUFFER_BYTES];    /* the thread's while it works */
	struct iovec pieces[IDE_PIECES_MAX]; /* only the thread's */
	struct ide_counts counts;
};

/* Without drives; they are put in before the guest runs. */
int ide_channel_init(struct ide_channel *c, const struct ide_channel_params *p);
/* The thread ends; nothing calls back after this. */
void ide_channel_stop(struct ide_channel *c);
/* The drives too. */
void ide_channel_done(struct ide_channel *c);

/* Tells params.interrupt again how the line is. */
void ide_channel_line(struct ide_channel *c);

/* The three blocks of ports. Offsets and lengths are those of bus_ops. */
uint64_t ide_command_read(struct ide_channel *c, uint64_t offset, unsigned len);
void ide_command_write(struct ide_channel *c, uint64_t offset, unsigned len, uint64_t v);
uint64_t ide_control_read(struct ide_channel *c, uint64_t offset, unsigned len);
void ide_control_write(struct ide_channel *c, uint64_t offset, unsigned len, uint64_t v);
uint64_t ide_master_read(struct ide_channel *c, uint64_t offset, unsigned len);
void ide_master_write(struct ide_channel *c, uint64_t offset, unsigned len, uint64_t v);
