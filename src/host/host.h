/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one door to the kernel. Everything above this room sees the machine only through a
 * `struct host` that it was given: the live machine, a captured one (a folder or a tar that holds
 * sys/ and proc/), the fake kernel of the tests, or one that can only use file descriptors it was
 * handed (the VMM's). Nothing here is global; a host may be used from several threads as long as
 * they do not free it.
 *
 * Paths are absolute and as the live machine shows them ("/sys/bus/pci/devices"). Rooms above do
 * not spell them: they use sysfs.h, procfs.h and devnode.h.
 *
 * Every operation returns a negative errno on failure. Nothing here blocks without bound except
 * write_file(), which some sysfs attributes hold up in the kernel for as long as somebody else
 * keeps a device open: use write_file_within() for those.
 */
#pragma once

#include "base/attr.h"
#include "base/mac.h"
#include "base/problem.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct devlink_ops;
struct events_ops;
struct given;
struct host;
struct host_link;
struct host_link_change;
struct host_macvtap;
struct host_log_line;
struct host_vf;
struct host_vf_change;
struct host_wait;
struct host_witness;
struct tree;
struct rootdir;

struct host_ops {
	void (*free)(struct host *h);

	/* Files. read_file returns the number of bytes, at most `size`; a longer file is cut. */
	ssize_t (*read_file)(struct host *h, const char *path, void *buf, size_t size);
	/* One write(2) of the whole; a short write is -EIO. */
	int (*write_file)(struct host *h, const char *path, const void *data, size_t len);
	int (*write_file_within)(struct host *h, const char *path, const void *data, size_t len,
		const struct host_wait *wait);
	/*
	 * Reads whose end nobody can promise, in a helper process: `got` is called once for each
	 * path, in order, -ETIMEDOUT when it took longer than `stall_ms`. NULL: plain reads do.
	 */
	int (*read_files_within)(struct host *h, char *const *paths, unsigned stall_ms,
		void (*got)(void *arg, size_t i, ssize_t n, const char *data), void *arg);
	/* The link's text, NUL-terminated; -ENAMETOOLONG when it does not fit. */
	int (*read_link)(struct host *h, const char *path, char *buf, size_t size);
	/* Names without "." and "..", sorted by byte value; the list is the caller's (strv_free).
	 */
	int (*list_dir)(struct host *h, const char *path, char ***ret_names);
	int (*stat)(struct host *h, const char *path, struct stat *ret); /* follows links */
	/* Where files are files below a directory, that one: for folder.h. NULL otherwise. */
	const struct rootdir *(*files)(struct host *h);

	/* Devices. O_CLOEXEC is always added. The fd is good for the calls below only. */
	int (*open)(struct host *h, const char *path, int flags);
	void (*close)(struct host *h, int fd);
	int (*ioctl)(struct host *h, int fd, unsigned long request, void *arg); /* ≥ 0 or -errno */
	ssize_t (*pread)(struct host *h, int fd, void *buf, size_t len, uint64_t offset);
	ssize_t (*pwrite)(struct host *h, int fd, const void *buf, size_t len, uint64_t offset);
	/*
	 * Descriptors without places, of which a driver gives and takes as it likes: what there is
	 * now, at most `len`, 0 at the end. Waits up to `ms` for the first byte: -ETIMEDOUT. The
	 * descriptor becomes non-blocking. NULL in the table: there are no such.
	 */
	ssize_t (*stream_read)(struct host *h, int fd, void *buf, size_t len, unsigned ms);
	ssize_t (*stream_write)(struct host *h, int fd, const void *buf, size_t len, unsigned ms);
	/* With MAP_FIXED_NOREPLACE, *ret says where; -EEXIST. */
	int (*mmap)(struct host *h, int fd, uint64_t offset, size_t len, int prot, int flags,
		void **ret);
	int (*munmap)(struct host *h, void *addr, size_t len);
	/* Whose a device node is, and its permission bits. NULL in the table: not to be changed. */
	int (*set_owner)(struct host *h, const char *path, uid_t uid, gid_t gid, mode_t mode);
	/*
	 * A descriptor (pidfd) that polls readable when the process has ended; the caller's, and
	 * good for poll() and close() alone. -ESRCH. NULL in the table: nobody can tell.
	 */
	int (*watch_process)(struct host *h, int pid);
	/*
	 * The same (inotify) for when a control group, "/sys/fs/cgroup/…", goes or its
	 * cgroup.events change; it stays readable until somebody reads what has come. -ENOENT.
	 */
	int (*watch_group)(struct host *h, const char *path);

	/* Network interfaces, by index (names are renamed under one's feet). */
	int (*link_get)(struct host *h, int ifindex, struct host_link *ret);
	/* By the current or an alternative name; -ENOENT. NULL in the table: nobody has one. */
	int (*link_index)(struct host *h, const char *name, int *ret);
	/* Its alternative names, a list of the caller's (strv_free). NULL in the table: unknown. */
	int (*link_altnames)(struct host *h, int ifindex, char ***ret);
	int (*link_set_up)(struct host *h, int ifindex, bool up);
	/* The VFs that the PF's driver reports; the array is the caller's (free). */
	int (*link_vfs)(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n);
	/* The same with stats. A PF with hundreds of VFs may be too many for that: -EMSGSIZE. */
	int (*link_vfs_stats)(struct host *h, int ifindex, struct host_vf **ret, size_t *ret_n);
	int (*link_set_vf)(struct host *h, int ifindex, const struct host_vf_change *change);
	/* One attribute of the interface itself. NULL in the table: -EROFS. */
	int (*link_set)(struct host *h, int ifindex, const struct host_link_change *change);
	/* Makes one above another; -EEXIST, -EBUSY. NULL in the table: -EROFS. */
	int (*link_add_macvtap)(struct host *h, const struct host_macvtap *what, int *ret);
	int (*link_remove)(struct host *h, int ifindex);
	/*
	 * Runs a program to its end, with a clean environment and no descriptors but standard ones:
	 * its exit status, and what it wrote, cut to `size`, in `out`. -ENOENT: there is none of
	 * that name; -ETIMEDOUT: it was killed. NULL in the table: -ENOENT.
	 */
	int (*run)(struct host *h, char *const *argv, unsigned deadline_ms, char *out, size_t size);

	/* Devlink (devlink.h); NULL in the table: nothing can be known of it. */
	const struct devlink_ops *devlink;
	/* What happens (events.h); NULL in the table: nothing does. */
	const struct events_ops *events;

	/* Loads a kernel module by name or alias; 1 loaded now, 0 was there, -ENOENT no such. */
	int (*load_module)(struct host *h, const char *name);

	/*
	 * Whether udevd has finished with the device whose folder that is, as it has been there
	 * since `since_ms`: 1 yes, or no udevd runs; 0 not yet; -ENOENT no such device. NULL in the
	 * table: nobody would do anything.
	 */
	int (*device_settled)(struct host *h, const char *path, uint64_t since_ms);

	/*
	 * The kernel's log, oldest first: `each` gets the lines numbered `from` or above, and
	 * *ret_next is the number of the next one to come (`from` UINT64_MAX asks for no more than
	 * that). Never waits. -EPERM: not for this user. NULL in the table: there is none.
	 */
	int (*kernel_log)(struct host *h, uint64_t from, uint64_t *ret_next,
		void (*each)(void *arg, const struct host_log_line *line), void *arg);
	/*
	 * The same from a moment on, without reading what was before: a descriptor that stands at
	 * the log's end, and what came since (each line once). NULL in the table: there is none.
	 */
	int (*log_mark)(struct host *h);
	int (*log_since)(struct host *h, int mark,
		void (*each)(void *arg, const struct host_log_line *line), void *arg);

	/* Monotonic time, and waiting in it (the fake kernel's time is virtual). */
	uint64_t (*now_ms)(struct host *h);
	void (*sleep_ms)(struct host *h, unsigned ms);
};

struct host {
	const struct host_ops *ops;
	bool captured; /* a captured machine: reading only, and what is missing is simply unknown */
	struct given *given;		    /* in place of paths (given.h); NULL: nothing */
	const struct host_witness *witness; /* who looks on (witness.h); NULL: nobody */
};

/* The machine this process runs on. */
int host_new_live(struct host **ret, struct problem **reterr);
/* The same, but who loads modules is somebody else: see kmod.h. */
int host_new_live_asking(struct host **ret, struct problem **reterr);
/* The same without modules (-EOPNOTSUPP): for who lives long, looks on and wants little memory. */
int host_new_watching(struct host **ret, struct problem **reterr);
/* A folder, or a tar in any usual compression. Links never lead out of it. */
int host_new_captured(const char *path, struct host **ret, struct problem **reterr);
/* The same of a tree in memory (tree.h), which it takes over, also on failure. */
int host_new_from_tree(struct tree *t, struct host **ret, struct problem **reterr);
/* No paths at all (-EACCES): only operations on descriptors that the process was given. */
int host_new_fds_only(struct host **ret);
void host_free(struct host *h);
DEFINE_AUTO(struct host, host_free);
#define autohost CLEANUP(host_freep) struct host

/*
 * How long a write that can block may take, and whom to tell meanwhile. The write itself runs in
 * a helper process: when the deadline passes the call returns -ETIMEDOUT, and the kernel finishes
 * (or not) on its own; nobody can interrupt it.
 */
struct host_wait {
	unsigned deadline_ms;
	/*
	 * Called about once a second while waiting; may be NULL. Non-zero gives up at once: the
	 * call returns -ECANCELED.
	 */
	int (*waiting)(void *arg, unsigned waited_ms);
	void *arg;
};

struct host_link {
	int ifindex;
	char name[16];
	struct mac mac, permanent_mac;
	unsigned mtu;
	bool up; /* administratively */
	bool carrier;
};

enum host_link_attr {
	HOST_LINK_MASTER, /* number: the bridge's index, 0 none */
	HOST_LINK_MTU,	  /* number */
	HOST_LINK_MAC,
	HOST_LINK_ALIAS,    /* text */
	HOST_LINK_ALLMULTI, /* number: 0 or 1 */
};

struct host_link_change {
	enum host_link_attr attr;
	unsigned number;
	struct mac mac;
	const char *text; /* at most 255 bytes */
};

/* As linux/if_link.h numbers them (IFLA_MACVLAN_MODE). */
enum host_macvtap_mode {
	HOST_MACVTAP_PRIVATE = 1,
	HOST_MACVTAP_VEPA = 2,
	HOST_MACVTAP_BRIDGE = 4,
	HOST_MACVTAP_PASSTHRU = 8,
};

struct host_macvtap {
	int lower; /* the interface below */
	const char *name;
	struct mac mac; /* zero: the kernel's choice */
	enum host_macvtap_mode mode;
};

struct host_log_line {
	uint64_t seq;	  /* numbers may be left out, none comes twice */
	uint64_t us;	  /* since the boot */
	unsigned level;	  /* as syslog's: 3 is an error */
	bool foreign;	  /* a program wrote it, not the kernel */
	const char *text; /* one line as it is: not safe for a terminal */
	/* What it is about, as the kernel names devices: "+pci:0000:01:10.0"; "" unknown. */
	const char *device;
};

/* Since the VF came, or its driver started counting. */
struct host_vf_stats {
	uint64_t rx_bytes, rx_packets, rx_multicast, rx_broadcast, rx_dropped;
	uint64_t tx_bytes, tx_packets, tx_dropped;
};

/* Absent facts: the driver does not report them. Field names follow iproute2's vfinfo_list. */
struct host_vf {
	unsigned vf;
	struct mac mac;
	uint16_t vlan; /* 0 = none */
	uint8_t qos;
	uint16_t vlan_proto;		   /* ETH_P_8021Q or ETH_P_8021AD, host order */
	uint32_t min_tx_rate, max_tx_rate; /* Mb/s, 0 = no limit */
	int spoofchk, trust, query_rss;	   /* 0, 1, or -1 unknown */
	int link_state;			   /* IFLA_VF_LINK_STATE_*, or -1 unknown */
	bool has_guids;			   /* InfiniBand, Linux 5.5 */
	uint64_t node_guid, port_guid;
	struct mac broadcast; /* read only; all zero unknown */
	bool has_stats;
	struct host_vf_stats stats;
};

enum host_vf_attr {
	HOST_VF_MAC,
	HOST_VF_VLAN, /* vlan, qos and vlan_proto together */
	HOST_VF_RATE, /* min and max together */
	HOST_VF_SPOOFCHK,
	HOST_VF_TRUST,
	HOST_VF_QUERY_RSS,
	HOST_VF_LINK_STATE,
	HOST_VF_NODE_GUID,
	HOST_VF_PORT_GUID,
};

/* One attribute of one VF: one netlink request, so that each has an errno of its own. */
struct host_vf_change {
	enum host_vf_attr attr;
	struct host_vf to; /* .vf says which; the fields of `attr` are read */
};

/* ops->open, or what was given in its place (given.h). */
int host_open(struct host *h, const char *path, int flags);
/* Shorthands: the operations without the table. */
#define host_read_link(h, ...)	((h)->ops->read_link((h), __VA_ARGS__))
#define host_close(h, fd)	((h)->ops->close((h), (fd)))
#define host_ioctl(h, fd, r, a) ((h)->ops->ioctl((h), (fd), (r), (a)))
#define host_pread(h, ...)	((h)->ops->pread((h), __VA_ARGS__))
#define host_pwrite(h, ...)	((h)->ops->pwrite((h), __VA_ARGS__))
#define host_stream_read(h, ...)                                                                   \
	((h)->ops->stream_read ? (h)->ops->stream_read((h), __VA_ARGS__) : -EOPNOTSUPP)
#define host_stream_write(h, ...)                                                                  \
	((h)->ops->stream_write ? (h)->ops->stream_write((h), __VA_ARGS__) : -EOPNOTSUPP)
#define host_mmap(h, ...)   ((h)->ops->mmap((h), __VA_ARGS__))
#define host_munmap(h, ...) ((h)->ops->munmap((h), __VA_ARGS__))
#define host_watch_process(h, pid)                                                                 \
	((h)->ops->watch_process ? (h)->ops->watch_process((h), (pid)) : -EOPNOTSUPP)
#define host_watch_group(h, path)                                                                  \
	((h)->ops->watch_group ? (h)->ops->watch_group((h), (path)) : -EOPNOTSUPP)
#define host_link_get(h, ...) ((h)->ops->link_get((h), __VA_ARGS__))
#define host_link_index(h, ...)                                                                    \
	((h)->ops->link_index ? (h)->ops->link_index((h), __VA_ARGS__) : -ENOENT)
#define host_link_altnames(h, ...)                                                                 \
	((h)->ops->link_altnames ? (h)->ops->link_altnames((h), __VA_ARGS__) : -ENOENT)
#define host_link_set_up(h, ...) ((h)->ops->link_set_up((h), __VA_ARGS__))
#define host_link_vfs(h, ...)	 ((h)->ops->link_vfs((h), __VA_ARGS__))
#define host_link_vfs_stats(h, ...)                                                                \
	((h)->ops->link_vfs_stats ? (h)->ops->link_vfs_stats((h), __VA_ARGS__) : -EOPNOTSUPP)
#define host_link_set_vf(h, ...) ((h)->ops->link_set_vf((h), __VA_ARGS__))
#define host_link_set(h, ...)	 ((h)->ops->link_set ? (h)->ops->link_set((h), __VA_ARGS__) : -EROFS)
#define host_link_add_macvtap(h, ...)                                                              \
	((h)->ops->link_add_macvtap ? (h)->ops->link_add_macvtap((h), __VA_ARGS__) : -EROFS)
#define host_link_remove(h, i) ((h)->ops->link_remove ? (h)->ops->link_remove((h), (i)) : -EROFS)
#define host_run(h, ...)       ((h)->ops->run ? (h)->ops->run((h), __VA_ARGS__) : -ENOENT)
#define host_load_module(h, m) ((h)->ops->load_module((h), (m)))
#define host_device_settled(h, ...)                                                                \
	((h)->ops->device_settled ? (h)->ops->device_settled((h), __VA_ARGS__) : 1)
#define host_kernel_log(h, ...)                                                                    \
	((h)->ops->kernel_log ? (h)->ops->kernel_log((h), __VA_ARGS__) : -EOPNOTSUPP)
#define host_log_mark(h) ((h)->ops->log_mark ? (h)->ops->log_mark(h) : -EOPNOTSUPP)
#define host_log_since(h, ...)                                                                     \
	((h)->ops->log_since ? (h)->ops->log_since((h), __VA_ARGS__) : -EOPNOTSUPP)
#define host_now_ms(h)	     ((h)->ops->now_ms(h))
#define host_sleep_ms(h, ms) ((h)->ops->sleep_ms((h), (ms)))
