// SPDX-License-Identifier: GPL-2.0-or-later
#include "record.h"

#include "base/ini.h"
#include "base/str.h"
#include "host/conf.h"
#include "store/store.h"

static const struct {
	const char *key;
	size_t offset;
} ids[] = {
	{ "Vendor", offsetof(struct identity, vendor) },
	{ "Device", offsetof(struct identity, device) },
	{ "SubsystemVendor", offsetof(struct identity, subsystem_vendor) },
	{ "SubsystemDevice", offsetof(struct identity, subsystem_device) },
};

static uint16_t *id_field(struct identity *id, size_t i)
{
	return (uint16_t *)(void *)((char *)id + ids[i].offset);
}

static int read_text(struct host *h, const char *dir, struct bdf pf, char **ret, size_t *ret_len)
{
	autofree char *path = NULL;
	int r;

	if (h->captured) {
		path = str_printf("%s/%s", dir, BDF_TEXT(pf));
		return path ? conf_read(h, path, ret, ret_len) : -ENOMEM;
	}
	r = store_get(dir, BDF_TEXT(pf), ret);
	if (r == 0)
		*ret_len = strlen(*ret);
	return r;
}

static int parse(const struct ini *ini, struct pf_identity *p)
{
	const char *seed = ini_plain(ini, "StableSeed");

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		const char *text = ini_plain(ini, ids[i].key);
		uint64_t v;

		if (!text || parse_hex(text, &v) < 0 || v > UINT16_MAX)
			return -EBADMSG;
		*id_field(&p->id, i) = (uint16_t)v;
	}
	for (unsigned i = 0; i < IDENTITY_FACTS; i++) {
		const char *text = ini_plain(ini, identity_fact_key(i));

		if (!text)
			continue;
		p->fact[i] = strdup(text);
		if (!p->fact[i])
			return -ENOMEM;
	}
	if (!seed || !*seed)
		return -EBADMSG;
	p->seed = strdup(seed);
	return p->seed ? 0 : -ENOMEM;
}

int record_read(struct host *h, const char *dir, struct bdf pf, struct pf_identity *ret)
{
	autofree char *text = NULL;
	size_t len = 0;
	int r;

	r = read_text(h, dir, pf, &text, &len);
	if (r < 0)
		return r == -ENOTDIR ? -ENOENT : r;
	return record_parse(text, len, pf, ret);
}

int record_parse(const char *text, size_t len, struct bdf pf, struct pf_identity *ret)
{
	autopfidentity p = { .bdf = pf };
	autoini ini = { 0 };
	int r;

	r = ini_parse(text, len, INI_SECTIONLESS, &ini);
	if (r == 0)
		r = parse(&ini, &p);
	if (r < 0)
		return r;
	*ret = p;
	p = (struct pf_identity) { 0 };
	return 0;
}

char *record_text(const struct pf_identity *p)
{
	struct identity id = p->id;
	autostrbuf b = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++)
		strbuf_add(&b, "%s=%04x\n", ids[i].key, *id_field(&id, i));
	for (unsigned i = 0; i < IDENTITY_FACTS; i++)
		if (p->fact[i])
			strbuf_add(&b, "%s=%s\n", identity_fact_key(i), p->fact[i]);
	strbuf_add(&b, "StableSeed=%s\n", p->seed);
	return strbuf_take(&b);
}

int record_write(const char *dir, const struct pf_identity *p)
{
	autofree char *facts = record_text(p);
	autofree char *text =
		facts ? str_printf("# vfctl: the card at %s when it was first configured\n%s",
				BDF_TEXT(p->bdf), facts)
		      : NULL;

	return text ? store_put(dir, BDF_TEXT(p->bdf), text) : -ENOMEM;
}

int record_list(struct host *h, const char *dir, char ***ret)
{
	autostrv char **all = NULL, **kept = calloc(1, sizeof(*kept));
	int r = h->captured ? conf_list(h, dir, "", &all) : store_list(dir, &all);
	struct bdf a;

	if (!kept)
		return -ENOMEM;
	if (r < 0)
		return r;
	STRV_FOREACH (it, all)
		if (bdf_parse(*it, &a) == 0 && strv_add(&kept, *it) < 0)
			return -ENOMEM;
	*ret = TAKE_PTR(kept);
	return 0;
}

static bool same_ids(const struct identity *a, const struct identity *b)
{
	return a->vendor == b->vendor && a->device == b->device &&
	       a->subsystem_vendor == b->subsystem_vendor &&
	       a->subsystem_device == b->subsystem_device;
}

static int differs(char **ret_why, char *why)
{
	if (ret_why)
		*ret_why = why;
	else
		free(why);
	return -ESTALE;
}

int record_compare(
	const struct pf_identity *recorded, const struct pf_identity *now, char **ret_why)
{
	const struct identity *a = &recorded->id, *b = &now->id;
	int known = 0;

	if (!same_ids(a, b))
		return differs(ret_why,
			str_printf("it was %04x:%04x (subsystem %04x:%04x), now it is %04x:%04x "
				   "(subsystem %04x:%04x)",
				a->vendor, a->device, a->subsystem_vendor, a->subsystem_device,
				b->vendor, b->device, b->subsystem_vendor, b->subsystem_device));
	for (unsigned i = 0; i < IDENTITY_FACTS; i++) {
		const char *was = recorded->fact[i], *is = now->fact[i];

		if (!was || !is)
			continue;
		if (strcasecmp(was, is) != 0)
			return differs(ret_why, str_printf("its %s was %s, now it is %s",
							identity_fact_text(i), was, is));
		known = 1;
	}
	return known;
}
