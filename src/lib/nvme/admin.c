// SPDX-License-Identifier: GPL-2.0-or-later
#include "admin.h"

#include "base/str.h"

#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>
#include <stdbool.h>
#include <string.h>

struct meaning {
	unsigned status;
	int code;
	enum problem_kind kind;
	const char *what, *hint;
};

static const struct meaning meanings[] = {
	{ SPEC_SC_INVALID_OPCODE, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
		"the controller does not know this command", NULL },
	{ SPEC_SC_INVALID_FIELD, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
		"the controller refuses the request",
		"does it have virtualisation enhancements at all?" },
	{ SPEC_SC_INVALID_CONTROLLER_ID, -ENOENT, PROBLEM_NOT_FOUND,
		"there is no such secondary controller", NULL },
	{ SPEC_SC_INVALID_SECONDARY_STATE, -ENXIO, PROBLEM_NOT_ASSIGNABLE,
		"the secondary controller is not in a state for this",
		"create the VFs first; resources change only while it is offline" },
	{ SPEC_SC_INVALID_RESOURCE_NUMBER, -ERANGE, PROBLEM_NOT_ASSIGNABLE,
		"the controller has not so many resources",
		"take some away from another VF, or ask for fewer" },
	{ SPEC_SC_INVALID_RESOURCE_ID, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
		"the controller has no resources of this kind", NULL },
};

static int refused(struct nvmepf *p, unsigned status, struct problem **reterr)
{
	unsigned sc = status & SPEC_SC_MASK;

	for (size_t i = 0; i < ARRAY_SIZE(meanings); i++) {
		const struct meaning *m = &meanings[i];

		if (m->status == sc)
			return problem(reterr, m->code, m->kind, m->hint,
				"%s: %s (NVMe status 0x%04x)", p->name, m->what, status);
	}
	return problem(reterr, -EIO, PROBLEM_IO, NULL,
		"%s: the command failed with NVMe status 0x%04x", p->name, status);
}

static int submit(struct nvmepf *p, struct nvme_admin_cmd *cmd, struct problem **reterr)
{
	int r = host_ioctl(p->host, p->fd, NVME_IOCTL_ADMIN_CMD, cmd);

	if (r == -EACCES || r == -EPERM)
		return problem(reterr, r, PROBLEM_PERMISSION, "it takes CAP_SYS_ADMIN",
			"%s: no permission for admin commands", p->name);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL, "%s: admin command: %s",
			p->name, strerror(-r));
	return r ? refused(p, (unsigned)r, reterr) : 0;
}

/* What the controller answered when the machine was captured. */
static int read_page(
	struct nvmepf *p, uint8_t cns, uint16_t cntid, void *page, struct problem **reterr)
{
	autofree char *path = admin_page_path(p->name, cns, cntid);
	ssize_t n = path ? p->host->ops->read_file(p->host, path, page, SPEC_PAGE) : -ENOMEM;

	if (n == SPEC_PAGE)
		return 0;
	return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
		"%s: a captured machine has no controllers to ask", p->name);
}

char *admin_page_path(const char *name, uint8_t cns, uint16_t cntid)
{
	return str_printf("/vfctl/nvme/%s/identify-%02x-%u", name, cns, cntid);
}

int admin_identify(
	struct nvmepf *p, uint8_t cns, uint16_t cntid, void *page, struct problem **reterr)
{
	struct nvme_admin_cmd cmd = {
		.opcode = SPEC_IDENTIFY,
		.addr = (uintptr_t)page,
		.data_len = SPEC_PAGE,
		.cdw10 = (uint32_t)cntid << 16 | cns,
	};

	if (p->host->captured)
		return read_page(p, cns, cntid, page, reterr);
	return submit(p, &cmd, reterr);
}

int admin_virt_mgmt(struct nvmepf *p, uint16_t cntlid, uint8_t action, uint8_t resource,
	uint16_t count, uint16_t *ret_done, struct problem **reterr)
{
	struct nvme_admin_cmd cmd = {
		.opcode = SPEC_VIRTUALIZATION_MANAGEMENT,
		.cdw10 = (uint32_t)cntlid << 16 | (uint32_t)resource << 8 | action,
		.cdw11 = count,
	};
	int e = submit(p, &cmd, reterr);

	if (e == 0 && ret_done)
		*ret_done = (uint16_t)cmd.result;
	return e;
}
