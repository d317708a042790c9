// SPDX-License-Identifier: GPL-2.0-or-later
/* A picture in the language of Graphviz: dot places what it is told, labels are its HTML. */
#include "picture.h"
#include "function.h"
#include "xml.h"

enum { COLUMNS = 8, COLUMNS_MANY = 16, MANY = 64 };

static void faint(struct strbuf *b, const char *what)
{
	if (!what || !*what)
		return;
	strbuf_add(b, "<FONT COLOR=\"%s\">", COLOR_FAINT);
	xml_add(b, what);
	strbuf_add(b, "</FONT>");
}

static void name_of(struct strbuf *b, const struct view_item *i)
{
	if (i->kind == VIEW_ROOT)
		strbuf_add(b, "\"pci%04x:%02x\"", i->root->domain, i->root->bus);
	else
		strbuf_add(b, "\"%s\"", i->node->f->address);
}

static void root_label(struct strbuf *b, const struct view_item *i)
{
	strbuf_add(b, " [shape=box, style=\"rounded,bold\", label=\"pci%04x:%02x\"];\n",
		i->root->domain, i->root->bus);
}

static int bridge_label(struct strbuf *b, const struct view_item *i)
{
	autofree char *badge = NULL;
	const char *color = NULL;
	int r = item_acs_badge(i, &badge, &color);

	if (r < 0)
		return r;
	strbuf_add(b,
		" [shape=plain, label=<<TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"0\" "
		"BGCOLOR=\"#f3f4f6\"><TR><TD><B>");
	xml_add(b, item_address(i));
	strbuf_add(b, "</B> ");
	faint(b, port_type_text(i->node->port));
	if (i->node->slot)
		xml_addf(b, " slot %s", i->node->slot);
	strbuf_add(b, "</TD>");
	if (badge) {
		strbuf_add(b, "<TD BGCOLOR=\"%s\"><FONT COLOR=\"white\">", color);
		xml_add(b, badge);
		strbuf_add(b, "</FONT></TD>");
	}
	strbuf_add(b, "</TR></TABLE>>];\n");
	return 0;
}

/* A PF's VFs in rows of a table within its label. */
static void grid(struct strbuf *b, const struct view_item *pf, const struct palette *p)
{
	const struct view *v = pf->view;
	int n = 0, columns, k = 0;

	for (int i = pf->first_child; i != VIEW_NONE; i = v->v[i].next)
		n++;
	if (!n)
		return;
	columns = n > MANY ? COLUMNS_MANY : COLUMNS;
	strbuf_add(b,
		"<TR><TD ALIGN=\"LEFT\"><TABLE ALIGN=\"LEFT\" BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"2\"><TR>");
	for (int i = pf->first_child; i != VIEW_NONE; i = v->v[i].next, k++) {
		const struct view_item *vf = &v->v[i];
		const char *held = item_holder_color(vf);

		if (k && k % columns == 0)
			strbuf_add(b, "</TR><TR>");
		strbuf_add(b, "<TD BORDER=\"%d\" BGCOLOR=\"%s\" COLOR=\"%s\" WIDTH=\"22\">%d</TD>",
			held ? 2 : 1, palette_fill(p, vf->node->f), held ? held : "#6b7280",
			vf->node->f->vf_index);
	}
	strbuf_add(b, "</TR></TABLE></TD></TR>");
}

static int function_label(struct strbuf *b, const struct view_item *i, const struct palette *p)
{
	autofree char *device = NULL, *name = NULL, *group = item_group_text(i);
	const struct function *f = i->node->f;
	const char *held = item_holder_color(i);
	int r = function_text_device(f, &device);

	if (r == 0)
		r = function_text_name(f, &name);
	if (r < 0 || !group)
		return -ENOMEM;
	strbuf_add(b,
		" [shape=plain, label=<<TABLE BORDER=\"%d\" CELLBORDER=\"0\" CELLSPACING=\"0\" "
		"BGCOLOR=\"%s\" COLOR=\"%s\"><TR><TD ALIGN=\"LEFT\"><B>",
		held ? 3 : 1, palette_fill(p, f), held ? held : "#6b7280");
	xml_addf(b, "%s%s%s", item_address(i), name ? "  " : "", name ? name : "");
	strbuf_add(b, "</B></TD></TR><TR><TD ALIGN=\"LEFT\">");
	faint(b, device);
	strbuf_add(b, "</TD></TR><TR><TD ALIGN=\"LEFT\">");
	xml_addf(b, "%s  ", f->driver ? f->driver : "no driver");
	strbuf_add(b, "<FONT COLOR=\"%s\">&#9679;</FONT> ", item_verdict_color(i));
	xml_add(b, group);
	strbuf_add(b, "</TD></TR>");
	if (held) {
		strbuf_add(
			b, "<TR><TD ALIGN=\"LEFT\"><FONT COLOR=\"%s\">", item_holder_text_color(i));
		xml_add(b, view_holder(i)->text);
		strbuf_add(b, "</FONT></TD></TR>");
	}
	grid(b, i, p);
	strbuf_add(b, "</TABLE>>];\n");
	return 0;
}

/* The graph's own label, so that it takes no room among the nodes. */
static void heading(
	struct strbuf *b, const struct view *v, const char *title, const struct palette *p)
{
	strbuf_add(b, "<TABLE BORDER=\"0\"><TR><TD><FONT POINT-SIZE=\"16\"><B>");
	xml_add(b, title);
	strbuf_add(b, "</B></FONT></TD></TR>");
	if (v->t->acs_override) {
		strbuf_add(b, "<TR><TD><FONT COLOR=\"%s\"><B>", COLOR_FAKED);
		xml_addf(b, "unsafe: pcie_acs_override=%s", v->t->acs_override);
		strbuf_add(b, "</B></FONT></TD></TR>");
	}
	strbuf_add(b, "<TR><TD><TABLE BORDER=\"0\" CELLBORDER=\"1\" CELLSPACING=\"3\"><TR>");
	for (size_t i = 0; i < p->n; i++) {
		strbuf_add(b, "<TD BGCOLOR=\"%s\">", p->v[i].fill);
		xml_addf(b, "%s (%zu)", p->v[i].driver ? p->v[i].driver : "no driver", p->v[i].n);
		strbuf_add(b, "</TD>");
	}
	if (p->n_others)
		strbuf_add(b, "<TD BGCOLOR=\"%s\">other drivers</TD>", OTHER_FILL);
	strbuf_add(b,
		"<TD BORDER=\"3\" COLOR=\"%s\">held through VFIO</TD>"
		"<TD BORDER=\"3\" COLOR=\"%s\">used by the host</TD>"
		"</TR></TABLE></TD></TR></TABLE>",
		COLOR_HELD, COLOR_USED);
}

static int write_item(struct strbuf *b, const struct view_item *i, const struct palette *p)
{
	int r = 0;

	if (item_is_vf(i))
		return 0;
	name_of(b, i);
	if (i->kind == VIEW_ROOT)
		root_label(b, i);
	else if (item_is_bridge(i))
		r = bridge_label(b, i);
	else
		r = function_label(b, i, p);
	if (i->parent != VIEW_NONE) {
		name_of(b, &i->view->v[i->parent]);
		strbuf_add(b, " -> ");
		name_of(b, i);
		strbuf_add(b, ";\n");
	}
	return r;
}

int out_dot(const struct out *o, const struct view *v, struct problem **reterr)
{
	autofree char *title = picture_title(v), *all = NULL;
	autostrbuf b = { 0 };
	struct palette p;
	int r = title ? 0 : -ENOMEM;

	palette_make(v, &p);
	strbuf_add(&b, "digraph vfctl {\n"
		       "graph [rankdir=LR, ranksep=0.4, nodesep=0.12, fontname=\"sans-serif\", "
		       "fontsize=10, labelloc=t, label=<");
	heading(&b, v, title ? title : "", &p);
	strbuf_add(&b, ">];\nnode [fontname=\"sans-serif\", fontsize=10];\n"
		       "edge [arrowhead=none, color=\"#9aa1ab\", headport=w, tailport=e];\n");
	for (size_t i = 0; r == 0 && i < v->n; i++)
		r = write_item(&b, &v->v[i], &p);
	strbuf_add(&b, "}\n");
	all = r == 0 ? strbuf_take(&b) : NULL;
	if (!all)
		return problem(reterr, -ENOMEM, PROBLEM_NO_MEMORY, NULL, "memory ran out");
	fputs(all, o->to);
	return 0;
}
