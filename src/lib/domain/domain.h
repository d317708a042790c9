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

enum { DOMAIN_XML_MAX = 1 << 20, DOMAIN_TAG_MAX = 16 << 10, DOMAIN_COUNT_MAX = 64 };

/* The namespace of <vfctl:assign> in a domain's <metadata>. */
#define DOMAIN_NAMESPACE "urn:vfctl:1"

struct domain_device {
	struct bdf bdf;
	bool managed; /* libvirt binds it to its VFIO driver, and back */
	char *driver; /* <driver name=…>, printable: "vfio"; NULL: not said */
};

enum domain_fallback {
	INSTEAD_NONE,	 /* the domain does not start */
	INSTEAD_BRIDGE,	 /* virtio on that bridge of the host's */
	INSTEAD_NETWORK, /* virtio on that network of libvirt's */
};

/*
 * A wish for VFs: <vfctl:assign pool='fast' count='2' fallback='bridge:br0' settings='vlan=3'/>,
 * of a single one with its address as mac='…'.
 */
struct domain_assign {
	/* What is wrong with it, a sentence, printable; then nothing else counts. NULL: nothing. */
	char *wrong;
	char *pool;
	unsigned count; /* 1 to DOMAIN_COUNT_MAX */
	enum domain_fallback fallback;
	char *fallback_name;
	char *mac;	 /* as MAC_TEXT() has it; NULL: not said */
	char **settings; /* KEY=VALUE each, as for vfctl set, with that of the address; NULL: none
			  */
};

struct domain {
	char *name;		       /* printable */
	char *uuid;		       /* NULL: none, or it is not one */
	int pid;		       /* of a running one; 0 */
	struct domain_device *devices; /* of the host's, in the document's order */
	size_t n_devices;
	char **aliases; /* of devices, those that users may choose ("ua-…"), printable */
	bool is_pool;	/* a network that hands out functions */
	bool pool_managed;
	unsigned connections; /* of a network that runs: how many use it */
	char **interfaces;    /* a pool's PFs, by their interfaces' names */
	struct domain_assign *assigns;
	size_t n_assigns;
};

/* -EBADMSG: that is no such text; -EFBIG: it is longer than that; -ENOMEM. */
int domain_parse(const char *text, size_t len, struct domain *ret);
void domain_done(struct domain *d);
#define autodomain CLEANUP(domain_done) struct domain
