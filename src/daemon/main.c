// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctld: the daemon. */
#include "serve.h"

#include "base/str.h"

#include <locale.h>
#include <string.h>

/* Captured machines and orders are not ours: see serve.h. */
static int become_worker(char **argv)
{
	autofree char *path = worker_path();
	autoproblem *p = NULL;

	if (path)
		execv(path, argv);
	problem(&p, -errno, PROBLEM_FAILED, "it is installed with vfctld", "%s: %s",
		path ? path : "vfctld-worker", strerror(errno));
	return complain(p, -errno);
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct host *h = NULL;
	autoproblem *p = NULL;
	int r = options_parse(argc, argv, &o);

	if (r <= 0)
		return r < 0 ? problem_kind_exit_code(PROBLEM_USAGE) : 0;
	if (o.worker || o.root)
		return become_worker(argv);
	setlocale(LC_CTYPE, "");
	r = host_new_watching(&h, &p);
	return r < 0 ? complain(p, r) : serve(&o, h);
}
