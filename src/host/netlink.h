/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces and their VFs by rtnetlink; as the link operations of struct host_ops. */
#pragma once

#include "host.h"

struct nlattr;
struct nl_msg;

int netlink_link_get(struct host *h, int ifindex, struct host_link *ret);
int netlink_link_index(struct host *h, const char *name, int *ret);
int netlink_link_altnames(struct host *h, int ifindex, char ***ret);
int netlink_link_set_up(struct host *h, int ifindex, bool up);
int netlink_link_vfs(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n);
int netlink_link_vfs_stats(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n);
int netlink_link_set(struct host *h, int ifindex, const struct host_link_change *change);
int netlink_link_add_macvtap(struct host *h, const struct host_macvtap *what, int *ret);
int netlink_link_remove(struct host *h, int ifindex);
int netlink_link_set_vf(struct host *h, int ifindex, const struct host_vf_change *change);

/* The two halves without a socket, for tests: an IFLA_VFINFO_LIST into VFs, and a change into one.
 */
int vfinfo_parse(const struct nlattr *list, struct host_vf **ret, size_t *ret_n);
int vfinfo_put(struct nl_msg *msg, const struct host_vf_change *change);
