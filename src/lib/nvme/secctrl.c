// SPDX-License-Identifier: GPL-2.0-or-later
#include "secctrl.h"
#include "admin.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/sysfs.h"

#include <endian.h>
#include <fcntl.h>
#include <stdio.h>

/* The driver makes nvme/nvme0 below the function; "nvme0c0n1" and the like lie deeper. */
static int controller_name(struct host *h, struct bdf pf, char **ret, struct problem **reterr)
{
	autostrv char **names = NULL;
	char *name;
	int e = sysfs_list(h, &names, "bus/pci/devices/%s/nvme", BDF_TEXT(pf));

	if (e == -ENOENT || (e == 0 && !names[0]))
		return problem(reterr, -ENOENT, PROBLEM_NO_DRIVER,
			"bind it to the nvme driver first", "%s has no NVMe controller",
			BDF_TEXT(pf));
	if (e < 0)
		return problem(reterr, e, problem_kind_from_errno(e), NULL, "%s: %s", BDF_TEXT(pf),
			strerror(-e));
	name = strdup(names[0]);
	if (!name)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*ret = name;
	return 0;
}

static int open_node(struct host *h, const char *name, int *ret, struct problem **reterr)
{
	int fd = devnode_open(h, O_RDWR, "%s", name);

	if (fd < 0)
		return problem(reterr, fd, problem_kind_from_errno(fd), NULL, "opening %s: %s",
			name, strerror(-fd));
	*ret = fd;
	return 0;
}

/* Whether the capture has what the controller said of itself. */
static int find_pages(struct nvmepf *p, struct problem **reterr)
{
	autofree void *page = malloc(SPEC_PAGE);

	if (!page)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	return admin_identify(p, SPEC_CNS_PRIMARY_CAPS, p->cntlid, page, reterr);
}

int nvmepf_open(struct host *h, struct bdf pf, struct nvmepf **ret, struct problem **reterr)
{
	autonvmepf *p = calloc(1, sizeof(*p));
	uint64_t cntlid;
	int e;

	if (!p)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	p->host = h;
	p->fd = -1;
	e = controller_name(h, pf, &p->name, reterr);
	if (e < 0)
		return e;
	if (sysfs_read_u64(h, &cntlid, "class/nvme/%s/cntlid", p->name) == 0)
		p->cntlid = (uint16_t)cntlid;
	e = h->captured ? find_pages(p, reterr) : open_node(h, p->name, &p->fd, reterr);
	if (e < 0)
		return e;
	*ret = TAKE_PTR(p);
	return 0;
}

void nvmepf_free(struct nvmepf *p)
{
	if (!p)
		return;
	if (p->fd >= 0)
		host_close(p->host, p->fd);
	free(p->name);
	free(p);
}

int nvmepf_get_caps(struct nvmepf *p, struct nvmepf_caps *ret, struct problem **reterr)
{
	autofree struct spec_primary_caps *c = malloc(sizeof(*c));
	int e;

	if (!c)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	e = admin_identify(p, SPEC_CNS_PRIMARY_CAPS, p->cntlid, c, reterr);
	if (e < 0)
		return problem_wrap(reterr, e, "asking for virtualisation capabilities");
	if (!(c->crt & 3))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s: the controller has no flexible resources", p->name);
	*ret = (struct nvmepf_caps) {
		.cntlid = le16toh(c->cntlid),
		.vq = { .supported = c->crt & 1,
			.flexible = le32toh(c->vqfrt),
			.assigned = le32toh(c->vqrfa),
			.primary = le16toh(c->vqrfap),
			.fixed = le16toh(c->vqprt),
			.max_per_vf = le16toh(c->vqfrsm),
			.granularity = le16toh(c->vqgran) },
		.vi = { .supported = c->crt & 2,
			.flexible = le32toh(c->vifrt),
			.assigned = le32toh(c->virfa),
			.primary = le16toh(c->virfap),
			.fixed = le16toh(c->viprt),
			.max_per_vf = le16toh(c->vifrsm),
			.granularity = le16toh(c->vigran) },
	};
	return 0;
}

/* Ids of secondary controllers rise, and each page says where the next one begins. */
static int copy_secondaries(struct nvmepf *p, void *buf,
	int (*put)(void *arg, const char *path, const void *data, size_t len), void *arg)
{
	const struct spec_secondary_list *page = buf;
	uint32_t first = 0;
	int e = 0;

	while (e == 0) {
		autofree char *path =
			admin_page_path(p->name, SPEC_CNS_SECONDARY_LIST, (uint16_t)first);
		uint32_t last;

		e = admin_identify(p, SPEC_CNS_SECONDARY_LIST, (uint16_t)first, buf, NULL);
		if (e == 0)
			e = path ? put(arg, path, buf, SPEC_PAGE) : -ENOMEM;
		if (e < 0 || page->numid < SPEC_SECONDARIES)
			break;
		last = le16toh(page->entries[SPEC_SECONDARIES - 1].scid);
		if (last < first || last == UINT16_MAX)
			break;
		first = last + 1;
	}
	return e;
}

int nvmepf_copy(struct nvmepf *p,
	int (*put)(void *arg, const char *path, const void *data, size_t len), void *arg)
{
	autofree void *buf = malloc(SPEC_PAGE);
	autofree char *path = admin_page_path(p->name, SPEC_CNS_PRIMARY_CAPS, p->cntlid);
	int e;

	if (!buf || !path)
		return -ENOMEM;
	e = admin_identify(p, SPEC_CNS_PRIMARY_CAPS, p->cntlid, buf, NULL);
	if (e == 0)
		e = put(arg, path, buf, SPEC_PAGE);
	return e < 0 ? e : copy_secondaries(p, buf, put, arg);
}

static struct secctrl secctrl_of(const struct spec_secondary *s)
{
	return (struct secctrl) {
		.scid = le16toh(s->scid),
		.pcid = le16toh(s->pcid),
		.vf = le16toh(s->vfn),
		.online = s->scs & 1,
		.nvq = le16toh(s->nvq),
		.nvi = le16toh(s->nvi),
	};
}

/* Adds one page of the list, of ids from `first`: 1 there may be more, 0 that was all. */
static int add_page(
	struct nvmepf *p, uint16_t first, struct secctrl **list, size_t *n, struct problem **reterr)
{
	autofree struct spec_secondary_list *page = malloc(sizeof(*page));
	struct secctrl *more;
	size_t count;
	int e;

	if (!page)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	e = admin_identify(p, SPEC_CNS_SECONDARY_LIST, first, page, reterr);
	if (e < 0)
		return problem_wrap(reterr, e, "asking for secondary controllers");
	count = MIN((size_t)page->numid, (size_t)SPEC_SECONDARIES);
	more = reallocarray(*list, *n + count + 1, sizeof(*more));
	if (!more)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	*list = more;
	for (size_t i = 0; i < count; i++) {
		struct secctrl s = secctrl_of(&page->entries[i]);

		/* Ids rise; a controller that answers otherwise would keep us here for ever. */
		if (s.scid < first || (*n && s.scid <= (*list)[*n - 1].scid))
			return problem(reterr, -EIO, PROBLEM_IO, NULL,
				"%s: the list of secondary controllers is out of order", p->name);
		(*list)[(*n)++] = s;
	}
	return count == SPEC_SECONDARIES && (*list)[*n - 1].scid < UINT16_MAX;
}

int nvmepf_list(struct nvmepf *p, struct secctrl **ret, size_t *ret_n, struct problem **reterr)
{
	autofree struct secctrl *list = NULL;
	size_t n = 0;
	int e = 1;

	while (e > 0) {
		uint16_t first = n ? (uint16_t)(list[n - 1].scid + 1) : 0;

		e = add_page(p, first, &list, &n, reterr);
	}
	if (e < 0)
		return e;
	*ret = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}

int nvmepf_find(struct nvmepf *p, unsigned index, struct secctrl *ret, struct problem **reterr)
{
	autofree struct secctrl *list = NULL;
	size_t n;
	int e = nvmepf_list(p, &list, &n, reterr);

	if (e < 0)
		return e;
	for (size_t i = 0; i < n; i++) {
		if (list[i].vf == index + 1) {
			*ret = list[i];
			return 0;
		}
	}
	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL,
		"%s has no secondary controller for VF %u", p->name, index);
}

/* ---- Resources ---- */

/* Refused before the controller is asked, because it only says "not so many". */
static int check_pool(struct nvmepf *p, const struct nvmepf_pool *pool, const char *what,
	unsigned now, unsigned wanted, struct problem **reterr)
{
	uint32_t used = pool->assigned + pool->primary, left;

	if (wanted == now)
		return 0;
	if (!pool->supported)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s: the controller has no flexible %s", p->name, what);
	if (pool->max_per_vf && wanted > pool->max_per_vf)
		return problem(reterr, -ERANGE, PROBLEM_NOT_ASSIGNABLE, NULL,
			"%s gives a VF at most %u %s, not %u", p->name, pool->max_per_vf, what,
			wanted);
	left = (pool->flexible > used ? pool->flexible - used : 0) + now;
	if (wanted > left)
		return problem(reterr, -ERANGE, PROBLEM_NOT_ASSIGNABLE,
			"take some away from another VF",
			"%s has %u of %u flexible %s left, not %u", p->name, left, pool->flexible,
			what, wanted);
	return 0;
}

static int check_resources(struct nvmepf *p, const struct secctrl *s, unsigned nvq, unsigned nvi,
	struct problem **reterr)
{
	struct nvmepf_caps caps;
	int e = nvmepf_get_caps(p, &caps, reterr);

	if (e == 0)
		e = check_pool(p, &caps.vq, "queues", s->nvq, nvq, reterr);
	if (e == 0)
		e = check_pool(p, &caps.vi, "interrupt vectors", s->nvi, nvi, reterr);
	return e;
}

static int assign(struct nvmepf *p, const struct secctrl *s, uint16_t nvq, uint16_t nvi,
	struct problem **reterr)
{
	int e = 0;

	if (s->nvq != nvq)
		e = admin_virt_mgmt(
			p, s->scid, SPEC_ACT_SECONDARY_ASSIGN, SPEC_RT_VQ, nvq, NULL, reterr);
	if (e < 0 || s->nvi == nvi)
		return e;
	e = admin_virt_mgmt(p, s->scid, SPEC_ACT_SECONDARY_ASSIGN, SPEC_RT_VI, nvi, NULL, reterr);
	/* Half is worse than nothing: give back what the first command took. */
	if (e < 0 && s->nvq != nvq)
		admin_virt_mgmt(
			p, s->scid, SPEC_ACT_SECONDARY_ASSIGN, SPEC_RT_VQ, s->nvq, NULL, NULL);
	return e;
}

int nvmepf_set_resources(
	struct nvmepf *p, unsigned index, uint16_t nvq, uint16_t nvi, struct problem **reterr)
{
	struct secctrl s;
	int e = nvmepf_find(p, index, &s, reterr);

	if (e < 0)
		return e;
	if (s.nvq == nvq && s.nvi == nvi)
		return 0;
	if (s.online)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE,
			"put it offline first, which also takes its resources away",
			"%s: VF %u is online, its resources cannot change", p->name, index);
	e = check_resources(p, &s, nvq, nvi, reterr);
	if (e == 0)
		e = assign(p, &s, nvq, nvi, reterr);
	if (e < 0)
		return problem_wrap(
			reterr, e, "giving VF %u %u queues and %u vectors", index, nvq, nvi);
	e = nvmepf_find(p, index, &s, reterr);
	if (e < 0)
		return e;
	if (s.nvq != nvq || s.nvi != nvi)
		return problem(reterr, -EIO, PROBLEM_DRIFT, NULL,
			"%s: VF %u has %u queues and %u vectors after %u and %u were accepted",
			p->name, index, s.nvq, s.nvi, nvq, nvi);
	return 1;
}

/* ---- State ---- */

static int explain_online(
	struct nvmepf *p, const struct secctrl *s, unsigned index, int e, struct problem **reterr)
{
	if (s->nvq < 2 || s->nvi < 1) {
		if (reterr && *reterr) {
			problem_free(*reterr);
			*reterr = NULL;
		}
		return problem(reterr, -EINVAL, PROBLEM_NOT_ASSIGNABLE,
			"give it at least 2 queues (one is the admin queue) and 1 vector first",
			"%s: VF %u has %u queues and %u interrupt vectors, too few to go online",
			p->name, index, s->nvq, s->nvi);
	}
	if (e == -ENXIO)
		problem_hint(reterr, "create the VFs first (sriov_numvfs), then put them online");
	return problem_wrap(reterr, e, "putting VF %u online", index);
}

int nvmepf_set_online(struct nvmepf *p, unsigned index, bool online, struct problem **reterr)
{
	uint8_t action = online ? SPEC_ACT_SECONDARY_ONLINE : SPEC_ACT_SECONDARY_OFFLINE;
	struct secctrl s;
	int e = nvmepf_find(p, index, &s, reterr);

	if (e < 0)
		return e;
	if (s.online == online)
		return 0;
	e = admin_virt_mgmt(p, s.scid, action, 0, 0, NULL, reterr);
	if (e < 0 && online)
		return explain_online(p, &s, index, e, reterr);
	if (e < 0)
		return problem_wrap(reterr, e, "putting VF %u offline", index);
	e = nvmepf_find(p, index, &s, reterr);
	if (e < 0)
		return e;
	if (s.online != online)
		return problem(reterr, -EIO, PROBLEM_DRIFT, NULL,
			"%s: VF %u is %s although the controller accepted the opposite", p->name,
			index, online ? "offline" : "online");
	return 1;
}
