/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of a capture. Only -ENOMEM and a tree that is full are errors: what cannot be read is
 * not there. */
#pragma once

#include "capture.h"
#include "redact.h"

struct strbuf;

struct capture {
	struct host *h;
	struct tree *t;
	const struct capture_opts *o;
	struct redactor redactor;
	char **late; /* paths that are read at the end, with a deadline */
	size_t files;
};

/* Puts text or bytes, after MAC addresses in the text and in the path were redacted. */
int capture_put_text(struct capture *c, const char *path, const char *text);
int capture_put_bytes(struct capture *c, const char *path, const void *data, size_t len);
int capture_put_link(struct capture *c, const char *path, const char *target);
int capture_put_dir(struct capture *c, const char *path);
/* As text, whole; -ENOENT and the like are 0. */
int capture_copy(struct capture *c, const char *path);

int capture_sysfs(struct capture *c);
int capture_late(struct capture *c);
int capture_tables(struct capture *c);
int capture_processes(struct capture *c);
int capture_files(struct capture *c);
int capture_config(struct capture *c);
int capture_firmware(struct capture *c);
int capture_links(struct capture *c);
int capture_log(struct capture *c);
int capture_nvme(struct capture *c);

/* What is kept of a netplan file, in its own lines; -EBADMSG: it cannot be understood. */
int redact_netplan(struct capture *c, const char *text, size_t len, struct strbuf *to);
