/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room have in common. */
#pragma once

/* With parents, 0755; 0 also when it is there. */
int files_make_dirs(const char *dir);
/* A new name is safe only when its directory, too, is on the disk. */
void files_sync_dir(const char *dir);
