// SPDX-License-Identifier: GPL-2.0-or-later
#include "blk-trouble.h"

#include "base/str.h"
#include "device.h"
#include "vmm/block/engine.h"

#include <string.h>

enum trouble { TROUBLE_IO = 1, TROUBLE_SPACE = 2, TROUBLE_OTHER = 4 };

void blk_note_trouble(
	struct blk_trouble *t, struct virtio_device *d, const struct disk_request *r, int error)
{
	static const char *const verbs[] = {
		[DISK_READ] = "read",
		[DISK_WRITE] = "write",
		[DISK_FLUSH] = "flush",
		[DISK_DISCARD] = "discard",
		[DISK_ZERO] = "write zeroes",
	};
	bool space = disk_is_full(error);
	unsigned kind = space ? TROUBLE_SPACE : error == -EIO ? TROUBLE_IO : TROUBLE_OTHER;
	autofree char *text = NULL;

	__atomic_fetch_add(space ? &t->no_space : &t->io_errors, 1, __ATOMIC_RELAXED);
	if (__atomic_fetch_or(&t->told, kind, __ATOMIC_RELAXED) & kind)
		return;
	text = str_printf("%s: the host cannot %s at byte %llu: %s; the guest was told, and more "
			  "of these are only counted",
		d->name, verbs[r->work], (unsigned long long)r->offset, strerror(-error));
	virtio_device_note(d, text);
}
