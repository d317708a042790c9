/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cm.h"

#include "base/str.h"
#include "vmm/config/options.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int parse(const char *line, struct options *ret, struct problem **reterr)
{
	static char *argv[64];
	static char copy[1024];
	int argc = 1;
	char *save = NULL;

	argv[0] = copy;
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w; w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	return options_parse(argc, argv, ret, reterr);
}

static void everything(void **state UNUSED)
{
	struct options o;

	assert_int_equal(
		parse("--name vm1 --kvm 0 --cpus=4 --mem 1G --huge-pages 1G --numa 1,only --thp off --peers on --kernel 1 "
		      "--initrd=2 --append x=y --disk fd=0,ro,serial=S1,packed=off,in-order=on,queue-size=1024,over=vf "
		      "--net fd=1,mac=52:54:00:00:00:01 --rng --vfio "
		      "container=0,group=1,device=2,name=0000:01:10.0,clean --vfio "
		      "iommufd=0,device=1,name=0000:01:10.2 --status 2 "
		      "--record 1 --no-reboot -v",
			&o, NULL),
		0);
	assert_string_equal(o.name, "vm1");
	assert_int_equal(o.cpus, 4);
	assert_true(o.memory_bytes == 1 << 30);
	assert_int_equal(o.huge_page, 1 << 30);
	assert_int_equal(o.peers, OPTION_PEERS_ON);
	assert_int_equal(o.numa, 1);
	assert_true(o.numa_only && o.no_thp && o.no_reboot && o.verbose);
	assert_int_equal(o.kernel, 1);
	assert_int_equal(o.initrd, 2);
	assert_int_equal(o.status, 2);
	assert_int_equal(o.record, 1);
	assert_string_equal(o.append, "x=y");
	assert_int_equal(o.n_devices, 5);
	assert_int_equal(o.devices[0].kind, DEVICE_DISK);
	assert_true(o.devices[0].read_only);
	assert_string_equal(o.devices[0].serial, "S1");
	assert_true(o.devices[0].no_packed);
	assert_true(o.devices[0].over_vf);
	assert_int_equal(o.devices[0].in_order, 1);
	assert_int_equal(o.devices[0].queue_size, 1024);
	assert_true(!o.devices[1].no_packed && !o.devices[1].in_order && !o.devices[1].queue_size);
	assert_int_equal(o.devices[1].kind, DEVICE_NET);
	assert_int_equal(o.devices[1].mac.b[5], 1);
	assert_int_equal(o.devices[2].kind, DEVICE_RNG);
	assert_int_equal(o.devices[3].device, 2);
	assert_int_equal(o.devices[3].iommufd, -1);
	assert_string_equal(o.devices[3].name, "0000:01:10.0");
	assert_true(o.devices[3].clean && !o.devices[4].clean);
	assert_int_equal(o.devices[4].iommufd, 0);
	assert_int_equal(o.devices[4].container, -1);
	assert_int_equal(o.devices[4].device, 1);
}

static void defaults(void **state UNUSED)
{
	struct options o;

	assert_int_equal(parse("--kvm 0 --kernel 1", &o, NULL), 0);
	assert_int_equal(o.cpus, 1);
	assert_true(o.memory_bytes == 512 << 20);
	assert_int_equal(o.initrd, -1);
	assert_int_equal(o.huge_page, 0);
	assert_int_equal(o.peers, OPTION_PEERS_AUTO);
	assert_int_equal(o.numa, OPTION_NUMA_NONE);
	assert_int_equal(o.status, -1);
	assert_int_equal(o.record, -1);
	assert_string_equal(o.append, "");
	assert_int_equal(parse("--help", &o, NULL), 0);
	assert_true(o.help);
	assert_int_equal(parse("--version", &o, NULL), 0);
	assert_true(o.version);
}

static void bad_ones_say_why(void **state UNUSED)
{
	static const struct {
		const char *line, *why;
	} cases[] = {
		{ "--kernel 1", "--kvm: it is needed" },
		{ "--kvm 0", "--kernel: it is needed" },
		{ "--kvm", "a value is missing" },
		{ "--kvm 0 --kernel 1 --peers yes", "auto, on or off" },
		{ "--kvm 0 --kernel 1 --huge-pages 4M", "huge pages have 2M or 1G" },
		{ "--kvm 0 --kernel 1 --numa x", "the number of a node" },
		{ "--kvm 0 --kernel 1 --numa 1,o", "the number of a node" },
		{ "--kvm 0 --kernel 1 --thp on", "--thp" },
		{ "--kvm x", "a descriptor is a number" },
		{ "--kvm -1", "a descriptor is a number" },
		{ "--kvm 999", "descriptor 999 is not open" },
		{ "--kvm 99999999999", "a descriptor is a number" },
		{ "--cpus 0", "1 to 8" },
		{ "--cpus 9", "1 to 8" },
		{ "--mem 100", "multiple of 4096" },
		{ "--mem 0", "multiple of 4096" },
		{ "--mem much", "multiple of 4096" },
		{ "--rng=1", "no value" },
		{ "--balloon=1", "no value" },
		{ "--balloon --balloon", "there is one already" },
		{ "--kvm 0 --kernel 1 --balloon --vfio iommufd=0,device=1", "by DMA" },
		{ "--kvm 0 --kernel 1 --disk vhost-user=0 --balloon", "vhost-user" },
		{ "--kvm 0 --kernel 1 --balloon --huge-pages 2M", "huge pages" },
		{ "--console vga", "serial or virtio" },
		{ "--console virtio --console virtio", "there is one already" },
		{ "--port name=a", "name= and listen= are needed" },
		{ "--port listen=0", "name= and listen= are needed" },
		{ "--port name=a,listen=999", "descriptor 999 is not open" },
		{ "--port name=,listen=0", "not understood" },
		{ "--port name=a/b,listen=0", "not understood" },
		{ "--port name=..,listen=0", "not understood" },
		{ "--port name=a,listen=0 --port name=a,listen=1", "of that name already" },
		{ "--net fd=0,vhost=x", "a descriptor is a number" },
		{ "--net fd=0,vhost=", "not understood" },
		{ "--net fd=0,vhost=1:2", "as many descriptors as fd=" },
		{ "--net fd=0:1,vhost=2", "as many descriptors as fd=" },
		{ "--net fd=0,vhost=1,model=e1000", "of virtio" },
		{ "--net fd=0,vhost=1,poll=adaptive", "without poll= and pin=" },
		{ "--net vhost=1", "fd= is missing" },
		{ "--disk ro", "fd= is missing" },
		{ "--disk fd=0,over=pf", "not understood" },
		{ "--disk fd=0,mac=52:54:00:00:00:01", "not understood" },
		{ "--disk fd=0,ro=1", "not understood" },
		{ "--disk fd=0,packed=maybe", "not understood" },
		{ "--disk fd=0,in-order=2", "not understood" },
		{ "--disk fd=0,queue-size=128", "not understood" },
		{ "--disk fd=0,queue-size=2048", "not understood" },
		{ "--disk fd=0,queue-size=300", "not understood" },
		{ "--disk fd", "not understood" },
		{ "--net fd=0,mac=hello", "not understood" },
		{ "--net fd=0,ro", "not understood" },
		{ "--disk fd=0,model=e1000", "not understood" },
		{ "--net fd=0,model=ide", "not understood" },
		{ "--vfio device=0", "either container= or iommufd=" },
		{ "--vfio iommufd=0", "device= is needed" },
		{ "--vfio iommufd=0,container=1,device=2", "goes without container=" },
		{ "--vfio iommufd=0,group=1,device=2", "goes without container=" },
		{ "--vfio iommufd=99,device=0", "not open" },
		{ "--disk fd=0,iommufd=0", "not understood" },
		{ "--vfio container=0,device=0,fd=0", "not understood" },
		{ "--bogus", "no such option" },
		{ "stray", "no such option" },
		{ "--memory 1G", "no such option" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct options o = { .cpus = 77 };
		autoproblem *p = NULL;

		assert_true(parse(cases[i].line, &o, &p) < 0);
		assert_non_null(p);
		assert_int_equal(p->kind, PROBLEM_USAGE);
		if (!strstr(p->what, cases[i].why))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].line, p->what,
				cases[i].why);
		assert_int_equal(o.cpus, 77); /* untouched on failure */
	}
}

static void models(void **state UNUSED)
{
	struct options o;

	assert_int_equal(parse("--kvm 0 --kernel 1 --disk fd=0,model=ide --disk fd=0,model=virtio "
			       "--disk fd=0 --net fd=0,model=e1000 --net fd=0,model=virtio",
				 &o, NULL),
		0);
	assert_int_equal(o.devices[0].model, MODEL_IDE);
	assert_int_equal(o.devices[1].model, MODEL_VIRTIO);
	assert_int_equal(o.devices[2].model, MODEL_VIRTIO);
	assert_int_equal(o.devices[3].model, MODEL_E1000);
	assert_int_equal(o.devices[4].model, MODEL_VIRTIO);
}

static void too_many_devices(void **state UNUSED)
{
	char line[1024] = "--kvm 0 --kernel 1";
	struct options o;

	for (int i = 0; i < OPTIONS_DEVICES_MAX; i++)
		strcat(line, " --rng");
	assert_int_equal(parse(line, &o, NULL), 0);
	strcat(line, " --rng");
	assert_true(parse(line, &o, NULL) < 0);
}

/* Programs that the VMM might ever start must not inherit the guest's descriptors. */
static void descriptors_are_closed_on_exec(void **state UNUSED)
{
	struct options o;
	char line[64];
	int fd = dup(0);

	snprintf(line, sizeof(line), "--kvm %d --kernel %d", fd, fd);
	assert_int_equal(parse(line, &o, NULL), 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything),
		cmocka_unit_test(defaults),
		cmocka_unit_test(bad_ones_say_why),
		cmocka_unit_test(models),
		cmocka_unit_test(too_many_devices),
		cmocka_unit_test(descriptors_are_closed_on_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
