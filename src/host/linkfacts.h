/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What netlink says about the interfaces, as text: how a captured machine keeps it, in the file
 * vfctl/links. One line each, words apart by one blank:
 *
 *   link INDEX name=NAME mac=MAC permanent_mac=MAC mtu=N up=0|1 carrier=0|1
 *   altname INDEX NAME
 *   vf INDEX NUMBER mac=MAC vlan=N qos=N vlan_proto=N min_tx_rate=N max_tx_rate=N spoofchk=N
 *      trust=N query_rss=N link_state=N [node_guid=GUID port_guid=GUID]
 *                                                (in one line; -1: the driver does not say)
 *
 * INDEX is the interface's. Unknown words and lines are skipped, so that a newer capture can be
 * read; what is not said is zero, or -1 where that means unknown.
 */
#pragma once

#include "base/str.h"
#include "host.h"

struct link_facts {
	struct host_link link;
	char **altnames;
	struct host_vf *vfs;
	size_t n_vfs;
};

struct link_table {
	struct link_facts *v;
	size_t n;
};

/* Asks the machine about one interface and adds its lines; no such interface adds nothing. */
int linkfacts_add(struct host *h, int ifindex, struct strbuf *to);
int linkfacts_parse(const char *text, struct link_table *ret);
void linkfacts_done(struct link_table *t);
/* NULL: there is none. */
const struct link_facts *linkfacts_find(const struct link_table *t, int ifindex);
