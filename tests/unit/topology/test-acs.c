// SPDX-License-Identifier: GPL-2.0-or-later
/* ACS and port types out of configuration space, and the kernel's rule on them. */
#include "cm.h"
#include "machine.h"
#include "topology/acs.h"

static void put16(struct config_space *c, unsigned at, unsigned v)
{
	c->b[at] = (uint8_t)v;
	c->b[at + 1] = (uint8_t)(v >> 8);
}

/* A PCIe function of that port type whose only extended capability is ACS, at 0x100. */
static struct config_space port(unsigned type, unsigned capability, unsigned control)
{
	struct config_space c = { .len = CONFIG_BYTES };

	c.b[0x06] = 0x10;
	c.b[0x34] = 0x40;
	c.b[0x40] = CAP_PCIE;
	put16(&c, 0x42, type << 4 | 2);
	put16(&c, 0x100, ECAP_ACS);
	put16(&c, 0x102, 1);
	put16(&c, 0x104, capability);
	put16(&c, 0x106, control);
	return c;
}

static void a_real_root_port_isolates(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	struct config_space c;
	uint16_t missing = 99;
	struct acs acs;

	assert_int_equal(config_space_read(h, at("0000:00:01.0"), &c), 0);
	acs = acs_decode(&c);
	assert_int_equal(acs.state, ACS_PRESENT);
	assert_string_equal(ACS_TEXT(acs.capability), "SV TB RR CR UF DT");
	assert_string_equal(ACS_TEXT(acs.control), "SV RR CR UF");
	assert_int_equal(port_type_decode(&c, 0x060400), PORT_ROOT);
	assert_int_equal(acs_isolates(acs, PORT_ROOT, false, &missing), 1);
	assert_int_equal(missing, 0);
}

static void real_functions_have_their_types(void **state UNUSED)
{
	static const struct {
		const char *address;
		uint32_t class_code;
		enum port_type type;
		enum acs_state acs;
	} is[] = {
		{ "0000:00:00.0", 0x060000, PORT_HOST_BRIDGE, ACS_ABSENT },
		{ "0000:01:00.0", 0x020000, PORT_ENDPOINT, ACS_ABSENT },
		{ "0000:04:00.0", 0x060400, PORT_PCIE_TO_PCI, ACS_ABSENT },
		{ "0000:05:01.0", 0x020000, PORT_CONVENTIONAL, ACS_ABSENT },
	};
	autohost *h = machine("s3-nonviable");
	struct config_space c;

	for (size_t i = 0; i < ARRAY_SIZE(is); i++) {
		assert_int_equal(config_space_read(h, at(is[i].address), &c), 0);
		assert_int_equal(port_type_decode(&c, is[i].class_code), is[i].type);
		assert_int_equal(acs_decode(&c).state, is[i].acs);
	}
}

static void every_type_of_the_specification(void **state UNUSED)
{
	static const enum port_type by_value[16] = { PORT_ENDPOINT, PORT_LEGACY_ENDPOINT,
		PORT_ENDPOINT, PORT_ENDPOINT, PORT_ROOT, PORT_UPSTREAM, PORT_DOWNSTREAM,
		PORT_PCIE_TO_PCI, PORT_PCI_TO_PCIE, PORT_INTEGRATED, PORT_EVENT_COLLECTOR };

	for (unsigned v = 0; v < 11; v++) {
		struct config_space c = port(v, 0, 0);

		assert_int_equal(port_type_decode(&c, 0x020000), by_value[v]);
	}
}

static void what_root_alone_may_read_is_unknown(void **state UNUSED)
{
	struct config_space c = port(4, 0x1f, 0x1f);
	uint16_t missing;

	c.len = 64;
	c.b[0x0e] = 1;
	assert_int_equal(acs_decode(&c).state, ACS_UNKNOWN);
	assert_int_equal(port_type_decode(&c, 0x060400), PORT_UNKNOWN_BRIDGE);
	assert_int_equal(acs_isolates(acs_decode(&c), PORT_UNKNOWN_BRIDGE, false, &missing), -1);
	c.b[0x0e] = 0;
	assert_int_equal(port_type_decode(&c, 0x020000), PORT_UNKNOWN);
	/* A function that is alone needs no ACS, whatever it is. */
	assert_int_equal(acs_isolates(acs_decode(&c), PORT_UNKNOWN, false, &missing), 1);
	assert_int_equal(acs_isolates(acs_decode(&c), PORT_UNKNOWN, true, &missing), -1);
	/* Cut within the capability, or before it. */
	c.len = 0x106;
	assert_int_equal(acs_decode(&c).state, ACS_UNKNOWN);
	c.len = 0x100;
	assert_int_equal(acs_decode(&c).state, ACS_ABSENT); /* all that the kernel has, too */
	c.len = 0;
	assert_int_equal(acs_decode(&c).state, ACS_UNKNOWN);
	assert_int_equal(port_type_decode(&c, 0x060400), PORT_UNKNOWN);
}

static int isolates(
	unsigned type, unsigned capability, unsigned control, bool multifunction, uint16_t *missing)
{
	struct config_space c = port(type, capability, control);

	return acs_isolates(acs_decode(&c), port_type_decode(&c, 0x020000), multifunction, missing);
}

static void the_kernels_rule(void **state UNUSED)
{
	struct acs absent = { .state = ACS_ABSENT };
	uint16_t missing;

	assert_int_equal(isolates(4, 0x1f, 0x1d, false, &missing), 1);
	assert_int_equal(isolates(4, 0x1f, 0x1c, false, &missing), 0);
	assert_string_equal(ACS_TEXT(missing), "SV");
	assert_int_equal(isolates(6, 0x1f, 0, false, &missing), 0);
	assert_string_equal(ACS_TEXT(missing), "SV RR CR UF");
	/* Not offered: taken as hard-wired. */
	assert_int_equal(isolates(6, 0x0c, 0x0c, false, &missing), 1);
	assert_int_equal(isolates(6, 0x0c, 0x04, false, &missing), 0);
	assert_string_equal(ACS_TEXT(missing), "CR");
	/* No capability at all. */
	assert_int_equal(acs_isolates(absent, PORT_ROOT, false, &missing), 0);
	assert_int_equal(acs_isolates(absent, PORT_ENDPOINT, true, &missing), 0);
	assert_int_equal(acs_isolates(absent, PORT_ENDPOINT, false, &missing), 1);
	assert_int_equal(acs_isolates(absent, PORT_UPSTREAM, false, &missing), 1);
	assert_int_equal(acs_isolates(absent, PORT_CONVENTIONAL, false, &missing), 1);
	assert_int_equal(acs_isolates(absent, PORT_CONVENTIONAL, true, &missing), 0);
	/* Behind these all functions look like one, whatever their registers say. */
	assert_int_equal(isolates(7, 0x1f, 0x1f, false, &missing), 0);
	assert_int_equal(isolates(8, 0x1f, 0x1f, false, &missing), 0);
	/* Functions of one device. */
	assert_int_equal(isolates(0, 0x1f, 0x1d, true, &missing), 1);
	assert_int_equal(isolates(9, 0x1f, 0x05, true, &missing), 0);
	assert_string_equal(ACS_TEXT(missing), "CR UF");
}

static void bits_have_names(void **state UNUSED)
{
	assert_string_equal(ACS_TEXT(0), "");
	assert_string_equal(ACS_TEXT(0x7f), "SV TB RR CR UF EC DT");
	assert_string_equal(ACS_TEXT(0xff80), "");
	assert_string_equal(acs_bit_name(6), "DT");
	assert_null(acs_bit_name(7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_root_port_isolates),
		cmocka_unit_test(real_functions_have_their_types),
		cmocka_unit_test(every_type_of_the_specification),
		cmocka_unit_test(what_root_alone_may_read_is_unknown),
		cmocka_unit_test(the_kernels_rule),
		cmocka_unit_test(bits_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
