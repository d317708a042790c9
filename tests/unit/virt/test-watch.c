// SPDX-License-Identifier: GPL-2.0-or-later
/* Domains that come and go, in the libvirt that is inside libvirt's library for tests. */
#include "cm.h"
#include "base/str.h"
#include "fake/fake.h"
#include "libvirt/watch.h"

#include <libvirt/virterror.h>

#define VF0 "0000:02:10.0"
#define CLAIM(owner, since)                                                                        \
	"{\"lease\":1,\"address\":\"" VF0                                                          \
	"\",\"incarnation\":1,\"pf\":\"0000:02:00.0\",\"vf\":0,\"pool\":\"fast\","                 \
	"\"state\":\"held\",\"reason\":null,\"owner\":{\"kind\":\"domain\",\"id\":\"" owner        \
	"\",\"pid\":0,\"start\":0,\"path\":null},\"since\":1,\"since_boot_ms\":" since             \
	",\"uid\":0,\"worker\":{\"pid\":0,\"start\":0},\"before\":{\"driver\":\"\","               \
	"\"override\":\"\",\"settings\":[]},\"node\":{\"name\":null,\"uid\":0,\"gid\":0,"          \
	"\"mode\":0}}\n"

static virConnectPtr c;
static struct strbuf said;
static int stop_after; /* steps, failures and orders */
static bool stop;

static void count(void)
{
	stop = --stop_after == 0;
}

static int ask(const struct order *o, struct problem **reterr UNUSED)
{
	strbuf_add(&said, "%s %s\n", order_name(o->kind), o->functions[0]);
	count();
	return 1;
}

static void step(void *arg UNUSED, const char *guest, const char *what, int code, struct problem *p)
{
	strbuf_add(&said, "%s: %s %d\n", guest, what, code);
	problem_free(p);
	count();
}

static void failed(void *arg UNUSED, const char *guest, struct problem *p)
{
	strbuf_add(&said, "%s: %s\n", guest, p->what);
	problem_free(p);
	count();
}

static struct watch_opts opts = {
	.ask = ask, .told = { .step = step }, .failed = failed, .stop = &stop
};

static int begin(void **state UNUSED)
{
	said = (struct strbuf) { 0 };
	stop_after = 0;
	stop = false;
	opts.h = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	opts.h->captured = true;
	assert_int_equal(virt_connect("test:///default", &c, NULL), 0);
	return 0;
}

static int end(void **state UNUSED)
{
	host_free(opts.h);
	strbuf_done(&said);
	return 0;
}

static void claim(const char *text)
{
	fake_put(opts.h, text, "/run/vfctl/claims/" VF0);
}

static int returned(const char *name, uint64_t before)
{
	return watch_return(c, &opts, name, before, NULL);
}

/* The domain "test" runs there. */
static void what_the_gone_had(void **state UNUSED)
{
	claim(CLAIM("gone", "100"));
	assert_int_equal(returned("gone", 100), 0); /* of its next start */
	assert_int_equal(returned("other", 1000), 0);
	assert_null(said.s);
	assert_int_equal(returned("gone", 101), 1);
	assert_string_equal(said.s, "release " VF0 "\n");
	claim(CLAIM("test", "100"));
	assert_int_equal(returned("test", 1000), 0);
	assert_string_equal(said.s, "release " VF0 "\n");
	virConnectClose(c);
}

/* What its metadata wish for, and who it is: the one that libvirt's test starts with. */
static void describe(const char *wishes)
{
	autofree char *xml = str_printf("<domain type='test'><name>web1</name><memory>1024</memory>"
					"<os><type>hvm</type></os><metadata><v:assigns "
					"xmlns:v='urn:vfctl:1'>%s</v:assigns></metadata></domain>",
		wishes);
	virDomainPtr dom = virDomainDefineXML(c, xml);

	assert_non_null(dom);
	virDomainFree(dom);
}

static void with_web1(int (*todo)(virDomainPtr dom))
{
	virDomainPtr dom = virDomainLookupByName(c, "web1");

	assert_non_null(dom);
	assert_int_equal(todo(dom), 0);
	virDomainFree(dom);
}

static void attached(void **state UNUSED)
{
	const struct guest_told to = { .step = step };
	autoproblem *no = NULL, *p = NULL;

	claim(CLAIM("web1", "100"));
	describe("<v:assign pool='fast'/><v:assign pool='slow'/>");
	assert_int_equal(guest_attach(c, opts.h, "nobody", false, &to, &no), -ENOENT);
	assert_int_equal(guest_attach(c, opts.h, "web1", false, &to, &p), -ESRCH);
	assert_string_equal(p->what, "domain web1 does not run");
	with_web1(virDomainCreate);
	assert_int_equal(guest_attach(c, opts.h, "web1", true, &to, NULL), 1);
	assert_string_equal(said.s, "web1: attach " VF0 " 1\nweb1: attach of pool slow -19\n");
	/* That libvirt has no way to attach; the other is told all the same. */
	assert_int_equal(guest_attach(c, opts.h, "web1", false, &to, NULL), 2);
	with_web1(virDomainDestroy);
	with_web1(virDomainUndefine);
	virConnectClose(c);
}

static void turn(int timer, void *arg UNUSED)
{
	static int turns;

	virEventUpdateTimeout(timer, 20);
	if (turns == 0)
		with_web1(virDomainCreate);
	else if (turns == 1)
		with_web1(virDomainDestroy);
	turns++;
}

/* It starts, and is given what there is; it goes, and that is given back. */
static void life(void **state UNUSED)
{
	autoproblem *p = NULL;

	claim(CLAIM("web1", "1"));
	describe("<v:assign pool='slow'/>");
	stop_after = 2;
	assert_true(virEventAddTimeout(50, turn, NULL, NULL) >= 0);
	assert_int_equal(watch_run(c, &opts, &p), 0);
	assert_string_equal(said.s, "web1: attach of pool slow -19\nrelease " VF0 "\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_the_gone_had, begin, end),
		cmocka_unit_test_setup_teardown(attached, begin, end),
		cmocka_unit_test_setup_teardown(life, begin, end),
	};

	if (watch_prepare(NULL) < 0)
		return 1;
	return cmocka_run_group_tests_name("watch", tests, NULL, NULL);
}
