// SPDX-License-Identifier: GPL-2.0-or-later
/* Where boxes stand, and that no name can break out of a picture. */
#include "cm.h"
#include "machine.h"
#include "made/made.h"
#include "out/picture.h"
#include "out/xml.h"

#include <stdio.h>

struct scene {
	struct host *h;
	struct inventory *inv;
	struct topology *t;
	struct view *view;
};

static struct scene look(const char *text)
{
	struct scene s = { 0 };
	char dir[] = "/tmp/vfctl-picture-XXXXXX";
	autofree char *clean = NULL;

	assert_non_null(mkdtemp(dir));
	clean = str_printf("rm -rf '%s'", dir);
	assert_int_equal(made_machine(dir, text), 0);
	assert_int_equal(host_new_captured(dir, &s.h, NULL), 0);
	assert_int_equal(inventory_load(s.h, INVENTORY_GROUPS, &s.inv, NULL), 0);
	assert_int_equal(topology_load(s.h, s.inv, &s.t, NULL), 0);
	assert_int_equal(view_make(s.t, NULL, NULL, 0, true, &s.view), 0);
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

/* A root bus with ports; behind the n-th a switch, two PFs with VFs, or a function. */
static char *machine_of(unsigned ports, unsigned vfs)
{
	autostrbuf b = { 0 };

	for (unsigned i = 0; i < ports; i++) {
		unsigned bus = 4 * i + 1;

		strbuf_add(&b, "0000:00:%02x.0 pci0000:00 type=root group=%u\n", i, i);
		strbuf_add(&b, "0000:%02x:00.0 0000:00:%02x.0 %s group=%u vfs=200:8:1\n", bus, i,
			i % 3 == 0 ? "type=up" : "type=endpoint", 100 + i);
		for (unsigned k = 0; i % 3 == 0 && k < i; k++)
			strbuf_add(&b, "0000:%02x:%02x.0 0000:%02x:00.0 type=down group=%u\n",
				bus + 1, k, bus, 100 + i);
		if (i % 3)
			strbuf_add(&b, "vfs 0000:%02x:00.0 %u at=8:1 group=%u/\n", bus,
				vfs * (i % 3 - 1) + i, 100 + i);
	}
	for (unsigned i = 0; i < ports; i++)
		strbuf_add(&b, "0000:00:1f.%x pci0000:00 group=%u\n", i & 7, 200 + i);
	return strbuf_take(&b);
}

static bool overlap(struct box a, struct box b)
{
	return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;
}

static bool within(struct box in, struct box b)
{
	return in.x > b.x && in.y > b.y && in.x + in.w < b.x + b.w && in.y + in.h < b.y + b.h;
}

static void check_boxes(const struct picture *p)
{
	const struct view *v = p->view;

	for (size_t i = 0; i < v->n; i++) {
		assert_true(p->boxes[i].w > 0 && p->boxes[i].h > 0);
		assert_true(p->boxes[i].x + p->boxes[i].w <= p->w);
		assert_true(p->boxes[i].y + p->boxes[i].h <= p->h);
		if (v->v[i].parent != VIEW_NONE)
			assert_true(within(p->boxes[i], p->boxes[v->v[i].parent]));
		for (size_t k = 0; k < i; k++)
			if (v->v[k].parent == v->v[i].parent)
				assert_false(overlap(p->boxes[i], p->boxes[k]));
	}
}

static void boxes_lie_within_and_beside_each_other(void **state UNUSED)
{
	for (unsigned ports = 1; ports < 12; ports += 3) {
		autofree char *text = machine_of(ports, ports * 7);
		autoscene s = look(text);
		struct picture p;

		assert_int_equal(picture_layout(s.view, &p), 0);
		check_boxes(&p);
		picture_done(&p);
	}
}

static void an_empty_machine_has_a_picture(void **state UNUSED)
{
	autoscene s = look("# nothing\n");
	struct picture p;

	assert_int_equal(picture_layout(s.view, &p), 0);
	assert_int_equal(p.w, 0);
	picture_done(&p);
}

static void text_is_cut_where_it_does_not_fit(void **state UNUSED)
{
	autofree char *whole = text_fit("igb", 11, false, 100);
	autofree char *cut = text_fit("82576 Gigabit Network Connection", 11, false, 100);
	autofree char *utf8 = text_fit("ÄÖÜÄÖÜÄÖÜÄÖÜ", 11, false, 60);
	autofree char *nothing = text_fit("mmm", 11, false, 3);

	assert_string_equal(whole, "igb");
	assert_true(str_ends(cut, "…"));
	assert_true(text_width(cut, 11, false) <= 100);
	assert_true(str_starts(cut, "82576 G"));
	assert_true(str_starts(utf8, "ÄÖ") && str_ends(utf8, "…"));
	assert_string_equal(nothing, "");
}

static void what_xml_cannot_hold_is_written_otherwise(void **state UNUSED)
{
	autostrbuf b = { 0 };

	xml_add(&b, "a<b>&\"c'd \x1b[31m ä \xff \xef\xbf\xbf.");
	assert_string_equal(b.s, "a&lt;b&gt;&amp;&quot;c&#39;d \\x1b[31m ä \\xff ?.");
	xml_addf(&b, "%s%d", "<", 7);
	assert_true(str_ends(b.s, ".&lt;7"));
	assert_false(b.failed);
}

typedef int writer(const struct out *o, const struct view *v, struct problem **reterr);

static char *drawn(const struct scene *s, writer *write)
{
	struct out o = { .format = OUT_TABLE };
	char *text = NULL;
	size_t len;

	o.to = o.notes = open_memstream(&text, &len);
	assert_non_null(o.to);
	assert_int_equal(write(&o, s->view, NULL), 0);
	fclose(o.to);
	return text;
}

static void names_stay_names(void **state UNUSED)
{
	static writer *const writers[] = { out_svg, out_dot };
	autoscene s = look("slot <evil> 0000:01:00\n"
			   "0000:01:00.0 pci0000:00 group=1 driver=<evil>&\x1b[1m net=\"><evil>\n");

	for (size_t i = 0; i < ARRAY_SIZE(writers); i++) {
		autofree char *text = drawn(&s, writers[i]);

		assert_null(strstr(text, "<evil"));
		assert_null(strchr(text, '\x1b'));
		assert_non_null(strstr(text, "&lt;evil&gt;&amp;\\x1b[1m"));
	}
}

/* More drivers than colours: the rest shares one, and the legend says so. */
static void many_drivers_share_a_colour(void **state UNUSED)
{
	autostrbuf b = { 0 };
	struct palette p;

	for (unsigned i = 0; i < 30; i++)
		strbuf_add(&b, "0000:00:%02x.0 pci0000:00 group=%u driver=drv%02u\n", i, i, i);
	strbuf_add(&b, "0000:01:00.0 pci0000:00 group=50 driver=drv07\n");
	autoscene s = look(b.s);

	palette_make(s.view, &p);
	assert_int_equal(p.n, PALETTE_MAX);
	assert_int_equal(p.n_others, 30 - PALETTE_MAX);
	assert_string_equal(p.v[0].driver, "drv07");
	assert_string_equal(palette_fill(&p, &s.inv->functions[29]), OTHER_FILL);
	assert_string_not_equal(
		palette_fill(&p, &s.inv->functions[1]), palette_fill(&p, &s.inv->functions[2]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(boxes_lie_within_and_beside_each_other),
		cmocka_unit_test(an_empty_machine_has_a_picture),
		cmocka_unit_test(text_is_cut_where_it_does_not_fit),
		cmocka_unit_test(what_xml_cannot_hold_is_written_otherwise),
		cmocka_unit_test(names_stay_names),
		cmocka_unit_test(many_drivers_share_a_colour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
