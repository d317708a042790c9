// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Machines that lie, vanish and fail: whatever a capture holds and whenever it stops answering,
 * the picture is whole in itself, and everything in it can be looked at.
 */
#include "cm.h"
#include "machine.h"

#include "about/about.h"

#include <stdio.h>

/* Who belongs to whom is the same from both sides, and a walk comes to an end. */
static void is_a_forest(const struct inventory *inv)
{
	for (size_t i = 0; i < inv->n_functions; i++) {
		const struct function *f = &inv->functions[i];

		assert_true(i == 0 || bdf_cmp(inv->functions[i - 1].bdf, f->bdf) < 0);
		assert_true(!f->physfn || (f->kind == FUNCTION_VF && f->vf_index >= 0));
		assert_true(f->n_vfs == 0 || f->kind == FUNCTION_PF);
		for (size_t k = 0; k < f->n_vfs; k++) {
			assert_ptr_equal(f->vfs[k]->physfn, f);
			assert_true(k == 0 || f->vfs[k - 1]->vf_index < f->vfs[k]->vf_index);
		}
		for (size_t k = 0; k < f->n_netdevs; k++)
			assert_true(bdf_eq(f->netdevs[k].bdf, f->bdf));
	}
}

/* Everything that can be asked of it; what fails must say so. */
static void look_at_all(struct host *h)
{
	struct inventory *inv CLEANUP(inventory_freep) = NULL;
	autoproblem *p = NULL;

	if (inventory_load(h, INVENTORY_ALL, &inv, &p) < 0) {
		assert_non_null(p);
		return;
	}
	is_a_forest(inv);
	for (size_t i = 0; i < inv->n_functions; i++) {
		struct about *about CLEANUP(about_freep) = NULL;
		autoproblem *why = NULL;

		if (about_load(h, inv, &inv->functions[i], NULL, &about, &why) < 0)
			assert_non_null(why);
	}
}

/* ---- Machines that stop answering ---- */

static struct host *under;
static struct host_ops ops;
static unsigned calls, from, every;
static int answer;

static bool fails(void)
{
	calls++;
	return every ? calls % every == 0 : calls >= from;
}

static ssize_t broken_read(struct host *h UNUSED, const char *path, void *buf, size_t size)
{
	return fails() ? answer : under->ops->read_file(under, path, buf, size);
}

static int broken_link(struct host *h UNUSED, const char *path, char *buf, size_t size)
{
	return fails() ? answer : under->ops->read_link(under, path, buf, size);
}

static int broken_list(struct host *h UNUSED, const char *path, char ***ret)
{
	return fails() ? answer : under->ops->list_dir(under, path, ret);
}

static int broken_stat(struct host *h UNUSED, const char *path, struct stat *ret)
{
	return fails() ? answer : under->ops->stat(under, path, ret);
}

/* Netlink's operations look behind the host that they are given, which is not theirs here. */
static int no_link(struct host *h UNUSED, int ifindex UNUSED, struct host_link *ret UNUSED)
{
	return -ENOENT;
}

static int no_vfs(struct host *h UNUSED, int ifindex UNUSED, struct host_vf **ret UNUSED,
	size_t *ret_n UNUSED)
{
	return -ENOENT;
}

static struct host broken(struct host *sound)
{
	under = sound;
	ops = *sound->ops;
	ops.read_file = broken_read;
	ops.read_link = broken_link;
	ops.list_dir = broken_list;
	ops.stat = broken_stat;
	ops.files = NULL;
	ops.link_get = no_link;
	ops.link_vfs = no_vfs;
	ops.link_index = NULL;
	ops.link_altnames = NULL;
	ops.devlink = NULL;
	calls = from = every = 0;
	return (struct host) { .ops = &ops, .captured = true };
}

/* A scan's calls, each of them once the moment at which all is gone. */
static void gone_at_every_call(void **state UNUSED)
{
	autohost *sound = machine("s2-vfio");
	struct host h = broken(sound);
	unsigned all;

	answer = -ENOENT;
	from = UINT32_MAX;
	{
		struct inventory *inv CLEANUP(inventory_freep) = NULL;

		assert_int_equal(inventory_load(&h, INVENTORY_ALL, &inv, NULL), 0);
	}
	all = calls;
	for (unsigned n = 1; n <= all; n++) {
		struct inventory *inv CLEANUP(inventory_freep) = NULL;

		calls = 0;
		from = n;
		if (inventory_load(&h, INVENTORY_ALL, &inv, NULL) == 0)
			is_a_forest(inv);
	}
}

static void now_and_then(int code)
{
	autohost *sound = machine("s4-nvme-vf");
	struct host h = broken(sound);

	answer = code;
	for (every = 2; every < 32; every += every < 8 ? 1 : 7) {
		calls = 0;
		look_at_all(&h);
	}
}

static void errors_now_and_then(void **state UNUSED)
{
	now_and_then(-EIO);
	now_and_then(-EACCES);
	now_and_then(-ELOOP);
	now_and_then(-ENAMETOOLONG);
	now_and_then(-EISDIR);
}

/* ---- Machines whose files lie ---- */

static const char *lie;
static size_t lie_len;

static ssize_t lying_read(struct host *h UNUSED, const char *path, void *buf, size_t size)
{
	size_t n = MIN(size, lie_len);
	struct stat st;

	if (under->ops->stat(under, path, &st) < 0)
		return -ENOENT;
	memcpy(buf, lie, n);
	return (ssize_t)n;
}

/* Every file of the machine says the same, and nothing good. */
static void the_same_everywhere(void **state UNUSED)
{
	static char junk[8192], much[70000];
	static const struct {
		const char *data;
		size_t len;
	} lies[] = { { "", 0 }, { "\n", 1 }, { "\0\0\0\0", 4 }, { "-1\n", 3 }, { "0\n", 2 },
		{ "18446744073709551616\n", 21 }, { "4294967295\n", 11 }, { "0x\n", 3 },
		{ "pci:v\n", 6 }, { "\x1b]0;x\x07\n", 7 }, { "99999999999999999999 x y\n", 25 },
		{ junk, sizeof(junk) }, { much, sizeof(much) } };
	autohost *sound = machine("s4-nvme-vf");
	struct host h = broken(sound);

	memset(junk, 0xff, sizeof(junk));
	memset(much, '7', sizeof(much));
	from = UINT32_MAX;
	ops.read_file = lying_read;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		lie = lies[i].data;
		lie_len = lies[i].len;
		look_at_all(&h);
	}
}

static size_t config_len;

static ssize_t short_config(struct host *h UNUSED, const char *path, void *buf, size_t size)
{
	ssize_t n = under->ops->read_file(under, path, buf, size);

	if (n > 0 && str_ends(path, "/config"))
		n = MIN(n, (ssize_t)config_len);
	return n;
}

/* A capability that is cut is not there; a number that is cut is unknown. */
static void configuration_space_cut_anywhere(void **state UNUSED)
{
	autohost *sound = machine("s1-igb4-igbvf");
	struct host h = broken(sound);

	from = UINT32_MAX;
	ops.read_file = short_config;
	for (config_len = 0; config_len < 4096; config_len += config_len < 0x200 ? 1 : 97) {
		struct detail *d CLEANUP(detail_freep) = NULL;

		assert_int_equal(detail_read(&h, at("0000:01:00.0"), &d), 0);
		assert_true(!d->has_sriov || d->sriov.total_vfs == 8);
		assert_true(!d->has_msix || d->msix_vectors == 10);
		if (config_len < 0x40)
			assert_int_equal(d->n_caps, 0);
	}
	config_len = 0x160;
	look_at_all(&h);
}

static char *link_lie;

static int lying_link(struct host *h UNUSED, const char *path, char *buf, size_t size)
{
	if (under->ops->read_link(under, path, buf, size) < 0)
		return -ENOENT;
	if (strlen(link_lie) >= size)
		return -ENAMETOOLONG;
	strcpy(buf, link_lie);
	return 0;
}

/* All links point to the same: a function is then its own VF, its own PF, and everybody's. */
static void all_links_alike(void **state UNUSED)
{
	static const char *const lies[] = { "", "/", "..", "../0000:01:00.0", "../0000:01:10.2",
		"../../0000:ff:1f.7", "a/\x1b[31m", "../-5", "../4294967296", "../../../x/y/" };
	autohost *sound = machine("s2-vfio");
	struct host h = broken(sound);
	char name[300];

	from = UINT32_MAX;
	ops.read_link = lying_link;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		link_lie = strdup(lies[i]);
		look_at_all(&h);
		free(link_lie);
	}
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	link_lie = name; /* longer than a file's name may be */
	look_at_all(&h);
}

/* ---- Very many ---- */

enum { VERY_MANY = 100000 };

static char **many_names(void)
{
	char **v = calloc(VERY_MANY + 1, sizeof(*v));

	assert_non_null(v);
	for (unsigned i = 0; i < VERY_MANY; i++) {
		v[i] = str_printf(
			"%04x:%02x:%02x.%x", i >> 16, i >> 8 & 0xff, i >> 3 & 0x1f, i & 7);
		assert_non_null(v[i]);
	}
	return v;
}

static int many_list(struct host *h UNUSED, const char *path, char ***ret)
{
	if (!str_ends(path, "/bus/pci/devices"))
		return -ENOENT;
	*ret = many_names();
	return 0;
}

static ssize_t many_read(struct host *h UNUSED, const char *path, void *buf, size_t size)
{
	static const char text[] = "pci:v00008086d000010CAsv00001AF4sd00001100bc02sc00i00\n";

	if (!str_ends(path, "/modalias"))
		return -ENOENT;
	memcpy(buf, text, MIN(size, sizeof(text) - 1));
	return (ssize_t)MIN(size, sizeof(text) - 1);
}

static int many_link(
	struct host *h UNUSED, const char *path UNUSED, char *buf UNUSED, size_t size UNUSED)
{
	return -ENOENT;
}

static int many_stat(struct host *h UNUSED, const char *path UNUSED, struct stat *ret UNUSED)
{
	return 0;
}

static void a_hundred_thousand(void **state UNUSED)
{
	autohost *sound = machine("s0-pf-only");
	struct host h = broken(sound);
	struct inventory *inv CLEANUP(inventory_freep) = NULL;

	ops.list_dir = many_list;
	ops.read_file = many_read;
	ops.read_link = many_link;
	ops.stat = many_stat;
	assert_int_equal(inventory_load(&h, INVENTORY_ALL, &inv, NULL), 0);
	assert_int_equal(inv->n_functions, VERY_MANY);
	assert_non_null(inventory_find_bdf(inv, at("0001:86:13.7")));
	is_a_forest(inv);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gone_at_every_call),
		cmocka_unit_test(errors_now_and_then),
		cmocka_unit_test(the_same_everywhere),
		cmocka_unit_test(configuration_space_cut_anywhere),
		cmocka_unit_test(all_links_alike),
		cmocka_unit_test(a_hundred_thousand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
