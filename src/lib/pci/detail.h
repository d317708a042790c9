/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rest of what one function tells: regions, MSI-X, SR-IOV capability, resets, link, serial. */
#pragma once

#include "config.h"

/* BARs 0–5, the ROM, then the six VF BARs of a PF: the order of the sysfs "resource" file. */
enum { REGION_BARS = 6, REGION_ROM = 6, REGION_VF_BAR0 = 7, REGIONS = 13 };

struct region {
	uint64_t start, size; /* size 0: not there. A VF BAR's is the room of all VFs together */
	bool io, prefetchable, is64;
};

/* PCIe 5.0, 9.3.3. What the device has; the driver may allow fewer VFs (sriov_totalvfs). */
struct sriov_cap {
	uint16_t initial_vfs, total_vfs, num_vfs;
	uint16_t first_offset, stride;
	uint16_t vf_device;
	uint32_t supported_page_sizes; /* bit n: 4 KiB << n */
	uint32_t system_page_size;
	uint64_t system_page_bytes; /* what that says; 0 when not exactly one bit is set */
	bool enabled, ari, vf_memory;
	uint64_t vf_bar_bytes[REGION_BARS]; /* of one VF; 0 = none or unknown */
};

struct pcie_link {
	char *current_speed, *max_speed;   /* the kernel's words, "8.0 GT/s PCIe"; NULL unknown */
	unsigned current_width, max_width; /* lanes, 0 unknown */
};

struct detail {
	int revision; /* -1 unknown */
	struct region regions[REGIONS];
	bool has_msix, has_msi, has_sriov, has_ats, has_acs, has_ari;
	unsigned msix_vectors; /* table size; 0 without MSI-X */
	unsigned msix_table_bar, msix_table_offset;
	struct sriov_cap sriov;
	char **reset_methods; /* in the kernel's order; NULL none or unknown */
	struct pcie_link link;
	char *vpd_serial, *vpd_product; /* NULL: no VPD or not readable */
	char *dsn; /* device serial number, "90-e2-ba-ff-ff-12-34-56"; NULL none */
	struct capability caps[64];
	size_t n_caps;
};

/* What cannot be read is left unknown; -ENOENT only when the function itself has gone. */
int detail_read(struct host *h, struct bdf a, struct detail **ret);
void detail_free(struct detail *d);
DEFINE_AUTO(struct detail, detail_free);

/* Pieces, for those who have the bytes already. */
bool sriov_cap_decode(const struct config_space *c, struct sriov_cap *ret);
void regions_parse(const char *resource_file, struct region ret[REGIONS]);
/* PCIe 5.0, 7.9.3; NULL: none, or the device leaves it empty. */
char *config_dsn(const struct config_space *c) NODISCARD;
/* The product name; NULL when not there. */
char *vpd_identifier(const uint8_t *vpd, size_t len) NODISCARD;
/* The value of a two-letter keyword ("SN") of the read-only part; NULL when not there. */
char *vpd_keyword(const uint8_t *vpd, size_t len, const char key[2]) NODISCARD;
