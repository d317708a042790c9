// SPDX-License-Identifier: GPL-2.0-or-later
/* What can be told of live migration without opening the function. */
#include "cm.h"
#include "machine-aliases.h"
#include "machine.h"
#include "base/str.h"
#include "driver/migration.h"
#include "fake/fake.h"

#define VF	"0000:02:10.0" /* 8086:10ca on vfio-pci */
#define NATIVE	"0000:01:10.0" /* the same on igbvf */
#define DEBUGFS "/sys/kernel/debug/vfio/" VF "/"
#define PLAIN	"alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
#define VARIANT "alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* igb_vfio_pci\n"

static int setup(void **state)
{
	return aliases_setup(state, HOSTS_DIR "/s2-vfio.tar.gz");
}

/* As if it were on that driver: the fake kernel has no such one. */
static void bind_to(struct host *h, const char *driver)
{
	autofree char *target = str_printf("../../../bus/pci/drivers/%s", driver);

	fake_vanish(h, "/sys/bus/pci/devices/%s/driver", VF);
	fake_link(h, target, "/sys/bus/pci/devices/%s/driver", VF);
}

static void is(struct host *h, const char *bdf, enum migration_answer want, const char *because)
{
	struct candidates c;
	struct migration m;

	assert_int_equal(candidates_find(h, at(bdf), &c), 0);
	assert_int_equal(migration_find(h, at(bdf), &c, &m), 0);
	if (m.answer != want || !strstr(m.because, because))
		fail_msg("%s: %s", migration_answer_name(m.answer), m.because);
	migration_done(&m);
	candidates_done(&c);
}

static void vfio_pci_itself_cannot(void **state)
{
	struct host *h = *state;

	is(h, VF, MIGRATION_NONE, "vfio-pci itself cannot");
	aliases(h, PLAIN);
	is(h, VF, MIGRATION_NONE, "vfio-pci itself cannot");
	/* But a driver that may is there. */
	aliases(h, PLAIN VARIANT);
	is(h, VF, MIGRATION_UNKNOWN, "igb_vfio_pci is made for it");
}

static void not_on_vfio(void **state)
{
	struct host *h = *state;

	is(h, NATIVE, MIGRATION_UNKNOWN, "aliases cannot be read");
	aliases(h, PLAIN);
	is(h, NATIVE, MIGRATION_NONE, "no VFIO driver made for it");
	aliases(h, PLAIN VARIANT);
	is(h, NATIVE, MIGRATION_UNKNOWN, "igb_vfio_pci is made for it");
}

static void a_variant_tells_by_debugfs(void **state)
{
	struct host *h = *state;
	struct candidates c;
	struct migration m;

	bind_to(h, "igb-vfio-pci");
	is(h, VF, MIGRATION_UNKNOWN, "this kernel does not tell");
	fake_put(h, "", DEBUGFS "other");
	is(h, VF, MIGRATION_NONE, "igb-vfio-pci offers none");
	fake_put(h, "RUNNING\n", DEBUGFS "migration/state");
	assert_int_equal(candidates_find(h, at(VF), &c), 0);
	assert_int_equal(migration_find(h, at(VF), &c, &m), 0);
	assert_int_equal(m.answer, MIGRATION_OFFERED);
	assert_string_equal(m.state, "RUNNING");
	assert_null(m.features); /* "features" is younger */
	assert_string_equal(m.variant, "igb-vfio-pci");
	migration_done(&m);
	fake_put(h, "stop-copy\np2p\n", DEBUGFS "migration/features");
	assert_int_equal(migration_find(h, at(VF), &c, &m), 0);
	assert_int_equal(strv_len(m.features), 2);
	assert_string_equal(m.features[1], "p2p");
	migration_done(&m);
	candidates_done(&c);
}

static void what_cannot_be_read_is_unknown(void **state)
{
	struct host *h = *state;
	struct candidates c;
	struct migration m;

	bind_to(h, "igb-vfio-pci");
	fake_put(h, "RUNNING\n", DEBUGFS "migration/state");
	fake_put(h, "stop-copy\n", DEBUGFS "migration/features");
	fake_fail_path(h, FAKE_LIST, "debug", -EACCES);
	is(h, VF, MIGRATION_UNKNOWN, "only root");
	fake_fail_path(h, FAKE_LIST, NULL, 0);
	/* A driver that fails, or does not answer in time, is still one that offers it. */
	fake_fail_path(h, FAKE_READ, "migration", -EINVAL);
	assert_int_equal(candidates_find(h, at(VF), &c), 0);
	assert_int_equal(migration_find(h, at(VF), &c, &m), 0);
	assert_int_equal(m.answer, MIGRATION_OFFERED);
	assert_null(m.state);
	assert_null(m.features);
	migration_done(&m);
	candidates_done(&c);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(vfio_pci_itself_cannot),
		T(not_on_vfio),
		T(a_variant_tells_by_debugfs),
		T(what_cannot_be_read_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
