/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which driver a function is bound to, and changing it. Only driver_override and the driver's own
 * bind file are written, never new_id (its outcome depends on which driver registered first) and
 * never drivers_probe where an answer is needed (it reports success when nothing was bound).
 * Every change is verified by reading the driver link back; what fails half way is undone.
 *
 * The first driver_bind or driver_unbind of a function notes what it had (driver and override) in
 * the state directory; driver_restore gives it back and forgets the note. A note made before the
 * last boot is void: the kernel has forgotten overrides by then.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"

struct driver_opts {
	const char *state_dir; /* "/var/lib/vfctl/drivers"; NULL: nothing is remembered */
	bool force;	       /* also when the function is in use */
	unsigned deadline_ms;  /* for an unbind that its user holds up; 0 = 10 s */
	/* About once a second while waiting: `who` is the holder as holders_text tells, or NULL. */
	void (*waiting)(void *arg, struct bdf a, const char *who, unsigned waited_ms);
	/* Asked then, too; true: enough, -ECANCELED. NULL: never. */
	bool (*cancelled)(void *arg);
	void *arg;
};

/* *ret NULL: none. -ENOENT when the function has gone. */
int driver_read(struct host *h, struct bdf a, char **ret);
/*
 * *ret NULL: none ("" and "(null)" both mean that). Reading takes the kernel's device lock: not
 * for a function whose removal may be pending.
 */
int driver_override_read(struct host *h, struct bdf a, char **ret);

/*
 * 1 changed, 0 was already so. The _check functions refuse for the same reasons as the act and
 * touch nothing: for --dry-run. `driver` NULL in bind: the best VFIO driver.
 */
int driver_bind(struct host *h, struct bdf a, const char *driver, const struct driver_opts *opts,
	struct problem **reterr);
int driver_bind_check(struct host *h, struct bdf a, const char *driver,
	const struct driver_opts *opts, struct problem **reterr);
/*
 * The VFIO driver that bind without a driver's name takes: the kernel's variant for this very
 * device if it has one, else vfio-pci (which is also taken when the variant cannot be loaded).
 */
int driver_best_vfio(struct host *h, struct bdf a, char **ret, struct problem **reterr);
/* Leaves the function without driver, with its override cleared. */
int driver_unbind(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);
int driver_unbind_check(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);
/* The driver and override from before; without a note: no override, and the kernel's choice. */
int driver_restore(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);
int driver_restore_check(
	struct host *h, struct bdf a, const struct driver_opts *opts, struct problem **reterr);

/*
 * Exactly that driver (NULL: none) and override (NULL: none): the way back from any change. A note
 * that says the same is forgotten.
 */
int driver_put(struct host *h, struct bdf a, const char *driver, const char *override,
	const struct driver_opts *opts, struct problem **reterr);

/* What restore would bind: *ret_driver NULL = none. -ENOENT: no valid note. */
int driver_remembered(struct host *h, struct bdf a, const char *state_dir, char **ret_driver);
/* For functions that are gone (a destroyed VF): their note must not meet their successor. */
int driver_forget(struct bdf a, const char *state_dir);
