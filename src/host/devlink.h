/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devlink: what a device's driver tells and takes beyond its network interface: the embedded
 * switch, its ports (in switchdev mode a representor for each VF), the functions behind the ports,
 * rates, health. Numbers are those of <linux/devlink.h>.
 *
 * `dev` is the kernel's handle, "pci/0000:3b:00.0". Every request has a deadline: a device whose
 * driver waits for a VF's user answers nobody, and the asker could not be interrupted.
 *
 * Errors: -ENODEV the device has no devlink instance, -ENOSYS the kernel has no devlink,
 * -EOPNOTSUPP the driver does not have it, -ETIMEDOUT, and what the driver answers. `says`, where
 * there is one, may be NULL; on failure it gets the kernel's own sentence, "" when there is none.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct host;

enum { DEVLINK_SAYS_MAX = 160, DEVLINK_ADDRESS_MAX = 32, DEVLINK_NAME_MAX = 64 };

struct devlink_says {
	char text[DEVLINK_SAYS_MAX];
};

/* -1: not told, or (in a request) as it is. */
struct devlink_eswitch {
	int mode;	 /* DEVLINK_ESWITCH_MODE_* */
	int inline_mode; /* DEVLINK_ESWITCH_INLINE_MODE_* */
	int encap_mode;	 /* DEVLINK_ESWITCH_ENCAP_MODE_* */
};

/* Capabilities of a function behind a port (Linux 6.2, the last two 6.7): bit numbers. */
enum devlink_cap {
	DEVLINK_CAP_ROCE,
	DEVLINK_CAP_MIGRATABLE,
	DEVLINK_CAP_IPSEC_CRYPTO,
	DEVLINK_CAP_IPSEC_PACKET,
	DEVLINK_CAPS
};

/* The function behind a port. In a request, what is not known is left as it is. */
struct devlink_function {
	uint8_t address[DEVLINK_ADDRESS_MAX];
	unsigned address_len;	   /* 0: not told */
	int state, opstate;	   /* DEVLINK_PORT_FN_STATE_*, _OPSTATE_*; -1 not told */
	uint32_t caps_known, caps; /* bit masks of enum devlink_cap */
	int64_t max_io_eqs;	   /* Linux 6.10; -1 not told */
};

struct devlink_port {
	unsigned index;
	int flavour;			  /* DEVLINK_PORT_FLAVOUR_*; -1 not told */
	int pf_number, vf_number;	  /* -1: not of one */
	int controller;			  /* -1 not told; another than 0: of another host */
	bool external;			  /* its function is not on this host */
	int ifindex;			  /* of its interface, the representor; 0 none */
	char netdev[16];		  /* "" none */
	struct devlink_function function; /* nothing known: the port has none */
};

/* A leaf: the sender behind one port. Bytes per second, 0 no limit. -1: not told, or as it is. */
struct devlink_rate {
	int64_t tx_share, tx_max;
	int64_t tx_priority, tx_weight; /* Linux 6.5 */
};

struct devlink_reporter {
	char name[DEVLINK_NAME_MAX];
	bool error; /* its state now */
	uint64_t errors, recoveries;
};

struct devlink_ops {
	int (*eswitch_get)(struct host *h, const char *dev, struct devlink_eswitch *ret);
	int (*eswitch_set)(struct host *h, const char *dev, const struct devlink_eswitch *to,
		struct devlink_says *says);
	/* The array is the caller's (free). */
	int (*ports)(struct host *h, const char *dev, struct devlink_port **ret, size_t *ret_n);
	int (*function_set)(struct host *h, const char *dev, unsigned port,
		const struct devlink_function *to, struct devlink_says *says);
	int (*rate_get)(struct host *h, const char *dev, unsigned port, struct devlink_rate *ret);
	int (*rate_set)(struct host *h, const char *dev, unsigned port,
		const struct devlink_rate *to, struct devlink_says *says);
	/* The device's own and its ports'; the array is the caller's (free). */
	int (*reporters)(
		struct host *h, const char *dev, struct devlink_reporter **ret, size_t *ret_n);
};

extern const struct devlink_ops devlink_live_ops;

/* Nothing known, nothing asked for. */
struct devlink_function devlink_function_none(void);
