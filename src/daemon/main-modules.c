// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfctld-modules: loads a driver for one of vfctld's workers. It alone has the right to, and reads
 * nothing but a name.
 */
#include "base/str.h"
#include "host/kmod.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATIENCE_S = 60 };

static const char help[] =
	"vfctld-modules\n"
	"Loads the driver of PCI functions whose name is the line on the standard\n"
	"input, and answers 1 (loaded), 0 (was there) or a negative errno. For vfctld's\n"
	"own use.\n";

int main(int argc, char **argv)
{
	int r;

	if (argc > 1 && str_eq(argv[1], "--help"))
		return fputs(help, stdout) < 0;
	if (argc > 1) {
		fprintf(stderr, "vfctld-modules: '%s': no arguments are taken\n", argv[1]);
		return 2;
	}
	/* Who asks waits no longer, and who says nothing shall not keep us. */
	alarm(PATIENCE_S);
	r = kmod_serve(stdin, stdout);
	if (r < 0)
		fprintf(stderr, "not loaded: %s\n", strerror(-r));
	return 0;
}
