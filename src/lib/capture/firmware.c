// SPDX-License-Identifier: GPL-2.0-or-later
/* What was decided before the kernel asked anybody: tables of IOMMUs, and lockdown. */
#include "parts.h"

#include "base/str.h"
#include "host/sysfs.h"

/* What the firmware says of IOMMUs matters by being there. */
static int copy_firmware_tables(struct capture *c)
{
	static const char *const tables[] = { "DMAR", "IVRS" };
	int r = 0;

	if (!sysfs_exists(c->h, "firmware/acpi/tables"))
		return 0;
	r = capture_put_dir(c, "/sys/firmware/acpi/tables");
	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(tables); i++) {
		autofree char *path = str_printf("/sys/firmware/acpi/tables/%s", tables[i]);

		if (!path)
			return -ENOMEM;
		if (sysfs_exists(c->h, "firmware/acpi/tables/%s", tables[i]))
			r = capture_put_bytes(c, path, "", 0);
	}
	return r;
}

int capture_firmware(struct capture *c)
{
	int r = copy_firmware_tables(c);

	return r == 0 ? capture_copy(c, "/sys/kernel/security/lockdown") : r;
}
