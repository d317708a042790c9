// SPDX-License-Identifier: GPL-2.0-or-later
/* Which VFIO driver is best, and binding to it. */
#include "cm.h"
#include "machine-aliases.h"
#include "machine.h"
#include "driver/driver.h"
#include "fake/fake.h"

#include <stdio.h>

#define VF "0000:01:10.0" /* 8086:10ca, subsystem 1af4:1100, class 020000 */

static int setup(void **state)
{
	return aliases_setup(state, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
}

static void best_is(struct host *h, const char *text, const char *want)
{
	autofree char *got = NULL;

	aliases(h, text);
	assert_int_equal(driver_best_vfio(h, at(VF), &got, NULL), 0);
	assert_string_equal(got, want);
}

#define PLAIN  "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
#define DEVICE "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* for_device\n"
#define SUBSYS "alias vfio_pci:v00008086d000010CAsv00001AF4sd00001100bc*sc*i* for_subsystem\n"
#define CLASS  "alias vfio_pci:v*d*sv*sd*bc02sc00i* for_class\n"
#define FULL   "alias vfio_pci:v00008086d000010CAsv00001AF4sd00001100bc02sc00i00* for_all\n"

static void the_most_specific_wins(void **state)
{
	struct host *h = *state;

	best_is(h, "", "vfio-pci");
	best_is(h, PLAIN, "vfio-pci");
	best_is(h, PLAIN DEVICE, "for_device");
	best_is(h, DEVICE PLAIN, "for_device");
	best_is(h, SUBSYS PLAIN DEVICE, "for_subsystem");
	best_is(h, DEVICE SUBSYS, "for_subsystem");
	best_is(h, FULL SUBSYS DEVICE, "for_all");
	/* The first of equals. */
	best_is(h, CLASS DEVICE, "for_class");
	best_is(h, DEVICE CLASS, "for_device");
}

static void others_do_not_count(void **state)
{
	struct host *h = *state;

	best_is(h, "alias vfio_pci:v000015B3d000010CAsv*sd*bc*sc*i* other_vendor\n", "vfio-pci");
	best_is(h, "alias vfio_pci:v00008086d000010CBsv*sd*bc*sc*i* other_device\n", "vfio-pci");
	best_is(h, "alias vfio_pci:v*d*sv*sd*bc01sc*i* other_class\n", "vfio-pci");
	best_is(h, "alias pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf\n", "vfio-pci");
	best_is(h, "# " DEVICE, "vfio-pci");
}

static void nonsense_is_passed_over(void **state)
{
	struct host *h = *state;

	best_is(h, "alias vfio_pci:\nalias vfio_pci:v\nalias vfio_pci:v0000\n" DEVICE,
		"for_device");
	best_is(h, "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i*\n", "vfio-pci");
	best_is(h, "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* \n", "vfio-pci");
	best_is(h, "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i*x y\n", "vfio-pci");
	best_is(h, "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* ../../x\n", "vfio-pci");
	best_is(h, "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* at_the_end", "at_the_end");
}

static void where_nothing_is_known(void **state)
{
	struct host *h = *state;
	autofree char *none = NULL, *odd = NULL;
	autohost *captured = machine("s1-igb4-igbvf");
	autofree char *plain = NULL;

	assert_int_equal(driver_best_vfio(h, at(VF), &none, NULL), 0);
	assert_string_equal(none, "vfio-pci");
	fake_put(h, "../etc\n", "/proc/sys/kernel/osrelease");
	assert_int_equal(driver_best_vfio(h, at(VF), &odd, NULL), 0);
	assert_string_equal(odd, "vfio-pci");
	assert_int_equal(driver_best_vfio(captured, at(VF), &plain, NULL), 0);
	assert_string_equal(plain, "vfio-pci");
}

#define VARIANT "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf_vfio_pci\n"

static void driver_is(struct host *h, const char *want)
{
	autofree char *now = fake_driver(h, VF);

	assert_string_equal(now, want);
}

/* The driver that the module brings has another name than the module. */
static void bind_prefers_it(void **state)
{
	struct host *h = *state;
	autofree char *override = NULL;

	aliases(h, PLAIN VARIANT);
	assert_int_equal(driver_bind_check(h, at(VF), NULL, NULL, NULL), 1);
	driver_is(h, "igbvf");
	assert_int_equal(driver_bind(h, at(VF), NULL, NULL, NULL), 1);
	driver_is(h, "igbvf-vfio-pci");
	override = fake_text(h, "/sys/bus/pci/devices/" VF "/driver_override");
	assert_string_equal(override, "igbvf-vfio-pci");
	assert_int_equal(driver_bind(h, at(VF), NULL, NULL, NULL), 0);
	assert_int_equal(driver_bind_check(h, at(VF), NULL, NULL, NULL), 0);
	/* A name is a name. */
	assert_int_equal(driver_bind(h, at(VF), "vfio-pci", NULL, NULL), 1);
	driver_is(h, "vfio-pci");
	assert_int_equal(driver_restore(h, at(VF), NULL, NULL), 1);
	driver_is(h, "igbvf");
}

static void one_that_cannot_be_loaded(void **state)
{
	struct host *h = *state;

	aliases(h, PLAIN DEVICE);
	assert_int_equal(driver_bind(h, at(VF), NULL, NULL, NULL), 1);
	driver_is(h, "vfio-pci");
	assert_int_equal(driver_bind(h, at(VF), NULL, NULL, NULL), 0);
}

static void a_failing_look_changes_nothing(void **state)
{
	struct host *h = *state;
	autoproblem *p = NULL;

	aliases(h, PLAIN VARIANT);
	fake_fail_path(h, FAKE_READ, "modules.alias", -EIO);
	assert_int_equal(driver_bind(h, at(VF), NULL, NULL, &p), -EIO);
	assert_non_null(strstr(p->what, "which VFIO driver is best"));
	assert_string_equal(fake_log(h), "");
	driver_is(h, "igbvf");
	/* Who names the driver does not need to know. */
	assert_int_equal(driver_bind(h, at(VF), "vfio-pci", NULL, NULL), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_most_specific_wins),
		T(others_do_not_count),
		T(nonsense_is_passed_over),
		T(where_nothing_is_known),
		T(bind_prefers_it),
		T(one_that_cannot_be_loaded),
		T(a_failing_look_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
