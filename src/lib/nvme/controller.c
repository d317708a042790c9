// SPDX-License-Identifier: GPL-2.0-or-later
#include "controller.h"

#include "base/str.h"
#include "host/sysfs.h"

/* Padded with blanks, as the controller has it. */
static char *read_text(struct folder *f, const char *name)
{
	char text[256], *trimmed;

	if (folder_read_text(f, name, text, sizeof(text)) < 0)
		return NULL;
	trimmed = str_trim(text);
	return *trimmed ? str_printable(trimmed) : NULL;
}

void nvme_controller_read(struct host *h, const char *name, struct nvme_controller *ret)
{
	autofolder f;
	uint64_t id;

	*ret = (struct nvme_controller) { .id = -1 };
	folder_init(&f, h);
	if (sysfs_enter(&f, "class/nvme/%s", name) < 0)
		return;
	ret->model = read_text(&f, "model");
	ret->serial = read_text(&f, "serial");
	ret->firmware = read_text(&f, "firmware_rev");
	ret->state = read_text(&f, "state");
	ret->subsystem = read_text(&f, "subsysnqn");
	if (folder_read_u64(&f, "cntlid", &id) == 0 && id <= UINT16_MAX)
		ret->id = (int)id;
}

void nvme_controller_done(struct nvme_controller *c)
{
	free(c->model);
	free(c->serial);
	free(c->firmware);
	free(c->state);
	free(c->subsystem);
}
