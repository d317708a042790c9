/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "vmm/memory/receipt.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)

static struct memory_receipt populated(uint64_t bytes, uint64_t faults)
{
	return (struct memory_receipt) {
		.bytes = bytes,
		.huge_fit = bytes,
		.populated = true,
		.prefault.faults = faults,
	};
}

static void faults_tell_the_pages(void **state UNUSED)
{
	struct memory_receipt r = populated(GIB, 512);

	assert_int_equal(memory_receipt_huge_bytes(&r), GIB);
	assert_string_equal(memory_receipt_why(&r), "1G takes --huge-pages=1G");
	r = populated(GIB, 262144);
	assert_int_equal(memory_receipt_huge_bytes(&r), 0);
	assert_string_equal(memory_receipt_why(&r), "the host's free memory is in pieces");
	r.no_thp = true;
	assert_string_equal(memory_receipt_why(&r), "transparent huge pages are off on this host");
	/* Half in 256 large pages, half in 131072 small ones; some of them faulted by the loader.
	 */
	r = populated(GIB, 256 + 131072 - 1000);
	r.loaded_faults = 1000;
	assert_int_equal(memory_receipt_huge_bytes(&r), 512 * MIB);
	/* More faults than pages, or fewer: no nonsense. */
	r = populated(GIB, 1 << 30);
	assert_int_equal(memory_receipt_huge_bytes(&r), 0);
	r = populated(GIB, 0);
	assert_int_equal(memory_receipt_huge_bytes(&r), GIB);
}

static void what_was_not_populated_is_not_claimed(void **state UNUSED)
{
	struct memory_receipt r = { .bytes = GIB, .huge_fit = GIB };

	assert_int_equal(memory_receipt_huge_bytes(&r), 0);
	assert_string_equal(memory_receipt_why(&r), "they come when the guest touches them");
}

static void pools_are_certain(void **state UNUSED)
{
	struct memory_receipt r = populated(GIB, 7);

	r.huge_page = 2 * MIB;
	assert_int_equal(memory_receipt_huge_bytes(&r), GIB);
	assert_string_equal(memory_receipt_why(&r), "these were asked for");
	r.huge_page = GIB;
	assert_string_equal(memory_receipt_why(&r), "there are none larger");
}

static void edges_hold_no_large_pages(void **state UNUSED)
{
	struct guest_memory m = { .size = 64 * MIB + 8192, .n_banks = 2 };
	struct memory_receipt r;

	m.banks[0] = (struct guest_bank) { GPA(0), 31 * MIB, NULL };
	m.banks[1] = (struct guest_bank) { GPA(33 * MIB), 33 * MIB + 8192, NULL };
	memory_receipt_init(&r, &m);
	assert_int_equal(r.banks, 2);
	assert_int_equal(r.huge_fit, 30 * MIB + 32 * MIB);
	r.populated = true;
	assert_int_equal(memory_receipt_huge_bytes(&r), r.huge_fit);
	assert_string_equal(memory_receipt_why(&r), "reserved ranges cut the memory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(faults_tell_the_pages),
		cmocka_unit_test(what_was_not_populated_is_not_claimed),
		cmocka_unit_test(pools_are_certain),
		cmocka_unit_test(edges_hold_no_large_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
