// SPDX-License-Identifier: GPL-2.0-or-later
/* libvirt's files, and what somebody may have put in their place. */
#include "cm.h"
#include "base/str.h"
#include "holder/domainxml.h"

static void fetched_devices(void **state UNUSED)
{
	struct domain_xml d CLEANUP(domain_xml_done) = { 0 };

	assert_int_equal(
		domain_xml_parse(
			"<domain><name>a\x1b[0m</name><devices>"
			"<interface type='network'><source network='pool'/><actual type='hostdev'>"
			"<source><address type='pci' domain='0x0000' bus='0x3b' slot='0x02' "
			"function='0x7'/></source></actual></interface>"
			"<disk type='nvme'><source type='pci' namespace='1'>"
			"<address bus='3' slot='0' function='0'/></source></disk>"
			"<hostdev type='pci'><source><address bus='0x1ff' slot='0' function='0'/>"
			"</source></hostdev></devices></domain>",
			&d),
		-EBADMSG); /* an escape is no XML */
	assert_int_equal(
		domain_xml_parse(
			"<domain><name>a</name><devices>"
			"<interface type='network'><source network='pool'/><actual type='hostdev'>"
			"<source><address type='pci' domain='0x10000' bus='0x3b' slot='0x02' "
			"function='0x7'/></source></actual></interface>"
			"<disk type='nvme'><source type='pci' namespace='1'>"
			"<address bus='3' slot='0' function='0'/></source></disk>"
			"<hostdev type='pci'><source><address bus='0x1ff' slot='0' function='0'/>"
			"</source></hostdev></devices></domain>",
			&d),
		0);
	assert_string_equal(d.name, "a");
	assert_int_equal(d.n_devices, 2);
	assert_string_equal(BDF_TEXT(d.devices[0]), "10000:3b:02.7");
	assert_string_equal(BDF_TEXT(d.devices[1]), "0000:03:00.0");
}

static void what_is_no_domain(void **state UNUSED)
{
	static const char *const texts[] = {
		"",
		"no xml",
		"<domain/>",
		"<domain><devices/></domain>",
		"<pool><name>x</name></pool>",
		"<domstatus pid='1'/>",
		"<!DOCTYPE d [<!ENTITY a 'b'>]><domain><name>&a;</name></domain>",
		"<!DOCTYPE d SYSTEM 'file:///etc/passwd'><domain><name>x</name></domain>",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct domain_xml d;

		assert_int_equal(domain_xml_parse(texts[i], &d), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fetched_devices),
		cmocka_unit_test(what_is_no_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
