// SPDX-License-Identifier: GPL-2.0-or-later
/* The walk along capabilities, over what real and broken devices show. */
#include "cm.h"
#include "machine.h"
#include "pci/config.h"
#include "pci/detail.h"

static void put32(struct config_space *c, unsigned at, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		c->b[at + i] = (uint8_t)(v >> 8 * i);
}

/* A space with a capability list that starts at 0x40. */
static struct config_space with_list(size_t len)
{
	struct config_space c = { .len = len };

	c.b[0x06] = 0x10;
	c.b[0x34] = 0x40;
	return c;
}

static void the_igb_pf_is_understood(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	struct config_space c;
	struct capability caps[64];

	assert_int_equal(config_space_read(h, at("0000:01:00.0"), &c), 0);
	assert_int_equal(c.len, 4096);
	assert_int_equal(config_capabilities(&c, caps, 64), 7);
	assert_int_equal(config_find(&c, CAP_MSIX), 0x70);
	assert_int_equal(config_find_extended(&c, ECAP_SRIOV), 0x160);
	assert_int_equal(config_find(&c, CAP_PCIE), 0xa0); /* the same number, another list */
	assert_int_equal(config_space_read(h, at("0000:7f:00.0"), &c), -ENOENT);
}

/* What a device shows, and how much of it was asked for. */
static struct config_space shown;
static size_t asked;

static ssize_t read_shown(struct host *h UNUSED, const char *path UNUSED, void *buf, size_t size)
{
	asked += size;
	memcpy(buf, shown.b, MIN(size, shown.len));
	return (ssize_t)MIN(size, shown.len);
}

static size_t read_chains(struct config_space *ret)
{
	const struct host_ops ops = { .read_file = read_shown };
	struct host h = { .ops = &ops };

	asked = 0;
	assert_int_equal(config_space_read_chains(&h, at("0000:01:00.0"), ret), 0);
	return asked;
}

/* As far as the chain goes, and all of it when that is far. */
static void chains_alone(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	struct capability caps[64];
	autofree char *dsn = NULL;
	struct config_space c;

	assert_int_equal(config_space_read(h, at("0000:01:00.0"), &shown), 0);
	assert_int_equal(read_chains(&c), 512);
	assert_int_equal(config_find_extended(&c, ECAP_SRIOV), 0x160);
	assert_int_equal(config_capabilities(&c, caps, 64), 7);
	/* A capability that is not whole; a chain that leads on; one that leads nowhere. */
	memset(shown.b + 0x100, 0, sizeof(shown.b) - 0x100);
	put32(&shown, 0x100, 0x1f00000b);
	put32(&shown, 0x1f0, 0x00000003);
	assert_int_equal(read_chains(&c), 512 + 4096);
	put32(&shown, 0x100, 0x4000000b);
	put32(&shown, 0x400, 0x00000003);
	put32(&shown, 0x404, 0xff123456);
	put32(&shown, 0x408, 0x90e2baff);
	assert_int_equal(read_chains(&c), 512 + 4096);
	dsn = config_dsn(&c);
	assert_string_equal(dsn, "90-e2-ba-ff-ff-12-34-56");
	put32(&shown, 0x100, 0x1400000b);
	assert_int_equal(read_chains(&c), 512);
	put32(&shown, 0x100, 0);
	assert_int_equal(read_chains(&c), 512);
	/* Conventional, and as a plain user sees it. */
	shown.len = 256;
	assert_int_equal(read_chains(&c), 512);
	assert_int_equal(c.len, 256);
	shown.len = 64;
	assert_int_equal(read_chains(&c), 512);
	assert_int_equal(c.len, 64);
}

static void short_spaces_end_the_walk(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	struct config_space c;
	static const size_t lens[] = { 0, 1, 63, 64, 255, 256, 0x160, 0x162, 4095 };

	assert_int_equal(config_space_read(h, at("0000:01:00.0"), &c), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		struct capability caps[64];
		struct sriov_cap cap;

		c.len = lens[i];
		assert_true(config_capabilities(&c, caps, 64) <= 7);
		assert_int_equal(config_find(&c, CAP_MSIX), lens[i] >= 255 ? 0x70 : 0);
		assert_int_equal(sriov_cap_decode(&c, &cap), lens[i] == 4095);
	}
}

static void a_chain_that_meets_itself_ends(void **state UNUSED)
{
	struct config_space c = with_list(4096);
	struct capability caps[2000];

	c.b[0x40] = CAP_PM;
	c.b[0x41] = 0x50;
	c.b[0x50] = CAP_MSIX;
	c.b[0x51] = 0x40;
	put32(&c, 0x100, 0x20010000 | ECAP_AER);
	put32(&c, 0x200, 0x20010000 | ECAP_ACS); /* itself */
	assert_int_equal(config_capabilities(&c, caps, ARRAY_SIZE(caps)), 4);
	assert_int_equal(config_find(&c, CAP_VPD), 0);
	assert_int_equal(config_find_extended(&c, ECAP_ACS), 0x200);
}

static void pointers_into_the_header_end_the_walk(void **state UNUSED)
{
	struct config_space c = with_list(256);
	struct capability caps[64];

	c.b[0x40] = CAP_PM;
	c.b[0x41] = 0x04;
	assert_int_equal(config_capabilities(&c, caps, 64), 1);
	c.b[0x34] = 0x3c;
	assert_int_equal(config_capabilities(&c, caps, 64), 0);
	c.b[0x34] = 0x43; /* reserved low bits */
	assert_int_equal(config_capabilities(&c, caps, 64), 1);
	assert_int_equal(caps[0].offset, 0x40);
	c.b[0x06] = 0;
	assert_int_equal(config_capabilities(&c, caps, 64), 0);
}

static void all_ones_is_a_dead_device(void **state UNUSED)
{
	struct config_space c = { .len = 4096 };
	struct capability caps[64];

	memset(c.b, 0xff, sizeof(c.b));
	assert_int_equal(config_capabilities(&c, caps, 64), 0);
}

/* Whatever bytes stand there: no overrun (ASan), and no more than asked for. */
static void noise_is_bounded(void **state UNUSED)
{
	uint32_t seed = 1;

	for (unsigned round = 0; round < 200; round++) {
		struct config_space c = { .len = seed % 4097 };
		struct capability caps[8];
		struct sriov_cap cap;

		for (size_t i = 0; i < sizeof(c.b); i++) {
			seed = seed * 1103515245 + 12345;
			c.b[i] = (uint8_t)(seed >> 16);
		}
		c.b[0x06] |= 0x10;
		assert_true(config_capabilities(&c, caps, 8) <= 8);
		sriov_cap_decode(&c, &cap);
	}
}

static void registers_outside_are_absent(void **state UNUSED)
{
	struct config_space c = { .b = { 0x86, 0x80, 0xc9, 0x10 }, .len = 4 };
	uint32_t v32 = 1;
	uint16_t v16 = 1;
	uint8_t v8 = 1;

	assert_true(config_u32(&c, 0, &v32));
	assert_int_equal(v32, 0x10c98086);
	assert_true(config_u16(&c, 2, &v16));
	assert_int_equal(v16, 0x10c9);
	assert_false(config_u16(&c, 3, &v16));
	assert_int_equal(v16, 0);
	assert_false(config_u8(&c, 4, &v8));
	assert_false(config_u32(&c, UINT32_MAX, &v32));
	assert_int_equal(v32, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_igb_pf_is_understood),
		cmocka_unit_test(chains_alone),
		cmocka_unit_test(short_spaces_end_the_walk),
		cmocka_unit_test(a_chain_that_meets_itself_ends),
		cmocka_unit_test(pointers_into_the_header_end_the_walk),
		cmocka_unit_test(all_ones_is_a_dead_device),
		cmocka_unit_test(noise_is_bounded),
		cmocka_unit_test(registers_outside_are_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
