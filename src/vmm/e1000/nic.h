/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the room: the card without PCI. Numbers in comments are sections of the manual.
 *
 * Threads: `lock` guards everything; who holds it may read and write the tap, which never waits.
 * Taken before the irq room's lock. The card's own thread waits for the tap, for the doorbell, and
 * for the time when the next interrupt may be sent.
 */
#pragma once

#include "base/mac.h"
#include "vmm/memory/guest_memory.h"

#include <linux/virtio_net.h>
#include <pthread.h>
#include <stdatomic.h>

struct loop;
struct loop_source;
struct tap;

enum {
	NIC_REGISTER_BYTES = 0x8000, /* the rest of the BAR is flash and nothing */
	NIC_EEPROM_WORDS = 64,
	NIC_PHY_REGISTERS = 32,
	NIC_FRAME_MAX = 65536 + 256, /* what segmentation begins with, and a VLAN's tag */
	NIC_CRC_BYTES = 4,	     /* at a frame's end; no wire, no CRC, but it is counted */
	NIC_HEADER_ROOM = 32,	     /* before the frame: the tap's header */

	/* Registers, 13.4. */
	R_CTRL = 0x0000,
	R_STATUS = 0x0008,
	R_EECD = 0x0010,
	R_EERD = 0x0014,
	R_MDIC = 0x0020,
	R_VET = 0x0038,
	R_ICR = 0x00c0,
	R_ITR = 0x00c4,
	R_ICS = 0x00c8,
	R_IMS = 0x00d0,
	R_IMC = 0x00d8,
	R_RCTL = 0x0100,
	R_TCTL = 0x0400,
	R_LEDCTL = 0x0e00,
	R_PBA = 0x1000,
	R_RDBAL = 0x2800,
	R_RDBAH = 0x2804,
	R_RDLEN = 0x2808,
	R_RDH = 0x2810,
	R_RDT = 0x2818,
	R_TDBAL = 0x3800,
	R_TDBAH = 0x3804,
	R_TDLEN = 0x3808,
	R_TDH = 0x3810,
	R_TDT = 0x3818,
	R_STATISTICS = 0x4000, /* read and empty */
	R_STATISTICS_END = 0x4100,
	R_GPRC = 0x4074,
	R_BPRC = 0x4078,
	R_MPRC = 0x407c,
	R_GPTC = 0x4080,
	R_GORCL = 0x4088,
	R_GOTCL = 0x4090,
	R_TORL = 0x40c0,
	R_TOTL = 0x40c8,
	R_TPR = 0x40d0,
	R_TPT = 0x40d4,
	R_TSCTC = 0x40f8, /* segmentations */
	R_MTA = 0x5200,
	R_RAL = 0x5400,
	R_VFTA = 0x5600,

	CTRL_FULL_DUPLEX = 1 << 0,
	CTRL_RESET = 1 << 26,
	CTRL_VLAN = 1 << 30,
	STATUS_FULL_DUPLEX = 1 << 0,
	STATUS_LINK = 1 << 1,
	STATUS_1000 = 2 << 6 | 2 << 8,

	/* Causes of interrupts, 13.4.17. */
	I_TXDW = 1 << 0,
	I_TXQE = 1 << 1,
	I_LSC = 1 << 2,
	I_RXDMT0 = 1 << 4,
	I_RXT0 = 1 << 7,
	I_MDAC = 1 << 9,
	I_ALL = 0x1ffff,

	RCTL_ENABLE = 1 << 1,
	RCTL_UNICAST = 1 << 3,
	RCTL_MULTICAST = 1 << 4,
	RCTL_LONG = 1 << 5,
	RCTL_LOOPBACK = 3 << 6,
	RCTL_BROADCAST = 1 << 15,
	RCTL_VLAN_FILTER = 1 << 18,
	RCTL_SIZE_EXTENDED = 1 << 25,
	RCTL_STRIP_CRC = 1 << 26,
	TCTL_ENABLE = 1 << 1,
	RAH_VALID = 1U << 31,
};

/* What a context descriptor says of the packets after it, 3.3.6. */
struct nic_context {
	uint8_t ip_start, ip_offset, tcp_start, tcp_offset, header;
	uint16_t ip_end, tcp_end, mss;
	bool ipv4, tcp;
};

/* A packet as it is put together from descriptors. */
struct nic_packet {
	bool begun, waiting; /* for the tap to take it */
	bool segment, ip_sum, tcp_sum, vlan;
	uint16_t tag;
	uint8_t legacy_start, legacy_offset;
	bool legacy_sum, bad;
	uint32_t len;
	struct virtio_net_hdr_v1 header;
	uint8_t bytes[NIC_FRAME_MAX];
};

struct nic_counts {
	atomic_uint_fast64_t doorbells, wakeups, syscalls, tx_requests, tx_bytes, rx_requests,
		rx_bytes, injections, rx_dropped, tx_dropped;
};

/* The serial EEPROM behind EECD: what was shifted in since it was selected. */
struct nic_eeprom {
	uint16_t words[NIC_EEPROM_WORDS];
	uint32_t lines; /* EECD as it was written */
	uint32_t in;
	unsigned bits_in, bits_out;
	bool reading, out;
	unsigned word;
};

struct nic_params {
	const char *name;
	const struct guest_memory *memory;
	struct tap *tap; /* taken over */
	struct mac mac;
	bool inline_work;
	/* The interrupt line; the lock is held. */
	void (*interrupt)(void *arg, bool level);
	void (*note)(void *arg, const char *text);
	void *arg;
};

struct nic {
	struct nic_params params;
	pthread_mutex_t lock;
	struct loop *loop;
	struct loop_source *kick, *readable, *timer;
	int kick_fd, timer_fd;
	atomic_bool may_master;
	bool dead;	/* the tap has gone */
	bool unplugged; /* the user has pulled the cable */
	uint32_t watched;

	uint32_t regs[NIC_REGISTER_BYTES / 4];
	uint32_t causes, mask;
	bool level, armed;
	uint64_t last_ns; /* the line rose */
	uint16_t phy[NIC_PHY_REGISTERS];
	struct nic_eeprom eeprom;
	struct nic_context context;
	struct nic_packet packet;
	uint8_t arrived[NIC_FRAME_MAX];
	struct nic_counts counts;
};

/*
 * As after power-on, with a thread of its own unless params.inline_work. Takes params.tap over,
 * also on failure. -ENOMEM, -EMFILE.
 */
int nic_init(struct nic *n, const struct nic_params *p);
void nic_stop(struct nic *n);
void nic_done(struct nic *n);
/* From any vCPU. Registers are dwords: what is smaller is read out of one, and not written. */
uint32_t nic_read(struct nic *n, uint64_t offset);
void nic_write(struct nic *n, uint64_t offset, uint32_t v);
/* Whether it may reach for the guest's memory; what waited for that begins. */
void nic_set_master(struct nic *n, bool may);
void nic_set_link(struct nic *n, bool up);
/* Tells params.interrupt again how the line is. */
void nic_line(struct nic *n);

/* ---- with the lock held ---- */

static inline uint32_t *nic_reg(struct nic *n, unsigned offset)
{
	return &n->regs[offset / 4];
}

static inline void nic_count(atomic_uint_fast64_t *counter, uint64_t v)
{
	atomic_fetch_add_explicit(counter, v, memory_order_relaxed);
}

static inline bool nic_has_link(const struct nic *n)
{
	return !n->dead && !n->unplugged;
}

/* interrupt.c */
void nic_cause(struct nic *n, uint32_t causes);
void nic_update(struct nic *n);
void nic_on_timer(void *arg, uint32_t events);

/* serial.c: EEPROM and PHY behind their registers */
void nic_eeprom_init(struct nic *n);
uint32_t nic_eecd_read(const struct nic *n);
void nic_eecd_write(struct nic *n, uint32_t v);
uint32_t nic_eerd(const struct nic *n, uint32_t v);
void nic_phy_reset(struct nic *n);
/* The register's value after the access that `v` asks for. */
uint32_t nic_mdic(struct nic *n, uint32_t v);

/* receive.c; send.c: true: there is more. */
bool nic_receive(struct nic *n);
bool nic_send(struct nic *n);
/* What the tap is looked at for. */
void nic_watch(struct nic *n);
/* A statistics register, or a pair of them. */
void nic_statistic(struct nic *n, unsigned reg, uint32_t v);
void nic_statistic64(struct nic *n, unsigned reg, uint64_t v);
/* Descriptor `index` of the ring at this register; false: it is no RAM. */
bool nic_descriptor(struct nic *n, unsigned base, uint32_t index, uint64_t *ret_at, void *ret);
uint32_t nic_ring_size(const struct nic *n, unsigned base);
