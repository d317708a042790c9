// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile guest in front of an IDE controller: the input is a list of accesses to its ports and
 * its configuration space, of commands, and of what is written to guest memory. Whatever they are,
 * the controller stays inside RAM, disks and its own buffers, and when it was put in order and
 * reset, a sector comes by DMA.
 */
#include "fuzz.h"

#include "vmm/ide/ide.h"
#include "vmm_virtio/fake-kvm.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	RAM = 256 << 10,
	DISK_BYTES = 1 << 20,
	DISKS = 3,
	STEPS = 300,
	PORTS = 0x1000, /* BARs are here, 16 ports apart */
	NATIVE = 0x8f,
	TIMING = 0x40,
	TABLE = 0x1000,
	DATA = 0x2000,
};

static int disk_fd(void)
{
	static int fd = -1;

	if (fd >= 0)
		return fd;
	fd = memfd_create("disk", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, DISK_BYTES) < 0)
		abort();
	for (unsigned i = 0; i < DISK_BYTES; i += 4)
		if (pwrite(fd, &i, 4, i) != 4)
			abort();
	return fd;
}

static void set_config(struct fake_kvm *k, unsigned reg, unsigned len, uint64_t v)
{
	fk_write(k, fk_config(1, reg), len, v);
}

/* As firmware would leave it. */
static void put_in_order(struct fake_kvm *k)
{
	set_config(k, PCI_COMMAND, 2, 0);
	for (unsigned i = 0; i < 5; i++)
		set_config(k, PCI_BASE_ADDRESS_0 + 4 * i, 4, PORTS + 16 * i);
	set_config(k, PCI_CLASS_PROG, 1, NATIVE);
	set_config(k, TIMING, 4, 0x80008000);
	set_config(k, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MASTER);
}

static void out(struct fake_kvm *k, uint64_t port, unsigned len, uint64_t v)
{
	bus_write(k->s.pio, port, len, v);
}

static uint64_t inp(struct fake_kvm *k, uint64_t port, unsigned len)
{
	uint64_t v;

	bus_read(k->s.pio, port, len, &v);
	return v;
}

static uint64_t port(unsigned which, unsigned at)
{
	static const uint16_t blocks[] = { PORTS, PORTS + 0x10, PORTS + 0x20, PORTS + 0x30,
		PORTS + 0x40, PORTS + 0x48, 0x1f0, 0x170, 0x3f4, 0x374 };

	return blocks[which % ARRAY_SIZE(blocks)] + at % 8;
}

/* A whole task file at once. */
static void command(struct fake_kvm *k, struct input *in)
{
	uint64_t to = PORTS + 0x20 * (take(in, 1) & 1);

	for (unsigned i = 1; i < 8; i++)
		out(k, to + i, 1, take(in, 1));
}

/* A bus master's list, and a start of it. */
static void start(struct fake_kvm *k, struct input *in)
{
	unsigned how = (unsigned)take(in, 1);
	uint64_t to = PORTS + 0x40 + 8 * (how & 1), entry = take(in, 8);

	guest_memory_write(k->s.memory, GPA(TABLE + (how & 0xf0)), &entry, 8);
	out(k, to + 4, 4, TABLE);
	out(k, to, 1, how & 2 ? 9 : 1);
	if (how & 4)
		out(k, to, 1, 0);
}

static void data(struct fake_kvm *k, struct input *in)
{
	unsigned how = (unsigned)take(in, 1), times = (unsigned)take(in, 1) * 4;

	for (unsigned i = 0; i < times; i++)
		if (how & 2)
			out(k, PORTS + 0x20 * (how & 1), 1 + how / 4 % 8, i);
		else
			inp(k, PORTS + 0x20 * (how & 1), 1 + how / 4 % 8);
}

static void step(struct fake_kvm *k, struct input *in)
{
	unsigned what = (unsigned)take(in, 1), len = 1 + (what >> 4) % 8;
	uint64_t at, v;

	switch (what % 8) {
	case 0:
		at = port((unsigned)take(in, 1), (unsigned)take(in, 1));
		out(k, at, len, take(in, 4) * 0x100000001);
		break;
	case 1:
		at = port((unsigned)take(in, 1), (unsigned)take(in, 1));
		inp(k, at, len);
		break;
	case 2:
		at = take(in, 1);
		set_config(k, (unsigned)at, len > 4 ? 4 : len, take(in, 4));
		break;
	case 3:
		at = take(in, 2);
		v = take(in, 8);
		guest_memory_write(k->s.memory, GPA(at), &v, 8);
		break;
	case 4:
	case 5:
		command(k, in);
		break;
	case 6:
		start(k, in);
		break;
	case 7:
		data(k, in);
		break;
	}
}

static void works(struct fake_kvm *k)
{
	static const uint32_t list[2] = { DATA, 0x80000200 };
	uint8_t came[512], is[512];

	put_in_order(k);
	out(k, PORTS + 0x12, 1, 4);
	out(k, PORTS + 0x12, 1, 0);
	out(k, PORTS + 0x40, 1, 0);
	out(k, PORTS + 0x42, 1, 6);
	guest_memory_write(k->s.memory, GPA(TABLE), list, sizeof(list));
	out(k, PORTS + 0x44, 4, TABLE);
	out(k, PORTS + 2, 1, 1);
	out(k, PORTS + 3, 1, 5);
	out(k, PORTS + 4, 1, 0);
	out(k, PORTS + 5, 1, 0);
	out(k, PORTS + 6, 1, 0x40);
	out(k, PORTS + 7, 1, 0xc8);
	out(k, PORTS + 0x40, 1, 9);
	if (inp(k, PORTS + 0x42, 1) % 8 != 4 || inp(k, PORTS + 7, 1) != 0x50 ||
		pread(disk_fd(), is, sizeof(is), 5 * 512) != sizeof(is) ||
		guest_memory_read(k->s.memory, GPA(DATA), came, sizeof(came)) < 0 ||
		memcmp(is, came, sizeof(is)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input in = { bytes, size };
	struct ide_disk disks[DISKS] = { { .fd = disk_fd(), .serial = "fuzz" },
		{ .fd = disk_fd(), .read_only = true }, { .fd = disk_fd() } };
	struct ide_params p = { "ide0", PCI_SLOT_ANY, true, disks, DISKS };
	struct fake_kvm *k = fk_open(RAM);
	struct stat st;

	if (ide_new(&k->s, &p, NULL) < 0)
		abort();
	put_in_order(k);
	for (unsigned i = 0; in.left && i < STEPS; i++)
		step(k, &in);
	works(k);
	if (pci_bus_check(k->s.pci, NULL, 0) || fstat(disk_fd(), &st) < 0 ||
		st.st_size != DISK_BYTES)
		abort();
	fk_close_all(k);
	return 0;
}
