// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfctl-with-switch: vfctl as it is, on a machine whose card has no switch of its own but where the
 * kernel's netdevsim has one. What is asked of devlink about the PF that $VFCTL_SWITCH_OF names
 * ("0000:01:00.0") is asked of netdevsim/netdevsim1: the kernel's answers are real, and so are the
 * interfaces that they name. Nothing else is different; netdevsim's VFs are no PCI functions.
 */
#include "base/str.h"
#include "host/devlink.h"

#include <stdlib.h>

#define SWITCH "netdevsim/netdevsim1"

/* The linker's names for the one that src has, and for what stands in its place. */
extern const struct devlink_ops __real_devlink_live_ops; /* NOLINT(bugprone-reserved-identifier) */
extern const struct devlink_ops __wrap_devlink_live_ops; /* NOLINT(bugprone-reserved-identifier) */

static const struct devlink_ops *const real = &__real_devlink_live_ops;

static const char *whose(const char *dev)
{
	const char *of = getenv("VFCTL_SWITCH_OF");

	return of && str_starts(dev, "pci/") && str_eq(dev + strlen("pci/"), of) ? SWITCH : dev;
}

static int eswitch_get(struct host *h, const char *dev, struct devlink_eswitch *ret)
{
	return real->eswitch_get(h, whose(dev), ret);
}

static int eswitch_set(struct host *h, const char *dev, const struct devlink_eswitch *to,
	struct devlink_says *says)
{
	return real->eswitch_set(h, whose(dev), to, says);
}

static int ports(struct host *h, const char *dev, struct devlink_port **ret, size_t *ret_n)
{
	return real->ports(h, whose(dev), ret, ret_n);
}

static int function_set(struct host *h, const char *dev, unsigned port,
	const struct devlink_function *to, struct devlink_says *says)
{
	return real->function_set(h, whose(dev), port, to, says);
}

static int rate_get(struct host *h, const char *dev, unsigned port, struct devlink_rate *ret)
{
	return real->rate_get(h, whose(dev), port, ret);
}

static int rate_set(struct host *h, const char *dev, unsigned port, const struct devlink_rate *to,
	struct devlink_says *says)
{
	return real->rate_set(h, whose(dev), port, to, says);
}

static int reporters(struct host *h, const char *dev, struct devlink_reporter **ret, size_t *ret_n)
{
	return real->reporters(h, whose(dev), ret, ret_n);
}

const struct devlink_ops __wrap_devlink_live_ops = {
	.eswitch_get = eswitch_get,
	.eswitch_set = eswitch_set,
	.ports = ports,
	.function_set = function_set,
	.rate_get = rate_get,
	.rate_set = rate_set,
	.reporters = reporters,
};
