/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses that a VF has on this machine for ever, without anybody choosing them: mac=stable,
 * node-guid=stable, port-guid=stable.
 *
 *   HMAC-SHA-256(key: the 16 bytes of /etc/machine-id,
 *                text: "vfctl KIND SEED vf INDEX candidate N"), its first 6 or 8 bytes,
 *
 * KIND being mac, node-guid or port-guid, SEED the PF's (identity.h: its permanent MAC, else a
 * serial number and its function's number, else its address), INDEX and N decimal, N from 0. The
 * first byte's low half becomes 2: unicast, locally administered, of the quadrant that IEEE 802c
 * leaves to an administrator. Machine ids are secret, and the address does not give it away.
 *
 * A candidate that something else on the machine has already, or another VF of the same
 * configuration, is passed over for the next one. A VF that has one of its own first candidates
 * already keeps it, so that it does not change when the other goes away.
 */
#pragma once

#include "identity.h"
#include "inventory/inventory.h"

enum stable_kind { STABLE_MAC, STABLE_NODE_GUID, STABLE_PORT_GUID };
enum { STABLE_CANDIDATES = 16, MACHINE_ID_BYTES = 16 };

struct stable;

/* Borrows all of its arguments. All addresses in use are looked up when they are first needed. */
int stable_new(
	struct host *h, const struct inventory *inv, const char *identity_dir, struct stable **ret);
void stable_free(struct stable *s);
DEFINE_AUTO(struct stable, stable_free);

/* Whose an address is: a PF (or any other function; index -1) or a VF of it. */
struct stable_owner {
	struct bdf pf;
	int vf; /* -1: the function itself */
};

/*
 * Notes an address that a configuration gives to a VF. 1 noted; 0 somebody else on the machine or
 * in the configuration has it: *ret_who says who, allocated ("eth4", "0000:01:00.0/vf3").
 */
int stable_claim(struct stable *s, struct mac m, struct stable_owner whose, char **ret_who);
/* The addresses that he has will not be his any longer: others may have them. */
int stable_release(struct stable *s, struct stable_owner whose);
/*
 * The MAC of a VF, which need not exist yet; it counts as claimed then. PROBLEM_NOT_FOUND when the
 * machine has no id, PROBLEM_DRIFT when another card than the recorded one stands there.
 */
int stable_mac(struct stable *s, struct stable_owner vf, struct mac *ret, struct problem **reterr);
int stable_guid(struct stable *s, enum stable_kind kind, struct stable_owner vf, uint64_t *ret,
	struct problem **reterr);

/* A word like "mac=stable". */
bool stable_is(const char *word);
/*
 * A copy of the words in which each such one has its address: "mac=d2:…". Allocated list. `s` NULL
 * is fine while none of the words asks for one.
 */
int stable_words(struct stable *s, struct stable_owner vf, const char *const *words, size_t n,
	char ***ret, struct problem **reterr);

/* The derivation alone: 8 bytes, of which a MAC takes 6. */
void stable_derive(const uint8_t machine_id[MACHINE_ID_BYTES], const char *seed,
	enum stable_kind kind, unsigned index, unsigned candidate, uint8_t ret[8]);
