/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel image that is none, but has the header of one. */
#pragma once

#include "vmm/boot/bzimage.h"

#include <string.h>

enum { IMAGE_SETUP = 5 * 512, IMAGE_CODE = 4096, IMAGE_BYTES = IMAGE_SETUP + IMAGE_CODE };

static inline struct setup_header *image_header(uint8_t *image)
{
	return (struct setup_header *)(void *)(image + 0x1f1);
}

static inline void image_make(uint8_t image[IMAGE_BYTES])
{
	struct setup_header h = {
		.setup_sects = 4,
		.syssize = IMAGE_CODE / 16,
		.boot_flag = 0xaa55,
		.header = 0x53726448,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.initrd_addr_max = 0x7fffffff,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G,
		.cmdline_size = 2047,
		.pref_address = 0x1000000,
		.init_size = 0x300000,
	};

	memset(image, 0, IMAGE_SETUP);
	for (int i = 0; i < IMAGE_CODE; i++)
		image[IMAGE_SETUP + i] = (uint8_t)(i * 3);
	memcpy(image + 0x1f1, &h, sizeof(h));
}
