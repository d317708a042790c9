// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes that have a device of a function open, with those descriptors and no others. */
#include "parts.h"

#include "base/str.h"
#include "holder/process.h"
#include "host/devnode.h"
#include "host/procfs.h"

#include <fnmatch.h>

static bool is_of_a_device(const char *target)
{
	static const char *const nodes[] = { "vfio/*", "iommu", "kvm", "nvme*", "ng*", "sd*", "vd*",
		"dm-*", "md*", "infiniband/*", "dri/*", "accel/*", "uio*" };
	const char *node = devnode_name_of_fd(target);

	for (size_t i = 0; node && i < ARRAY_SIZE(nodes); i++)
		if (fnmatch(nodes[i], node, 0) == 0)
			return true;
	return str_eq(target, "anon_inode:[vfio-device]");
}

/* Of the command line its first word and the guest's name, in the words that tell it. */
static int copy_words(struct capture *c, const char *pid)
{
	autofree char *path = str_printf("/proc/%s/cmdline", pid), *comm = NULL, *name = NULL;
	char words[4096];
	const char *option = " --name ";
	autostrbuf b = { 0 };
	ssize_t n = procfs_read_bytes(c->h, words, sizeof(words) - 1, "%s/cmdline", pid);

	if (n < 0 || !path)
		return path ? 0 : -ENOMEM;
	if (!c->redactor.key)
		return capture_put_bytes(c, path, words, (size_t)n);
	words[n] = '\0';
	if (procfs_read(c->h, &comm, "%s/comm", pid) == 0)
		name = process_guest_name(str_trim(comm), words, (size_t)n);
	if (comm && str_starts(comm, "firecracker"))
		option = " --id ";
	else if (comm && (str_starts(comm, "qemu") || str_starts(comm, "kvm")))
		option = " -name guest=";
	strbuf_add(&b, "%s", words);
	strbuf_add(&b, "%s%s ", name ? option : " ", name ? name : "");
	for (size_t i = 0; i < b.len; i++)
		b.s[i] = b.s[i] == ' ' ? '\0' : b.s[i];
	return b.failed ? -ENOMEM : capture_put_bytes(c, path, b.s, b.len);
}

static int copy_process(struct capture *c, const char *pid)
{
	autofree char *comm = str_printf("/proc/%s/comm", pid);
	int r = comm ? capture_copy(c, comm) : -ENOMEM;

	return r == 0 ? copy_words(c, pid) : r;
}

static int look_at(struct capture *c, const char *pid)
{
	autostrv char **fds = NULL;
	bool found = false;
	int r = 0;

	if (procfs_list(c->h, &fds, "%s/fd", pid) < 0)
		return 0;
	for (char **fd = fds; r == 0 && *fd; fd++) {
		autofree char *target = NULL, *path = NULL;

		if (procfs_read_link(c->h, &target, "%s/fd/%s", pid, *fd) < 0 ||
			!is_of_a_device(target))
			continue;
		found = true;
		path = str_printf("/proc/%s/fd/%s", pid, *fd);
		r = path ? capture_put_link(c, path, target) : -ENOMEM;
	}
	return r == 0 && found ? copy_process(c, pid) : r;
}

int capture_processes(struct capture *c)
{
	autofree char *self = NULL;
	autostrv char **pids = NULL;
	int r = procfs_list(c->h, &pids, ".");

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!c->h->captured && procfs_read_link(c->h, &self, "self") == -ENOMEM)
		return -ENOMEM;
	r = capture_put_dir(c, "/proc");
	for (char **pid = pids; r == 0 && *pid; pid++) {
		uint32_t number;

		if (parse_u32(*pid, &number) == 0 && !str_eq(*pid, self))
			r = look_at(c, *pid);
	}
	return r;
}
