/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker that serves one queue alone sleeps in its back end, where that can watch the
 * doorbell, too: what it has begun begins with the system call that it sleeps in.
 *
 * The thread says that it goes to bed, and looks then which one it is; who changes that does it in
 * the other order, and waits until the thread is up. Nothing else may take the signal that is to
 * wake it: the queue has no other thread yet.
 */
#pragma once

#include "worker.h"

/* Before the thread runs. */
void doze_prepare(struct worker *w);
/* Who is in it has changed. The loop is held, no queue's lock. */
void doze_choose(struct worker *w);
