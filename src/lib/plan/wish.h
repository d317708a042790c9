/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is wanted of the machine, whoever wants it: configuration, a verb, a stored picture, the
 * journal when it undoes. A wish names a goal and no way; plan.h finds the way. What a wish leaves
 * out stays as it is.
 */
#pragma once

#include "base/attr.h"
#include "base/bdf.h"
#include "base/problem.h"

#include <stddef.h>

/*
 * Drivers that are not names. The last two are found out when the function is moved: the kernel's
 * best VFIO driver for it; what it had before it was first bound by us, else the kernel's choice.
 */
#define WISH_NO_DRIVER	 ""
#define WISH_BEST_VFIO	 "vfio"
#define WISH_RESTORE	 "default"
#define WISH_NO_OVERRIDE ""

enum { WISH_LEAVE = -1 };

struct vf_wish {
	unsigned index;
	char *driver;	 /* NULL: leave; or one of WISH_ above */
	char *override;	 /* NULL: what binding leaves (the driver's name); only with a name */
	char **settings; /* KEY=VALUE words as setting/setting.h takes them; NULL: none */
	char *source;	 /* who wants it, for people; NULL: as its PF's */
};

/* A PF; or, with `driver` and `settings` alone, any function. */
struct pf_wish {
	struct bdf bdf;
	char *source;	    /* "/etc/vfctl/pf.d/10-x.conf:3", "command line" */
	int num_vfs;	    /* WISH_LEAVE, or how many */
	int autoprobe;	    /* WISH_LEAVE, 0, 1 */
	char *eswitch_mode; /* NULL: leave */
	char *driver;	    /* of the function itself; as in vf_wish */
	char *override;
	char **settings;     /* of the function itself */
	struct vf_wish *vfs; /* by index, each once */
	size_t n_vfs;
};

struct json_object;

struct wishes {
	struct pf_wish *v; /* by address, each once */
	size_t n;
};

void wishes_done(struct wishes *w);
#define autowishes CLEANUP(wishes_done) struct wishes

/*
 * The wish about that function or VF, made when there is none: it then leaves everything. Borrowed
 * until the next of these calls. NULL when memory is out. Wishes made in order are cheap.
 */
struct pf_wish *wishes_pf(struct wishes *w, struct bdf bdf);
struct vf_wish *pf_wish_vf(struct pf_wish *pf, unsigned index);

/* Drops the wishes about all others. */
void wishes_keep(struct wishes *w, struct bdf bdf);

/* Replaces *field by a copy; -ENOMEM. */
int wish_put(char **field, const char *value);
/* KEY=VALUE; a word of the same key is replaced. -ENOMEM. */
int wish_setting(char ***settings, const char *word);

/*
 * Of what `show --json` or `list --json` printed: one function, or {"functions":[…]}. PFs give
 * their number of VFs, autoprobe and settings, VFs their drivers and settings. PROBLEM_USAGE with
 * `source` (a file's name) for what is neither.
 */
int wishes_from_json(
	const char *text, const char *source, struct wishes *ret, struct problem **reterr);

/*
 * All that wishes hold, as a list of {"function":"0000:01:00.0","num_vfs":4,"autoprobe":0,
 * "eswitch_mode":…,"driver":…,"driver_override":…,"settings":["KEY=VALUE"],"source":…,
 * "vfs":[{"index":0,"driver":…,"driver_override":…,"settings":[…],"source":…}]}; what is left out
 * is left as it is. NULL: no memory.
 */
struct json_object *wishes_to_form(const struct wishes *w);
/* And back, whoever wrote it. PROBLEM_USAGE names the key that is wrong or unknown. */
int wishes_from_form(struct json_object *j, struct wishes *ret, struct problem **reterr);
