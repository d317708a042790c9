// SPDX-License-Identifier: GPL-2.0-or-later
#include "connect.h"

#include "base/str.h"

#include <libvirt/virterror.h>
#include <stdio.h>

/* It would print them itself. */
static void silent(void *arg UNUSED, virErrorPtr e UNUSED)
{
}

bool virt_failed_with(int code)
{
	const virError *e = virGetLastError();

	return e && e->code == code;
}

static const struct {
	int virt, code;
	enum problem_kind kind;
} meanings[] = {
	{ VIR_ERR_NO_MEMORY, -ENOMEM, PROBLEM_NO_MEMORY },
	{ VIR_ERR_AUTH_FAILED, -EACCES, PROBLEM_PERMISSION },
	{ VIR_ERR_AUTH_CANCELLED, -EACCES, PROBLEM_PERMISSION },
	{ VIR_ERR_AUTH_UNAVAILABLE, -EACCES, PROBLEM_PERMISSION },
	{ VIR_ERR_ACCESS_DENIED, -EACCES, PROBLEM_PERMISSION },
	{ VIR_ERR_OPERATION_DENIED, -EACCES, PROBLEM_PERMISSION },
	{ VIR_ERR_NO_DOMAIN, -ENOENT, PROBLEM_NOT_FOUND },
	{ VIR_ERR_NO_NETWORK, -ENOENT, PROBLEM_NOT_FOUND },
	{ VIR_ERR_NO_CONNECT, -ENOENT, PROBLEM_NOT_FOUND },
	{ VIR_ERR_INVALID_ARG, -EINVAL, PROBLEM_USAGE },
	{ VIR_ERR_XML_ERROR, -EINVAL, PROBLEM_USAGE },
	{ VIR_ERR_NO_SUPPORT, -EOPNOTSUPP, PROBLEM_UNSUPPORTED },
	{ VIR_ERR_CONFIG_UNSUPPORTED, -EOPNOTSUPP, PROBLEM_UNSUPPORTED },
	{ VIR_ERR_OPERATION_UNSUPPORTED, -EOPNOTSUPP, PROBLEM_UNSUPPORTED },
	{ VIR_ERR_OPERATION_TIMEOUT, -ETIMEDOUT, PROBLEM_TIMEOUT },
};

int virt_problem(struct problem **reterr, const char *what, ...)
{
	const virError *e = virGetLastError();
	autofree char *said = e && e->message ? str_printable(e->message) : NULL, *about = NULL;
	enum problem_kind kind = PROBLEM_FAILED;
	int code = -EIO;
	va_list ap;

	for (size_t i = 0; e && i < ARRAY_SIZE(meanings); i++)
		if (e->code == meanings[i].virt) {
			code = meanings[i].code;
			kind = meanings[i].kind;
		}
	va_start(ap, what);
	if (vasprintf(&about, what, ap) < 0)
		about = NULL;
	va_end(ap);
	return problem(reterr, code, kind, NULL, "%s: %s", about ? about : "libvirt",
		said ? said : "libvirt does not say why");
}

int virt_connect(const char *uri, virConnectPtr *ret, struct problem **reterr)
{
	virConnectPtr c;

	if (virInitialize() < 0)
		return virt_problem(reterr, "libvirt cannot be used");
	virSetErrorFunc(NULL, silent);
	c = virConnectOpen(uri ? uri : VIRT_URI);
	if (c) {
		*ret = c;
		return 0;
	}
	virt_problem(reterr, "libvirt cannot be reached at %s", uri ? uri : VIRT_URI);
	if (!uri && virt_failed_with(VIR_ERR_SYSTEM_ERROR))
		problem_hint(reterr, "systemctl start libvirtd (or virtqemud and virtnetworkd)");
	return -EIO;
}
