// SPDX-License-Identifier: GPL-2.0-or-later
#include "verbs.h"
#include "base/str.h"
#include "capture/capture.h"
#include "host/tarfile.h"

#include <sys/random.h>

static const struct option options[] = {
	{ 0, "no-redact", TAKES_NOTHING, NULL, "keep addresses, serial numbers and names", NULL },
	{ 0, "force", TAKES_NOTHING, NULL, "replace a file that is there", NULL },
};

static const struct example examples[] = {
	{ "capture web1.tar.xz", "this machine, redacted" },
	{ "capture -", "to standard output, for a pipe" },
	{ "--root web1.tar.xz capture --no-redact web2.tar", "a capture's capture" },
	{ "capture --no-redact web1.tar.zst", "for one's own use" },
};

struct progress {
	struct cli *cli;
	uint64_t began_ms;
};

static void progress(void *arg, const char *what, size_t files)
{
	struct progress *p = arg;
	uint64_t now = host_now_ms(p->cli->host);
	autofree char *text = str_printf("reading %s (%zu files)", what, files);

	if (!p->began_ms)
		p->began_ms = now;
	if (text)
		cli_waiting(p->cli, text, (unsigned)(now - p->began_ms));
}

static int write_out(struct cli *cli, const struct args *a, struct tree *t, struct problem **reterr)
{
	if (str_eq(a->words[0], "-"))
		return tarfile_write(t, fileno(cli->out.to), reterr);
	return tarfile_save(t, a->words[0], args_has(a, "force"), reterr);
}

static int check(struct cli *cli, const struct args *a, struct problem **reterr)
{
	if (!str_eq(a->words[0], "-"))
		return tarfile_check_name(a->words[0], reterr);
	if (!isatty(fileno(cli->out.to)))
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl capture - >FILE.tar.zst",
		"a capture is not for a terminal");
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	struct progress began = { .cli = cli };
	struct capture_opts opts = { .progress = progress, .arg = &began };
	CLEANUP(tree_freep) struct tree *t = NULL;
	uint8_t key[CAPTURE_KEY_BYTES];
	struct host *h;
	int r = check(cli, a, reterr);

	if (r == 0)
		r = cli_host(cli, &h, reterr);
	if (r < 0)
		return r;
	if (!args_has(a, "no-redact")) {
		if (getrandom(key, sizeof(key), 0) != (ssize_t)sizeof(key))
			return problem(reterr, -errno, PROBLEM_FAILED, NULL,
				"no random numbers for the pseudonyms");
		opts.key = key;
	}
	r = capture_take(h, &opts, &t, reterr);
	cli_waited(cli);
	if (r < 0 || cli->dry_run)
		return r;
	return write_out(cli, a, t, reterr);
}

const struct verb verb_capture = {
	.name = "capture",
	.section = VERB_LOOK,
	.args = "FILE",
	.summary = "this machine as an archive, for --root",
	.description =
		"Writes what vfctl reads of this machine into an archive that --root accepts:\n"
		"for a report, or to ask it later. FILE ends in .tar, .tar.gz, .tar.xz\n"
		"or .tar.zst; - is standard output. It is written to the side and then renamed.\n"
		"\n"
		"Redacted are MAC and IP addresses, serial numbers, UUIDs and labels, names of\n"
		"the host and of folders, and command lines, each by a pseudonym that is the\n"
		"same throughout one archive. In it are only processes that use a device, lines\n"
		"of the kernel's log about functions, and of other managers' configuration what\n"
		"decides about functions: never a password.\n"
		"Attributes that can wait for a device's user or have effects are never read.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<file>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
