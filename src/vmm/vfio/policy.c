/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy.h"

#include "base/attr.h"

#include <string.h>

enum {
	EXTENDED_AT = 0x100,
	CHAIN_MAX = 64,
	EXPRESS_V1_BYTES = 0x14,
	EXPRESS_V2_BYTES = 0x3c,
	EXT_CAP_ID_VF_REBAR = 0x24, /* not in Linux 6.1's headers */
};

enum verdict {
	HIDE,	 /* reads zero, the chain skips it */
	FIXED,	 /* shown as it is, writes are dropped */
	PASS,	 /* reads and writes go to the device (VFIO still decides what a write does) */
	EMULATE, /* see the function that is named */
};

struct work {
	struct pci_device *dev;
	struct policy_view *view;
	const uint8_t *config;
	size_t len;
	bool can_reset;
};

struct rule {
	uint16_t id;
	enum verdict verdict;
	unsigned bytes; /* 0: the capability tells its own length */
	void (*emulate)(struct work *w, unsigned at);
};

static uint16_t get16(const struct work *w, unsigned at)
{
	if (at + 2 > w->len)
		return 0;
	return (uint16_t)(w->config[at] | w->config[at + 1] << 8);
}

static uint32_t get32(const struct work *w, unsigned at)
{
	return get16(w, at) | (uint32_t)get16(w, at + 2) << 16;
}

static void put16(uint8_t *map, unsigned at, uint16_t v)
{
	map[at] = (uint8_t)v;
	map[at + 1] = (uint8_t)(v >> 8);
}

static void show(struct work *w, unsigned at, unsigned bytes)
{
	if (at + bytes <= w->len)
		memcpy(&w->dev->config[at], &w->config[at], bytes);
}

/*
 * Power states are only remembered: really putting the function into D3hot makes its registers
 * vanish under the guest's mappings. Nothing is lost by a change of state, and the guest is told
 * so (No_Soft_Reset). There is nobody to hear a PME.
 */
static void emulate_pm(struct work *w, unsigned at)
{
	show(w, at, PCI_PM_SIZEOF);
	pci_set16(w->dev, at + PCI_PM_PMC,
		get16(w, at + PCI_PM_PMC) & (uint16_t)~PCI_PM_CAP_PME_MASK);
	pci_set32(w->dev, at + PCI_PM_CTRL, PCI_PM_CTRL_NO_SOFT_RESET);
	w->dev->write_mask[at + PCI_PM_CTRL] = PCI_PM_CTRL_STATE_MASK;
}

/* Enable, the chosen number, address, data and mask bits are ours; see msi.c. */
static void emulate_msi(struct work *w, unsigned at)
{
	uint16_t flags = get16(w, at + PCI_MSI_FLAGS) &
			 (PCI_MSI_FLAGS_QMASK | PCI_MSI_FLAGS_64BIT | PCI_MSI_FLAGS_MASKBIT);
	bool wide = flags & PCI_MSI_FLAGS_64BIT;

	w->view->msi = at;
	pci_set16(w->dev, at + PCI_MSI_FLAGS, flags);
	put16(w->dev->write_mask, at + PCI_MSI_FLAGS, PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE);
	memset(&w->dev->write_mask[at + PCI_MSI_ADDRESS_LO], 0xff, wide ? 8 : 4);
	w->dev->write_mask[at + PCI_MSI_ADDRESS_LO] = 0xfc;
	put16(w->dev->write_mask, at + (wide ? PCI_MSI_DATA_64 : PCI_MSI_DATA_32), 0xffff);
	if (flags & PCI_MSI_FLAGS_MASKBIT)
		memset(&w->dev->write_mask[at + (wide ? PCI_MSI_MASK_64 : PCI_MSI_MASK_32)], 0xff,
			4);
}

/* Number of entries and places are the device's; Enable and Function Mask are the MSI-X core's. */
static void emulate_msix(struct work *w, unsigned at)
{
	w->view->msix = at;
	show(w, at, PCI_CAP_MSIX_SIZEOF);
	pci_set16(
		w->dev, at + PCI_MSIX_FLAGS, get16(w, at + PCI_MSIX_FLAGS) & PCI_MSIX_FLAGS_QSIZE);
}

/* Bits of Device Capabilities 2 that mean something without a link or a switch. */
#define DEVCAP2_KEPT                                                                               \
	(PCI_EXP_DEVCAP2_COMP_TMOUT_DIS | 0xfU /* completion timeout ranges */ |                   \
		PCI_EXP_DEVCAP2_ATOMIC_COMP32 | PCI_EXP_DEVCAP2_ATOMIC_COMP64)

/*
 * An integrated endpoint: no link and slot registers. A function level reset is ours to do (the
 * interrupts that we emulate are reset with it), so its bit never reaches the device.
 */
static void emulate_express(struct work *w, unsigned at)
{
	uint16_t flags = get16(w, at + PCI_EXP_FLAGS);
	uint32_t devcap = get32(w, at + PCI_EXP_DEVCAP);
	unsigned type = (flags & PCI_EXP_FLAGS_TYPE) >> 4;

	if (type == PCI_EXP_TYPE_ENDPOINT || type == PCI_EXP_TYPE_LEG_END)
		flags = (uint16_t)((flags & PCI_EXP_FLAGS_VERS) | PCI_EXP_TYPE_RC_END << 4);
	w->view->express = at;
	pci_set16(w->dev, at + PCI_EXP_FLAGS, flags & (uint16_t)~PCI_EXP_FLAGS_SLOT);
	devcap &= ~(uint32_t)(PCI_EXP_DEVCAP_PWR_VAL | PCI_EXP_DEVCAP_PWR_SCL | PCI_EXP_DEVCAP_FLR |
			      PCI_EXP_DEVCAP_L0S | PCI_EXP_DEVCAP_L1);
	pci_set32(w->dev, at + PCI_EXP_DEVCAP,
		devcap | (w->can_reset ? (uint32_t)PCI_EXP_DEVCAP_FLR : 0));
	put16(w->view->from_device, at + PCI_EXP_DEVCTL, (uint16_t)~PCI_EXP_DEVCTL_BCR_FLR);
	put16(w->view->to_device, at + PCI_EXP_DEVCTL, (uint16_t)~PCI_EXP_DEVCTL_BCR_FLR);
	put16(w->view->from_device, at + PCI_EXP_DEVSTA, 0xffff);
	put16(w->view->to_device, at + PCI_EXP_DEVSTA, 0x000f);
	if ((flags & PCI_EXP_FLAGS_VERS) < 2)
		return;
	pci_set32(w->dev, at + PCI_EXP_DEVCAP2, get32(w, at + PCI_EXP_DEVCAP2) & DEVCAP2_KEPT);
	put16(w->view->from_device, at + PCI_EXP_DEVCTL2, 0x001f);
	put16(w->view->to_device, at + PCI_EXP_DEVCTL2, 0x001f);
}

/* FLR for conventional functions (PCI AF ECN): as with Express, the reset is ours to do. */
static void emulate_af(struct work *w, unsigned at)
{
	w->view->af = at;
	show(w, at, PCI_CAP_AF_SIZEOF);
	w->dev->config[at + PCI_AF_CTRL] = 0;
	w->dev->config[at + PCI_AF_STATUS] = 0;
	if (w->can_reset)
		w->dev->config[at + PCI_AF_CAP] |= PCI_AF_CAP_FLR;
	else
		w->dev->config[at + PCI_AF_CAP] &= (uint8_t)~PCI_AF_CAP_FLR;
	w->view->from_device[at + PCI_AF_STATUS] = PCI_AF_STATUS_TP;
}

/* What is not listed is hidden: a capability that we do not know may reach out of the function. */
static const struct rule standard_rules[] = {
	{ PCI_CAP_ID_PM, EMULATE, PCI_PM_SIZEOF, emulate_pm }, { PCI_CAP_ID_VPD, PASS, 8, NULL },
	{ PCI_CAP_ID_MSI, EMULATE, 0, emulate_msi },
	{ PCI_CAP_ID_PCIX, FIXED, 8, NULL }, /* the bus behind it is not the guest's */
	{ PCI_CAP_ID_VNDR, PASS, 0, NULL }, { PCI_CAP_ID_EXP, EMULATE, 0, emulate_express },
	{ PCI_CAP_ID_MSIX, EMULATE, PCI_CAP_MSIX_SIZEOF, emulate_msix },
	{ PCI_CAP_ID_SATA, FIXED, 8, NULL }, /* index and data registers are reached by BAR */
	{ PCI_CAP_ID_AF, EMULATE, PCI_CAP_AF_SIZEOF, emulate_af },
	{ PCI_CAP_ID_AGP, HIDE, 0, NULL },    /* a bus that guests do not have */
	{ PCI_CAP_ID_SLOTID, HIDE, 0, NULL }, /* tells a chassis that guests do not have */
	{ PCI_CAP_ID_HT, HIDE, 0, NULL },     /* interrupt mapping of the host's links */
	{ PCI_CAP_ID_EA, HIDE, 0, NULL },     /* fixed addresses: the guest's are others */
};

static const struct rule extended_rules[] = {
	{ PCI_EXT_CAP_ID_DSN, FIXED, PCI_EXT_CAP_DSN_SIZEOF, NULL },
	{ PCI_EXT_CAP_ID_VNDR, PASS, 0, NULL }, { PCI_EXT_CAP_ID_DVSEC, PASS, 0, NULL },
	{ PCI_EXT_CAP_ID_ERR, HIDE, 0, NULL },	 /* no root port to report to */
	{ PCI_EXT_CAP_ID_VC, HIDE, 0, NULL },	 /* arbitration is the host's */
	{ PCI_EXT_CAP_ID_PWR, HIDE, 0, NULL },	 /* the slot's power budget is the host's */
	{ PCI_EXT_CAP_ID_ACS, HIDE, 0, NULL },	 /* isolation is the host's */
	{ PCI_EXT_CAP_ID_ARI, HIDE, 0, NULL },	 /* points at functions the guest does not have */
	{ PCI_EXT_CAP_ID_ATS, HIDE, 0, NULL },	 /* needs an IOMMU that the guest does not have */
	{ PCI_EXT_CAP_ID_PRI, HIDE, 0, NULL },	 /* the same */
	{ PCI_EXT_CAP_ID_PASID, HIDE, 0, NULL }, /* the same */
	{ PCI_EXT_CAP_ID_SRIOV, HIDE, 0, NULL }, /* its VFs would appear on the host's bus */
	{ PCI_EXT_CAP_ID_MRIOV, HIDE, 0, NULL }, /* the same */
	{ PCI_EXT_CAP_ID_REBAR, HIDE, 0, NULL }, /* would move what is mapped */
	{ EXT_CAP_ID_VF_REBAR, HIDE, 0, NULL }, { PCI_EXT_CAP_ID_DPA, HIDE, 0, NULL },
	{ PCI_EXT_CAP_ID_TPH, HIDE, 0, NULL }, /* steering tags name host CPUs */
	{ PCI_EXT_CAP_ID_LTR, HIDE, 0, NULL }, /* link and power management are the host's */
	{ PCI_EXT_CAP_ID_L1SS, HIDE, 0, NULL }, { PCI_EXT_CAP_ID_SECPCI, HIDE, 0, NULL },
	{ PCI_EXT_CAP_ID_PTM, HIDE, 0, NULL }, { PCI_EXT_CAP_ID_DPC, HIDE, 0, NULL },
	{ PCI_EXT_CAP_ID_MCAST, HIDE, 0, NULL }, { PCI_EXT_CAP_ID_DLF, HIDE, 0, NULL },
	{ PCI_EXT_CAP_ID_PL_16GT, HIDE, 0, NULL },
	{ PCI_EXT_CAP_ID_DOE, HIDE, 0, NULL }, /* a mailbox to firmware */
};

static const struct rule hide_unknown = { .verdict = HIDE };

static const struct rule *find_rule(const struct rule *rules, size_t n, uint16_t id)
{
	for (size_t i = 0; i < n; i++)
		if (rules[i].id == id)
			return &rules[i];
	return &hide_unknown;
}

/* 32-bit: 10, 64-bit: 14; masking adds a mask and a pending word. */
static unsigned msi_bytes(uint16_t flags)
{
	unsigned n = flags & PCI_MSI_FLAGS_64BIT ? 14 : 10;

	return flags & PCI_MSI_FLAGS_MASKBIT ? n + 10 : n;
}

static unsigned standard_bytes(const struct work *w, const struct rule *rule, unsigned at)
{
	switch (rule->id) {
	case PCI_CAP_ID_MSI:
		return msi_bytes(get16(w, at + PCI_MSI_FLAGS));
	case PCI_CAP_ID_EXP:
		return (get16(w, at + PCI_EXP_FLAGS) & PCI_EXP_FLAGS_VERS) < 2 ? EXPRESS_V1_BYTES
									       : EXPRESS_V2_BYTES;
	case PCI_CAP_ID_VNDR:
		return w->config[at + 2];
	default:
		return rule->bytes;
	}
}

static unsigned extended_bytes(const struct work *w, const struct rule *rule, unsigned at)
{
	switch (rule->id) {
	case PCI_EXT_CAP_ID_VNDR:
	case PCI_EXT_CAP_ID_DVSEC:
		return get32(w, at + 4) >> 20;
	default:
		return rule->bytes;
	}
}

/* The offsets of a chain, in its own order. Ends at a loop, at nonsense, or at its end. */
struct chain {
	unsigned at[CHAIN_MAX];
	size_t n;
};

static bool chain_has(const struct chain *c, unsigned at)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->at[i] == at)
			return true;
	return false;
}

static struct chain standard_chain(const struct work *w)
{
	struct chain c = { .n = 0 };
	unsigned at;

	if (!(get16(w, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return c;
	at = w->config[PCI_CAPABILITY_LIST] & 0xfcU;
	while (at >= PCI_STD_HEADER_SIZEOF && c.n < CHAIN_MAX && !chain_has(&c, at)) {
		c.at[c.n++] = at;
		at = w->config[at + 1] & 0xfcU;
	}
	return c;
}

static struct chain extended_chain(const struct work *w)
{
	struct chain c = { .n = 0 };
	unsigned at = EXTENDED_AT;

	while (at >= EXTENDED_AT && at + 4 <= w->len && c.n < CHAIN_MAX && !chain_has(&c, at)) {
		uint32_t header = get32(w, at);

		if (header == 0 || header == UINT32_MAX)
			break;
		c.at[c.n++] = at;
		at = header >> 20 & 0xffcU;
	}
	return c;
}

/* Up to where a capability at `at` can reach: the next one, or the end of its space. */
static unsigned room_at(const struct chain *c, unsigned at, unsigned end)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->at[i] > at && c->at[i] < end)
			end = c->at[i];
	return end - at;
}

static void pass(struct work *w, unsigned at, unsigned bytes, unsigned header)
{
	memset(&w->view->from_device[at + header], 0xff, bytes - header);
	memset(&w->view->to_device[at + header], 0xff, bytes - header);
}

/* True if the guest sees it. `header` bytes at its start (id, next) are always ours. */
static bool apply_rule(struct work *w, const struct rule *rule, unsigned at, unsigned bytes,
	unsigned room, unsigned header)
{
	if (rule->verdict == HIDE || bytes < header || bytes > room)
		return false;
	if (rule->verdict == EMULATE) {
		rule->emulate(w, at);
		return true;
	}
	show(w, at, bytes);
	if (rule->verdict == PASS)
		pass(w, at, bytes, header);
	return true;
}

/*
 * Registers between the capabilities belong to the device, and some drivers use them. A hidden
 * capability's extent is not known: what follows it, up to the next one, is hidden with it.
 */
static void pass_gaps(struct work *w, const uint8_t *claimed)
{
	for (unsigned at = PCI_STD_HEADER_SIZEOF; at < PCI_CFG_SPACE_SIZE; at++) {
		if (claimed[at])
			continue;
		w->view->from_device[at] = 0xff;
		w->view->to_device[at] = 0xff;
	}
}

static void apply_standard(struct work *w)
{
	uint8_t claimed[PCI_CFG_SPACE_SIZE] = { 0 };
	struct chain c = standard_chain(w);
	unsigned link = PCI_CAPABILITY_LIST;

	for (size_t i = 0; i < c.n; i++) {
		unsigned at = c.at[i], room = room_at(&c, at, PCI_CFG_SPACE_SIZE);
		const struct rule *rule =
			find_rule(standard_rules, ARRAY_SIZE(standard_rules), w->config[at]);
		unsigned bytes = standard_bytes(w, rule, at);

		if (!apply_rule(w, rule, at, bytes, room, 2)) {
			memset(&claimed[at], 1, room);
			continue;
		}
		memset(&claimed[at], 1, bytes);
		w->dev->config[at] = w->config[at];
		w->dev->config[at + 1] = 0;
		w->dev->config[link] = (uint8_t)at;
		link = at + 1;
	}
	if (w->dev->config[PCI_CAPABILITY_LIST])
		pci_set16(w->dev, PCI_STATUS, PCI_STATUS_CAP_LIST);
	pass_gaps(w, claimed);
}

/* The list starts at 0x100 whatever is there: a hidden first capability becomes an empty one. */
static void apply_extended(struct work *w)
{
	struct chain c = extended_chain(w);
	unsigned last = EXTENDED_AT;

	for (size_t i = 0; i < c.n; i++) {
		unsigned at = c.at[i], room = room_at(&c, at, (unsigned)w->len);
		uint32_t header = get32(w, at);
		const struct rule *rule = find_rule(extended_rules, ARRAY_SIZE(extended_rules),
			(uint16_t)PCI_EXT_CAP_ID(header));

		if (!apply_rule(w, rule, at, extended_bytes(w, rule, at), room, 4))
			continue;
		pci_set32(w->dev, at, header & 0xfffff);
		if (at != last)
			pci_set32(w->dev, last, pci_get32(w->dev, last) | at << 20);
		last = at;
	}
}

/* Its own error bits, and whether it asks for INTx; 66 MHz and the like are of the host's bus. */
static void apply_status(struct work *w)
{
	const uint16_t errors = PCI_STATUS_PARITY | PCI_STATUS_SIG_TARGET_ABORT |
				PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT |
				PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY;

	put16(w->view->from_device, PCI_STATUS, errors | PCI_STATUS_INTERRUPT);
	put16(w->view->to_device, PCI_STATUS, errors);
}

void policy_apply(struct pci_device *dev, struct policy_view *ret, const uint8_t *config,
	size_t len, bool can_reset)
{
	struct work w = { dev, ret, config, len, can_reset };

	memset(ret, 0, sizeof(*ret));
	apply_standard(&w);
	apply_status(&w);
	apply_extended(&w);
}

int policy_ids(const uint8_t *config, size_t len, struct pci_ids *ret)
{
	struct work w = { .config = config, .len = len };

	if (len < PCI_CFG_SPACE_SIZE || (config[PCI_HEADER_TYPE] & 0x7f) != PCI_HEADER_TYPE_NORMAL)
		return -EINVAL;
	*ret = (struct pci_ids) {
		.vendor = get16(&w, PCI_VENDOR_ID),
		.device = get16(&w, PCI_DEVICE_ID),
		.subsystem_vendor = get16(&w, PCI_SUBSYSTEM_VENDOR_ID),
		.subsystem = get16(&w, PCI_SUBSYSTEM_ID),
		.revision = config[PCI_REVISION_ID],
		.class = get32(&w, PCI_CLASS_REVISION) >> 8,
	};
	return 0;
}
