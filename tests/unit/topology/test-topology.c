// SPDX-License-Identifier: GPL-2.0-or-later
/* How functions hang together, and what each IOMMU group is good for. */
#include "cm.h"
#include "machine.h"
#include "made/made.h"
#include "topology/topology.h"

struct scene {
	struct host *h;
	struct inventory *inv;
	struct topology *t;
};

static void look(struct scene *s)
{
	assert_int_equal(inventory_load(s->h, INVENTORY_GROUPS, &s->inv, NULL), 0);
	assert_int_equal(topology_load(s->h, s->inv, &s->t, NULL), 0);
}

static struct scene captured(const char *name)
{
	struct scene s = { .h = machine(name) };

	look(&s);
	return s;
}

static struct scene made(const char *text)
{
	struct scene s = { 0 };
	char dir[] = "/tmp/vfctl-topology-XXXXXX";
	autofree char *clean = NULL;

	assert_non_null(mkdtemp(dir));
	clean = str_printf("rm -rf '%s'", dir);
	assert_int_equal(made_machine(dir, text), 0);
	assert_int_equal(host_new_captured(dir, &s.h, NULL), 0);
	look(&s);
	assert_int_equal(system(clean), 0);
	return s;
}

static void done(struct scene *s)
{
	topology_free(s->t);
	inventory_free(s->inv);
	host_free(s->h);
}
#define autoscene CLEANUP(done) struct scene

static const struct topo_node *node(const struct scene *s, const char *address)
{
	struct function *f = inventory_find_bdf(s->inv, at(address));

	assert_non_null(f);
	return topology_node(s->t, f);
}

static const struct group_verdict *verdict(const struct scene *s, const char *address)
{
	const struct group_verdict *v = topology_verdict(s->t, node(s, address)->f);

	assert_non_null(v);
	return v;
}

static void assert_text(const struct scene *s, const char *address, const char *expected)
{
	autofree char *text = topology_assignable_text(s->t, node(s, address)->f);

	assert_string_equal(text, expected);
}

static void assert_gap(
	const struct group_verdict *v, size_t i, enum gap_kind kind, const char *address)
{
	assert_true(i < v->n_gaps);
	assert_int_equal(v->gaps[i].kind, kind);
	assert_string_equal(v->gaps[i].node->f->address, address);
}

static void a_captured_machine_hangs_together(void **state UNUSED)
{
	autoscene s = captured("s3-nonviable");
	const struct topo_node *port = node(&s, "0000:00:04.0"), *e1000 = node(&s, "0000:05:02.0");

	assert_int_equal(s.t->n_roots, 1);
	assert_int_equal(s.t->roots[0].n_children, 9);
	assert_int_equal(port->port, PORT_ROOT);
	assert_true(port->bridge);
	assert_int_equal(port->isolates, 1);
	assert_ptr_equal(e1000->parent, node(&s, "0000:04:00.0"));
	assert_ptr_equal(e1000->parent->parent, port);
	assert_null(port->parent);
	assert_int_equal(port->n_children, 1);
	assert_int_equal(e1000->parent->n_children, 2);
	/* VFs hang below their PF's bridge, but are the PF's to list. */
	assert_ptr_equal(node(&s, "0000:01:10.2")->parent, node(&s, "0000:00:01.0"));
	assert_int_equal(node(&s, "0000:00:01.0")->n_children, 1);
	assert_null(s.t->acs_override);
}

static void captured_groups_are_judged(void **state UNUSED)
{
	autoscene s = captured("s3-nonviable");
	const struct group_verdict *v = verdict(&s, "0000:05:02.0");

	assert_int_equal(v->assignable, ASSIGNABLE_TOGETHER);
	assert_int_equal(v->n_members, 2);
	assert_int_equal(v->n_kept, 1);
	assert_int_equal(v->n_gaps, 1);
	assert_gap(v, 0, GAP_CONVENTIONAL, "0000:04:00.0");
	assert_string_equal(v->why, "PCIe-to-PCI bridge 0000:04:00.0 cannot have ACS");
	assert_int_equal(v->trust, TRUST_PLAIN);
	assert_text(&s, "0000:05:02.0", "with 0000:05:01.0");
	assert_text(&s, "0000:04:00.0", "never: it is a bridge");

	/* The ISA bridge has no driver, so the two beside it can be had, together. */
	v = verdict(&s, "0000:00:1f.2");
	assert_int_equal(v->assignable, ASSIGNABLE_TOGETHER);
	assert_gap(v, 0, GAP_MULTIFUNCTION, "0000:00:1f.0");
	assert_string_equal(v->why, "device 0000:00:1f has no ACS between its functions");
	assert_text(&s, "0000:00:1f.2", "with 0000:00:1f.3");
	assert_text(&s, "0000:00:1f.0", "never: it is the ISA bridge, which the host needs");

	assert_text(&s, "0000:01:10.0", "alone");
	assert_null(verdict(&s, "0000:01:10.0")->why);
	assert_int_equal(verdict(&s, "0000:00:01.0")->assignable, ASSIGNABLE_NEVER);
	assert_text(&s, "0000:00:00.0", "never: it is the host bridge");
	assert_int_equal(topology_assignable(s.t, node(&s, "0000:04:00.0")->f), ASSIGNABLE_NEVER);
}

#define SWITCH                                                                                     \
	"0000:00:00.0 pci0000:00 class=060000 type=pci group=0\n"                                  \
	"0000:00:01.0 pci0000:00 type=root acs=1f/1d group=1 driver=pcieport\n"                    \
	"0000:01:00.0 0000:00:01.0 type=up group=2 driver=pcieport\n"

static void a_switch_without_acs_merges_what_is_below(void **state UNUSED)
{
	autoscene s = made(SWITCH "0000:02:00.0 0000:01:00.0 type=down group=2\n"
				  "0000:02:01.0 0000:01:00.0 type=down acs=1f/05 group=3\n"
				  "0000:02:02.0 0000:01:00.0 type=down acs=1f/1d group=4\n"
				  "0000:03:00.0 0000:02:00.0 group=2 driver=igb\n"
				  "0000:03:00.1 0000:02:00.0 mf group=2 driver=igb\n"
				  "0000:04:00.0 0000:02:01.0 group=3 driver=igb vfs=4:1:1\n"
				  "vfs 0000:04:00.0 4 at=1:1 driver=igbvf group=3/\n"
				  "0000:05:00.0 0000:02:02.0 group=5\n"
				  "slot 7 0000:05:00\nslot 8-1 0000:04\n");
	const struct group_verdict *v = verdict(&s, "0000:03:00.0");

	assert_int_equal(v->assignable, ASSIGNABLE_TOGETHER);
	assert_int_equal(v->n_gaps, 1);
	assert_gap(v, 0, GAP_NO_ACS, "0000:02:00.0");
	assert_string_equal(v->why, "downstream port 0000:02:00.0 has no ACS");

	v = verdict(&s, "0000:04:00.0");
	assert_int_equal(v->n_members, 5);
	assert_gap(v, 0, GAP_ACS_OFF, "0000:02:01.0");
	assert_string_equal(v->why, "downstream port 0000:02:01.0 has ACS switched off (CR UF)");
	assert_text(&s, "0000:04:00.0", "with 0000:04:00.1, 0000:04:00.2, 0000:04:00.3 and 1 more");

	assert_text(&s, "0000:05:00.0", "alone");
	assert_string_equal(node(&s, "0000:05:00.0")->slot, "7");
	assert_string_equal(node(&s, "0000:04:00.0")->slot, "8-1");
	assert_null(node(&s, "0000:03:00.0")->slot);
}

/* The registers tell of a merge, the kernel does not merge. */
#define APART                                                                                      \
	SWITCH "0000:02:00.0 0000:01:00.0 type=down id=10b5:8747 group=3\n"                        \
	       "0000:03:00.0 0000:02:00.0 mf group=4\n0000:03:00.1 0000:02:00.0 mf group=5\n"

static void an_override_is_called_what_it_is(void **state UNUSED)
{
	static const char *const covers[] = { "downstream", "downstream,multifunction",
		"id:8086:1533,id:10b5:8747" };

	for (size_t i = 0; i < ARRAY_SIZE(covers); i++) {
		autofree char *text =
			str_printf("cmdline quiet pcie_acs_override=%s splash\n" APART, covers[i]);
		autoscene s = made(text);
		const struct group_verdict *v = verdict(&s, "0000:03:00.1");

		assert_string_equal(s.t->acs_override, covers[i]);
		assert_int_equal(v->assignable, ASSIGNABLE_ALONE);
		assert_int_equal(v->trust, TRUST_FAKED);
		assert_non_null(strstr(v->why, "unsafe"));
		assert_non_null(strstr(v->why, covers[i]));
		assert_gap(v, 0, GAP_NO_ACS, "0000:02:00.0");
	}
}

static void without_one_the_kernel_is_trusted(void **state UNUSED)
{
	static const char *const lines[] = { "", "cmdline quiet\n",
		"cmdline pcie_acs_override=id:1234:5678\n" };

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		autofree char *text = str_printf("%s" APART, lines[i]);
		autoscene s = made(text);
		const struct group_verdict *v = verdict(&s, "0000:03:00.0");

		assert_int_equal(v->assignable, ASSIGNABLE_ALONE);
		assert_int_equal(v->trust, TRUST_QUIRK);
		assert_null(strstr(v->why, "unsafe"));
		assert_non_null(strstr(v->why, "the kernel knows the device better"));
	}
}

static void an_override_without_effect_accuses_nobody(void **state UNUSED)
{
	autoscene s = made("cmdline pcie_acs_override=downstream,multifunction\n" SWITCH
			   "0000:02:00.0 0000:01:00.0 type=down acs=1f/1d group=3\n"
			   "0000:03:00.0 0000:02:00.0 group=4\n");

	assert_non_null(s.t->acs_override);
	for (size_t i = 0; i < s.inv->n_groups; i++)
		assert_int_equal(s.t->verdicts[i].trust, TRUST_PLAIN);
}

static void without_root_nothing_is_guessed(void **state UNUSED)
{
	autoscene s = made("0000:00:01.0 pci0000:00 type=root config=64 group=1\n"
			   "0000:01:00.0 0000:00:01.0 config=64 group=1\n"
			   "0000:01:00.1 0000:00:01.0 mf config=64 group=1\n"
			   "0000:02:00.0 pci0000:00 config=64 group=2\n");
	const struct group_verdict *v = verdict(&s, "0000:01:00.0");

	assert_int_equal(node(&s, "0000:00:01.0")->isolates, -1);
	assert_int_equal(node(&s, "0000:00:01.0")->port, PORT_UNKNOWN_BRIDGE);
	assert_int_equal(v->assignable, ASSIGNABLE_TOGETHER);
	assert_true(v->acs_unknown);
	assert_int_equal(v->n_gaps, 0);
	assert_int_equal(v->trust, TRUST_PLAIN);
	assert_non_null(strstr(v->why, "root"));
	assert_text(&s, "0000:02:00.0", "alone");
	assert_int_equal(verdict(&s, "0000:02:00.0")->acs_unknown, false);
}

static void what_the_host_needs_keeps_the_rest(void **state UNUSED)
{
	autoscene s =
		made("0000:00:1f.0 pci0000:00 mf class=060100 type=pci group=6 driver=lpc_ich\n"
		     "0000:00:1f.2 pci0000:00 mf class=010601 type=pci group=6\n"
		     "0000:00:1e.0 pci0000:00 class=080600 type=integrated group=7\n"
		     "0000:00:1d.0 pci0000:00 type=collector group=8\n");

	assert_int_equal(verdict(&s, "0000:00:1f.2")->assignable, ASSIGNABLE_NEVER);
	assert_non_null(strstr(verdict(&s, "0000:00:1f.2")->why, "0000:00:1f.0 (lpc_ich) stays"));
	assert_text(&s, "0000:00:1f.2", "never: its group has a member that the host needs");
	assert_text(&s, "0000:00:1e.0", "never: it is the IOMMU itself");
	assert_text(&s, "0000:00:1d.0", "never: it collects events of the root complex");
}

static void what_no_register_tells_is_said(void **state UNUSED)
{
	autoscene s = made("0000:00:02.0 pci0000:00 group=1\n0000:00:03.0 pci0000:00 group=1\n");

	assert_non_null(strstr(verdict(&s, "0000:00:02.0")->why, "no ACS register"));
}

static void no_iommu_is_no_verdict(void **state UNUSED)
{
	autoscene s = made("0000:00:02.0 pci0000:00 driver=igb\n");

	assert_null(topology_verdict(s.t, node(&s, "0000:00:02.0")->f));
	assert_text(&s, "0000:00:02.0", "no IOMMU");
	assert_int_equal(
		topology_assignable(s.t, node(&s, "0000:00:02.0")->f), ASSIGNABLE_NO_IOMMU);
}

static void domains_have_roots_of_their_own(void **state UNUSED)
{
	autoscene s = made("0000:00:0e.0 pci0000:00 class=010400 group=1\n"
			   "10000:e0:06.0 pci10000:e0 type=root acs=1f/1d group=1\n"
			   "10000:e1:00.0 10000:e0:06.0 class=010802 group=1 nvme=nvme0\n"
			   "0000:80:01.0 pci0000:80 type=root acs=1f/1d group=2\n");

	assert_int_equal(s.t->n_roots, 3);
	assert_int_equal(s.t->roots[0].bus, 0);
	assert_int_equal(s.t->roots[1].bus, 0x80);
	assert_int_equal(s.t->roots[2].domain, 0x10000);
	assert_ptr_equal(node(&s, "10000:e1:00.0")->parent, node(&s, "10000:e0:06.0"));
}

/* Folders nested as no kernel nests them: nothing hangs below itself. */
static void a_lie_makes_no_circle(void **state UNUSED)
{
	autoscene s = made("0000:05:00.0 pci0000:00 type=root group=1\n"
			   "0000:03:00.0 0000:05:00.0 type=down group=2\n"
			   "0000:03:01.0 0000:03:00.0 group=2\n");

	for (size_t i = 0; i < s.inv->n_functions; i++)
		assert_null(s.t->nodes[i].parent);
	assert_int_equal(s.t->n_roots, 2);
}

static void a_dead_function_is_unknown(void **state UNUSED)
{
	autoscene s = made("0000:00:01.0 pci0000:00 type=root config=0 group=1\n");

	assert_int_equal(node(&s, "0000:00:01.0")->acs.state, ACS_UNKNOWN);
	assert_true(node(&s, "0000:00:01.0")->bridge);
	assert_int_equal(node(&s, "0000:00:01.0")->isolates, -1);
	assert_int_equal(node(&s, "0000:00:01.0")->port, PORT_UNKNOWN_BRIDGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_captured_machine_hangs_together),
		cmocka_unit_test(captured_groups_are_judged),
		cmocka_unit_test(a_switch_without_acs_merges_what_is_below),
		cmocka_unit_test(an_override_is_called_what_it_is),
		cmocka_unit_test(without_one_the_kernel_is_trusted),
		cmocka_unit_test(an_override_without_effect_accuses_nobody),
		cmocka_unit_test(without_root_nothing_is_guessed),
		cmocka_unit_test(what_the_host_needs_keeps_the_rest),
		cmocka_unit_test(what_no_register_tells_is_said),
		cmocka_unit_test(no_iommu_is_no_verdict),
		cmocka_unit_test(domains_have_roots_of_their_own),
		cmocka_unit_test(a_lie_makes_no_circle),
		cmocka_unit_test(a_dead_function_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
