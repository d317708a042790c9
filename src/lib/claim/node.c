// SPDX-License-Identifier: GPL-2.0-or-later
/* The device node of a function's IOMMU group: what an owner opens. */
#include "deed.h"

#include "base/str.h"
#include "host/devnode.h"
#include "iommu/group.h"

enum { NODE_MS = 5000, POLL_MS = 20 };

int node_await(struct host *h, struct bdf a, char **ret, struct problem **reterr)
{
	uint64_t until = host_now_ms(h) + NODE_MS;
	autofree char *node = NULL, *path = NULL;
	int group = iommu_group_of(h, a);

	if (group < 0)
		return problem(reterr, group, PROBLEM_NO_IOMMU, NULL, "%s is in no IOMMU group",
			BDF_TEXT(a));
	node = str_printf("vfio/%d", group);
	if (!node)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	while (!devnode_exists(h, "%s", node)) {
		if (host_now_ms(h) >= until) {
			path = devnode_path("%s", node);
			return problem(reterr, -ETIMEDOUT, PROBLEM_TIMEOUT,
				"is the module vfio loaded, and devtmpfs or udevd at work?",
				"%s is bound, and its device node %s does not appear", BDF_TEXT(a),
				path ? path : node);
		}
		host_sleep_ms(h, POLL_MS);
	}
	*ret = TAKE_PTR(node);
	return 0;
}

static const struct lease *other_of(const struct leases *s, const struct lease *l, const char *node)
{
	for (size_t i = 0; i < s->n; i++)
		if (!bdf_eq(s->v[i].bdf, l->bdf) && str_eq(s->v[i].node, node))
			return &s->v[i];
	return NULL;
}

static int failed(const char *node, int code, struct problem **reterr)
{
	autofree char *path = devnode_path("%s", node);

	return problem(reterr, code, problem_kind_from_errno(code), NULL,
		"%s cannot be given to somebody: %s", path ? path : node, strerror(-code));
}

int node_remember(struct host *h, const char *node, const struct leases *others, struct lease *l,
	struct problem **reterr)
{
	const struct lease *other = other_of(others, l, node);
	struct stat st;
	int r = other ? 0 : devnode_stat(h, &st, "%s", node);

	if (r < 0)
		return failed(node, r, reterr);
	if (wish_put(&l->node, node) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	l->node_uid = other ? other->node_uid : st.st_uid;
	l->node_gid = other ? other->node_gid : st.st_gid;
	l->node_mode = other ? other->node_mode : st.st_mode & 07777;
	return 0;
}

int node_give(struct host *h, const struct lease *l, const struct claim_request *q,
	struct problem **reterr)
{
	mode_t mode = q->node_gid == (gid_t)-1 ? 0600 : 0660;
	uid_t uid = q->node_uid == (uid_t)-1 ? l->node_uid : q->node_uid;
	gid_t gid = q->node_gid == (gid_t)-1 ? l->node_gid : q->node_gid;
	int r = devnode_set_owner(h, uid, gid, mode, "%s", l->node);

	return r < 0 ? failed(l->node, r, reterr) : 0;
}

int node_give_back(
	struct host *h, const struct leases *others, const struct lease *l, struct problem **reterr)
{
	int r;

	if (!l->node || other_of(others, l, l->node))
		return 0;
	r = devnode_set_owner(h, l->node_uid, l->node_gid, l->node_mode, "%s", l->node);
	return r < 0 && r != -ENOENT ? failed(l->node, r, reterr) : 0;
}
