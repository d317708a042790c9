/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "image.h"

#include <errno.h>
#include <stdlib.h>

static uint8_t image[IMAGE_BYTES];

static int set_up(void **state UNUSED)
{
	image_make(image);
	return 0;
}

static void refused(const char *why)
{
	struct bzimage b;
	autoproblem *p = NULL;

	assert_int_equal(bzimage_parse(image, sizeof(image), sizeof(image), &b, &p), -ENOEXEC);
	assert_int_equal(p->kind, PROBLEM_BAD_IMAGE);
	if (!strstr(p->what, why))
		fail_msg("\"%s\" does not say \"%s\"", p->what, why);
}

static void good_is_good(void **state UNUSED)
{
	struct bzimage b;

	assert_int_equal(bzimage_parse(image, sizeof(image), sizeof(image), &b, NULL), 0);
	assert_int_equal(b.code_offset, IMAGE_SETUP);
	assert_int_equal(b.code_size, IMAGE_CODE);
	/* A signature behind the code is not code. */
	assert_int_equal(bzimage_parse(image, sizeof(image), sizeof(image) + 999, &b, NULL), 0);
	assert_int_equal(b.code_size, IMAGE_CODE);
	/* No number of sectors means four. */
	image_header(image)->setup_sects = 0;
	assert_int_equal(bzimage_parse(image, sizeof(image), sizeof(image), &b, NULL), 0);
	assert_int_equal(b.code_offset, IMAGE_SETUP);
}

static void each_lack_has_its_reason(void **state UNUSED)
{
	image_header(image)->header = 0;
	refused("not a bzImage");
	image_make(image);
	image_header(image)->boot_flag = 0;
	refused("not a bzImage");
	image_make(image);
	image_header(image)->version = 0x20b;
	refused("boot protocol 2.11");
	image_make(image);
	image_header(image)->loadflags = 0;
	refused("zImage");
	image_make(image);
	image_header(image)->xloadflags = 0;
	refused("64-bit entry");
	image_make(image);
	image_header(image)->kernel_alignment = 3;
	refused("alignment");
	image_make(image);
	image_header(image)->syssize = 0;
	refused("no code");
	image_make(image);
	image_header(image)->setup_sects = 64;
	refused("before its code");
}

static void cut_off_anywhere(void **state UNUSED)
{
	struct bzimage b;

	/* The size in the header counts units of 16 bytes, of which the last may be short. */
	for (size_t len = 0; len <= sizeof(image) - 16; len++) {
		size_t head = MIN(len, (size_t)4096);
		uint8_t *copy = malloc(head + 1);

		assert_non_null(copy);
		memcpy(copy, image, head);
		assert_int_equal(bzimage_parse(copy, head, len, &b, NULL), -ENOEXEC);
		free(copy);
	}
}

static void noise(void **state UNUSED)
{
	uint32_t seed = 3;
	struct bzimage b;

	for (int round = 0; round < 20000; round++) {
		image_make(image);
		for (size_t i = 0; i < sizeof(struct setup_header); i++) {
			seed = seed * 1664525 + 1013904223;
			if (seed >> 29 == 0)
				image[0x1f1 + i] = (uint8_t)(seed >> 16);
		}
		if (bzimage_parse(image, sizeof(image), sizeof(image), &b, NULL) < 0)
			continue;
		assert_true(b.code_offset + b.code_size <= sizeof(image));
		assert_true(b.code_size > 0x200);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(good_is_good, set_up),
		cmocka_unit_test_setup(each_lack_has_its_reason, set_up),
		cmocka_unit_test_setup(cut_off_anywhere, set_up),
		cmocka_unit_test_setup(noise, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
