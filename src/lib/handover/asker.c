// SPDX-License-Identifier: GPL-2.0-or-later
/* Who asks: from what the kernel says of his process, not from what he says. */
#include "inside.h"

#include "base/str.h"
#include "claim/owner.h"
#include "host/procfs.h"
#include "vfio/memlock.h"

#include <inttypes.h>
#include <stdio.h>

enum { ANCESTORS_MAX = 64 };

/* Real, effective and saved user of a process, and its parent. -ESRCH; -EBADMSG. */
static int look(struct host *h, int pid, unsigned uid[3], int *ret_parent)
{
	autofree char *status = NULL;
	const char *users, *parent;

	if (procfs_read(h, &status, "%d/status", pid) < 0)
		return -ESRCH;
	users = strstr(status, "\nUid:");
	parent = strstr(status, "\nPPid:");
	if (!users || sscanf(users, "\nUid: %u %u %u", &uid[0], &uid[1], &uid[2]) != 3 || !parent ||
		sscanf(parent, "\nPPid: %d", ret_parent) != 1)
		return -EBADMSG;
	return 0;
}

/* In all of its faces: what runs for him with somebody else's rights is not him. */
static bool runs_as(struct host *h, int pid, unsigned uid, int *ret_parent)
{
	unsigned as[3];

	return look(h, pid, as, ret_parent) == 0 && as[0] == uid && as[1] == uid && as[2] == uid;
}

int asker_check(struct host *h, const struct handover_asker *a, struct problem **reterr)
{
	int parent;

	if (!process_lives(h, a->pid, a->start))
		return problem(reterr, -ESRCH, PROBLEM_NOT_FOUND, NULL,
			"process %d, which asked, has ended", a->pid);
	if (!runs_as(h, a->pid, a->uid, &parent) || !process_lives(h, a->pid, a->start))
		return problem(reterr, -EPERM, PROBLEM_PERMISSION, NULL,
			"process %d does not run as user %u alone", a->pid, a->uid);
	return 0;
}

/* Others may have started it: sudo, a service. So all from there on down must be him. */
static bool comes_from(struct host *h, const struct handover_asker *a, const struct owner *o)
{
	int pid = a->pid;

	for (unsigned i = 0; i < ANCESTORS_MAX && pid > 0; i++) {
		int parent = 0;

		if (!runs_as(h, pid, a->uid, &parent))
			return false;
		if (pid == o->pid)
			return process_lives(h, pid, o->start);
		pid = parent;
	}
	return false;
}

static int refuse(const struct lease *l, struct problem **reterr)
{
	autofree char *owner = owner_text(&l->owner);

	return problem(reterr, -EACCES, PROBLEM_PERMISSION,
		"vfctl leases shows all claims; claim one for yourself",
		"%s is claimed by %s, not by you", BDF_TEXT(l->bdf), owner ? owner : "somebody");
}

int asker_may_have(struct host *h, const struct handover_asker *a, const struct lease *l,
	struct problem **reterr)
{
	bool his = a->uid == 0 || l->uid == a->uid ||
		   (l->owner.kind == OWNER_PROCESS && comes_from(h, a, &l->owner));

	if (!his)
		return refuse(l, reterr);
	if (l->state == LEASE_QUARANTINE)
		return problem(reterr, -EUCLEAN, PROBLEM_NOT_ASSIGNABLE, "vfctl leases tells more",
			"%s is in quarantine", BDF_TEXT(l->bdf));
	if (l->state != LEASE_HELD)
		return problem(reterr, -EBUSY, PROBLEM_IN_USE, "try again when that has ended",
			"%s is just being %s", BDF_TEXT(l->bdf),
			l->state == LEASE_TAKING ? "assigned" : "returned");
	if (owner_alive(h, &l->owner, NULL) == OWNER_GONE)
		return problem(reterr, -ESRCH, PROBLEM_NOT_FOUND, "claim it anew",
			"%s: its owner has ended, it is about to be returned", BDF_TEXT(l->bdf));
	return 0;
}

bool handover_is_of(struct host *h, const struct handover_asker *a, const struct lease *l)
{
	return asker_may_have(h, a, l, NULL) == 0;
}

static int too_much(const struct handover_asker *a, uint64_t bytes, uint64_t allowed,
	const struct handover_limits *limits, struct problem **reterr)
{
	autostrbuf most = { 0 };

	strbuf_add_size(&most, limits->memory_bytes);
	problem(reterr, -ENOMEM, PROBLEM_MEMLOCK, NULL,
		"%" PRIu64 " bytes of memory are to be pinned, process %d may pin %" PRIu64
		", and a guest may be allowed %s",
		bytes, a->pid, allowed, most.s ? most.s : "less");
	problem_hint(reterr, "a smaller guest, or MemoryMax= in %s", CONF_FILE);
	return -ENOMEM;
}

int asker_memory(struct host *h, const struct handover_asker *a, uint64_t bytes,
	const struct handover_limits *limits, bool raise, struct problem **reterr)
{
	uint64_t allowed = 0;
	int r = bytes ? memlock_get_of(a->pid, &allowed) : 0;

	if (r == 0 && (!bytes || bytes <= allowed))
		return 0;
	if (r == 0 && bytes > limits->memory_bytes)
		return too_much(a, bytes, allowed, limits, reterr);
	if (r == 0 && raise)
		r = asker_check(h, a, reterr);
	if (r == 0 && raise) {
		r = memlock_raise_of(a->pid, bytes);
		if (r >= 0)
			return 0;
	}
	return r == 0 ? 0
		      : problem(reterr, r, problem_kind_from_errno(r), NULL,
				"how much memory process %d may pin: %s", a->pid, strerror(-r));
}
