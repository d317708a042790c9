/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that is told of one function's settings, and of the switch and the ports behind them. */
#pragma once

#include "port.h"
#include "setting.h"

struct setting_report {
	struct setting_states states;
	struct devlink_eswitch eswitch; /* of a PF; -1 in all: none, or nobody tells */
	/* Of a PF those of its VFs, of a VF its own: a representor each. By VF. */
	struct devlink_port *ports;
	size_t n_ports;
	struct devlink_reporter *reporters; /* of a PF */
	size_t n_reporters;
};

/* Changes nothing; what cannot be asked is not told. -ENOMEM only. */
int setting_report_read(struct host *h, const struct function *f, const char *learned_dir,
	struct setting_report *ret);
void setting_report_done(struct setting_report *r);
#define autoreport CLEANUP(setting_report_done) struct setting_report

/* "legacy", "switchdev"; NULL unknown. */
const char *setting_eswitch_mode_name(int mode);
