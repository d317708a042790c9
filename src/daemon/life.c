// SPDX-License-Identifier: GPL-2.0-or-later
#include "life.h"
#include "ear.h"
#include "job.h"
#include "look.h"
#include "mind.h"

#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <time.h>

enum { STOP_SECONDS = 25 };

/* Jobs that are being taken back keep the loop going a little. */
static int on_stop_late(sd_event_source *s, uint64_t now UNUSED, void *arg UNUSED)
{
	return sd_event_exit(sd_event_source_get_event(s), EXIT_FAILURE);
}

static int on_stop_check(sd_event_source *s, void *arg)
{
	struct manager *m = arg;

	return job_cancel_all(m) ? 0 : sd_event_exit(sd_event_source_get_event(s), 0);
}

static int on_stop(sd_event_source *s, const struct signalfd_siginfo *info UNUSED, void *arg)
{
	struct manager *m = arg;
	sd_event *loop = sd_event_source_get_event(s);

	(void)sd_notify(0, "STOPPING=1");
	if (!job_cancel_all(m))
		return sd_event_exit(loop, 0);
	say(LOG_NOTICE, 0, "stopping: what was begun is taken back");
	(void)sd_event_add_time_relative(
		loop, NULL, CLOCK_MONOTONIC, STOP_SECONDS * 1000000ULL, 0, on_stop_late, m);
	return sd_event_add_post(loop, NULL, on_stop_check, m);
}

static int on_reload(
	sd_event_source *s UNUSED, const struct signalfd_siginfo *info UNUSED, void *arg)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	(void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		(uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
	mind_forget(arg);
	mind_touch_all(arg);
	(void)ear_look_again(arg);
	return sd_notify(0, "READY=1");
}

int life_prepare(struct manager *m)
{
	sigset_t mine;
	int r;

	sigemptyset(&mine);
	sigaddset(&mine, SIGTERM);
	sigaddset(&mine, SIGINT);
	sigaddset(&mine, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &mine, NULL) < 0)
		return -errno;
	(void)signal(SIGPIPE, SIG_IGN);
	(void)signal(SIGCHLD, SIG_IGN); /* workers tell by their stream how it went */
	r = sd_event_add_signal(m->loop, NULL, SIGTERM, on_stop, m);
	if (r >= 0)
		r = sd_event_add_signal(m->loop, NULL, SIGINT, on_stop, m);
	if (r >= 0)
		r = sd_event_add_signal(m->loop, NULL, SIGHUP, on_reload, m);
	return r < 0 ? r : 0;
}

static bool has_work(const struct manager *m)
{
	return job_open(m, NULL) || look_open(m, NULL);
}

/*
 * Nothing to do: the watchdog sleeps too. Else the wait is cut so that it is fed in time. The
 * wait's limit; UINT64_MAX: none.
 */
static uint64_t before_waiting(const struct manager *m, uint64_t watchdog_us, bool *armed)
{
	if (!watchdog_us)
		return UINT64_MAX;
	if (!has_work(m)) {
		if (*armed)
			(void)sd_notify(0, "WATCHDOG_USEC=0");
		*armed = false;
		return UINT64_MAX;
	}
	if (!*armed)
		(void)sd_notifyf(0, "WATCHDOG_USEC=%" PRIu64, watchdog_us);
	(void)sd_notify(0, "WATCHDOG=1");
	*armed = true;
	return watchdog_us / 2;
}

/* Whatever woke us: it is to be dealt with in time. */
static void after_waiting(uint64_t watchdog_us, bool *armed)
{
	if (watchdog_us && !*armed)
		(void)sd_notifyf(0, "WATCHDOG_USEC=%" PRIu64, watchdog_us);
	*armed |= watchdog_us != 0;
}

int life_run(struct manager *m)
{
	uint64_t watchdog_us = 0;
	bool armed = true; /* by the service manager, from the start */
	int code = 0, r = 0;

	if (sd_watchdog_enabled(0, &watchdog_us) <= 0)
		watchdog_us = 0;
	(void)sd_notifyf(0, "READY=1\nSTATUS=%zu functions", watch_count(m->watch));
	while (sd_event_get_state(m->loop) != SD_EVENT_FINISHED) {
		r = sd_event_prepare(m->loop);
		if (r == 0) {
			r = sd_event_wait(m->loop, before_waiting(m, watchdog_us, &armed));
			if (r > 0)
				after_waiting(watchdog_us, &armed);
		}
		if (r > 0)
			r = sd_event_dispatch(m->loop);
		if (r < 0) {
			say(LOG_ERR, 0, "the loop failed: %s", strerror(-r));
			return EXIT_FAILURE;
		}
	}
	(void)sd_event_get_exit_code(m->loop, &code);
	return code ? EXIT_FAILURE : EXIT_SUCCESS;
}
