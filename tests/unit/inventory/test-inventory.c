// SPDX-License-Identifier: GPL-2.0-or-later
/* The picture of each captured machine. */
#include "cm.h"
#include "machine.h"
#include "inventory/inventory.h"

#include <stdio.h>
#include <sys/stat.h>

static struct inventory *picture(struct host *h, unsigned flags)
{
	struct inventory *inv = NULL;

	assert_int_equal(inventory_load(h, flags, &inv, NULL), 0);
	return inv;
}

static struct function *function(const struct inventory *inv, const char *address)
{
	struct function *f = inventory_find_bdf(inv, at(address));

	assert_non_null(f);
	return f;
}

static void a_pf_and_its_vfs(void **state UNUSED)
{
	autohost *h = machine("s2-vfio");
	struct inventory *inv CLEANUP(inventory_freep) = picture(h, INVENTORY_ALL);
	struct function *pf = function(inv, "0000:01:00.0");

	assert_int_equal(inv->n_functions, 21);
	assert_true(inv->iommu_on);
	assert_int_equal(pf->kind, FUNCTION_PF);
	assert_string_equal(pf->class_word, "network");
	assert_string_equal(pf->driver, "igb");
	assert_null(pf->driver_override);
	assert_false(pf->override_unknown);
	assert_int_equal(pf->iommu_group, 7);
	assert_int_equal(pf->numa_node, -1);
	assert_int_equal(pf->n_netdevs, 1);
	assert_string_equal(pf->netdevs[0].name, "eth0");
	assert_int_equal(pf->netdevs[0].ifindex, 2);
	assert_int_equal(pf->sriov.total_vfs, 7);
	assert_int_equal(pf->sriov.num_vfs, 4);
	assert_int_equal(pf->sriov.offset, 128);
	assert_int_equal(pf->sriov.stride, 2);
	assert_int_equal(pf->sriov.vf_device, 0x10ca);
	assert_int_equal(pf->sriov.drivers_autoprobe, 1);
	assert_int_equal(pf->sriov.vf_total_msix, 0);
	assert_int_equal(pf->n_vfs, 4);
	for (unsigned i = 0; i < 4; i++) {
		struct function *vf = pf->vfs[i];

		assert_int_equal(vf->kind, FUNCTION_VF);
		assert_ptr_equal(vf->physfn, pf);
		assert_int_equal(vf->vf_index, i);
		assert_ptr_equal(function_vf(pf, i), vf);
	}
	assert_string_equal(pf->vfs[3]->address, "0000:01:10.6");
	assert_null(function_vf(pf, 4));
}

static void a_vf_on_vfio(void **state UNUSED)
{
	autohost *h = machine("s2-vfio");
	struct inventory *inv CLEANUP(inventory_freep) = picture(h, INVENTORY_ALL);
	struct function *vf = function(inv, "0000:02:10.2");

	assert_string_equal(vf->driver, "vfio-pci");
	assert_string_equal(vf->driver_override, "vfio-pci");
	assert_int_equal(vf->n_netdevs, 0);
	assert_int_equal(vf->vf_index, 1);
	assert_int_equal(vf->physfn->sriov.drivers_autoprobe, 0);
	assert_int_equal(inventory_find_group(inv, 16)->viable, true);
	assert_null(inventory_find_group(inv, 17));
}

static void an_nvme_pf(void **state UNUSED)
{
	autohost *h = machine("s4-nvme-vf");
	struct inventory *inv CLEANUP(inventory_freep) = picture(h, 0);
	struct function *pf = function(inv, "0000:03:00.0");

	assert_string_equal(pf->nvme, "nvme0");
	assert_int_equal(pf->n_vfs, 2);
	assert_null(pf->vfs[0]->driver);
	assert_null(pf->vfs[0]->nvme);
	assert_ptr_equal(inventory_find_nvme(inv, "nvme0"), pf);
	assert_ptr_equal(inventory_find_nvme(inv, "nvme0n1"), pf);
	assert_ptr_equal(inventory_find_nvme(inv, "nvme0n1p2"), pf);
	assert_null(inventory_find_nvme(inv, "nvme0n12"));
	assert_null(inventory_find_nvme(inv, "nvme0n1p"));
	assert_null(inventory_find_nvme(inv, "nvme1"));
	assert_null(inventory_find_nvme(inv, ""));
}

static void found_by_netdev(void **state UNUSED)
{
	autohost *h = machine("s1-igb4-igbvf");
	struct inventory *inv CLEANUP(inventory_freep) = picture(h, 0);

	assert_ptr_equal(inventory_find_netdev(inv, "eth6"), function(inv, "0000:01:10.4"));
	assert_null(inventory_find_netdev(inv, "lo"));
	assert_null(inventory_find_netdev(inv, "eth66"));
}

/* A folder that a test fills: sys/bus/pci/devices/<function>/<file>. */
struct capture {
	char path[64];
};

static void put(const struct capture *d, const char *rel, const char *text)
{
	autofree char *path = str_printf("%s/%s", d->path, rel);
	autofree char *cmd = str_printf("mkdir -p \"$(dirname '%s')\"", path);
	FILE *f;

	assert_int_equal(system(cmd), 0);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static struct host *open_capture(struct capture *d)
{
	struct host *h = NULL;

	assert_int_equal(host_new_captured(d->path, &h, NULL), 0);
	return h;
}

static struct capture new_capture(void)
{
	struct capture d = { "/tmp/vfctl-inventory-XXXXXX" };
	autofree char *sys = NULL;

	assert_non_null(mkdtemp(d.path));
	sys = str_printf("%s/sys", d.path);
	assert_int_equal(mkdir(sys, 0755), 0);
	return d;
}

static void drop_capture(struct capture *d)
{
	autofree char *cmd = str_printf("rm -rf '%s'", d->path);

	assert_int_equal(system(cmd), 0);
}

static void a_machine_without_pci_is_empty(void **state UNUSED)
{
	struct capture d = new_capture();
	autohost *h = open_capture(&d);
	struct inventory *inv CLEANUP(inventory_freep) = picture(h, INVENTORY_ALL);

	assert_int_equal(inv->n_functions, 0);
	assert_false(inv->iommu_on);
	assert_null(inventory_find_bdf(inv, at("0000:00:00.0")));
	drop_capture(&d);
}

#define DEV "sys/bus/pci/devices/"

static void what_is_odd_is_unknown(void **state UNUSED)
{
	struct capture d = new_capture();
	autohost *h = NULL;
	struct inventory *inv CLEANUP(inventory_freep) = NULL;
	struct function *f;

	put(&d, DEV "10000:e1:00.0/modalias",
		"pci:v00008086d00000B60sv00008086sd00008D1Dbc01sc08i02\n");
	put(&d, DEV "0000:3b:00.0/modalias", "garbage");
	put(&d, DEV "0000:3b:00.0/sriov_totalvfs", "8\n");
	put(&d, DEV "0000:3b:00.0/sriov_vf_total_msix", "4294967033\n");
	put(&d, DEV "0000:3b:00.0/sriov_offset", "-3\n");
	put(&d, DEV "0000:3b:00.0/numa_node", "\n");
	put(&d, DEV "0000:3b:00.0/driver_override", "bad\x1b[31mname\n");
	put(&d, DEV "0000:3b:00.1/numa_node", "1\n");
	put(&d, DEV "no-address/vendor", "0x8086\n");
	h = open_capture(&d);
	inv = picture(h, INVENTORY_ALL);
	assert_int_equal(inv->n_functions, 3);
	f = &inv->functions[0];
	assert_string_equal(f->address, "0000:3b:00.0");
	assert_true(f->id_unknown);
	assert_string_equal(f->class_word, "other");
	assert_int_equal(f->kind, FUNCTION_PF);
	assert_int_equal(f->sriov.total_vfs, 8);
	assert_int_equal(f->sriov.offset, -1);
	assert_int_equal(f->sriov.vf_total_msix, SRIOV_MSIX_ABSURD);
	assert_int_equal(f->numa_node, -1);
	assert_int_equal(f->iommu_group, -1);
	assert_string_equal(f->driver_override, "bad\\x1b[31mname");
	assert_int_equal(inv->functions[1].numa_node, 1);
	assert_string_equal(inv->functions[2].address, "10000:e1:00.0");
	assert_false(inv->functions[2].id_unknown);
	drop_capture(&d);
}

static void put_pf_with(struct capture *d, const char *const *vfs, size_t n)
{
	put(d, DEV "0000:3b:00.0/sriov_totalvfs", "16\n");
	for (size_t i = 0; i < n; i++) {
		autofree char *dir = str_printf(DEV "%s/numa_node", vfs[i]);
		autofree char *link = str_printf("%s/" DEV "0000:3b:00.0/virtfn%zu", d->path, i);
		autofree char *target = str_printf("../%s", vfs[i]);

		put(d, dir, "0\n");
		assert_int_equal(symlink(target, link), 0);
	}
}

static void expect_vfs(const char *const *vfs, bool captured)
{
	struct capture d = new_capture();
	struct inventory *inv CLEANUP(inventory_freep) = NULL;
	autohost *h = NULL;
	struct function *pf;

	put_pf_with(&d, vfs, 6);
	h = open_capture(&d);
	h->captured = captured;
	inv = picture(h, 0);
	pf = function(inv, "0000:3b:00.0");
	assert_int_equal(pf->n_vfs, 6);
	for (unsigned i = 0; i < 6; i++) {
		assert_string_equal(pf->vfs[i]->address, vfs[i]);
		assert_int_equal(pf->vfs[i]->vf_index, i);
	}
	drop_capture(&d);
}

/* Whether the links of all are read, or those of three that say where the others are. */
static void vfs_are_where_their_links_say(void **state UNUSED)
{
	static const char *const rows[][6] = {
		{ "0000:3b:00.4", "0000:3b:00.5", "0000:3b:00.6", "0000:3b:00.7", "0000:3b:01.0",
			"0000:3b:01.1" },
		{ "0000:3b:10.0", "0000:3b:10.2", "0000:3b:10.4", "0000:3b:10.6", "0000:3b:11.0",
			"0000:3b:11.2" },
		{ "0000:3b:1f.6", "0000:3b:1f.7", "0000:3c:00.0", "0000:3c:00.1", "0000:3c:00.2",
			"0000:3c:00.3" },
		/* Out of line, out of order, each in a domain of its own. */
		{ "0000:3b:10.0", "0000:3b:10.1", "0000:3b:11.0", "0000:3b:11.1", "0000:3b:12.0",
			"0000:3b:12.1" },
		{ "0000:3b:12.1", "0000:3b:12.0", "0000:3b:11.1", "0000:3b:11.0", "0000:3b:10.1",
			"0000:3b:10.0" },
		{ "0001:00:00.0", "0002:00:00.0", "0003:00:00.0", "0004:00:00.0", "0005:00:00.0",
			"0006:00:00.0" },
	};

	/* A kernel would not have made these; a capture can have any links, and all are read. */
	static const char *const lying[] = { "0000:3b:10.0", "0000:3b:10.2", "0000:3b:11.0",
		"0000:3b:10.6", "0000:3b:10.4", "0000:3b:11.2" };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		expect_vfs(rows[i], true);
		expect_vfs(rows[i], false);
	}
	expect_vfs(lying, true);
}

/* The captured machine's operations, counted, and one function vanishing under the reader. */
static struct host_ops counting_ops;
static struct host *counted;
static unsigned calls;
static const char *vanished;

static bool gone(const char *path)
{
	calls++;
	return vanished && strstr(path, vanished);
}

static ssize_t count_read(struct host *h UNUSED, const char *path, void *buf, size_t size)
{
	return gone(path) ? -ENOENT : counted->ops->read_file(counted, path, buf, size);
}

static int count_link(struct host *h UNUSED, const char *path, char *buf, size_t size)
{
	return gone(path) ? -ENOENT : counted->ops->read_link(counted, path, buf, size);
}

static int count_stat(struct host *h UNUSED, const char *path, struct stat *ret)
{
	return gone(path) ? -ENOENT : counted->ops->stat(counted, path, ret);
}

static int count_list(struct host *h UNUSED, const char *path, char ***ret)
{
	return gone(path) ? -ENOENT : counted->ops->list_dir(counted, path, ret);
}

static struct host counting(struct host *under)
{
	counted = under;
	calls = 0;
	vanished = NULL;
	counting_ops = *under->ops;
	counting_ops.read_file = count_read;
	counting_ops.read_link = count_link;
	counting_ops.stat = count_stat;
	counting_ops.list_dir = count_list;
	counting_ops.files = NULL;
	return (struct host) { .ops = &counting_ops, .captured = true };
}

static void a_function_that_vanishes_is_left_out(void **state UNUSED)
{
	autohost *under = machine("s2-vfio");
	struct host h = counting(under);
	struct inventory *inv CLEANUP(inventory_freep) = NULL;

	vanished = "0000:01:10.2";
	inv = picture(&h, INVENTORY_ALL);
	assert_int_equal(inv->n_functions, 20);
	assert_null(inventory_find_bdf(inv, at("0000:01:10.2")));
	assert_int_equal(function(inv, "0000:01:00.0")->n_vfs, 3);
	assert_null(function_vf(function(inv, "0000:01:00.0"), 1));
	assert_int_equal(function_vf(function(inv, "0000:01:00.0"), 2)->vf_index, 2);
}

static void a_look_is_cheap(void **state UNUSED)
{
	autohost *under = machine("s2-vfio");
	struct host h = counting(under);
	struct inventory *inv CLEANUP(inventory_freep) = picture(&h, 0);

	assert_true(calls <= 9 * inv->n_functions); /* of 1 to 3 system calls each */
}

/* It sleeps uninterruptibly while somebody holds a VF. */
static ssize_t numvfs_is_poison(struct host *h UNUSED, const char *path, void *buf, size_t size)
{
	assert_null(strstr(path, "sriov_numvfs"));
	return counted->ops->read_file(counted, path, buf, size);
}

static void numvfs_is_never_read(void **state UNUSED)
{
	autohost *under = machine("s2-vfio");
	struct host h = counting(under);
	struct inventory *inv CLEANUP(inventory_freep) = NULL;

	counting_ops.read_file = numvfs_is_poison;
	inv = picture(&h, INVENTORY_ALL);
	assert_int_equal(function(inv, "0000:01:00.0")->sriov.num_vfs, 4);
}

static ssize_t fail_read(
	struct host *h UNUSED, const char *path UNUSED, void *buf UNUSED, size_t size UNUSED)
{
	return -EIO;
}

static int deny_list(struct host *h UNUSED, const char *path UNUSED, char ***ret UNUSED)
{
	return -EACCES;
}

static void unreadable_machines(void **state UNUSED)
{
	autohost *under = machine("s2-vfio");
	struct host h = counting(under);
	struct inventory *inv CLEANUP(inventory_freep) = NULL;
	struct inventory *none = NULL;
	autoproblem *p = NULL;

	counting_ops.read_file = fail_read;
	inv = picture(&h, INVENTORY_ALL);
	assert_int_equal(inv->n_functions, 21);
	assert_true(inv->functions[0].id_unknown);
	counting_ops.list_dir = deny_list;
	assert_int_equal(inventory_load(&h, 0, &none, &p), -EACCES);
	assert_int_equal(p->kind, PROBLEM_PERMISSION);
	assert_null(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pf_and_its_vfs),
		cmocka_unit_test(a_vf_on_vfio),
		cmocka_unit_test(an_nvme_pf),
		cmocka_unit_test(found_by_netdev),
		cmocka_unit_test(a_machine_without_pci_is_empty),
		cmocka_unit_test(what_is_odd_is_unknown),
		cmocka_unit_test(vfs_are_where_their_links_say),
		cmocka_unit_test(a_function_that_vanishes_is_left_out),
		cmocka_unit_test(a_look_is_cheap),
		cmocka_unit_test(numvfs_is_never_read),
		cmocka_unit_test(unreadable_machines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
