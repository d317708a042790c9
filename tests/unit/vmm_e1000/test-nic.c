// SPDX-License-Identifier: GPL-2.0-or-later
/* The card's registers, EEPROM, PHY, interrupts and link. */
#include "cm.h"
#include "fixture.h"

enum {
	EECD_CLOCK = 1,
	EECD_SELECT = 2,
	EECD_IN = 4,
	EECD_OUT = 8,
	MDIC_WRITE = 1 << 26,
	MDIC_READ = 2 << 26,
	MDIC_READY = 1 << 28,
	MDIC_INTERRUPT = 1 << 29,
	MDIC_ERROR = 1 << 30,
};

static uint16_t eerd(struct fixture *f, unsigned word)
{
	nic_write(&f->n, R_EERD, word << 8 | 1);
	assert_true(nic_read(&f->n, R_EERD) & 0x10);
	return (uint16_t)(nic_read(&f->n, R_EERD) >> 16);
}

static void bit_in(struct fixture *f, bool bit)
{
	uint32_t v = EECD_SELECT | (bit ? EECD_IN : 0);

	nic_write(&f->n, R_EECD, v);
	nic_write(&f->n, R_EECD, v | EECD_CLOCK);
	nic_write(&f->n, R_EECD, v);
}

static uint16_t shifted(struct fixture *f, unsigned opcode, unsigned word)
{
	unsigned v = 0;

	nic_write(&f->n, R_EECD, 0);
	nic_write(&f->n, R_EECD, EECD_SELECT);
	for (unsigned i = 0; i < 3; i++)
		bit_in(f, opcode >> (2 - i) & 1);
	for (unsigned i = 0; i < 6; i++)
		bit_in(f, word >> (5 - i) & 1);
	for (unsigned i = 0; i < 16; i++) {
		bit_in(f, false);
		v = v << 1 | !!(nic_read(&f->n, R_EECD) & EECD_OUT);
	}
	nic_write(&f->n, R_EECD, 0);
	return (uint16_t)v;
}

static void eeprom(void **state UNUSED)
{
	struct fixture *f = open_nic(false);
	uint16_t sum = 0;

	for (unsigned i = 0; i < 64; i++) {
		sum = (uint16_t)(sum + eerd(f, i));
		assert_int_equal(shifted(f, 6, i), eerd(f, i));
	}
	assert_int_equal(sum, 0xbaba);
	assert_int_equal(eerd(f, 0), 0x5452);
	assert_int_equal(eerd(f, 2), 0x5634);
	assert_int_equal(eerd(f, 64), 0xffff);
	assert_int_equal(eerd(f, 255), 0xffff);
	/* It is not written, whatever is shifted in, and for however long. */
	shifted(f, 5, 0);
	shifted(f, 7, 0);
	for (unsigned i = 0; i < 3000; i++)
		bit_in(f, i % 3);
	assert_int_equal(shifted(f, 6, 0), 0x5452);
	close_nic(f);
}

static uint32_t mdic(struct fixture *f, uint32_t v)
{
	nic_write(&f->n, R_MDIC, v);
	return nic_read(&f->n, R_MDIC);
}

static void phy(void **state UNUSED)
{
	struct fixture *f = open_nic(false);
	uint32_t v = mdic(f, MDIC_READ | 1 << 21 | 2 << 16);

	assert_int_equal(v & 0xffff, 0x0141);
	assert_true(v & MDIC_READY);
	assert_false(v & MDIC_ERROR);
	for (unsigned address = 0; address < 32; address++)
		assert_int_equal(!(mdic(f, MDIC_READ | address << 21) & MDIC_ERROR), address == 1);
	assert_true(mdic(f, 1 << 21) & MDIC_ERROR);
	assert_true(mdic(f, MDIC_READ | MDIC_WRITE | 1 << 21) & MDIC_ERROR);
	for (unsigned reg = 1; reg < 32; reg++)
		mdic(f, MDIC_WRITE | 1 << 21 | reg << 16 | 0xffff);
	assert_int_equal(mdic(f, MDIC_READ | 1 << 21 | 2 << 16) & 0xffff, 0x0141);
	assert_int_equal(mdic(f, MDIC_READ | 1 << 21 | 1 << 16) & 0x24, 0x24); /* link */
	assert_int_equal(nic_read(&f->n, R_ICR), 0);
	mdic(f, MDIC_READ | MDIC_INTERRUPT | 1 << 21);
	assert_int_equal(nic_read(&f->n, R_ICR), I_MDAC);
	close_nic(f);
}

static void causes_and_masks(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	nic_write(&f->n, R_ICS, 0xffffffff);
	assert_false(atomic_load(&f->line));
	nic_write(&f->n, R_IMS, I_LSC | I_RXT0);
	assert_true(atomic_load(&f->line));
	assert_int_equal(nic_read(&f->n, R_IMS), I_LSC | I_RXT0);
	nic_write(&f->n, R_IMC, I_RXT0);
	assert_true(atomic_load(&f->line));
	nic_write(&f->n, R_ICR, I_LSC);
	assert_false(atomic_load(&f->line));
	assert_int_equal(nic_read(&f->n, R_ICR), I_ALL & ~I_LSC);
	assert_int_equal(nic_read(&f->n, R_ICR), 0);
	nic_write(&f->n, R_ICS, I_LSC);
	assert_true(atomic_load(&f->line));
	nic_write(&f->n, R_CTRL, CTRL_RESET);
	assert_false(atomic_load(&f->line));
	assert_int_equal(nic_read(&f->n, R_IMS), 0);
	assert_int_equal(nic_read(&f->n, R_CTRL) & CTRL_RESET, 0);
	close_nic(f);
}

/* The line rises at once, then again when ITR lets it. */
static void the_throttle(void **state UNUSED)
{
	struct fixture *f = open_nic(true);

	nic_write(&f->n, R_ITR, 0xffffffff); /* 16.8 ms: the rest is nothing */
	nic_write(&f->n, R_IMS, I_TXDW);
	nic_write(&f->n, R_ICS, I_TXDW);
	assert_int_equal(atomic_load(&f->rises), 1);
	for (unsigned i = 0; i < 100; i++) {
		nic_read(&f->n, R_ICR);
		nic_write(&f->n, R_ICS, I_TXDW);
	}
	assert_in_range(atomic_load(&f->rises), 1, 50);
	nic_read(&f->n, R_ICR);
	nic_write(&f->n, R_ICS, I_TXDW);
	for (unsigned i = 0; i < 5000 && !atomic_load(&f->line); i++)
		usleep(1000);
	assert_true(atomic_load(&f->line));
	close_nic(f);
}

static void registers_outside(void **state UNUSED)
{
	static const uint64_t nowhere[] = { 0x7ffc, 0x8000, 0x1fffc, 1, 2, 3, 0x7fff, UINT64_MAX,
		UINT64_MAX - 3, 0xffffffff };
	struct fixture *f = open_nic(false);

	for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++) {
		nic_write(&f->n, nowhere[i], 0xffffffff);
		assert_int_equal(nic_read(&f->n, nowhere[i]), i ? 0 : 0xffffffff);
	}
	nic_write(&f->n, R_STATUS, 0);
	assert_true(nic_read(&f->n, R_STATUS) & STATUS_LINK);
	nic_write(&f->n, R_GPTC, 7);
	assert_int_equal(nic_read(&f->n, R_GPTC), 0);
	close_nic(f);
}

/* Everything with everything in it, each register alone; a reset makes it a card again. */
static void all_registers_with_all_ones(void **state UNUSED)
{
	struct fixture *f = open_nic(false);

	for (unsigned value = 0; value < 4; value++)
		for (unsigned at = 0; at < NIC_REGISTER_BYTES; at += 4) {
			nic_write(&f->n, at, value ? 0xffffffff >> (value * 4 - 4) : 0);
			nic_read(&f->n, at);
		}
	nic_write(&f->n, R_CTRL, CTRL_RESET);
	assert_int_equal(nic_read(&f->n, R_RCTL), 0);
	assert_int_equal(nic_read(&f->n, R_RAL), 0x12005452);
	assert_int_equal(nic_read(&f->n, R_RAL + 4), RAH_VALID | 0x5634);
	tx_up(f);
	tx_send(f, TX_DATA, 60);
	assert_int_equal(nic_read(&f->n, R_GPTC), 1);
	close_nic(f);
}

static void the_cable(void **state UNUSED)
{
	struct fixture *f = open_nic(false);
	struct packet p;

	tx_up(f);
	nic_write(&f->n, R_IMS, I_LSC);
	nic_set_link(&f->n, false);
	assert_true(atomic_load(&f->line));
	assert_int_equal(nic_read(&f->n, R_ICR) & I_LSC, I_LSC);
	assert_int_equal(nic_read(&f->n, R_STATUS) & STATUS_LINK, 0);
	nic_set_link(&f->n, false); /* it is down already */
	assert_int_equal(nic_read(&f->n, R_ICR), 0);
	tx_send(f, TX_DATA, 60);
	assert_int_equal(leaves(f, &p), -1);
	assert_int_equal(tx_at(f, 0)->upper & DONE, DONE);
	nic_write(&f->n, R_CTRL, CTRL_RESET); /* does not plug it in */
	assert_int_equal(nic_read(&f->n, R_STATUS) & STATUS_LINK, 0);
	nic_set_link(&f->n, true);
	tx_up(f);
	tx_send(f, TX_DATA, 60);
	assert_int_equal(leaves(f, &p), 60);
	close_nic(f);
}

static void a_tap_that_goes(void **state UNUSED)
{
	struct fixture *f = open_nic(true);

	nic_write(&f->n, R_IMS, I_LSC);
	rx_up(f, RCTL_UNICAST);
	shutdown(f->tap.other, SHUT_RDWR);
	for (unsigned i = 0; i < 5000 && !atomic_load(&f->line); i++)
		usleep(1000);
	assert_true(atomic_load(&f->line));
	assert_int_equal(nic_read(&f->n, R_STATUS) & STATUS_LINK, 0);
	for (unsigned i = 0; i < 5000 && !atomic_load(&f->notes); i++)
		usleep(1000);
	nic_write(&f->n, R_CTRL, CTRL_RESET);
	tx_up(f);
	tx_send(f, TX_DATA, 60); /* nowhere */
	usleep(20000);
	assert_int_equal(atomic_load(&f->notes), 1);
	close_nic(f);
}

/* Rings that were set up before the function was allowed to reach memory. */
static void mastering_comes_last(void **state UNUSED)
{
	struct fixture *f = open_nic(true);
	struct packet p;
	ssize_t n = -1;

	nic_set_master(&f->n, false);
	tx_up(f);
	tx_send(f, TX_DATA, 77);
	usleep(20000);
	assert_int_equal(leaves(f, &p), -1);
	nic_set_master(&f->n, true);
	for (unsigned i = 0; i < 5000 && (n = leaves(f, &p)) < 0; i++)
		usleep(1000);
	assert_int_equal(n, 77);
	close_nic(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(eeprom),
		cmocka_unit_test(phy),
		cmocka_unit_test(causes_and_masks),
		cmocka_unit_test(the_throttle),
		cmocka_unit_test(registers_outside),
		cmocka_unit_test(all_registers_with_all_ones),
		cmocka_unit_test(the_cable),
		cmocka_unit_test(a_tap_that_goes),
		cmocka_unit_test(mastering_comes_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
