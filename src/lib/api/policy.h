/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands behind a configuration. */
#pragma once

#include "handle.h"

#include "policy/policy.h"

struct vfctl_policy {
	struct policy *p;
	struct policy_pools pools;
};
