/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An e1000 against the host's own IP stack at the other end of a tap: its EEPROM and PHY, ARP,
 * pings that are sent in every way that descriptors allow, a segmentation that the host's TCP
 * answers.
 *
 * Arguments: mac=HEX12 pings=N frames=N; the host is 192.168.77.1, we are 192.168.77.2.
 */
#include "e1000.h"
#include "packet.h"

enum {
	VECTOR = 92,
	RING = 64,
	FRAME = 1514,

	INSERT = 1 << 26, /* a checksum; of data: segments */
	EXTENDED = 1 << 29,
	DATA = 1 << 20,
	SUM_IP = 1 << 8,
	SUM_TCP = 2 << 8,
};

static struct e1000 nic;
static uint64_t came;

/* ---- the card ---- */

static void find(void)
{
	if (!e1000_open(&nic, RING))
		give_up("no e1000");
}

/* Rings, and waits until the last one is done. */
static void go(struct e1000_descriptor *last)
{
	uint64_t begun = cpu_cycles();

	write32(nic.at + E1000_TDBA + E1000_TAIL, nic.tx_next);
	while (!e1000_is_done(last))
		if (cpu_cycles() - begun > 10000000000)
			give_up("the frame is not taken");
}

enum how { LEGACY, IN_PIECES, IP_SUM, BOTH_SUMS, WAYS };

static void send_legacy(uint8_t *f, uint32_t len)
{
	struct e1000_descriptor *d = e1000_next_tx(&nic);

	*d = (struct e1000_descriptor) { (uint64_t)(uintptr_t)f, len | E1000_END | E1000_REPORT,
		0 };
	go(d);
}

static void send_pieces(uint8_t *f, uint32_t len)
{
	struct e1000_descriptor *d = NULL;

	for (uint32_t at = 0, n = 14; at < len; at += n) {
		bool last = len - at <= n || at;
		uint32_t part = last ? len - at : n;

		d = e1000_next_tx(&nic);
		*d = (struct e1000_descriptor) { (uint64_t)(uintptr_t)(f + at),
			part | DATA | EXTENDED | (last ? (uint32_t)(E1000_END | E1000_REPORT) : 0),
			0 };
		n = part;
	}
	go(d);
}

static void context(uint32_t ip, uint32_t tcp, uint32_t command, uint32_t upper)
{
	*e1000_next_tx(&nic) =
		(struct e1000_descriptor) { (uint64_t)tcp << 32 | ip, command | EXTENDED, upper };
}

static void send_summed(uint8_t *f, uint32_t len, uint32_t what)
{
	struct e1000_descriptor *d;

	context(14 | 24 << 8 | 33 << 16, 34 | 36 << 8, 1 << 25, 0);
	d = e1000_next_tx(&nic);
	*d = (struct e1000_descriptor) { (uint64_t)(uintptr_t)f,
		len | DATA | EXTENDED | E1000_END | E1000_REPORT, what };
	go(d);
}

/* The next frame into `to`; its length. */
static uint32_t receive(uint8_t *to)
{
	struct e1000_descriptor *d = &nic.rx[nic.rx_next];
	uint64_t begun = cpu_cycles();
	uint32_t len;

	while (!e1000_is_done(d))
		if (cpu_cycles() - begun > 10000000000)
			give_up("no answer came");
	len = d->lower & 0xffff;
	memcpy(to, nic.frames + nic.rx_next * E1000_BUFFER, len);
	d->upper = 0;
	write32(nic.at + E1000_RDBA + E1000_TAIL, nic.rx_next);
	nic.rx_next = (nic.rx_next + 1) % RING;
	return len;
}

/* ---- what it carries ---- */

static void meet_host(void)
{
	static uint8_t f[PACKET_QUESTION], answer[E1000_BUFFER];

	packet_ask(f);
	send_legacy(f, sizeof(f));
	do
		receive(answer);
	while (!packet_answered(answer));
}

static bool ping(unsigned sequence, unsigned payload, enum how how)
{
	static uint8_t f[FRAME + 64], answer[E1000_BUFFER];
	uint32_t length;

	packet_ip(f, 28 + payload, PACKET_ICMP, how < IP_SUM);
	length = packet_ping(f, sequence, payload, how != BOTH_SUMS);
	switch (how) {
	case LEGACY:
		send_legacy(f, length);
		break;
	case IN_PIECES:
		send_pieces(f, length);
		break;
	default:
		send_summed(f, length, how == IP_SUM ? SUM_IP : SUM_IP | SUM_TCP);
	}
	do
		receive(answer);
	while (get16(answer + 12) != PACKET_IP || answer[23] != PACKET_ICMP || answer[34] != 0);
	return packet_is_pong(answer, f, sequence, payload);
}

/* One descriptor of 5000 bytes for a closed port: the host says how much of it came. */
static void segmented(void)
{
	static uint8_t answer[E1000_BUFFER];
	uint8_t *f = memory_take(8192, 4096), *tcp = f + 34;
	struct e1000_descriptor *d;
	uint32_t pseudo;

	packet_ip(f, 0, PACKET_TCP, false);
	put16(tcp, 5555);
	put16(tcp + 2, 9);
	put16(tcp + 4, 0x1234);
	tcp[12] = 5 << 4;
	tcp[13] = 8; /* PSH, and no ACK: the answer acknowledges */
	put16(tcp + 14, 8192);
	pseudo = packet_sum(f + 26, 8, PACKET_TCP);
	put16(tcp + 16, pseudo);
	context(14 | 24 << 8 | 33 << 16, 34 | 50 << 8, 1 << 24 | 1 << 25 | 1 << 26,
		54 << 8 | 1000 << 16);
	d = e1000_next_tx(&nic);
	*d = (struct e1000_descriptor) { (uint64_t)(uintptr_t)f,
		5054 | DATA | EXTENDED | INSERT | E1000_END | E1000_REPORT, SUM_IP | SUM_TCP };
	go(d);
	do
		receive(answer);
	while (get16(answer + 12) != PACKET_IP || answer[23] != PACKET_TCP);
	check(answer[47] & 4, "reset-by-the-host", "flags 0x%x", answer[47]);
	check_equal(get32(answer + 42), 0x12340000 + 5000, "all-of-it-came");
}

static void check_card(void)
{
	uint8_t mac[6];
	uint16_t all = 0;

	for (unsigned i = 0; i < 64; i++)
		all = (uint16_t)(all + e1000_eeprom(&nic, i));
	check_equal(all, 0xbaba, "eeprom-checksum");
	for (unsigned i = 0; i < 3; i++) {
		uint16_t w = e1000_eeprom(&nic, i);

		mac[2 * i] = (uint8_t)w;
		mac[2 * i + 1] = (uint8_t)(w >> 8);
	}
	packet_check_mac(mac);
	check_equal(e1000_phy(&nic, 2), 0x0141, "phy");
	check(e1000_phy(&nic, 1) & 4, "phy-has-link", "-");
	check(read32(nic.at + E1000_STATUS) & E1000_LINK_UP, "link", "-");
}

PROGRAM(e1000)
{
	unsigned pings = (unsigned)arg_number("pings", 200), good = 0;

	find();
	check_card();
	meet_host();
	for (unsigned i = 0; i < pings; i++)
		good += ping(i, i * 1472 / pings, i % WAYS);
	check_equal(good, pings, "pings");
	check(ping(pings, 1472, BOTH_SUMS), "largest-ping", "-");
	segmented();
	/* By the I/O BAR, as the driver's reset does. */
	out32((uint16_t)pci_bar(nic.slot, 1).at, E1000_STATUS);
	check(in32((uint16_t)(pci_bar(nic.slot, 1).at + 4)) & E1000_LINK_UP, "registers-by-ports",
		"-");
	count("frames_sent", pings + 3);
	check(read32(nic.at + E1000_GPTC) == pings + 3, "the-card-counts", "-");
	check_equal(read32(nic.at + E1000_GPTC), 0, "and-forgets");
}

/* An interrupt for each answer, which the cause register ends. */
PROGRAM(e1000_interrupt)
{
	uint64_t n = arg_number("pings", 50), good = 0;

	find();
	check_card();
	meet_host();
	e1000_interrupt(&nic, VECTOR);
	write32(nic.at + E1000_ITR, arg_number("itr", 0) & 0xffff);
	for (uint64_t i = 0; i < n; i++) {
		read32(nic.at + E1000_ICR);
		came = interrupts[VECTOR];
		write32(nic.at + E1000_IMS, E1000_CAUSE_RX);
		good += ping((unsigned)i, 64, LEGACY);
		if (!cpu_wait(&interrupts[VECTOR], came + 1))
			give_up("interrupt %lu does not come", i);
	}
	check_equal(good, n, "pings");
	check(read32(nic.at + E1000_ICR) & E1000_CAUSE_RX, "says-why", "-");
	check_equal(read32(nic.at + E1000_ICR), 0, "once");
}

/* Frames to nobody: one register each, the tail's. */
PROGRAM(e1000_cost)
{
	static uint8_t f[60];

	find();
	f[5] = f[11] = 2;
	for (uint64_t i = 0; i < arg_number("frames", 100); i++)
		send_legacy(f, sizeof(f));
	check_equal(read32(nic.at + E1000_GPTC), arg_number("frames", 100), "all-sent");
}

/* ---- noise ---- */

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct e1000_descriptor *wild;

/* Rings anywhere in the noisy memory, of any length, with any head and tail. */
static void touch(uint64_t r)
{
	static const uint16_t liked[] = { E1000_CTRL, E1000_EECD, E1000_MDIC, E1000_ICR, E1000_ITR,
		E1000_IMS, E1000_IMC, E1000_RCTL, E1000_TCTL, E1000_RDBA + E1000_LEN,
		E1000_RDBA + E1000_HEAD, E1000_RDBA + E1000_TAIL, E1000_TDBA + E1000_LEN,
		E1000_TDBA + E1000_HEAD, E1000_TDBA + E1000_TAIL, E1000_RDBA, E1000_TDBA };
	uint16_t at = liked[r % ARRAY_SIZE(liked)];
	uint32_t v = (uint32_t)(r >> 32);

	if (r >> 8 & 1)
		at = (uint16_t)(r >> 16 & 0x7ffc);
	if (at == E1000_RDBA || at == E1000_TDBA || at == E1000_RDBA + E1000_BAH ||
		at == E1000_TDBA + E1000_BAH)
		v = at & 4 ? 0 : (uint32_t)(uintptr_t)wild + (v & 0xfff0);
	if (r >> 9 & 1)
		v &= 0xff;
	if (r >> 10 & 1)
		read32(nic.at + at);
	else if (r >> 11 & 7)
		write32(nic.at + at, v);
	else
		write8(nic.at + at, (uint8_t)v);
}

static volatile uint64_t rounds;

static void noise(void *arg)
{
	uint64_t state = (uint64_t)(uintptr_t)arg;

	for (uint64_t i = 0; i < rounds; i++)
		touch(next(&state));
}

PROGRAM(e1000_hostile)
{
	int other = arg_number("cpus", 1) > 1 ? cpu_wake(1) : -1;
	uint64_t state = 88172645463325252;
	uint8_t *target = memory_take(1 << 20, 65536);

	find();
	wild = memory_take(2 << 20, 65536); /* a ring can begin in its first 64 KiB and has 1 MiB */
	for (unsigned i = 0; i < (2 << 20) / 16; i++) {
		uint64_t r = next(&state);

		wild[i].address =
			r % 8 ? (uint64_t)(uintptr_t)target + (r >> 20 & 0xfffff) : r | 1ULL << 40;
		wild[i].lower = (uint32_t)next(&state) & (r >> 8 & 1 ? 0xff7007ff : ~0u);
		wild[i].upper = (uint32_t)next(&state);
	}
	rounds = arg_number("rounds", 20000);
	if (other >= 0)
		cpu_run(other, noise, (void *)0x123456789abcdef);
	noise((void *)0xfedcba987654321);
	while (other >= 0 && !cpu_idle(other))
		relax();
	e1000_start(&nic);
	check_card();
	meet_host();
	check(ping(1, 100, BOTH_SUMS), "works-after-a-reset", "-");
	count("rounds", rounds);
}
