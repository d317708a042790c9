// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Arguments of QEMU, a line for each option, with nothing in them that a shell or QEMU's own commas
 * would take apart: addresses, a UUID.
 */
#include "formats.h"

#include "base/str.h"
#include "fitness/fitness.h"

static int check(
	const struct export_function *x, const struct export_opts *opts, struct problem **reterr)
{
	if (fitness_needs_token(x->f) && !opts->vf_token)
		return problem(reterr, -EACCES, PROBLEM_USAGE,
			"--vf-token UUID, the one that the PF's owner set",
			"the PF of %s is driven through VFIO: QEMU needs its owner's token",
			x->f->address);
	if (opts->iommufd == 1 && !x->cdev)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, "leave --iommufd away",
			"%s has no character device for iommufd in this kernel", x->f->address);
	return 0;
}

/* Only a VF whose PF is on VFIO has use for the token: others refuse it (EINVAL). */
static void write_one(
	struct strbuf *b, const struct export_function *x, const struct export_opts *opts)
{
	strbuf_add(b, "-device vfio-pci,host=%s", x->f->address);
	if (uses_iommufd(x, opts->iommufd))
		strbuf_add(b, ",iommufd=iommufd0");
	if (fitness_needs_token(x->f))
		strbuf_add(b, ",vf-token=%s", opts->vf_token);
	strbuf_add(b, "\n");
}

int write_qemu(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr)
{
	autostrbuf b = { 0 };
	bool iommufd = false;

	for (size_t i = 0; i < e->n; i++) {
		int r = check(&e->v[i], opts, reterr);

		if (r < 0)
			return r;
		iommufd |= uses_iommufd(&e->v[i], opts->iommufd);
	}
	if (iommufd)
		strbuf_add(&b, "-object iommufd,id=iommufd0\n");
	for (size_t i = 0; i < e->n; i++)
		write_one(&b, &e->v[i], opts);
	*ret = strbuf_take(&b);
	return *ret ? 0 : -ENOMEM;
}
