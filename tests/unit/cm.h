/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cmocka and what it wants included before it, in one place (cmocka 2 changes its types). */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
