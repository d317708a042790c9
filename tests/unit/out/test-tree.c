// SPDX-License-Identifier: GPL-2.0-or-later
/* What of a topology is shown, and as what. */
#include "cm.h"
#include "machine.h"
#include "made/made.h"
#include "out/tree.h"

#include <locale.h>

struct scene {
	struct host *h;
	struct inventory *inv;
	struct topology *t;
	struct view *view;
};

#define BRANCHES                                                                                   \
	"0000:00:01.0 pci0000:00 type=root acs=1f/1d group=1 driver=pcieport\n"                    \
	"0000:00:02.0 pci0000:00 type=root group=2 driver=pcieport\n"                              \
	"0000:01:00.0 0000:00:01.0 group=3 driver=igb net=eth0 vfs=64:80:1\n"                      \
	"0000:02:00.0 0000:00:02.0 group=2 driver=e1000e net=eth1\n"                               \
	"0000:80:00.0 pci0000:80 group=9 driver=nvme\n"                                            \
	"vfs 0000:01:00.0 20 at=80:1 group=10 driver=vfio-pci\n"

static struct scene look(const char *text)
{
	struct scene s = { 0 };
	char dir[] = "/tmp/vfctl-tree-XXXXXX";
	autofree char *clean = NULL;

	assert_non_null(mkdtemp(dir));
	clean = str_printf("rm -rf '%s'", dir);
	assert_int_equal(made_machine(dir, text), 0);
	assert_int_equal(host_new_captured(dir, &s.h, NULL), 0);
	assert_int_equal(inventory_load(s.h, INVENTORY_GROUPS, &s.inv, NULL), 0);
	assert_int_equal(topology_load(s.h, s.inv, &s.t, NULL), 0);
	assert_int_equal(system(clean), 0);
	return s;
}

static void done(struct scene *s)
{
	view_free(s->view);
	topology_free(s->t);
	inventory_free(s->inv);
	host_free(s->h);
}
#define autoscene CLEANUP(done) struct scene

static struct function *function(const struct scene *s, const char *address)
{
	struct function *f = inventory_find_bdf(s->inv, at(address));

	assert_non_null(f);
	return f;
}

static void show(struct scene *s, const char *chosen, const struct holders *holders, bool unfold)
{
	struct function *f = chosen ? function(s, chosen) : NULL;

	view_free(s->view);
	s->view = NULL;
	assert_int_equal(view_make(s->t, holders, &f, chosen ? 1 : 0, unfold, &s->view), 0);
}

static void is_item(const struct scene *s, size_t i, const char *address, int parent)
{
	assert_true(i < s->view->n);
	assert_int_equal(s->view->v[i].parent, parent);
	if (address)
		assert_string_equal(s->view->v[i].node->f->address, address);
	else
		assert_int_equal(s->view->v[i].kind, VIEW_ROOT);
}

static void everything_in_order(void **state UNUSED)
{
	autoscene s = look(BRANCHES);

	show(&s, NULL, NULL, false);
	assert_int_equal(s.view->n, 8);
	is_item(&s, 0, NULL, VIEW_NONE);
	is_item(&s, 1, "0000:00:01.0", 0);
	is_item(&s, 2, "0000:01:00.0", 1);
	is_item(&s, 3, "0000:01:10.0", 2);
	assert_int_equal(s.view->v[3].kind, VIEW_VFS);
	assert_int_equal(s.view->v[3].n_vfs, 20);
	assert_string_equal(view_vf(&s.view->v[3], 19)->address, "0000:01:12.3");
	is_item(&s, 4, "0000:00:02.0", 0);
	is_item(&s, 5, "0000:02:00.0", 4);
	is_item(&s, 6, NULL, VIEW_NONE);
	is_item(&s, 7, "0000:80:00.0", 6);
	assert_int_equal(s.view->v[0].first_child, 1);
	assert_int_equal(s.view->v[1].next, 4);
	assert_int_equal(s.view->v[0].next, 6);
	assert_int_equal(s.view->v[6].next, VIEW_NONE);
}

static void only_what_is_chosen_and_the_way_there(void **state UNUSED)
{
	autoscene s = look(BRANCHES);

	show(&s, "0000:80:00.0", NULL, false);
	assert_int_equal(s.view->n, 2);
	is_item(&s, 1, "0000:80:00.0", 0);
	show(&s, "0000:00:02.0", NULL, false); /* a bridge: with what is below */
	assert_int_equal(s.view->n, 3);
	is_item(&s, 2, "0000:02:00.0", 1);
	show(&s, "0000:01:00.0", NULL, false); /* a PF: with its VFs */
	assert_int_equal(s.view->n, 4);
	show(&s, "0000:01:10.5", NULL, false); /* a VF: with its PF, without the others */
	assert_int_equal(s.view->n, 4);
	is_item(&s, 3, "0000:01:10.5", 2);
	assert_int_equal(s.view->v[3].kind, VIEW_NODE);
}

static void what_differs_is_not_folded(void **state UNUSED)
{
	autoscene s = look(BRANCHES);
	struct holder one = {
		.kind = HOLDER_VFIO, .strength = HOLD_BLOCKS, .text = (char[]) { "pid 7" }
	};
	struct holders holders = { .v = &one, .n = 1 };

	one.bdf = at("0000:01:10.3");
	show(&s, "0000:01:00.0", &holders, false);
	assert_int_equal(s.view->n, 6); /* vf0-2, vf3, vf4-19 */
	assert_int_equal(s.view->v[3].n_vfs, 3);
	is_item(&s, 4, "0000:01:10.3", 2);
	assert_ptr_equal(view_holder(&s.view->v[4]), &one);
	assert_null(view_holder(&s.view->v[3]));
	assert_int_equal(s.view->v[5].n_vfs, 16);
	/* A driver alone is no user. */
	one.strength = HOLD_BOUND;
	show(&s, "0000:01:00.0", &holders, false);
	assert_int_equal(s.view->n, 4);
	show(&s, "0000:01:00.0", NULL, true);
	assert_int_equal(s.view->n, 23);
}

static void few_vfs_are_not_folded(void **state UNUSED)
{
	autoscene s = look("0000:01:00.0 pci0000:00 vfs=64:80:1\n"
			   "vfs 0000:01:00.0 8 at=80:1 driver=vfio-pci\n");

	show(&s, NULL, NULL, false);
	assert_int_equal(s.view->n, 2 + 8);
}

static char *text_of(const struct scene *s, const char *columns)
{
	struct out o = { .format = OUT_TABLE, .columns = columns };
	char *text = NULL;
	size_t len;

	o.to = o.notes = open_memstream(&text, &len);
	assert_non_null(o.to);
	assert_int_equal(out_tree(&o, s->view, NULL), 0);
	fclose(o.to);
	return text;
}

static void lines_as_the_locale_allows(void **state UNUSED)
{
	autoscene s = look(BRANCHES);
	autofree char *plain = NULL, *drawn = NULL, *flat = NULL;

	show(&s, "0000:02:00.0", NULL, false);
	assert_non_null(setlocale(LC_CTYPE, "C"));
	plain = text_of(&s, "ADDRESS,ACS");
	assert_string_equal(plain, "pci0000:00       -\n"
				   "`-0000:00:02.0   none\n"
				   "  `-0000:02:00.0 -\n");
	assert_non_null(setlocale(LC_CTYPE, "C.UTF-8"));
	drawn = text_of(&s, "ADDRESS,ACS");
	assert_non_null(strstr(drawn, "└─0000:00:02.0 "));
	flat = text_of(&s, "DRIVER,NAME");
	assert_string_equal(flat, "-        -\npcieport -\ne1000e   eth1\n");
}

static void an_empty_machine_is_an_empty_tree(void **state UNUSED)
{
	autoscene s = look("# nothing\n");
	autofree char *text = NULL;

	show(&s, NULL, NULL, false);
	assert_int_equal(s.view->n, 0);
	text = text_of(&s, NULL);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_in_order),
		cmocka_unit_test(only_what_is_chosen_and_the_way_there),
		cmocka_unit_test(what_differs_is_not_folded),
		cmocka_unit_test(few_vfs_are_not_folded),
		cmocka_unit_test(lines_as_the_locale_allows),
		cmocka_unit_test(an_empty_machine_is_an_empty_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
