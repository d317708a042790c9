// SPDX-License-Identifier: GPL-2.0-or-later
/* A picture as SVG 1.1: rectangles and text, nothing that a viewer could lack. */
#include "picture.h"
#include "function.h"
#include "xml.h"

enum { MARGIN = 16, TITLE = 30, LEGEND_ROW = 22, MIN_WIDTH = 620 };

struct svg {
	struct strbuf b;
	const struct picture *p;
	int dy; /* what stands above the boxes */
};

static void rect(
	struct svg *s, struct box b, const char *fill, const char *stroke, double width, int round)
{
	strbuf_add(&s->b,
		"<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"%d\" fill=\"%s\" stroke=\"%s\" "
		"stroke-width=\"%g\"/>\n",
		b.x, b.y, b.w, b.h, round, fill, stroke, width);
}

enum anchor { LEFT, MIDDLE, RIGHT };

struct style {
	int size;
	bool bold;
	const char *color;
	enum anchor anchor;
};

static void text(struct svg *s, int x, int y, struct style st, const char *what)
{
	static const char *const anchors[] = { "", " text-anchor=\"middle\"",
		" text-anchor=\"end\"" };

	if (!what || !*what)
		return;
	strbuf_add(&s->b, "<text x=\"%d\" y=\"%d\" font-size=\"%d\"%s fill=\"%s\"%s>", x, y,
		st.size, st.bold ? " font-weight=\"bold\"" : "", st.color ? st.color : "#111111",
		anchors[st.anchor]);
	xml_add(&s->b, what);
	strbuf_add(&s->b, "</text>\n");
}

/* Cut to `width`; returns what it takes. */
static int text_in(struct svg *s, int x, int y, struct style st, const char *what, int width)
{
	autofree char *fit = what ? text_fit(what, st.size, st.bold, width) : NULL;

	if (what && !fit)
		s->b.failed = true;
	text(s, x, y, st, fit);
	return fit ? text_width(fit, st.size, st.bold) : 0;
}

static void tooltip(struct svg *s, const struct view_item *i)
{
	autofree char *tip = item_tooltip(i);
	char *save = NULL;

	if (!tip) {
		s->b.failed = true;
		return;
	}
	strbuf_add(&s->b, "<title>");
	for (char *l = strtok_r(tip, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		xml_add(&s->b, l);
		strbuf_add(&s->b, "\n");
	}
	strbuf_add(&s->b, "</title>\n");
}

/* A pill at the right end of a line; returns its width. */
static int badge(struct svg *s, int right, int y, const char *label, const char *color)
{
	int w = text_width(label, FONT - 2, true) + 10;

	rect(s, (struct box) { right - w, y - 10, w, 13 }, color, "none", 0, 6);
	text(s, right - w / 2, y, (struct style) { FONT - 2, true, "#ffffff", MIDDLE }, label);
	return w + 6;
}

static void draw_bridge(struct svg *s, const struct view_item *i, struct box b)
{
	static const struct style plain = { FONT, false, COLOR_FAINT, LEFT };
	static const struct style strong = { FONT, true, NULL, LEFT };
	autofree char *label = NULL, *slot = NULL;
	const char *color = NULL;
	int x = b.x + PAD, y = b.y + LINE, right = b.x + b.w - PAD;

	if (item_acs_badge(i, &label, &color) < 0)
		s->b.failed = true;
	rect(s, b, "#f3f4f6", "#9aa1ab", 1, 4);
	if (label)
		right -= badge(s, right, y, label, color);
	x += text_in(s, x, y, strong, item_address(i), right - x) + 6;
	x += text_in(s, x, y, plain, port_type_text(i->node->port), right - x) + 6;
	if (i->node->slot) {
		slot = str_printf("slot %s", i->node->slot);
		text_in(s, x, y, plain, slot, right - x);
	}
}

static void draw_root(struct svg *s, const struct view_item *i, struct box b)
{
	autofree char *name = str_printf("pci%04x:%02x", i->root->domain, i->root->bus);
	int numa = i->root->n_children ? i->root->children[0]->f->numa_node : -1;
	autofree char *node = numa < 0 ? NULL : str_printf("NUMA node %d", numa);
	struct style right = { FONT, false, COLOR_FAINT, RIGHT };

	rect(s, b, "#fbfbfc", "#6b7280", 1.5, 6);
	text(s, b.x + PAD, b.y + LINE, (struct style) { FONT + 1, true, NULL, LEFT }, name);
	text(s, b.x + b.w - PAD, b.y + LINE, right, node);
}

static void draw_names(struct svg *s, const struct view_item *i, struct box b)
{
	const struct function *f = i->node->f;
	autofree char *name = NULL, *slot = NULL;
	int right = b.x + b.w - PAD, y = b.y + LINE, x = b.x + PAD;
	struct style strong = { FONT, true, NULL, LEFT };

	if (function_text_name(f, &name) < 0)
		s->b.failed = true;
	x += text_in(s, x, y, strong, item_address(i), right - x) + 8;
	if (i->node->slot) {
		slot = str_printf("slot %s", i->node->slot);
		x += text_in(s, x, y, (struct style) { FONT - 1, false, COLOR_FAINT, LEFT }, slot,
			     right - x) +
		     8;
	}
	strong.anchor = RIGHT;
	text_in(s, right, y, strong, name, right - x);
}

static void draw_function(struct svg *s, const struct view_item *i, struct box b)
{
	const struct function *f = i->node->f;
	const char *held = item_holder_color(i);
	autofree char *device = NULL, *group = item_group_text(i), *vfs = NULL;
	int x = b.x + PAD, right = b.x + b.w - PAD, w;
	struct style faint = { FONT - 1, false, COLOR_FAINT, LEFT };

	if (function_text_device(f, &device) < 0 || !group)
		s->b.failed = true;
	rect(s, b, palette_fill(&s->p->palette, f), held ? held : "#6b7280", held ? 2.5 : 1, 4);
	draw_names(s, i, b);
	if (f->kind == FUNCTION_PF) {
		vfs = str_printf("%u/%u VFs", f->sriov.num_vfs, f->sriov.total_vfs);
		faint.anchor = RIGHT;
		right -= text_in(s, right, b.y + 2 * LINE, faint, vfs, right - x) + 8;
		faint.anchor = LEFT;
	}
	text_in(s, x, b.y + 2 * LINE, faint, device, right - x);
	right = b.x + b.w - PAD;
	faint.anchor = RIGHT;
	faint.color = "#111111";
	w = text_in(s, right, b.y + 3 * LINE, faint, group, right - x);
	strbuf_add(&s->b,
		"<circle cx=\"%d\" cy=\"%d\" r=\"4\" fill=\"%s\" stroke=\"#ffffff\" stroke-width=\"1\"/>\n",
		right - w - 7, b.y + 3 * LINE - 4, item_verdict_color(i));
	faint.anchor = LEFT;
	text_in(s, x, b.y + 3 * LINE, faint, f->driver ? f->driver : "no driver",
		right - w - 18 - x);
	if (held)
		text_in(s, x, b.y + 4 * LINE,
			(struct style) { FONT - 1, true, item_holder_text_color(i), LEFT },
			view_holder(i)->text, right - x);
}

/* A bar at the foot says the verdict where it is not the usual one. */
static void draw_vf(struct svg *s, const struct view_item *i, struct box b)
{
	const struct function *f = i->node->f;
	const char *held = item_holder_color(i), *verdict = item_verdict_color(i);
	autofree char *index = str_printf("%d", f->vf_index);

	rect(s, b, palette_fill(&s->p->palette, f), held ? held : "#6b7280", held ? 2.5 : 1, 3);
	text(s, b.x + b.w / 2, b.y + 12, (struct style) { FONT - 1, held, NULL, MIDDLE }, index);
	if (!str_eq(verdict, COLOR_ALONE))
		rect(s, (struct box) { b.x + 4, b.y + b.h - 4, b.w - 8, 2 }, verdict, "none", 0, 1);
}

static void draw_item(struct svg *s, size_t k)
{
	const struct view_item *i = &s->p->view->v[k];
	struct box b = s->p->boxes[k];

	b.x += MARGIN;
	b.y += s->dy;
	strbuf_add(&s->b, "<g>\n");
	tooltip(s, i);
	if (i->kind == VIEW_ROOT)
		draw_root(s, i, b);
	else if (item_is_vf(i))
		draw_vf(s, i, b);
	else if (item_is_bridge(i))
		draw_bridge(s, i, b);
	else
		draw_function(s, i, b);
	strbuf_add(&s->b, "</g>\n");
}

/* ---- The legend: swatch and word, in rows ---- */

struct legend {
	struct svg *s; /* NULL: only measure */
	int x, y, left, right;
};

enum swatch { SWATCH_FILL, SWATCH_BORDER, SWATCH_DOT, SWATCH_PILL };

static void put_swatch(struct legend *l, enum swatch kind, const char *color)
{
	struct box b = { l->x, l->y - 10, 20, 13 };

	if (!l->s)
		return;
	if (kind == SWATCH_DOT)
		strbuf_add(&l->s->b, "<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/>\n",
			b.x + 12, b.y + 6, color);
	else if (kind == SWATCH_PILL)
		rect(l->s, b, color, "none", 0, 6);
	else if (kind == SWATCH_BORDER)
		rect(l->s, b, "#ffffff", color, 2.5, 3);
	else
		rect(l->s, b, color, "#6b7280", 1, 3);
}

static void entry(struct legend *l, enum swatch kind, const char *color, const char *what)
{
	struct style plain = { FONT, false, NULL, LEFT };
	int w = 26 + text_width(what, FONT, false) + 16;

	if (l->x > l->left && l->x + w > l->right) {
		l->x = l->left;
		l->y += LEGEND_ROW;
	}
	put_swatch(l, kind, color);
	if (l->s)
		text(l->s, l->x + 26, l->y, plain, what);
	l->x += w;
}

static void new_row(struct legend *l, const char *title)
{
	if (l->x > l->left)
		l->y += LEGEND_ROW;
	l->x = l->left;
	if (l->s)
		text(l->s, l->left - 84, l->y, (struct style) { FONT, true, COLOR_FAINT, LEFT },
			title);
}

static void driver_entries(struct legend *l, const struct palette *p)
{
	for (size_t i = 0; i < p->n; i++) {
		autofree char *label = str_printf(
			"%s (%zu)", p->v[i].driver ? p->v[i].driver : "no driver", p->v[i].n);

		entry(l, SWATCH_FILL, p->v[i].fill, label ? label : "");
	}
	if (p->n_others)
		entry(l, SWATCH_FILL, OTHER_FILL, "other drivers");
}

/* From (MARGIN, top); returns the height. */
static int legend(struct svg *s, const struct picture *p, int top, int width)
{
	struct legend l = { s, MARGIN + 84, top + LEGEND_ROW, MARGIN + 84, width - MARGIN };

	new_row(&l, "driver");
	driver_entries(&l, &p->palette);
	new_row(&l, "in use");
	entry(&l, SWATCH_BORDER, COLOR_HELD, "held through VFIO: by a guest");
	entry(&l, SWATCH_BORDER, COLOR_USED, "used by the host: disk, address, route");
	new_row(&l, "assignable");
	entry(&l, SWATCH_DOT, COLOR_ALONE, "alone");
	entry(&l, SWATCH_DOT, COLOR_TOGETHER, "with others of its group");
	entry(&l, SWATCH_DOT, COLOR_NEVER, "never");
	if (p->view->t->acs_override)
		entry(&l, SWATCH_DOT, COLOR_FAKED, "isolation faked by pcie_acs_override");
	new_row(&l, "ports");
	entry(&l, SWATCH_PILL, COLOR_ALONE, "ACS keeps those below apart");
	entry(&l, SWATCH_PILL, COLOR_FAKED, "it does not");
	entry(&l, SWATCH_PILL, COLOR_UNKNOWN, "unknown: only root may read it");
	return l.y + MARGIN - top;
}

static void title(struct svg *s, int width)
{
	autofree char *what = picture_title(s->p->view), *warning = NULL;
	const char *override = s->p->view->t->acs_override;
	struct style red = { FONT + 1, true, COLOR_FAKED, LEFT };

	text(s, MARGIN, MARGIN + 8, (struct style) { FONT + 4, true, NULL, LEFT }, what);
	if (!override)
		return;
	warning = str_printf("unsafe: pcie_acs_override=%s", override);
	text_in(s, MARGIN, MARGIN + 8 + LINE + 4, red, warning, width - 2 * MARGIN);
}

int out_svg(const struct out *o, const struct view *v, struct problem **reterr)
{
	struct picture p CLEANUP(picture_done) = { 0 };
	struct svg s = { .p = &p };
	autofree char *all = NULL;
	int width, height, r = picture_layout(v, &p);

	if (r < 0)
		return r;
	s.dy = MARGIN + TITLE + (v->t->acs_override ? LINE + 4 : 0) - PAD;
	width = MAX(p.w + 2 * MARGIN, MIN_WIDTH);
	height = s.dy + p.h + legend(NULL, &p, 0, width) + PAD;
	strbuf_add(&s.b,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		"viewBox=\"0 0 %d %d\" font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\">\n",
		width, height, width, height);
	rect(&s, (struct box) { 0, 0, width, height }, "#ffffff", "none", 0, 0);
	title(&s, width);
	for (size_t i = 0; i < v->n; i++)
		draw_item(&s, i);
	legend(&s, &p, s.dy + p.h + PAD, width);
	strbuf_add(&s.b, "</svg>\n");
	all = strbuf_take(&s.b);
	strbuf_done(&s.b);
	if (!all)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "memory ran out");
	fputs(all, o->to);
	return 0;
}
