/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel modules. kmod_load() is a struct host_ops.load_module; so is kmod_ask(), for a process
 * that has no right to load any: it asks one that has, which loads no others than PCI drivers.
 */
#pragma once

#include "host.h"

#include <stdio.h>

/* Where vfctld-modules@.service is started; systemd/vfctld-modules.socket. */
#define KMOD_SOCKET "/run/vfctl-modules"

/* 1 loaded, 0 was there; -ENOENT there is none, -EPERM the administrator does not want it. */
int kmod_load(struct host *h, const char *name);
/* Where nobody listens, it tries itself. -ETIMEDOUT: no answer within a minute. */
int kmod_ask(struct host *h, const char *name);
/* The same, at another socket. */
int kmod_ask_at(struct host *h, const char *path, const char *name);

/*
 * The other side: reads one line from `from`, the module's name, and writes one to `to`, what came
 * of it, a number as of kmod_load(). -EINVAL: a name that is none; -EPERM: a module that drives no
 * PCI function. Returns what it wrote.
 */
int kmod_serve(FILE *from, FILE *to);
