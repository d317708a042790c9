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

#define CLAIM(state, kind, id)                                                                     \
	"{\"lease\":1,\"address\":\"0000:02:10.0\",\"incarnation\":1,\"pf\":\"0000:02:00.0\","     \
	"\"vf\":0,\"pool\":null,\"state\":\"" state "\",\"reason\":\"FLR failed\",\"owner\":{"     \
	"\"kind\":\"" kind "\",\"id\":\"" id "\",\"pid\":0,\"start\":0,\"path\":null},"            \
	"\"since\":1,\"since_boot_ms\":1,\"uid\":0,\"worker\":{\"pid\":0,\"start\":0},"            \
	"\"before\":{\"driver\":\"\",\"override\":\"\",\"settings\":[]},\"node\":{\"name\":null,\"uid\":0,\"gid\":0,\"mode\":0}}\n"

/* The machine of open_vfio() with a claim on its first VF. */
static const char *claim;

static int open_claimed(struct host **ret, struct problem **reterr UNUSED)
{
	*ret = fake_kernel_new(HOSTS_DIR "/s2-vfio.tar.gz");
	fake_put(*ret, claim, "/run/vfctl/claims/0000:02:10.0");
	(*ret)->captured = true; /* whose inode numbers say nothing */
	return 0;
}

typedef int open_fn(struct host **ret, struct problem **reterr);

static int run(open_fn *open_host, const char *operation, bool probe, const char *text, char **line)
{
	autoclose int fd = text_of(text);
	const struct watched_opts opts = {
		.input = fd,
		.deadline_ms = 20000,
		.open_host = open_host,
	};

	return hook_run("web1", operation, probe, &opts, line);
}

static void says(open_fn *open_host, const char *text, int code, const char *part)
{
	autofree char *line = NULL, *probed = NULL;

	assert_int_equal(run(open_host, "prepare", false, text, &line), code);
	if (code && !strstr(line, part))
		fail_msg("no \"%s\" in \"%s\"", part, line);
	if (code)
		assert_null(strchr(line, '\n'));
	else
		assert_null(line); /* libvirt would have it in its log each time */
	assert_int_equal(run(open_host, "prepare", true, text, &probed), code ? 2 : 0);
	if (!strstr(probed, part))
		fail_msg("no \"%s\" in \"%s\"", part, probed);
}

static void verdicts(void **state UNUSED)
{
	says(open_vfio, DOMAIN(""), 0, "web1 needs nothing");
	says(open_vfio, DOMAIN(DEVICE("no", "0x02", "0x0")), 0, "web1 can have 0000:02:10.0");
	says(open_vfio, DOMAIN(DEVICE("no", "0x02", "0x0") DEVICE("no", "0x02", "0x2")), 0,
		"0000:02:10.0, 0000:02:10.2");
	says(open_igbvf, DOMAIN(DEVICE("no", "0x01", "0x0")), 1,
		"web1 cannot start: 0000:01:10.0 is driven by igbvf, not by a VFIO driver; "
		"hint: vfctl bind 0000:01:10.0");
	says(open_vfio, DOMAIN(DEVICE("no", "0x02", "0x0") DEVICE("no", "0x77", "0x0")), 1,
		"0000:77:10.0 is not there");
	says(open_held, DOMAIN(DEVICE("no", "0x02", "0x0")), 1,
		"0000:02:10.0 is held by pid 4711 (qemu-system-x86 web1)");
	says(open_nonviable,
		DOMAIN("<hostdev managed='no'><source><address bus='5' slot='1' function='0'/>"
		       "</source></hostdev>"),
		1, "is not viable because of 0000:05:02.0 (e1000)");
}

/* libvirt binds those itself. */
static void managed_ones_are_libvirts(void **state UNUSED)
{
	says(open_igbvf, DOMAIN(DEVICE("yes", "0x01", "0x0")), 0, "needs nothing");
	says(open_igbvf, DOMAIN(DEVICE("yes", "0x77", "0x0")), 0, "needs nothing");
}

static void claims(void **state UNUSED)
{
	static const char whose[] = DOMAIN(DEVICE("no", "0x02", "0x0"));

	claim = CLAIM("held", "domain", "web1");
	says(open_claimed, whose, 0, "can have 0000:02:10.0");
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

static void wishes_are_not_forgotten(void **state UNUSED)
{
	says(open_vfio,
		"<domain><name>web1</name><metadata><v:assign xmlns:v='urn:vfctl:1' pool='fast'/>"
		"</metadata></domain>",
		1, "asks for VFs of pool fast");
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
	static const char *const operations[] = { "start", "started", "stopped", "release",
		"migrate", "restore", "reconnect", "attach", "something-new", "" };

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
		.open_host = open_stuck,
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
	struct watched_opts opts = { .deadline_ms = 1000, .open_host = open_vfio };

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(managed_ones_are_libvirts),
		cmocka_unit_test(claims),
		cmocka_unit_test(wishes_are_not_forgotten),
		cmocka_unit_test(what_is_no_domain),
		cmocka_unit_test(others_are_never_refused),
		cmocka_unit_test(a_kernel_that_does_not_answer),
		cmocka_unit_test(a_text_that_does_not_end),
		cmocka_unit_test(a_helper_that_dies),
		cmocka_unit_test(a_machine_that_cannot_be_seen),
	};

	return cmocka_run_group_tests_name("hook", tests, NULL, NULL);
}
