// SPDX-License-Identifier: GPL-2.0-or-later
/* vm stop: the power button, or the plug. */
#include "verbs.h"
#include "vm.h"
#include "base/str.h"

enum { ANSWER_MS = 10000, END_MS = 60000 };

static const struct option options[] = {
	{ 0, "force", TAKES_NOTHING, NULL, "end it without asking the guest", NULL },
	{ 0, "timeout", TAKES_VALUE, "SECONDS", "how long the guest may take; 60 is usual", "" },
};

static const struct example examples[] = {
	{ "vm stop web1", "as by its power button, and wait" },
	{ "vm stop web1 --timeout 300", "it takes its time" },
	{ "vm stop web1 --force", "now" },
};

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	json_object *question = vm_question("stop");
	unsigned timeout_ms = 0;
	autovmtalk t = { 0 };
	int r = args_timeout_ms(a, &timeout_ms, reterr);

	if (r == 0)
		r = vm_open(cli, a, &t, reterr);
	if (r < 0 || cli->dry_run) {
		json_object_put(question);
		if (r == 0)
			fprintf(cli->out.to, "guest %s would be stopped\n", t.name);
		return r;
	}
	json_object_object_add(question, "force", json_object_new_boolean(args_has(a, "force")));
	r = vm_talk(&t, question, NULL, 0, ANSWER_MS, NULL, NULL, reterr);
	if (r == 0)
		r = vm_wait_end(
			t.socket, timeout_ms ? timeout_ms : END_MS, vm_show_waiting, &t, reterr);
	cli_waited(cli);
	return r < 0 ? problem_wrap(reterr, r, "stop %s", a->words[0]) : 0;
}

const struct verb verb_vm_stop = {
	.name = "vm stop",
	.section = VERB_HAND_OVER,
	.args = "GUEST",
	.summary = "end a running guest",
	.description =
		"Presses the guest's power button and waits until it has powered off. A guest\n"
		"that does not listen (no ACPI, no driver for buttons, not booted yet) goes on;\n"
		"--force ends it where it is, as pulling the plug does. Then its functions are\n"
		"reset and its VMM ends, as when vm run is interrupted.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<guest>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
