/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads that are small: of the stack that was asked for, and named without a file being opened.
 */
#pragma once

#include <pthread.h>

/*
 * Signals are masked as in the caller. `name` is cut after 15 characters. A negative errno.
 */
int thread_start(pthread_t *ret, const char *name, void *(*fn)(void *arg), void *arg);
