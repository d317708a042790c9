// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hostile driver and a hostile wire in front of an e1000: the input is a list of accesses to
 * registers, of descriptors in guest memory, and of frames. Whatever they say, the card stays
 * inside RAM, what leaves has a header that is true of it, and after a reset honest packets come
 * and go.
 */
#include "fuzz.h"
#include "vmm_e1000/fixture.h"

enum { ROUNDS = 400 };

static struct fixture *f;

static const uint16_t registers[] = { R_CTRL, R_RCTL, R_TCTL, R_TDBAL, R_TDBAH, R_TDLEN, R_TDH,
	R_TDT, R_RDBAL, R_RDBAH, R_RDLEN, R_RDH, R_RDT, R_ICS, R_IMS, R_IMC, R_ITR, R_VET, R_EECD,
	R_EERD, R_MDIC, R_MTA, R_RAL, R_RAL + 4, R_VFTA };

/* What leaves is said to be what it is. */
static void judge(void)
{
	static struct packet p;
	const struct virtio_net_hdr_v1 *h = &p.header;
	ssize_t len;

	while ((len = leaves(f, &p)) >= 0) {
		if (len < ETH_HLEN || len > NIC_FRAME_MAX)
			abort();
		if ((h->flags & ~VIRTIO_NET_HDR_F_NEEDS_CSUM) ||
			(h->flags && h->csum_start + h->csum_offset + 2 > len))
			abort();
		if (h->gso_type && (!h->flags || !h->gso_size || h->hdr_len >= len ||
					   h->csum_start > h->hdr_len))
			abort();
	}
}

static void frame(struct input *in)
{
	static uint8_t bytes[1 << 16];
	size_t len = sizeof(struct virtio_net_hdr_v1) + take(in, 2) % 0xf000;
	uint64_t with = take(in, 8);

	for (unsigned i = 0; i < 24; i += 8) {
		memcpy(bytes + sizeof(struct virtio_net_hdr_v1) + i, &with, 8);
		with = take(in, 2) | with << 16;
	}
	if (len % 7 == 0)
		len = 1 + take(in, 1) % 30; /* 0 would be the end of the tap */
	(void)!send(f->tap.other, bytes, len, MSG_DONTWAIT);
	poke(f);
}

static void step(struct input *in)
{
	unsigned what = (unsigned)take(in, 1);
	uint64_t pair[2];
	uint16_t at;

	switch (what % 8) {
	case 0:
	case 1:
	case 2:
		at = registers[take(in, 1) % ARRAY_SIZE(registers)];
		nic_write(&f->n, at, (uint32_t)take(in, what & 0x40 ? 4 : 2));
		break;
	case 3:
		nic_read(&f->n, take(in, 2));
		break;
	case 4:
		nic_write(&f->n, take(in, 2), (uint32_t)take(in, 4));
		break;
	case 5: /* a descriptor, in or near a ring */
		at = (uint16_t)take(in, 2);
		pair[0] = take(in, 8);
		pair[1] = take(in, 8);
		guest_memory_write(f->ram.memory, GPA(TX_RING + at), pair, sizeof(pair));
		break;
	case 6:
		frame(in);
		break;
	case 7:
		nic_set_link(&f->n, what & 0x40);
		break;
	}
	if (what & 0x80)
		judge();
}

static void forget(void)
{
	static uint8_t bytes[1 << 17];

	nic_write(&f->n, R_CTRL, CTRL_RESET);
	nic_set_link(&f->n, true);
	judge();
	while (recv(f->tap.fd, bytes, sizeof(bytes), MSG_DONTWAIT) >= 0)
		continue;
}

static void works(void)
{
	static const uint8_t ours[60] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56, 2 };
	static struct packet p;

	forget();
	tx_up(f);
	memset(guest(f, TX_DATA), 0x42, 60);
	tx_send(f, TX_DATA, 60);
	if (leaves(f, &p) != 60 || memcmp(p.bytes, guest(f, TX_DATA), 60) != 0 || p.header.flags ||
		p.header.gso_type)
		abort();
	rx_up(f, 0);
	wire(f, ours, sizeof(ours));
	poke(f);
	if (rx_at(f, 0)->length != 64 || memcmp(guest(f, RX_DATA), ours, sizeof(ours)) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	if (!f)
		f = open_nic(false);
	forget();
	memset(guest(f, TX_RING), 0, 0x20000);
	tx_up(f);
	rx_up(f, RCTL_UNICAST);
	for (unsigned i = 0; in.left && i < ROUNDS; i++)
		step(&in);
	works();
	return 0;
}
