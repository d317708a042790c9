/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs with a network card say to the host's IP stack at the other end of a tap: ARP (RFC
 * 826), IPv4, pings (RFC 792). The host is 192.168.77.1, we are 192.168.77.2. Frames begin with the
 * Ethernet header of 14 bytes, and IP headers have no options.
 */
#pragma once

#include "guest.h"

enum {
	PACKET_ARP = 0x806,
	PACKET_IP = 0x800,
	PACKET_ICMP = 1,
	PACKET_TCP = 6,
	PACKET_QUESTION = 60, /* bytes of packet_ask() */
	PACKET_PING = 42,     /* bytes of packet_ping(), without what it carries */
};

/* Both ends' addresses: ours the program finds, the host's packet_answered(). */
extern uint8_t packet_ours[6], packet_hosts[6];

void put16(uint8_t *p, unsigned v);
unsigned get16(const uint8_t *p);
uint32_t get32(const uint8_t *p);
/* The one's complement sum of n bytes, and of `s`; not complemented. */
unsigned packet_sum(const uint8_t *p, unsigned n, uint32_t s);

/* Is it what "mac=" of the command line says? Our own is from now on. */
void packet_check_mac(const uint8_t *mac);
/* Asks for the host's address. */
void packet_ask(uint8_t *f);
/* Takes it from `f`; false: that is no answer. */
bool packet_answered(const uint8_t *f);
/* Headers of `bytes` of IP to the host; 54 bytes are cleared before. */
void packet_ip(uint8_t *f, unsigned bytes, uint8_t protocol, bool with_sum);
/* Behind packet_ip(): an echo request; all of the frame's bytes. */
uint32_t packet_ping(uint8_t *f, unsigned sequence, unsigned payload, bool with_sum);
/* The answer to `f`, to the byte. */
bool packet_is_pong(const uint8_t *answer, const uint8_t *f, unsigned sequence, unsigned payload);
