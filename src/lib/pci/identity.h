/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a function says it is. Taken from sysfs, never from config space: a VF's own vendor and
 * device registers read ffff (PCIe 5.0, 9.3.4.1.1), the kernel fills the files from the PF.
 */
#pragma once

#include "base/bdf.h"
#include "host/folder.h"

struct identity {
	uint16_t vendor, device;
	uint16_t subsystem_vendor, subsystem_device;
	uint32_t class_code; /* 24 bits: base class, sub-class, programming interface */
};

/*
 * One read of "modalias", which holds all of it; the single files where a capture lacks it.
 * -ENOENT when the function has gone, -EINVAL when what stands there is not an identity.
 */
int identity_read(struct host *h, struct bdf a, struct identity *ret);
/* The same, in the function's folder. */
int identity_read_in(struct folder *f, struct identity *ret);
int identity_parse_modalias(const char *text, struct identity *ret);
/* Not part of modalias, and few ask for it. */
int identity_read_revision(struct host *h, struct bdf a, uint8_t *ret);

/* One word for the base class: "network", "storage", "bridge"…; "other" for what has no name. */
const char *class_word(uint32_t class_code);
/* Whether that is one of them. */
bool class_word_exists(const char *word);
bool class_is_network(uint32_t class_code);
bool class_is_nvme(uint32_t class_code);
/* Any bridge, those to ISA and of the host among them. */
bool class_is_bridge(uint32_t class_code);
/* A bridge with a PCI bus behind it: never a blocker of an IOMMU group, never assigned. */
bool class_is_bus_bridge(uint32_t class_code);
