// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * vfctl libvirt …, with the real vfctl-libvirt and the libvirt that is inside libvirt's library for
 * tests; with a libvirtd that never answers, and with programs that are none.
 */
#include "fixture.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#define TEST "--connect test:///default"

static void begin(struct fixture *f)
{
	start(f, HOSTS_DIR "/s1-igb4-igbvf.tar.gz");
	assert_int_equal(setenv("VFCTL_LIBVIRT", VFCTL_LIBVIRT, 1), 0);
}

static void says(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void networks(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(vfctl(&f, "libvirt define-network eth0 " TEST), 0);
	assert_string_equal(f.out, "ADDRESS    ACTION    RESULT\n"
				   "vfctl-eth0 define    done\n"
				   "vfctl-eth0 autostart done\n"
				   "vfctl-eth0 start     done\n");
	assert_int_equal(vfctl(&f, "libvirt define-network eth0/vf0-1 --name guests " TEST), 0);
	says(f.out, "guests  define    done\n");
	assert_int_equal(vfctl(&f, "--dry-run libvirt define-network eth0 " TEST), 0);
	says(f.out, "vfctl-eth0 start     would");
	assert_int_equal(vfctl(&f, "libvirt undefine-network nobody " TEST), 0);
	says(f.out, "nobody  undefine already so\n");
	end(&f);
}

static void refused(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(vfctl(&f, "libvirt define-network eth0/vf0-1 " TEST), 2);
	says(f.notes, "a network of some VFs needs a name");
	assert_int_equal(vfctl(&f, "libvirt define-network eth0 --name default " TEST), 5);
	says(f.notes, "default is a network of another kind");
	assert_int_equal(vfctl(&f, "libvirt undefine-network default " TEST), 5);
	assert_int_equal(vfctl(&f, "libvirt define-network eth1 " TEST), 3);
	says(f.notes, "has no VFs to hand out");
	assert_int_equal(vfctl(&f, "--root /tmp libvirt undefine-network x " TEST), 4);
	says(f.notes, "a captured machine has no libvirt");
	assert_int_equal(
		vfctl(&f, "libvirt undefine-network x --connect nobody:///x?socket=/no"), 1);
	says(f.notes, "libvirt cannot be reached at nobody:///x?socket=/no");
	end(&f);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void hangs(struct fixture *f, const char *line)
{
	uint64_t before = now_ms();

	assert_int_equal(vfctl(f, line), 10);
	says(f->notes, "libvirt did not answer within 1 s");
	assert_in_range(now_ms() - before, 900, 4000);
}

/* Its socket takes who comes, and nobody talks to him. */
static void libvirtd_hangs(void **state UNUSED)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	autofree char *line = NULL;
	struct fixture f;
	autoclose int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	begin(&f);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/sock", f.state_dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	line = str_printf("libvirt undefine-network x --timeout 1 --connect "
			  "qemu+unix:///system?socket=%s",
		a.sun_path);
	hangs(&f, line);
	end(&f);
}

/* Runs with a shell script in its place. */
static int with(struct fixture *f, const char *script)
{
	autofree char *path = str_printf("%s/script", f->state_dir);
	FILE *to = fopen(path, "we");

	assert_non_null(to);
	fprintf(to, "#!/bin/sh\n%s\n", script);
	fclose(to);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(setenv("VFCTL_LIBVIRT", path, 1), 0);
	return vfctl(f, "libvirt undefine-network x --timeout 1");
}

static void programs_that_are_none(void **state UNUSED)
{
	struct fixture f;

	begin(&f);
	assert_int_equal(with(&f, "exit 0"), 1);
	says(f.notes, "ended without an answer");
	assert_int_equal(with(&f, "echo '{'; echo; echo '{\"news\":\"nothing\"}'; exit 3"), 1);
	says(f.notes, "ended without an answer");
	/* It answers, and then hangs: nobody waits for that. */
	assert_int_equal(with(&f, "echo '{\"news\":\"ended\",\"code\":0}'; exec sleep 100"), 0);
	assert_int_equal(with(&f, "exec sleep 100"), 10);
	says(f.notes, "libvirt did not answer within 1 s");
	assert_int_equal(with(&f, "exec yes | tr -d '\\n'"), 1);
	assert_int_equal(setenv("VFCTL_LIBVIRT", "/nonexistent", 1), 0);
	assert_int_equal(vfctl(&f, "libvirt undefine-network x"), 3);
	says(f.notes, "/nonexistent: No such file");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(networks),
		cmocka_unit_test(refused),
		cmocka_unit_test(libvirtd_hangs),
		cmocka_unit_test(programs_that_are_none),
	};

	return cmocka_run_group_tests_name("libvirt", tests, NULL, NULL);
}
