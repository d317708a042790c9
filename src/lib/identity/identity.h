/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which card a PF is. An address says only where something stands: after work on a machine another
 * card may stand there. So what a PF was when it was first configured is recorded, and looked at
 * before every later change.
 *
 * A record is a file named by the address in /var/lib/vfctl/identities, lines of Key=Value:
 *
 *   Vendor=8086 Device=10c9 SubsystemVendor=8086 SubsystemDevice=a03c      hexadecimal
 *   PermanentMACAddress=…    of its first interface
 *   DeviceSerialNumber=…     the PCIe capability (PCIe 5.0, 7.9.3), as lspci writes it
 *   Serial=…                 of the vital product data
 *   NVMeSerial=…             of the controller
 *   StableSeed=…             what stable addresses are derived from; see stable.h
 *
 * each on a line of its own, those that are unknown left out. What is known on both sides must be
 * equal; what only one side knows (an interface is gone while another driver is bound) says
 * nothing. Two cards of one kind without any serial number cannot be told apart.
 *
 * Users of this header also name the rooms pci and host in USES.
 */
#pragma once

#include "base/bdf.h"
#include "host/host.h"
#include "pci/identity.h"

#define IDENTITY_DIR "/var/lib/vfctl/identities"

enum identity_fact {
	IDENTITY_MAC,
	IDENTITY_DSN,
	IDENTITY_VPD_SERIAL,
	IDENTITY_NVME_SERIAL,
	IDENTITY_FACTS
};

struct pf_identity {
	struct bdf bdf;
	struct identity id;	    /* the class code is not part of it */
	char *fact[IDENTITY_FACTS]; /* NULL unknown */
	char *seed;
};

void pf_identity_done(struct pf_identity *p);
#define autopfidentity CLEANUP(pf_identity_done) struct pf_identity

/* "PermanentMACAddress", … as in a record; and for people, "permanent MAC address". */
const char *identity_fact_key(enum identity_fact f);
const char *identity_fact_text(enum identity_fact f);

/* What stands there now. -ENOENT when nothing does. Facts that cannot be read are unknown. */
int pf_identity_read(struct host *h, struct bdf pf, struct pf_identity *ret);

enum identity_verdict {
	IDENTITY_NEW,	/* nothing recorded: to be recorded with the first change */
	IDENTITY_SAME,	/* as recorded */
	IDENTITY_MOVED, /* the card is recorded for another address, and is not there any more */
};

struct identity_finding {
	enum identity_verdict verdict;
	struct bdf from; /* of IDENTITY_MOVED */
	char *seed;	 /* the recorded one, or for a new card the one that would be recorded */
};

void identity_finding_done(struct identity_finding *f);
#define autoidentity CLEANUP(identity_finding_done) struct identity_finding

/*
 * Before every change of a PF. PROBLEM_DRIFT (-ESTALE) when another card than the recorded one
 * stands there: what differs, and how to accept it. A record that cannot be understood is
 * PROBLEM_DRIFT, too. `dir` is IDENTITY_DIR but in tests; a captured machine's records are read
 * from the capture.
 */
int identity_verify(struct host *h, const char *dir, struct bdf pf, struct identity_finding *ret,
	struct problem **reterr);
/*
 * Writes down what stands there; after a successful identity_verify(), or because the user accepts
 * the new card. A moved card's old record goes. Facts of a record that still holds and cannot be
 * read now are kept, and so is its seed. 1 written, 0 was so.
 */
int identity_record(struct host *h, const char *dir, struct bdf pf, struct problem **reterr);
/* One line for people: "8086:10c9, permanent MAC address 52:54:00:aa:00:01". NULL: no memory. */
char *pf_identity_text(const struct pf_identity *p) NODISCARD;

/* ---- For those who keep it elsewhere ---- */

/* What stands there, in the form of a record; the caller's. -ENOENT when nothing does. */
int identity_fingerprint(struct host *h, struct bdf a, char **ret);
/*
 * 1 that is there, by more than its kind; 0 nothing speaks against it; -ESTALE another card:
 * *ret_why (may be NULL) says what differs; -ENOENT nothing is there; -EBADMSG no fingerprint.
 */
int identity_is(struct host *h, struct bdf a, const char *fingerprint, char **ret_why);
