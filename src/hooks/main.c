// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl-hook: libvirt runs it for every domain, from /etc/libvirt/hooks/qemu.d. It changes nothing,
 * and never asks libvirt, which waits for us. */
#include "hook.h"

#include "base/str.h"
#include "identity/identity.h"

#include <locale.h>
#include <stdio.h>

static const char usage[] =
	"Usage: vfctl-hook GUEST OPERATION [SUBOPERATION [EXTRA]]  <DOMAIN.xml\n"
	"What libvirt runs for its domains, as /etc/libvirt/hooks/qemu.d/50-vfctl: at\n"
	"\"prepare\" it refuses to start a guest whose functions are not ready for it, and\n"
	"says why. It changes nothing.\n"
	"\n"
	"      --help                      this text\n"
	"      --version                   print the version\n"
	"\n"
	"VFIO_HOOK_CHECK=1 in the environment: only tell whether the guest could start;\n"
	"exit status 0 yes, 2 no.\n"
	"\n"
	"Examples:\n"
	"  ln -s /usr/bin/vfctl-hook /etc/libvirt/hooks/qemu.d/50-vfctl\n"
	"  virsh dumpxml web1 | VFIO_HOOK_CHECK=1 vfctl-hook web1 prepare\n"
	"See vfctl-hooks(7).\n";

enum { DEADLINE_MS = 5000 };

static bool is_probe(void)
{
	const char *said = getenv("VFIO_HOOK_CHECK");
	bool yes;

	return said && (parse_bool(said, &yes) < 0 || yes);
}

int main(int argc, char **argv)
{
	const struct watched_opts opts = {
		.input = STDIN_FILENO,
		.deadline_ms = DEADLINE_MS,
		.identity_dir = IDENTITY_DIR,
		.open_host = host_new_live,
	};
	autofree char *line = NULL;
	bool probe = is_probe();
	int code;

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
	code = hook_run(argv[1], argv[2], probe, &opts, &line);
	if (line)
		fprintf(code ? stderr : stdout, "vfctl: %s\n", line);
	return code;
}
