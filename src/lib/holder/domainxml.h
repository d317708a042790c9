/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libvirt's own files say about host devices: a domain as it is defined
 * (/etc/libvirt/qemu/web1.xml), as it runs (/run/libvirt/qemu/web1.xml, inside a <domstatus>), or a
 * network that is a pool of VFs (<forward mode='hostdev'>). Entities, document types and anything
 * from the network are refused. Source: libvirt's formatdomain and formatnetwork.
 */
#pragma once

#include "base/bdf.h"

#include <stddef.h>

struct domain_xml {
	char *name;
	int pid; /* of a running one; 0 */
	struct bdf *devices;
	size_t n_devices;
	char **interfaces; /* a pool's PFs, by their interfaces' names */
};

/* -EBADMSG: that is no such file. */
int domain_xml_parse(const char *text, struct domain_xml *ret);
void domain_xml_done(struct domain_xml *d);
