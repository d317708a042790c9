/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "packet.h"

uint8_t packet_ours[6], packet_hosts[6];

static const uint8_t our_ip[4] = { 192, 168, 77, 2 }, host_ip[4] = { 192, 168, 77, 1 };

void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

unsigned get16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

uint32_t get32(const uint8_t *p)
{
	return get16(p) << 16 | get16(p + 2);
}

unsigned packet_sum(const uint8_t *p, unsigned n, uint32_t s)
{
	for (unsigned i = 0; i + 1 < n; i += 2)
		s += get16(p + i);
	if (n % 2)
		s += (unsigned)p[n - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static unsigned digit(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

void packet_check_mac(const uint8_t *mac)
{
	const char *want = arg_text("mac", "");
	bool same = strlen(want) == 12;

	for (unsigned i = 0; i < 6; i++) {
		packet_ours[i] = mac[i];
		same = same && mac[i] == digit(want[2 * i]) * 16 + digit(want[2 * i + 1]);
	}
	check(same, "mac", "%02x%02x%02x%02x%02x%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
		mac[5]);
}

static void ethernet(uint8_t *f, const uint8_t *to, unsigned type)
{
	memcpy(f, to, 6);
	memcpy(f + 6, packet_ours, 6);
	put16(f + 12, type);
}

void packet_ask(uint8_t *f)
{
	static const uint8_t everybody[6] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t kind[8] = { 0, 1, 8, 0, 6, 4, 0, 1 };

	memset(f, 0, PACKET_QUESTION);
	ethernet(f, everybody, PACKET_ARP);
	memcpy(f + 14, kind, 8);
	memcpy(f + 22, packet_ours, 6);
	memcpy(f + 28, our_ip, 4);
	memcpy(f + 38, host_ip, 4);
}

bool packet_answered(const uint8_t *f)
{
	if (get16(f + 12) != PACKET_ARP || get16(f + 20) != 2)
		return false;
	check(!memcmp(f + 28, host_ip, 4), "arp-answer", "-");
	memcpy(packet_hosts, f + 22, 6);
	return true;
}

void packet_ip(uint8_t *f, unsigned bytes, uint8_t protocol, bool with_sum)
{
	uint8_t *ip = f + 14;

	memset(f, 0, 54);
	ethernet(f, packet_hosts, PACKET_IP);
	ip[0] = 0x45;
	put16(ip + 2, bytes);
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, our_ip, 4);
	memcpy(ip + 16, host_ip, 4);
	if (with_sum)
		put16(ip + 10, ~packet_sum(ip, 20, 0));
}

uint32_t packet_ping(uint8_t *f, unsigned sequence, unsigned payload, bool with_sum)
{
	uint8_t *icmp = f + 34;

	icmp[0] = 8;
	put16(icmp + 4, 0x7766);
	put16(icmp + 6, sequence);
	for (unsigned i = 0; i < payload; i++)
		icmp[8 + i] = (uint8_t)(sequence * 7 + i);
	if (with_sum)
		put16(icmp + 2, ~packet_sum(icmp, 8 + payload, 0));
	return PACKET_PING + payload;
}

bool packet_is_pong(const uint8_t *answer, const uint8_t *f, unsigned sequence, unsigned payload)
{
	return get16(answer + 40) == sequence && !memcmp(answer + 42, f + 42, payload) &&
	       packet_sum(answer + 34, 8 + payload, 0) == 0xffff;
}
