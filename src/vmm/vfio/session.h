/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The assigned functions of this VMM, as descriptors that somebody passed to it: containers and
 * devices live as long as the process, while machines come and go with every reboot. A machine
 * enters (its RAM becomes reachable by DMA, KVM learns of the groups) and leaves.
 */
#pragma once

#include "vfio/device.h"
#include "vfio/space.h"
#include "vmm/kvm/kvm.h"
#include "vmm/memory/guest_memory.h"

struct vfio_session;

/* One --vfio of the command line. The same container, and the same group, may come twice. */
struct vfio_fds {
	int container, group, device; /* group -1: none was passed */
	const char *name;	      /* "0000:01:10.0" */
};

int vfio_session_new(struct host *h, struct vfio_session **ret);
/* Leaves if need be, resets every function, closes everything. */
void vfio_session_free(struct vfio_session *s);
DEFINE_AUTO(struct vfio_session, vfio_session_free);

/* Takes the descriptors over on success. The number of functions so far, minus one, is its index.
 */
int vfio_session_add(struct vfio_session *s, const struct vfio_fds *fds, struct problem **reterr);
size_t vfio_session_count(const struct vfio_session *s);
struct vfio_device *vfio_session_device(struct vfio_session *s, size_t i);

/*
 * What guest RAM has to keep out of, for guest_memory_params: the holes between the I/O address
 * ranges of all containers. The array is the caller's (free); may be empty.
 */
int vfio_session_reserved(const struct vfio_session *s, struct guest_range **ret, size_t *ret_n);
/*
 * Maps the whole RAM for the devices, one entry per bank and container, after checking all of it;
 * nothing is mapped when that fails. Without functions it does nothing.
 */
int vfio_session_enter(struct vfio_session *s, struct kvm_vm *kvm, const struct guest_memory *m,
	struct problem **reterr);
/* The devices are stopped; their DMA ends here. Before the memory and the VM go. */
void vfio_session_leave(struct vfio_session *s);
/* False: this KVM does not know VFIO's groups (coherency of DMA is then assumed). */
bool vfio_session_known_to_kvm(const struct vfio_session *s);
