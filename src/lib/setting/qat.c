// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which services an Intel QuickAssist device does (ABI/testing/sysfs-driver-qat, Linux 6.0). They
 * change only while the device is down, and so nobody may be using it or its VFs.
 */
#include "kinds.h"

#include "base/str.h"
#include "host/sysfs.h"

/* Starting loads firmware and waits for it. */
enum { WRITE_MS = 60000, MAX_SERVICES = 3 };

enum { SERVICES, IDLE, RESET, ROWS };

#define OF_PF(n, t) .name = n, .takes = t, .level = SETTING_OF_PF, .when = SETTING_BEFORE_VFS

static const struct setting_key keys[ROWS] = {
	[SERVICES] = { OF_PF("services", "up to three of sym, asym, dc, decomp: sym,dc; or dcc"),
		.type = SETTING_WORDS },
	[IDLE] = { OF_PF("pm-idle", "on or off"), .type = SETTING_SWITCH },
	[RESET] = { OF_PF("auto-reset", "on or off"), .type = SETTING_SWITCH },
};

static const char *const files[ROWS] = {
	[SERVICES] = "cfg_services",
	[IDLE] = "pm_idle_enabled",
	[RESET] = "auto_reset",
};

/* In the order in which every kernel takes combinations. */
static const char *const services[] = { "sym", "asym", "dc", "decomp", "dcc" };

/* ---- Values: "sym,dc" to people, "sym;dc" to the kernel, whose order means nothing ---- */

static int service_bit(const char *name, size_t len)
{
	for (unsigned i = 0; i < ARRAY_SIZE(services); i++)
		if (strlen(services[i]) == len && strncmp(services[i], name, len) == 0)
			return 1 << i;
	return 0;
}

static char *join(int bits, char between)
{
	autostrbuf text = { 0 };

	for (unsigned i = 0; i < ARRAY_SIZE(services); i++)
		if (bits & 1 << i) {
			if (text.len)
				strbuf_add(&text, "%c", between);
			strbuf_add(&text, "%s", services[i]);
		}
	return strbuf_take(&text);
}

/* -EINVAL: an unknown one, one twice, too many, or dcc beside others. */
static int parse_services(const char *text, int *ret)
{
	const int dcc = service_bit("dcc", 3);
	int bits = 0, n = 0;

	for (const char *p = text;; p++) {
		size_t len = strcspn(p, ",;");
		int bit = service_bit(p, len);

		if (!bit || bits & bit || ++n > MAX_SERVICES)
			return -EINVAL;
		bits |= bit;
		p += len;
		if (!*p)
			break;
	}
	if (bits & dcc && bits != dcc)
		return -EINVAL;
	*ret = bits;
	return 0;
}

static int value(const struct setting_key *key, const char *text, char **ret)
{
	int bits, r;

	if (key != &keys[SERVICES])
		return setting_value_by_type(key, text, ret);
	r = parse_services(text, &bits);
	if (r < 0)
		return r;
	*ret = join(bits, ',');
	return *ret ? 0 : -ENOMEM;
}

static int suits(const struct function *f, struct problem **reterr)
{
	enum { INTEL = 0x8086, CO_PROCESSOR = 0x0b40 };

	if (f->id.vendor == INTEL && f->id.class_code >> 8 == CO_PROCESSOR)
		return 0;
	return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED, NULL,
		"%s is no QuickAssist device: it has no services", f->address);
}

/* ---- Looking ---- */

static int read_attribute(struct host *h, const struct function *f, const char *file, char **ret)
{
	return sysfs_read(h, ret, "bus/pci/devices/%s/qat/%s", f->address, file);
}

static void look(struct host *h, const struct function *f, struct setting_state *states, size_t n)
{
	const char *driver = f->driver ? f->driver : "no driver, which";

	for (size_t i = 0; i < n; i++) {
		struct setting_state *s = &states[i];
		autofree char *text = NULL, *now = NULL;
		int r = read_attribute(h, f, files[s->key - keys], &text);

		if (r == -ENOENT)
			setting_state_unsupported(
				s, "%s does not have it for this device on this kernel", driver);
		if (r == 0 && value(s->key, text, &now) < 0)
			now = NULL; /* another service than we know */
		if (r == 0)
			setting_state_supported(s, now);
	}
}

/* ---- Setting ---- */

static int write_attribute(struct application *app, const char *file, const char *text)
{
	const struct host_wait wait = { .deadline_ms = WRITE_MS };

	return sysfs_write_within(
		app->host, &wait, text, "bus/pci/devices/%s/qat/%s", app->f->address, file);
}

static int explain(struct application *app, const char *what, int code, struct problem **reterr)
{
	const char *driver = app->f->driver ? app->f->driver : "the kernel";

	if (code == -ENOENT)
		return problem(reterr, -EOPNOTSUPP, PROBLEM_UNSUPPORTED,
			"the drivers of the 4xxx and 6xxx devices have it, since Linux 6.0",
			"%s: %s does not have this for this device on this kernel", app->f->address,
			driver);
	if (code == -EBUSY)
		return problem(reterr, code, PROBLEM_IN_USE, "stop what uses it, also in guests",
			"%s: cannot %s: the device is busy", app->f->address, what);
	if (code == -EINVAL)
		return problem(reterr, code, PROBLEM_UNSUPPORTED, NULL,
			"%s: %s cannot do this, or not together: cannot %s", app->f->address,
			driver, what);
	return problem(reterr, code, problem_kind_from_errno(code), NULL, "%s: cannot %s: %s",
		app->f->address, what, strerror(-code));
}

/* 1 it is up, 0 down. Devices without the attribute do not have the others either. */
static int is_up(struct application *app)
{
	autofree char *state = NULL;
	int r = read_attribute(app->host, app->f, "state", &state);

	return r < 0 ? r : strcmp(state, "up") == 0;
}

/* It comes back as it was, if it can: down is worse than unchanged. */
static void put_back(struct application *app, const char *file, const char *before)
{
	if (before)
		(void)write_attribute(app, file, before);
	(void)write_attribute(app, "state", "up");
}

static int change_down(
	struct application *app, const char *file, const char *text, struct problem **reterr)
{
	autofree char *before = NULL;
	int r;

	r = setting_vfs_unused(app, "stop the device", reterr);
	if (r < 0)
		return r;
	(void)read_attribute(app->host, app->f, file, &before);
	r = write_attribute(app, "state", "down");
	if (r < 0)
		return explain(app, "stop the device", r, reterr);
	r = write_attribute(app, file, text);
	if (r < 0) {
		put_back(app, file, NULL);
		return explain(app, "change its configuration", r, reterr);
	}
	r = write_attribute(app, "state", "up");
	if (r < 0) {
		put_back(app, file, before);
		return explain(app, "start the device with it", r, reterr);
	}
	return 0;
}

/* As the kernel takes it. */
static char *raw_value(const struct setting_key *key, const char *text)
{
	int bits;

	if (key != &keys[SERVICES])
		return str_printf("%d", str_eq(text, "on"));
	return parse_services(text, &bits) < 0 ? NULL : join(bits, ';');
}

static int write_it(struct application *app, const struct setting_key *key, const char *text,
	struct problem **reterr)
{
	autofree char *raw = raw_value(key, text);
	const char *file = files[key - keys];
	int r;

	if (!raw)
		return -ENOMEM;
	r = key == &keys[RESET] ? 0 : is_up(app);
	if (r > 0)
		return change_down(app, file, raw, reterr);
	if (r == 0)
		r = write_attribute(app, file, raw);
	return r < 0 ? explain(app, "change its configuration", r, reterr) : 0;
}

const struct setting_kind qat_kind = {
	.name = "qat",
	.class_word = "processor",
	.keys = keys,
	.n_keys = ROWS,
	.suits = suits,
	.look = look,
	.write = write_it,
	.value = value,
};
