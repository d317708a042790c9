/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What udevd has done, by libudev; as the operation of struct host_ops. */
#pragma once

#include "host.h"

int udevd_settled(struct host *h, const char *path, uint64_t since_ms);
