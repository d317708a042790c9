/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What libvirt's XML says about host devices: a domain as it is defined
 * (/etc/libvirt/qemu/web1.xml) or given to a hook, as it runs (/run/libvirt/qemu/web1.xml, inside a
 * <domstatus>), or a network that is a pool of VFs (<forward mode='hostdev'>). It may be anybody's:
 * document types (and so entities) end the reading, nothing is fetched, it is not longer than
 * DOMAIN_XML_MAX, no tag with what follows it than DOMAIN_TAG_MAX, and libxml2 allows elements 256
 * deep.
 *
 * Source: libvirt's formatdomain and formatnetwork.
 */
#pragma once

#include "base/bdf.h"

#include <stddef.h>

enum { DOMAIN_XML_MAX = 1 << 20, DOMAIN_TAG_MAX = 16 << 10 };

/* The namespace of <vfctl:assign> in a domain's <metadata>. */
#define DOMAIN_NAMESPACE "urn:vfctl:1"

struct domain_device {
	struct bdf bdf;
	bool managed; /* libvirt binds it to its VFIO driver, and back */
	char *driver; /* <driver name=…>, printable: "vfio"; NULL: not said */
};

/* <vfctl:assign pool='fast' count='2' fallback='bridge:br0'/>: a wish for VFs. */
struct domain_assign {
	char *pool;	/* printable; NULL: not said */
	unsigned count; /* 1 unless said; 0: what is said is no number from 1 to 64 */
	char *fallback; /* printable; NULL: none */
};

struct domain {
	char *name;		       /* printable */
	char *uuid;		       /* NULL: none, or it is not one */
	int pid;		       /* of a running one; 0 */
	struct domain_device *devices; /* of the host's, in the document's order */
	size_t n_devices;
	char **interfaces; /* a pool's PFs, by their interfaces' names */
	struct domain_assign *assigns;
	size_t n_assigns;
};

/* -EBADMSG: that is no such text; -EFBIG: it is longer than that; -ENOMEM. */
int domain_parse(const char *text, size_t len, struct domain *ret);
void domain_done(struct domain *d);
#define autodomain CLEANUP(domain_done) struct domain
