// SPDX-License-Identifier: GPL-2.0-or-later
#include "syscalls.h"

_Thread_local uint64_t syscalls_of_thread;
