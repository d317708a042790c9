/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What things are called on the bus. vfctld(8) is the contract. */
#pragma once

#define DAEMON_NAME	 "org.vfctl1"
#define DAEMON_PATH	 "/org/vfctl1"
#define DAEMON_INTERFACE "org.vfctl1.Manager"
#define JOB_INTERFACE	 "org.vfctl1.Job"
#define JOB_PATH_PREFIX	 "/org/vfctl1/job/"
/* An error is this and the kind (base/kinds.def) in one word: "org.vfctl1.Error.InUse". */
#define ERROR_PREFIX "org.vfctl1.Error."

#define POLKIT_LOOK   "org.vfctl1.look"
#define POLKIT_CHANGE "org.vfctl1.change"
#define POLKIT_CLAIM  "org.vfctl1.claim"
