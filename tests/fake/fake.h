/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A kernel in the process, for tests of what looks at and changes a machine (its VFIO side is that
 * of tests/fakevfio, which alone is enough for tests of one function and of the VMM). It starts as
 * a captured machine and then behaves as Linux 6.12 was measured to: writing an attribute changes
 * the tree, with the kernel's errno when the kernel would refuse, VFs appear a little later, a VF
 * that somebody holds makes the write hang.
 *
 * Time is virtual: it passes in host_sleep_ms() and while a write waits, and nothing else takes
 * any. A call that would hang for ever in the kernel returns -EDEADLK here and is counted by
 * fake_hangs(), which a test of good code expects to be 0.
 *
 * One thread at a time. Memory shortage aborts the test.
 */
#pragma once

#include "host/host.h"

/* `capture`: a tar as host_new_captured() takes it. Fails the test when it cannot be loaded. */
struct host *fake_kernel_new(const char *capture);

/* ---- Looking ---- */

/* What was changed so far, one line each, in order: "write /sys/… VALUE", "link eth0 vf 1 mac …",
 * "load vfio-pci". Paths are as the caller spelled them. Borrowed, until the next call. */
const char *fake_log(struct host *h);
void fake_log_clear(struct host *h);
unsigned fake_hangs(struct host *h);
/* The attribute's text without newline, NULL if there is none; never blocks. Caller frees. */
char *fake_text(struct host *h, const char *fmt, ...) PRINTF(2, 3) NODISCARD;
/* Name of the driver of a function, NULL if none. Caller frees. */
char *fake_driver(struct host *h, const char *bdf) NODISCARD;
unsigned fake_num_vfs(struct host *h, const char *pf_bdf);
/* How often a function was reset, and by which method last ("flr"; "subordinate" through its
 * bridge); NULL: never. Borrowed. */
unsigned fake_resets(struct host *h, const char *bdf);
const char *fake_reset_method(struct host *h, const char *bdf);

/* ---- Faults ---- */

enum fake_op {
	FAKE_READ,
	FAKE_WRITE, /* write_file and write_file_within */
	FAKE_READ_LINK,
	FAKE_LIST,
	FAKE_STAT,
	FAKE_OPEN,
	FAKE_IOCTL,
	FAKE_PREAD,
	FAKE_PWRITE,
	FAKE_MMAP,
	FAKE_LINK_GET,
	FAKE_LINK_SET_UP,
	FAKE_LINK_VFS,
	FAKE_LINK_SET_VF,
	FAKE_DEVLINK,
	FAKE_LOAD_MODULE,
	FAKE_SETTLED,
	FAKE_LOG,
	FAKE_SET_OWNER,
	FAKE_OPS
};

/* Calls of that operation so far, failed ones included. */
unsigned fake_calls(struct host *h, enum fake_op op);
/* The n-th call from now (1 = the next) returns `code` and does nothing. n = 0 switches it off. */
void fake_fail_nth(struct host *h, enum fake_op op, unsigned n, int code);
/* Every call whose path contains `part` returns `code`; part = NULL switches it off. */
void fake_fail_path(struct host *h, enum fake_op op, const char *part, int code);
/* The ioctl of that number returns `code`; 0 switches it off. */
void fake_fail_ioctl(struct host *h, unsigned long request, int code);

/* ---- Things that happen to a machine ---- */

/* Somebody else uses the function through VFIO: what would take it away waits until released. */
void fake_hold(struct host *h, const char *bdf);
/* Reading driver_override waits for nobody, as in Linux 6.12.95; else it does, as in older ones. */
void fake_override_unlocked(struct host *h);
void fake_release(struct host *h, const char *bdf);
/*
 * A process as /proc shows it: its command line (words between blanks) and what its descriptors
 * are links to ("/dev/vfio/12", "anon_inode:[vfio-device]"), NULL at the end. It holds nothing by
 * itself: that is fake_hold().
 */
void fake_process(struct host *h, int pid, const char *cmdline, const char *const *fds);
void fake_process_ends(struct host *h, int pid);
/* Runs `fn` when `ms` of virtual time have passed. */
void fake_after(struct host *h, unsigned ms, void (*fn)(struct host *h, void *arg), void *arg);
/* Surprise removal. */
void fake_unplug(struct host *h, const char *bdf);
/* Removes a file, link or folder, or puts an attribute of the test's own. */
void fake_vanish(struct host *h, const char *fmt, ...) PRINTF(2, 3);
void fake_put(struct host *h, const char *text, const char *fmt, ...) PRINTF(3, 4);
/* The same with a link. */
void fake_link(struct host *h, const char *target, const char *fmt, ...) PRINTF(3, 4);
/* What lies below `path` is read from the real folder `real`: state that the tested code writes. */
void fake_mirror(struct host *h, const char *path, const char *real);
/* A machine without an active IOMMU: no groups, vfio-pci refuses. */
void fake_iommu_off(struct host *h);
/* VFs made from now on join their PF's group, as behind a port without ACS. */
void fake_no_acs(struct host *h);
/* A driver whose probe fails with `code` from now on (0: works again). */
void fake_probe_fails(struct host *h, const char *driver, int code);
/* After its next resets the function has lost its command register and BARs, or (dead) answers all
 * ones, until `ms` have passed; 0: for ever. */
void fake_reset_breaks(struct host *h, const char *bdf, bool dead, unsigned ms);
/* Takes the driver's module away: load_module() brings it back unless `for_ever`. */
void fake_unload(struct host *h, const char *driver, bool for_ever);

/* What the NVMe PF's flexible resources are: in all, and at most per VF (8, 4, 4, 2). */
void fake_nvme_pool(
	struct host *h, unsigned vq, unsigned vq_per_vf, unsigned vi, unsigned vi_per_vf);

/* A controller that accepts virtualisation management and does nothing. */
void fake_nvme_lies(struct host *h, bool lies);

/*
 * The PF's driver gets a devlink instance with an eswitch in legacy mode. In switchdev mode each VF
 * has a port, with a representor ("eth0_0"), a function and a rate leaf. The mode changes only
 * while there are no VFs (-EBUSY). RoCE, migratable and the address can be set; ipsec is not there,
 * nor are priorities and weights, as with drivers of Linux 6.2.
 */
void fake_devlink(struct host *h, const char *pf_bdf);
/* The next change fails with `code`, and the kernel says why (NULL: nothing). */
void fake_devlink_refuses(struct host *h, const char *pf_bdf, int code, const char *says);
/* Changes are accepted and not made. */
void fake_devlink_lies(struct host *h, const char *pf_bdf, bool lies);

/* The PF's driver has `total` MSI-X vectors to divide among its VFs. */
void fake_msix_pool(struct host *h, const char *pf_bdf, unsigned total);
/*
 * The PF becomes a GPU on the xe driver of Linux 7.0, which has to be told: no interfaces, quotas
 * and, if `vram_bytes`, memory. As on today's hardware the priority of VFs can only be read.
 */
void fake_xe(struct host *h, const char *pf_bdf, uint64_t vram_bytes);
/* The PF becomes a QuickAssist device of the fourth generation: at most two services at once. */
void fake_qat(struct host *h, const char *pf_bdf);
/* Somebody uses it, in the host or in a guest. */
void fake_qat_busy(struct host *h, const char *pf_bdf, bool busy);
/* Attributes of these three take what is written, and do nothing. */
void fake_attributes_lie(struct host *h, bool lie);

/* The VFIO side: functions on vfio-pci are in it by their address. For tests that change limits,
 * look at mappings or fire interrupts; viability and presence follow the tree. */
struct fakevfio *fake_vfio(struct host *h);
/* A kernel with iommufd, and nodes of their own for all functions that VFIO has or will have. */
void fake_iommufd(struct host *h);
struct fakevfio_function *fake_vfio_function(struct host *h, const char *bdf);

/* Milliseconds until the VFs are there after numvfs was written (30), until each one's driver is
 * (20 more), and until a node appears in /dev after the bind (5). */
void fake_set_delays(struct host *h, unsigned vf_ms, unsigned driver_ms, unsigned node_ms);

/* Gives an interface one more name. */
void fake_altname(struct host *h, int ifindex, const char *name);
/* From now on udevd runs: `ms` after an interface came it is renamed (enp1s16f0) and udevd has
 * finished with it. Without this call the machine has no udevd. */
void fake_udev(struct host *h, unsigned ms);
/* A function that it never gets round to, nor to its interface. */
void fake_udev_ignores(struct host *h, const char *bdf);

/* Adds a line to the kernel's log, from the kernel itself: "pci 0000:01:00.0: …". */
void fake_klog(struct host *h, unsigned level, const char *fmt, ...) PRINTF(3, 4);
/* Adds one as it stands in the log: "30,7,1000,-;a program's words". */
void fake_klog_raw(struct host *h, const char *record);
