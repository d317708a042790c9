// SPDX-License-Identifier: GPL-2.0-or-later
/* libvirt's texts, and what somebody may have put in their place. */
#include "cm.h"
#include "base/str.h"
#include "domain/domain.h"

#include <time.h>

static int parse(const char *text, struct domain *d)
{
	return domain_parse(text, strlen(text), d);
}

static void devices(void **state UNUSED)
{
	autodomain d = { 0 };

	assert_int_equal(
		parse("<domain><name>a</name><uuid>6ba7b810-9dad-11d1-80b4-00c04fd430c8</uuid>"
		      "<devices>"
		      "<interface type='network'><source network='pool'/>"
		      "<actual type='hostdev' managed='yes'>"
		      "<source><address type='pci' domain='0x10000' bus='0x3b' slot='0x02' "
		      "function='0x7'/></source></actual></interface>"
		      "<disk type='nvme'><source type='pci' namespace='1' managed='yes'>"
		      "<address bus='3' slot='0' function='0'/></source></disk>"
		      "<hostdev type='pci' managed='no'><driver name='vfio'/><source>"
		      "<address domain='0' bus='4' slot='0x1f' function='1'/></source></hostdev>"
		      "<hostdev type='usb'><source><address bus='1' device='2'/></source></hostdev>"
		      "<hostdev type='pci'><source><address bus='0x1ff' slot='0' function='0'/>"
		      "</source></hostdev></devices></domain>",
			&d),
		0);
	assert_string_equal(d.name, "a");
	assert_string_equal(d.uuid, "6ba7b810-9dad-11d1-80b4-00c04fd430c8");
	assert_int_equal(d.n_devices, 3);
	assert_string_equal(BDF_TEXT(d.devices[0].bdf), "10000:3b:02.7");
	assert_true(d.devices[0].managed);
	assert_string_equal(BDF_TEXT(d.devices[1].bdf), "0000:03:00.0");
	assert_true(d.devices[1].managed);
	assert_null(d.devices[1].driver);
	assert_string_equal(BDF_TEXT(d.devices[2].bdf), "0000:04:1f.1");
	assert_false(d.devices[2].managed);
	assert_string_equal(d.devices[2].driver, "vfio");
}

static void a_running_one_and_a_pool(void **state UNUSED)
{
	autodomain d = { 0 }, n = { 0 };

	assert_int_equal(parse("<domstatus state='running' pid='4711'><domain><name>web1</name>"
			       "<uuid>no uuid</uuid></domain></domstatus>",
				 &d),
		0);
	assert_int_equal(d.pid, 4711);
	assert_null(d.uuid);
	assert_int_equal(parse("<network><name>p</name><forward mode='hostdev' managed='yes'>"
			       "<pf dev='ens1f0'/><address bus='1' slot='2' function='3'/>"
			       "</forward></network>",
				 &n),
		0);
	assert_true(n.is_pool);
	assert_true(n.pool_managed);
	assert_string_equal(n.interfaces[0], "ens1f0");
	assert_true(n.devices[0].managed);
}

static void parse_wish(const char *attributes, struct domain *d)
{
	autofree char *text = str_printf(
		"<domain><name>a</name><metadata>"
		"<x:assign xmlns:x='urn:other' pool='not ours'/><assign pool='nor this'/>"
		"<vfctl:assign xmlns:vfctl='" DOMAIN_NAMESPACE "' %s/></metadata></domain>",
		attributes);

	assert_int_equal(parse(text, d), 0);
	assert_int_equal(d->n_assigns, 1);
}

static void wishes_for_vfs(void **state UNUSED)
{
	autodomain d = { 0 }, more = { 0 }, plain = { 0 };

	parse_wish("pool='fast'", &plain);
	assert_null(plain.assigns[0].wrong);
	assert_int_equal(plain.assigns[0].count, 1);
	assert_int_equal(plain.assigns[0].fallback, INSTEAD_NONE);
	assert_null(plain.assigns[0].settings);
	parse_wish("xmlns:o='urn:o' o:count='many' pool='fast' fallback='bridge:br0' "
		   "mac='52:54:00:AA:00:01' settings=' vlan=3  trust=on'",
		&d);
	assert_null(d.assigns[0].wrong);
	assert_string_equal(d.assigns[0].pool, "fast");
	assert_int_equal(d.assigns[0].fallback, INSTEAD_BRIDGE);
	assert_string_equal(d.assigns[0].fallback_name, "br0");
	assert_string_equal(d.assigns[0].mac, "52:54:00:aa:00:01");
	assert_int_equal(strv_len(d.assigns[0].settings), 3);
	assert_string_equal(d.assigns[0].settings[1], "trust=on");
	assert_string_equal(d.assigns[0].settings[2], "mac=52:54:00:aa:00:01");
	/* Several, and an interface that was put in place of one. */
	assert_int_equal(
		parse("<domain><name>a</name><metadata><v:assigns xmlns:v='" DOMAIN_NAMESPACE "'>"
		      "<v:assign pool='a' count='64'/><other/>"
		      "<v:assign pool='b' fallback='network:default'/></v:assigns></metadata>"
		      "<devices><interface type='bridge'><alias name='ua-vfctl-1-0'/></interface>"
		      "<interface type='bridge'><alias name='net0'/></interface></devices></domain>",
			&more),
		0);
	assert_int_equal(more.n_assigns, 2);
	assert_int_equal(more.assigns[0].count, 64);
	assert_int_equal(more.assigns[1].fallback, INSTEAD_NETWORK);
	assert_string_equal(more.assigns[1].fallback_name, "default");
	assert_int_equal(strv_len(more.aliases), 1);
	assert_string_equal(more.aliases[0], "ua-vfctl-1-0");
}

/* Nothing of a wish is heard half. */
static void wishes_that_are_none(void **state UNUSED)
{
	static const struct {
		const char *said, *wrong;
	} all[] = {
		{ "", "it names no pool" },
		{ "pool=''", "its pool has no name" },
		{ "pool='a' count='0'", "count='0' is no number from 1 to 64" },
		{ "pool='a' count='65'", "count='65' is no number from 1 to 64" },
		{ "pool='a' count='many'", "count='many' is no number from 1 to 64" },
		{ "pool='a' count=''", "count='' is no number from 1 to 64" },
		{ "pool='a' count='-1'", "count='-1' is no number from 1 to 64" },
		{ "pool='a' fallback='br0'",
			"fallback='br0' is neither bridge:NAME nor network:NAME nor none" },
		{ "pool='a' fallback='bridge:'",
			"fallback='bridge:' is neither bridge:NAME nor network:NAME nor none" },
		{ "pool='a' fallback='bridge:../../etc'",
			"fallback='bridge:../../etc' is neither bridge:NAME nor network:NAME nor "
			"none" },
		{ "pool='a' fallback='bridge:fifteen-letters'", NULL },
		{ "pool='a' mac='ff:ff:ff:ff:ff:ff'",
			"mac='ff:ff:ff:ff:ff:ff' is no address of a network card" },
		{ "pool='a' mac='52:54:00:aa:00:01' count='2'",
			"2 functions cannot have one address" },
		{ "pool='a' settings='vlan'", "settings: 'vlan' is no KEY=VALUE" },
		{ "pool='a' settings='mac=52:54:00:aa:00:01'",
			"settings: the address is said as mac='52:54:00:aa:00:01'" },
		{ "pool='a' fallbck='bridge:br0'",
			"it has no 'fallbck', but pool, count, fallback, mac and settings" },
		{ "pool='a' count='&#x202e;1'",
			"count='\\xe2\\x80\\xae1' is no number from 1 to 64" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		autodomain d = { 0 };

		parse_wish(all[i].said, &d);
		if (all[i].wrong)
			assert_string_equal(d.assigns[0].wrong, all[i].wrong);
		else
			assert_null(d.assigns[0].wrong);
	}
}

static void what_is_none(void **state UNUSED)
{
	static const char *const texts[] = {
		"",
		"no xml",
		"<domain/>",
		"<domain><devices/></domain>",
		"<domain><name/></domain>",
		"<pool><name>x</name></pool>",
		"<domstatus pid='1'/>",
		"<domain><name>a</name></domain><domain/>",
		"<domain><name>a\x1b[0m</name></domain>",  /* an escape is no XML */
		"<domain><name>a\xff\xfe</name></domain>", /* nor is this UTF-8 */
		"<?xml version='1.0' encoding='x-none'?><domain><name>a</name></domain>",
		"<domain type='a' type='b'><name>a</name></domain>", /* twice */
		"<domain><name>&other;</name></domain>",
	};
	static const char utf16[] = "<\0d\0o\0m\0a\0i\0n\0/\0>\0";
	struct domain d;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		if (parse(texts[i], &d) != -EBADMSG)
			fail_msg("taken: %s", texts[i]);
	assert_int_equal(domain_parse(utf16, sizeof(utf16), &d), -EBADMSG);
}

/* None is looked into: nothing is expanded, nothing is read from elsewhere. */
static void document_types(void **state UNUSED)
{
	static const char *const texts[] = {
		"<!DOCTYPE d [<!ENTITY a 'b'>]><domain><name>&a;</name></domain>",
		"<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain><name>x</name></domain>",
		"<!DOCTYPE d [<!ENTITY x SYSTEM 'file:///etc/hostname'>]>"
		"<domain><name>&x;</name></domain>",
		"<!DOCTYPE d [<!ENTITY % p SYSTEM 'http://127.0.0.1:1/'> %p;]>"
		"<domain><name>x</name></domain>",
		"<!DOCTYPE d [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
		"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY d '&c;&c;&c;&c;&c;&c;&c;&c;'>"
		"<!ENTITY e '&d;&d;&d;&d;&d;&d;&d;&d;'><!ENTITY f '&e;&e;&e;&e;&e;&e;&e;&e;'>]>"
		"<domain><name>&f;</name></domain>",
		"<!DOCTYPE d [<!ATTLIST domain type CDATA 'kvm'>]><domain><name>x</name></domain>",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct domain d;

		if (parse(texts[i], &d) != -EBADMSG)
			fail_msg("taken: %s", texts[i]);
	}
}

/* `n` times `part` between head and tail. */
static char *many(const char *head, const char *part, size_t n, const char *tail)
{
	struct strbuf b = { 0 };

	strbuf_add(&b, "%s", head);
	for (size_t i = 0; i < n; i++)
		strbuf_add_bytes(&b, part, strlen(part));
	strbuf_add(&b, "%s", tail);
	return strbuf_take(&b);
}

static uint64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int ends(char *text, int expected)
{
	autofree char *own = text;
	uint64_t before = cpu_ms();
	autodomain d = { 0 };
	int r = parse(own, &d);

	assert_in_range(cpu_ms() - before, 0, 20000); /* also under the sanitizers */
	assert_int_equal(r, expected);
	return (int)d.n_devices;
}

static void too_much(void **state UNUSED)
{
	ends(many("<domain><name>a</name>", "<x>", 100000, ""), -EBADMSG);
	ends(many("<domain><name>a</name>", "<x></x>", 100000, "</domain>"), 0);
	ends(many("<domain><name>a</name>", "<x></x>", 16 << 20, "</domain>"), -EFBIG);
	ends(many("<domain><name>", "a", 100000, "</name></domain>"), -EFBIG);
	assert_int_equal(ends(many("<network><name>a</name><forward mode='hostdev'>",
				      "<address bus='1' slot='2' function='3'/>", 25000,
				      "</forward></network>"),
				 0),
		25000);
	assert_int_equal(
		ends(many("<domain><name>a</name><devices>",
			     "<d><source><address bus='1' slot='2' function='3'/></source></d>",
			     15000, "</devices></domain>"),
			0),
		15000);
}

/* Each attribute is compared with all before: not with hundreds of thousands. */
static void many_attributes(void **state UNUSED)
{
	struct strbuf b = { 0 };

	strbuf_add(&b, "<domain ");
	for (unsigned i = 0; i < 100000; i++)
		strbuf_add(&b, "a%x='' ", i);
	strbuf_add(&b, "><name>a</name></domain>");
	ends(strbuf_take(&b), -EFBIG);
	for (unsigned k = 0; k < 60; k++) {
		strbuf_add(&b, k ? "<x " : "<domain ");
		for (unsigned i = 0; i < 1600; i++)
			strbuf_add(&b, "a%x='' ", i);
		strbuf_add(&b, k ? "/>" : "><name>a</name>");
	}
	strbuf_add(&b, "</domain>");
	ends(strbuf_take(&b), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(devices),
		cmocka_unit_test(a_running_one_and_a_pool),
		cmocka_unit_test(wishes_for_vfs),
		cmocka_unit_test(wishes_that_are_none),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(document_types),
		cmocka_unit_test(too_much),
		cmocka_unit_test(many_attributes),
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
