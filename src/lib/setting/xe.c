// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How the VFs of an Intel GPU share it: scheduling (Linux 6.19) and memory (7.0), as in
 * ABI/testing/sysfs-driver-intel-xe-sriov. The driver counts VFs from 1, so that its vf1 is our
 * vf0. Folders are there for every VF that could be, also before it is.
 */
#include "kinds.h"

#include "base/str.h"
#include "host/sysfs.h"

#include <inttypes.h>

enum { WRITE_MS = 10000 };

static const char *const priorities[] = { "low", "normal", "high", NULL };
static const char *const yes[] = { "yes", NULL };

enum {
	QUANTUM,
	TIMEOUT,
	PRIORITY,
	VRAM,
	STOP,
	OWN,
	ALL_QUANTUM = OWN,
	ALL_TIMEOUT,
	ALL_PRIORITY,
	ALL_VRAM,
	ROWS
};

#define BOTH	     (SETTING_OF_PF | SETTING_OF_VF)
#define KEY(n, t, l) .name = "quota." n, .takes = t, .level = (enum setting_level)(l)
#define ANY_TIME     .when = SETTING_ANY_TIME
#define EARLY	     .when = SETTING_BEFORE_VFS
#define NUMBER(u)    .type = SETTING_NUMBER, .max = UINT32_MAX, .unit = u

static const struct setting_key keys[ROWS] = {
	[QUANTUM] = { KEY("exec-quantum-ms", "ms of execution in a turn, 0 for no limit", BOTH),
		ANY_TIME, NUMBER("ms") },
	[TIMEOUT] = { KEY("preempt-timeout-us", "µs to give way in, 0 for no limit", BOTH),
		ANY_TIME, NUMBER("us") },
	[PRIORITY] = { KEY("sched-priority", "low, normal or high", BOTH), ANY_TIME,
		.type = SETTING_CHOICE, .choices = priorities },
	[VRAM] = { KEY("vram", "bytes of its memory, 512M", SETTING_OF_VF),
		.when = SETTING_BEFORE_BIND, .type = SETTING_BYTES, .max = INT64_MAX,
		.unit = "bytes" },
	[STOP] = { KEY("stop", "yes: it does not run again before its reset", SETTING_OF_VF),
		ANY_TIME, .type = SETTING_CHOICE, .choices = yes },
	[ALL_QUANTUM] = { KEY("all-exec-quantum-ms", "the same for the PF and all its VFs",
				  SETTING_OF_PF),
		EARLY, NUMBER("ms") },
	[ALL_TIMEOUT] = { KEY("all-preempt-timeout-us", "the same for the PF and all its VFs",
				  SETTING_OF_PF),
		EARLY, NUMBER("us") },
	[ALL_PRIORITY] = { KEY("all-sched-priority", "low or normal, for the PF and all its VFs",
				   SETTING_OF_PF),
		EARLY, .type = SETTING_CHOICE, .choices = priorities },
	[ALL_VRAM] = { KEY("all-vram", "bytes for each VF, 512M", SETTING_OF_PF), EARLY,
		.type = SETTING_BYTES, .max = INT64_MAX, .unit = "bytes" },
};

static const char *const files[OWN] = {
	[QUANTUM] = "profile/exec_quantum_ms",
	[TIMEOUT] = "profile/preempt_timeout_us",
	[PRIORITY] = "profile/sched_priority",
	[VRAM] = "profile/vram_quota",
	[STOP] = "stop",
};

static bool is_bulk(int row)
{
	return row >= ALL_QUANTUM;
}

static int own_row(int row)
{
	static const int rows[] = { QUANTUM, TIMEOUT, PRIORITY, VRAM };

	return is_bulk(row) ? rows[row - ALL_QUANTUM] : row;
}

static int suits(const struct function *f, struct problem **reterr)
{
	if (str_eq(f->class_word, "display") || str_eq(f->class_word, "accelerator"))
		return 0;
	return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
		"%s is not a graphics function (%s): it has no quotas", f->address, f->class_word);
}

/* ---- Paths, below the device's folder ---- */

static char *folder(const struct function *f)
{
	const struct function *pf = f->physfn ? f->physfn : f;

	if (f->physfn)
		return str_printf(
			"bus/pci/devices/%s/sriov_admin/vf%d", pf->address, f->vf_index + 1);
	return str_printf("bus/pci/devices/%s/sriov_admin/pf", pf->address);
}

static char *path_of(const struct function *f, int row)
{
	autofree char *dir =
		is_bulk(row)
			? str_printf("bus/pci/devices/%s/sriov_admin/.bulk_profile", f->address)
			: folder(f);
	const char *file = files[own_row(row)];

	if (is_bulk(row))
		file = strchr(file, '/') + 1;
	return dir ? str_printf("%s/%s", dir, file) : NULL;
}

/* ---- Looking ---- */

/* "[low] normal high": the one that counts is in brackets. */
static char *chosen(const char *text)
{
	const char *open = strchr(text, '['), *close = open ? strchr(open, ']') : NULL;

	return close ? strndup(open + 1, (size_t)(close - open - 1)) : NULL;
}

/* -EUCLEAN: its tiles have different values. */
static int read_value(struct host *h, const char *path, int row, char **ret)
{
	autofree char *text = NULL;
	int r = sysfs_read(h, &text, "%s", path);

	if (r < 0)
		return r;
	*ret = own_row(row) == PRIORITY ? chosen(text) : TAKE_PTR(text);
	return *ret ? 0 : -EINVAL;
}

static void look_at_file(struct host *h, const struct function *f, int row, struct setting_state *s)
{
	autofree char *path = path_of(f, row), *now = NULL;
	const char *driver = setting_driver(f);
	mode_t mode = 0;
	int r = path ? sysfs_mode(h, &mode, "%s", path) : -ENOMEM;

	if (r == -ENOENT)
		setting_state_unsupported(s, "%s does not have it for this device on this kernel",
			driver ? driver : "no driver, which");
	if (r < 0)
		return;
	if (mode & 0444)
		r = read_value(h, path, row, &now);
	if (!(mode & 0222)) {
		setting_state_unsupported(s, "%s lets it only be read on this device",
			driver ? driver : "the kernel");
		s->value = TAKE_PTR(now);
		return;
	}
	setting_state_supported(s, now);
	if (r == -EUCLEAN)
		s->why = strdup("now different on the parts of the device");
}

/* One value of all whom a bulk file is for; NULL when they differ or one does not tell. */
static char *common_value(struct host *h, const struct function *pf, int row)
{
	autofree char *dir = str_printf("bus/pci/devices/%s/sriov_admin", pf->address);
	autofree char *value = NULL;
	autostrv char **names = NULL;

	if (!dir || sysfs_list(h, &names, "%s", dir) < 0)
		return NULL;
	STRV_FOREACH (it, names) {
		autofree char *path = NULL, *one = NULL;

		if (!str_starts(*it, "vf") && (!str_eq(*it, "pf") || row == ALL_VRAM))
			continue;
		path = str_printf("%s/%s/%s", dir, *it, files[own_row(row)]);
		if (!path || read_value(h, path, row, &one) < 0 || (value && !str_eq(value, one)))
			return NULL;
		if (!value)
			value = TAKE_PTR(one);
	}
	return TAKE_PTR(value);
}

static void look(struct host *h, const struct function *f, struct setting_state *states, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int row = (int)(states[i].key - keys);

		look_at_file(h, f, row, &states[i]);
		if (is_bulk(row) && states[i].support == SETTING_SUPPORTED)
			states[i].value = common_value(h, f, row);
	}
}

/* ---- Setting ---- */

/* "Actual value might be aligned per HW/FW requirements": upwards, and not by much. */
static bool same(const struct setting_key *key, const char *want, const char *is)
{
	enum { VRAM_UNIT = 64 << 20 };
	uint64_t w, v, slack;

	if (key->type == SETTING_CHOICE || parse_u64(want, &w) < 0 || parse_u64(is, &v) < 0)
		return str_eq(want, is);
	slack = key->type == SETTING_BYTES ? VRAM_UNIT - 1 : w / 8 + 1;
	return w == 0 ? v == 0 : v >= w && v - w <= slack;
}

static int explain(
	struct application *app, const struct setting_key *key, int code, struct problem **reterr)
{
	const char *driver = setting_driver(app->f), *address = app->f->address;

	if (!driver)
		driver = "the kernel";
	switch (code) {
	case -ENOENT:
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"the xe driver of Linux 6.19 and later has quotas, of 7.0 those of memory",
			"%s: %s does not have %s for this device on this kernel", address, driver,
			key->name);
	case -EACCES:
	case -EPERM:
	case -EOPNOTSUPP:
		return problem(reterr, code, PROBLEM_UNSUPPORTED, NULL,
			"%s: %s does not change %s on this hardware", address, driver, key->name);
	case -EINVAL:
		return problem(reterr, code, PROBLEM_UNSUPPORTED, NULL,
			"%s: %s refuses this value of %s", address, driver, key->name);
	case -EIO:
		return problem(reterr, code, PROBLEM_FAILED, NULL,
			"%s: the GPU's firmware refuses to change %s", address, key->name);
	default:
		return problem(reterr, code, problem_kind_from_errno(code), NULL,
			"%s: %s cannot set %s: %s", address, driver, key->name, strerror(-code));
	}
}

/* All must have it afterwards; who differ are no answer that could be believed. */
static int verify_bulk(struct application *app, const struct setting_key *key, const char *want,
	struct problem **reterr)
{
	autofree char *is = common_value(app->host, app->f, (int)(key - keys));

	if (is && same(key, want, is))
		return 1;
	return problem(reterr, -EIO, PROBLEM_UNSUPPORTED, NULL,
		"%s: %s=%s was accepted, but the PF and its VFs do not all have it",
		app->f->address, key->name, want);
}

static int write_it(struct application *app, const struct setting_key *key, const char *text,
	struct problem **reterr)
{
	const struct host_wait wait = { .deadline_ms = WRITE_MS };
	int row = (int)(key - keys);
	autofree char *path = path_of(app->f, row);
	int r;

	if (!path)
		return -ENOMEM;
	r = sysfs_write_within(app->host, &wait, row == STOP ? "1" : text, "%s", path);
	if (r < 0)
		return explain(app, key, r, reterr);
	return is_bulk(row) ? verify_bulk(app, key, text, reterr) : 0;
}

const struct setting_kind xe_kind = {
	.name = "gpu",
	.class_word = "display",
	.keys = keys,
	.n_keys = ROWS,
	.suits = suits,
	.look = look,
	.write = write_it,
	.same = same,
};
