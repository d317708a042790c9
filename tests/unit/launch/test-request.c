// SPDX-License-Identifier: GPL-2.0-or-later
#include "cm.h"

#include "base/attr.h"
#include "launch/disk.h"
#include "launch/port.h"

#include <stdio.h>
#include <string.h>

static int setup(void **state)
{
	struct launch_request *r = calloc(1, sizeof(*r));

	launch_request_init(r);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	launch_request_done(*state);
	free(*state);
	return 0;
}

static void vfs_are_understood(void **state)
{
	struct launch_request *r = *state;

	assert_int_equal(launch_add_vf(r, "ens1f0/vf0", NULL), 0);
	assert_string_equal(r->vfs[0].selector, "ens1f0/vf0");
	assert_int_equal(r->vfs[0].fallback, LAUNCH_FALLBACK_NONE);
	assert_int_equal(launch_add_vf(r, "ens1f0/vf0-1,3,fallback=virtio-net:tap0", NULL), 0);
	assert_string_equal(r->vfs[1].selector, "ens1f0/vf0-1,3");
	assert_int_equal(r->vfs[1].fallback, LAUNCH_FALLBACK_NET);
	assert_string_equal(r->vfs[1].net.uplink.name, "tap0");
	assert_int_equal(launch_add_vf(r,
				 "02:10.0,vf-token=2ab74924-c335-45f4-9b16-8569e5b08258,"
				 "fallback=virtio-blk:/a,b:c.img,ro",
				 NULL),
		0);
	assert_string_equal(r->vfs[2].selector, "02:10.0");
	assert_string_equal(r->vfs[2].vf_token, "2ab74924-c335-45f4-9b16-8569e5b08258");
	assert_string_equal(r->vfs[2].disk.path, "/a,b:c.img");
	assert_true(r->vfs[2].disk.read_only);
	assert_false(r->vfs[2].stop_on_loss);
	assert_int_equal(launch_add_vf(r, "a,on-loss=stop,fallback=virtio-net:tap0", NULL), 0);
	assert_true(r->vfs[3].stop_on_loss);
	assert_string_equal(r->vfs[3].net.uplink.name, "tap0");
	assert_int_equal(launch_add_vf(r, "a,on-loss=unplug", NULL), 0);
	assert_false(r->vfs[4].stop_on_loss);
}

static void disks_and_nets_are_understood(void **state)
{
	struct launch_request *r = *state;

	assert_int_equal(launch_add_disk(r, "a.img", NULL), 0);
	assert_int_equal(launch_add_disk(r, "b,c.img,ro", NULL), 0);
	assert_false(r->disks[0].read_only);
	assert_true(r->disks[1].read_only);
	assert_string_equal(r->disks[1].path, "b,c.img");
	assert_int_equal(launch_add_net(r, "mac=52:54:00:00:00:07,tap=vnet-7", NULL), 0);
	assert_string_equal(r->nets[0].uplink.name, "vnet-7");
	assert_int_equal(r->nets[0].uplink.mac.b[5], 7);
	assert_int_equal(launch_add_net(r, "bridge=br0,model=e1000", NULL), 0);
	assert_true(r->nets[1].e1000 && !r->nets[0].e1000);
	assert_int_equal(r->nets[1].uplink.queues, 1);
	assert_int_equal(launch_add_net(r, "tap=a,model=virtio", NULL), 0);
	assert_false(r->nets[2].e1000);
	assert_int_equal(launch_add_net(r, "tap=a,model=ide", NULL), -EINVAL);
	assert_int_equal(launch_add_net(r, "tap=a,queues=2,model=e1000", NULL), -EINVAL);
}

static void keys_of_disks_are_understood(void **state)
{
	struct launch_request *r = *state;
	autofree char *text = NULL, *plain = NULL, *ide = NULL, *rings = NULL;

	assert_int_equal(
		launch_add_disk(
			r, "a,b.img,ro,cache=none,engine=uring-sqpoll,queues=4,serial=S=1", NULL),
		0);
	assert_string_equal(r->disks[0].path, "a,b.img");
	assert_true(r->disks[0].read_only && r->disks[0].direct);
	text = launch_disk_text(&r->disks[0]);
	assert_string_equal(text, ",ro,serial=S=1,engine=uring-sqpoll,queues=4");
	/* What is no key belongs to the name, and so does what is before it. */
	assert_int_equal(launch_add_disk(r, "x,cache=none,y=z,cache=host", NULL), 0);
	assert_string_equal(r->disks[1].path, "x,cache=none,y=z");
	assert_false(r->disks[1].direct);
	plain = launch_disk_text(&r->disks[1]);
	assert_string_equal(plain, "");
	assert_int_equal(launch_add_disk(r, "y,model=ide,ro", NULL), 0);
	ide = launch_disk_text(&r->disks[2]);
	assert_string_equal(ide, ",ro,model=ide");
	assert_int_equal(
		launch_add_disk(
			r, "z,packed=off,pin=3,in-order=on,queue-size=1024,poll=adaptive", NULL),
		0);
	rings = launch_disk_text(&r->disks[3]);
	assert_string_equal(rings, ",poll=adaptive,packed=off,in-order=on,queue-size=1024,pin=3");
	assert_int_equal(launch_add_vf(r, "a,fallback=virtio-blk:d,cache=none,ro", NULL), 0);
	assert_string_equal(r->vfs[0].disk.path, "d");
	assert_true(r->vfs[0].disk.direct && r->vfs[0].disk.read_only);
}

static void uplinks_are_understood(void **state)
{
	struct launch_request *r = *state;

	assert_int_equal(launch_add_net(r, "bridge=br0,mtu=9000", NULL), 0);
	assert_int_equal(r->nets[0].uplink.kind, UPLINK_BRIDGE);
	assert_int_equal(r->nets[0].uplink.mtu, 9000);
	assert_int_equal(launch_add_net(r, "macvtap=eth0,mode=vepa", NULL), 0);
	assert_int_equal(r->nets[1].uplink.kind, UPLINK_MACVTAP);
	assert_int_equal(r->nets[1].uplink.mode, HOST_MACVTAP_VEPA);
	assert_int_equal(launch_add_net(r, "vf=ens1f0/vf0", NULL), 0);
	assert_int_equal(r->nets[2].uplink.kind, UPLINK_MACVTAP);
	assert_string_equal(r->nets[2].selector, "ens1f0/vf0");
	assert_null(r->nets[2].uplink.name);
	assert_int_equal(launch_add_net(r, "ovs=sw0", NULL), 0);
	assert_int_equal(r->nets[3].uplink.kind, UPLINK_OVS);
	assert_int_equal(launch_add_vf(r, "a,fallback=virtio-net:bridge:br0", NULL), 0);
	assert_int_equal(r->vfs[0].net.uplink.kind, UPLINK_BRIDGE);
	assert_string_equal(r->vfs[0].net.uplink.name, "br0");
	assert_false(r->vfs[0].standby);
	assert_int_equal(launch_add_vf(r, "a/vf0-1,3,standby=bridge:br0,on-loss=unplug", NULL), 0);
	assert_true(r->vfs[1].standby);
	assert_null(r->vfs[1].port.uplink.name);
	assert_string_equal(r->vfs[1].selector, "a/vf0-1,3");
	assert_int_equal(r->vfs[1].fallback, LAUNCH_FALLBACK_NET);
}

/* Two ends in one bridge are told apart, for whoever is asked to open them. */
static void uplinks_are_numbered(void **state)
{
	struct launch_request *r = *state;
	char *text;

	r->kernel = "vmlinuz";
	assert_int_equal(launch_add_vf(r, "a,fallback=virtio-net:bridge:br0", NULL), 0);
	assert_int_equal(launch_add_net(r, "bridge=br0", NULL), 0);
	assert_int_equal(launch_add_net(r, "bridge=br1", NULL), 0);
	assert_int_equal(launch_add_net(r, "bridge=br0", NULL), 0);
	assert_int_equal(launch_request_check(r, NULL), 0);
	text = uplink_text(&r->vfs[0].net.uplink);
	assert_string_equal(text, "bridge:br0");
	free(text);
	text = uplink_text(&r->nets[2].uplink);
	assert_string_equal(text, "bridge:br0#2");
	free(text);
	assert_int_equal(r->nets[0].uplink.number, 1);
	assert_int_equal(r->nets[1].uplink.number, 0);
}

static void mistakes_are_told(void **state)
{
	static const char *const vfs[] = { "", ",fallback=virtio-net:tap0",
		"x,fallback=", "x,fallback=virtio-net",
		"x,fallback=virtio-net:", "x,fallback=e1000:tap0", "x,fallback=virtio-net:a/b",
		"x,fallback=virtio-net:sixteen-letters-",
		"x,fallback=virtio-blk:", "x,fallback=virtio-blk:,ro", "x,vf-token=1 iommu=off",
		"x,on-loss=", "x,on-loss=dance", "x,fallback=virtio-net:t,fallback=virtio-net:u",
		"x,standby-mac=02:00:00:00:00:01",
		"x,standby=t,standby-mac=", "x,standby=t,standby-mac=01:00:5e:00:00:01",
		"x,standby=", "x,standby=wire:a", "x,standby=t,standby=u",
		"x,fallback=virtio-net:t,standby=u", "x,representor=", "x,representor=tap0",
		"x,representor=macvtap:eth0", "x,representor=bridge:br0,representor=ovs:sw0",
		"x,fallback=virtio-net:bridge:", "x,fallback=virtio-net:tapes:a" };
	static const char *const nets[] = { "", "tap=", "mac=52:54:00:00:00:01", "tap=a,b",
		"tap=a,mac=01:00:5e:00:00:01", "tap=a,tap=b", "tap=a%d", "bridge=", "bridge=-br",
		"bridge=br0,ovs=br0", "vf=", "vf=x,tap=a", "tap=a,mtu=67", "tap=a,mtu=70000",
		"tap=a,mtu=", "tap=a,mode=vepa", "tap=a,queue-size=2",
		"tap=a,model=e1000,packed=off", "macvtap=a,mode=fast", "tap=a,speed=10",
		"tap=sixteen-letters-" };
	static const char *const disks[] = { "", ",ro", ",cache=none", "a,cache=", "a,cache=some",
		"a,engine=steam", "a,model=scsi", "a,model=ide,queues=2", "a,queues=0",
		"a,packed=some", "a,queue-size=100", "a,model=ide,packed=off",
		"a,in-order=", "a,queues=9", "a,queues=x",
		"a,serial=", "a,serial=twenty-one-characters", "a,serial=with space",
		"a,cache=some,ro" };
	static const char *const ports[] = { "", "name=a", "socket=/a", "name=,socket=/a",
		"name=a/b,socket=/a", "name=.a,socket=/a", "name=a b,socket=/a",
		"name=a,socket=", "name=a,socket=/a,mode=0666", "a", "name=a,socket" };
	struct launch_request *r = *state;
	struct problem *why = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(ports); i++)
		assert_int_equal(launch_add_port(r, ports[i], NULL), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(vfs); i++) {
		assert_int_equal(launch_add_vf(r, vfs[i], &why), -EINVAL);
		assert_int_equal(why->kind, PROBLEM_USAGE);
		problem_free(TAKE_PTR(why));
	}
	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		assert_int_equal(launch_add_net(r, nets[i], NULL), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(disks); i++)
		assert_int_equal(launch_add_disk(r, disks[i], NULL), -EINVAL);
}

static void ports_have_names_of_their_own(void **state)
{
	struct launch_request *r = *state;
	char text[64];

	assert_int_equal(launch_add_port(r, "name=org.qemu.guest_agent.0,socket=/run/a", NULL), 0);
	assert_string_equal(r->ports[0].name, "org.qemu.guest_agent.0");
	assert_string_equal(r->ports[0].path, "/run/a");
	assert_int_equal(
		launch_add_port(r, "socket=/run/b,name=org.qemu.guest_agent.0", NULL), -EINVAL);
	launch_ports_done(r);
	r->ports = NULL;
	r->n_ports = 0;
	for (unsigned i = 0; i <= LAUNCH_PORTS_MAX; i++) {
		snprintf(text, sizeof(text), "name=p%u,socket=/run/%u", i, i);
		assert_int_equal(
			launch_add_port(r, text, NULL), i < LAUNCH_PORTS_MAX ? 0 : -EINVAL);
	}
	assert_int_equal(r->n_ports, LAUNCH_PORTS_MAX);
}

static void numbers_have_bounds(void **state)
{
	struct launch_request *r = *state;

	assert_string_equal(r->sandbox, "on");
	assert_int_equal(launch_set_sandbox(r, "log", NULL), 0);
	assert_string_equal(r->sandbox, "log");
	assert_int_equal(launch_set_sandbox(r, "maybe", NULL), -EINVAL);
	assert_string_equal(r->sandbox, "log");
	assert_int_equal(launch_set_cpus(r, "8", NULL), 0);
	assert_int_equal(launch_set_cpus(r, "9", NULL), -EINVAL);
	assert_int_equal(launch_set_cpus(r, "0", NULL), -EINVAL);
	assert_int_equal(r->cpus, 8);
	assert_int_equal(launch_set_memory(r, "1G", NULL), 0);
	assert_int_equal(r->memory_bytes, 1 << 30);
	assert_int_equal(launch_set_memory(r, "3X", NULL), -EINVAL);
	assert_int_equal(launch_set_memory(r, "8M", NULL), -EINVAL);
	assert_int_equal(launch_set_memory(r, "67108865", NULL), -EINVAL);
	assert_int_equal(launch_set_huge_pages(r, "4M", NULL), -EINVAL);
	assert_int_equal(launch_set_huge_pages(r, "", NULL), -EINVAL);
	assert_int_equal(launch_set_numa(r, "1", NULL), 0);
	assert_int_equal(r->numa, LAUNCH_NUMA_NODE);
	assert_int_equal(r->node, 1);
	assert_int_equal(launch_set_numa(r, "auto", NULL), 0);
	assert_int_equal(r->numa, LAUNCH_NUMA_AUTO);
	assert_int_equal(launch_set_numa(r, "-1", NULL), -EINVAL);
	assert_int_equal(launch_set_numa(r, "near", NULL), -EINVAL);
}

static void the_whole_is_checked(void **state)
{
	struct launch_request *r = *state;

	assert_int_equal(launch_request_check(r, NULL), -EINVAL);
	r->kernel = "vmlinuz";
	assert_int_equal(launch_request_check(r, NULL), 0);
	assert_int_equal(launch_set_huge_pages(r, NULL, NULL), 0);
	r->memory_bytes = 513 << 20;
	assert_int_equal(launch_request_check(r, NULL), -EINVAL);
	r->memory_bytes = 512 << 20;
	assert_int_equal(launch_request_check(r, NULL), 0);
	assert_int_equal(launch_set_huge_pages(r, "1G", NULL), 0);
	assert_int_equal(launch_request_check(r, NULL), -EINVAL);
	assert_int_equal(launch_set_huge_pages(r, "2M", NULL), 0);
	r->balloon = true;
	assert_int_equal(launch_request_check(r, NULL), -EINVAL);
	r->balloon = false;
	r->name = "a,b";
	assert_int_equal(launch_request_check(r, NULL), -EINVAL);
	r->name = "web1";
	for (int i = 0; i < LAUNCH_DEVICES_MAX; i++)
		assert_int_equal(launch_add_disk(r, "a", NULL), 0);
	assert_int_equal(launch_request_check(r, NULL), 0);
	r->rng = true;
	assert_int_equal(launch_request_check(r, NULL), -EINVAL);
}

/* What reaches memory by DMA, or may, excludes giving it back. */
static void a_balloon_goes_without_dma(void **state)
{
	struct launch_request *r = *state;
	autoproblem *why = NULL, *other = NULL;

	r->kernel = "vmlinuz";
	r->balloon = true;
	assert_int_equal(launch_request_check(r, NULL), 0);
	assert_int_equal(launch_add_disk(r, "vhost-user=/tmp/socket", NULL), 0);
	assert_int_equal(launch_request_check(r, &other), -EINVAL);
	assert_non_null(strstr(other->what, "vhost-user"));
	assert_int_equal(launch_add_vf(r, "a/vf0", NULL), 0);
	assert_int_equal(launch_request_check(r, &why), -EINVAL);
	assert_non_null(strstr(why->what, "DMA"));
	assert_non_null(strstr(why->hint, "--balloon"));
	r->balloon = false;
	assert_int_equal(launch_request_check(r, NULL), 0);
}

static void a_rom_may_be_shown(void **state)
{
	struct launch_request *r = *state;

	assert_int_equal(launch_add_vf(r, "a/vf0,rom=on,on-loss=stop", NULL), 0);
	assert_true(r->vfs[0].rom && r->vfs[0].stop_on_loss && !r->vfs[0].rom_file);
	assert_int_equal(launch_add_vf(r, "a/vf1,rom=off", NULL), 0);
	assert_false(r->vfs[1].rom || r->vfs[1].rom_file);
	assert_int_equal(launch_add_vf(r, "a/vf2-4,rom=/tmp/x.rom,on-loss=stop", NULL), 0);
	assert_string_equal(r->vfs[2].selector, "a/vf2-4");
	assert_string_equal(r->vfs[2].rom_file, "/tmp/x.rom");
	assert_int_equal(launch_add_vf(r, "a/vf5,rom=", NULL), -EINVAL);
}

/* Who must have it gets the back end that can. */
static void functions_may_reach_each_other(void **state)
{
	struct launch_request *r = *state;
	struct problem *why = NULL;

	r->kernel = "vmlinuz";
	assert_string_equal(r->peers, "auto");
	assert_int_equal(launch_set_peers(r, "perhaps", NULL), -EINVAL);
	assert_int_equal(launch_set_peers(r, "off", NULL), 0);
	assert_int_equal(launch_request_check(r, NULL), 0);
	assert_int_equal(r->backend, VFIO_BACKEND_AUTO);
	assert_int_equal(launch_set_peers(r, "on", NULL), 0);
	assert_int_equal(launch_set_console(r, "vga", NULL), -EINVAL);
	assert_int_equal(launch_set_console(r, "virtio", NULL), 0);
	assert_true(r->virtio_console);
	assert_int_equal(launch_set_console(r, "serial", NULL), 0);
	assert_false(r->virtio_console);
	assert_int_equal(launch_request_check(r, NULL), 0);
	assert_int_equal(r->backend, VFIO_BACKEND_TYPE1);
	r->backend = VFIO_BACKEND_IOMMUFD;
	assert_int_equal(launch_request_check(r, &why), -EINVAL);
	assert_int_equal(why->kind, PROBLEM_USAGE);
	problem_free(why);
}

static void processes_that_serve(void **state UNUSED)
{
	static const char *const bad_nets[] = { "vhost-user=", "vhost-user=/s,mac=1",
		"vhost-user=/s,mtu=1", "vhost-user=/s,tap=t", "vhost-user=/s,queues=2" };
	struct launch_request r;

	launch_request_init(&r);
	assert_int_equal(launch_add_disk(&r, "vhost-user=/run/disk", NULL), 0);
	assert_int_equal(
		launch_add_net(&r, "vhost-user=/run/net,mac=02:00:00:00:00:07,mtu=9000", NULL), 0);
	assert_int_equal(r.n_disks + r.n_nets, 0);
	assert_int_equal(r.n_vhosts, 2);
	assert_true(r.vhosts[0].disk && !r.vhosts[1].disk);
	assert_string_equal(r.vhosts[0].path, "/run/disk");
	assert_string_equal(r.vhosts[1].path, "/run/net");
	assert_int_equal(r.vhosts[1].mac.b[5], 7);
	assert_int_equal(r.vhosts[1].mtu, 9000);
	assert_int_equal(launch_add_disk(&r, "vhost-user=/run/disk,ro", NULL), -EINVAL);
	for (size_t i = 0; i < ARRAY_SIZE(bad_nets); i++)
		assert_int_equal(launch_add_net(&r, bad_nets[i], NULL), -EINVAL);
	launch_request_done(&r);
}

static void sockets_to_the_guest(void **state UNUSED)
{
	static const char *const bad[] = { "", "2", "4294967295", "4294967296", "x", "-1" };
	struct launch_request r;

	launch_request_init(&r);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(launch_set_vsock(&r, bad[i], NULL), -EINVAL);
	assert_int_equal(launch_set_vsock(&r, "4294967294", NULL), 0);
	assert_int_equal(r.cid, 4294967294U);
	launch_request_done(&r);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(vfs_are_understood),
		T(disks_and_nets_are_understood),
		T(keys_of_disks_are_understood),
		T(uplinks_are_understood),
		T(uplinks_are_numbered),
		T(mistakes_are_told),
		T(ports_have_names_of_their_own),
		T(numbers_have_bounds),
		T(the_whole_is_checked),
		T(a_balloon_goes_without_dma),
		T(a_rom_may_be_shown),
		T(functions_may_reach_each_other),
		cmocka_unit_test(processes_that_serve),
		cmocka_unit_test(sockets_to_the_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
