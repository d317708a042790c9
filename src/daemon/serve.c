// SPDX-License-Identifier: GPL-2.0-or-later
#include "serve.h"
#include "claims.h"
#include "ear.h"
#include "job.h"
#include "life.h"
#include "mind.h"
#include "rights.h"

#include "base/str.h"

#include <getopt.h>
#include <malloc.h>
#include <string.h>
#include <sys/auxv.h>
#include <syslog.h>

static const char help[] =
	"vfctld [OPTION…]\n"
	"Serves org.vfctl1 on the system bus: looks at PCI functions and changes them for\n"
	"those that polkit allows it. See vfctld(8).\n"
	"\n"
	"  --root DIR|TAR  a captured machine: for looking alone\n"
	"  --bus ADDRESS   this bus instead of the system's\n"
	"  --workers PATH  the socket that starts workers; without it we do it ourselves\n"
	"  --worker        carry out one order from the standard input (for itself)\n"
	"  --help, --version\n";

int options_parse(int argc, char **argv, struct options *ret)
{
	static const struct option known[] = {
		{ "root", required_argument, NULL, 'r' },
		{ "bus", required_argument, NULL, 'b' },
		{ "workers", required_argument, NULL, 's' },
		{ "worker", no_argument, NULL, 'w' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", known, NULL)) >= 0) {
		if (c == 'r')
			ret->root = optarg;
		else if (c == 'b')
			ret->bus = optarg;
		else if (c == 's')
			ret->workers = optarg;
		else if (c == 'w')
			ret->worker = true;
		else if (c == 'h')
			return fputs(help, stdout) < 0 ? -EIO : 0;
		else if (c == 'V')
			return printf("vfctld %s\n", VFCTL_VERSION) < 0 ? -EIO : 0;
		else
			return -EINVAL;
	}
	if (optind == argc)
		return 1;
	fprintf(stderr, "vfctld: '%s': no arguments are taken\n", argv[optind]);
	return -EINVAL;
}

int complain(const struct problem *p, int code)
{
	autofree char *text = p ? problem_text(p) : NULL;
	const char *hint = p ? problem_best_hint(p) : NULL;

	say(LOG_ERR, 0, "%s%s%s", text ? text : strerror(-code), hint ? "; " : "",
		hint ? hint : "");
	return p ? problem_kind_exit_code(p->kind) : EXIT_FAILURE;
}

static int start(struct manager *m, const struct options *o, struct problem **reterr)
{
	int r = rights_limit();

	if (r == 0)
		r = sd_event_new(&m->loop);
	if (r >= 0)
		r = life_prepare(m);
	if (r < 0)
		return problem(reterr, r, PROBLEM_FAILED, NULL, "cannot start: %s", strerror(-r));
	r = ear_open(m, reterr);
	if (r == 0)
		r = manager_connect(m, o->bus, reterr);
	/* What was left is put in order first, then what the dead have left is returned. */
	if (r == 0 && (job_recover(m) < 0 || claims_open(m) < 0))
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r == 0)
		mind_begin(m);
	if (r == 0 && (r = rights_idle(o->workers != NULL)) < 0)
		r = problem(reterr, r, PROBLEM_FAILED, NULL, "cannot drop capabilities");
	return r;
}

/* As it is built, in one folder; as it is installed, in a neighbouring one. */
char *worker_path(void)
{
	static const char *const places[] = { "vfctld-worker",
		"../" VFCTLD_LIBEXEC "/vfctl/vfctld-worker" };
	const char *self = (const char *)getauxval(AT_EXECFN), *slash = strrchr(self, '/');
	int folder = slash ? (int)(slash - self) + 1 : 0;

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *path = str_printf("%.*s%s", folder, self, places[i]);

		if (!path || access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return strdup(VFCTLD_WORKER);
}

/*
 * A block as large as these goes back to the kernel when it is freed. malloc would raise the limit
 * with each that it meets, and keep megabytes of a long message for ever. Another malloc, as that
 * of a sanitizer, may know of no such limits.
 */
static void pin_memory(void)
{
	(void)mallopt(M_MMAP_THRESHOLD, 128 << 10);
	(void)mallopt(M_TRIM_THRESHOLD, 128 << 10);
}

int serve(const struct options *o, struct host *h)
{
	autofree char *worker = worker_path();
	struct manager m = { .root = o->root, .program = worker, .workers = o->workers, .host = h };
	autoproblem *p = NULL;
	int r, code;

	pin_memory();
	r = worker ? start(&m, o, &p) : -ENOMEM;
	code = r < 0 ? complain(p, r) : life_run(&m);
	manager_done(&m);
	return code;
}
