/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An e1000 against the host's own IP stack at the other end of a tap: its EEPROM and PHY, ARP,
 * pings that are sent in every way that descriptors allow, a segmentation that the host's TCP
 * answers.
 *
 * Arguments: mac=HEX12 pings=N frames=N; the host is 192.168.77.1, we are 192.168.77.2.
 */
#include "pci.h"

enum {
	VECTOR = 92,
	RING = 64,
	BUFFER = 2048,
	FRAME = 1514,

	CTRL = 0x0000,
	STATUS = 0x0008,
	EECD = 0x0010,
	MDIC = 0x0020,
	ICR = 0x00c0,
	ITR = 0x00c4,
	IMS = 0x00d0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	RDBA = 0x2800,
	TDBA = 0x3800,
	BAH = 4, /* from the ring's first register */
	LEN = 8,
	HEAD = 0x10,
	TAIL = 0x18,
	GPTC = 0x4080,

	CTRL_RESET = 1 << 26,
	LINK_UP = 2,
	RX_ON = 1 << 1 | 1 << 15 | 1 << 26, /* broadcasts, no checksum at the end */
	TX_ON = 1 << 1,
	CAUSE_RX = 1 << 7,

	END = 1 << 24,
	INSERT = 1 << 26, /* a checksum; of data: segments */
	REPORT = 1 << 27,
	EXTENDED = 1 << 29,
	DATA = 1 << 20,
	SUM_IP = 1 << 8,
	SUM_TCP = 2 << 8,
};

struct descriptor {
	uint64_t address;
	uint32_t lower, upper;
};

static unsigned slot;
static uint64_t nic;
static struct descriptor *rx, *tx;
static unsigned rx_next, tx_next;
static uint8_t *frames;
static uint64_t came;
static uint8_t our_mac[6], host_mac[6];
static const uint8_t our_ip[4] = { 192, 168, 77, 2 }, host_ip[4] = { 192, 168, 77, 1 };

/* ---- the card ---- */

static unsigned clock(uint32_t bit)
{
	uint32_t lines = 1 << 6 | 1 << 1 | bit << 2;

	write32(nic + EECD, lines);
	write32(nic + EECD, lines | 1);
	return read32(nic + EECD) >> 3 & 1;
}

/* By the serial line, as drivers of this card do. */
static uint16_t eeprom(unsigned word)
{
	uint32_t command = 6 << 6 | word;
	uint16_t v = 0;

	write32(nic + EECD, 1 << 6);
	if (!(read32(nic + EECD) & 1 << 7))
		give_up("the EEPROM is not granted");
	write32(nic + EECD, 1 << 6 | 1 << 1);
	for (int i = 8; i >= 0; i--)
		clock(command >> i & 1);
	for (unsigned i = 0; i < 16; i++)
		v = (uint16_t)(v << 1 | clock(0));
	write32(nic + EECD, 0);
	return v;
}

static uint16_t phy(unsigned reg)
{
	write32(nic + MDIC, 2u << 26 | 1 << 21 | reg << 16);
	return (uint16_t)read32(nic + MDIC);
}

static void ring_at(unsigned base, struct descriptor *ring, unsigned tail)
{
	write32(nic + base, (uint32_t)(uintptr_t)ring);
	write32(nic + base + BAH, 0);
	write32(nic + base + LEN, RING * 16);
	write32(nic + base + HEAD, 0);
	write32(nic + base + TAIL, tail);
}

static void start(void)
{
	write32(nic + CTRL, CTRL_RESET);
	rx_next = tx_next = 0;
	for (unsigned i = 0; i < RING; i++)
		rx[i] = (struct descriptor) { (uint64_t)(uintptr_t)frames + i * BUFFER, 0, 0 };
	memset(tx, 0, RING * 16);
	ring_at(RDBA, rx, RING - 1);
	ring_at(TDBA, tx, 0);
	write32(nic + TCTL, TX_ON);
	write32(nic + RCTL, RX_ON);
}

static void find(void)
{
	int s = pci_find(0x8086, 0x100e, 0);

	if (s < 0)
		give_up("no e1000");
	slot = (unsigned)s;
	nic = pci_bar(slot, 0).at;
	pci_command(slot, PCI_MEMORY | PCI_IO | PCI_MASTER, PCI_NO_INTX);
	rx = memory_take(RING * 16, 4096);
	tx = memory_take(RING * 16, 4096);
	frames = memory_take(RING * BUFFER, 4096);
	start();
}

static struct descriptor *next_tx(void)
{
	struct descriptor *d = &tx[tx_next];

	tx_next = (tx_next + 1) % RING;
	return d;
}

/* Rings, and waits until the last one is done. */
static void go(struct descriptor *last)
{
	uint64_t begun = cpu_cycles();

	write32(nic + TDBA + TAIL, tx_next);
	while (!(*(volatile uint32_t *)&last->upper & 1))
		if (cpu_cycles() - begun > 10000000000)
			give_up("the frame is not taken");
}

enum how { LEGACY, IN_PIECES, IP_SUM, BOTH_SUMS, WAYS };

static void send_legacy(uint8_t *f, uint32_t len)
{
	struct descriptor *d = next_tx();

	*d = (struct descriptor) { (uint64_t)(uintptr_t)f, len | END | REPORT, 0 };
	go(d);
}

static void send_pieces(uint8_t *f, uint32_t len)
{
	struct descriptor *d = NULL;

	for (uint32_t at = 0, n = 14; at < len; at += n) {
		bool last = len - at <= n || at;
		uint32_t part = last ? len - at : n;

		d = next_tx();
		*d = (struct descriptor) { (uint64_t)(uintptr_t)(f + at),
			part | DATA | EXTENDED | (last ? (uint32_t)(END | REPORT) : 0), 0 };
		n = part;
	}
	go(d);
}

static void context(uint32_t ip, uint32_t tcp, uint32_t command, uint32_t upper)
{
	*next_tx() = (struct descriptor) { (uint64_t)tcp << 32 | ip, command | EXTENDED, upper };
}

static void send_summed(uint8_t *f, uint32_t len, uint32_t what)
{
	struct descriptor *d;

	context(14 | 24 << 8 | 33 << 16, 34 | 36 << 8, 1 << 25, 0);
	d = next_tx();
	*d = (struct descriptor) { (uint64_t)(uintptr_t)f, len | DATA | EXTENDED | END | REPORT,
		what };
	go(d);
}

/* The next frame into `to`; its length. */
static uint32_t receive(uint8_t *to)
{
	struct descriptor *d = &rx[rx_next];
	uint64_t begun = cpu_cycles();
	uint32_t len;

	while (!(*(volatile uint32_t *)&d->upper & 1))
		if (cpu_cycles() - begun > 10000000000)
			give_up("no answer came");
	len = d->lower & 0xffff;
	memcpy(to, frames + rx_next * BUFFER, len);
	d->upper = 0;
	write32(nic + RDBA + TAIL, rx_next);
	rx_next = (rx_next + 1) % RING;
	return len;
}

/* ---- what it carries ---- */

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

static unsigned sum(const uint8_t *p, unsigned n, uint32_t s)
{
	for (unsigned i = 0; i + 1 < n; i += 2)
		s += get16(p + i);
	if (n % 2)
		s += (unsigned)p[n - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static void ethernet(uint8_t *f, const uint8_t *to, unsigned type)
{
	memcpy(f, to, 6);
	memcpy(f + 6, our_mac, 6);
	put16(f + 12, type);
}

static void meet_host(void)
{
	static uint8_t f[60], answer[BUFFER];
	static const uint8_t everybody[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t kind[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	ethernet(f, everybody, 0x806);
	memcpy(f + 14, kind, 8);
	memcpy(f + 22, our_mac, 6);
	memcpy(f + 28, our_ip, 4);
	memcpy(f + 38, host_ip, 4);
	send_legacy(f, sizeof(f));
	do
		receive(answer);
	while (get16(answer + 12) != 0x806 || get16(answer + 20) != 2);
	memcpy(host_mac, answer + 22, 6);
	check(!memcmp(answer + 28, host_ip, 4), "arp-answer", "-");
}

static void ip_header(uint8_t *f, unsigned bytes, uint8_t protocol, bool with_sum)
{
	uint8_t *ip = f + 14;

	memset(f, 0, 54);
	ethernet(f, host_mac, 0x800);
	ip[0] = 0x45;
	put16(ip + 2, bytes);
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, our_ip, 4);
	memcpy(ip + 16, host_ip, 4);
	if (with_sum)
		put16(ip + 10, ~sum(ip, 20, 0));
}

static bool ping(unsigned sequence, unsigned payload, enum how how)
{
	static uint8_t f[FRAME + 64], answer[BUFFER];
	uint8_t *icmp = f + 34;

	ip_header(f, 28 + payload, 1, how < IP_SUM);
	icmp[0] = 8;
	put16(icmp + 4, 0x7766);
	put16(icmp + 6, sequence);
	for (unsigned i = 0; i < payload; i++)
		icmp[8 + i] = (uint8_t)(sequence * 7 + i);
	if (how != BOTH_SUMS)
		put16(icmp + 2, ~sum(icmp, 8 + payload, 0));
	switch (how) {
	case LEGACY:
		send_legacy(f, 42 + payload);
		break;
	case IN_PIECES:
		send_pieces(f, 42 + payload);
		break;
	default:
		send_summed(f, 42 + payload, how == IP_SUM ? SUM_IP : SUM_IP | SUM_TCP);
	}
	do
		receive(answer);
	while (get16(answer + 12) != 0x800 || answer[23] != 1 || answer[34] != 0);
	return get16(answer + 40) == sequence && !memcmp(answer + 42, f + 42, payload) &&
	       sum(answer + 34, 8 + payload, 0) == 0xffff;
}

/* One descriptor of 5000 bytes for a closed port: the host says how much of it came. */
static void segmented(void)
{
	static uint8_t answer[BUFFER];
	uint8_t *f = memory_take(8192, 4096), *tcp = f + 34;
	struct descriptor *d;
	uint32_t pseudo;

	ip_header(f, 0, 6, false);
	put16(tcp, 5555);
	put16(tcp + 2, 9);
	put16(tcp + 4, 0x1234);
	tcp[12] = 5 << 4;
	tcp[13] = 8; /* PSH, and no ACK: the answer acknowledges */
	put16(tcp + 14, 8192);
	pseudo = sum(f + 26, 8, 6);
	put16(tcp + 16, pseudo);
	context(14 | 24 << 8 | 33 << 16, 34 | 50 << 8, 1 << 24 | 1 << 25 | 1 << 26,
		54 << 8 | 1000 << 16);
	d = next_tx();
	*d = (struct descriptor) { (uint64_t)(uintptr_t)f,
		5054 | DATA | EXTENDED | INSERT | END | REPORT, SUM_IP | SUM_TCP };
	go(d);
	do
		receive(answer);
	while (get16(answer + 12) != 0x800 || answer[23] != 6);
	check(answer[47] & 4, "reset-by-the-host", "flags 0x%x", answer[47]);
	check_equal(get32(answer + 42), 0x12340000 + 5000, "all-of-it-came");
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static void check_card(void)
{
	const char *want = arg_text("mac", "000000000000");
	uint16_t all = 0;

	for (unsigned i = 0; i < 64; i++)
		all = (uint16_t)(all + eeprom(i));
	check_equal(all, 0xbaba, "eeprom-checksum");
	for (unsigned i = 0; i < 3; i++) {
		uint16_t w = eeprom(i);

		our_mac[2 * i] = (uint8_t)w;
		our_mac[2 * i + 1] = (uint8_t)(w >> 8);
	}
	for (unsigned i = 0; i < 6; i++)
		check_equal(our_mac[i], digit(want[2 * i]) * 16 + digit(want[2 * i + 1]), "mac");
	check_equal(phy(2), 0x0141, "phy");
	check(phy(1) & 4, "phy-has-link", "-");
	check(read32(nic + STATUS) & LINK_UP, "link", "-");
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
	out32((uint16_t)pci_bar(slot, 1).at, STATUS);
	check(in32((uint16_t)(pci_bar(slot, 1).at + 4)) & LINK_UP, "registers-by-ports", "-");
	count("frames_sent", pings + 3);
	check(read32(nic + GPTC) == pings + 3, "the-card-counts", "-");
	check_equal(read32(nic + GPTC), 0, "and-forgets");
}

/* An interrupt for each answer, which the cause register ends. */
PROGRAM(e1000_interrupt)
{
	uint64_t n = arg_number("pings", 50), good = 0;

	find();
	check_card();
	meet_host();
	interrupt_quiet = nic + IMC;
	interrupt_quiet_value = ~0u;
	interrupt_quiet_vector = VECTOR;
	cpu_route_edge(pci_read(slot, 0x3c, 1), VECTOR);
	write32(nic + ITR, arg_number("itr", 0) & 0xffff);
	for (uint64_t i = 0; i < n; i++) {
		read32(nic + ICR);
		came = interrupts[VECTOR];
		write32(nic + IMS, CAUSE_RX);
		good += ping((unsigned)i, 64, LEGACY);
		if (!cpu_wait(&interrupts[VECTOR], came + 1))
			give_up("interrupt %lu does not come", i);
	}
	check_equal(good, n, "pings");
	check(read32(nic + ICR) & CAUSE_RX, "says-why", "-");
	check_equal(read32(nic + ICR), 0, "once");
}

/* Frames to nobody: one register each, the tail's. */
PROGRAM(e1000_cost)
{
	static uint8_t f[60];

	find();
	f[5] = f[11] = 2;
	for (uint64_t i = 0; i < arg_number("frames", 100); i++)
		send_legacy(f, sizeof(f));
	check_equal(read32(nic + GPTC), arg_number("frames", 100), "all-sent");
}

/* ---- noise ---- */

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static struct descriptor *wild;

/* Rings anywhere in the noisy memory, of any length, with any head and tail. */
static void touch(uint64_t r)
{
	static const uint16_t liked[] = { CTRL, EECD, MDIC, ICR, ITR, IMS, IMC, RCTL, TCTL,
		RDBA + LEN, RDBA + HEAD, RDBA + TAIL, TDBA + LEN, TDBA + HEAD, TDBA + TAIL, RDBA,
		TDBA };
	uint16_t at = liked[r % ARRAY_SIZE(liked)];
	uint32_t v = (uint32_t)(r >> 32);

	if (r >> 8 & 1)
		at = (uint16_t)(r >> 16 & 0x7ffc);
	if (at == RDBA || at == TDBA || at == RDBA + BAH || at == TDBA + BAH)
		v = at & 4 ? 0 : (uint32_t)(uintptr_t)wild + (v & 0xfff0);
	if (r >> 9 & 1)
		v &= 0xff;
	if (r >> 10 & 1)
		read32(nic + at);
	else if (r >> 11 & 7)
		write32(nic + at, v);
	else
		write8(nic + at, (uint8_t)v);
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
	start();
	check_card();
	meet_host();
	check(ping(1, 100, BOTH_SUMS), "works-after-a-reset", "-");
	count("rounds", rounds);
}
