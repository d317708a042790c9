/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Plans. Wishes say how PFs and VFs shall be, a plan is the fewest steps that lead there, each with
 * its way back, and who would lose something by it. Planning touches nothing. Applying writes each
 * step into a journal first; when one fails, all that were done are taken back, and what a process
 * that was killed left behind is put in order before the next change. What was done can be undone.
 *
 * PFs and functions are given by address, VFs by their PF and index, for they need not exist yet.
 */
#ifndef VFCTL_PLAN_H
#define VFCTL_PLAN_H

#include "act.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_wishes;
struct vfctl_plan;
struct vfctl_step;
struct vfctl_loss;
struct vfctl_history;
struct vfctl_entry;

/* In place of a VF's index: the PF, or any other function, itself. */
enum { VFCTL_ITSELF = -1 };

/* Nothing is wished yet. What is not mentioned stays as it is. */
VFCTL_PUBLIC int vfctl_wishes_new(struct vfctl_wishes **ret, struct vfctl_error **reterr);
/* NULL is fine. Plans that were made stay valid. */
VFCTL_PUBLIC void vfctl_wishes_free(struct vfctl_wishes *w);
/* A PF shall have n VFs. -EINVAL: that is no address, or no such number. */
VFCTL_PUBLIC int vfctl_wishes_vfs(
	struct vfctl_wishes *w, const char *pf, unsigned n, struct vfctl_error **reterr);
/* Whether the kernel shall bind drivers to VFs of the PF when they come. -EINVAL. */
VFCTL_PUBLIC int vfctl_wishes_autoprobe(
	struct vfctl_wishes *w, const char *pf, int on, struct vfctl_error **reterr);
/*
 * `driver` is a name; "" none; "vfio" the best VFIO driver; "default" what it had before it was
 * bound here, else the kernel's choice. -EINVAL.
 */
VFCTL_PUBLIC int vfctl_wishes_driver(struct vfctl_wishes *w, const char *function, int vf,
	const char *driver, struct vfctl_error **reterr);
/* KEY=VALUE as vfctl_set() takes it; a later value of a key replaces the earlier. -EINVAL. */
VFCTL_PUBLIC int vfctl_wishes_set(struct vfctl_wishes *w, const char *function, int vf,
	const char *setting, struct vfctl_error **reterr);

/*
 * New wishes out of what `vfctl show --json` or `list --json` printed: as it was there it shall be.
 * `source` is what it is called in refusals, a file's name. -EINVAL: it is neither.
 */
VFCTL_PUBLIC int vfctl_wishes_from_json(const char *text, const char *source,
	struct vfctl_wishes **ret, struct vfctl_error **reterr);

/*
 * Flags: VFCTL_ALLOW_IN_USE, VFCTL_ALLOW_DESTROY. What must not be done is no failure: the plan
 * then has refusals, and no steps for those PFs. Works on captured machines. The wishes are copied.
 */
VFCTL_PUBLIC int vfctl_plan_make(struct vfctl_host *host, const struct vfctl_wishes *wishes,
	unsigned flags, struct vfctl_plan **ret, struct vfctl_error **reterr);
/* NULL is fine. Everything that was got from the plan goes with it. */
VFCTL_PUBLIC void vfctl_plan_free(struct vfctl_plan *p);

/* Steps by PF and in the order of doing; none: all is so already. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_plan_steps(const struct vfctl_plan *p);
VFCTL_PUBLIC const struct vfctl_step *vfctl_plan_step(const struct vfctl_plan *p, size_t i);
/* "0000:3b:00.0", "0000:3b:00.0/vf3" */
VFCTL_PUBLIC const char *vfctl_step_target(const struct vfctl_step *s);
/* "4 VFs", "bind to vfio-pci", "mac=02:00:00:00:00:01 vlan=100" */
VFCTL_PUBLIC const char *vfctl_step_action(const struct vfctl_step *s);
/* What is there now, "0", "igbvf"; NULL: nothing, or not known. */
VFCTL_PUBLIC const char *vfctl_step_was(const struct vfctl_step *s);
/* What would undo it; NULL: undoing an earlier step does. */
VFCTL_PUBLIC const char *vfctl_step_undo(const struct vfctl_step *s);

/* The blast radius: functions that go or lose their driver for a while. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_plan_losses(const struct vfctl_plan *p);
VFCTL_PUBLIC const struct vfctl_loss *vfctl_plan_loss(const struct vfctl_plan *p, size_t i);
VFCTL_PUBLIC const char *vfctl_loss_function(const struct vfctl_loss *l);
/* 1: the function goes; 0: it only loses its driver. */
VFCTL_PUBLIC int vfctl_loss_destroyed(const struct vfctl_loss *l);
/* Whose it is, "pid 4711 (qemu web1)", or the driver that is merely bound; NULL: nobody's. */
VFCTL_PUBLIC const char *vfctl_loss_user(const struct vfctl_loss *l);

/* Why some PFs are left alone; borrowed. NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_plan_refusals(const struct vfctl_plan *p);
VFCTL_PUBLIC const struct vfctl_error *vfctl_plan_refusal(const struct vfctl_plan *p, size_t i);

/*
 * Does it: 1 changed, 0 nothing was to be done. `command` is what the history calls it. Nothing is
 * done when the plan has refusals (the first is returned), or when the machine has changed so that
 * other steps would be needed or others would lose something: -ESTALE (kind drift), plan again.
 * Otherwise a failure says what failed, and whether all is as before. *ret_id (may be NULL): the
 * number in the history, 0 when nothing was to be done.
 */
VFCTL_PUBLIC int vfctl_plan_apply(struct vfctl_host *host, const struct vfctl_plan *plan,
	const char *command, unsigned *ret_id, struct vfctl_error **reterr);
/*
 * Puts in order what processes that were killed left behind, as every change does first. The
 * number of changes that were found.
 */
VFCTL_PUBLIC int vfctl_recover(struct vfctl_host *host, struct vfctl_error **reterr);

/* What was done, and is being done, by this library and by vfctl; the newest first. */
VFCTL_PUBLIC int vfctl_history_read(
	struct vfctl_host *host, struct vfctl_history **ret, struct vfctl_error **reterr);
/* NULL is fine. */
VFCTL_PUBLIC void vfctl_history_free(struct vfctl_history *h);
/* NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_history_entries(const struct vfctl_history *h);
VFCTL_PUBLIC const struct vfctl_entry *vfctl_history_entry(const struct vfctl_history *h, size_t i);
VFCTL_PUBLIC unsigned vfctl_entry_id(const struct vfctl_entry *e);
/* Seconds since 1970; the end is 0 while it runs. */
VFCTL_PUBLIC int64_t vfctl_entry_begin(const struct vfctl_entry *e);
VFCTL_PUBLIC int64_t vfctl_entry_end(const struct vfctl_entry *e);
/* "create ens1f0 4" */
VFCTL_PUBLIC const char *vfctl_entry_command(const struct vfctl_entry *e);
/* "running", "done", "undone", "kept" (some failed, the rest stays), "void" (before the boot) */
VFCTL_PUBLIC const char *vfctl_entry_outcome(const struct vfctl_entry *e);
/* NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_entry_steps(const struct vfctl_entry *e);
VFCTL_PUBLIC const struct vfctl_step *vfctl_entry_step(const struct vfctl_entry *e, size_t i);
/* 1 changed, 0 was so, negative errno: failed, and why (or NULL); -ECANCELED: never tried. */
VFCTL_PUBLIC int vfctl_entry_result(const struct vfctl_entry *e, size_t i, const char **ret_why);

/*
 * The plan that brings back what was before a change. -ENOENT: there is no such change.
 * -EOPNOTSUPP: it cannot be undone. -ESTALE (kind drift): something is not any more as that change
 * left it; VFCTL_ALLOW_DRIFT plans all the same. VFCTL_ALLOW_IN_USE is as in vfctl_plan_make(); VFs
 * that the change made go without a flag.
 */
VFCTL_PUBLIC int vfctl_plan_undo(struct vfctl_host *host, unsigned id, unsigned flags,
	struct vfctl_plan **ret, struct vfctl_error **reterr);

#ifdef __cplusplus
}
#endif
#endif
