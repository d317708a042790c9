// SPDX-License-Identifier: GPL-2.0-or-later
/* Descriptors, honest and not, and what leaves and arrives by them. */
#include "cm.h"
#include "fixture.h"

static struct packet packet;

static uint64_t dropped(struct fixture *f)
{
	return atomic_load(&f->n.counts.tx_dropped);
}

static void still_sends(struct fixture *f)
{
	while (leaves(f, &packet) >= 0)
		continue;
	nic_write(&f->n, R_CTRL, CTRL_RESET);
	tx_up(f);
	memset(guest(f, TX_DATA), 0x42, 60);
	tx_send(f, TX_DATA, 60);
	assert_int_equal(leaves(f, &packet), 60);
	assert_memory_equal(packet.bytes, guest(f, TX_DATA), 60);
	assert_int_equal(tx_at(f, 0)->upper & DONE, DONE);
}

static void packets_leave(void **state UNUSED)
{
	static const struct virtio_net_hdr_v1 plain;
	struct fixture *f = open_nic(false);

	tx_up(f);
	for (unsigned i = 0; i < 100; i++)
		guest(f, TX_DATA)[i] = (uint8_t)i;
	tx_put(f, TX_DATA, 30, 0);
	tx_put(f, TX_DATA, 0, 0); /* an empty piece */
	tx_put(f, TX_DATA + 30, 70 | COMMAND(TX_END | TX_REPORT), 0);
	nic_write(&f->n, R_IMS, I_TXDW);
	tx_ring(f);
	assert_int_equal(leaves(f, &packet), 100);
	assert_memory_equal(packet.bytes, guest(f, TX_DATA), 100);
	assert_memory_equal(&packet.header, &plain, sizeof(plain));
	assert_int_equal(tx_at(f, 0)->upper, 0); /* it did not ask */
	assert_int_equal(tx_at(f, 2)->upper, DONE);
	assert_int_equal(nic_read(&f->n, R_ICR), I_TXDW | I_TXQE);
	assert_int_equal(nic_read(&f->n, R_TDH), 3);
	assert_int_equal(nic_read(&f->n, R_GOTCL), 104); /* with the checksum */
	close_nic(f);
}

static void pieces_that_lie(void **state UNUSED)
{
	static const struct {
		uint64_t at;
		uint32_t len;
	} wrong[] = {
		{ RAM, 60 }, { RAM - 59, 60 }, { UINT64_MAX, 60 }, { UINT64_MAX - 59, 60 },
		{ 1ULL << 63, 1 }, { TX_DATA, 0 }, { TX_DATA, 13 }, /* less than a header */
	};
	struct fixture *f = open_nic(false);

	tx_up(f);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		tx_send(f, wrong[i].at, wrong[i].len);
		assert_int_equal(leaves(f, &packet), -1);
		assert_int_equal(dropped(f), i + 1);
	}
	/* A good piece behind a bad one saves nothing. */
	tx_put(f, RAM, 20, 0);
	tx_send(f, TX_DATA, 60);
	assert_int_equal(leaves(f, &packet), -1);
	tx_send(f, TX_DATA, 60);
	assert_int_equal(leaves(f, &packet), 60);
	still_sends(f);
	close_nic(f);
}

/* Longer than anything can be: by one piece of 1 MiB, by many, by one that has no end. */
static void packets_that_are_too_long(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	tx_up(f);
	tx_put(f, TX_DATA, 0xfffff | TX_DATA_TYPE | COMMAND(TX_EXTENDED | TX_END), 0);
	tx_ring(f);
	assert_int_equal(leaves(f, &packet), -1);
	for (unsigned i = 0; i < 5 * RING; i++) {
		tx_put(f, TX_DATA, 0xffff, 0);
		tx_ring(f);
	}
	tx_send(f, TX_DATA, 60);
	assert_int_equal(leaves(f, &packet), -1);
	assert_int_equal(dropped(f), 2);
	tx_send(f, TX_DATA, 60);
	assert_int_equal(leaves(f, &packet), 60);
	close_nic(f);
}

static void rings_that_lie(void **state UNUSED)
{
	static const struct {
		uint64_t at;
		uint32_t bytes, head, tail;
	} wrong[] = {
		{ TX_RING, 0, 0, 1 },
		{ TX_RING, 0x7f, 0, 1 }, /* no whole unit */
		{ TX_RING, RING * 16, RING, 0 },
		{ TX_RING, RING * 16, 0xffffffff, 0 },
		{ TX_RING, RING * 16, 0, RING },
		{ TX_RING, RING * 16, 0, 0xffff },
		{ RAM, RING * 16, 0, RING - 1 },
		{ RAM - 64, RING * 16, 0, RING - 1 },
		{ UINT64_MAX, RING * 16, 0, RING - 1 },
		{ TX_RING, 0xffffffff, 0, 0xfff0 },
		{ RAM - 0x1000, 0xfff80, 0xfff0, 0xff00 },
	};
	struct fixture *f = open_nic(false);

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		nic_write(&f->n, R_TCTL, 0);
		set_ring(f, R_TDBAL, wrong[i].at, wrong[i].bytes);
		nic_write(&f->n, R_TDH, wrong[i].head);
		nic_write(&f->n, R_TDT, wrong[i].tail);
		nic_write(&f->n, R_TCTL, TCTL_ENABLE);
		for (unsigned k = 0; k < 300; k++) /* each goes a bit further */
			nic_write(&f->n, R_TDT, wrong[i].tail);
		nic_write(&f->n, R_TDLEN, 0); /* what was begun is in no ring any more */
		nic_write(&f->n, R_TDT, 0);
	}
	still_sends(f);
	close_nic(f);
}

/* ---- what descriptors ask for ---- */

static void put_context(struct fixture *f, uint32_t ip, uint32_t tcp, unsigned command,
	unsigned header, unsigned mss)
{
	tx_put(f, ip | (uint64_t)tcp << 32, COMMAND(TX_EXTENDED | command),
		header << 8 | (uint32_t)mss << 16);
}

static void put_data(struct fixture *f, uint32_t len, unsigned command, unsigned options)
{
	tx_put(f, TX_DATA, len | TX_DATA_TYPE | COMMAND(TX_EXTENDED | TX_END | command),
		options << 8);
	tx_ring(f);
}

/* start, offset of the sum, end. */
#define PART(s, o, e) ((uint32_t)(s) | (uint32_t)(o) << 8 | (uint32_t)(e) << 16)

static void headers_that_are_nonsense(void **state UNUSED)
{
	static const struct {
		uint32_t ip, tcp;
		unsigned command, header, mss, len;
	} wrong[] = {
		{ PART(14, 24, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 54, 0, 3000 },
		{ PART(14, 24, 33), PART(34, 50, 0), CONTEXT_IPV4, 54, 1460, 3000 },
		{ PART(14, 24, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 255, 1460, 200 },
		{ PART(14, 24, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 53, 1460, 3000 },
		{ PART(14, 24, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 0, 1460, 3000 },
		{ PART(13, 24, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 54, 1460, 3000 },
		{ PART(255, 24, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 255, 1460, 3000 },
		{ PART(14, 255, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 54, 1460, 3000 },
		{ PART(14, 24, 33), PART(33, 49, 0), CONTEXT_TCP | CONTEXT_IPV4, 54, 1460, 3000 },
		{ PART(14, 24, 33), PART(255, 255, 0), CONTEXT_TCP | CONTEXT_IPV4, 255, 1, 3000 },
		{ PART(14, 24, 33), PART(34, 255, 0), CONTEXT_TCP | CONTEXT_IPV4, 54, 1460, 3000 },
		{ PART(14, 0, 0), PART(54, 71, 0), CONTEXT_TCP, 74, 1440, 3000 },
		{ 0, 0, CONTEXT_TCP, 54, 1460, 3000 },
		{ ~0U, ~0U, CONTEXT_TCP | CONTEXT_IPV4, 255, 0xffff, 3000 },
		/* More than a length field holds. */
		{ PART(14, 24, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 54, 1460, 65550 },
	};
	struct fixture *f = open_nic(false);

	tx_up(f);
	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		put_context(f, wrong[i].ip, wrong[i].tcp, wrong[i].command, wrong[i].header,
			wrong[i].mss);
		put_data(f, wrong[i].len, TX_SEGMENT, 3);
		assert_int_equal(leaves(f, &packet), -1);
		assert_int_equal(dropped(f), i + 1);
	}
	still_sends(f);
	close_nic(f);
}

static void segmentation(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	tx_up(f);
	memset(guest(f, TX_DATA), 0, 4000);
	put_context(f, PART(14, 24, 33), PART(34, 50, 0), CONTEXT_TCP | CONTEXT_IPV4, 54, 1460);
	put_data(f, 4000, TX_SEGMENT, 3);
	assert_int_equal(leaves(f, &packet), 4000);
	assert_int_equal(packet.header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	assert_int_equal(packet.header.gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	assert_int_equal(packet.header.gso_size, 1460);
	assert_int_equal(packet.header.hdr_len, 54);
	assert_int_equal(packet.header.csum_start, 34);
	assert_int_equal(packet.header.csum_offset, 16);
	assert_int_equal(packet.bytes[16] << 8 | packet.bytes[17], 4000 - 14);
	assert_int_equal(packet.bytes[50] << 8 | packet.bytes[51], 4000 - 34);
	/* What fits into one is one. */
	put_data(f, 54 + 1460, TX_SEGMENT, 3);
	assert_int_equal(leaves(f, &packet), 54 + 1460);
	assert_int_equal(packet.header.gso_type, VIRTIO_NET_HDR_GSO_NONE);
	assert_int_equal(packet.header.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	/* A reset forgets the context. */
	nic_write(&f->n, R_CTRL, CTRL_RESET);
	tx_up(f);
	put_data(f, 4000, TX_SEGMENT, 3);
	assert_int_equal(leaves(f, &packet), -1);
	close_nic(f);
}

/* Sums in, behind and across the packet: what can be left to the tap is, the rest stays inside. */
static void sums_anywhere(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	tx_up(f);
	for (unsigned start = 0; start < 256; start += 3)
		for (unsigned at = 0; at < 256; at += 5) {
			const struct virtio_net_hdr_v1 *h = &packet.header;

			tx_put(f, TX_DATA, 60 | at << 16 | COMMAND(TX_END | TX_SUM), start << 8);
			tx_ring(f);
			assert_int_equal(leaves(f, &packet), 60);
			if (h->flags)
				assert_true(h->csum_start + h->csum_offset + 2 <= 60);
			put_context(f, PART(start, at, 40), PART(at, start, 0xffff), 0, 0, 0);
			put_data(f, 60, 0, 3);
			assert_int_equal(leaves(f, &packet), 60);
			assert_int_equal(h->flags, 0);
		}
	close_nic(f);
}

static void tags(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	tx_up(f);
	nic_write(&f->n, R_CTRL, CTRL_VLAN);
	for (unsigned i = 0; i < 60; i++)
		guest(f, TX_DATA)[i] = (uint8_t)i;
	tx_put(f, TX_DATA, 60 | 50 << 16 | COMMAND(TX_END | TX_SUM | TX_VLAN),
		0x1234U << 16 | 34 << 8);
	tx_ring(f);
	assert_int_equal(leaves(f, &packet), 64);
	assert_memory_equal(packet.bytes + 12, "\x81\x00\x12\x34\x0c\x0d", 6);
	assert_int_equal(packet.header.csum_start, 38);
	/* The longest there is still has room for it. */
	for (unsigned left = NIC_FRAME_MAX - 4, part; left; left -= part) {
		part = MIN(left, 0xffffU);
		tx_put(f, TX_DATA, part | COMMAND((part == left ? TX_END : 0) | TX_VLAN), 0);
	}
	tx_ring(f);
	assert_int_equal(leaves(f, &packet), NIC_FRAME_MAX);
	close_nic(f);
}

/* A tap that takes no more: the packet waits, nothing overtakes it, a reset forgets it. */
static void a_full_tap(void **state UNUSED)
{
	struct fixture *f = open_nic(false);
	unsigned sent = 0, left = 0;

	tx_up(f);
	while (!f->n.packet.waiting && sent < 100000) {
		memcpy(guest(f, TX_DATA), &sent, 4);
		tx_send(f, TX_DATA, 1500);
		sent++;
	}
	assert_true(f->n.packet.waiting);
	tx_send(f, RAM, 60);
	assert_int_equal(dropped(f), 0);
	for (; leaves(f, &packet) == 1500; left++) {
		assert_memory_equal(packet.bytes, &left, 4);
		tx_ring(f);
	}
	assert_int_equal(left, sent);
	assert_int_equal(dropped(f), 1);
	while (!f->n.packet.waiting)
		tx_send(f, TX_DATA, 1500);
	nic_write(&f->n, R_CTRL, CTRL_RESET);
	assert_false(f->n.packet.waiting);
	still_sends(f);
	close_nic(f);
}

/* ---- arriving ---- */

static const uint8_t to_us[14] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56, 2, 0, 0, 0, 0, 1, 8, 0 };

static void arrives(struct fixture *f, const uint8_t *header, size_t len)
{
	static uint8_t frame[1 << 17];

	memset(frame, 0xab, len);
	memcpy(frame, header, 14);
	wire(f, frame, len);
	poke(f);
}

static void frames_arrive(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	rx_up(f, 0);
	nic_write(&f->n, R_IMS, I_RXT0);
	arrives(f, to_us, 20);
	assert_true(atomic_load(&f->line));
	assert_int_equal(rx_at(f, 0)->status & 3, 3);
	assert_int_equal(rx_at(f, 0)->length, 64); /* padded, and a checksum */
	assert_memory_equal(guest(f, RX_DATA), to_us, 14);
	assert_int_equal(guest(f, RX_DATA)[20], 0);
	assert_int_equal(nic_read(&f->n, R_RDH), 1);
	assert_int_equal(nic_read(&f->n, R_TPR), 1);
	assert_int_equal(nic_read(&f->n, R_TORL), 64);
	assert_int_equal(nic_read(&f->n, R_GORCL), 64);
	nic_write(&f->n, R_RCTL, RCTL_ENABLE | RCTL_STRIP_CRC);
	arrives(f, to_us, 100);
	assert_int_equal(rx_at(f, 1)->length, 100);
	close_nic(f);
}

static void which_frames(void **state UNUSED)
{
	static const uint8_t other[14] = { 2, 0, 0, 0, 0, 9, 2 },
			     many[14] = { 1, 0, 0x5e, 0, 0, 1 },
			     all[14] = { 255, 255, 255, 255, 255, 255 };
	static const struct {
		const uint8_t *to;
		uint32_t rctl, len;
		bool passes;
	} cases[] = {
		{ to_us, 0, 60, true },
		{ other, 0, 60, false },
		{ other, RCTL_UNICAST, 60, true },
		{ many, RCTL_UNICAST, 60, false },
		{ many, RCTL_MULTICAST, 60, true },
		{ all, 0, 60, false },
		{ all, RCTL_BROADCAST, 60, true },
		{ to_us, 0, 1523, false },
		{ to_us, RCTL_LONG, 1523, true },
		{ to_us, RCTL_LOOPBACK, 60, false },
	};
	struct fixture *f = open_nic(false);

	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		nic_write(&f->n, R_CTRL, CTRL_RESET);
		rx_up(f, cases[i].rctl);
		arrives(f, cases[i].to, cases[i].len);
		assert_int_equal(nic_read(&f->n, R_RDH), cases[i].passes);
		while (recv(f->tap.fd, packet.bytes, 1, MSG_DONTWAIT) >= 0)
			continue;
	}
	close_nic(f);
}

static void frames_over_several_buffers(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	rx_up(f, RCTL_LONG | 3 << 16); /* 256 bytes */
	/* Longer than what is free: lost, and nothing half there. */
	arrives(f, to_us, 60000);
	assert_int_equal(nic_read(&f->n, R_RDH), 0);
	assert_int_equal(rx_at(f, 0)->status, 0);
	assert_int_equal(atomic_load(&f->n.counts.rx_dropped), 1);
	arrives(f, to_us, 1000);
	assert_int_equal(nic_read(&f->n, R_RDH), 4);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(rx_at(f, i)->status & 3, i == 3 ? 3 : 1);
	assert_int_equal(rx_at(f, 3)->length, 1004 - 3 * 256);
	/* What is free does not hold the longest: the next one stays with the tap. */
	arrives(f, to_us, 1000);
	assert_int_equal(nic_read(&f->n, R_RDH), 4);
	nic_write(&f->n, R_RDT, 3);
	poke(f);
	assert_int_equal(nic_read(&f->n, R_RDH), 8);
	close_nic(f);
}

static void lengths_from_the_tap(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	rx_up(f, RCTL_LONG);
	for (size_t len = 0; len < 14; len++) {
		wire(f, to_us, len);
		poke(f);
	}
	if (send(f->tap.other, "x", 1, 0) < 0) /* less than the tap's own header */
		abort();
	poke(f);
	assert_int_equal(nic_read(&f->n, R_RDH), 0);
	assert_int_equal(atomic_load(&f->n.counts.rx_dropped), 15);
	/* More than there can be is cut, not written behind. */
	arrives(f, to_us, NIC_FRAME_MAX + 1000);
	assert_in_range(nic_read(&f->n, R_RDH), 1, RING - 1);
	close_nic(f);
}

static void buffers_that_lie(void **state UNUSED)
{
	static const uint64_t nowhere[] = { RAM, RAM - 63, UINT64_MAX, UINT64_MAX - 63,
		1ULL << 63 };
	struct fixture *f = open_nic(false);

	for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++) {
		nic_write(&f->n, R_CTRL, CTRL_RESET);
		rx_up(f, 0);
		rx_at(f, 0)->address = nowhere[i];
		arrives(f, to_us, 60);
		assert_int_equal(rx_at(f, 0)->status, 0);
		assert_int_equal(atomic_load(&f->n.counts.rx_dropped), i + 1);
		rx_at(f, 0)->address = RX_DATA;
		arrives(f, to_us, 60);
		assert_int_equal(rx_at(f, 0)->status & 3, 3);
	}
	close_nic(f);
}

static void receiving_rings_that_lie(void **state UNUSED)
{
	static const struct {
		uint64_t at;
		uint32_t bytes, head, tail;
	} wrong[] = {
		{ RX_RING, 0, 0, 1 },
		{ RX_RING, RING * 16, RING, 1 },
		{ RX_RING, RING * 16, 0xffffffff, 1 },
		{ RX_RING, RING * 16, 0, 0xffff },
		{ RX_RING, RING * 16, 5, 5 },
		{ RAM, RING * 16, 0, RING - 1 },
		{ RAM - 16, 0xfff80, 1, 0xfff0 }, /* the first one is RAM */
		{ UINT64_MAX, RING * 16, 0, RING - 1 },
		{ RAM - 0x1000, 0xfff80, 0xfff7, 0xfff6 },
	};
	struct fixture *f = open_nic(false);

	for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
		nic_write(&f->n, R_RCTL, 0);
		set_ring(f, R_RDBAL, wrong[i].at, wrong[i].bytes);
		nic_write(&f->n, R_RDH, wrong[i].head);
		nic_write(&f->n, R_RDT, wrong[i].tail);
		nic_write(&f->n, R_RCTL, RCTL_ENABLE | RCTL_UNICAST | 3 << 16);
		arrives(f, to_us, 700);
		assert_int_equal(nic_read(&f->n, R_RDH), wrong[i].head);
		nic_write(&f->n, R_CTRL, CTRL_RESET);
		while (recv(f->tap.fd, packet.bytes, 1, MSG_DONTWAIT) >= 0)
			continue;
	}
	rx_up(f, 0);
	arrives(f, to_us, 60);
	assert_int_equal(rx_at(f, 0)->status & 3, 3);
	close_nic(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packets_leave),
		cmocka_unit_test(pieces_that_lie),
		cmocka_unit_test(packets_that_are_too_long),
		cmocka_unit_test(rings_that_lie),
		cmocka_unit_test(headers_that_are_nonsense),
		cmocka_unit_test(segmentation),
		cmocka_unit_test(sums_anywhere),
		cmocka_unit_test(tags),
		cmocka_unit_test(a_full_tap),
		cmocka_unit_test(frames_arrive),
		cmocka_unit_test(which_frames),
		cmocka_unit_test(frames_over_several_buffers),
		cmocka_unit_test(lengths_from_the_tap),
		cmocka_unit_test(buffers_that_lie),
		cmocka_unit_test(receiving_rings_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
