/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a broken device can put into its configuration space and its vital product data. */
#include "fuzz.h"

#include "pci/detail.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config_space c;
	struct capability caps[64];
	struct sriov_cap sriov;
	size_t n;

	free(vpd_identifier(data, size));
	free(vpd_keyword(data, size, "SN"));
	c.len = MIN(size, sizeof(c.b));
	memcpy(c.b, data, c.len);
	n = config_capabilities(&c, caps, ARRAY_SIZE(caps));
	for (size_t i = 0; i < MIN(n, ARRAY_SIZE(caps)); i++)
		if (caps[i].offset >= c.len)
			__builtin_trap();
	if (config_find_extended(&c, ECAP_SRIOV) && sriov_cap_decode(&c, &sriov))
		for (unsigned i = 0; i < REGION_BARS; i++)
			if (sriov.vf_bar_bytes[i] & (sriov.vf_bar_bytes[i] - 1))
				__builtin_trap();
	return 0;
}
