/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Admin commands through /dev/nvmeN. */
#pragma once

#include "spec.h"

#include "base/problem.h"
#include "host/host.h"

struct nvmepf {
	struct host *host;
	int fd;
	uint16_t cntlid;
	char *name; /* "nvme0" */
};

enum { SPEC_PAGE = 4096 };

/*
 * Fills one page. On a captured machine it is read from the file that admin_page_path() names, if
 * the capture has it: -EROFS.
 */
int admin_identify(
	struct nvmepf *p, uint8_t cns, uint16_t cntid, void *page, struct problem **reterr);
/* Allocated; NULL when memory is out. */
char *admin_page_path(const char *name, uint8_t cns, uint16_t cntid);
/* *ret_done, if not NULL: how many resources changed. */
int admin_virt_mgmt(struct nvmepf *p, uint16_t cntlid, uint8_t action, uint8_t resource,
	uint16_t count, uint16_t *ret_done, struct problem **reterr);
