// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks that hand out functions, made in the libvirt that is inside libvirt's library for tests.
 */
#include "cm.h"
#include "base/str.h"
#include "libvirt/network.h"

#include <libvirt/virterror.h>

#define NETWORK(name, managed, members)                                                            \
	"<network>\n  <name>" name "</name>\n  <forward mode='hostdev' managed='" managed          \
	"'>" members "</forward></network>"
#define PF(dev)	 "<pf dev='" dev "'/>"
#define VF(slot) "<address type='pci' domain='0' bus='1' slot='" slot "' function='0'/>"

static virConnectPtr c;
static struct strbuf said;

static void step(
	void *arg UNUSED, const char *network, const char *what, int code, struct problem *p)
{
	strbuf_add(&said, "%s %s %d%s%s\n", network, what, code, p ? ": " : "", p ? p->what : "");
	problem_free(p);
}

static void note(void *arg UNUSED, const char *text, const char *hint)
{
	strbuf_add(&said, "note %s (%s)\n", text, hint);
}

static const struct network_told told = { .step = step, .note = note };

static int begin(void **state UNUSED)
{
	virNetworkPtr n;

	assert_int_equal(virt_connect("test:///default", &c, NULL), 0);
	n = virNetworkLookupByName(c, "guests");
	if (n) {
		virNetworkDestroy(n);
		virNetworkUndefine(n);
		virNetworkFree(n);
	}
	virResetLastError();
	return 0;
}

static int end(void **state UNUSED)
{
	virConnectClose(c);
	strbuf_done(&said);
	return 0;
}

static void says(const char *want)
{
	assert_string_equal(said.s ? said.s : "", want);
	strbuf_done(&said);
	said = (struct strbuf) { 0 };
}

static void defines(const char *xml, const char *want)
{
	assert_int_equal(network_define(c, xml, false, &told, NULL), 0);
	says(want);
}

static void text_has(const char *part)
{
	virNetworkPtr n = virNetworkLookupByName(c, "guests");
	autofree char *xml = NULL;

	assert_non_null(n);
	xml = virNetworkGetXMLDesc(n, 0);
	if (!strstr(xml, part))
		fail_msg("no \"%s\" in %s", part, xml);
	virNetworkFree(n);
}

static void made_once(void **state UNUSED)
{
	virNetworkPtr n;

	assert_int_equal(
		network_define(c, NETWORK("guests", "no", PF("eth0")), true, &told, NULL), 0);
	says("guests define 1\nguests autostart 1\nguests start 1\n");
	assert_null(virNetworkLookupByName(c, "guests"));
	defines(NETWORK("guests", "no", PF("eth0")),
		"guests define 1\nguests autostart 1\nguests start 1\n");
	defines(NETWORK("guests", "no", PF("eth0")),
		"guests define 0\nguests autostart 0\nguests start 0\n");
	/* Somebody stopped it, and took it from what starts. */
	n = virNetworkLookupByName(c, "guests");
	assert_int_equal(virNetworkDestroy(n), 0);
	assert_int_equal(virNetworkSetAutostart(n, 0), 0);
	virNetworkFree(n);
	defines(NETWORK("guests", "no", PF("eth0")),
		"guests define 0\nguests autostart 1\nguests start 1\n");
}

/* What is described is what libvirt's own test takes over only when nothing runs. */
static void made_anew(void **state)
{
	static const char *const others[] = {
		NETWORK("guests", "yes", PF("eth0")),
		NETWORK("guests", "no", PF("eth1")),
		NETWORK("guests", "no", VF("0x10") VF("0x11")),
	};

	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		defines(NETWORK("guests", "no", PF("eth0")),
			"guests define 1\nguests autostart 1\nguests start 1\n");
		defines(others[i],
			"guests redefine 1\nguests autostart 0\nguests stop 1\nguests start 1\n");
		end(state);
		begin(state);
	}
	defines(NETWORK("guests", "yes", VF("0x10") VF("0x11")),
		"guests define 1\nguests autostart 1\nguests start 1\n");
	defines(NETWORK("guests", "yes", VF("0x10") VF("0x11")),
		"guests define 0\nguests autostart 0\nguests start 0\n");
	defines(NETWORK("guests", "yes", VF("0x10")),
		"guests redefine 1\nguests autostart 0\nguests stop 1\nguests start 1\n");
}

/* Only described anew, and while it does not run. */
static void taken_over(void **state UNUSED)
{
	virNetworkPtr n;

	defines(NETWORK("guests", "no", PF("eth0")),
		"guests define 1\nguests autostart 1\nguests start 1\n");
	n = virNetworkLookupByName(c, "guests");
	assert_int_equal(virNetworkDestroy(n), 0);
	virNetworkFree(n);
	defines(NETWORK("guests", "yes", PF("eth0")),
		"guests redefine 1\nguests autostart 0\nguests start 1\n");
	text_has("managed='yes'");
}

static void others_are_left_alone(void **state UNUSED)
{
	autoproblem *p = NULL, *q = NULL, *none = NULL;

	assert_int_equal(
		network_define(c, NETWORK("default", "no", PF("eth0")), false, &told, &p), -EBUSY);
	assert_string_equal(
		p->what, "default is a network of another kind, which hands out no functions");
	assert_int_equal(network_undefine(c, "default", false, &told, &q), -EBUSY);
	assert_int_equal(q->kind, PROBLEM_IN_USE);
	assert_non_null(virNetworkLookupByName(c, "default"));
	assert_int_equal(network_define(c, "<network><name>x</name><forward mode='nat'/></network>",
				 false, &told, &none),
		-EINVAL);
	says("");
}

static void taken_away(void **state UNUSED)
{
	assert_int_equal(network_undefine(c, "guests", false, &told, NULL), 0);
	says("guests undefine 0\n");
	defines(NETWORK("guests", "no", PF("eth0")),
		"guests define 1\nguests autostart 1\nguests start 1\n");
	assert_int_equal(network_undefine(c, "guests", true, &told, NULL), 0);
	says("guests stop 1\nguests undefine 1\n");
	text_has("eth0");
	assert_int_equal(network_undefine(c, "guests", false, &told, NULL), 0);
	says("guests stop 1\nguests undefine 1\n");
	assert_null(virNetworkLookupByName(c, "guests"));
}

/* What libvirt has against it is told where it happened. */
static void refused_by_libvirt(void **state UNUSED)
{
	autoproblem *p = NULL;

	assert_true(network_define(c, NETWORK("a/b", "no", PF("eth0")), false, &told, &p) < 0);
	assert_null(p);
	assert_non_null(strstr(said.s, "a/b define -"));
	if (!strstr(said.s, "invalid char in name: /"))
		fail_msg("%s", said.s);
}

static void nobody_there(void **state UNUSED)
{
	autoproblem *p = NULL;
	virConnectPtr none = NULL;

	assert_true(virt_connect("qemu+unix:///system?socket=/nonexistent/sock", &none, &p) < 0);
	assert_null(none);
	assert_non_null(strstr(p->what, "libvirt cannot be reached at qemu+unix:///system?"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(made_once, begin, end),
		cmocka_unit_test_setup_teardown(made_anew, begin, end),
		cmocka_unit_test_setup_teardown(taken_over, begin, end),
		cmocka_unit_test_setup_teardown(others_are_left_alone, begin, end),
		cmocka_unit_test_setup_teardown(taken_away, begin, end),
		cmocka_unit_test_setup_teardown(refused_by_libvirt, begin, end),
		cmocka_unit_test(nobody_there),
	};

	return cmocka_run_group_tests_name("network", tests, NULL, NULL);
}
