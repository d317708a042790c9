// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl: the command line. */
#include "help.h"
#include "verbs.h"
#include "base/str.h"
#include "identity/identity.h"
#include "out/complaint.h"

#include <locale.h>
#include <stdio.h>

/* When the command line itself is wrong, --json may not have been understood yet. */
static void guess_format(struct out *o, int argc, char *const *argv)
{
	for (int i = 1; i < argc && !str_eq(argv[i], "--"); i++)
		if (str_eq(argv[i], "--json") || str_starts(argv[i], "--json="))
			o->format =
				str_eq(argv[i], "--json=short") ? OUT_JSON_SHORT : OUT_JSON_PRETTY;
}

/* What needs neither a verb's arguments nor the machine. True when that was all. */
static bool only_asks(const struct cli *cli, const struct args *a)
{
	if (args_has(a, "version"))
		fprintf(cli->out.to, "vfctl %s\n", VFCTL_VERSION);
	else if (!args_has(a, "help"))
		return false;
	else if (a->verb)
		help_verb(cli->out.to, a->verb);
	else if (a->family)
		help_family(cli->out.to, a->family);
	else
		help_overview(cli->out.to);
	return true;
}

static int run(struct cli *cli, int argc, char *const *argv, struct problem **reterr)
{
	autoargs a = { 0 };
	int r;

	r = args_parse(argc, argv, &a, reterr);
	if (r < 0 || only_asks(cli, &a))
		return r;
	if (!a.verb)
		return args_no_verb(&a, reterr);
	r = cli_init(cli, &a, reterr);
	if (r == 0)
		r = args_check_words(&a, reterr);
	if (r < 0)
		return r;
	return a.verb->run(cli, &a, reterr);
}

/* A result that could not be written (a full disk, a closed pipe) is no success. */
static int flush(const struct out *o, int code)
{
	if (fflush(o->to) == 0 && !ferror(o->to))
		return code;
	fprintf(o->notes, "vfctl: cannot write the result: %s\n", strerror(errno));
	return code ? code : problem_kind_exit_code(PROBLEM_IO);
}

int main(int argc, char **argv)
{
	struct cli cli = {
		.out = { .to = stdout, .notes = stderr, .legend = true },
		.driver_state_dir = "/var/lib/vfctl/drivers",
		.identity_dir = IDENTITY_DIR,
		.run_dir = "/run/vfctl",
		.history_dir = "/var/lib/vfctl/journal",
		.jobs = 16,
		.asks_daemon = true,
		.learned_dir = "/var/lib/vfctl/learned",
	};
	autoproblem *p = NULL;
	int code;

	setlocale(LC_CTYPE, "");
	guess_format(&cli.out, argc, argv);
	code = run(&cli, argc, argv, &p);
	cli_waited(&cli);
	if (code < 0)
		code = out_complain(&cli.out, p, code);
	code = flush(&cli.out, code);
	cli_done(&cli);
	return code;
}
