/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the global options said, and what every verb needs. */
#pragma once

#include "args.h"
#include "out/out.h"
#include "host/host.h"
#include "inventory/inventory.h"

struct cli {
	struct out out;
	const char *root;    /* NULL: this machine */
	const char *pci_ids; /* NULL: the system's */
	/* What must outlive the process: original drivers. NULL: nothing is kept. */
	const char *driver_state_dir;
	const char *identity_dir; /* which cards were configured; NULL: nobody knows */
	/* Where changes are written down, and how many are made at a time. NULL: no journal. */
	const char *run_dir, *history_dir;
	unsigned jobs;
	const char *learned_dir; /* and what drivers answered to settings; NULL as well */
	bool wants_pools;	 /* a selector pool=NAME is among the words */
	bool dry_run;
	bool asks_daemon; /* changes go to a daemon where there is one; --direct: not */
	unsigned verbose;
	bool progress;	   /* say what is awaited */
	bool waited;	   /* an unfinished progress line stands on the terminal */
	struct host *host; /* use cli_host() */
};

/* Reads the global options. The columns of -o are checked against the verb's. */
int cli_init(struct cli *cli, const struct args *a, struct problem **reterr);
void cli_done(struct cli *cli);

/* Opens the machine at the first call. */
int cli_host(struct cli *cli, struct host **ret, struct problem **reterr);
/* PROBLEM_READ_ONLY on a captured machine, unless it is a dry run. Opens the host. */
int cli_may_act(struct cli *cli, struct problem **reterr);
int cli_inventory(struct cli *cli, unsigned flags, struct inventory **ret, struct problem **reterr);

/*
 * Who uses the functions, when --holders or a column asks for it; `usual` are then the columns if
 * none were chosen.
 */
int cli_holders(struct cli *cli, const struct args *a, struct inventory *inv, const char *usual,
	struct problem **reterr);

/*
 * Progress of a wait: overwrites one line on a terminal, else one line a while. Ends with
 * cli_waited(), which clears the line.
 */
void cli_waiting(struct cli *cli, const char *text, unsigned waited_ms);
void cli_waited(struct cli *cli);
