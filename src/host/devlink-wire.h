/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devlink's messages without a socket, for devlink.c and for tests: answers are not trusted. */
#pragma once

#include "devlink.h"

#include <linux/devlink.h>

struct nlattr;
struct nl_msg;

/* Attributes that <linux/devlink.h> of Linux 6.1 does not have yet; the numbers are ABI. */
enum {
	ATTR_RATE_TX_PRIORITY = DEVLINK_ATTR_SELFTESTS + 1, /* u32, Linux 6.5 */
	ATTR_RATE_TX_WEIGHT,				    /* u32 */
	ATTR_MAX = ATTR_RATE_TX_WEIGHT,
};

enum {
	ATTR_FN_CAPS = DEVLINK_PORT_FN_ATTR_OPSTATE + 1, /* bitfield32, Linux 6.2 */
	ATTR_FN_DEVLINK,
	ATTR_FN_MAX_IO_EQS, /* u32, Linux 6.10 */
	ATTR_FN_MAX = ATTR_FN_MAX_IO_EQS,
};

/* `tb` has ATTR_MAX + 1 entries, NULL where there is nothing. */
bool wire_is_of(struct nlattr *const *tb, const char *dev);
void wire_eswitch(struct nlattr *const *tb, struct devlink_eswitch *ret);
/* -EIO: without an index. */
int wire_port(struct nlattr *const *tb, struct devlink_port *ret);
void wire_rate(struct nlattr *const *tb, struct devlink_rate *ret);
int wire_reporter(struct nlattr *const *tb, struct devlink_reporter *ret);

/* 0 or -ENOMEM; -EINVAL: `dev` is no handle. */
int wire_put_dev(struct nl_msg *msg, const char *dev);
int wire_put_eswitch(struct nl_msg *msg, const struct devlink_eswitch *to);
int wire_put_function(struct nl_msg *msg, const struct devlink_function *to);
int wire_put_rate(struct nl_msg *msg, const struct devlink_rate *to);
