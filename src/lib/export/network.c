// SPDX-License-Identifier: GPL-2.0-or-later
/* A network of libvirt's that hands out a PF's VFs to the domains that name it. */
#include "formats.h"

#include "base/str.h"

/*
 * Where all VFs are on VFIO already they stay there. Else libvirt binds a VF for the time of its
 * guest, and needs to be told so.
 */
static bool is_prepared(const struct exported *e)
{
	const struct function *pf = e->v[0].f;

	for (size_t i = 0; pf->kind == FUNCTION_VF && i < e->n; i++)
		if (!driver_is_vfio(e->v[i].f->driver))
			return false;
	for (size_t i = 0; i < pf->n_vfs; i++)
		if (!driver_is_vfio(pf->vfs[i]->driver))
			return false;
	return pf->kind == FUNCTION_VF || pf->n_vfs > 0;
}

static const char *interface_of(const struct function *pf)
{
	const char *name = pf->n_netdevs ? pf->netdevs[0].name : NULL;

	return name && str_is_printable(name) ? name : NULL;
}

/* By the PF libvirt sees VFs that come later, too; without interface it wants them one by one. */
static void write_members(struct xml *x, const struct exported *e)
{
	const struct function *pf = e->v[0].f;
	const char *dev = interface_of(pf);

	for (size_t i = 0; pf->kind == FUNCTION_VF && i < e->n; i++)
		xml_address(x, e->v[i].f->bdf, true);
	if (pf->kind == FUNCTION_VF)
		return;
	if (dev) {
		xml_open(x, "pf");
		xml_attribute(x, "dev", "%s", dev);
		xml_close(x);
		return;
	}
	for (size_t i = 0; i < pf->n_vfs; i++)
		xml_address(x, pf->vfs[i]->bdf, true);
}

/* libvirt makes a file of that name. */
static int check_name(const char *name, struct problem **reterr)
{
	if (!name || (*name && !strchr(name, '/') && str_is_printable(name)))
		return 0;
	return problem(reterr, -EINVAL, PROBLEM_USAGE, "as in --name guests",
		"that is no name of a network");
}

static int check_pf(const struct function *pf, struct problem **reterr)
{
	if (!interface_of(pf) && !pf->n_vfs)
		return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL,
			"%s has neither a network interface nor VFs by which to name it",
			pf->address);
	if (driver_is_vfio(pf->driver))
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, "vfctl restore it first",
			"%s is driven through VFIO, and libvirt cannot pass its owner's token for "
			"its VFs",
			pf->address);
	return 0;
}

/* libvirt sets the address of what it hands out, by the PF's interface. */
static int check_vf(const struct function *vf, struct problem **reterr)
{
	if (!vf->physfn || !vf->physfn->n_netdevs)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "--format libvirt",
			"%s is no VF of a network card: libvirt's networks take only those",
			vf->address);
	return check_pf(vf->physfn, reterr);
}

static int check_members(
	const struct exported *e, const struct export_opts *opts, struct problem **reterr)
{
	int r = check_name(opts->name, reterr);

	for (size_t i = 0; r == 0 && i < e->n; i++)
		r = e->v[i].f->kind == FUNCTION_VF ? check_vf(e->v[i].f, reterr)
						   : check_pf(e->v[i].f, reterr);
	if (r == 0 && !opts->name && e->v[0].f->kind == FUNCTION_VF)
		return problem(reterr, -EINVAL, PROBLEM_USAGE, "as in --name guests",
			"a network of some VFs needs a name");
	return r;
}

int write_network(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr)
{
	const struct function *pf = e->v[0].f;
	autofree char *own = NULL;
	autoxml x = { 0 };
	int r = check_members(e, opts, reterr);

	if (r < 0)
		return r;
	own = str_printf("vfctl-%s", interface_of(pf) ? interface_of(pf) : pf->address);
	if (!own)
		return -ENOMEM;
	xml_start(&x);
	xml_open(&x, "network");
	xml_open(&x, "name");
	if (!x.failed)
		x.failed = xmlTextWriterWriteString(
				   x.writer, (const xmlChar *)(opts->name ? opts->name : own)) < 0;
	xml_close(&x);
	xml_open(&x, "forward");
	xml_attribute(&x, "mode", "hostdev");
	xml_attribute(&x, "managed", is_prepared(e) ? "no" : "yes");
	write_members(&x, e);
	xml_close(&x);
	xml_close(&x);
	return xml_take(&x, ret);
}
