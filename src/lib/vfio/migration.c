// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration.h"

#include "feature.h"

#include "base/str.h"

#include <string.h>

static const struct {
	enum vfio_migration bit;
	const char *word; /* as the kernel's debugfs has it */
} words[] = {
	{ VFIO_MIGRATES, "stop-copy" },
	{ VFIO_MIGRATES_P2P, "p2p" },
	{ VFIO_MIGRATES_PRE_COPY, "pre-copy" },
	{ VFIO_TRACKS_DMA, "dirty-tracking" },
};

const char *vfio_migration_word(unsigned offered, unsigned i)
{
	for (size_t k = 0; k < ARRAY_SIZE(words); k++)
		if (offered & words[k].bit && i-- == 0)
			return words[k].word;
	return NULL;
}

char *vfio_migration_text(unsigned offered, char buf[VFIO_MIGRATION_TEXT_MAX])
{
	const char *word;

	strcpy(buf, offered ? "" : "none");
	for (unsigned i = 0; (word = vfio_migration_word(offered, i)); i++) {
		strcat(buf, i ? " " : "");
		strcat(buf, word);
	}
	return buf;
}

/* 1 it has the feature, 0 it has not. Drivers that know no features at all say -ENOTTY, too. */
static int probe(struct vfio_device *d, uint32_t feature)
{
	int r = vfio_feature(d, VFIO_DEVICE_FEATURE_PROBE | feature, NULL, 0);

	return r == -ENOTTY ? 0 : r < 0 ? r : 1;
}

static int get_flags(struct vfio_device *d, uint64_t *ret)
{
	struct vfio_device_feature_migration m = { 0 };
	int r = vfio_feature(
		d, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION, &m, sizeof(m));

	*ret = m.flags;
	return r;
}

int vfio_migration_get(struct vfio_device *d, unsigned *ret)
{
	const unsigned known = VFIO_MIGRATES | VFIO_MIGRATES_P2P | VFIO_MIGRATES_PRE_COPY;
	uint64_t flags = 0;
	int r = probe(d, VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_MIGRATION), tracks = 0;

	if (r > 0)
		r = get_flags(d, &flags) < 0 || !(flags & VFIO_MIGRATES) ? -EBADMSG : 1;
	if (r > 0)
		tracks = probe(d, VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_DMA_LOGGING_START);
	if (r < 0)
		return r;
	*ret = ((unsigned)flags & known) | (tracks > 0 ? VFIO_TRACKS_DMA : 0);
	return 0;
}
