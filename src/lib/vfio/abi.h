/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What iommufd and VFIO's device nodes take and give: numbers and layouts of Linux's interface, as
 * linux/iommufd.h (6.2) and linux/vfio.h (6.6) have it. Debian 12's headers are older than both, so
 * that it is said here, under names of our own: newer headers do not clash. An interface of the
 * kernel's never changes; it only grows at the end of a struct, whose length goes along.
 */
#pragma once

#include <linux/ioctl.h>
#include <stdint.h>

enum { ABI_MAGIC = ';', ABI_VFIO = 100, ABI_IOMMU = 0x80 };

/* ---- /dev/vfio/devices/vfioN. Until it is bound, any other request than this is -EINVAL. ---- */

#define ABI_DEVICE_BIND_IOMMUFD	     _IO(ABI_MAGIC, ABI_VFIO + 18)
#define ABI_DEVICE_ATTACH_IOMMUFD_PT _IO(ABI_MAGIC, ABI_VFIO + 19)

enum { ABI_BIND_TOKEN = 1 << 0 }; /* Linux 6.17; before, the kernel asks for no token here */

struct abi_bind {
	uint32_t argsz, flags;
	int32_t iommufd;
	uint32_t out_devid;
	uint64_t token; /* a pointer to the 16 bytes of a UUID, in the order of its text */
};

struct abi_attach {
	uint32_t argsz, flags;
	uint32_t pt_id; /* of an address space; when it comes back, of a page table */
};

/* ---- VFIO_DEVICE_FEATURE: linux/vfio.h of 6.2 ---- */

enum { ABI_FEATURE_MIG_DATA_SIZE = 9 };

struct abi_mig_data_size {
	uint64_t stop_copy_length;
};

/* ---- /dev/iommu ---- */

#define ABI_IOMMU_DESTROY    _IO(ABI_MAGIC, ABI_IOMMU + 0)
#define ABI_IOAS_ALLOC	     _IO(ABI_MAGIC, ABI_IOMMU + 1)
#define ABI_IOAS_IOVA_RANGES _IO(ABI_MAGIC, ABI_IOMMU + 4)
#define ABI_IOAS_MAP	     _IO(ABI_MAGIC, ABI_IOMMU + 5)
#define ABI_IOAS_UNMAP	     _IO(ABI_MAGIC, ABI_IOMMU + 6)
#define ABI_OPTION	     _IO(ABI_MAGIC, ABI_IOMMU + 7)

struct abi_destroy {
	uint32_t size, id;
};

struct abi_ioas_alloc {
	uint32_t size, flags, out_ioas_id;
};

struct abi_iova_range {
	uint64_t first, last;
};

/* -EMSGSIZE: more than num_iovas, which then is how many there are. */
struct abi_iova_ranges {
	uint32_t size, ioas_id, num_iovas, reserved;
	uint64_t allowed; /* a pointer to abi_iova_range */
	uint64_t out_alignment;
};

enum { ABI_MAP_FIXED = 1 << 0, ABI_MAP_WRITE = 1 << 1, ABI_MAP_READ = 1 << 2 };

struct abi_map {
	uint32_t size, flags, ioas_id, reserved;
	uint64_t memory, length, iova;
};

struct abi_unmap {
	uint32_t size, ioas_id;
	uint64_t iova, length; /* comes back as what was unmapped */
};

#define ABI_IOMMU_HW_INFO _IO(ABI_MAGIC, ABI_IOMMU + 10) /* of a bound device; Linux 6.6 */

enum { ABI_HW_DIRTY_TRACKING = 1 << 0 }; /* Linux 6.7 */

struct abi_hw_info {
	uint32_t size, flags, dev_id, data_len;
	uint64_t data;
	uint32_t out_data_type, reserved;
	uint64_t out_capabilities;
};

enum {
	ABI_OPTION_RLIMIT_MODE = 0, /* 0: RLIMIT_MEMLOCK is the user's, 1: the process's */
	ABI_OPTION_SET = 0,
	ABI_OPTION_GET = 1,
};

struct abi_option {
	uint32_t size, option;
	uint16_t op, reserved;
	uint32_t object;
	uint64_t value;
};
