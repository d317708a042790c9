/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Public names that stand for a room's own struct, and that struct. */
#pragma once

#include "vfctl/vfctl.h"

#define API_STANDS_FOR(public_name, room_type, short_name)                                         \
	static inline __attribute__((unused))                                                      \
	const room_type *short_name##_of(const struct public_name *p)                              \
	{                                                                                          \
		return (const room_type *)(const void *)p;                                         \
	}                                                                                          \
	static inline __attribute__((unused))                                                      \
	const struct public_name *public_##short_name(const room_type *p)                          \
	{                                                                                          \
		return (const struct public_name *)(const void *)p;                                \
	}                                                                                          \
	_Static_assert(1, "takes a semicolon")

struct inventory;
struct function;
struct iommu_group;
API_STANDS_FOR(vfctl_snapshot, struct inventory, inventory);
API_STANDS_FOR(vfctl_function, struct function, function);
API_STANDS_FOR(vfctl_group, struct iommu_group, group);
