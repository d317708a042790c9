/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Registers, and the card's thread. */
#include "nic.h"

#include "base/attr.h"
#include "vmm/count/syscalls.h"
#include "vmm/loop/loop.h"
#include "vmm/net/tap.h"

#include <linux/if_tun.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>

/* ---- the thread ---- */

static void ring(struct nic *n)
{
	uint64_t one = 1;

	if (write(n->kick_fd, &one, sizeof(one)) == sizeof(one))
		nic_count(&n->counts.syscalls, 1);
}

/* What there is to do, a while for each direction. Lock held. */
static void work(struct nic *n)
{
	bool more = nic_send(n);

	more |= nic_receive(n);
	nic_watch(n);
	if (more)
		ring(n);
	nic_count(&n->counts.syscalls, syscalls_take());
}

static void on_event(void *arg, uint32_t events UNUSED)
{
	struct nic *n = arg;

	nic_count(&n->counts.wakeups, 1);
	pthread_mutex_lock(&n->lock);
	work(n);
	pthread_mutex_unlock(&n->lock);
}

/* ---- registers ---- */

static void show_link(struct nic *n)
{
	uint32_t *status = nic_reg(n, R_STATUS);

	*status &= ~(uint32_t)STATUS_LINK;
	if (nic_has_link(n))
		*status |= STATUS_LINK;
}

/* 14.5.3: all but the EEPROM, and what is read from it. */
static void reset(struct nic *n)
{
	const uint8_t *mac = n->params.mac.b;

	memset(n->regs, 0, sizeof(n->regs));
	n->causes = n->mask = 0;
	n->context = (struct nic_context) { 0 };
	n->packet.begun = n->packet.waiting = false;
	*nic_reg(n, R_CTRL) = CTRL_FULL_DUPLEX;
	*nic_reg(n, R_STATUS) = STATUS_FULL_DUPLEX | STATUS_1000;
	*nic_reg(n, R_VET) = 0x8100;
	*nic_reg(n, R_PBA) = 48;
	*nic_reg(n, R_LEDCTL) = 0x07068302;
	memcpy(nic_reg(n, R_RAL), mac, 4);
	*nic_reg(n, R_RAL + 4) = RAH_VALID | (uint32_t)mac[5] << 8 | mac[4];
	nic_phy_reset(n);
	show_link(n);
	nic_update(n);
}

static bool is_statistic(uint64_t offset)
{
	return offset >= R_STATISTICS && offset < R_STATISTICS_END;
}

uint32_t nic_read(struct nic *n, uint64_t offset)
{
	uint32_t v;

	if (offset >= NIC_REGISTER_BYTES || offset % 4)
		return 0;
	pthread_mutex_lock(&n->lock);
	v = n->regs[offset / 4];
	switch (offset) {
	case R_EECD:
		v = nic_eecd_read(n);
		break;
	case R_ICR:
		v = n->causes;
		n->causes = 0;
		nic_update(n);
		break;
	case R_ICS:
	case R_IMS:
		v = n->mask;
		break;
	case R_IMC:
		v = 0;
		break;
	default:
		if (is_statistic(offset))
			n->regs[offset / 4] = 0;
	}
	pthread_mutex_unlock(&n->lock);
	return v;
}

static void write_control(struct nic *n, uint32_t v)
{
	if (v & CTRL_RESET)
		reset(n);
	else
		*nic_reg(n, R_CTRL) = v;
}

/* False: it is an ordinary register. */
static bool write_interrupt(struct nic *n, uint64_t offset, uint32_t v)
{
	switch (offset) {
	case R_ICR:
		n->causes &= ~v;
		break;
	case R_ICS:
		n->causes |= v & I_ALL;
		break;
	case R_IMS:
		n->mask |= v & I_ALL;
		break;
	case R_IMC:
		n->mask &= ~v;
		break;
	default:
		return false;
	}
	nic_update(n);
	return true;
}

static bool is_read_only(uint64_t offset)
{
	return offset == R_STATUS || is_statistic(offset);
}

/* Something may go on that could not before. */
static void go_on(struct nic *n)
{
	if (n->params.inline_work)
		work(n);
	else
		ring(n);
}

static void write_locked(struct nic *n, uint64_t offset, uint32_t v)
{
	if (is_read_only(offset) || write_interrupt(n, offset, v))
		return;
	switch (offset) {
	case R_CTRL:
		write_control(n, v);
		break;
	case R_EECD:
		nic_eecd_write(n, v);
		break;
	case R_EERD:
		*nic_reg(n, R_EERD) = nic_eerd(n, v);
		break;
	case R_MDIC:
		*nic_reg(n, R_MDIC) = nic_mdic(n, v);
		break;
	case R_TDT:
		nic_count(&n->counts.doorbells, 1);
		*nic_reg(n, R_TDT) = v & 0xffff;
		go_on(n);
		break;
	case R_RDT:
		*nic_reg(n, R_RDT) = v & 0xffff;
		if (!(n->watched & EPOLLIN)) /* it may be that nobody looks at the tap */
			go_on(n);
		break;
	case R_RCTL:
	case R_TCTL:
		*nic_reg(n, (unsigned)offset) = v;
		go_on(n);
		break;
	default:
		n->regs[offset / 4] = v;
	}
}

void nic_write(struct nic *n, uint64_t offset, uint32_t v)
{
	if (offset >= NIC_REGISTER_BYTES || offset % 4)
		return;
	pthread_mutex_lock(&n->lock);
	write_locked(n, offset, v);
	pthread_mutex_unlock(&n->lock);
}

void nic_set_master(struct nic *n, bool may)
{
	pthread_mutex_lock(&n->lock);
	if (!atomic_exchange(&n->may_master, may) && may)
		ring(n);
	pthread_mutex_unlock(&n->lock);
}

void nic_set_link(struct nic *n, bool up)
{
	pthread_mutex_lock(&n->lock);
	if (n->unplugged == up) {
		n->unplugged = !up;
		show_link(n);
		nic_cause(n, I_LSC);
		ring(n);
	}
	pthread_mutex_unlock(&n->lock);
}

/* ---- life ---- */

static int start(struct nic *n)
{
	int r;

	n->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	n->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (n->kick_fd < 0 || n->timer_fd < 0)
		return -errno;
	r = loop_new(&n->loop);
	if (r == 0)
		r = loop_add_eventfd(n->loop, n->kick_fd, on_event, n, &n->kick);
	if (r == 0)
		r = loop_add(n->loop, n->timer_fd, EPOLLIN, nic_on_timer, n, &n->timer);
	if (r == 0)
		r = loop_add(n->loop, tap_fd(n->params.tap), 0, on_event, n, &n->readable);
	if (r == 0)
		r = loop_start_thread(n->loop, n->params.name);
	return r;
}

int nic_init(struct nic *n, const struct nic_params *p)
{
	int r;

	n->params = *p;
	n->kick_fd = n->timer_fd = -1;
	pthread_mutex_init(&n->lock, NULL);
	/* What arrives is whole and summed up: there is no way to tell the guest otherwise. */
	tap_set_offload(p->tap, 0);
	nic_eeprom_init(n);
	reset(n);
	r = start(n);
	if (r < 0)
		nic_done(n);
	return r;
}

void nic_stop(struct nic *n)
{
	if (n->loop)
		loop_stop_thread(n->loop);
}

void nic_done(struct nic *n)
{
	loop_free(TAKE_PTR(n->loop));
	closep_(&n->kick_fd);
	closep_(&n->timer_fd);
	tap_free(TAKE_PTR(n->params.tap));
	pthread_mutex_destroy(&n->lock);
}
