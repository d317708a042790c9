// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"
#include "machine.h"

#include "about/about.h"
#include "fake/fake.h"

#include <linux/devlink.h>

#define PF	"0000:01:00.0"
#define VF	"0000:01:10.0"
#define RELEASE "6.12.95-test"
#define NET	"/sys/class/net/eth0/"

struct look {
	struct inventory *inv;
	struct about *about;
};

static void look_done(struct look *l)
{
	about_free(l->about);
	inventory_free(l->inv);
}

#define autolook CLEANUP(look_done) struct look

static struct look look(struct host *h, const char *address)
{
	struct look l = { 0 };
	struct function *f;

	assert_int_equal(inventory_load(h, INVENTORY_ALL, &l.inv, NULL), 0);
	f = inventory_find_bdf(l.inv, at(address));
	assert_non_null(f);
	assert_int_equal(about_load(h, l.inv, f, NULL, &l.about, NULL), 0);
	return l;
}

static void a_network_pf(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	autolook l = look(h, PF);
	const struct interface *i = l.about->interfaces;

	assert_int_equal(l.about->n_interfaces, 1);
	assert_string_equal(i->name, "eth0");
	assert_string_equal(i->mac, "52:54:00:aa:00:01");
	assert_string_equal(i->state, "up");
	assert_string_equal(i->duplex, "full");
	assert_int_equal(i->speed, 1000);
	assert_int_equal(i->mtu, 1500);
	assert_int_equal(i->carrier, 1);
	assert_false(i->altnames_known); /* a capture has no netlink */
	assert_null(i->permanent_mac);
	assert_int_equal(l.about->detail->sriov.system_page_bytes, 4096);
	assert_int_equal(l.about->group->id, 7);
	assert_false(l.about->candidates.known);
	assert_int_equal(l.about->candidates.n, 1);
	assert_string_equal(l.about->candidates.v[0].driver, "igb");
	assert_true(l.about->candidates.v[0].bound);
	assert_non_null(l.about->topology);
	assert_int_equal(l.about->settings.eswitch.mode, -1);
}

static void an_nvme_pf(void **state UNUSED)
{
	autohost *h = machine("s4-nvme-vf");
	autolook l = look(h, "0000:03:00.0");

	assert_string_equal(l.about->controller.model, "QEMU NVMe Ctrl");
	assert_string_equal(l.about->controller.serial, "n1");
	assert_string_equal(l.about->controller.state, "live");
	assert_int_equal(l.about->controller.id, 0);
	assert_int_equal(l.about->n_interfaces, 0);
	assert_false(l.about->has_nvme_caps); /* nobody to ask */
}

static struct host *kernel(void)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s1-igb4-igbvf.tar.gz");

	fake_put(h, RELEASE "\n", "/proc/sys/kernel/osrelease");
	return h;
}

/* Unknown comes in many clothes: -1, its wrapped form, nothing, and words. */
static void an_interface_that_tells_nothing(void **state UNUSED)
{
	autohost *h = kernel();
	autolook l = { 0 };
	const struct interface *i;

	fake_put(h, "-1\n", NET "speed");
	fake_put(h, "unknown\n", NET "duplex");
	fake_put(h, "many\n", NET "mtu");
	fake_put(h, "up\x1b[2J\n", NET "operstate");
	fake_put(h, "7\n", NET "carrier");
	fake_put(h, "\n", NET "address");
	l = look(h, PF);
	i = l.about->interfaces;
	assert_int_equal(i->speed, -1);
	assert_null(i->duplex);
	assert_int_equal(i->mtu, 0);
	assert_string_equal(i->state, "up\\x1b[2J");
	assert_int_equal(i->carrier, -1);
	assert_null(i->mac);
	assert_true(i->altnames_known);
}

static void a_wrapped_speed(void **state UNUSED)
{
	autohost *h = kernel();
	autolook l = { 0 };

	fake_put(h, "4294967295\n", NET "speed");
	l = look(h, PF);
	assert_int_equal(l.about->interfaces[0].speed, -1);
}

static const struct candidate *candidate(const struct look *l, const char *driver)
{
	for (size_t i = 0; i < l->about->candidates.n; i++)
		if (str_eq(l->about->candidates.v[i].driver, driver))
			return &l->about->candidates.v[i];
	return NULL;
}

static void drivers_it_could_have(void **state UNUSED)
{
	autohost *h = kernel();
	autolook l = { 0 };

	fake_put(h,
		"# Aliases extracted from modules themselves.\n"
		"alias pci:v00008086d000010CAsv*sd*bc*sc*i* igbvf\n"
		"alias pci:v00008086d000010C9sv*sd*bc*sc*i* igb\n"
		"alias pci:v00008086d000010CAsv*sd*bc*sc*i* ../evil\n"
		"alias pci:v00008086d000010CAsv*sd*bc02sc*i*\n"
		"alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
		"alias vfio_pci:v00008086d000010CAsv*sd*bc*sc*i* igb_vfio_pci\n"
		"alias vfio_pci:v00008086d000010CAsv*sd*bc02sc00i* igb_vfio_pci\n"
		"alias usb:v8086p10CA* igb",
		"/lib/modules/" RELEASE "/modules.alias");
	l = look(h, VF);
	assert_true(l.about->candidates.known);
	assert_int_equal(l.about->candidates.n, 3);
	assert_true(candidate(&l, "igbvf")->bound);
	assert_true(candidate(&l, "igbvf")->loaded);
	assert_false(candidate(&l, "igbvf")->vfio);
	assert_true(candidate(&l, "igb_vfio_pci")->vfio);
	assert_false(candidate(&l, "igb_vfio_pci")->loaded);
	assert_false(candidate(&l, "igb_vfio_pci")->bound);
	assert_string_equal(l.about->candidates.v[0].driver, "igbvf");
}

static void a_switch_and_its_representors(void **state UNUSED)
{
	autohost *h = fake_kernel_new(HOSTS_DIR "/s0-pf-only.tar.gz");
	const struct devlink_eswitch to = { DEVLINK_ESWITCH_MODE_SWITCHDEV, -1, -1 };

	fake_devlink(h, PF);
	{
		autolook l = look(h, PF);

		assert_int_equal(l.about->settings.eswitch.mode, DEVLINK_ESWITCH_MODE_LEGACY);
		assert_int_equal(l.about->settings.n_ports, 0);
	}
	assert_int_equal(h->ops->devlink->eswitch_set(h, "pci/" PF, &to, NULL), 0);
	assert_int_equal(
		h->ops->write_file(h, "/sys/bus/pci/devices/" PF "/sriov_numvfs", "2", 1), 0);
	h->ops->sleep_ms(h, 1000);
	{
		autolook l = look(h, PF), vf = { 0 };

		assert_int_equal(l.about->settings.eswitch.mode, DEVLINK_ESWITCH_MODE_SWITCHDEV);
		assert_int_equal(l.about->settings.n_ports, 2);
		assert_string_equal(l.about->settings.ports[1].netdev, "eth0_1");
		vf = look(h, function_vf(l.about->f, 1)->address);
		assert_int_equal(vf.about->settings.n_ports, 1);
		assert_string_equal(vf.about->settings.ports[0].netdev, "eth0_1");
	}
}

static void vf_attributes_of_its_own(void **state UNUSED)
{
	autohost *h = kernel();
	autolook pf = look(h, PF), vf = look(h, "0000:01:10.4");

	assert_int_equal(pf.about->n_vfs, 4);
	assert_int_equal(vf.about->n_vfs, 1);
	assert_int_equal(vf.about->vfs[0].vf, 2);
	assert_true(vf.about->settings.states.n > 0);
}

static void a_function_that_has_gone(void **state UNUSED)
{
	autohost *h = kernel();
	struct inventory *inv CLEANUP(inventory_freep) = NULL;
	struct about *about = NULL;
	autoproblem *p = NULL;

	assert_int_equal(inventory_load(h, INVENTORY_ALL, &inv, NULL), 0);
	fake_unplug(h, VF);
	assert_int_equal(
		about_load(h, inv, inventory_find_bdf(inv, at(VF)), NULL, &about, &p), -ENOENT);
	assert_null(about);
	assert_int_equal(p->kind, PROBLEM_NOT_FOUND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_pf),
		cmocka_unit_test(an_nvme_pf),
		cmocka_unit_test(an_interface_that_tells_nothing),
		cmocka_unit_test(a_wrapped_speed),
		cmocka_unit_test(drivers_it_could_have),
		cmocka_unit_test(a_switch_and_its_representors),
		cmocka_unit_test(vf_attributes_of_its_own),
		cmocka_unit_test(a_function_that_has_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
