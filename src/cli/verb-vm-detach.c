// SPDX-License-Identifier: GPL-2.0-or-later
/* vm detach: a function back from a guest that runs. */
#include "verbs.h"
#include "vm.h"
#include "base/str.h"
#include "ipc/client.h"
#include "lease/lease.h"
#include "select/select.h"

enum { WAIT_MS = 30000, GRACE_MS = 5000 };

static const struct option options[] = {
	{ 0, "vf", TAKES_VALUE, "SELECTOR", "the function", "<function>" },
	{ 0, "force", TAKES_NOTHING, NULL, "take it away, whatever the guest does with it", NULL },
	{ 0, "timeout", TAKES_VALUE, "SECONDS", "how long the guest may take; 30 is usual", "" },
};

static const struct example examples[] = {
	{ "vm detach web1 --vf ens1f0/vf3", "when the guest's driver has let go" },
	{ "vm detach web1 --vf 3b:02.1 --force", "at once" },
	{ "vm detach web1 --vf 3b:02.1 --force --timeout 10", "at once, but in ten seconds" },
};

/* By its address also one that the host does not have any more. */
static int find_address(struct cli *cli, const char *word, char **ret, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct function *f;
	struct host *h;
	struct bdf a;
	int r;

	if (bdf_parse(word, &a) == 0) {
		*ret = strdup(BDF_TEXT(a));
		return *ret ? 0 : -ENOMEM;
	}
	r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = cli_inventory(cli, 0, &inv, reterr);
	if (r == 0)
		r = select_one(h, inv, word, &f, reterr);
	if (r < 0)
		return r;
	*ret = strdup(f->address);
	return *ret ? 0 : -ENOMEM;
}

/* What was claimed for the guest by vm attach is not its any more. Root's was not claimed. */
static void give_back(struct cli *cli, const char *address)
{
	autoorder o = { .kind = ORDER_RELEASE };
	CLEANUP(daemon_freep) struct daemon *d = NULL;
	autoleases all = { 0 };
	autoproblem *p = NULL;
	autofree char *text = NULL;
	struct host *h;
	struct bdf a;

	if (!cli->asks_daemon || geteuid() == 0 || bdf_parse(address, &a) < 0 ||
		cli_host(cli, &h, NULL) < 0 || leases_read(h, &all) < 0 || !leases_find(&all, a) ||
		daemon_find(&d) < 0 || !d || strv_add(&o.functions, address) < 0)
		return;
	if (daemon_claim(d, &o, NULL, 0, NULL, &p) >= 0)
		return;
	text = p ? problem_text(p) : NULL;
	fprintf(cli->out.notes, "vfctl: %s is not returned: %s\n", address,
		text ? text : "out of memory");
}

static int detach(struct vm_talk *t, const char *address, bool force, unsigned wait_ms,
	struct problem **reterr)
{
	autofree char *what = str_printf("guest %s to let go of %s", t->name, address);
	json_object *q = vm_question("detach");

	t->what = what;
	json_object_object_add(q, "name", json_object_new_string(address));
	json_object_object_add(q, "force", json_object_new_boolean(force));
	json_object_object_add(q, "wait_ms", json_object_new_int64(wait_ms));
	return vm_talk(t, q, NULL, 0, wait_ms + GRACE_MS, NULL, NULL, reterr);
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	autofree char *address = NULL;
	unsigned timeout_ms = 0;
	autovmtalk t = { 0 };
	bool force = args_has(a, "force");
	int r = args_timeout_ms(a, &timeout_ms, reterr);

	if (r == 0 && args_count(a, "vf") != 1)
		r = problem(reterr, -EINVAL, PROBLEM_USAGE, "vfctl vm detach GUEST --vf SELECTOR",
			"vm detach: one function at a time is detached");
	if (r == 0)
		r = vm_open(cli, a, &t, reterr);
	if (r == 0)
		r = find_address(cli, args_value(a, "vf"), &address, reterr);
	if (r < 0)
		return r;
	if (cli->dry_run) {
		fprintf(cli->out.to, "guest %s would lose %s\n", t.name, address);
		return 0;
	}
	r = detach(&t, address, force, timeout_ms ? timeout_ms : force ? 0 : WAIT_MS, reterr);
	if (r == 0)
		give_back(cli, address);
	return r;
}

const struct verb verb_vm_detach = {
	.name = "vm detach",
	.section = VERB_HAND_OVER,
	.args = "GUEST --vf SELECTOR",
	.summary = "take a function back from a running guest",
	.description =
		"Asks the guest to stop its driver and to let go of the function, and waits;\n"
		"then the function is reset and closed. A guest that does not answer keeps it;\n"
		"with --force it is taken away all the same, after --timeout if that is given,\n"
		"and the guest is told that it is gone.\n",
	.options = options,
	.n_options = ARRAY_SIZE(options),
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<guest>",
	.min_args = 1,
	.max_args = 1,
	.run = run,
};
