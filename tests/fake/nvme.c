// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * NVMe controllers: the PF's admin queue with virtualisation management, as QEMU's controller and
 * the NVM Express base specification have it. The wire layout is written out here on its own, so
 * that a mistake in the code under test does not cancel itself.
 */
#include "kernel.h"

#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>
#include <sys/eventfd.h>
#include <sys/sysmacros.h>

enum {
	DO_NOT_RETRY = 0x4000,
	INVALID_OPCODE = 0x001,
	INVALID_FIELD = 0x002,
	INVALID_CONTROLLER = 0x11f,
	INVALID_STATE = 0x120,
	INVALID_COUNT = 0x121,
	INVALID_RESOURCE = 0x122,
};

void fake_nvme_pool(
	struct host *h, unsigned vq, unsigned vq_per_vf, unsigned vi, unsigned vi_per_vf)
{
	struct kernel *k = kernel_of(h);

	k->nvme_pools[0] = (struct nvme_pool) { vq, vq_per_vf };
	k->nvme_pools[1] = (struct nvme_pool) { vi, vi_per_vf };
}

void fake_nvme_lies(struct host *h, bool lies)
{
	kernel_of(h)->nvme_lies = lies;
}

static void put_node(struct kernel *k, const char *name)
{
	autofree char *path = need_printf("/dev/%s", name);

	NEED(tree_put_node(k->tree, path, S_IFCHR | 0600, makedev(244, 0)) == 0);
}

void nvme_find_all(struct kernel *k)
{
	autostrv char **names = NULL;

	if (tree_list(k->tree, "/sys/class/nvme", &names) == 0)
		STRV_FOREACH (it, names)
			put_node(k, *it);
}

/* ---- The driver ---- */

static struct nvme_secondary *secondary_of(struct kernel *k, const char *bdf)
{
	autofree char *name = k_link_name(k, "/sys/bus/pci/devices/%s/physfn", bdf);
	struct pf *pf = name ? pf_find(k, name) : NULL;
	char other[BDF_TEXT_MAX];

	for (unsigned i = 0; pf && i < pf->num_vfs; i++) {
		vf_bdf(k, pf, i, other);
		if (str_eq(other, bdf))
			return &pf->nvme[i];
	}
	return NULL;
}

/* "Device not ready; aborting initialisation, CSTS=0x2". */
int nvme_probe(struct kernel *k, const char *bdf)
{
	struct nvme_secondary *s = secondary_of(k, bdf);

	if (!s || s->online)
		return 0;
	k_say(k, 6, "nvme nvme7: pci function %s", bdf);
	k_say(k, 3, "nvme nvme7: Device not ready; aborting initialisation, CSTS=0x2");
	return -ENODEV;
}

void nvme_bound(struct kernel *k, const char *bdf)
{
	autofree char *dir = device_dir(k, bdf), *name = NULL, *own = NULL;
	unsigned n = 0;

	while (k_exists(k, "/sys/class/nvme/nvme%u", n))
		n++;
	name = need_printf("nvme%u", n);
	own = need_printf("%s/nvme/%s", dir, name);
	k_put(k, 0444, "live\n", "/sys/%s/state", own);
	k_put(k, 0444, n ? "1\n" : "0\n", "/sys/%s/cntlid", own);
	k_link(k, own, "device", dir);
	k_link(k, "class/nvme", name, own);
	put_node(k, name);
}

void nvme_unbound(struct kernel *k, const char *bdf)
{
	autofree char *dir = device_dir(k, bdf), *path = NULL;
	autostrv char **names = NULL;

	if (!dir)
		return;
	path = need_printf("/sys/%s/nvme", dir);
	if (tree_list(k->tree, path, &names) == 0) {
		STRV_FOREACH (it, names) {
			k_remove(k, "/sys/class/nvme/%s", *it);
			k_remove(k, "/dev/%s", *it);
		}
	}
	k_remove(k, "%s", path);
}

void nvme_vfs_gone(struct kernel *k UNUSED, struct pf *pf)
{
	memset(pf->nvme, 0, sizeof(pf->nvme));
}

/* ---- The device node ---- */

int nvme_open(struct kernel *k, const char *name)
{
	for (int i = 0; i < FAKE_MAX_FILES; i++) {
		if (k->nvme_files[i].fd)
			continue;
		k->nvme_files[i].fd = eventfd(0, EFD_CLOEXEC); /* a number nobody else has */
		NEED(k->nvme_files[i].fd > 0);
		snprintf(k->nvme_files[i].name, sizeof(k->nvme_files[i].name), "%s", name);
		return k->nvme_files[i].fd;
	}
	return -EMFILE;
}

bool nvme_close(struct kernel *k, int fd)
{
	for (int i = 0; fd > 0 && i < FAKE_MAX_FILES; i++) {
		if (k->nvme_files[i].fd != fd)
			continue;
		close(fd);
		k->nvme_files[i].fd = 0;
		return true;
	}
	return false;
}

static void put16(uint8_t *at, unsigned v)
{
	at[0] = (uint8_t)v;
	at[1] = (uint8_t)(v >> 8);
}

/* Of one kind, over all VFs. */
static unsigned assigned(const struct pf *pf, unsigned kind)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < FAKE_MAX_VFS; i++)
		sum += pf->nvme[i].resources[kind];
	return sum;
}

static unsigned total_vfs(struct kernel *k, const struct pf *pf)
{
	return (unsigned)device_number(k, pf->bdf, "sriov_totalvfs", false);
}

static void primary_caps(struct kernel *k, const struct pf *pf, uint8_t *page)
{
	page[4] = 3;
	for (unsigned kind = 0; kind < 2; kind++) {
		uint8_t *at = page + (kind ? 64 : 32);

		put16(at, k->nvme_pools[kind].total);
		put16(at + 4, assigned(pf, kind));
		put16(at + 10, 3);
		put16(at + 12, k->nvme_pools[kind].per_vf);
		put16(at + 14, 1);
	}
}

static void secondary_list(struct kernel *k, const struct pf *pf, unsigned first, uint8_t *page)
{
	unsigned total = total_vfs(k, pf);

	for (unsigned id = MAX(first, 1u); id <= total && page[0] < 127; id++) {
		uint8_t *at = page + 32 + 32 * page[0]++;
		const struct nvme_secondary *s = &pf->nvme[id - 1];

		put16(at, id);
		at[4] = s->online;
		put16(at + 8, id);
		put16(at + 10, s->resources[0]);
		put16(at + 12, s->resources[1]);
	}
}

static int identify(struct kernel *k, const struct pf *pf, const struct nvme_admin_cmd *cmd)
{
	uint8_t *page = (uint8_t *)(uintptr_t)cmd->addr;

	if (cmd->data_len != 4096)
		return INVALID_FIELD | DO_NOT_RETRY;
	memset(page, 0, 4096);
	switch (cmd->cdw10 & 0xff) {
	case 0x14:
		primary_caps(k, pf, page);
		return 0;
	case 0x15:
		secondary_list(k, pf, cmd->cdw10 >> 16, page);
		return 0;
	}
	return INVALID_FIELD | DO_NOT_RETRY;
}

static int assign(
	struct kernel *k, struct pf *pf, struct nvme_secondary *s, unsigned kind, unsigned count)
{
	if (kind > 1)
		return INVALID_RESOURCE;
	if (s->online)
		return INVALID_STATE;
	if (count > k->nvme_pools[kind].per_vf ||
		assigned(pf, kind) - s->resources[kind] + count > k->nvme_pools[kind].total)
		return INVALID_COUNT;
	s->resources[kind] = count;
	return 0;
}

static int virtualization_management(struct kernel *k, struct pf *pf, struct nvme_admin_cmd *cmd)
{
	unsigned id = cmd->cdw10 >> 16, kind = cmd->cdw10 >> 8 & 7, count = cmd->cdw11 & 0xffff;
	struct nvme_secondary *s;

	if (id == 0 || id > total_vfs(k, pf))
		return INVALID_CONTROLLER;
	if (k->nvme_lies)
		return 0;
	s = &pf->nvme[id - 1];
	switch (cmd->cdw10 & 0xf) {
	case 7:
		*s = (struct nvme_secondary) { 0 };
		return 0;
	case 8:
		cmd->result = count;
		return assign(k, pf, s, kind, count);
	case 9:
		if (id > pf->num_vfs || s->resources[0] < 2 || !s->resources[1])
			return INVALID_STATE;
		s->online = true;
		return 0;
	}
	return INVALID_FIELD;
}

static struct pf *pf_of_file(struct kernel *k, int fd, bool *ret_ours)
{
	*ret_ours = false;
	for (int i = 0; fd > 0 && i < FAKE_MAX_FILES; i++) {
		autofree char *bdf = NULL;

		if (k->nvme_files[i].fd != fd)
			continue;
		*ret_ours = true;
		bdf = k_link_name(k, "/sys/class/nvme/%s/device", k->nvme_files[i].name);
		return bdf ? pf_find(k, bdf) : NULL;
	}
	return NULL;
}

int nvme_ioctl(struct kernel *k, int fd, unsigned long request, void *arg)
{
	struct nvme_admin_cmd *cmd = arg;
	bool ours;
	struct pf *pf = pf_of_file(k, fd, &ours);
	int status;

	if (!ours)
		return -EBADF;
	if (request != NVME_IOCTL_ADMIN_CMD)
		return -ENOTTY;
	if (!pf)
		return INVALID_FIELD |
		       DO_NOT_RETRY; /* a controller without VFs, or one that left */
	k_log(k, "nvme 0x%02x 0x%08x %u", cmd->opcode, cmd->cdw10, cmd->cdw11);
	switch (cmd->opcode) {
	case 0x06:
		return identify(k, pf, cmd);
	case 0x1c:
		status = virtualization_management(k, pf, cmd);
		return status ? status | DO_NOT_RETRY : 0;
	}
	return INVALID_OPCODE | DO_NOT_RETRY;
}
