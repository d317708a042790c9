// SPDX-License-Identifier: GPL-2.0-or-later
#include "guest.h"
#include "wish.h"

#include "base/str.h"

#include <libvirt/virterror.h>

static void domain_freep(virDomainPtr *d)
{
	if (*d)
		virDomainFree(*d);
}

static int find(virConnectPtr c, const char *name, virDomainPtr *ret, struct problem **reterr)
{
	autofree char *safe = str_printable(name);

	*ret = virDomainLookupByName(c, name);
	if (!*ret)
		return virt_problem(reterr, "domain %s", safe ? safe : "?");
	if (virDomainIsActive(*ret) == 1)
		return 0;
	return problem(reterr, -ESRCH, PROBLEM_NOT_FOUND,
		"what it wishes for is attached when it starts", "domain %s does not run",
		safe ? safe : "?");
}

static int read_domain(virDomainPtr dom, struct domain *ret, struct problem **reterr)
{
	autofree char *xml = virDomainGetXMLDesc(dom, 0);
	int r;

	if (!xml)
		return virt_problem(reterr, "domain %s", virDomainGetName(dom));
	r = domain_parse(xml, strlen(xml), ret);
	return r < 0 ? problem(reterr, r, PROBLEM_FAILED, NULL,
			       "domain %s: libvirt describes it in a way that cannot be read",
			       virDomainGetName(dom))
		     : 0;
}

static int attach(virDomainPtr dom, const char *xml, struct problem **reterr)
{
	int r;

	if (virDomainAttachDeviceFlags(dom, xml, VIR_DOMAIN_AFFECT_LIVE) == 0)
		return 1;
	r = virt_problem(reterr, "libvirt does not attach it");
	problem_hint(reterr, "it needs a free slot, on q35 a <controller type='pci' "
			     "model='pcie-root-port'/> for each device");
	return r;
}

static int do_step(virDomainPtr dom, const char *name, struct wish_device *x, bool dry_run,
	const struct guest_told *to)
{
	struct problem *p = TAKE_PTR(x->missing);
	int r = p ? p->code : 1;

	if (!p && !dry_run)
		r = attach(dom, x->xml, &p);
	to->step(to->arg, name, x->what, r, p);
	return r < 0;
}

int guest_attach(virConnectPtr c, struct host *h, const char *name, bool dry_run,
	const struct guest_told *to, struct problem **reterr)
{
	CLEANUP(domain_freep) virDomainPtr dom = NULL;
	autowishdevices devices = { 0 };
	autoleases leases = { 0 };
	autodomain d = { 0 };
	int r = find(c, name, &dom, reterr), failed = 0;

	if (r == 0)
		r = read_domain(dom, &d, reterr);
	if (r < 0 || !d.n_assigns)
		return r;
	if (leases_read(h, &leases) < 0 || wish_devices(h, &d, &leases, &devices) < 0)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "out of memory");
	for (size_t i = 0; i < devices.n; i++)
		failed += do_step(dom, d.name, &devices.v[i], dry_run, to);
	return failed;
}
