// SPDX-License-Identifier: GPL-2.0-or-later
#include "vm.h"

#include "base/str.h"

int vm_open_named(struct cli *cli, const char *name, struct vm_talk *ret, struct problem **reterr)
{
	int r = 0;

	if (cli->root)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY, NULL,
			"no guests run on a captured machine");
	r = vm_connect(cli->run_dir, name, reterr);
	if (r < 0)
		return r;
	*ret = (struct vm_talk) { .cli = cli, .name = name, .socket = r };
	return 0;
}

int vm_open(struct cli *cli, const struct args *a, struct vm_talk *ret, struct problem **reterr)
{
	return vm_open_named(cli, a->words[0], ret, reterr);
}

void vm_close(struct vm_talk *t)
{
	if (t->cli)
		close(t->socket);
	t->cli = NULL;
}

json_object *vm_question(const char *cmd)
{
	json_object *j = json_object_new_object();

	json_object_object_add(j, "cmd", json_object_new_string(cmd));
	return j;
}

void vm_show_waiting(void *arg, unsigned waited_ms)
{
	const struct vm_talk *t = arg;
	autofree char *text = str_printf("waiting for %s", t->what ? t->what : t->name);

	if (text)
		cli_waiting(t->cli, text, waited_ms);
}

int vm_talk(struct vm_talk *t, json_object *question, const int *fds, size_t n_fds,
	unsigned timeout_ms, json_object **ret, int *ret_fd, struct problem **reterr)
{
	const struct vm_ask ask = {
		.question = question,
		.fds = fds,
		.n_fds = n_fds,
		.timeout_ms = timeout_ms,
		.waiting = vm_show_waiting,
		.arg = t,
	};
	json_object *answer = NULL;
	int r = question ? vm_ask(t->socket, &ask, &answer, ret_fd, reterr)
			 : problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");

	cli_waited(t->cli);
	json_object_put(question);
	if (r < 0)
		return problem_wrap(reterr, r, "guest %s", t->name);
	if (ret)
		*ret = answer;
	else
		json_object_put(answer);
	return 0;
}
