// SPDX-License-Identifier: GPL-2.0-or-later
/* What libvirt gets to hear, on captured machines; from texts and kernels that do not end, too. */
#include "cm.h"
#include "base/str.h"
#include "fake/fake.h"
#include "hooks/hook.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <time.h>

#define DEVICE(managed, bus, fn)                                                                   \
	"<hostdev mode='subsystem' type='pci' managed='" managed "'><source>"                      \
	"<address domain='0x0000' bus='" bus "' slot='0x10' function='" fn                         \
	"'/></source></hostdev>"
#define DOMAIN(devices) "<domain><name>web1</name><devices>" devices "</devices></domain>"

static int open_vfio(struct host **ret, struct problem **reterr)
{
	return host_new_captured(HOSTS_DIR "/s2-vfio.tar.gz", ret, reterr);
}

static int open_igbvf(struct host **ret, struct problem **reterr)
{
	return host_new_captured(HOSTS_DIR "/s1-igb4-igbvf.tar.gz", ret, reterr);
}

static int open_held(struct host **ret, struct problem **reterr)
{
	return host_new_captured(HOSTS_DIR "/s5-held.tar.gz", ret, reterr);
}

static int open_nonviable(struct host **ret, struct problem **reterr)
{
	return host_new_captured(HOSTS_DIR "/s3-nonviable.tar.gz", ret, reterr);
}

/* ---- The daemon, which the helper asks: what it was asked is seen from here ---- */

static char *asked; /* a line an order, shared with the helper */
enum { ASKED_MAX = 4096 };

static void note_order(const struct order *o)
{
	autostrbuf b = { 0 };

	strbuf_add(
		&b, "%s%s %s", asked, order_name(o->kind), o->claim.owner ? o->claim.owner : "-");
	STRV_FOREACH (f, o->functions)
		strbuf_add(&b, " %s", *f);
	if (o->claim.pool)
		strbuf_add(&b, " %u of %s", o->claim.count, o->claim.pool);
	STRV_FOREACH (word, o->claim.settings)
		strbuf_add(&b, " %s", *word);
	snprintf(asked, ASKED_MAX, "%s\n", b.s);
}

static int ask_nobody(const struct order *o UNUSED, unsigned ms UNUSED, struct problem **reterr)
{
	return problem(reterr, TURN_NOBODY, PROBLEM_NOT_FOUND, "systemctl status vfctld",
		"vfctld, which gives functions out, is not there");
}

static int ask_granting(const struct order *o, unsigned ms UNUSED, struct problem **reterr UNUSED)
{
	note_order(o);
	return 1;
}

/* The daemon returns it by itself at this moment. */
static int ask_busy_once(const struct order *o, unsigned ms UNUSED, struct problem **reterr)
{
	bool first = !*asked;

	note_order(o);
	return first ? problem(reterr, -EBUSY, PROBLEM_IN_USE, NULL, "process 1 is returning it")
		     : 1;
}

/* One function is free. */
static int ask_scarce(const struct order *o, unsigned ms UNUSED, struct problem **reterr)
{
	bool first = !strstr(asked, " of ");

	note_order(o);
	if (!o->claim.pool || (first && o->claim.count == 1))
		return 1;
	return problem(reterr, -EBUSY, PROBLEM_IN_USE, "vfctl leases",
		"pool %s has 0 free of 2, %u asked for", o->claim.pool, o->claim.count);
}

static int ask_knowing_no_pool(const struct order *o, unsigned ms UNUSED, struct problem **reterr)
{
	note_order(o);
	return problem(reterr, -ENOENT, PROBLEM_NOT_FOUND, NULL, "no pool is called '%s'",
		o->claim.pool ? o->claim.pool : "?");
}

static int (*ask)(const struct order *o, unsigned ms, struct problem **reterr) = ask_nobody;

static int find_daemon(unsigned ms, struct problem **reterr)
{
	return ask == ask_nobody ? ask_nobody(NULL, ms, reterr) : 0;
}

static void was_asked(const char *want)
{
	assert_string_equal(asked, want);
	*asked = '\0';
}

/* A descriptor that gives `text` and ends. */
static int text_of(const char *text)
{
	FILE *f = tmpfile();
	int fd;

	assert_non_null(f);
	fputs(text, f);
	fflush(f);
	fd = dup(fileno(f));
	fclose(f);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

#define CLAIM_WITH(pool, state, kind, id, pid)                                                     \
	"{\"lease\":1,\"address\":\"0000:02:10.0\",\"incarnation\":1,\"pf\":\"0000:02:00.0\","     \
	"\"vf\":0,\"pool\":" pool ",\"state\":\"" state "\",\"reason\":\"FLR failed\",\"owner\":{" \
	"\"kind\":\"" kind "\",\"id\":\"" id "\",\"pid\":" pid ",\"start\":1,\"path\":null},"      \
	"\"since\":1,\"since_boot_ms\":1,\"uid\":0,\"worker\":{\"pid\":0,\"start\":0},"            \
	"\"before\":{\"driver\":\"\",\"override\":\"\",\"settings\":[]},"                          \
	"\"node\":{\"name\":null,\"uid\":0,\"gid\":0,\"mode\":0}}\n"
#define CLAIM_OF(state, kind, id, pid) CLAIM_WITH("null", state, kind, id, pid)
#define CLAIM(state, kind, id)	       CLAIM_OF(state, kind, id, "0")
#define CLAIM_FROM(pool)	       CLAIM_WITH("\"" pool "\"", "held", "domain", "web1", "0")

/* The machine of open_vfio() with a claim on its first VF. */
static const char *claim;

static int open_claimed(struct host **ret, struct problem **reterr UNUSED)
{
	*ret = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	fake_put(*ret, claim, "/run/vfctl/claims/0000:02:10.0");
	(*ret)->captured = true; /* whose inode numbers say nothing */
	return 0;
}

static char run_dir[] = "/tmp/vfctl-hook-XXXXXX";
static bool needs_daemon;

typedef int open_fn(struct host **ret, struct problem **reterr);

static int run(open_fn *open_host, const char *operation, bool probe, const char *text, char **line)
{
	autoclose int fd = text_of(text);
	const struct watched_opts opts = {
		.input = fd,
		.deadline_ms = 20000,
		.run_dir = run_dir,
		.needs_daemon = needs_daemon,
		.open_host = open_host,
		.ask = ask,
		.find = find_daemon,
	};

	return hook_run("web1", operation, probe, &opts, line);
}

static void says(open_fn *open_host, const char *text, int code, const char *part)
{
	autofree char *line = NULL;

	assert_int_equal(run(open_host, "prepare", false, text, &line), code);
	if (code && !strstr(line, part))
		fail_msg("no \"%s\" in \"%s\"", part, line);
	if (code)
		assert_null(strchr(line, '\n'));
	else
		assert_null(line); /* libvirt would have it in its log each time */
}

/* And what would come out says the same. */
static void tells(open_fn *open_host, const char *text, int code, const char *part)
{
	autofree char *probed = NULL;

	says(open_host, text, code, part);
	assert_int_equal(run(open_host, "prepare", true, text, &probed), code ? 2 : 0);
	if (!strstr(probed, part))
		fail_msg("no \"%s\" in \"%s\"", part, probed);
}

static void verdicts(void **state UNUSED)
{
	tells(open_vfio, DOMAIN(""), 0, "web1 needs nothing");
	tells(open_vfio, DOMAIN(DEVICE("no", "0x02", "0x0")), 0, "web1 can have 0000:02:10.0");
	tells(open_vfio, DOMAIN(DEVICE("no", "0x02", "0x0") DEVICE("no", "0x02", "0x2")), 0,
		"0000:02:10.0, 0000:02:10.2");
	tells(open_igbvf, DOMAIN(DEVICE("no", "0x01", "0x0")), 1,
		"web1 cannot start: 0000:01:10.0 is driven by igbvf, not by a VFIO driver; "
		"hint: vfctl bind 0000:01:10.0");
	tells(open_vfio, DOMAIN(DEVICE("no", "0x02", "0x0") DEVICE("no", "0x77", "0x0")), 1,
		"0000:77:10.0 is not there");
	tells(open_held, DOMAIN(DEVICE("no", "0x02", "0x0")), 1,
		"0000:02:10.0 is held by pid 4711 (qemu-system-x86 web1)");
	tells(open_nonviable,
		DOMAIN("<hostdev managed='no'><source><address bus='5' slot='1' function='0'/>"
		       "</source></hostdev>"),
		1, "is not viable because of 0000:05:02.0 (e1000)");
}

/* libvirt binds those itself. */
static void managed_ones_are_libvirts(void **state UNUSED)
{
	tells(open_igbvf, DOMAIN(DEVICE("yes", "0x01", "0x0")), 0, "needs nothing");
	tells(open_igbvf, DOMAIN(DEVICE("yes", "0x77", "0x0")), 0, "needs nothing");
}

/* Without a daemon: what is ready, and nobody else's, may be had. */
static void claims_that_there_are(void **state UNUSED)
{
	static const char whose[] = DOMAIN(DEVICE("no", "0x02", "0x0"));

	claim = CLAIM("held", "domain", "web1");
	tells(open_claimed, whose, 0, "can have 0000:02:10.0");
	claim = CLAIM("held", "domain", "web2");
	says(open_claimed, whose, 1,
		"0000:02:10.0 is claimed by domain:web2; hint: vfctl release 0000:02:10.0");
	claim = CLAIM("held", "manual", "web1");
	says(open_claimed, whose, 1, "is claimed by manual:web1");
	claim = CLAIM("returning", "domain", "web1");
	says(open_claimed, whose, 1, "is just being taken back from domain:web1");
	claim = "{";
	says(open_claimed, whose, 1, "the claim of 0000:02:10.0 cannot be read");
	claim = CLAIM("quarantine", "domain", "web1");
	says(open_claimed, whose, 1, "is in quarantine: FLR failed");
}

/* ---- With a daemon ---- */

static void named_ones_are_claimed(void **state UNUSED)
{
	static const char two[] = DOMAIN(DEVICE("no", "0x01", "0x0") DEVICE("yes", "0x01", "0x4")
			DEVICE("no", "0x01", "0x2"));
	autofree char *line = NULL;

	ask = ask_granting;
	says(open_igbvf, two, 0, NULL);
	was_asked("assign domain:web1 0000:01:10.0 0000:01:10.2\n");
	/* What would come out is looked at, and nobody is asked. */
	assert_int_equal(run(open_igbvf, "prepare", true, two, &line), 0);
	assert_string_equal(line, "web1 can have 0000:01:10.0, 0000:01:10.2");
	was_asked("");
	says(open_igbvf, DOMAIN(DEVICE("yes", "0x01", "0x0")), 0, NULL);
	was_asked("");
	says(open_igbvf, DOMAIN(DEVICE("no", "0x77", "0x0")), 1, "0000:77:10.0 is not there");
	was_asked("");
	/* No VF: its owner decides that it is given away, by binding it. */
	says(open_igbvf,
		DOMAIN("<hostdev managed='no'><source><address bus='1' slot='0' function='0'/>"
		       "</source></hostdev>"),
		1, "0000:01:00.0 is driven by igb, not by a VFIO driver");
	was_asked("");
	/* It has that one. */
	claim = CLAIM("held", "domain", "web1");
	says(open_claimed, DOMAIN(DEVICE("no", "0x02", "0x0") DEVICE("no", "0x02", "0x2")), 0,
		NULL);
	was_asked("assign domain:web1 0000:02:10.2\n");
	/* A process of its own had it, which is no more: from its last life. */
	claim = CLAIM_OF("held", "domain", "web1", "4711");
	says(open_claimed, DOMAIN(DEVICE("no", "0x02", "0x2")), 0, NULL);
	was_asked("release - 0000:02:10.0\nassign domain:web1 0000:02:10.2\n");
}

#define WISHES(wishes)                                                                             \
	"<domain><name>web1</name><metadata><v:assigns xmlns:v='urn:vfctl:1'>" wishes              \
	"</v:assigns></metadata></domain>"

static void wishes_are_claimed(void **state UNUSED)
{
	ask = ask_granting;
	says(open_vfio,
		WISHES("<v:assign pool='fast' count='2' settings='vlan=3'/>"
		       "<v:assign pool='slow' fallback='bridge:br0' mac='52:54:00:00:00:01'/>"),
		0, NULL);
	was_asked("assign domain:web1 2 of fast vlan=3\n"
		  "assign domain:web1 1 of slow mac=52:54:00:00:00:01\n");
	says(open_vfio, WISHES("<v:assign pool='fast' count='none'/>"), 1,
		"web1 cannot start: its <vfctl:assign> is wrong: count='none' is no number");
	/* Some are free, or none: as many as there are, if there is something instead. */
	ask = ask_scarce;
	was_asked("");
	says(open_vfio, WISHES("<v:assign pool='fast' count='3' fallback='bridge:br0'/>"), 0, NULL);
	was_asked("assign domain:web1 1 of fast\nassign domain:web1 1 of fast\n");
	says(open_vfio, WISHES("<v:assign pool='fast' count='3'/>"), 1,
		"web1 cannot start: pool fast has 0 free of 2, 3 asked for; hint: vfctl leases");
	*asked = '\0';
	ask = ask_knowing_no_pool;
	says(open_vfio, WISHES("<v:assign pool='fats' fallback='bridge:br0'/>"), 1,
		"no pool is called 'fats'");
	*asked = '\0';
	/* What of a pool it has counts, once. */
	ask = ask_granting;
	claim = CLAIM_FROM("fast");
	says(open_claimed, WISHES("<v:assign pool='fast'/><v:assign pool='fast' count='2'/>"), 0,
		NULL);
	was_asked("assign domain:web1 2 of fast\n");
}

static void without_a_daemon(void **state UNUSED)
{
	static const char wish[] = WISHES("<v:assign pool='fast'/>"),
			  fallback[] = WISHES("<v:assign pool='fast' fallback='bridge:br0'/>"),
			  ready[] = DOMAIN(DEVICE("no", "0x02", "0x0"));

	says(open_vfio, ready, 0, NULL);
	says(open_vfio, fallback, 0, NULL);
	says(open_vfio, wish, 1,
		"vfctld, which gives functions out, is not there; hint: systemctl status vfctld");
	tells(open_vfio, WISHES("<v:assign pool='fast' count='0' fallback='bridge:br0'/>"), 1,
		"its <vfctl:assign> is wrong: count='0'");
	needs_daemon = true;
	says(open_vfio, ready, 1, "web1 cannot start: vfctld, which gives functions out");
	says(open_vfio, fallback, 1, "web1 cannot start: vfctld, which gives functions out");
	says(open_vfio, DOMAIN(""), 0, NULL);
}

static void given_back(void **state UNUSED)
{
	static const char one[] = DOMAIN(DEVICE("no", "0x02", "0x0"));
	autofree char *line = NULL, *other = NULL, *failed = NULL;

	ask = ask_granting;
	claim = CLAIM("held", "domain", "web1");
	assert_int_equal(run(open_claimed, "release", false, one, &line), 0);
	assert_null(line);
	was_asked("release - 0000:02:10.0\n");
	claim = CLAIM("held", "domain", "web2");
	assert_int_equal(run(open_claimed, "release", false, one, &other), 0);
	assert_null(other);
	was_asked("");
	ask = ask_busy_once;
	claim = CLAIM("held", "domain", "web1");
	assert_int_equal(run(open_claimed, "release", false, one, &other), 0);
	assert_null(other);
	was_asked("release - 0000:02:10.0\nrelease - 0000:02:10.0\n");
	/* libvirt goes on; but it is not lost silently. */
	ask = ask_nobody;
	claim = CLAIM("held", "domain", "web1");
	assert_int_equal(run(open_claimed, "release", false, one, &failed), 0);
	assert_string_equal(failed, "web1 has left what was claimed for it: vfctld, which gives "
				    "functions out, is not there; hint: systemctl status vfctld");
}

static void from_another_host(void **state UNUSED)
{
	autofree char *line = NULL, *here = NULL;

	ask = ask_granting;
	assert_int_equal(
		run(open_vfio, "migrate", false, DOMAIN(DEVICE("no", "0x77", "0x0")), &line), 1);
	assert_non_null(strstr(line, "web1 cannot come here: it has 0000:77:10.0, a function of "
				     "the host that it comes from; hint: take it out before"));
	assert_int_equal(
		run(open_vfio, "migrate", false, DOMAIN(DEVICE("no", "0x02", "0x0")), &here), 0);
	assert_null(here);
	was_asked("");
}

static void what_is_no_domain(void **state UNUSED)
{
	autofree char *big = malloc(2 << 20);

	memset(big, ' ', (2 << 20) - 1);
	big[(2 << 20) - 1] = '\0';
	says(open_vfio, "", 1, "no domain came");
	says(open_vfio, "no xml", 1, "what came is no libvirt domain");
	says(open_vfio, "<!DOCTYPE d [<!ENTITY a 'b'>]><domain><name>&a;</name></domain>", 1,
		"no libvirt domain");
	says(open_vfio, big, 1, "longer than 1048576 bytes");
}

/* A refusal there would kill a guest, come too late, or be about what we do not know. */
static void others_are_never_refused(void **state UNUSED)
{
	static const char *const operations[] = { "start", "started", "stopped", "restore",
		"reconnect", "attach", "something-new", "" };

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		autofree char *line = NULL, *probed = NULL;

		assert_int_equal(run(open_igbvf, operations[i], false,
					 DOMAIN(DEVICE("no", "0x01", "0x0")), &line),
			0);
		assert_null(line);
		assert_int_equal(run(open_igbvf, operations[i], true, "no xml", &probed), 0);
	}
}

/* ---- What does not end ---- */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void refuses_in_time(const struct watched_opts *opts, const char *part)
{
	uint64_t before = now_ms();
	autofree char *line = NULL;

	assert_int_equal(hook_run("web1", "prepare", false, opts, &line), 1);
	assert_in_range(now_ms() - before, opts->deadline_ms / 2, opts->deadline_ms + 3000);
	if (!strstr(line, part))
		fail_msg("no \"%s\" in \"%s\"", part, line);
}

/* As a read of sysfs that waits for the device lock, far longer than we are asked to wait. */
static int open_stuck(struct host **ret UNUSED, struct problem **reterr UNUSED)
{
	sleep(6);
	_exit(0);
}

/* The end of a pipe that the helper must not have: libvirt waits until everybody has closed it. */
static void a_kernel_that_does_not_answer(void **state UNUSED)
{
	autoclose int fd = text_of(DOMAIN(DEVICE("no", "0x01", "0x0")));
	int log[2];
	const struct watched_opts opts = {
		.input = fd,
		.deadline_ms = 1000,
		.run_dir = run_dir,
		.open_host = open_stuck,
		.ask = ask_nobody,
	};
	struct pollfd end;

	assert_int_equal(pipe(log), 0);
	refuses_in_time(&opts, "the kernel did not answer within 1 s");
	close(log[1]);
	end = (struct pollfd) { .fd = log[0], .events = POLLIN };
	assert_int_equal(poll(&end, 1, 0), 1);
	assert_true(end.revents & POLLHUP);
	close(log[0]);
}

static void a_text_that_does_not_end(void **state UNUSED)
{
	int p[2];
	struct watched_opts opts = { .deadline_ms = 1000, .open_host = open_vfio, .ask = ask };

	assert_int_equal(pipe(p), 0);
	opts.input = p[0];
	assert_int_equal(write(p[1], "<domain>", 8), 8);
	refuses_in_time(&opts, "the domain's text did not end within 1 s");
	close(p[0]);
	close(p[1]);
}

static int open_dying(struct host **ret UNUSED, struct problem **reterr UNUSED)
{
	kill(getpid(), SIGKILL);
	return 0;
}

static void a_helper_that_dies(void **state UNUSED)
{
	says(open_dying, DOMAIN(DEVICE("no", "0x01", "0x0")), 1, "ended without an answer");
}

static int open_failing(struct host **ret UNUSED, struct problem **reterr)
{
	return problem(reterr, -EMFILE, PROBLEM_FAILED, NULL, "no more files");
}

static void a_machine_that_cannot_be_seen(void **state UNUSED)
{
	says(open_failing, DOMAIN(DEVICE("no", "0x01", "0x0")), 1, "no more files");
	says(open_failing, DOMAIN(""), 0, "needs nothing"); /* nobody looks */
}

/* A daemon that takes the order and says nothing: the bus gives up in time, or we do. */
static int ask_forever(const struct order *o UNUSED, unsigned ms, struct problem **reterr)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	nanosleep(&t, NULL);
	return problem(reterr, TURN_NOBODY, PROBLEM_TIMEOUT, NULL,
		"the daemon was not done with it in time");
}

static void is_silent(open_fn *open_host, const char *text, const char *said)
{
	autoclose int fd = text_of(text);
	const struct watched_opts opts = {
		.input = fd,
		.deadline_ms = 2000,
		.run_dir = run_dir,
		.open_host = open_host,
		.ask = ask_forever,
	};

	refuses_in_time(&opts, said);
}

static void a_daemon_that_does_not_answer(void **state UNUSED)
{
	is_silent(open_vfio, WISHES("<v:assign pool='fast'/>"),
		"web1 cannot start: the daemon was not done with it in time");
	/* What it would have done stays undone, and is the reason. */
	is_silent(open_igbvf, DOMAIN(DEVICE("no", "0x01", "0x0")),
		"driven by igbvf, not by a VFIO driver: vfctld could not prepare it: "
		"the daemon was not done with it in time");
}

static int begin(void **state UNUSED)
{
	ask = ask_nobody;
	needs_daemon = false;
	*asked = '\0';
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(verdicts, begin),
		cmocka_unit_test_setup(managed_ones_are_libvirts, begin),
		cmocka_unit_test_setup(claims_that_there_are, begin),
		cmocka_unit_test_setup(named_ones_are_claimed, begin),
		cmocka_unit_test_setup(wishes_are_claimed, begin),
		cmocka_unit_test_setup(without_a_daemon, begin),
		cmocka_unit_test_setup(given_back, begin),
		cmocka_unit_test_setup(from_another_host, begin),
		cmocka_unit_test_setup(what_is_no_domain, begin),
		cmocka_unit_test_setup(others_are_never_refused, begin),
		cmocka_unit_test_setup(a_kernel_that_does_not_answer, begin),
		cmocka_unit_test_setup(a_daemon_that_does_not_answer, begin),
		cmocka_unit_test_setup(a_text_that_does_not_end, begin),
		cmocka_unit_test_setup(a_helper_that_dies, begin),
		cmocka_unit_test_setup(a_machine_that_cannot_be_seen, begin),
	};
	autofree char *rm = NULL;
	int r;

	asked = mmap(NULL, ASKED_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (asked == MAP_FAILED || !mkdtemp(run_dir))
		return 1;
	r = cmocka_run_group_tests_name("hook", tests, NULL, NULL);
	rm = str_printf("rm -rf %s", run_dir);
	return system(rm) != 0 ? 1 : r;
}
