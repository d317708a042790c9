// SPDX-License-Identifier: GPL-2.0-or-later
#include "port.h"

#include "base/str.h"

#include <linux/devlink.h>
#include <stdio.h>

enum { HANDLE_MAX = 4 + BDF_TEXT_MAX };

/* Checks what all of these need, and writes the kernel's name of the device. */
static int ask(struct host *h, const struct function *pf, char handle[HANDLE_MAX])
{
	if (!h->ops->devlink)
		return -ENOSYS;
	snprintf(handle, HANDLE_MAX, "pci/%s", pf->address);
	return 0;
}

int port_eswitch(struct host *h, const struct function *pf, struct devlink_eswitch *ret)
{
	char dev[HANDLE_MAX];
	int r = ask(h, pf, dev);

	return r < 0 ? r : h->ops->devlink->eswitch_get(h, dev, ret);
}

int port_list(struct host *h, const struct function *pf, struct devlink_port **ret, size_t *ret_n)
{
	char dev[HANDLE_MAX];
	int r = ask(h, pf, dev);

	return r < 0 ? r : h->ops->devlink->ports(h, dev, ret, ret_n);
}

/* A SmartNIC's own processor also has ports of functions that are on the other host. */
bool port_is_of_vf(const struct devlink_port *port, unsigned index)
{
	return port->flavour == DEVLINK_PORT_FLAVOUR_PCI_VF && !port->external &&
	       port->controller <= 0 && port->vf_number == (int)index;
}

int port_of_vf(struct host *h, const struct function *vf, struct devlink_port *ret)
{
	autofree struct devlink_port *ports = NULL;
	size_t n = 0;
	int r = port_list(h, vf->physfn, &ports, &n);

	for (size_t i = 0; r == 0 && i < n; i++)
		if (port_is_of_vf(&ports[i], (unsigned)vf->vf_index)) {
			*ret = ports[i];
			return 0;
		}
	return r < 0 ? r : -ENOENT;
}

int port_rate(struct host *h, const struct function *pf, unsigned port, struct devlink_rate *ret)
{
	char dev[HANDLE_MAX];
	int r = ask(h, pf, dev);

	return r < 0 ? r : h->ops->devlink->rate_get(h, dev, port, ret);
}

int port_reporters(
	struct host *h, const struct function *pf, struct devlink_reporter **ret, size_t *ret_n)
{
	char dev[HANDLE_MAX];
	int r = ask(h, pf, dev);

	return r < 0 ? r : h->ops->devlink->reporters(h, dev, ret, ret_n);
}

int port_set_eswitch(struct host *h, const struct function *pf, const struct devlink_eswitch *to,
	struct devlink_says *says)
{
	char dev[HANDLE_MAX];
	int r = ask(h, pf, dev);

	return r < 0 ? r : h->ops->devlink->eswitch_set(h, dev, to, says);
}

int port_set_function(struct host *h, const struct function *pf, unsigned port,
	const struct devlink_function *to, struct devlink_says *says)
{
	char dev[HANDLE_MAX];
	int r = ask(h, pf, dev);

	return r < 0 ? r : h->ops->devlink->function_set(h, dev, port, to, says);
}

int port_set_rate(struct host *h, const struct function *pf, unsigned port,
	const struct devlink_rate *to, struct devlink_says *says)
{
	char dev[HANDLE_MAX];
	int r = ask(h, pf, dev);

	return r < 0 ? r : h->ops->devlink->rate_set(h, dev, port, to, says);
}
