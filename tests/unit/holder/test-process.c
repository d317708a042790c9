// SPDX-License-Identifier: GPL-2.0-or-later
/* How guests are called in the command lines of their VMMs. */
#include "cm.h"
#include "base/str.h"
#include "holder/process.h"

static void names(void **state UNUSED)
{
	static const struct {
		const char *command, *line, *name; /* a '|' ends a word */
	} cases[] = {
		{ "qemu-system-x86", "qemu|-name|guest=web1,debug-threads=on|", "web1" },
		{ "qemu-system-x86", "qemu|-name|debug-threads=on,guest=a,,b|", "a,b" },
		{ "qemu-system-x86", "qemu|-name|web2,process=x|-m|1G|", "web2" },
		{ "kvm", "kvm|-m|1G|", NULL },
		{ "lkvm", "lkvm|run|-n|tool|", "tool" },
		{ "lkvm", "lkvm|run|--name=tool|", "tool" },
		{ "firecracker", "firecracker|--id|f1|--name|no|", "f1" },
		{ "vfctl-vmm", "vfctl-vmm|--name|db|", "db" },
		{ "crosvm", "crosvm|run|--name|c1|", "c1" },
		{ "bash", "bash|-n|script|", NULL },
		{ "x", "x|--name|", NULL },
		{ "x", "x|--name", NULL },
		{ "x", "x|--name||", NULL },
		{ "x", "", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char words[128] = "";
		autofree char *name = NULL;
		size_t len = strlen(cases[i].line);

		memcpy(words, cases[i].line, len);
		for (size_t j = 0; j < len; j++)
			words[j] = words[j] == '|' ? '\0' : words[j];
		name = process_guest_name(cases[i].command, words, len);
		if (cases[i].name)
			assert_string_equal(name, cases[i].name);
		else
			assert_null(name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
