// SPDX-License-Identifier: GPL-2.0-or-later
#include "process.h"

#include "base/str.h"
#include "host/procfs.h"

/* How VMMs are told the name; the kernel cuts a command's name at 15 bytes. */
static const struct vmm {
	const char *command; /* how it begins; "" any other */
	const char *options[3];
} vmms[] = {
	{ "qemu", { "-name", "--name" } },
	{ "kvm", { "-name", "--name" } },
	{ "lkvm", { "--name", "-n" } },
	{ "vm", { "--name", "-n" } },
	{ "firecracker", { "--id" } },
	{ "", { "--name", "-name" } },
};

static const struct vmm *vmm_of(const char *command)
{
	size_t i = 0;

	while (!str_starts(command, vmms[i].command))
		i++;
	return &vmms[i];
}

/* "debug-threads=on,guest=web,,1": the value of guest, or the first word; ",," is one comma. */
static char *name_in(const char *value)
{
	const char *guest = strstr(value, "guest=");
	autostrbuf b = { 0 };

	if (guest && (guest == value || guest[-1] == ','))
		value = guest + strlen("guest=");
	for (; *value && !(value[0] == ',' && value[1] != ','); value++) {
		value += *value == ',';
		strbuf_add_bytes(&b, value, 1);
	}
	return b.len ? strbuf_take(&b) : NULL;
}

/* The value when `word` is that option; *ret_next: it is the next word. */
static const char *value_of(const char *word, const char *option, bool *ret_next)
{
	size_t len = strlen(option);

	*ret_next = str_eq(word, option);
	return strncmp(word, option, len) == 0 && word[len] == '=' ? word + len + 1 : NULL;
}

char *process_guest_name(const char *command, const char *words, size_t len)
{
	const struct vmm *vmm = vmm_of(command);
	size_t next;

	for (size_t at = 0; at < len; at = next) {
		next = at + strnlen(words + at, len - at) + 1;
		for (size_t i = 0; i < ARRAY_SIZE(vmm->options) && vmm->options[i]; i++) {
			bool is_next;
			const char *value = value_of(words + at, vmm->options[i], &is_next);

			if (is_next && next < len)
				value = words + next;
			if (value)
				return name_in(value);
		}
	}
	return NULL;
}

static int printable(char **text)
{
	char *safe;

	if (!*text)
		return 0;
	safe = str_printable(*text);
	free(*text);
	*text = safe;
	return safe ? 0 : -ENOMEM;
}

int process_read(struct host *h, int pid, struct process *ret)
{
	struct process p CLEANUP(process_done) = { .pid = pid };
	autofree char *comm = NULL;
	char words[4097] = "";
	ssize_t n = procfs_read_bytes(h, words, sizeof(words) - 1, "%d/cmdline", pid);
	int r = procfs_read(h, &comm, "%d/comm", pid);

	if (r == -ENOMEM || n == -ENOMEM)
		return -ENOMEM;
	p.command = strdup(r < 0 ? "?" : str_trim(comm));
	if (!p.command)
		return -ENOMEM;
	if (n > 0)
		p.vm_name = process_guest_name(p.command, words, (size_t)n);
	r = printable(&p.command);
	if (r == 0)
		r = printable(&p.vm_name);
	if (r < 0)
		return r;
	*ret = TAKE_STRUCT(p);
	return 0;
}

void process_done(struct process *p)
{
	free(p->command);
	free(p->vm_name);
}
