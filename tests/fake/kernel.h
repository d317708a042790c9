/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fake kernel's inside: state that is not in the tree, and what its files call of each other.
 */
#pragma once

#include "fake.h"
#include "fakevfio/fakevfio.h"
#include "base/bdf.h"
#include "base/str.h"
#include "host/tree.h"

#include <stdio.h>

enum { FAKE_MAX_VFS = 64, FAKE_MAX_FILES = 16 };

/* A function with SR-IOV. */
struct pf {
	char bdf[BDF_TEXT_MAX];
	unsigned num_vfs;
	struct host_vf vf[FAKE_MAX_VFS]; /* what netlink says */
	/* A write that waits for a held VF: the attribute cannot even be read until it is over. */
	bool stuck;
	unsigned next_to_remove;
	struct nvme_secondary {
		unsigned resources[2]; /* VQ, VI */
		bool online;
	} nvme[FAKE_MAX_VFS];
	struct fake_eswitch *devlink; /* NULL: none */
	unsigned msix_pool;	      /* 0: none */
	uint64_t vram_bytes;
	bool is_xe, qat_busy;
	struct pf *next;
};

struct event {
	uint64_t at;
	void (*fn)(struct host *h, void *arg);
	void *arg;
	void (*free_arg)(void *arg);
	struct event *next;
};

struct fault {
	unsigned calls, nth;
	int nth_code;
	char *part;
	int part_code;
};

struct probe_fault {
	char *driver;
	int code;
	struct probe_fault *next;
};

/* A function that is not itself after a reset. */
struct reset_fault {
	char *bdf;
	unsigned ms; /* until it is again; 0: for ever */
	bool dead;   /* all ones; else its command register and BARs are cleared */
	struct reset_fault *next;
};

struct kernel {
	struct host host;
	struct tree *tree;
	uint64_t now;
	struct event *events;
	struct pf *pfs;
	struct fault faults[FAKE_OPS];
	unsigned long fail_ioctl;
	int fail_ioctl_code;
	struct probe_fault *probe_faults;
	bool override_unlocked; /* as in Linux 6.12.95: driver_override is read without lock */
	char **held, **gone;	/* functions held; drivers that cannot be loaded any more */
	char **vfio_names;	/* what the functions in `vfio` are called */
	char **unbinding;	/* functions whose unbind waits for the holder */
	char **resets;		/* one entry per reset: "BDF METHOD" */
	char **reset_methods;	/* "BDF WORD…": what a device has, once a choice was made */
	struct reset_fault *reset_faults;
	char **udev_ignores;	  /* functions */
	char **altnames;	  /* "IFINDEX NAME" */
	char *mirror, *mirror_to; /* a folder that is a real one; NULL: none */
	struct strbuf log;
	char **klog; /* records of the kernel's log */
	unsigned hangs;
	int last_ifindex; /* given to an interface made here; never used again */
	unsigned vf_ms, driver_ms, node_ms, udev_ms;
	bool no_acs, nvme_lies, attributes_lie;
	struct fakevfio vfio;
	struct {
		int fd; /* 0: free */
		char name[16];
	} nvme_files[FAKE_MAX_FILES];
	struct nvme_pool {
		unsigned total, per_vf;
	} nvme_pools[2]; /* by resource type: VQ, VI */
};

static inline struct kernel *kernel_of(struct host *h)
{
	return container_of(h, struct kernel, host);
}

/* For what only fails without memory. */
#define NEED(x) assert_need((x), #x)
static inline void assert_need(bool ok, const char *what UNUSED)
{
	if (!ok)
		abort();
}
char *need_printf(const char *fmt, ...) PRINTF(1, 2);
/* Makes `autofree char *var` out of fmt and the arguments after it. */
#define FORMAT(var, fmt)                                                                           \
	autofree char *var = NULL;                                                                 \
	do {                                                                                       \
		va_list ap_;                                                                       \
		va_start(ap_, fmt);                                                                \
		NEED(vasprintf(&var, fmt, ap_) >= 0);                                              \
		va_end(ap_);                                                                       \
	} while (0)

/* tree.h with formatted paths; k_text and k_link_name give NULL when there is nothing. */
void k_put(struct kernel *k, mode_t mode, const char *text, const char *fmt, ...) PRINTF(4, 5);
void k_put_bytes(struct kernel *k, mode_t mode, const void *data, size_t len, const char *path);
void k_remove(struct kernel *k, const char *fmt, ...) PRINTF(2, 3);
bool k_exists(struct kernel *k, const char *fmt, ...) PRINTF(2, 3);
char *k_text(struct kernel *k, const char *fmt, ...) PRINTF(2, 3);
char *k_link_name(struct kernel *k, const char *fmt, ...) PRINTF(2, 3);
/* A relative link in folder `dir` (below /sys) to `target`, given below /sys. */
void k_link(struct kernel *k, const char *dir, const char *name, const char *target);

char *k_read_text(struct kernel *k, const char *path);

/* device.c */
char *device_dir(struct kernel *k, const char *bdf); /* below /sys; NULL if there is none */
uint64_t device_number(struct kernel *k, const char *bdf, const char *attr, bool hex);
bool device_is_vf(struct kernel *k, const char *bdf);
void device_add_vf(struct kernel *k, struct pf *pf, unsigned index);
void device_link_vf(struct kernel *k, struct pf *pf, unsigned index);
void device_remove(struct kernel *k, const char *bdf);
void device_set_driver(struct kernel *k, const char *bdf, const char *driver); /* NULL: none */
void vf_bdf(struct kernel *k, const struct pf *pf, unsigned index, char ret[BDF_TEXT_MAX]);

/* driver.c */
int k_driver_bind(struct kernel *k, const char *driver, const char *bdf);
int k_driver_unbind(struct kernel *k, const char *bdf); /* WOULD_BLOCK while it is held */
/* Ends the unbinds whose holder has let go. */
void driver_continue(struct kernel *k);
void driver_probe(struct kernel *k, const char *bdf); /* whichever matches; failures are lost */
bool driver_can_sriov(struct kernel *k, const char *driver);
void driver_find_vfio(struct kernel *k); /* what a capture has on vfio-pci */
int driver_load(struct kernel *k, const char *name);

/* sriov.c */
struct pf *pf_find(struct kernel *k, const char *bdf);
void pf_find_all(struct kernel *k);
int sriov_write_numvfs(struct kernel *k, struct pf *pf, const char *text);
/* Goes on with removals that waited; called when a function is released. */
void sriov_continue(struct kernel *k);
void sriov_disable(struct kernel *k, struct pf *pf);

/* net.c */
void net_add(struct kernel *k, const char *bdf);
/* One more interface of a function; gives its index. */
int net_add_named(struct kernel *k, const char *bdf, const char *name);
void net_remove_named(struct kernel *k, const char *name);
char *net_name_of_function(struct kernel *k, const char *bdf); /* the first; NULL */
void net_remove(struct kernel *k, const char *bdf);
/* false: there is no interface of that index. */
bool net_rename(struct kernel *k, int ifindex, const char *name);
void net_reset_vfs(struct kernel *k, struct pf *pf);
void net_adopt_macs(struct kernel *k, struct pf *pf);
int net_link_get(struct host *h, int ifindex, struct host_link *ret);
int net_link_index(struct host *h, const char *name, int *ret);
int net_link_altnames(struct host *h, int ifindex, char ***ret);
int net_link_set_up(struct host *h, int ifindex, bool up);
int net_link_vfs(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n);
int net_link_vfs_stats(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n);
int net_link_set_vf(struct host *h, int ifindex, const struct host_vf_change *change);

/* devlink.c */
extern const struct devlink_ops fake_devlink_ops;
void devlink_vfs_come(struct kernel *k, struct pf *pf);
void devlink_vfs_go(struct kernel *k, struct pf *pf);

/* msix.c, xe.c, qat.c: attributes of their own */
int msix_write_count(struct kernel *k, const char *vf_bdf, const char *text);
int xe_write(struct kernel *k, const char *path, const char *text);
void xe_vfs_gone(struct kernel *k, struct pf *pf);
int qat_write(struct kernel *k, const char *path, const char *text);
/* The function becomes another one, bound to `driver`. */
void device_becomes(struct kernel *k, const char *bdf, const char *class, const char *vf_device,
	const char *driver);

/* nvme.c */
void nvme_find_all(struct kernel *k);
int nvme_probe(struct kernel *k, const char *bdf);
void nvme_bound(struct kernel *k, const char *bdf);
void nvme_unbound(struct kernel *k, const char *bdf);
void nvme_vfs_gone(struct kernel *k, struct pf *pf);
int nvme_open(struct kernel *k, const char *name);
int nvme_ioctl(struct kernel *k, int fd, unsigned long request, void *arg);
bool nvme_close(struct kernel *k, int fd); /* false: not one of ours */

/* udev.c: what the kernel tells udevd, and what udevd has done */
void fakeudev_function_came(struct kernel *k, const char *bdf);
void fakeudev_function_went(struct kernel *k, const char *bdf);
void fakeudev_netdev_came(struct kernel *k, const char *bdf, int ifindex);
int fakeudev_settled(struct host *h, const char *path, uint64_t since_ms);

/* vfio.c */
void vfio_logs(struct fakevfio *f, const char *text);
void vfio_add(struct kernel *k, const char *bdf);
/* What it has where the kernel has iommufd: the node vfio/devices/vfioN. */
void vfio_own_node(struct kernel *k, const char *bdf);
void vfio_remove(struct kernel *k, const char *bdf);
bool vfio_is_open(struct kernel *k, const char *bdf);
int vfio_open(struct kernel *k, const char *path, int flags);

/* attr.c: 0, -errno, or WOULD_BLOCK; the write then tries `again` when time has passed. */
enum { WOULD_BLOCK = 1 };
int attr_write(struct kernel *k, const char *path, const char *text, bool again);
/* `path` may have links. */
bool attr_read_blocks(struct kernel *k, const char *path);
char *without_newline(const char *text);

/* reset.c */
int reset_write(struct kernel *k, const char *bdf, const char *text);
int reset_write_method(struct kernel *k, const char *bdf, const char *text);
int reset_write_subordinate(struct kernel *k, const char *bdf, const char *text);
void reset_forget(struct kernel *k);

/* klog.c */
void k_say(struct kernel *k, unsigned level, const char *fmt, ...) PRINTF(3, 4);
int klog_fake_read(struct host *h, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg);
int klog_fake_mark(struct host *h);
int klog_fake_since(struct host *h, int mark,
	void (*each)(void *arg, const struct host_log_line *line), void *arg);
bool klog_fake_close(int fd); /* false: no mark */

/* kernel.c */
bool is_held(struct kernel *k, const char *bdf);
int fault(struct kernel *k, enum fake_op op, const char *path);
void k_after(struct kernel *k, unsigned ms, void (*fn)(struct host *h, void *arg), void *arg,
	void (*free_arg)(void *arg));
void k_pass(struct kernel *k, uint64_t until);
void k_log(struct kernel *k, const char *fmt, ...) PRINTF(2, 3);
