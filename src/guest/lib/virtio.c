/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "virtio.h"

/* The vendor capability of this kind (4.1.4): where in which BAR the structure is. */
static uint64_t structure(unsigned slot, uint8_t kind, unsigned *ret_capability)
{
	for (unsigned n = 0, at; (at = pci_capability(slot, CAP_VENDOR, n)); n++) {
		if (pci_read(slot, at + 3, 1) != kind)
			continue;
		*ret_capability = at;
		return pci_bar(slot, pci_read(slot, at + 4, 1)).at + pci_read(slot, at + 8, 4);
	}
	return 0;
}

bool virtio_find(unsigned type, unsigned nth, struct virtio *v)
{
	int slot = pci_find(0x1af4, (uint16_t)(0x1040 + type), nth);
	unsigned cap = 0;

	if (slot < 0)
		return false;
	*v = (struct virtio) { .slot = (unsigned)slot };
	v->common = structure(v->slot, 1, &cap);
	v->isr = structure(v->slot, 3, &cap);
	v->device = structure(v->slot, 4, &cap);
	v->notify = structure(v->slot, 2, &cap);
	v->notify_step = pci_read(v->slot, cap + 16, 4);
	pci_command(v->slot, PCI_MEMORY | PCI_MASTER, 0);
	return v->common && v->notify && v->isr && msix_open(v->slot, &v->msix);
}

uint8_t virtio_status(const struct virtio *v)
{
	return read8(v->common + COMMON_STATUS);
}

void virtio_set_status(const struct virtio *v, uint8_t bits)
{
	write8(v->common + COMMON_STATUS, (uint8_t)(virtio_status(v) | bits));
}

void virtio_reset(const struct virtio *v)
{
	write8(v->common + COMMON_STATUS, 0);
	while (virtio_status(v))
		relax();
}

static uint64_t read_offered(const struct virtio *v)
{
	uint64_t low;

	write32(v->common + COMMON_DEVICE_SELECT, 0);
	low = read32(v->common + COMMON_DEVICE_FEATURES);
	write32(v->common + COMMON_DEVICE_SELECT, 1);
	return low | (uint64_t)read32(v->common + COMMON_DEVICE_FEATURES) << 32;
}

/* What is not a wish, but changes what the driver does. */
#define RING_KINDS (FEATURE(RING_PACKED) | FEATURE(RING_IN_ORDER) | FEATURE(RING_RESET))

bool virtio_begin(struct virtio *v, uint64_t want)
{
	virtio_reset(v);
	virtio_set_status(v, VIRTIO_ACKNOWLEDGE);
	virtio_set_status(v, VIRTIO_DRIVER);
	v->offered = read_offered(v);
	v->features = v->offered & (want | FEATURE(VERSION_1));
	if ((want ^ v->features) & RING_KINDS)
		give_up("wants rings that are not offered: %lx of %lx", want, v->offered);
	write32(v->common + COMMON_DRIVER_SELECT, 0);
	write32(v->common + COMMON_DRIVER_FEATURES, (uint32_t)v->features);
	write32(v->common + COMMON_DRIVER_SELECT, 1);
	write32(v->common + COMMON_DRIVER_FEATURES, (uint32_t)(v->features >> 32));
	virtio_set_status(v, VIRTIO_FEATURES_OK);
	msix_enable(&v->msix, true, false);
	return virtio_status(v) & VIRTIO_FEATURES_OK;
}

static void set_address(uint64_t at, const volatile void *p)
{
	write32(at, (uint32_t)(uintptr_t)p);
	write32(at + 4, (uint32_t)((uintptr_t)p >> 32));
}

static void take_memory(struct ring *r)
{
	r->desc = memory_take(16u * r->size, 4096);
	r->avail = memory_take(6u + 2u * r->size, 4096);
	r->used = memory_take(6u + 8u * r->size, 4096);
	r->heads = memory_take(2u * r->size, 2);
	r->rooms = memory_take(4u * r->size, 4);
	r->packed = (struct packed) { .ring = (void *)r->desc,
		.driver = (void *)r->avail,
		.device = (void *)r->used,
		.entries = memory_take(2u * r->size, 2),
		.links = memory_take(2u * r->size, 2) };
}

/* In order the device does not write what it skips: so that it can be told whether it did. */
enum { UNTOUCHED = 0xffffffff };

static volatile struct used_element *used_at(const struct ring *r, uint16_t n)
{
	return (volatile void *)&r->used[2 + 4 * (n % r->size)];
}

/* As the memory is before anything was offered. */
static void clear(struct ring *r)
{
	memset(r->desc, 0, 16u * r->size);
	memset((void *)(uintptr_t)r->avail, 0, 6u + 2u * r->size);
	memset((void *)(uintptr_t)r->used, 0, 6u + 8u * r->size);
	r->next_avail = r->next_used = r->kicked = r->free = r->batch = 0;
	if (r->is_packed)
		packed_start(r);
	for (uint16_t i = 0; i < r->size && !r->is_packed; i++)
		r->desc[i].next = (uint16_t)(i + 1);
	for (uint16_t i = 0; i < r->size && r->in_order && !r->is_packed; i++)
		used_at(r, i)->head = UNTOUCHED;
}

uint64_t ring_wishes(void)
{
	return (arg_number("event_idx", 0) ? FEATURE(RING_EVENT_IDX) : 0) |
	       (arg_number("packed", 0) ? FEATURE(RING_PACKED) : 0) |
	       (arg_number("in_order", 0) ? FEATURE(RING_IN_ORDER) : 0);
}

/* Tells the device of the queue, which is selected. */
static bool enable(struct ring *r)
{
	const struct virtio *v = r->virtio;
	uint16_t entry = (uint16_t)(r->index + 1);

	write16(v->common + COMMON_QUEUE_SIZE, r->size);
	set_address(v->common + COMMON_QUEUE_DESC, r->desc);
	set_address(v->common + COMMON_QUEUE_DRIVER, r->avail);
	set_address(v->common + COMMON_QUEUE_DEVICE, r->used);
	if (r->vector)
		msix_route(&v->msix, entry, r->vector, cpu_apic_id());
	write16(v->common + COMMON_QUEUE_VECTOR, r->vector ? entry : 0xffff);
	r->doorbell =
		v->notify + (uint64_t)read16(v->common + COMMON_QUEUE_NOTIFY) * v->notify_step;
	write16(v->common + COMMON_QUEUE_ENABLE, 1);
	return read16(v->common + COMMON_QUEUE_ENABLE) == 1;
}

bool ring_start(
	struct ring *r, const struct virtio *v, unsigned index, uint16_t size, uint8_t vector)
{
	uint16_t max;

	write16(v->common + COMMON_QUEUE_SELECT, (uint16_t)index);
	max = read16(v->common + COMMON_QUEUE_SIZE);
	if (!max)
		return false;
	*r = (struct ring) {
		.virtio = v,
		.index = index,
		.size = size < max ? size : max,
		.vector = vector,
		.event_idx = v->features & FEATURE(RING_EVENT_IDX),
		.in_order = v->features & FEATURE(RING_IN_ORDER),
		.is_packed = v->features & FEATURE(RING_PACKED),
	};
	take_memory(r);
	clear(r);
	return enable(r);
}

bool ring_restart(struct ring *r)
{
	uint64_t features = r->virtio->features;

	r->event_idx = features & FEATURE(RING_EVENT_IDX);
	r->in_order = features & FEATURE(RING_IN_ORDER);
	r->is_packed = features & FEATURE(RING_PACKED);
	write16(r->virtio->common + COMMON_QUEUE_SELECT, (uint16_t)r->index);
	clear(r);
	return enable(r);
}

bool ring_reset(struct ring *r)
{
	uint64_t common = r->virtio->common;

	write16(common + COMMON_QUEUE_SELECT, (uint16_t)r->index);
	write16(common + COMMON_QUEUE_RESET, 1);
	while (read16(common + COMMON_QUEUE_RESET))
		relax();
	return !read16(common + COMMON_QUEUE_ENABLE) && ring_restart(r);
}

static int split_add(struct ring *r, const struct buffer *buffers, unsigned n)
{
	uint16_t head = r->free, at = head;

	for (unsigned i = 0; i < n; i++, at = r->desc[at].next) {
		if (at >= r->size)
			return -1;
		r->desc[at].at = (uint64_t)(uintptr_t)buffers[i].at;
		r->desc[at].length = buffers[i].length;
		r->desc[at].flags = (uint16_t)((i + 1 < n ? DESCRIPTOR_NEXT : 0) |
					       (buffers[i].device_writes ? DESCRIPTOR_WRITE : 0));
	}
	r->free = at;
	r->avail[2 + r->next_avail % r->size] = head;
	r->heads[r->next_avail % r->size] = head;
	r->next_avail++;
	return head;
}

int ring_add(struct ring *r, const struct buffer *buffers, unsigned n)
{
	int head = r->is_packed ? packed_add(r, buffers, n) : split_add(r, buffers, n);

	if (head < 0)
		return head;
	r->rooms[head] = 0;
	for (unsigned i = 0; i < n; i++)
		r->rooms[head] += buffers[i].device_writes ? buffers[i].length : 0;
	return head;
}

volatile uint16_t *ring_avail_event(const struct ring *r)
{
	return &r->used[2 + 4 * r->size];
}

static bool split_show(struct ring *r)
{
	uint16_t old = r->kicked, now = r->next_avail;

	barrier();
	r->avail[1] = now;
	fence();
	if (r->event_idx)
		return (uint16_t)(now - *ring_avail_event(r) - 1) < (uint16_t)(now - old);
	return !(r->used[0] & 1);
}

bool ring_kick(struct ring *r)
{
	bool rings;

	if (r->kicked == r->next_avail)
		return false;
	rings = r->is_packed ? packed_show(r) : split_show(r);
	r->kicked = r->next_avail;
	if (rings) {
		write16(r->doorbell, (uint16_t)r->index);
		r->kicks++;
	}
	return rings;
}

void ring_interrupt_after(struct ring *r, uint16_t used_index)
{
	if (r->is_packed)
		packed_interrupt_after(r, used_index);
	else
		r->avail[2 + r->size] = used_index;
	fence();
}

static int split_peek(const struct ring *r, uint32_t *length)
{
	volatile struct used_element *e = used_at(r, r->next_used);
	uint32_t head;

	if (r->used[1] == r->next_used)
		return -1;
	barrier();
	head = e->head;
	*length = e->length;
	if (head >= r->size)
		give_up("the device gave back chain %u of a ring of %u", head, r->size);
	return (int)head;
}

static void split_free(struct ring *r, uint16_t head)
{
	uint16_t last = head;

	while (r->desc[last].flags & DESCRIPTOR_NEXT)
		last = r->desc[last].next;
	r->desc[last].next = r->free;
	r->free = head;
	if (r->in_order)
		used_at(r, r->next_used)->head = UNTOUCHED;
}

/* How many chains, from the oldest on, end with this one. */
static uint16_t batch_to(const struct ring *r, uint16_t head)
{
	uint16_t n = (uint16_t)(r->next_avail - r->next_used);

	for (uint16_t i = 0; i < n; i++)
		if (r->heads[(uint16_t)(r->next_used + i) % r->size] == head)
			return (uint16_t)(i + 1);
	give_up("the device promised order and gave back chain %u, which is not out", head);
}

/* A used entry: the batch that it stands for, which in a split ring the index has passed. */
static bool next_batch(struct ring *r)
{
	int head = r->is_packed ? packed_peek(r, &r->last_length) : split_peek(r, &r->last_length);

	if (head < 0)
		return false;
	r->last = (uint16_t)head;
	r->batch = r->in_order ? batch_to(r, r->last) : 1;
	if (!r->is_packed && (uint16_t)(r->used[1] - r->next_used) < r->batch)
		give_up("the used index has passed %u of %u chains",
			(uint16_t)(r->used[1] - r->next_used), r->batch);
	r->used_writes++;
	return true;
}

/* Of a batch's chains that are not the first: has it an entry all the same? */
static bool is_written(const struct ring *r)
{
	return r->is_packed ? packed_is_used(r) : used_at(r, r->next_used)->head != UNTOUCHED;
}

int ring_take(struct ring *r, uint32_t *length)
{
	bool first = !r->batch;
	uint16_t head;

	if (first && !next_batch(r))
		return -1;
	head = r->in_order ? r->heads[r->next_used % r->size] : r->last;
	r->used_writes += !first && is_written(r);
	if (length)
		*length = r->batch > 1 ? r->rooms[head] : r->last_length;
	if (r->is_packed)
		packed_free(r, head);
	else
		split_free(r, head);
	r->batch--;
	r->next_used++;
	return head;
}

int ring_wait(struct ring *r, uint32_t *length)
{
	uint64_t seen, start = cpu_cycles();
	int head;

	for (;;) {
		seen = r->vector ? interrupts[r->vector] : 0;
		if (r->event_idx)
			ring_interrupt_after(r, r->next_used);
		head = ring_take(r, length);
		if (head >= 0)
			return head;
		if (r->vector && !cpu_wait(&interrupts[r->vector], seen + 1))
			return -1;
		if (cpu_cycles() - start > 20000000000)
			return -1;
		relax();
	}
}
