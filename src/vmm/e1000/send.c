/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the guest to the tap, 3.3 to 3.5. */
#include "nic.h"

#include "base/attr.h"
#include "vmm/net/tap.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <string.h>

enum {
	BUDGET = 256, /* descriptors */
	TAG_BYTES = 4,
	MAC_BYTES = 12,

	COMMAND_END = 1 << 0,
	COMMAND_SUM = 1 << 2, /* of a legacy descriptor */
	COMMAND_SEGMENT = 1 << 2,
	COMMAND_REPORT = 1 << 3,
	COMMAND_EXTENDED = 1 << 5,
	COMMAND_VLAN = 1 << 6,
	CONTEXT_TCP = 1 << 0,
	CONTEXT_IPV4 = 1 << 1,
	TYPE_CONTEXT = 0,
	TYPE_DATA = 1,
	OPTION_IP_SUM = 1 << 0,
	OPTION_TCP_SUM = 1 << 1,
	STATUS_DONE = 1 << 0,
	STATUS_AT = 12, /* in the descriptor */
};

struct tx_descriptor {
	uint64_t address;
	uint32_t lower, upper;
};
_Static_assert(sizeof(struct tx_descriptor) == 16, "as the card has it");

static unsigned command_of(const struct tx_descriptor *d)
{
	return d->lower >> 24;
}

/* ---- checksums ---- */

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint32_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

static uint32_t sum_of(const uint8_t *p, uint32_t len)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i + 1 < len; i += 2)
		sum += get16(p + i);
	if (len % 2)
		sum += (uint32_t)p[len - 1] << 8;
	return fold(sum);
}

/* Of [start, end) (0: to the end of the packet) into `at`; what is there counts, as the card has
 * it. */
static void insert_sum(struct nic_packet *k, uint32_t start, uint32_t end, uint32_t at)
{
	uint32_t stop = end && end + 1 < k->len ? end + 1 : k->len;

	if (start < stop && at + 2 <= k->len)
		put16(k->bytes + at, ~sum_of(k->bytes + start, stop - start));
}

/* The tap computes those that go to the end of the packet, or the other side's card. */
static void leave_sum(struct nic_packet *k, uint32_t start, uint32_t end, uint32_t at)
{
	if (end || at < start || at + 2 > k->len) {
		insert_sum(k, start, end, at);
		return;
	}
	k->header.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	k->header.csum_start = (uint16_t)start;
	k->header.csum_offset = (uint16_t)(at - start);
}

/* ---- segmentation: the tap's too, once lengths and sums are those of the whole packet ---- */

static bool fix_ip(const struct nic_context *c, struct nic_packet *k)
{
	uint32_t ip = c->ip_start, rest = k->len - ip;

	if (ip + 40 > c->header || rest > UINT16_MAX)
		return false;
	if (!c->ipv4) {
		put16(k->bytes + ip + 4, rest - 40);
		return true;
	}
	put16(k->bytes + ip + 2, rest);
	put16(k->bytes + c->ip_offset, 0);
	insert_sum(k, ip, c->ip_end, c->ip_offset);
	return true;
}

/* The guest's sum of the pseudo header has no length in it. */
static bool fix_tcp(const struct nic_context *c, struct nic_packet *k)
{
	uint8_t *sum = k->bytes + c->tcp_offset;

	if (c->tcp_start < c->ip_start + 20U || c->tcp_start + 20U > c->header ||
		c->tcp_offset != c->tcp_start + 16U)
		return false;
	put16(sum, fold((uint64_t)get16(sum) + (k->len - c->tcp_start)));
	leave_sum(k, c->tcp_start, 0, c->tcp_offset);
	return true;
}

static bool segment(struct nic *n, struct nic_packet *k)
{
	const struct nic_context *c = &n->context;

	if (!c->tcp || !c->mss || c->header > k->len || c->ip_start < ETH_HLEN ||
		c->ip_offset + 2U > c->header || !fix_ip(c, k) || !fix_tcp(c, k))
		return false;
	if (k->len - c->header <= c->mss)
		return true;
	k->header.gso_type = c->ipv4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	k->header.gso_size = c->mss;
	k->header.hdr_len = c->header;
	nic_statistic(n, R_TSCTC, 1);
	return true;
}

static bool offload(struct nic *n, struct nic_packet *k)
{
	const struct nic_context *c = &n->context;

	if (k->segment)
		return segment(n, k);
	if (k->legacy_sum)
		leave_sum(k, k->legacy_start, 0, k->legacy_offset);
	if (k->ip_sum)
		insert_sum(k, c->ip_start, c->ip_end, c->ip_offset);
	if (k->tcp_sum)
		leave_sum(k, c->tcp_start, c->tcp_end, c->tcp_offset);
	return true;
}

static void insert_tag(struct nic *n, struct nic_packet *k)
{
	memmove(k->bytes + MAC_BYTES + TAG_BYTES, k->bytes + MAC_BYTES, k->len - MAC_BYTES);
	put16(k->bytes + MAC_BYTES, *nic_reg(n, R_VET));
	put16(k->bytes + MAC_BYTES + 2, k->tag);
	k->len += TAG_BYTES;
	if (k->header.flags)
		k->header.csum_start += TAG_BYTES;
	if (k->header.gso_type)
		k->header.hdr_len += TAG_BYTES;
}

/* ---- packets ---- */

/* False: it has to wait. What the tap refuses is lost, as on a wire. */
static bool put_out(struct nic *n, struct nic_packet *k)
{
	struct iovec v[2] = { { &k->header, sizeof(k->header) }, { k->bytes, k->len } };
	ssize_t r = nic_has_link(n) ? tap_write(n->params.tap, v, 2) : -ENETDOWN;

	k->waiting = r == -EAGAIN;
	if (k->waiting)
		return false;
	k->begun = false;
	if (r < 0) {
		nic_count(&n->counts.tx_dropped, 1);
		return true;
	}
	nic_count(&n->counts.tx_requests, 1);
	nic_count(&n->counts.tx_bytes, k->len);
	nic_statistic(n, R_GPTC, 1);
	nic_statistic(n, R_TPT, 1);
	nic_statistic64(n, R_GOTCL, k->len + NIC_CRC_BYTES);
	nic_statistic64(n, R_TOTL, k->len + NIC_CRC_BYTES);
	return true;
}

/* The packet is complete. */
static bool finish(struct nic *n, struct nic_packet *k)
{
	if (k->bad || k->len < ETH_HLEN || !offload(n, k)) {
		nic_count(&n->counts.tx_dropped, 1);
		k->begun = false;
		return true;
	}
	if (k->vlan && (*nic_reg(n, R_CTRL) & CTRL_VLAN))
		insert_tag(n, k);
	return put_out(n, k);
}

static void begin(struct nic_packet *k)
{
	k->begun = true;
	k->bad = k->segment = k->ip_sum = k->tcp_sum = k->vlan = k->legacy_sum = false;
	k->len = 0;
	memset(&k->header, 0, sizeof(k->header));
}

static void append(struct nic *n, struct nic_packet *k, uint64_t from, uint32_t len)
{
	if (k->bad || !len)
		return;
	k->bad = len > NIC_FRAME_MAX - TAG_BYTES - k->len ||
		 guest_memory_read(n->params.memory, GPA(from), k->bytes + k->len, len) < 0;
	if (!k->bad)
		k->len += len;
}

static void take_context(struct nic *n, const struct tx_descriptor *d)
{
	uint32_t ip = (uint32_t)d->address, tcp = (uint32_t)(d->address >> 32);

	n->context = (struct nic_context) {
		.ip_start = (uint8_t)ip,
		.ip_offset = (uint8_t)(ip >> 8),
		.ip_end = (uint16_t)(ip >> 16),
		.tcp_start = (uint8_t)tcp,
		.tcp_offset = (uint8_t)(tcp >> 8),
		.tcp_end = (uint16_t)(tcp >> 16),
		.tcp = command_of(d) & CONTEXT_TCP,
		.ipv4 = command_of(d) & CONTEXT_IPV4,
		.header = (uint8_t)(d->upper >> 8),
		.mss = (uint16_t)(d->upper >> 16),
	};
}

static void take_legacy(struct nic *n, struct nic_packet *k, const struct tx_descriptor *d)
{
	if (!k->begun)
		begin(k);
	if (command_of(d) & COMMAND_SUM) {
		k->legacy_sum = true;
		k->legacy_offset = (uint8_t)(d->lower >> 16);
		k->legacy_start = (uint8_t)(d->upper >> 8);
	}
	append(n, k, d->address, d->lower & 0xffff);
}

/* The first one says what is to be done with all of them. */
static void take_data(struct nic *n, struct nic_packet *k, const struct tx_descriptor *d)
{
	if (!k->begun) {
		begin(k);
		k->segment = command_of(d) & COMMAND_SEGMENT;
		k->ip_sum = d->upper >> 8 & OPTION_IP_SUM;
		k->tcp_sum = d->upper >> 8 & OPTION_TCP_SUM;
	}
	append(n, k, d->address, d->lower & 0xfffff);
}

/* False: the packet waits for the tap; the descriptor is done with all the same. */
static bool take(struct nic *n, const struct tx_descriptor *d)
{
	struct nic_packet *k = &n->packet;
	unsigned type = d->lower >> 20 & 15;

	if (!(command_of(d) & COMMAND_EXTENDED))
		take_legacy(n, k, d);
	else if (type == TYPE_DATA)
		take_data(n, k, d);
	else if (type == TYPE_CONTEXT)
		take_context(n, d);
	if (((command_of(d) & COMMAND_EXTENDED) && type != TYPE_DATA) ||
		!(command_of(d) & COMMAND_END))
		return true;
	if (command_of(d) & COMMAND_VLAN) {
		k->vlan = true;
		k->tag = (uint16_t)(d->upper >> 16);
	}
	return finish(n, k);
}

/* ---- the ring ---- */

static bool is_sending(struct nic *n)
{
	uint32_t size = nic_ring_size(n, R_TDBAL);

	return (*nic_reg(n, R_TCTL) & TCTL_ENABLE) && *nic_reg(n, R_TDH) < size &&
	       *nic_reg(n, R_TDT) < size && *nic_reg(n, R_TDH) != *nic_reg(n, R_TDT) &&
	       atomic_load_explicit(&n->may_master, memory_order_relaxed);
}

/* Causes that the descriptor brings; its memory may be anywhere. */
static uint32_t one(struct nic *n, bool *ret_stuck)
{
	uint32_t *head = nic_reg(n, R_TDH), causes = 0;
	struct tx_descriptor d = { 0 };
	uint8_t done = STATUS_DONE;
	uint64_t at;

	if (nic_descriptor(n, R_TDBAL, *head, &at, &d)) {
		*ret_stuck = !take(n, &d);
		if (command_of(&d) & COMMAND_REPORT) {
			done |= (uint8_t)d.upper & 0xf0;
			guest_memory_write(n->params.memory, GPA(at + STATUS_AT), &done, 1);
			causes = I_TXDW;
		}
	}
	*head = *head + 1 < nic_ring_size(n, R_TDBAL) ? *head + 1 : 0;
	return causes;
}

bool nic_send(struct nic *n)
{
	bool stuck = n->packet.waiting && !put_out(n, &n->packet);
	uint32_t causes = 0;
	unsigned i = 0;

	for (; !stuck && i < BUDGET && is_sending(n); i++)
		causes |= one(n, &stuck);
	if (i && !stuck && !is_sending(n))
		causes |= I_TXQE;
	if (causes)
		nic_cause(n, causes);
	return !stuck && is_sending(n);
}
