// SPDX-License-Identifier: GPL-2.0-or-later
#include "match.h"

#include "base/grow.h"
#include "base/str.h"
#include "host/conf.h"
#include "host/procfs.h"
#include "identity/identity.h"
#include "select/attribute.h"

#include <fnmatch.h>
#include <stdio.h>

struct match_kind {
	const char *key, *help;
	/* Of the machine, or of a PF. */
	bool (*machine)(struct host *h, const char *value);
	bool (*pf)(struct host *h, const struct function *f, const char *value);
	const char *attribute; /* or: the selector's attribute that decides */
};

static bool like(const char *pattern, const char *text)
{
	return text && fnmatch(pattern, text, 0) == 0;
}

/* ---- Of a PF ---- */

static bool driver(struct host *h UNUSED, const struct function *f, const char *value)
{
	return like(value, f->driver ? f->driver : "none");
}

static bool path(struct host *h UNUSED, const struct function *f, const char *value)
{
	autofree char *own = str_printf("pci-%s", f->address);

	return like(value, own);
}

static bool name(struct host *h, const struct function *f, const char *value)
{
	for (size_t i = 0; i < f->n_netdevs; i++) {
		autostrv char **others = NULL;

		if (like(value, f->netdevs[i].name))
			return true;
		if (host_link_altnames(h, f->netdevs[i].ifindex, &others) < 0)
			continue;
		STRV_FOREACH (it, others)
			if (like(value, *it))
				return true;
	}
	return like(value, f->nvme);
}

static bool permanent_mac(struct host *h, const struct function *f, const char *value)
{
	autopfidentity id = { 0 };

	return pf_identity_read(h, f->bdf, &id) == 0 && id.fact[IDENTITY_MAC] &&
	       strcasecmp(id.fact[IDENTITY_MAC], value) == 0;
}

static bool any_serial(struct host *h, const struct function *f, const char *value)
{
	autofree char *word = str_printf("serial=%s", value);
	autopfidentity id = { 0 };
	struct attribute a;

	if (pf_identity_read(h, f->bdf, &id) == 0)
		for (unsigned i = IDENTITY_DSN; i < IDENTITY_FACTS; i++)
			if (id.fact[i] && strcasecmp(id.fact[i], value) == 0)
				return true;
	return word && attribute_parse(word, &a, NULL) == 0 && attribute_matches(h, &a, f);
}

static bool device(struct host *h UNUSED, const struct function *f, const char *value)
{
	uint64_t v;

	return parse_hex(value, &v) == 0 && v == f->id.device;
}

static bool subsystem(struct host *h UNUSED, const struct function *f, const char *value)
{
	char text[12];

	snprintf(text, sizeof(text), "%04x:%04x", f->id.subsystem_vendor, f->id.subsystem_device);
	return fnmatch(value, text, FNM_CASEFOLD) == 0;
}

/* ---- Of the machine ---- */

static bool host_name(struct host *h, const char *value)
{
	autofree char *own = NULL, *id = NULL;
	size_t len = 0;

	if (procfs_read(h, &own, "sys/kernel/hostname") == 0 &&
		fnmatch(value, str_trim(own), FNM_CASEFOLD) == 0)
		return true;
	return conf_read(h, "/etc/machine-id", &id, &len) == 0 && str_eq(str_trim(id), value);
}

/* systemd says x86-64 where the kernel says x86_64. */
static bool architecture(struct host *h, const char *value)
{
	autofree char *own = NULL, *asked = strdup(value);

	for (char *c = asked; c && *c; c++)
		if (*c == '-')
			*c = '_';
	return asked && procfs_read(h, &own, "sys/kernel/arch") == 0 &&
	       strcasecmp(str_trim(own), str_eq(asked, "arm64") ? "aarch64" : asked) == 0;
}

static const struct match_kind kinds[] = {
	{ "Driver", "the PF's driver, igb; * and ? match; none", .pf = driver },
	{ "Path", "pci-ADDRESS, where * and ? match: pci-0000:01:00.*", .pf = path },
	{ "Name",
		"an interface's current or alternative name, or an NVMe controller's; * and ? "
		"match",
		.pf = name },
	{ "OriginalName", "the same: when vfctl looks, udev has renamed what it renames",
		.pf = name },
	{ "MACAddress", "of its interface, now", .attribute = "mac" },
	{ "PermanentMACAddress", "of its interface, as it was made", .pf = permanent_mac },
	{ "Vendor", "VENDOR or VENDOR:DEVICE in hexadecimal, 8086:10c9", .attribute = "vendor" },
	{ "Device", "the device's id in hexadecimal, 10c9", .pf = device },
	{ "Subsystem", "SUBVENDOR:SUBDEVICE in hexadecimal; * and ? match", .pf = subsystem },
	{ "Serial", "of the VPD, of an NVMe controller, or the PCIe device serial number",
		.pf = any_serial },
	{ "Slot", "the physical slot that it is plugged into, 3", .attribute = "slot" },
	{ "Class", "network, storage, accelerator…", .attribute = "class" },
	{ "NUMANode", "a NUMA node's number", .attribute = "numa" },
	{ "Host", "this machine's name (* and ? match) or machine id", .machine = host_name },
	{ "Architecture", "x86-64, arm64…", .machine = architecture },
};

const char *match_key(unsigned i)
{
	return i < ARRAY_SIZE(kinds) ? kinds[i].key : NULL;
}

const char *match_help(unsigned i)
{
	return i < ARRAY_SIZE(kinds) ? kinds[i].help : NULL;
}

/* ---- Lines ---- */

static bool can_match(const struct match_kind *k, const char *value)
{
	struct mac mac;
	uint64_t v;

	if (k->attribute) {
		autofree char *word = str_printf("%s=%s", k->attribute, value);
		struct attribute a;

		return word && attribute_parse(word, &a, NULL) == 0;
	}
	if (k->pf == permanent_mac)
		return mac_parse(value, &mac) == 0;
	if (k->pf == device)
		return parse_hex(value, &v) == 0 && v <= UINT16_MAX;
	if (k->pf == subsystem)
		return strchr(value, ':') != NULL;
	if (k->pf == path)
		return str_starts(value, "pci-") || strchr("*?[", *value);
	return true;
}

static int check_values(const struct match_kind *k, char *const *values, char **ret_bad)
{
	STRV_FOREACH (it, values)
		if (!can_match(k, *it)) {
			*ret_bad = strdup(*it);
			return *ret_bad ? -EINVAL : -ENOMEM;
		}
	return 0;
}

static int split(const char *text, char ***ret)
{
	autofree char *copy = strdup(text);
	autostrv char **v = calloc(1, sizeof(*v));
	char *save = NULL;

	if (!copy || !v)
		return -ENOMEM;
	for (char *w = strtok_r(copy, " \t", &save); w; w = strtok_r(NULL, " \t", &save))
		if (strv_add(&v, w) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(v);
	return 0;
}

static void take_back(struct match *m, const struct match_kind *kind)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].kind == kind)
			strv_free(m->v[i].values);
		else
			m->v[kept++] = m->v[i];
	m->n = kept;
}

static struct match_test *test_of(struct match *m, const struct match_kind *kind, bool negated)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].kind == kind && m->v[i].negated == negated)
			return &m->v[i];
	m->v = m->v ? m->v : calloc(2 * ARRAY_SIZE(kinds), sizeof(*m->v));
	if (!m->v)
		return NULL;
	m->v[m->n] = (struct match_test) { .kind = kind, .negated = negated };
	return &m->v[m->n++];
}

int match_add(struct match *m, const char *key, const char *value, char **ret_bad)
{
	const struct match_kind *kind = NULL;
	autostrv char **values = NULL;
	bool negated = *value == '!';
	struct match_test *test;
	int r;

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (str_eq(kinds[i].key, key))
			kind = &kinds[i];
	if (!kind)
		return -ENOENT;
	if (!*value) {
		take_back(m, kind);
		return 0;
	}
	r = split(value + negated, &values);
	if (r == 0 && !values[0])
		r = (*ret_bad = strdup(value)) ? -EINVAL : -ENOMEM;
	if (r == 0)
		r = check_values(kind, values, ret_bad);
	test = r == 0 ? test_of(m, kind, negated) : NULL;
	if (r < 0 || !test)
		return r < 0 ? r : -ENOMEM;
	STRV_FOREACH (it, values)
		if (strv_add(&test->values, *it) < 0)
			return -ENOMEM;
	return 0;
}

void match_done(struct match *m)
{
	for (size_t i = 0; i < m->n; i++)
		strv_free(m->v[i].values);
	free(m->v);
	*m = (struct match) { 0 };
}

/* ---- Asking ---- */

static bool by_attribute(
	struct host *h, const struct function *f, const char *attribute, const char *value)
{
	autofree char *word = str_printf("%s=%s", attribute, value);
	struct attribute a;

	return word && attribute_parse(word, &a, NULL) == 0 && attribute_matches(h, &a, f);
}

static bool one_holds(const struct match_test *t, struct host *h, const struct function *f)
{
	STRV_FOREACH (it, t->values) {
		if (t->kind->machine  ? t->kind->machine(h, *it)
			: t->kind->pf ? t->kind->pf(h, f, *it)
				      : by_attribute(h, f, t->kind->attribute, *it))
			return true;
	}
	return false;
}

bool match_machine(const struct match *m, struct host *h)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].kind->machine && one_holds(&m->v[i], h, NULL) == m->v[i].negated)
			return false;
	return true;
}

bool match_pf(const struct match *m, struct host *h, const struct function *pf)
{
	for (size_t i = 0; i < m->n; i++)
		if (!m->v[i].kind->machine && one_holds(&m->v[i], h, pf) == m->v[i].negated)
			return false;
	return true;
}
