// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "base/str.h"

static int list_of(const char *const *files, size_t n, char ***ret)
{
	autostrv char **v = calloc(1, sizeof(*v));

	for (size_t i = 0; v && i < n; i++)
		if (strv_add(&v, files[i]) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(v);
	return *ret ? 0 : -ENOMEM;
}

static int load_files(struct cli *cli, struct host *h, const struct inventory *inv,
	const char *const *files, size_t n, struct policy **ret, struct problem **reterr)
{
	struct policy_opts opts = { .identity_dir = cli->identity_dir,
		.learned_dir = cli->learned_dir };
	autofree char *cwd = get_current_dir_name();
	autostrv char **list = NULL;
	autohost *here = NULL;
	int r = cwd ? list_of(files, n, &list) : -errno;

	if (r == 0)
		r = host_new_live(&here, reterr);
	if (r < 0)
		return r;
	opts.files = list;
	opts.files_host = here;
	opts.cwd = cwd;
	return policy_load(h, inv, &opts, ret);
}

int cli_policy(struct cli *cli, const struct inventory *inv, const char *const *files, size_t n,
	struct policy **ret, struct problem **reterr)
{
	const struct policy_opts opts = { .identity_dir = cli->identity_dir,
		.learned_dir = cli->learned_dir };
	struct host *h;
	int r = cli_host(cli, &h, reterr);

	if (r < 0)
		return r;
	return n ? load_files(cli, h, inv, files, n, ret, reterr) : policy_load(h, inv, &opts, ret);
}

int cli_label_pools(struct cli *cli, struct inventory *inv, struct problem **reterr)
{
	CLEANUP(policy_freep) struct policy *p = NULL;
	int r = cli_policy(cli, inv, NULL, 0, &p, reterr);

	if (r == 0)
		r = policy_refuse(p, reterr);
	if (r < 0)
		return r;
	return policy_label(p, inv);
}

int cli_foreign(
	struct cli *cli, const struct inventory *inv, struct foreign *ret, struct problem **reterr)
{
	CLEANUP(policy_freep) struct policy *p = NULL;
	autoforeign f = { 0 };
	struct host *h;
	int r = cli_host(cli, &h, reterr);

	if (r == 0)
		r = foreign_read(h, inv, &f);
	if (r == 0)
		r = cli_policy(cli, inv, NULL, 0, &p, reterr);
	if (r == 0)
		r = foreign_add_policy(&f, p);
	if (r < 0)
		return r;
	*ret = f;
	f = (struct foreign) { 0 };
	return 0;
}
