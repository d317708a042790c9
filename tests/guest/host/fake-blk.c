// SPDX-License-Identifier: GPL-2.0-or-later
#include "fake-blk.h"

#include "base/attr.h"
#include "vmm/vhost/message.h"

#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	P_REPLY_ACK = 1 << 3,
	P_CONFIG = 1 << 9,
	P_INFLIGHT = 1 << 12,
	SECTOR = 512,
	SIZE_MAX_ENTRIES = 1024,
};

struct account_entry {
	uint8_t in_flight, padding[5];
	uint16_t next;
	uint64_t counter;
};

/* Of a split ring. */
struct account {
	uint64_t features;
	uint16_t version, desc_num, last_batch_head, used_idx;
	struct account_entry entries[];
};

struct fake {
	int fd, image, kick, call;
	uint64_t bytes;
	struct fake_blk_news *news;
	struct vu_memory memory;
	char *maps[VU_REGIONS_MAX];
	struct vhost_vring_addr addr;
	uint16_t size, taken; /* the next available entry */
	bool enabled, begun;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	struct account *account;
	uint64_t counter;
	uint16_t held[SIZE_MAX_ENTRIES];
	unsigned n;
};

static _Noreturn void wrong(const char *what)
{
	dprintf(STDERR_FILENO, "fake-blk: %s\n", what);
	_exit(3);
}

/* Where the guest's (`guest`) or the VMM's address is here. */
static void *at(struct fake *f, uint64_t address, bool guest)
{
	for (unsigned i = 0; i < f->memory.n; i++) {
		const struct vu_region *r = &f->memory.regions[i];
		uint64_t start = guest ? r->start : r->here;

		if (address >= start && address - start < r->size)
			return f->maps[i] + r->offset + (address - start);
	}
	wrong("an address outside of the guest's memory");
}

/* ---- requests ---- */

static void answer(struct fake *f, uint16_t head)
{
	struct vring_desc *d = &f->desc[head], *data, *status;
	struct virtio_blk_outhdr *h = at(f, d->addr, true);
	bool reads = h->type == VIRTIO_BLK_T_IN;
	ssize_t n;
	char *p;

	data = &f->desc[d->next];
	status = &f->desc[data->next];
	p = at(f, data->addr, true);
	n = reads ? pread(f->image, p, data->len, (off_t)(h->sector * SECTOR))
		  : pwrite(f->image, p, data->len, (off_t)(h->sector * SECTOR));
	*(uint8_t *)at(f, status->addr, true) =
		n == (ssize_t)data->len ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR;
	f->used->ring[f->used->idx % f->size] =
		(struct vring_used_elem) { head, reads ? data->len + 1 : 1 };
	f->account->last_batch_head = head;
	__atomic_store_n(&f->used->idx, (uint16_t)(f->used->idx + 1), __ATOMIC_SEQ_CST);
	f->account->entries[head].in_flight = 0;
	__atomic_store_n(&f->account->used_idx, f->used->idx, __ATOMIC_SEQ_CST);
	eventfd_write(f->call, 1);
}

static void take(struct fake *f)
{
	while (f->taken != __atomic_load_n(&f->avail->idx, __ATOMIC_SEQ_CST)) {
		uint16_t head = f->avail->ring[f->taken++ % f->size];

		f->account->entries[head].counter = f->counter++;
		__atomic_store_n(&f->account->entries[head].in_flight, 1, __ATOMIC_SEQ_CST);
		if (f->n == SIZE_MAX_ENTRIES)
			wrong("more requests than a ring has");
		f->held[f->n++] = head;
	}
}

/* Every second one, newest first: so those that stay lie between others that are done. */
static _Noreturn void stop(struct fake *f)
{
	unsigned left = 0;

	for (unsigned i = f->n; i--;)
		if (i % 2)
			answer(f, f->held[i]);
		else
			left++;
	__atomic_store_n(&f->news->stopped, left, __ATOMIC_SEQ_CST);
	for (;;)
		pause();
}

static void work(struct fake *f)
{
	if (!f->begun)
		return;
	take(f);
	if (__atomic_load_n(&f->news->stop, __ATOMIC_SEQ_CST)) {
		if (f->n == FAKE_BLK_BATCH)
			stop(f);
		return;
	}
	while (f->n)
		answer(f, f->held[--f->n]);
}

/* ---- the account ---- */

static int by_counter(const void *a, const void *b, void *arg)
{
	const struct account *k = arg;
	uint64_t x = k->entries[*(const uint16_t *)a].counter;
	uint64_t y = k->entries[*(const uint16_t *)b].counter;

	return x < y ? -1 : x > y;
}

/* What a predecessor has taken and not answered; the rest of the ring comes after it. */
static void resume(struct fake *f)
{
	struct account *k = f->account;
	uint16_t used = __atomic_load_n(&f->used->idx, __ATOMIC_SEQ_CST);

	if (!k)
		wrong("the ring is started without an account");
	if (f->taken != used)
		wrong("the ring does not go on where its used index is");
	if (k->used_idx != used)
		k->entries[k->last_batch_head].in_flight = 0;
	k->used_idx = used;
	for (uint16_t i = 0; i < k->desc_num; i++) {
		if (!k->entries[i].in_flight)
			continue;
		f->held[f->n++] = i;
		f->counter = k->entries[i].counter >= f->counter ? k->entries[i].counter + 1
								 : f->counter;
	}
	qsort_r(f->held, f->n, sizeof(f->held[0]), by_counter, k);
	f->taken = (uint16_t)(used + f->n);
	__atomic_fetch_add(&f->news->resumed, f->n, __ATOMIC_SEQ_CST);
}

static void begin(struct fake *f)
{
	if (f->begun || !f->enabled || f->kick < 0)
		return;
	f->desc = at(f, f->addr.desc_user_addr, false);
	f->avail = at(f, f->addr.avail_user_addr, false);
	f->used = at(f, f->addr.used_user_addr, false);
	resume(f);
	f->begun = true;
}

static void map_account(struct fake *f, int fd, uint64_t size, uint16_t entries)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (p == MAP_FAILED ||
		size < sizeof(struct account) + entries * sizeof(struct account_entry))
		wrong("the account cannot be mapped");
	f->account = p;
	f->account->desc_num = entries;
}

static void make_account(struct fake *f, struct vu_message *m)
{
	uint64_t size = 1 << 16;
	int fd = memfd_create("account", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 || m->in_flight.queues != 1)
		wrong("no account can be made");
	m->in_flight.size = size;
	m->in_flight.offset = 0;
	m->fds[m->n_fds++] = fd;
	__atomic_fetch_add(&f->news->accounts, 1, __ATOMIC_SEQ_CST);
}

/* ---- messages ---- */

static void map_memory(struct fake *f, const struct vu_message *m)
{
	f->memory = m->memory;
	for (unsigned i = 0; i < m->memory.n; i++) {
		const struct vu_region *r = &m->memory.regions[i];

		f->maps[i] = mmap(NULL, r->size + r->offset, PROT_READ | PROT_WRITE, MAP_SHARED,
			m->fds[i], 0);
		if (f->maps[i] == MAP_FAILED)
			wrong("the guest's memory cannot be mapped");
	}
}

static int keep_fd(struct vu_message *m)
{
	return m->n_fds ? dup(m->fds[0]) : -1;
}

static void obey(struct fake *f, struct vu_message *m)
{
	switch (m->request) {
	case VU_SET_MEM_TABLE:
		map_memory(f, m);
		break;
	case VU_SET_VRING_NUM:
		f->size = (uint16_t)m->state.num;
		break;
	case VU_SET_VRING_BASE:
		f->taken = (uint16_t)m->state.num;
		break;
	case VU_SET_VRING_ADDR:
		f->addr = m->addr;
		break;
	case VU_SET_VRING_CALL:
		if (f->call >= 0)
			close(f->call);
		f->call = keep_fd(m);
		break;
	case VU_SET_VRING_KICK:
		f->kick = keep_fd(m);
		break;
	case VU_SET_VRING_ENABLE:
		f->enabled = m->state.num;
		break;
	case VU_SET_INFLIGHT_FD:
		map_account(f, m->fds[0], m->in_flight.size, m->in_flight.queue_size);
		break;
	}
}

/* True: it was a question, and *m is the answer. */
static bool tell(struct fake *f, struct vu_message *m)
{
	struct virtio_blk_config c = { .capacity = f->bytes / SECTOR };

	m->size = sizeof(m->u64);
	switch (m->request) {
	case VU_GET_FEATURES:
		m->u64 = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << 30;
		return true;
	case VU_GET_PROTOCOL_FEATURES:
		m->u64 = P_REPLY_ACK | P_CONFIG | P_INFLIGHT;
		return true;
	case VU_GET_CONFIG:
		m->size = (uint32_t)offsetof(struct vu_config, bytes) + m->config.size;
		memset(m->config.bytes, 0, sizeof(m->config.bytes));
		memcpy(m->config.bytes, &c,
			m->config.size < sizeof(c) ? m->config.size : sizeof(c));
		return true;
	case VU_GET_INFLIGHT_FD:
		m->size = sizeof(m->in_flight);
		make_account(f, m);
		return true;
	case VU_GET_VRING_BASE:
		m->size = sizeof(m->state);
		m->state.num = f->taken;
		f->begun = false;
		f->enabled = false;
		close(TAKE_FD(f->kick));
		return true;
	}
	return false;
}

/* False when the other side has gone. */
static bool converse(struct fake *f)
{
	struct vu_message m = { 0 };
	bool wants_reply, told;

	if (vu_receive(f->fd, &m, UINT64_MAX) < 0)
		return false;
	wants_reply = m.flags & VU_NEED_REPLY;
	obey(f, &m);
	vu_close_fds(&m);
	told = tell(f, &m);
	if (!told && wants_reply) {
		m.u64 = 0;
		told = true;
	}
	m.flags = VU_VERSION | VU_REPLY;
	if (told)
		vu_send(f->fd, &m, UINT64_MAX);
	vu_close_fds(&m);
	begin(f);
	return true;
}

static void serve(struct fake *f)
{
	eventfd_t n;

	for (;;) {
		struct pollfd p[] = { { f->fd, POLLIN, 0 },
			{ f->begun ? f->kick : -1, POLLIN, 0 } };

		work(f);
		if (poll(p, 2, 10) < 0)
			return;
		if (p[1].revents)
			eventfd_read(f->kick, &n);
		if (p[0].revents && !converse(f))
			return;
	}
}

_Noreturn void fake_blk_serve(int listening, int image, uint64_t bytes, struct fake_blk_news *news)
{
	for (;;) {
		struct fake f = {
			.image = image, .bytes = bytes, .news = news, .kick = -1, .call = -1
		};

		f.fd = accept(listening, NULL, NULL);
		if (f.fd < 0)
			_exit(1);
		serve(&f);
		close(f.fd);
	}
}
