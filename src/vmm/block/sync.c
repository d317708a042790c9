// SPDX-License-Identifier: GPL-2.0-or-later
/* No engine at all: who submits a request does it, and waits. */
#include "engines.h"

struct sync {
	struct disk_channel channel;
	struct disk_request *done, **last;
	KEEP_APART;
};

static struct sync *sync_of(struct disk_channel *c)
{
	return container_of(c, struct sync, channel);
}

static void sync_submit(struct disk_channel *c, struct disk_request *r)
{
	struct sync *s = sync_of(c);

	disk_request_do(c, r);
	*s->last = r;
	s->last = &r->next;
}

static void sync_kick(struct disk_channel *c UNUSED)
{
}

static struct disk_request *sync_reap(struct disk_channel *c, bool wait UNUSED)
{
	struct sync *s = sync_of(c);
	struct disk_request *r = s->done;

	if (!r)
		return NULL;
	s->done = r->next;
	if (!s->done)
		s->last = &s->done;
	return r;
}

static bool sync_sleep(struct disk_channel *c, bool asleep)
{
	return asleep && sync_of(c)->done;
}

static void sync_free(struct disk_channel *c)
{
	free(sync_of(c));
}

static const struct disk_channel_ops sync_ops = {
	.submit = sync_submit,
	.kick = sync_kick,
	.reap = sync_reap,
	.sleep = sync_sleep,
	.free = sync_free,
};

int disk_sync_new(struct disk_channel **ret)
{
	struct sync *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->channel.ops = &sync_ops;
	s->channel.fd = s->channel.doorbell = -1;
	s->last = &s->done;
	*ret = &s->channel;
	return 0;
}
