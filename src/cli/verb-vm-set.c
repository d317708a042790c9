// SPDX-License-Identifier: GPL-2.0-or-later
/* vm set: how a device of a running guest works from now on. */
#include "verbs.h"
#include "vm.h"
#include "base/str.h"

#include <string.h>

enum { ANSWER_MS = 10000, SETTINGS_MAX = 12 };

static const struct example examples[] = {
	{ "vm set web1 virtio-blk0 poll=adaptive", "it looks for requests" },
	{ "vm set web1 virtio-net0 threads=queue", "a thread for each queue" },
	{ "vm set web1 virtio-blk0 threads=dedicated pin=3", "it never sleeps" },
	{ "vm set web1 virtio-net0/1 poll=notify", "queue 1 alone" },
	{ "vm set web1 virtio-blk0 size=auto", "as large as its file is now" },
	{ "vm set web1 virtio-net0 link=down", "as if its cable were pulled" },
	{ "vm set web1 balloon0 memory=1G", "the host gets the rest" },
};

static int usage(const char *word, const char *what, struct problem **reterr)
{
	return problem(reterr, -EINVAL, PROBLEM_USAGE,
		"vfctl vm set GUEST DEVICE[/QUEUE] KEY=VALUE…", "%s: %s", word, what);
}

/* "virtio-blk0" or "virtio-blk0/1". */
static int add_device(json_object *question, const char *word, struct problem **reterr)
{
	const char *slash = strchr(word, '/');
	uint32_t queue = 0;

	if (slash == word || (slash && (parse_u32(slash + 1, &queue) < 0 || queue > UINT16_MAX)))
		return usage(
			word, "a device is needed, and the number of a queue may follow", reterr);
	json_object_object_add(question, "device",
		json_object_new_string_len(word, (int)(slash ? slash - word : (long)strlen(word))));
	if (slash)
		json_object_object_add(question, "queue", json_object_new_int64(queue));
	return 0;
}

static int add_setting(json_object *question, const char *word, struct problem **reterr)
{
	const char *equals = strchr(word, '=');
	autofree char *key =
		equals && equals > word ? strndup(word, (size_t)(equals - word)) : NULL;

	if (!key)
		return usage(word, "a setting has the form KEY=VALUE", reterr);
	if (json_object_object_get_ex(question, key, NULL))
		return usage(word, "this cannot be set, or is set twice", reterr);
	json_object_object_add(question, key, json_object_new_string(equals + 1));
	return 0;
}

static int read_words(const struct args *a, json_object *question, struct problem **reterr)
{
	/* What is the guest's own has no device. */
	size_t first = strchr(a->words[1], '=') ? 1 : 2;
	int r = first == 2 ? add_device(question, a->words[1], reterr) : 0;

	if (r == 0 && a->n_words <= first)
		r = usage(a->words[1], "what is to be set?", reterr);
	for (size_t i = first; i < a->n_words && r == 0; i++)
		r = add_setting(question, a->words[i], reterr);
	return r;
}

static int run(struct cli *cli, const struct args *a, struct problem **reterr)
{
	json_object *question = vm_question("set");
	autovmtalk t = { 0 };
	int r = read_words(a, question, reterr);

	if (r == 0)
		r = vm_open(cli, a, &t, reterr);
	if (r < 0 || cli->dry_run) {
		json_object_put(question);
		if (r == 0)
			fprintf(cli->out.to, "guest %s would be told\n", t.name);
		return r;
	}
	r = vm_talk(&t, question, NULL, 0, ANSWER_MS, NULL, NULL, reterr);
	return r < 0 ? problem_wrap(reterr, r, "set %s", a->words[1]) : 0;
}

const struct verb verb_vm_set = {
	.name = "vm set",
	.section = VERB_HAND_OVER,
	.args = "GUEST DEVICE[/QUEUE] KEY=VALUE…",
	.summary = "change how a device of a running guest works",
	.description =
		"Takes effect at once, loses no request, and lasts until the guest reboots. The\n"
		"devices are those of vm stats. Of virtio devices can be set: threads, who does\n"
		"the device's work (io, queue, main, cpu, dedicated); poll, how long he looks for\n"
		"requests before he sleeps (notify, adaptive, dedicated); pin, the host's CPU\n"
		"that he does so on, or none. Of a disk: size, when its file has become larger\n"
		"(auto, or how much of it); of an interface: link (up, down) and mtu; of\n"
		"balloon0: memory, what the guest is to do with. What each is for vfctl-vm(8)\n"
		"says: THREADS AND POLLING, DISKS, NETWORK, MEMORY.\n",
	.examples = examples,
	.n_examples = ARRAY_SIZE(examples),
	.completes = "<guest>",
	.min_args = 2,
	.max_args = 2 + SETTINGS_MAX,
	.run = run,
};
