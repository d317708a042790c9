/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A hand-over: its text as it is, or as JSON with what it is about. */
#pragma once

#include "export/export.h"
#include "out.h"

/* What the text does not say follows as notes. */
int out_exported(const struct out *o, const struct exported *e, const struct export_opts *opts,
	struct problem **reterr);
