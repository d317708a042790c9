// SPDX-License-Identifier: GPL-2.0-or-later
/* What tests call: looking into the machine, and things that happen to it. */
#include "kernel.h"

static void drop(char **v, const char *s)
{
	size_t n = strv_len(v);

	for (size_t i = 0; i < n; i++) {
		if (!str_eq(v[i], s))
			continue;
		free(v[i]);
		v[i] = v[n - 1];
		v[n - 1] = NULL;
		return;
	}
}

void fake_process(struct host *h, int pid, const char *cmdline, const char *const *fds)
{
	struct kernel *k = kernel_of(h);
	autofree char *comm = need_printf("%.15s\n", cmdline), *args = need_printf("%s", cmdline);
	autofree char *path = need_printf("/proc/%d/cmdline", pid);
	size_t len = strlen(cmdline) + 1;

	comm[strcspn(comm, " \n")] = '\n';
	comm[strcspn(comm, "\n") + 1] = '\0';
	for (char *p = args; *p; p++)
		if (*p == ' ')
			*p = '\0';
	k_put_bytes(k, 0444, args, len, path);
	k_put(k, 0444, comm, "/proc/%d/comm", pid);
	for (unsigned i = 0; fds[i]; i++) {
		autofree char *link = need_printf("/proc/%d/fd/%u", pid, i);

		NEED(tree_put_link(k->tree, link, fds[i]) == 0);
	}
}

void fake_process_ends(struct host *h, int pid)
{
	k_remove(kernel_of(h), "/proc/%d", pid);
}

const char *fake_log(struct host *h)
{
	return kernel_of(h)->log.s ? kernel_of(h)->log.s : "";
}

void fake_log_clear(struct host *h)
{
	strbuf_done(&kernel_of(h)->log);
	kernel_of(h)->log = (struct strbuf) { 0 };
}

unsigned fake_hangs(struct host *h)
{
	return kernel_of(h)->hangs;
}

char *fake_text(struct host *h, const char *fmt, ...)
{
	FORMAT(path, fmt);

	return k_read_text(kernel_of(h), path);
}

char *fake_driver(struct host *h, const char *bdf)
{
	return k_link_name(kernel_of(h), "/sys/bus/pci/devices/%s/driver", bdf);
}

unsigned fake_num_vfs(struct host *h, const char *pf_bdf)
{
	struct pf *pf = pf_find(kernel_of(h), pf_bdf);

	return pf ? pf->num_vfs : 0;
}

unsigned fake_calls(struct host *h, enum fake_op op)
{
	return kernel_of(h)->faults[op].calls;
}

void fake_fail_nth(struct host *h, enum fake_op op, unsigned n, int code)
{
	kernel_of(h)->faults[op].nth = n;
	kernel_of(h)->faults[op].nth_code = code;
}

void fake_fail_path(struct host *h, enum fake_op op, const char *part, int code)
{
	struct fault *f = &kernel_of(h)->faults[op];

	free(f->part);
	f->part = part ? need_printf("%s", part) : NULL;
	f->part_code = code;
}

void fake_fail_ioctl(struct host *h, unsigned long request, int code)
{
	kernel_of(h)->fail_ioctl = request;
	kernel_of(h)->fail_ioctl_code = code;
}

void fake_override_unlocked(struct host *h)
{
	kernel_of(h)->override_unlocked = true;
}

void fake_hold(struct host *h, const char *bdf)
{
	NEED(strv_add(&kernel_of(h)->held, bdf) == 0);
}

void fake_release(struct host *h, const char *bdf)
{
	drop(kernel_of(h)->held, bdf);
	sriov_continue(kernel_of(h));
	driver_continue(kernel_of(h));
}

void fake_after(struct host *h, unsigned ms, void (*fn)(struct host *h, void *arg), void *arg)
{
	k_after(kernel_of(h), ms, fn, arg, NULL);
}

void fake_unplug(struct host *h, const char *bdf)
{
	device_remove(kernel_of(h), bdf);
}

/* The tree does not follow links when it puts something, so name the true folder. */
static char *true_path(struct kernel *k, const char *path)
{
	autofree char *there = need_printf("%s", path);
	char *slash;

	while ((slash = strrchr(there, '/')) && slash != there) {
		autofree char *real = NULL;

		*slash = '\0';
		if (tree_resolve(k->tree, there, true, &real) == 0)
			return need_printf("%s%s", real, path + (slash - there));
	}
	return need_printf("%s", path);
}

void fake_vanish(struct host *h, const char *fmt, ...)
{
	FORMAT(path, fmt);

	tree_remove(kernel_of(h)->tree, path);
}

void fake_put(struct host *h, const char *text, const char *fmt, ...)
{
	FORMAT(path, fmt);
	autofree char *real = true_path(kernel_of(h), path);

	k_put_bytes(kernel_of(h), 0644, text, strlen(text), real);
}

void fake_no_acs(struct host *h)
{
	kernel_of(h)->no_acs = true;
}

void fake_probe_fails(struct host *h, const char *driver, int code)
{
	struct probe_fault *p = calloc(1, sizeof(*p));

	NEED(p);
	p->driver = need_printf("%s", driver);
	p->code = code;
	p->next = kernel_of(h)->probe_faults; /* the newest wins */
	kernel_of(h)->probe_faults = p;
}

void fake_set_delays(struct host *h, unsigned vf_ms, unsigned driver_ms, unsigned node_ms)
{
	kernel_of(h)->vf_ms = vf_ms;
	kernel_of(h)->driver_ms = driver_ms;
	kernel_of(h)->node_ms = node_ms;
}

void fake_link(struct host *h, const char *target, const char *fmt, ...)
{
	FORMAT(path, fmt);
	autofree char *real = true_path(kernel_of(h), path);

	NEED(tree_put_link(kernel_of(h)->tree, real, target) == 0);
}
