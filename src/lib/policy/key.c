// SPDX-License-Identifier: GPL-2.0-or-later
#include "key.h"
#include "match.h"

#include "base/grow.h"
#include "base/str.h"
#include "select/vfrange.h"

#include <ctype.h>

struct row {
	enum policy_section section;
	enum policy_goal goal;
	const char *name, *also, *takes;
};

static const struct row rows[] = {
	{ POLICY_PF, GOAL_NUM_VFS, "VirtualFunctions", "SR-IOVVirtualFunctions",
		"how many VFs there shall be, 0 to what the PF can have" },
	{ POLICY_PF, GOAL_AUTOPROBE, "DriversAutoprobe", NULL,
		"yes or no: whether the kernel gives VFs a driver by itself" },
	{ POLICY_PF, GOAL_ESWITCH, "EswitchMode", NULL, "legacy or switchdev" },
	{ POLICY_PF, GOAL_DRIVER, "Driver", NULL,
		"a driver's name, none, or default for the kernel's choice" },
	{ POLICY_PF, GOAL_RECONCILE, "Reconcile", NULL,
		"no, report or repair: what vfctld does when the machine differs from this; "
		"report unless it is said" },
	{ POLICY_VF, GOAL_DRIVER, "Driver", NULL,
		"a driver's name, vfio for the best VFIO driver, none, or default for the "
		"kernel's choice" },
	{ POLICY_VF, GOAL_POOL, "Pool", NULL,
		"the name of a pool that the VF belongs to: letters, digits, . _ and -" },
};

/* Settings whose keys are not simply made of their names. */
static const struct {
	const char *setting, *name, *also;
} names[] = {
	{ "mac", "MACAddress", NULL },
	{ "vlan", "VLANId", NULL },
	{ "qos", "QualityOfService", NULL },
	{ "proto", "VLANProtocol", NULL },
	{ "spoofchk", "MACSpoofCheck", "SpoofCheck" },
	{ "query-rss", "QueryReceiveSideScaling", NULL },
	{ "min-rate", "MinTxRate", NULL },
	{ "max-rate", "MaxTxRate", NULL },
	{ "node-guid", "NodeGUID", NULL },
	{ "port-guid", "PortGUID", NULL },
	{ "msix", "MSIXVectors", NULL },
	{ "hw-addr", "HardwareAddress", NULL },
	{ "roce", "RoCE", NULL },
	{ "ipsec-crypto", "IPsecCrypto", NULL },
	{ "ipsec-packet", "IPsecPacket", NULL },
	{ "max-io-eqs", "MaxIOEventQueues", NULL },
	{ "quota.vram", "QuotaVRAM", NULL },
	{ "quota.all-vram", "QuotaAllVRAM", NULL },
	{ "pm-idle", "PMIdle", NULL },
	{ "vq", "VirtualQueues", NULL },
	{ "vi", "VirtualInterrupts", NULL },
};

/* "link-state" is LinkState, "quota.vram" is QuotaVram. */
static char *camel(const char *s)
{
	autofree char *name = calloc(1, strlen(s) + 1);
	bool up = true;
	char *to = name;

	if (!name)
		return NULL;
	for (; *s; s++) {
		bool letter = isalnum((unsigned char)*s);

		if (letter)
			*to++ = (char)(up ? toupper((unsigned char)*s) : *s);
		up = !letter;
	}
	return TAKE_PTR(name);
}

static int add(struct policy_keys *k, struct policy_key key)
{
	if (!key.name || !GROW(k->v, k->n)) {
		free(key.name);
		return -ENOMEM;
	}
	k->v[k->n++] = key;
	return 0;
}

static int add_setting(
	struct policy_keys *k, enum policy_section section, const struct setting_key *s)
{
	struct policy_key key = { .section = section,
		.goal = GOAL_SETTING,
		.takes = s->takes,
		.setting = s,
		.stable = str_eq(s->name, "mac") || s->type == SETTING_GUID };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (str_eq(names[i].setting, s->name)) {
			key.name = strdup(names[i].name);
			key.also = names[i].also;
			return add(k, key);
		}
	key.name = camel(s->name);
	return add(k, key);
}

static int add_match(struct policy_keys *k)
{
	int r = 0;

	for (unsigned i = 0; r == 0 && match_key(i); i++) {
		struct policy_key key = { .section = POLICY_MATCH,
			.goal = GOAL_MATCH,
			.name = strdup(match_key(i)),
			.takes = match_help(i) };

		r = add(k, key);
	}
	return r;
}

/* What a wish has a place of its own for. */
static bool is_a_goal(const struct setting_key *s)
{
	return str_eq(s->name, "eswitch") || str_eq(s->name, "eswitch-mode");
}

static int add_section(struct policy_keys *k, enum policy_section section)
{
	enum setting_level level = section == POLICY_PF ? SETTING_OF_PF : SETTING_OF_VF;
	const struct setting_key *s;
	int r = 0;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(rows); i++)
		if (rows[i].section == section)
			r = add(k, (struct policy_key) { .section = section,
					   .goal = rows[i].goal,
					   .name = strdup(rows[i].name),
					   .also = rows[i].also,
					   .takes = rows[i].takes });
	for (unsigned i = 0; r == 0 && (s = setting_key_at(i)); i++)
		if (s->level & level && !is_a_goal(s))
			r = add_setting(k, section, s);
	return r;
}

int policy_keys_make(struct policy_keys *ret)
{
	autopolicykeys k = { 0 };
	int r = add_match(&k);

	if (r == 0)
		r = add_section(&k, POLICY_PF);
	if (r == 0)
		r = add_section(&k, POLICY_VF);
	if (r < 0)
		return r;
	*ret = k;
	k = (struct policy_keys) { 0 };
	return 0;
}

void policy_keys_done(struct policy_keys *k)
{
	for (size_t i = 0; i < k->n; i++)
		free(k->v[i].name);
	free(k->v);
	*k = (struct policy_keys) { 0 };
}

const struct policy_key *policy_key_find(
	const struct policy_keys *k, enum policy_section section, const char *name)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].section == section &&
			(str_eq(k->v[i].name, name) || str_eq(k->v[i].also, name)))
			return &k->v[i];
	return NULL;
}

/* Exactly that name, but for case or for being the setting's own: "vlanid", "spoofchk". */
static bool says_the_same(const struct policy_key *k, const char *name)
{
	return strcasecmp(k->name, name) == 0 || (k->also && strcasecmp(k->also, name) == 0) ||
	       (k->setting && strcasecmp(k->setting->name, name) == 0);
}

static const struct policy_key *nearest(
	const struct policy_keys *k, enum policy_section section, const char *name)
{
	autostrv char **all = NULL;
	const char *near;

	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].section == section && strv_add(&all, k->v[i].name) < 0)
			return NULL;
	near = all ? strv_nearest(all, name) : NULL;
	return near ? policy_key_find(k, section, near) : NULL;
}

const struct policy_key *policy_key_meant(
	const struct policy_keys *k, enum policy_section section, const char *name)
{
	const struct policy_key *near;

	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].section == section && says_the_same(&k->v[i], name))
			return &k->v[i];
	for (size_t i = 0; i < k->n; i++)
		if (says_the_same(&k->v[i], name))
			return &k->v[i];
	near = nearest(k, section, name);
	for (int s = 0; !near && s < POLICY_SECTIONS; s++)
		near = nearest(k, (enum policy_section)s, name);
	return near;
}

/* ---- Values ---- */

static int number_of_vfs(const char *text, char **ret)
{
	uint32_t v;

	if (parse_u32(text, &v) < 0 || v > VF_INDEX_MAX + 1)
		return -EINVAL;
	*ret = str_printf("%u", v);
	return *ret ? 0 : -ENOMEM;
}

static int yes_or_no(const char *text, char **ret)
{
	bool yes;

	if (parse_bool(text, &yes) < 0)
		return -EINVAL;
	*ret = strdup(yes ? "yes" : "no");
	return *ret ? 0 : -ENOMEM;
}

static int eswitch_mode(const char *text, char **ret)
{
	if (!str_eq(text, "legacy") && !str_eq(text, "switchdev"))
		return -EINVAL;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

static int reconcile(const char *text, char **ret)
{
	if (!str_eq(text, "no") && !str_eq(text, "report") && !str_eq(text, "repair"))
		return -EINVAL;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* Names of drivers and of pools: what a file or an option may be called. */
static int plain_word(const char *text, char **ret)
{
	if (!*text || *text == '.' || *text == '-' || strlen(text) > 64)
		return -EINVAL;
	for (const char *c = text; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return -EINVAL;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

/* systemd's words for a link's state are those of a switch. */
static const char *setting_text(const struct policy_key *k, const char *text)
{
	bool on;

	if (str_eq(k->setting->name, "link-state") && parse_bool(text, &on) == 0)
		return on ? "enable" : "disable";
	return text;
}

static int setting(const struct policy_key *k, const char *text, char **ret)
{
	autofree char *word = str_printf("%s=%s", k->setting->name, setting_text(k, text));
	int r;

	if (!word)
		return -ENOMEM;
	if (k->stable && str_eq(text, "stable")) {
		*ret = strdup(text);
		return *ret ? 0 : -ENOMEM;
	}
	r = setting_value(word, ret, NULL);
	return r == 0 || r == -ENOMEM ? r : -EINVAL;
}

int policy_key_value(const struct policy_key *k, const char *text, char **ret)
{
	switch (k->goal) {
	case GOAL_NUM_VFS:
		return number_of_vfs(text, ret);
	case GOAL_AUTOPROBE:
		return yes_or_no(text, ret);
	case GOAL_ESWITCH:
		return eswitch_mode(text, ret);
	case GOAL_RECONCILE:
		return reconcile(text, ret);
	case GOAL_DRIVER:
	case GOAL_POOL:
		return plain_word(text, ret);
	case GOAL_SETTING:
		return setting(k, text, ret);
	case GOAL_MATCH:
		break;
	}
	return -EINVAL;
}
