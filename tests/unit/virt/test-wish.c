// SPDX-License-Identifier: GPL-2.0-or-later
/* What a guest is given for its wishes. */
#include "cm.h"
#include "base/str.h"
#include "fake/fake.h"
#include "libvirt/wish.h"

#define CLAIM(address, pool, owner)                                                                \
	"{\"lease\":1,\"address\":\"" address                                                      \
	"\",\"incarnation\":1,\"pf\":\"0000:02:00.0\",\"vf\":0,\"pool\":\"" pool                   \
	"\",\"state\":\"held\",\"reason\":null,\"owner\":{\"kind\":\"domain\",\"id\":\"" owner     \
	"\",\"pid\":0,\"start\":0,\"path\":null},\"since\":1,\"since_boot_ms\":1,\"uid\":0,"       \
	"\"worker\":{\"pid\":0,\"start\":0},\"before\":{\"driver\":\"\",\"override\":\"\","        \
	"\"settings\":[]},\"node\":{\"name\":null,\"uid\":0,\"gid\":0,\"mode\":0}}\n"
#define GUEST(wishes, devices)                                                                     \
	"<domain><name>web1</name><uuid>6ba7b810-9dad-11d1-80b4-00c04fd430c8</uuid><metadata>"     \
	"<v:assigns xmlns:v='urn:vfctl:1'>" wishes "</v:assigns></metadata><devices>" devices      \
	"</devices></domain>"
#define HOSTDEV(fn)                                                                                \
	"<hostdev managed='no'><source><address domain='0' bus='2' slot='0x10' function='" fn      \
	"'/></source></hostdev>"

static struct host *claimed(void)
{
	struct host *h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");

	fake_put(h, CLAIM("0000:02:10.0", "fast", "web1"), "/run/vfctl/claims/0000:02:10.0");
	fake_put(h, CLAIM("0000:02:10.2", "fast", "6BA7B810-9dad-11d1-80b4-00c04fd430c8"),
		"/run/vfctl/claims/0000:02:10.2");
	fake_put(h, CLAIM("0000:02:10.4", "fast", "web2"), "/run/vfctl/claims/0000:02:10.4");
	h->captured = true; /* whose inode numbers say nothing */
	return h;
}

/* "what" of each, a line each; a missing one with why. */
static void comes_to(const char *guest, const char *want)
{
	struct host *h = claimed();
	autowishdevices devices = { 0 };
	autoleases all = { 0 };
	autodomain d = { 0 };
	autostrbuf b = { 0 };

	assert_int_equal(domain_parse(guest, strlen(guest), &d), 0);
	assert_int_equal(leases_read(h, &all), 0);
	assert_int_equal(wish_devices(h, &d, &all, &devices), 0);
	for (size_t i = 0; i < devices.n; i++) {
		const struct wish_device *x = &devices.v[i];

		assert_true(!x->xml != !x->missing);
		strbuf_add(&b, "%s%s%s\n", x->what, x->missing ? ": " : "",
			x->missing ? x->missing->what : "");
	}
	assert_string_equal(b.s ? b.s : "", want);
	host_free(h);
}

static void functions(void **state UNUSED)
{
	comes_to(GUEST("", ""), "");
	comes_to(GUEST("<v:assign pool='fast'/>", ""), "attach 0000:02:10.0\n");
	comes_to(GUEST("<v:assign pool='fast' count='2'/>", ""),
		"attach 0000:02:10.0\nattach 0000:02:10.2\n");
	comes_to(GUEST("<v:assign pool='fast'/><v:assign pool='fast'/>", ""),
		"attach 0000:02:10.0\nattach 0000:02:10.2\n");
	/* It has them. */
	comes_to(GUEST("<v:assign pool='fast' count='2'/>", HOSTDEV("0")), "attach 0000:02:10.2\n");
	comes_to(GUEST("<v:assign pool='fast' count='2'/>", HOSTDEV("0") HOSTDEV("2")), "");
}

static void others_instead(void **state UNUSED)
{
	comes_to(GUEST("<v:assign pool='fast' count='3' fallback='bridge:br0'/>", ""),
		"attach 0000:02:10.0\nattach 0000:02:10.2\n"
		"attach virtio on bridge br0 instead\n");
	comes_to(GUEST("<v:assign pool='fast' count='3' fallback='bridge:br0'/>",
			 "<interface type='bridge'><alias name='ua-vfctl-0-2'/></interface>"),
		"attach 0000:02:10.0\nattach 0000:02:10.2\n");
	comes_to(GUEST("<v:assign pool='fast'/><v:assign pool='slow' fallback='network:default'/>",
			 HOSTDEV("0")),
		"attach virtio on network default instead\n");
}

static void nothing_there(void **state UNUSED)
{
	comes_to(GUEST("<v:assign pool='slow' count='2'/>", ""),
		"attach of pool slow: 0 of 2 functions of pool slow are claimed for web1\n");
	comes_to(GUEST("<v:assign pool='slow' count='x'/><v:assign pool='fast'/>", ""),
		"attach: its <vfctl:assign> is wrong: count='x' is no number from 1 to 64\n"
		"attach 0000:02:10.0\n");
}

/* What libvirt is given can be read, whatever somebody called his network. */
static void texts(void **state UNUSED)
{
	static const char guest[] = GUEST("<v:assign pool='fast'/><v:assign pool='slow' "
					  "fallback='network:a&quot;b&lt;&amp;' "
					  "mac='52:54:00:00:00:01'/>",
		"");
	struct host *h = claimed();
	autowishdevices devices = { 0 };
	autofree char *whole = NULL;
	autoleases all = { 0 };
	autodomain d = { 0 }, got = { 0 };

	assert_int_equal(domain_parse(guest, strlen(guest), &d), 0);
	assert_int_equal(leases_read(h, &all), 0);
	assert_int_equal(wish_devices(h, &d, &all, &devices), 0);
	assert_int_equal(devices.n, 2);
	whole = str_printf("<domain><name>a</name><devices>%s%s</devices></domain>",
		devices.v[0].xml, devices.v[1].xml);
	assert_int_equal(domain_parse(whole, strlen(whole), &got), 0);
	assert_int_equal(got.n_devices, 1);
	assert_string_equal(BDF_TEXT(got.devices[0].bdf), "0000:02:10.0");
	assert_false(got.devices[0].managed);
	assert_string_equal(got.aliases[0], "ua-vfctl-1-0");
	assert_string_equal(devices.v[1].xml,
		"<interface type=\"network\"><mac address=\"52:54:00:00:00:01\"/>"
		"<source network=\"a&quot;b&lt;&amp;\"/><model type=\"virtio\"/>"
		"<alias name=\"ua-vfctl-1-0\"/></interface>");
	host_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions),
		cmocka_unit_test(others_instead),
		cmocka_unit_test(nothing_there),
		cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests_name("wish", tests, NULL, NULL);
}
