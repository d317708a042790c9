/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small facts that must outlive a process: one file per fact in a directory (/var/lib/vfctl/…),
 * written to the side, synced and renamed, so that a reader sees the old text or the new one and
 * a crash never leaves half of it. Names are file names: no '/', not "." or "..".
 */
#pragma once

#include "base/attr.h"

#include <stdio.h>

/* Creates the directory, and its parents, 0755, when it is missing. */
int store_prepare(const char *dir);
/* Creates the directory (and its parents, 0755) when it is missing. */
int store_put(const char *dir, const char *name, const char *text);
/* -ENOENT when there is none. At most 64 KiB. */
int store_get(const char *dir, const char *name, char **ret);
/* The names that there are, sorted; none when the directory is missing. The list is the caller's.
 */
int store_list(const char *dir, char ***ret);
/* 1 removed, 0 was not there. */
int store_remove(const char *dir, const char *name);

/* Any plain file to read, as fopen(); errno. For what users name. */
/* Whole or not at all, as store_put(), but a power cut may lose it: for what a boot ends anyway. */
int store_put_for_boot(const char *dir, const char *name, const char *text);
FILE *store_open(const char *path);

/*
 * Whether only root and we ourselves can put something into that directory (behind a link: that it
 * leads to). -EPERM: others can. -ENOENT, -ENOTDIR.
 */
int store_is_safe(const char *dir);
