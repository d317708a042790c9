// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctld-worker: one order of the daemon's; or the daemon of a captured machine. See serve.h. */
#include "serve.h"

#include "daemon/worker/worker.h"

#include <locale.h>

static int work(struct host *h)
{
	int code = worker_main(h, stdin, stdout);

	host_free(h);
	return code;
}

int main(int argc, char **argv)
{
	struct options o = { 0 };
	struct host *h = NULL;
	autoproblem *p = NULL;
	int r = options_parse(argc, argv, &o);

	if (r <= 0)
		return r < 0 ? problem_kind_exit_code(PROBLEM_USAGE) : 0;
	setlocale(LC_CTYPE, "");
	r = o.root ? host_new_captured(o.root, &h, &p) : host_new_live_asking(&h, &p);
	if (r < 0)
		return complain(p, r);
	return o.worker ? work(h) : serve(&o, h);
}
