// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Why can a function not be given to a guest? Prints what keeps it, and what helps; exits with 0
 * when nothing does, with 6 when something does.
 *
 *   cc why-not.c $(pkg-config --cflags --libs libvfctl) -o why-not
 *   ./why-not ens1f0/vf0                  of this machine
 *   ./why-not 05:01.0 web1.tar.gz         of a captured one
 */
#include <vfctl/vfctl.h>

#include <stdio.h>
#include <string.h>

static int complain(struct vfctl_error *e)
{
	int status = e ? vfctl_error_exit_code(e) : 1;

	fprintf(stderr, "why-not: %s\n", e ? vfctl_error_message(e) : "out of memory");
	vfctl_error_free(e);
	return status;
}

static void print(const struct vfctl_result *r)
{
	printf("%s: %s\n", vfctl_result_name(r), vfctl_result_text(r));
	if (vfctl_result_file(r) && vfctl_result_value(r))
		printf("  %s: %s\n", vfctl_result_file(r), vfctl_result_value(r));
	if (vfctl_result_fix(r))
		printf("  fix: %s\n", vfctl_result_fix(r));
}

static int explain(struct vfctl_host *host, const char *selector)
{
	const struct vfctl_function *f = NULL;
	struct vfctl_snapshot *s = NULL;
	struct vfctl_report *report = NULL;
	struct vfctl_error *e = NULL;
	int status, r;

	r = vfctl_snapshot_take(host, &s, &e);
	if (r == 0)
		r = vfctl_snapshot_find(host, s, selector, &f, &e);
	if (r == 0)
		r = vfctl_why(host, vfctl_function_address(f), 0, &report, &e);
	if (r == 0) {
		for (size_t i = 0; i < vfctl_report_results(report); i++)
			if (!strcmp(vfctl_result_verdict(vfctl_report_result(report, i)), "fail"))
				print(vfctl_report_result(report, i));
		status = vfctl_report_good(report) ? 0 : 6;
		vfctl_report_free(report);
	} else {
		status = complain(e);
	}
	vfctl_snapshot_free(s);
	return status;
}

int main(int argc, char **argv)
{
	struct vfctl_error *e = NULL;
	struct vfctl_host *host = NULL;
	int r;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: why-not FUNCTION [CAPTURE]\n");
		return 2;
	}
	r = argc > 2 ? vfctl_host_open_captured(argv[2], &host, &e) : vfctl_host_open(&host, &e);
	if (r < 0)
		return complain(e);
	r = explain(host, argv[1]);
	vfctl_host_close(host);
	return r;
}
