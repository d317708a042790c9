// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl-hook: libvirt runs it for every domain, from /etc/libvirt/hooks/qemu.d. It talks to vfctld
 * alone, and never asks libvirt, which waits for us. */
#include "conf.h"
#include "hook.h"

#include "base/str.h"
#include "conf/conf.h"
#include "identity/identity.h"

#include <locale.h>
#include <stdio.h>
#include <syslog.h>

static const char usage[] =
	"Usage: vfctl-hook GUEST OPERATION [SUBOPERATION [EXTRA]]  <DOMAIN.xml\n"
	"What libvirt runs for its domains, as /etc/libvirt/hooks/qemu.d/50-vfctl: at\n"
	"\"prepare\" it has vfctld claim the functions that the guest names or wishes for,\n"
	"and refuses to start it without them, and says why; at \"release\" they are given\n"
	"back. [Hook] of vfctl.conf(5) says how long it may take.\n"
	"\n"
	"      --help                      this text\n"
	"      --version                   print the version\n"
	"\n"
	"VFIO_HOOK_CHECK=1 in the environment: only tell whether the guest could start,\n"
	"and claim nothing; exit status 0 yes, 2 no.\n"
	"\n"
	"Examples:\n"
	"  ln -s /usr/bin/vfctl-hook /etc/libvirt/hooks/qemu.d/50-vfctl\n"
	"  virsh dumpxml web1 | VFIO_HOOK_CHECK=1 vfctl-hook web1 prepare\n"
	"See vfctl-hooks(7).\n";

static bool is_probe(void)
{
	const char *said = getenv("VFIO_HOOK_CHECK");
	bool yes;

	return said && (parse_bool(said, &yes) < 0 || yes);
}

/*
 * What is configured. Where that is not understood it is for the administrator to say what he
 * meant, before a guest starts; one that has gone is cleared up after as usual.
 */
static int configure(struct watched_opts *opts, struct problem **reterr)
{
	struct hook_conf conf = { .deadline_ms = HOOK_DEADLINE_S * 1000 };
	CLEANUP(host_freep) struct host *h = NULL;
	int r = host_new_live(&h, reterr);

	if (r == 0)
		r = hook_conf_read(h, &conf, reterr);
	opts->deadline_ms = conf.deadline_ms;
	opts->needs_daemon = conf.needs_daemon;
	return r;
}

/* libvirt shows what stands on standard error, but only when it is refused something. */
static void say(const char *line, int code, bool probe)
{
	if (code || probe)
		fprintf(code ? stderr : stdout, "vfctl: %s\n", line);
	else
		syslog(LOG_WARNING, "%s", line);
}

static int run(char **argv)
{
	struct watched_opts opts = {
		.input = STDIN_FILENO,
		.run_dir = "/run/vfctl",
		.identity_dir = IDENTITY_DIR,
		.open_host = host_new_live,
		.ask = turn_ask_daemon,
		.find = turn_find_daemon,
	};
	bool probe = is_probe();
	autofree char *line = NULL;
	autoproblem *p = NULL;
	int code;

	if (configure(&opts, &p) < 0 && hook_decides(argv[2])) {
		fprintf(stderr, "vfctl: %s\n", p ? p->what : CONF_FILE " cannot be read");
		return probe ? 2 : 1;
	}
	code = hook_run(argv[1], argv[2], probe, &opts, &line);
	if (line)
		say(line, code, probe);
	return code;
}

int main(int argc, char **argv)
{
	setlocale(LC_CTYPE, "");
	if (argc == 2 && str_eq(argv[1], "--help"))
		return fputs(usage, stdout) < 0;
	if (argc == 2 && str_eq(argv[1], "--version"))
		return printf("vfctl-hook %s\n", VFCTL_VERSION) < 0;
	if (argc < 3) {
		fputs("vfctl-hook: a guest and an operation are missing\n"
		      "  hint: vfctl-hook --help; libvirt gives them\n",
			stderr);
		return 2;
	}
	return run(argv);
}
