/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel announces: uevents as it sends them, the same again when udevd has dealt with
 * them, and changes of interfaces by rtnetlink. The order within a source is the kernel's; between
 * sources it is that of receiving.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;
struct pollfd;

enum host_event_source {
	HOST_EVENT_KERNEL, /* a uevent */
	HOST_EVENT_UDEV,   /* the same, rules applied */
	HOST_EVENT_LINK,   /* rtnetlink: something about interface `ifindex` has changed */
	HOST_EVENT_LOST,   /* a queue ran over: events are missing, look again */
};

struct host_event {
	enum host_event_source source;
	/* Of uevents; "" when it was not told. */
	char action[16];    /* "add", "change", "bind", "move", … */
	char subsystem[24]; /* "pci", "net", "vfio", … */
	char path[512];	    /* the device's folder below /sys: "/devices/pci0000:00/…" */
	char driver[64];
	char name[32];	    /* an interface's, or the last part of the path */
	char old_path[512]; /* of "move" */
	int ifindex;	    /* of interfaces; else 0 */
	/*
	 * Of a function, while the kernel deals with a PCIe error of it: "BEGIN_RECOVERY",
	 * "SUCCESSFUL_RECOVERY", "FAILED_RECOVERY" (pci_uevent_ers() in drivers/pci/pci-driver.c).
	 */
	char error[24];
};

struct events;

enum { EVENT_FDS_MAX = 3 };

struct events_ops {
	/* From this call on nothing is missed. */
	int (*open)(struct host *h, struct events **ret);
	/*
	 * Waits for the next one: 1, 0 when `timeout_ms` are over (negative: none), -ECANCELED when
	 * what `wake` asks for (poll(2); n of them, 4 at most) has come, or an end has gone.
	 */
	int (*next)(struct host *h, struct events *e, int timeout_ms, const struct pollfd *wake,
		size_t n, struct host_event *ret);
	void (*close)(struct host *h, struct events *e);
	/* What next() waits for: readable when it may have something. Borrowed; how many. */
	size_t (*fds)(const struct events *e, int ret[EVENT_FDS_MAX]);
};

extern const struct events_ops events_live_ops;
