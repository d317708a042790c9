/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hotreset.h"

#include <linux/vfio.h>
#include <string.h>

/* Of Linux 6.6: what the headers of Debian 12 do not have. */
enum { BY_DEVICES = 1 << 0, OWNED = 1 << 1 };

enum { FUNCTIONS_MAX = 256 * 8, TRIES = 4 }; /* a bus, and more than enough behind it */

void vfio_hot_set_done(struct vfio_hot_set *s)
{
	free(s->v);
	*s = (struct vfio_hot_set) { 0 };
}

static size_t bytes_for(uint32_t n)
{
	return sizeof(struct vfio_pci_hot_reset_info) +
	       n * sizeof(struct vfio_pci_dependent_device);
}

/* Too little room is answered with -ENOSPC and how many there are. */
static int ask(struct vfio_device *d, struct vfio_pci_hot_reset_info **ret)
{
	uint32_t room = 0;

	for (unsigned i = 0; i < TRIES; i++) {
		autofree struct vfio_pci_hot_reset_info *info = calloc(1, bytes_for(room));
		int r;

		if (!info)
			return -ENOMEM;
		info->argsz = (uint32_t)bytes_for(room);
		r = host_ioctl(d->host, d->fd, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
		if (r >= 0 && info->count && info->count <= room) {
			*ret = TAKE_PTR(info);
			return 0;
		}
		if (r != -ENOSPC || info->count <= room || info->count > FUNCTIONS_MAX)
			return r < 0 && r != -ENOSPC ? r : -EBADMSG;
		room = info->count;
	}
	return -EBADMSG;
}

/* No slot or bus that could be; no such thing at all, as of mediated devices. */
static bool has_none(int code)
{
	return code == -ENODEV || code == -ENOTTY;
}

int vfio_hot_set_get(struct vfio_device *d, struct vfio_hot_set *ret, struct problem **reterr)
{
	autofree struct vfio_pci_hot_reset_info *info = NULL;
	autohotset s = { 0 };
	int r = ask(d, &info);

	if (r < 0 && has_none(r))
		return problem(reterr, r, PROBLEM_UNSUPPORTED, NULL,
			"%s cannot be reset, neither alone nor with its slot or bus: what was left "
			"in it stays",
			d->name);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL, "who is reset along with %s: %s",
			d->name, strerror(-r));
	s.v = calloc(info->count, sizeof(*s.v));
	if (!s.v)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (s.n = 0; s.n < info->count; s.n++) {
		const struct vfio_pci_dependent_device *one = &info->devices[s.n];

		s.v[s.n] = (struct bdf) { one->segment, one->bus, one->devfn >> 3, one->devfn & 7 };
	}
	s.by_devices = info->flags & BY_DEVICES;
	s.owned = s.by_devices && (info->flags & OWNED);
	*ret = (struct vfio_hot_set) { TAKE_PTR(s.v), s.n, s.by_devices, s.owned };
	return 0;
}

int vfio_hot_reset(struct vfio_device *d, const int *groups, size_t n, struct problem **reterr)
{
	size_t bytes = sizeof(struct vfio_pci_hot_reset) + n * sizeof(int32_t);
	autofree struct vfio_pci_hot_reset *q = calloc(1, bytes);
	int r;

	if (!q)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	q->argsz = (uint32_t)bytes;
	q->count = (uint32_t)n;
	for (size_t i = 0; i < n; i++)
		q->group_fds[i] = groups[i];
	r = host_ioctl(d->host, d->fd, VFIO_DEVICE_PCI_HOT_RESET, q);
	return r < 0 ? problem(reterr, r, problem_kind_from_errno(r), NULL,
			       "reset %s with all that share its bus: %s", d->name, strerror(-r))
		     : 0;
}
