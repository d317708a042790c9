/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "nic.h"

#include "base/attr.h"
#include "vmm/count/syscalls.h"

#include <sys/timerfd.h>
#include <time.h>

enum { THROTTLE_NS = 256 }; /* the unit of ITR, 13.4.18 */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void set_level(struct nic *n, bool level)
{
	if (level && !n->level)
		nic_count(&n->counts.injections, 1);
	n->level = level;
	n->params.interrupt(n->params.arg, level);
}

/* Later, when the throttle lets it. */
static void arm(struct nic *n, uint64_t at_ns)
{
	struct itimerspec t = { .it_value = { (time_t)(at_ns / 1000000000),
					(long)(at_ns % 1000000000) } };

	if (n->armed)
		return;
	n->armed = true;
	syscalls_count(1);
	timerfd_settime(n->timer_fd, TFD_TIMER_ABSTIME, &t, NULL);
}

/* The line is up while an unmasked cause stands; it rises not more often than ITR says. */
void nic_update(struct nic *n)
{
	bool wanted = n->causes & n->mask;
	uint64_t throttle = (uint64_t)(*nic_reg(n, R_ITR) & 0xffff) * THROTTLE_NS, now;

	if (wanted == n->level)
		return;
	if (wanted && throttle) {
		now = now_ns();
		if (now < n->last_ns + throttle) {
			arm(n, n->last_ns + throttle);
			return;
		}
		n->last_ns = now;
	}
	set_level(n, wanted);
}

void nic_cause(struct nic *n, uint32_t causes)
{
	n->causes |= causes & I_ALL;
	nic_update(n);
}

void nic_on_timer(void *arg, uint32_t events UNUSED)
{
	struct nic *n = arg;
	uint64_t times;

	pthread_mutex_lock(&n->lock);
	if (read(n->timer_fd, &times, sizeof(times)) == sizeof(times))
		nic_count(&n->counts.wakeups, 1);
	n->armed = false;
	nic_update(n);
	pthread_mutex_unlock(&n->lock);
}

void nic_line(struct nic *n)
{
	pthread_mutex_lock(&n->lock);
	n->params.interrupt(n->params.arg, n->level);
	pthread_mutex_unlock(&n->lock);
}
