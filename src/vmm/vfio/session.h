/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The assigned functions of this VMM, as descriptors that somebody passed to it: containers (or
 * iommufds) and devices live as long as the process, while machines come and go with every reboot.
 * A machine enters (its RAM becomes reachable by DMA, KVM learns of the groups) and leaves.
 */
#pragma once

#include "peers.h"

#include "vfio/device.h"
#include "vfio/space.h"
#include "vmm/kvm/kvm.h"
#include "vmm/memory/guest_memory.h"
#include "vmm/memory/receipt.h"

struct vfio_session;

/*
 * One --vfio of the command line. The same container, group or iommufd may come twice. Neither
 * container nor iommufd: what there is already.
 */
struct vfio_fds {
	int container, group, device; /* group -1: none was passed */
	int iommufd;		      /* in place of container and group; -1: none */
	const char *name;	      /* "0000:01:10.0" */
	/* One of the same group that the session has: then it is in the same container; or NULL. */
	const struct vfio_device *beside;
	bool clean; /* nobody has used it since it was reset */
};

int vfio_session_new(struct host *h, enum peers_wish wish, struct vfio_session **ret);
/* Leaves if need be, resets every function, closes everything. */
void vfio_session_free(struct vfio_session *s);
DEFINE_AUTO(struct vfio_session, vfio_session_free);

/* Takes the descriptors over on success. The number of functions so far, minus one, is its index.
 */
int vfio_session_add(struct vfio_session *s, const struct vfio_fds *fds, struct problem **reterr);
/*
 * Between enter and leave, for a function that was just added: its container gets the memory if it
 * is new, populated by several threads as at a start, and KVM learns of the group. When this fails
 * the function is to be removed.
 */
int vfio_session_admit(struct vfio_session *s, struct vfio_device *d, struct problem **reterr);
/*
 * Closes a function, and what only it needed: its group, its container with all that is mapped
 * there. Whatever stands on the device is gone by then.
 */
void vfio_session_remove(struct vfio_session *s, struct vfio_device *d);
/* The descriptor of the group that a function was opened through; borrowed, -1 = it has a node. */
int vfio_session_group(const struct vfio_session *s, const struct vfio_device *d);
/* Closes the container of this descriptor if no function is in it; false: there is none such. */
bool vfio_session_prune(struct vfio_session *s, int container);
/* Of the container into which more groups can be put; borrowed, -1 = there is none. */
int vfio_session_container(const struct vfio_session *s);
size_t vfio_session_count(const struct vfio_session *s);
struct vfio_device *vfio_session_device(struct vfio_session *s, size_t i);
/* The I/O address space that a function is in. */
const struct vfio_space *vfio_session_space_of(
	const struct vfio_session *s, const struct vfio_device *d);
/* The book of the BARs in there; kept by the functions. */
struct peers *vfio_session_peers(struct vfio_session *s);

/*
 * What guest RAM has to keep out of, for guest_memory_params: the holes between the I/O address
 * ranges of all containers. The array is the caller's (free); may be empty.
 */
int vfio_session_reserved(const struct vfio_session *s, struct guest_range **ret, size_t *ret_n);
/*
 * Checks that all of the RAM can be mapped for the devices, and tells KVM of them. Nothing is
 * mapped yet, so that a refusal costs nothing. Without functions it does nothing.
 */
int vfio_session_enter(struct vfio_session *s, struct kvm_vm *kvm, const struct guest_memory *m,
	struct problem **reterr);
/*
 * Maps one bank for the devices, one entry per container. In order, each once, when its pages are
 * there: else the kernel brings them, one by one and by one thread.
 */
int vfio_session_map_bank(struct vfio_session *s, size_t bank, struct problem **reterr);
void vfio_session_usage(struct vfio_session *s, struct dma_usage *ret);
/* The devices are stopped; their DMA ends here. Before the memory and the VM go. */
void vfio_session_leave(struct vfio_session *s);
/*
 * For the checker: each container holds an entry for each bank, one for each part of a BAR that the
 * book says is there, and nothing else. 0, or how many are wrong; `why` (may be NULL) gets the
 * first.
 */
unsigned vfio_session_check(struct vfio_session *s, char *why, size_t size);
/* "iommufd" or "type1", of the first function; NULL: there is none. */
const char *vfio_session_backend(const struct vfio_session *s);
/* False: this KVM does not know VFIO's groups (coherency of DMA is then assumed). */
bool vfio_session_known_to_kvm(const struct vfio_session *s);
