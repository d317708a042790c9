/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One thing that is done to a machine, as data: what a plan's steps and their ways back are made
 * of, what the journal keeps, and what is run. Each says how something shall be, so that running
 * it again does no harm.
 */
#pragma once

#include "base/bdf.h"
#include "driver/driver.h"
#include "host/host.h"
#include "sriov/numvfs.h"

struct function;
struct json_object;

enum action_kind {
	ACTION_LINK,	  /* the function's interface up or down */
	ACTION_AUTOPROBE, /* sriov_drivers_autoprobe */
	ACTION_NUM_VFS,
	ACTION_SETTINGS,
	ACTION_DRIVER,
	ACTION_KINDS
};

enum { OF_ITSELF = -1 };

struct action {
	enum action_kind kind;
	struct bdf bdf;	 /* a function, or the PF of the VF that is meant */
	int vf;		 /* its index, or OF_ITSELF */
	unsigned number; /* of VFs; LINK and AUTOPROBE: 0 or 1 */
	char *driver;	 /* DRIVER: a name, or one of WISH_… (wish.h) */
	char *override;	 /* DRIVER: NULL what binding leaves, "" none */
	char **words;	 /* SETTINGS: KEY=VALUE */
};

struct actions {
	struct action *v;
	size_t n;
};

void action_done(struct action *a);
void actions_done(struct actions *s);
/* A new one at the end, zero but for these; NULL when memory is out. */
struct action *actions_add(struct actions *s, enum action_kind kind, struct bdf bdf, int vf);

/* "4 VFs", "bind to vfio-pci", "mac=02:… vlan=100"; NULL when memory is out. */
char *action_text(const struct action *a) NODISCARD;
/* "0000:01:00.0", "0000:01:00.0/vf3"; NULL when memory is out. */
char *action_target(const struct action *a) NODISCARD;

/* {"do":"bind","function":"0000:01:00.0","vf":3,"driver":"vfio-pci"}. NULL: no memory. */
struct json_object *action_to_json(const struct action *a);
/* -EINVAL for what is no action. */
int action_from_json(struct json_object *j, struct action *ret);

struct action_opts {
	struct driver_opts driver;
	struct sriov_opts sriov;
	bool allow_in_use;	 /* settings too */
	const char *learned_dir; /* as in setting/setting.h */
	/* The function was under change when its changer died: first let the kernel finish. */
	bool recovering;
	unsigned idle_ms; /* for how long; 0: 10 s */
	/* Settings: as struct setting_opts has it. `a` is the action; may be NULL. */
	void (*result)(
		void *arg, const struct action *a, const char *word, int code, struct problem *p);
	void *arg;
};

/* 1 changed, 0 was so, and read back. What is told through result() is not in reterr too. */
int action_run(struct host *h, const struct action *a, const struct action_opts *opts,
	struct problem **reterr);
/* The function that an action is about as it is now. -ENOENT: there is no such VF. */
int action_function(struct host *h, const struct action *a, struct bdf *ret);
