// SPDX-License-Identifier: GPL-2.0-or-later
#include "owner.h"
#include "guest.h"

#include "base/str.h"
#include "host/sysfs.h"

enum {
	ID_MAX = 255,
	CONTAINER_ID_MIN = 12, /* what Docker and Podman print; shorter ones must be whole names */
	GROUP_DEPTH = 10,
};

const char *owner_alive_name(enum owner_alive a)
{
	static const char *const names[] = { "gone", "alive", "unknown" };

	return names[a];
}

bool owner_eq(const struct owner *a, const struct owner *b)
{
	if (a->kind != b->kind || !str_eq(a->id, b->id))
		return false;
	/* A name stands for a domain through its restarts; numbers and ids do not. */
	return a->kind == OWNER_DOMAIN || a->kind == OWNER_MANUAL || a->start == b->start;
}

/* ---- Processes ---- */

static int parse_process(struct host *h, const char *id, struct owner *o, struct problem **reterr)
{
	uint32_t pid;
	int r;

	if (parse_u32(id, &pid) < 0 || !pid || pid > INT32_MAX)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "process:PID, a number",
			"process:%s: this is no process id", id);
	r = process_start(h, (int)pid, &o->start);
	if (r < 0)
		return problem(reterr, r == -ESRCH ? r : -EIO, PROBLEM_NOT_FOUND, NULL,
			"there is no process %u", pid);
	o->pid = (int)pid;
	return 0;
}

static enum owner_alive process_alive(struct host *h, const struct owner *o, char **ret_why)
{
	uint64_t now;

	if (process_start(h, o->pid, &now) < 0) {
		*ret_why = str_printf("process %d has ended", o->pid);
		return OWNER_GONE;
	}
	*ret_why = str_printf(now == o->start ? "process %d runs"
					      : "process %d has ended, and another has its number",
		o->pid);
	return now == o->start ? OWNER_ALIVE : OWNER_GONE;
}

/* ---- Domains ---- */

static int parse_domain(
	struct host *h, const char *id UNUSED, struct owner *o, struct problem **reterr UNUSED)
{
	struct guest_run run;

	if (guest_find(h, o->id, &run) == 0 && process_start(h, run.pid, &o->start) == 0)
		o->pid = run.pid;
	return 0;
}

/* It may have been started anew since: its name still is the owner. */
static enum owner_alive domain_alive(struct host *h, const struct owner *o, char **ret_why)
{
	struct guest_run run;
	uint64_t start;
	int r = guest_find(h, o->id, &run);

	if (r < 0 && r != -ENOENT) {
		*ret_why = str_printf("libvirt's run state cannot be read: %s", strerror(-r));
		return OWNER_UNKNOWN;
	}
	if (r == 0 && process_start(h, run.pid, &start) == 0) {
		*ret_why = str_printf("libvirt runs it as process %d", run.pid);
		return OWNER_ALIVE;
	}
	if (!o->pid) {
		*ret_why = strdup("libvirt does not run it, and had not when it was claimed");
		return OWNER_UNKNOWN;
	}
	*ret_why = r == 0 ? str_printf("its process %d has ended", run.pid)
			  : strdup("libvirt does not run it any more");
	return OWNER_GONE;
}

/* ---- Containers ---- */

static bool is_id_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/*
 * "docker-0123….scope", "libpod-0123….scope", "crio-…", "cri-containerd-…", plain "0123…" below
 * "docker", "machine-web.scope", "lxc.payload.web": the id is a whole word of the name, or, when it
 * is long enough, the beginning of one.
 */
static bool names_container(const char *group, const char *id)
{
	size_t len = strlen(id);

	for (const char *at = group; (at = strstr(at, id)); at++) {
		bool begins = at == group || !is_id_letter(at[-1]);

		if (begins && (!is_id_letter(at[len]) || len >= CONTAINER_ID_MIN))
			return true;
	}
	return false;
}

struct group_search {
	struct host *h;
	const char *id;
	char *found; /* below the mount point */
};

static int look_below(struct group_search *s, const char *path, unsigned depth)
{
	autostrv char **names = NULL;
	int r = sysfs_list(s->h, &names, "fs/cgroup%s", path);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	for (char **n = names; *n && !s->found; n++) {
		autofree char *child = str_printf("%s/%s", path, *n);

		if (!child)
			return -ENOMEM;
		/* Groups have it, of both versions; control files are no folders. */
		if (!sysfs_exists(s->h, "fs/cgroup%s/cgroup.procs", child))
			continue;
		if (names_container(*n, s->id))
			s->found = TAKE_PTR(child);
		else if (depth < GROUP_DEPTH && look_below(s, child, depth + 1) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int parse_container(struct host *h, const char *id, struct owner *o, struct problem **reterr)
{
	struct group_search s = { h, id, NULL };
	int r = look_below(&s, "", 0);

	if (r == 0 && s.found)
		r = sysfs_inode(h, &o->start, "fs/cgroup%s", s.found);
	o->path = s.found;
	if (r == -ENOMEM)
		return problem(reterr, r, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r < 0 || !s.found)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND,
			"its id as the container engine prints it, or a machine's name",
			"no running container's control group is called %s", id);
	return 0;
}

static enum owner_alive container_alive(struct host *h, const struct owner *o, char **ret_why)
{
	int r = owner_group_check(h, o);

	*ret_why = r == -ESRCH	   ? strdup("its control group has gone")
		   : r == -ENODATA ? strdup("no process is left in its control group")
		   : r == 0	   ? str_printf("its control group is %s", o->path)
			    : str_printf("its control group cannot be seen: %s", strerror(-r));
	return r == 0 ? OWNER_ALIVE : r == -ESRCH || r == -ENODATA ? OWNER_GONE : OWNER_UNKNOWN;
}

/* ---- Anybody ---- */

static int parse_manual(struct host *h UNUSED, const char *id UNUSED, struct owner *o UNUSED,
	struct problem **reterr UNUSED)
{
	return 0;
}

static enum owner_alive manual_alive(
	struct host *h UNUSED, const struct owner *o UNUSED, char **ret_why)
{
	*ret_why = strdup("only a person can tell");
	return OWNER_UNKNOWN;
}

static const struct {
	int (*parse)(struct host *h, const char *id, struct owner *o, struct problem **reterr);
	enum owner_alive (*alive)(struct host *h, const struct owner *o, char **ret_why);
} kinds[OWNER_KINDS] = {
	[OWNER_PROCESS] = { parse_process, process_alive },
	[OWNER_DOMAIN] = { parse_domain, domain_alive },
	[OWNER_CONTAINER] = { parse_container, container_alive },
	[OWNER_MANUAL] = { parse_manual, manual_alive },
};

static int kind_of(const char *word, enum owner_kind *ret)
{
	for (unsigned k = 0; k < OWNER_KINDS; k++) {
		const char *name = owner_kind_name((enum owner_kind)k);
		size_t len = strlen(name);

		if (strncmp(word, name, len) == 0 && word[len] == ':' && word[len + 1]) {
			*ret = (enum owner_kind)k;
			return 0;
		}
	}
	return -EINVAL;
}

int owner_parse(struct host *h, const char *word, struct owner *ret, struct problem **reterr)
{
	CLEANUP(owner_done) struct owner o = { 0 };
	autofree char *safe = str_printable(word);
	const char *id = strchr(word, ':');
	int r;

	if (kind_of(word, &o.kind) < 0 || strlen(id + 1) > ID_MAX || !str_is_printable(word) ||
		(o.kind != OWNER_MANUAL && strchr(id, '/')))
		return problem(reterr, -EINVAL, PROBLEM_USAGE,
			"process:PID, domain:NAME, container:ID or manual:TEXT",
			"'%.300s' is no owner", safe ? safe : "?");
	o.id = strdup(id + 1);
	if (!o.id)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	r = kinds[o.kind].parse(h, id + 1, &o, reterr);
	if (r < 0)
		return r;
	*ret = o;
	o = (struct owner) { 0 };
	return 0;
}

enum owner_alive owner_alive(struct host *h, const struct owner *o, char **ret_why)
{
	autofree char *why = NULL;
	enum owner_alive a = kinds[o->kind].alive(h, o, &why);

	if (ret_why)
		*ret_why = TAKE_PTR(why);
	return a;
}
