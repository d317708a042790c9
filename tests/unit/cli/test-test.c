// SPDX-License-Identifier: GPL-2.0-or-later
/* vfctl test, from the command line to a device that does DMA. */
#include "fixture.h"

#include "fakevfio/fakeigb.h"

#include <json-c/json.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FREE_VF	  "0000:02:10.0" /* on vfio-pci in the capture */
#define DRIVEN_VF "0000:01:10.0" /* on igbvf */

static struct fakeigb igb;

/* The device appears behind the function as soon as that is on vfio-pci. */
static void plug(struct fixture *f, const char *bdf)
{
	fake_vfio(f->cli.host)->dma_limit = 65535;
	igb = (struct fakeigb) { 0 };
	fakeigb_init(fake_vfio_function(f->cli.host, bdf), &igb);
}

static void a_proved_function(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	plug(&f, FREE_VF);
	assert_int_equal(vfctl(&f, "test 02:10.0"), 0);
	assert_non_null(strstr(f.out, "ADDRESS      CHECK           VERDICT RESULT\n"));
	assert_non_null(strstr(f.out, FREE_VF " loopback        proved  32 frames of 60 to 1514"));
	assert_string_equal(f.notes, "");
	assert_int_equal(vfctl(&f, "test 02:10.0 -o CHECK,FAULTS --no-legend"), 0);
	assert_non_null(strstr(f.out, "isolation-write      1\n"));
	driver_is(&f, FREE_VF, "vfio-pci");
	end(&f);
}

static const char *text_of(json_object *o, const char *key)
{
	return json_object_get_string(json_object_object_get(o, key));
}

static void as_json(void **state UNUSED)
{
	json_object *root, *test, *checks, *last;
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	plug(&f, FREE_VF);
	igb.fault = FAKEIGB_WRONG_DATA;
	assert_int_equal(vfctl(&f, "test 02:10.0 --json"), 6);
	root = json_tokener_parse(f.out);
	test = json_object_array_get_idx(json_object_object_get(root, "tests"), 0);
	assert_string_equal(text_of(test, "address"), FREE_VF);
	assert_string_equal(text_of(test, "class"), "igb");
	assert_string_equal(text_of(test, "driver"), "vfio-pci");
	assert_false(json_object_get_boolean(json_object_object_get(test, "proved")));
	assert_int_equal(json_object_get_int(json_object_object_get(test, "reset_ms")), 0);
	checks = json_object_object_get(test, "checks");
	last = json_object_array_get_idx(checks, 10);
	assert_string_equal(text_of(last, "name"), "loopback");
	assert_string_equal(text_of(last, "verdict"), "failed");
	assert_string_equal(text_of(last, "kind"), "not-assignable");
	assert_int_equal(json_object_array_length(json_object_object_get(test, "migration")), 0);
	json_object_put(root);
	end(&f);
}

static long bytes_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static void states_are_kept_and_taken(void **state UNUSED)
{
	char dir[] = "/tmp/vfctl-state-XXXXXX";
	autofree char *file = NULL, *save = NULL, *load = NULL, *both = NULL;
	struct fakevfio_function *fn;
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	plug(&f, FREE_VF);
	assert_non_null(mkdtemp(dir));
	file = str_printf("%s/vf", dir);
	save = str_printf("test 02:10.0 --save-state %s", file);
	load = str_printf("test 02:10.0 --load-state %s", file);
	both = str_printf("test 02:10.0 01:10.0 --load-state %s", file);
	/* None is offered: a file without a state would only mislead. */
	assert_int_equal(vfctl(&f, save), 7);
	assert_int_equal(bytes_of(file), -1);
	fn = fake_vfio_function(f.cli.host, FREE_VF);
	fn->migration = VFIO_MIGRATION_STOP_COPY;
	strcpy(fn->mig.inner, "its counters");
	assert_int_equal(vfctl(&f, save), 0);
	assert_non_null(strstr(f.out, " state           proved  19 bytes taken out in "));
	assert_int_equal(bytes_of(file), 64 + 19);
	assert_int_equal(vfctl(&f, save), 2); /* it is not overwritten */
	assert_non_null(strstr(f.notes, "exists"));
	assert_int_equal(vfctl(&f, load), 0);
	assert_non_null(strstr(f.out, ", 19 put in in "));
	assert_int_equal(vfctl(&f, both), 2);
	assert_non_null(strstr(f.notes, "of one function"));
	assert_int_equal(truncate(file, 70), 0);
	assert_int_equal(vfctl(&f, load), 1);
	assert_non_null(strstr(f.notes, file));
	assert_int_equal(unlink(file), 0);
	assert_int_equal(vfctl(&f, load), 3);
	assert_int_equal(rmdir(dir), 0);
	end(&f);
}

static void what_is_wrong_is_told(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	plug(&f, FREE_VF);
	igb.fault = FAKEIGB_PF_DOWN;
	assert_int_equal(vfctl(&f, "test 02:10.0"), 1);
	assert_non_null(strstr(f.notes, "vfctl: " FREE_VF ": rings unproved: its PF's driver"));
	assert_non_null(strstr(f.notes, "hint: the PF's interface must be up"));
	/* Not on VFIO: not opened. */
	assert_int_equal(vfctl(&f, "test 01:10.0"), 6);
	assert_non_null(strstr(f.notes, "open failed"));
	driver_is(&f, DRIVEN_VF, "igbvf");
	/* Of several the first that fails gives the status. */
	assert_int_equal(vfctl(&f, "test 01:10.0 02:10.0"), 6);
	assert_int_equal(vfctl(&f, "test 02:10.0 01:10.0"), 1);
	end(&f);
}

static void borrowed_and_given_back(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	/* Bound once, so that the fake kernel knows it as a function on VFIO. */
	assert_int_equal(vfctl(&f, "bind 01:10.0 vfio-pci"), 0);
	plug(&f, DRIVEN_VF);
	assert_int_equal(vfctl(&f, "restore 01:10.0"), 0);
	driver_is(&f, DRIVEN_VF, "igbvf");
	fake_log_clear(f.cli.host);
	assert_int_equal(vfctl(&f, "test 01:10.0 --bind"), 0);
	assert_non_null(strstr(fake_log(f.cli.host), "vfio-pci"));
	driver_is(&f, DRIVEN_VF, "igbvf");
	/* The same when it fails. */
	igb.fault = FAKEIGB_SURVIVES;
	assert_int_equal(vfctl(&f, "test 01:10.0 --bind"), 6);
	driver_is(&f, DRIVEN_VF, "igbvf");
	end(&f);
}

/* What was unbound by name stays unbound, and restore still knows the way back. */
static void the_way_back_is_kept(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	assert_int_equal(vfctl(&f, "bind 01:10.0 vfio-pci"), 0);
	plug(&f, DRIVEN_VF);
	assert_int_equal(vfctl(&f, "unbind 01:10.0"), 0);
	assert_int_equal(vfctl(&f, "test 01:10.0 --bind"), 0);
	driver_is(&f, DRIVEN_VF, NULL);
	assert_int_equal(vfctl(&f, "restore 01:10.0"), 0);
	driver_is(&f, DRIVEN_VF, "igbvf");
	end(&f);
}

static void held_ones_are_not_borrowed(void **state UNUSED)
{
	char node[32];
	const char *held[] = { node, "anon_inode:[vfio-device]", NULL };
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	plug(&f, FREE_VF);
	snprintf(
		node, sizeof(node), "/dev/vfio/%u", fake_vfio_function(f.cli.host, FREE_VF)->group);
	fake_process(f.cli.host, 4711, "qemu-system-x86_64 -name web1", held);
	fake_hold(f.cli.host, FREE_VF);
	assert_int_equal(vfctl(&f, "test 02:10.0"), 5);
	assert_non_null(strstr(f.notes, "web1"));
	assert_int_equal(igb.resets, 0);
	end(&f);
}

static void interrupt(struct host *h UNUSED, void *arg UNUSED)
{
	raise(SIGINT);
}

static void interrupted_in_the_middle(void **state UNUSED)
{
	struct fixture f;

	start(&f, HOSTS_DIR "/s2-vfio.tar.gz");
	assert_int_equal(vfctl(&f, "bind 01:10.0 vfio-pci"), 0);
	plug(&f, DRIVEN_VF);
	igb.fault = FAKEIGB_NO_LOOPBACK; /* so that there is something to wait for */
	assert_int_equal(vfctl(&f, "restore 01:10.0"), 0);
	fake_after(f.cli.host, 1000, interrupt, NULL);
	assert_int_equal(vfctl(&f, "test 01:10.0 --bind"), 1);
	driver_is(&f, DRIVEN_VF, "igbvf");
	assert_string_equal(f.out, "");
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_proved_function),
		cmocka_unit_test(as_json),
		cmocka_unit_test(states_are_kept_and_taken),
		cmocka_unit_test(what_is_wrong_is_told),
		cmocka_unit_test(borrowed_and_given_back),
		cmocka_unit_test(the_way_back_is_kept),
		cmocka_unit_test(held_ones_are_not_borrowed),
		cmocka_unit_test(interrupted_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
