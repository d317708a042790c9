// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who has a function's nodes open. The kernel tells nobody, but /proc does, and it is walked once
 * for all functions. A process that was handed nothing but a VFIO device descriptor shows
 * "anon_inode:[vfio-device]" without saying which; it is taken for a holder of every function on a
 * VFIO driver that was asked about, which errs on the side of not hanging.
 */
#include "process.h"
#include "sources.h"

#include "base/str.h"
#include "host/devnode.h"
#include "host/procfs.h"

#include <stdio.h>

struct walk {
	struct search *s;
	int self;	   /* our own number: disks that we look at are not in use by that */
	unsigned closed;   /* processes that may not be looked into */
	struct process p;  /* the one at hand; read when it holds something */
	size_t first;	   /* its first holder in found */
	bool group_or_own; /* it has a node of VFIO's open, of whatever function */
	bool some_device;  /* it has a device without a name open */
};

static int by_name(const void *x, const void *y)
{
	const struct node *a = x, *b = y;
	int c = strcmp(a->name, b->name);

	return c ? c : (a->function > b->function) - (a->function < b->function);
}

static const struct node *first_node(const struct search *s, const char *name)
{
	size_t lo = 0, hi = s->n_nodes;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (strcmp(s->nodes[mid].name, name) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->n_nodes && str_eq(s->nodes[lo].name, name) ? &s->nodes[lo] : NULL;
}

/* "pid 4711 (qemu-system-x86 web1)", and of a disk what it has open. */
static char *describe(const struct process *p, const struct node *node)
{
	autofree char *who = str_printf("pid %d (%s%s%s)", p->pid, p->command,
		p->vm_name ? " " : "", p->vm_name ? p->vm_name : "");

	if (!who || !node || node->kind == HOLDER_VFIO)
		return TAKE_PTR(who);
	return str_printf("%s has %s open", who, node->chain ? node->chain : node->name);
}

static bool is_known(const struct walk *w, enum holder_kind kind, size_t function)
{
	const struct holders *f = &w->s->found;

	for (size_t i = w->first; i < f->n; i++)
		if (f->v[i].kind == kind && bdf_eq(f->v[i].bdf, w->s->a[function]))
			return true;
	return false;
}

static int add(struct walk *w, enum holder_kind kind, size_t function, const struct node *node)
{
	struct holder *holder;
	int r = 0;

	if (is_known(w, kind, function))
		return 0;
	if (!w->p.command)
		r = process_read(w->s->h, w->p.pid, &w->p);
	if (r == 0)
		r = search_add(w->s, kind, kind == HOLDER_VFIO ? HOLD_BLOCKS : HOLD_USED, function,
			describe(&w->p, node));
	if (r < 0)
		return r;
	holder = search_last(w->s);
	holder->pid = w->p.pid;
	holder->command = strdup(w->p.command);
	holder->vm_name = w->p.vm_name ? strdup(w->p.vm_name) : NULL;
	return holder->command && (holder->vm_name || !w->p.vm_name) ? 0 : -ENOMEM;
}

static int judge_node(struct walk *w, const char *name)
{
	const struct node *end = w->s->nodes + w->s->n_nodes, *node;
	int r = 0;

	/* The container, vfio/vfio, holds nothing. */
	if (str_starts(name, "vfio/") && !str_eq(name, "vfio/vfio"))
		w->group_or_own = true;
	for (node = first_node(w->s, name);
		r == 0 && node && node < end && str_eq(node->name, name); node++)
		if (node->kind == HOLDER_VFIO || w->p.pid != w->self)
			r = add(w, node->kind, node->function, node);
	return r;
}

static int judge_device_without_name(struct walk *w)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->s->n; i++)
		if (search_is_on_vfio(w->s, i))
			r = add(w, HOLDER_VFIO, i, NULL);
	return r;
}

/* Processes that end meanwhile have nothing open any more. */
static int look_into(struct walk *w, const char *pid)
{
	autostrv char **fds = NULL;
	int r = procfs_list(w->s->h, &fds, "%s/fd", pid);

	if (r == -EACCES || r == -EPERM)
		w->closed++;
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	r = 0;
	for (char **fd = fds; r == 0 && *fd; fd++) {
		autofree char *target = NULL;
		const char *node;

		r = procfs_read_link(w->s->h, &target, "%s/fd/%s", pid, *fd);
		if (r < 0) {
			r = r == -ENOMEM ? r : 0;
			continue;
		}
		node = devnode_name_of_fd(target);
		if (str_eq(target, "anon_inode:[vfio-device]"))
			w->some_device = true;
		if (node)
			r = judge_node(w, node);
	}
	return r;
}

static int look_at(struct walk *w, const char *name)
{
	uint32_t pid;
	int r;

	if (parse_u32(name, &pid) < 0 || pid > INT32_MAX)
		return 0;
	w->p = (struct process) { .pid = (int)pid };
	w->first = w->s->found.n;
	w->group_or_own = w->some_device = false;
	r = look_into(w, name);
	if (r == 0 && w->some_device && !w->group_or_own)
		r = judge_device_without_name(w);
	process_done(&w->p);
	return r;
}

static int read_self(struct host *h)
{
	autofree char *target = NULL;
	uint32_t pid;

	if (h->captured || procfs_read_link(h, &target, "self") < 0)
		return 0;
	return parse_u32(target, &pid) == 0 && pid <= INT32_MAX ? (int)pid : 0;
}

static int say_closed(struct walk *w)
{
	autofree char *what = NULL;

	if (!w->closed)
		return 0;
	what = str_printf("the open files of %u process%s", w->closed, w->closed == 1 ? "" : "es");
	return what ? search_unknown(w->s, what, -EACCES) : -ENOMEM;
}

/* Whether somebody is likely to be found, so that one must know who could not be looked at. */
static bool asks(const struct search *s)
{
	return s->n_nodes > s->n_unlikely || s->some_device;
}

/* A capture is of what devices there were; who ran then is seldom in it. */
static int say_none(struct search *s, int code)
{
	return s->h->captured && code == -ENOENT
		       ? strv_add(&s->found.unknown, "this capture holds no processes")
		       : search_unknown(s, "processes", code);
}

int find_processes(struct search *s)
{
	struct walk w = { .s = s, .self = read_self(s->h) };
	autostrv char **pids = NULL;
	int r;

	if (!s->n_nodes && !s->some_device)
		return 0;
	qsort(s->nodes, s->n_nodes, sizeof(*s->nodes), by_name);
	r = procfs_list(s->h, &pids, ".");
	if (r < 0 && r != -ENOMEM)
		return asks(s) ? say_none(s, r) : 0;
	for (char **pid = pids; r == 0 && *pid; pid++)
		r = look_at(&w, *pid);
	return r == 0 && asks(s) ? say_closed(&w) : r;
}
