// SPDX-License-Identifier: GPL-2.0-or-later
/* Details, users, topology and settings of captured functions, as vfctl shows them. */
#include "env.h"
#include "host/events.h"

#include <poll.h>

static void details(void **state UNUSED)
{
	struct vfctl_host *h = captured("s1-igb4-igbvf");
	struct vfctl_snapshot *s = picture(h);
	struct vfctl_detail *d = NULL;
	uint64_t start, bytes;
	unsigned flags;

	assert_int_equal(vfctl_detail_read(h, find(h, s, "eth0"), &d, NULL), 0);
	vfctl_snapshot_free(s); /* the detail stays */
	assert_int_equal(vfctl_detail_revision(d), 1);
	assert_int_equal(vfctl_detail_region(d, 0, &start, &bytes, &flags), 0);
	assert_int_equal(start, 0xfde00000);
	assert_int_equal(bytes, 128 << 10);
	assert_int_equal(flags, 0);
	assert_int_equal(vfctl_detail_region(d, 2, &start, &bytes, &flags), 0);
	assert_int_equal(flags, VFCTL_REGION_IO);
	assert_int_equal(vfctl_detail_region(d, 3, &start, &bytes, &flags), 0);
	assert_int_equal(flags, VFCTL_REGION_64BIT);
	assert_int_equal(vfctl_detail_region(d, 4, &start, &bytes, &flags), -ENOENT);
	assert_int_equal(vfctl_detail_region(d, VFCTL_REGIONS, &start, &bytes, &flags), -ENOENT);
	assert_int_equal(vfctl_detail_msix_vectors(d), 10);
	assert_string_equal(vfctl_detail_reset_method(d, 0), "flr");
	assert_string_equal(vfctl_detail_reset_method(d, 2), "bus");
	assert_null(vfctl_detail_reset_method(d, 3));
	assert_string_equal(vfctl_detail_link_speed(d), "2.5 GT/s PCIe");
	assert_string_equal(vfctl_detail_link_max_speed(d), "2.5 GT/s PCIe");
	assert_int_equal(vfctl_detail_link_width(d), 1);
	assert_int_equal(vfctl_detail_link_max_width(d), 1);
	assert_null(vfctl_detail_product(d));
	assert_null(vfctl_detail_serial(d));
	assert_null(vfctl_detail_device_serial(d));
	assert_int_equal(vfctl_detail_has_sriov(d), 1);
	assert_int_equal(vfctl_detail_sriov_total_vfs(d), 8);
	assert_int_equal(vfctl_detail_sriov_offset(d), 128);
	assert_int_equal(vfctl_detail_sriov_stride(d), 2);
	assert_int_equal(vfctl_detail_sriov_vf_device(d), 0x10ca);
	assert_int_equal(vfctl_detail_sriov_page_bytes(d), 4096);
	assert_int_equal(vfctl_detail_sriov_vf_bar_bytes(d, 0), 16 << 10);
	assert_int_equal(vfctl_detail_sriov_vf_bar_bytes(d, 1), 0);
	assert_int_equal(vfctl_detail_sriov_vf_bar_bytes(d, 6), 0);
	assert_string_equal(vfctl_detail_driver(d, 0), "igb");
	assert_false(vfctl_detail_driver_is_vfio(d, 0));
	assert_null(vfctl_detail_driver(d, 1));
	assert_int_equal(vfctl_detail_migration(d), -1);
	assert_non_null(strstr(vfctl_detail_migration_because(d), "on no VFIO driver"));
	assert_null(vfctl_detail_migration_feature(d, 0));
	vfctl_detail_free(d);
	vfctl_host_close(h);
}

static void a_function_that_has_gone(void **state UNUSED)
{
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s1-igb4-igbvf", &kernel);
	struct vfctl_snapshot *s = picture(h);
	struct vfctl_detail *d = NULL;
	struct vfctl_error *e = NULL;

	fake_unplug(kernel, "0000:02:00.0");
	assert_int_equal(vfctl_detail_read(h, find(h, s, "eth1"), &d, &e), -ENOENT);
	assert_null(d);
	assert_kind(&e, "vanished");
	vfctl_snapshot_free(s);
	vfctl_host_close(h);
}

static void holders(void **state UNUSED)
{
	static const char *const functions[] = { "0000:02:10.0", "0000:02:10.4", "0000:03:00.0" };
	static const char *const bad[] = { "eth0" };
	struct vfctl_host *h = captured("s5-held");
	struct vfctl_holders *all = NULL;
	struct vfctl_error *e = NULL;
	const struct vfctl_holder *one;

	assert_int_equal(vfctl_holders_find(h, functions, 3, &all, NULL), 0);
	assert_true(vfctl_holders_count(all) >= 2);
	one = vfctl_holders_get(all, 0);
	assert_string_equal(vfctl_holder_function(one), "0000:02:10.0");
	assert_string_equal(vfctl_holder_kind(one), "vfio");
	assert_string_equal(vfctl_holder_strength(one), "blocks");
	assert_int_equal(vfctl_holder_pid(one), 4711);
	assert_string_equal(vfctl_holder_command(one), "qemu-system-x86");
	assert_string_equal(vfctl_holder_vm(one), "web1");
	assert_string_equal(vfctl_holder_text(one), "pid 4711 (qemu-system-x86 web1)");
	one = vfctl_holders_get(all, vfctl_holders_count(all) - 1);
	assert_string_equal(vfctl_holder_function(one), "0000:03:00.0");
	assert_int_equal(vfctl_holder_pid(one), 0);
	assert_null(vfctl_holder_command(one));
	assert_null(vfctl_holders_get(all, vfctl_holders_count(all)));
	vfctl_holders_free(all);
	all = NULL;
	assert_int_equal(vfctl_holders_find(h, bad, 1, &all, &e), -EINVAL);
	assert_kind(&e, "usage");
	assert_null(all);
	assert_int_equal(vfctl_holders_find(h, NULL, 0, &all, NULL), 0);
	assert_int_equal(vfctl_holders_count(all), 0);
	vfctl_holders_free(all);
	vfctl_host_close(h);
}

/* Not all can be seen: that is said. */
static void unknown_holders(void **state UNUSED)
{
	static const char *const function[] = { "0000:02:10.0" };
	static const char *const nothing[] = { NULL };
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s2-vfio", &kernel);
	struct vfctl_holders *all = NULL;

	fake_process(kernel, 99, "qemu", nothing);
	fake_fail_path(kernel, FAKE_LIST, "/99/fd", -EACCES);
	assert_int_equal(vfctl_holders_find(h, function, 1, &all, NULL), 0);
	assert_non_null(vfctl_holders_unknown(all, 0));
	assert_null(vfctl_holders_unknown(all, 9));
	vfctl_holders_free(all);
	vfctl_host_close(h);
}

static void topology(void **state UNUSED)
{
	struct vfctl_host *h = captured("s3-nonviable");
	struct vfctl_snapshot *s = picture(h);
	const struct vfctl_function *nic = find(h, s, "05:01.0"), *vf = find(h, s, "01:10.0");
	const struct vfctl_function *bridge, *hop = NULL;
	struct vfctl_topology *t = NULL;
	uint16_t capability, control;
	const char *why = NULL;

	assert_int_equal(vfctl_topology_take(h, s, &t, NULL), 0);
	bridge = vfctl_topology_parent(t, nic);
	assert_string_equal(vfctl_function_address(bridge), "0000:04:00.0");
	assert_string_equal(vfctl_topology_port(t, bridge), "pcie-to-pci-bridge");
	assert_int_equal(vfctl_topology_acs(t, bridge, &capability, &control), -ENODATA);
	assert_int_equal(vfctl_topology_isolates(t, bridge), 0);
	bridge = vfctl_topology_parent(t, bridge);
	assert_string_equal(vfctl_topology_port(t, bridge), "root-port");
	assert_int_equal(vfctl_topology_acs(t, bridge, &capability, &control), 0);
	assert_int_equal(control, VFCTL_ACS_SOURCE_VALIDATION | VFCTL_ACS_REQUEST_REDIRECT |
					  VFCTL_ACS_COMPLETION_REDIRECT |
					  VFCTL_ACS_UPSTREAM_FORWARDING);
	assert_int_equal(capability & control, control);
	assert_int_equal(vfctl_topology_isolates(t, bridge), 1);
	assert_null(vfctl_topology_parent(t, bridge));
	assert_null(vfctl_topology_slot(t, nic));

	assert_string_equal(vfctl_topology_assignable(t, nic), "together");
	assert_non_null(strstr(vfctl_topology_why(t, nic), "0000:04:00.0 cannot have ACS"));
	assert_int_equal(vfctl_topology_companions(t, nic), 2);
	assert_string_equal(
		vfctl_function_address(vfctl_topology_companion(t, nic, 1)), "0000:05:02.0");
	assert_null(vfctl_topology_companion(t, nic, 2));
	assert_int_equal(vfctl_topology_gap(t, nic, 0, &hop, &why), 0);
	assert_string_equal(vfctl_function_address(hop), "0000:04:00.0");
	assert_string_equal(why, "conventional");
	assert_int_equal(vfctl_topology_gap(t, nic, 1, &hop, &why), -ENOENT);

	assert_string_equal(vfctl_topology_assignable(t, vf), "alone");
	assert_null(vfctl_topology_why(t, vf));
	assert_string_equal(vfctl_topology_assignable(t, bridge), "never");
	assert_string_equal(vfctl_topology_why(t, bridge), "it is a bridge");
	vfctl_topology_free(t);
	vfctl_snapshot_free(s);
	vfctl_host_close(h);
}

static void without_iommu(void **state UNUSED)
{
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s1-igb4-igbvf", &kernel);
	struct vfctl_topology *t = NULL;
	const struct vfctl_function *f, *hop;
	struct vfctl_snapshot *s;
	const char *why;

	fake_iommu_off(kernel);
	s = picture(h);
	f = find(h, s, "eth0");
	assert_int_equal(vfctl_topology_take(h, s, &t, NULL), 0);
	assert_string_equal(vfctl_topology_assignable(t, f), "no-iommu");
	assert_int_equal(vfctl_topology_companions(t, f), 0);
	assert_int_equal(vfctl_topology_gap(t, f, 0, &hop, &why), -ENOENT);
	vfctl_topology_free(t);
	vfctl_snapshot_free(s);
	vfctl_host_close(h);
}

static size_t place_of(const struct vfctl_settings *all, const char *key)
{
	size_t i = 0;

	while (vfctl_settings_key(all, i) && !str_eq(vfctl_settings_key(all, i), key))
		i++;
	return i;
}

static void settings(void **state UNUSED)
{
	static const char *const words[] = { "vlan=100" };
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s1-igb4-igbvf", &kernel);
	struct vfctl_snapshot *s = picture(h);
	struct vfctl_settings *all = NULL;
	size_t vlan, link;

	assert_string_equal(vfctl_setting_key(0), "eswitch-mode");
	assert_null(vfctl_setting_key(10000));
	assert_non_null(strstr(vfctl_setting_takes("vlan"), "4094"));
	assert_null(vfctl_setting_takes("vlan=1"));
	assert_null(vfctl_setting_takes("nonsense"));
	assert_int_equal(vfctl_set(h, "0000:01:10.0", words, 1, 0, NULL, NULL), 1);
	assert_int_equal(vfctl_settings_read(h, find(h, s, "eth0/vf0"), &all, NULL), 0);
	vlan = place_of(all, "vlan");
	assert_true(vlan < vfctl_settings_count(all));
	assert_string_equal(vfctl_settings_support(all, vlan), "unknown"); /* nothing is kept */
	assert_string_equal(vfctl_settings_value(all, vlan), "100");
	link = place_of(all, "vq"); /* of another kind */
	assert_int_equal(link, vfctl_settings_count(all));
	assert_null(vfctl_settings_support(all, link));
	assert_null(vfctl_settings_value(all, link));
	assert_null(vfctl_settings_why(all, link));
	vfctl_settings_free(all);
	vfctl_snapshot_free(s);
	vfctl_host_close(h);
}

/* What a driver answered once is told from then on. */
static void settings_that_were_tried(void **state UNUSED)
{
	static const char *const words[] = { "link-state=enable", "vlan=100" };
	char dir[] = "/tmp/vfctl-api-XXXXXX";
	autofree char *command = str_printf("rm -r %s", mkdtemp(dir));
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s1-igb4-igbvf", &kernel);
	struct vfctl_snapshot *s = picture(h);
	struct vfctl_settings *all = NULL;
	size_t i;

	fake_put(kernel, "6.12.95-test\n", "/proc/sys/kernel/osrelease");
	assert_int_equal(vfctl_host_set_state_dir(h, dir), 0);
	assert_int_equal(vfctl_set(h, "0000:01:10.0", words, 2, 0, NULL, NULL), -EOPNOTSUPP);
	assert_int_equal(vfctl_settings_read(h, find(h, s, "eth0/vf1"), &all, NULL), 0);
	i = place_of(all, "link-state");
	assert_string_equal(vfctl_settings_support(all, i), "no");
	assert_non_null(vfctl_settings_why(all, i));
	assert_string_equal(vfctl_settings_support(all, place_of(all, "vlan")), "yes");
	vfctl_settings_free(all);
	vfctl_snapshot_free(s);
	vfctl_host_close(h);
	assert_int_equal(system(command), 0);
}

/* A kernel that dropped what it had to say, and then says nothing. */
static int says_once;

static int nothing_opens(struct host *h UNUSED, struct events **ret)
{
	*ret = (struct events *)(void *)&says_once;
	return 0;
}

static void nothing_closes(struct host *h UNUSED, struct events *e UNUSED)
{
}

static int drops_events(struct host *h UNUSED, struct events *e UNUSED, int timeout_ms,
	const struct pollfd *wake UNUSED, size_t n, struct host_event *ret)
{
	if (!says_once)
		return n ? -ECANCELED : timeout_ms < 0 ? -EIO : 0;
	says_once--;
	*ret = (struct host_event) { .source = HOST_EVENT_LOST };
	return 1;
}

static int note_event(void *arg, const struct vfctl_event *e)
{
	struct strbuf *b = arg;
	const char *a = vfctl_event_address(e), *pf = vfctl_event_physfn(e);

	strbuf_add(b, "%s %s %s %s %d: %s\n", vfctl_event_source(e), vfctl_event_kind(e),
		a ? a : "-", pf ? pf : "-", vfctl_event_vf_index(e), vfctl_event_text(e));
	return str_eq(vfctl_event_kind(e), "vfs-created") ? -ECHILD : 0;
}

static void watching(void **state UNUSED)
{
	static const struct events_ops dropping = { nothing_opens, drops_events, nothing_closes };
	struct host *kernel;
	struct vfctl_host *h = fake_machine("s0-pf-only", &kernel), *c = captured("s0-pf-only");
	struct host_ops ops = *kernel->ops;
	struct vfctl_watch *w = NULL;
	struct vfctl_error *e = NULL;
	autostrbuf b = { 0 };

	ops.events = &dropping;
	kernel->ops = &ops;
	assert_int_equal(vfctl_watch_open(c, &w, &e), -EROFS);
	assert_kind(&e, "read-only-root");
	assert_null(w);
	vfctl_host_close(c);
	assert_int_equal(vfctl_watch_open(h, &w, NULL), 0);
	assert_int_equal(vfctl_watch_wait(w, 5, -1, note_event, &b, NULL), 0);
	assert_int_equal(vfctl_watch_wait(w, 5, 0, note_event, &b, NULL), -ECANCELED);
	assert_null(b.s);
	assert_int_equal(vfctl_set_vfs(h, "0000:01:00.0", 1, 0, NULL), 1);
	says_once = 2;
	assert_int_equal(vfctl_watch_wait(w, -1, -1, note_event, &b, &e), -ECHILD);
	vfctl_error_free(e);
	assert_true(str_starts(b.s, "vfctl lost - - -1: events were lost; looked again\n"));
	assert_non_null(strstr(b.s, "vfs-created 0000:01:00.0 - -1: VFs created: 0 → 1\n"));
	vfctl_watch_close(w);
	vfctl_watch_close(NULL);
	vfctl_host_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(details),
		cmocka_unit_test(a_function_that_has_gone),
		cmocka_unit_test(holders),
		cmocka_unit_test(unknown_holders),
		cmocka_unit_test(topology),
		cmocka_unit_test(without_iommu),
		cmocka_unit_test(settings),
		cmocka_unit_test(settings_that_were_tried),
		cmocka_unit_test(watching),
	};

	return cmocka_run_group_tests_name("api/look", tests, NULL, NULL);
}
