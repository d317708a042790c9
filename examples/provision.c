// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes a PF have N VFs on VFIO, each with the same settings: shows the plan and who would lose
 * something by it, then does it, all or nothing.
 *
 *   cc provision.c $(pkg-config --cflags --libs libvfctl) -o provision
 *   ./provision ens1f0 4 vlan=100 spoofchk=on
 *   ./provision --dry-run ens1f0 4                        only the plan
 *   ./provision --dry-run --root web1.tar.gz eth0 2       of a captured machine
 */
#include <vfctl/vfctl.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct wanted {
	const char *root, *pf;
	unsigned n;
	char **settings; /* NULL at the end */
	int dry_run;
};

static int complain(const struct vfctl_error *e)
{
	fprintf(stderr, "provision: %s\n", e ? vfctl_error_message(e) : "out of memory");
	if (e && vfctl_error_hint(e))
		fprintf(stderr, "  hint: %s\n", vfctl_error_hint(e));
	return e ? vfctl_error_exit_code(e) : 1;
}

static int wish(
	struct vfctl_wishes *w, const char *pf, const struct wanted *wanted, struct vfctl_error **e)
{
	int r = vfctl_wishes_vfs(w, pf, wanted->n, e);

	for (unsigned vf = 0; r == 0 && vf < wanted->n; vf++) {
		r = vfctl_wishes_driver(w, pf, (int)vf, "vfio", e);
		for (char **s = wanted->settings; r == 0 && *s; s++)
			r = vfctl_wishes_set(w, pf, (int)vf, *s, e);
	}
	return r;
}

/* What would be done; what stands against it is returned, borrowed. */
static const struct vfctl_error *show(const struct vfctl_plan *p)
{
	for (size_t i = 0; i < vfctl_plan_steps(p); i++) {
		const struct vfctl_step *s = vfctl_plan_step(p, i);

		printf("%s: %s (was %s)\n", vfctl_step_target(s), vfctl_step_action(s),
			vfctl_step_was(s) ? vfctl_step_was(s) : "nothing, or unknown");
	}
	for (size_t i = 0; i < vfctl_plan_losses(p); i++) {
		const struct vfctl_loss *l = vfctl_plan_loss(p, i);
		const char *user = vfctl_loss_user(l);

		printf("%s %s: %s\n", vfctl_loss_function(l),
			vfctl_loss_destroyed(l) ? "goes" : "loses its driver for a while",
			user ? user : "used by nobody");
	}
	return vfctl_plan_refusal(p, 0);
}

static int apply(struct vfctl_host *host, const struct vfctl_plan *p, int dry_run)
{
	const struct vfctl_error *refusal = show(p);
	struct vfctl_error *e = NULL;
	unsigned id = 0;
	int r;

	if (refusal)
		return complain(refusal);
	if (dry_run)
		return 0;
	r = vfctl_plan_apply(host, p, "provision", &id, &e);
	if (r > 0)
		printf("done; vfctl undo %u takes it back\n", id);
	r = r < 0 ? complain(e) : 0;
	vfctl_error_free(e);
	return r;
}

static int provision(struct vfctl_host *host, const struct wanted *wanted)
{
	const struct vfctl_function *pf = NULL;
	struct vfctl_snapshot *s = NULL;
	struct vfctl_wishes *w = NULL;
	struct vfctl_plan *p = NULL;
	struct vfctl_error *e = NULL;
	int r;

	r = vfctl_snapshot_take(host, &s, &e);
	if (r == 0)
		r = vfctl_snapshot_find(host, s, wanted->pf, &pf, &e);
	if (r == 0)
		r = vfctl_wishes_new(&w, &e);
	if (r == 0)
		r = wish(w, vfctl_function_address(pf), wanted, &e);
	if (r == 0)
		r = vfctl_plan_make(host, w, 0, &p, &e);
	r = r < 0 ? complain(e) : apply(host, p, wanted->dry_run);
	vfctl_error_free(e);
	vfctl_plan_free(p);
	vfctl_wishes_free(w);
	vfctl_snapshot_free(s);
	return r;
}

static int parse(char **argv, struct wanted *wanted)
{
	char *end;

	for (argv++; *argv && argv[0][0] == '-'; argv++)
		if (!strcmp(*argv, "--dry-run"))
			wanted->dry_run = 1;
		else if (!strcmp(*argv, "--root") && argv[1])
			wanted->root = *++argv;
		else
			return -1;
	if (!argv[0] || !argv[1] || argv[1][0] < '0' || argv[1][0] > '9')
		return -1;
	wanted->pf = argv[0];
	wanted->n = (unsigned)strtoul(argv[1], &end, 10);
	wanted->settings = argv + 2;
	return *end ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct wanted wanted = { 0 };
	struct vfctl_error *e = NULL;
	struct vfctl_host *host = NULL;
	int r;

	if (argc < 3 || parse(argv, &wanted) < 0) {
		fprintf(stderr,
			"usage: provision [--dry-run] [--root CAPTURE] PF N [KEY=VALUE...]\n");
		return 2;
	}
	r = wanted.root ? vfctl_host_open_captured(wanted.root, &host, &e)
			: vfctl_host_open(&host, &e);
	if (r < 0) {
		r = complain(e);
		vfctl_error_free(e);
		return r;
	}
	r = provision(host, &wanted);
	vfctl_host_close(host);
	return r;
}
