// SPDX-License-Identifier: GPL-2.0-or-later
/* The SR-IOV extended capability, PCIe 5.0, 9.3.3. */
#include "detail.h"

enum {
	SRIOV_CONTROL = 0x08,
	SRIOV_INITIAL_VFS = 0x0c,
	SRIOV_TOTAL_VFS = 0x0e,
	SRIOV_NUM_VFS = 0x10,
	SRIOV_FIRST_OFFSET = 0x14,
	SRIOV_STRIDE = 0x16,
	SRIOV_VF_DEVICE = 0x1a,
	SRIOV_SUPPORTED_PAGES = 0x1c,
	SRIOV_SYSTEM_PAGE = 0x20,
	SRIOV_LAST_BAR = 0x38,

	CONTROL_ENABLE = 1 << 0,
	CONTROL_MEMORY = 1 << 3,
	CONTROL_ARI = 1 << 4,
};

bool sriov_cap_decode(const struct config_space *c, struct sriov_cap *ret)
{
	unsigned at = config_find_extended(c, ECAP_SRIOV);
	struct sriov_cap cap = { 0 };
	uint16_t control;
	uint32_t last_bar;

	/* Half a capability would be half a lie. */
	if (!at || !config_u32(c, at + SRIOV_LAST_BAR, &last_bar))
		return false;
	config_u16(c, at + SRIOV_CONTROL, &control);
	config_u16(c, at + SRIOV_INITIAL_VFS, &cap.initial_vfs);
	config_u16(c, at + SRIOV_TOTAL_VFS, &cap.total_vfs);
	config_u16(c, at + SRIOV_NUM_VFS, &cap.num_vfs);
	config_u16(c, at + SRIOV_FIRST_OFFSET, &cap.first_offset);
	config_u16(c, at + SRIOV_STRIDE, &cap.stride);
	config_u16(c, at + SRIOV_VF_DEVICE, &cap.vf_device);
	config_u32(c, at + SRIOV_SUPPORTED_PAGES, &cap.supported_page_sizes);
	config_u32(c, at + SRIOV_SYSTEM_PAGE, &cap.system_page_size);
	/* PCIe 5.0, 9.3.3.13: bit n is 4 KiB << n, and one bit is set. */
	if (cap.system_page_size && !(cap.system_page_size & (cap.system_page_size - 1)))
		cap.system_page_bytes = (uint64_t)cap.system_page_size << 12;
	cap.enabled = control & CONTROL_ENABLE;
	cap.vf_memory = control & CONTROL_MEMORY;
	cap.ari = control & CONTROL_ARI;
	*ret = cap;
	return true;
}
