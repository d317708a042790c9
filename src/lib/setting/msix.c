// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many MSI-X vectors a VF has, of the pool that some PFs divide (Linux 5.13,
 * ABI/testing/sysfs-bus-pci: sriov_vf_msix_count, sriov_vf_total_msix). The VF must be unbound: its
 * driver would have read the old number. The attribute is only written; the size of the table in
 * the VF's configuration space is what tells.
 */
#include "kinds.h"
#include "pci/config.h"
#include "sriov/facts.h"

#include "base/str.h"
#include "host/locked.h"
#include "host/sysfs.h"

#include <inttypes.h>

enum { VECTORS_MAX = 2048, WRITE_MS = 10000 };

static const struct setting_key keys[] = {
	{ .name = "msix",
		.takes = "1 to 2048 interrupt vectors, or default",
		.level = SETTING_OF_VF,
		.when = SETTING_UNBOUND,
		.type = SETTING_WORDS,
		.max = VECTORS_MAX },
};

static int value(const struct setting_key *key UNUSED, const char *text, char **ret)
{
	uint32_t n = 0;

	if (!str_eq(text, "default") && (parse_u32(text, &n) < 0 || !n || n > VECTORS_MAX))
		return -EINVAL;
	*ret = n ? str_printf("%u", n) : strdup("default");
	return *ret ? 0 : -ENOMEM;
}

/* The table size, PCI Local Bus 3.0, 6.8.2.3; 0 unknown. */
static unsigned vectors(struct host *h, struct bdf vf)
{
	struct config_space c;
	uint16_t control;
	unsigned cap;

	if (config_space_read(h, vf, &c) < 0)
		return 0;
	cap = config_find(&c, CAP_MSIX);
	return cap && config_u16(&c, cap + 2, &control) ? (control & 0x7ff) + 1 : 0;
}

/* Of all VFs together; 0 the driver divides none, -1 unknown. */
static int64_t pool(struct host *h, const struct function *pf)
{
	struct locked_read total = { .function = pf->bdf, .attribute = "sriov_vf_total_msix" };

	locked_read_all(h, &total, 1);
	if (total.result == -ENOENT)
		return 0;
	return total.result < 0 ? -1 : sriov_parse_vf_total_msix(total.text);
}

static void look(struct host *h, const struct function *f, struct setting_state *s, size_t n UNUSED)
{
	const char *driver = setting_driver(f);
	unsigned now = vectors(h, f->bdf);
	int64_t total = pool(h, f->physfn);

	if (now)
		s->value = str_printf("%u", now);
	if (!driver) {
		setting_state_unsupported(s, "no driver is bound to %s", f->physfn->address);
	} else if (total == 0) {
		setting_state_unsupported(s, "%s has no pool of vectors for its VFs", driver);
	} else if (total > 0) {
		setting_state_supported(s, NULL);
		s->why = str_printf("%" PRIi64 " for all VFs, while no driver is bound", total);
	}
}

/* Nothing is the same as the default, whatever that is. */
static bool same(const struct setting_key *key UNUSED, const char *want, const char *is)
{
	return str_eq(want, is);
}

static int explain(const struct function *f, int code, struct problem **reterr)
{
	const char *driver = setting_driver(f);

	switch (code) {
	case -EBUSY:
		problem(reterr, code, PROBLEM_IN_USE, NULL,
			"%s: a driver is bound, which knows the old number", f->address);
		problem_hint(reterr, "vfctl unbind %s, then set it", f->address);
		return code;
	case -EOPNOTSUPP:
	case -ENOENT:
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
			"%s: %s cannot divide interrupt vectors among its VFs", f->address,
			driver ? driver : "a PF without driver");
	case -EINVAL:
	case -ERANGE:
	case -EOVERFLOW:
	case -ENOSPC:
		return problem(reterr, code, PROBLEM_UNSUPPORTED,
			"take vectors from another VF, or ask for fewer",
			"%s: %s does not give it that many vectors: %s", f->address,
			driver ? driver : "the PF", strerror(-code));
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL,
			"%s: cannot set its interrupt vectors: %s", f->address, strerror(-code));
	}
}

static int write_it(struct application *app, const struct setting_key *key UNUSED, const char *text,
	struct problem **reterr)
{
	const struct host_wait wait = { .deadline_ms = WRITE_MS };
	bool preset = str_eq(text, "default");
	const struct function *f = app->f;
	int64_t total = pool(app->host, f->physfn);
	uint32_t n = 0;
	int r;

	if (!preset && parse_u32(text, &n) == 0 && total > 0 && n > total)
		return problem(reterr, -ERANGE, PROBLEM_UNSUPPORTED, NULL,
			"%s: %u vectors are more than the %" PRIi64 " that %s has for its VFs",
			f->address, n, total, f->physfn->address);
	r = sysfs_write_within(app->host, &wait, preset ? "0" : text,
		"bus/pci/devices/%s/sriov_vf_msix_count", f->address);
	if (r < 0)
		return explain(f, r, reterr);
	return preset; /* there is nothing to compare it with */
}

const struct setting_kind msix_kind = {
	.name = "msix",
	.keys = keys,
	.n_keys = ARRAY_SIZE(keys),
	.look = look,
	.write = write_it,
	.same = same,
	.value = value,
};
