// SPDX-License-Identifier: GPL-2.0-or-later
#include "cli.h"
#include "config.h"
#include "base/str.h"
#include "out/holder.h"

static int parse_json(struct cli *cli, const struct args *a, struct problem **reterr)
{
	const char *value = args_value(a, "json");

	if (!args_has(a, "json"))
		return 0;
	if (!value || str_eq(value, "pretty"))
		cli->out.format = OUT_JSON_PRETTY;
	else if (str_eq(value, "short"))
		cli->out.format = OUT_JSON_SHORT;
	else
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "pretty or short",
			"--json=%s: no such form", value);
	return 0;
}

static bool color_by_itself(FILE *to)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(to)) && !(no && *no) && !str_eq(term, "dumb");
}

static int parse_color(struct cli *cli, const struct args *a, struct problem **reterr)
{
	const char *value = args_value(a, "color");

	if (!args_has(a, "color") || str_eq(value, "auto"))
		cli->out.color = color_by_itself(cli->out.to);
	else if (!value || str_eq(value, "always"))
		cli->out.color = true;
	else if (str_eq(value, "never"))
		cli->out.color = false;
	else
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "auto, always or never",
			"--color=%s: no such choice", value);
	return 0;
}

int cli_init(struct cli *cli, const struct args *a, struct problem **reterr)
{
	int r;

	r = parse_json(cli, a, reterr);
	if (r == 0)
		r = parse_color(cli, a, reterr);
	if (r < 0)
		return r;
	cli->out.legend = !args_has(a, "no-legend");
	cli->out.columns = args_value(a, "columns");
	cli->root = args_value(a, "root");
	cli->pci_ids = args_value(a, "pci-ids");
	if (cli->pci_ids && access(cli->pci_ids, R_OK) < 0)
		return problem(reterr, -errno, problem_kind_from_errno(-errno), NULL,
			"--pci-ids %s: %s", cli->pci_ids, strerror(errno));
	cli->wants_pools = false;
	for (size_t i = 0; i < a->n_words; i++)
		cli->wants_pools |= str_starts(a->words[i], "pool=");
	cli->dry_run = args_has(a, "dry-run");
	cli->asks_daemon &= !args_has(a, "direct");
	cli->verbose = args_count(a, "verbose");
	cli->progress = cli->verbose || isatty(fileno(cli->out.notes));
	if (a->verb->columns)
		return out_columns_check(
			a->verb->columns, *a->verb->n_columns, cli->out.columns, reterr);
	return 0;
}

void cli_done(struct cli *cli)
{
	if (cli->host)
		host_free(cli->host);
	cli->host = NULL;
}

int cli_host(struct cli *cli, struct host **ret, struct problem **reterr)
{
	int r = 0;

	if (!cli->host)
		r = cli->root ? host_new_captured(cli->root, &cli->host, reterr)
			      : host_new_live(&cli->host, reterr);
	if (r < 0)
		return r;
	*ret = cli->host;
	return 0;
}

int cli_may_act(struct cli *cli, struct problem **reterr)
{
	struct host *h;
	int r;

	r = cli_host(cli, &h, reterr);
	if (r < 0)
		return r;
	if (h->captured && !cli->dry_run)
		return problem(reterr, -EROFS, PROBLEM_READ_ONLY,
			"--dry-run shows what would be done",
			"%s is a captured machine: nothing can be changed there", cli->root);
	return 0;
}

int cli_inventory(struct cli *cli, unsigned flags, struct inventory **ret, struct problem **reterr)
{
	CLEANUP(inventory_freep) struct inventory *inv = NULL;
	struct host *h;
	int r;

	r = cli_host(cli, &h, reterr);
	if (r == 0)
		r = inventory_load_named(h, flags, cli->pci_ids, &inv, reterr);
	if (r == 0 && inventory_find_claims(h, inv) < 0)
		r = problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	if (r == 0 && cli->wants_pools)
		r = cli_label_pools(cli, inv, reterr);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(inv);
	return 0;
}

int cli_holders(struct cli *cli, const struct args *a, struct inventory *inv, const char *usual,
	struct problem **reterr)
{
	const char *columns = cli->out.columns;
	struct host *h;
	int r;

	if (!args_has(a, "holders") && !(columns && strcasestr(columns, "HOLDER")))
		return 0;
	r = cli_host(cli, &h, reterr);
	if (r < 0)
		return r;
	r = inventory_find_holders(h, inv);
	if (r < 0)
		return problem(reterr, r, problem_kind_from_errno(r), NULL,
			"cannot find out who uses the functions: %s", strerror(-r));
	if (!columns)
		cli->out.columns = usual;
	holders_note_unknown(&cli->out, inv);
	return 0;
}

void cli_waiting(struct cli *cli, const char *text, unsigned waited_ms)
{
	autofree char *printable = NULL;
	bool terminal = isatty(fileno(cli->out.notes));
	unsigned seconds = waited_ms / 1000;

	if (!cli->progress || !seconds)
		return;
	/* In a log, once at the start and then every ten seconds is enough. */
	if (!terminal && seconds != 1 && seconds % 10)
		return;
	printable = str_printable(text);
	if (!printable)
		return;
	fprintf(cli->out.notes, terminal ? "\r\033[K%s — %u s" : "%s — %u s\n", printable, seconds);
	fflush(cli->out.notes);
	cli->waited = terminal;
}

void cli_waited(struct cli *cli)
{
	if (!cli->waited)
		return;
	fputs("\r\033[K", cli->out.notes);
	fflush(cli->out.notes);
	cli->waited = false;
}
