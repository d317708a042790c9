// SPDX-License-Identifier: GPL-2.0-or-later
/* Recorded sequences of uevents (Linux 6.12, igb), replayed on a kernel that did what they tell. */
#include "cm.h"
#include "machine.h"
#include "base/str.h"
#include "fake/fake.h"
#include "host/sysfs.h"
#include "watch/watch.h"

#include <stdio.h>

#define PF   "0000:01:00.0" /* 4 VFs on igbvf */
#define VF0  "0000:01:10.0"
#define VF3  "0000:01:10.6"
#define ROOT "/devices/pci0000:00/0000:00:01.0/"

struct replay {
	struct host *h;
	struct watch *w;
	struct strbuf told;
	unsigned n, stop_after;
};

static int tell(void *arg, const struct watch_event *e)
{
	struct replay *r = arg;
	autofree char *text = watch_event_text(e);

	assert_non_null(text);
	strbuf_add(&r->told, "%s %s", e->has_function ? BDF_TEXT(e->bdf) : "-", text);
	if (e->is_vf && e->vf_index >= 0)
		strbuf_add(&r->told, " [%d]", e->vf_index);
	strbuf_add(&r->told, "\n");
	return ++r->n == r->stop_after ? -ECANCELED : 0;
}

static int setup_on(void **state, const char *machine)
{
	struct replay *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	r->h = fake_kernel_new(machine);
	assert_int_equal(watch_new(r->h, &r->w, NULL), 0);
	*state = r;
	return 0;
}

static int setup(void **state)
{
	return setup_on(state, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
}

static int setup_empty(void **state)
{
	return setup_on(state, HOSTS_DIR "/s0-pf-only.tar.gz");
}

static int teardown(void **state)
{
	struct replay *r = *state;

	watch_free(r->w);
	host_free(r->h);
	strbuf_done(&r->told);
	free(r);
	return 0;
}

static int feed(struct replay *r, struct host_event e)
{
	return watch_feed(r->w, &e, tell, r);
}

static void pci(struct replay *r, const char *action, const char *bdf, const char *driver)
{
	struct host_event e = { .source = HOST_EVENT_KERNEL, .subsystem = "pci" };

	(void)snprintf(e.action, sizeof(e.action), "%s", action);
	(void)snprintf(e.path, sizeof(e.path), ROOT "%s", bdf);
	(void)snprintf(e.name, sizeof(e.name), "%s", bdf);
	(void)snprintf(e.driver, sizeof(e.driver), "%s", driver ? driver : "");
	assert_int_equal(feed(r, e), 0);
}

static void net(struct replay *r, const char *action, const char *bdf, const char *name, int index)
{
	struct host_event e = { .source = HOST_EVENT_KERNEL, .subsystem = "net", .ifindex = index };

	(void)snprintf(e.action, sizeof(e.action), "%s", action);
	(void)snprintf(e.path, sizeof(e.path), ROOT "%s/net/%s", bdf, name);
	(void)snprintf(e.name, sizeof(e.name), "%s", name);
	assert_int_equal(feed(r, e), 0);
}

static void assert_told(struct replay *r, const char *expected)
{
	assert_string_equal(r->told.s ? r->told.s : "", expected);
	strbuf_done(&r->told);
	r->told = (struct strbuf) { 0 };
}

static int interface_of(struct host *h, const char *bdf, char name[16])
{
	autostrv char **names = NULL;
	int index;

	assert_int_equal(sysfs_list(h, &names, "bus/pci/devices/%s/net", bdf), 0);
	assert_int_equal(sysfs_read_int(h, &index, "class/net/%s/ifindex", names[0]), 0);
	(void)snprintf(name, 16, "%s", names[0]);
	return index;
}

/* Per VF add, change, net add, bind; at the end one change of the PF. */
static void vfs_are_enabled(void **state)
{
	struct replay *r = *state;
	static const char *const vfs[] = { VF0, "0000:01:10.2" };
	autostrbuf expected = { 0 };

	assert_int_equal(sysfs_write(r->h, "2", "bus/pci/devices/" PF "/sriov_numvfs"), 0);
	host_sleep_ms(r->h, 1000);
	for (int i = 0; i < 2; i++) {
		char name[16];
		int index = interface_of(r->h, vfs[i], name);

		pci(r, "add", vfs[i], NULL);
		pci(r, "change", vfs[i], NULL);
		net(r, "add", vfs[i], name, index);
		pci(r, "bind", vfs[i], "igbvf");
		strbuf_add(&expected,
			"%s function added [%d]\n%s interface %s added [%d]\n%s bound to igbvf [%d]\n",
			vfs[i], i, vfs[i], name, i, vfs[i], i);
	}
	pci(r, "change", PF, NULL);
	pci(r, "change", PF, NULL);
	strbuf_add(&expected, PF " VFs created: 0 → 2\n");
	assert_told(r, expected.s);
}

/* Of the PF nothing is heard: the last of its VFs tells. */
static void vfs_are_disabled(void **state)
{
	struct replay *r = *state;
	static const char *const vfs[] = { VF0, "0000:01:10.2", "0000:01:10.4", VF3 };
	char names[4][16];
	int index[4];

	for (int i = 0; i < 4; i++)
		index[i] = interface_of(r->h, vfs[i], names[i]);
	assert_int_equal(sysfs_write(r->h, "0", "bus/pci/devices/" PF "/sriov_numvfs"), 0);
	host_sleep_ms(r->h, 1000);
	for (int i = 0; i < 4; i++) {
		net(r, "remove", vfs[i], names[i], index[i]);
		pci(r, "unbind", vfs[i], NULL);
		if (i == 3)
			assert_told(r, VF0 " interface eth4 removed [0]\n" VF0
					   " unbound from igbvf [0]\n" VF0 " function removed [0]\n"
					   "0000:01:10.2 interface eth5 removed [1]\n"
					   "0000:01:10.2 unbound from igbvf [1]\n"
					   "0000:01:10.2 function removed [1]\n"
					   "0000:01:10.4 interface eth6 removed [2]\n"
					   "0000:01:10.4 unbound from igbvf [2]\n"
					   "0000:01:10.4 function removed [2]\n" VF3
					   " interface eth7 removed [3]\n" VF3
					   " unbound from igbvf [3]\n");
		pci(r, "remove", vfs[i], NULL);
	}
	assert_told(r, VF3 " function removed [3]\n" PF " VFs destroyed: 4 → 0\n");
}

static void one_is_bound_to_vfio(void **state)
{
	struct replay *r = *state;
	struct host_event group = { .source = HOST_EVENT_KERNEL,
		.action = "add",
		.subsystem = "vfio",
		.path = "/devices/virtual/vfio/11",
		.name = "11" };
	struct host_event device = { .source = HOST_EVENT_KERNEL,
		.action = "add",
		.subsystem = "vfio-dev",
		.path = ROOT VF0 "/vfio-dev/vfio0",
		.name = "vfio0" };

	pci(r, "unbind", VF0, NULL);
	assert_int_equal(feed(r, group), 0);
	assert_int_equal(feed(r, device), 0);
	pci(r, "bind", VF0, "vfio-pci");
	pci(r, "bind", VF0, "vfio-pci");
	assert_told(r, VF0 " unbound from igbvf [0]\n- VFIO group 11 appeared\n" VF0
			   " VFIO device vfio0 appeared [0]\n" VF0 " bound to vfio-pci [0]\n");
}

/* A name is for people: the index stays. */
static void udev_renames(void **state)
{
	struct replay *r = *state;
	char name[16];
	int index = interface_of(r->h, VF0, name);
	struct host_event settled = { .source = HOST_EVENT_UDEV,
		.action = "add",
		.subsystem = "net",
		.path = ROOT VF0 "/net/ens1f0v0",
		.name = "ens1f0v0",
		.ifindex = index };

	net(r, "move", VF0, "ens1f0v0", index);
	net(r, "move", VF0, "ens1f0v0", index);
	assert_int_equal(feed(r, settled), 0);
	net(r, "remove", VF0, "ens1f0v0", index);
	assert_told(r, VF0 " interface eth4 renamed to ens1f0v0 [0]\n" VF0
			   " udev has dealt with it: ens1f0v0 add [0]\n" VF0
			   " interface ens1f0v0 removed [0]\n");
}

/* rtnetlink says only that there was a change. */
static void somebody_sets_attributes(void **state)
{
	struct replay *r = *state;
	char name[16];
	int index = interface_of(r->h, PF, name);
	struct host_vf_change c = { .attr = HOST_VF_VLAN, .to = { .vf = 1, .vlan = 100 } };
	struct host_event e = { .source = HOST_EVENT_LINK, .ifindex = index };

	assert_int_equal(feed(r, e), 0);
	assert_told(r, "");
	assert_int_equal(host_link_set_vf(r->h, index, &c), 0);
	assert_int_equal(feed(r, e), 0);
	assert_int_equal(feed(r, e), 0);
	assert_told(r, "0000:01:10.2 vlan: 0 → 100 [1]\n");
	e.ifindex = 4242; /* nobody's */
	assert_int_equal(feed(r, e), 0);
	assert_told(r, "");
}

/* Also the first change of a VF that has only just come. */
static void attributes_of_new_vfs(void **state)
{
	struct replay *r = *state;
	char name[16];
	int index = interface_of(r->h, PF, name);
	struct host_vf_change c = { .attr = HOST_VF_TRUST, .to = { .vf = 0, .trust = 1 } };
	struct host_event e = { .source = HOST_EVENT_LINK, .ifindex = index };

	assert_int_equal(sysfs_write(r->h, "2", "bus/pci/devices/" PF "/sriov_numvfs"), 0);
	host_sleep_ms(r->h, 1000);
	pci(r, "change", PF, NULL);
	strbuf_done(&r->told);
	r->told = (struct strbuf) { 0 };
	assert_int_equal(host_link_set_vf(r->h, index, &c), 0);
	assert_int_equal(feed(r, e), 0);
	assert_non_null(r->told.s);
	assert_non_null(strstr(r->told.s, "trust: off → on"));
}

/* What was missed is found by looking, once. */
static void events_are_lost(void **state)
{
	struct replay *r = *state;
	const struct host_event lost = { .source = HOST_EVENT_LOST };

	assert_int_equal(sysfs_write(r->h, "0", "bus/pci/devices/" PF "/sriov_numvfs"), 0);
	host_sleep_ms(r->h, 1000);
	assert_int_equal(feed(r, lost), 0);
	assert_non_null(strstr(r->told.s, "- events were lost; looked again\n"));
	assert_non_null(strstr(r->told.s, VF0 " function removed [0]\n"));
	assert_non_null(strstr(r->told.s, VF3 " function removed [3]\n"));
	assert_non_null(strstr(r->told.s, PF " VFs destroyed: 4 → 0\n"));
	assert_string_equal(strstr(r->told.s, "VFs destroyed"),
		strrchr(r->told.s, 'V')); /* once, and last of those that tell of VFs */
	strbuf_done(&r->told);
	r->told = (struct strbuf) { 0 };
	assert_int_equal(sysfs_write(r->h, "1", "bus/pci/devices/" PF "/sriov_numvfs"), 0);
	host_sleep_ms(r->h, 1000);
	assert_int_equal(feed(r, lost), 0);
	assert_non_null(strstr(r->told.s, VF0 " function added [0]\n"));
	assert_non_null(strstr(r->told.s, VF0 " bound to igbvf [0]\n"));
	assert_non_null(strstr(r->told.s, PF " VFs created: 0 → 1\n"));
	strbuf_done(&r->told);
	r->told = (struct strbuf) { 0 };
	assert_int_equal(feed(r, lost), 0);
	assert_told(r, "- events were lost; looked again\n");
}

/* Nobody wants more, and words that the kernel never says. */
static void ends_and_nonsense(void **state)
{
	struct replay *r = *state;
	struct host_event e = { .source = HOST_EVENT_KERNEL,
		.action = "unbind",
		.subsystem = "pci",
		.path = ROOT VF0,
		.name = VF0 };

	r->stop_after = 1;
	assert_int_equal(feed(r, e), -ECANCELED);
	r->stop_after = 0;
	strbuf_done(&r->told);
	r->told = (struct strbuf) { 0 };
	pci(r, "remove", "0000:77:00.0", NULL);
	pci(r, "bind", "no address", "x");
	pci(r, "", PF, NULL);
	net(r, "move", VF0, "x", 9999);
	net(r, "add", "0000:77:00.0", "x", 9999);
	net(r, "add", VF0, "x", 0);
	assert_told(r, "");
}

/* While the VFs' removal waits for a user, counting them does not. */
/* What the kernel tells while it recovers a function from a PCIe error. */
static void pcie_errors(void **state)
{
	struct replay *r = *state;
	struct host_event e = { .source = HOST_EVENT_KERNEL,
		.action = "change",
		.subsystem = "pci",
		.path = ROOT VF0,
		.name = VF0,
		.error = "BEGIN_RECOVERY" };

	assert_int_equal(feed(r, e), 0);
	memcpy(e.error, "FAILED_RECOVERY", sizeof("FAILED_RECOVERY"));
	assert_int_equal(feed(r, e), 0);
	assert_told(r,
		VF0 " PCIe error: begin recovery [0]\n" VF0 " PCIe error: failed recovery [0]\n");
}

static void nothing_hangs(void **state)
{
	struct replay *r = *state;
	const struct host_wait soon = { .deadline_ms = 10 };

	fake_hold(r->h, VF0);
	(void)sysfs_write_within(r->h, &soon, "0", "bus/pci/devices/" PF "/sriov_numvfs");
	pci(r, "change", PF, NULL);
	assert_int_equal(feed(r, (struct host_event) { .source = HOST_EVENT_LOST }), 0);
	assert_int_equal(fake_hangs(r->h), 0);
	fake_release(r->h, VF0);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(vfs_are_enabled, setup_empty, teardown),
		T(vfs_are_disabled),
		T(one_is_bound_to_vfio),
		T(udev_renames),
		T(somebody_sets_attributes),
		cmocka_unit_test_setup_teardown(attributes_of_new_vfs, setup_empty, teardown),
		T(events_are_lost),
		T(ends_and_nonsense),
		T(pcie_errors),
		T(nothing_hangs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
