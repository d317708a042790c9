// SPDX-License-Identifier: GPL-2.0-or-later
#include "capture/capture.h"
#include "handle.h"

#include "base/str.h"
#include "host/tarfile.h"

#include <sys/random.h>

static void progress(void *arg, const char *what, size_t files UNUSED)
{
	struct vfctl_host *host = arg;
	autofree char *text = str_printf("reading %s", what);

	if (host->waiting && text)
		host->waiting(host->arg, text, 0);
}

static int capture(
	struct vfctl_host *host, const char *file, unsigned flags, struct problem **reterr)
{
	struct capture_opts opts = { .progress = progress, .arg = host };
	CLEANUP(tree_freep) struct tree *t = NULL;
	uint8_t key[CAPTURE_KEY_BYTES];
	int r;

	if (flags & ~(unsigned)(VFCTL_CAPTURE_PLAIN | VFCTL_CAPTURE_REPLACE))
		return problem(reterr, -EINVAL, PROBLEM_USAGE, NULL, "unknown flags %#x", flags);
	r = tarfile_check_name(file, reterr);
	if (r < 0)
		return r;
	if (!(flags & VFCTL_CAPTURE_PLAIN)) {
		if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
			return problem(reterr, -EIO, PROBLEM_FAILED, NULL,
				"no random numbers for the pseudonyms");
		opts.key = key;
	}
	r = capture_take(host->host, &opts, &t, reterr);
	return r < 0 ? r : tarfile_save(t, file, flags & VFCTL_CAPTURE_REPLACE, reterr);
}

int vfctl_capture(
	struct vfctl_host *host, const char *file, unsigned flags, struct vfctl_error **reterr)
{
	struct problem *p = NULL;
	int r = capture(host, file, flags, &p);

	return r < 0 ? api_error(reterr, p, r) : 0;
}
