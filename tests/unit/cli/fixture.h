/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfctl in this process, on a kernel that behaves as the measured one. */
#pragma once

#include "cm.h"
#include "base/str.h"
#include "cli/cli.h"
#include "fake/fake.h"

#include <stdio.h>

struct fixture {
	struct cli cli;
	char *out, *notes;
	size_t n_out, n_notes;
	char state_dir[32], run_dir[64], history_dir[64], identity_dir[64];
};

static inline UNUSED void start(struct fixture *f, const char *capture)
{
	*f = (struct fixture) { .state_dir = "/tmp/vfctl-test-XXXXXX" };
	assert_non_null(mkdtemp(f->state_dir));
	f->cli.driver_state_dir = f->state_dir;
	snprintf(f->run_dir, sizeof(f->run_dir), "%s/run", f->state_dir);
	snprintf(f->history_dir, sizeof(f->history_dir), "%s/history", f->state_dir);
	f->cli.run_dir = f->run_dir;
	f->cli.history_dir = f->history_dir;
	snprintf(f->identity_dir, sizeof(f->identity_dir), "%s/identities", f->state_dir);
	f->cli.identity_dir = f->identity_dir;
	f->cli.host = fake_kernel_new(capture);
}

static inline UNUSED void end(struct fixture *f)
{
	autofree char *rm = str_printf("rm -rf %s", f->state_dir);

	assert_int_equal(fake_hangs(f->cli.host), 0);
	cli_done(&f->cli);
	free(f->out);
	free(f->notes);
	assert_int_equal(system(rm), 0);
}

static inline UNUSED int run_parsed(
	struct fixture *f, const struct args *a, struct problem **reterr)
{
	int r;

	r = cli_init(&f->cli, a, reterr);
	if (r == 0)
		r = args_check_words(a, reterr);
	return r < 0 ? r : a->verb->run(&f->cli, a, reterr);
}

/* Runs "create eth0 2"; what it printed is in f->out and f->notes. Returns the exit code. */
static inline UNUSED int vfctl(struct fixture *f, const char *line)
{
	char *argv[24] = { (char[]) { "vfctl" } };
	autofree char *copy = strdup(line);
	struct problem *p = NULL;
	autoargs a = { 0 };
	int r, argc = 1;

	for (char *word, *rest = copy; (word = strsep(&rest, " "));)
		argv[argc++] = word;
	free(f->out);
	free(f->notes);
	f->cli.out.to = open_memstream(&f->out, &f->n_out);
	f->cli.out.notes = open_memstream(&f->notes, &f->n_notes);
	f->cli.out.format = OUT_TABLE;
	r = args_parse(argc, argv, &a, &p);
	if (r == 0)
		r = run_parsed(f, &a, &p);
	if (r < 0) {
		fprintf(f->cli.out.notes, "vfctl: %s\n", p ? p->what : "");
		r = p ? problem_kind_exit_code(p->kind) : 1;
	}
	problem_free(p);
	fclose(f->cli.out.to);
	fclose(f->cli.out.notes);
	return r;
}

static inline UNUSED void driver_is(struct fixture *f, const char *address, const char *want)
{
	autofree char *have = fake_driver(f->cli.host, address);

	if (!str_eq(have, want))
		fail_msg(
			"%s is on %s, not %s", address, have ? have : "none", want ? want : "none");
}
