// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * netplan's YAML, of which only a few keys are kept: it also holds passwords of wireless networks.
 * It is written anew in flow style, each word in the line in which it was, so that what is said
 * about the file still names the right one.
 */
#include "parts.h"

#include "base/str.h"
#include "host/conf.h"

#include <yaml.h>

/* "network:" → a kind of interfaces → an interface → a key → what it matches */
enum { DEPTH_TOP, DEPTH_NETWORK, DEPTH_KIND, DEPTH_INTERFACE, DEPTH_KEY, DEPTH_MATCH };

struct writer {
	yaml_document_t *doc;
	struct strbuf *to;
	size_t line;
};

static const char *text_of(const yaml_node_t *n)
{
	return n && n->type == YAML_SCALAR_NODE ? (const char *)n->data.scalar.value : NULL;
}

static bool is_in(const char *const *list, const char *word)
{
	for (; *list; list++)
		if (str_eq(*list, word))
			return true;
	return false;
}

/* Below an interface's "match" everything; names of interfaces are kept whatever they are. */
static bool is_kept(unsigned depth, const char *key)
{
	static const char *const network[] = { "network", NULL },
				 *const kinds[] = { "version", "renderer", "ethernets", "vlans",
					 NULL },
				 *const keys[] = { "match", "set-name", "link", "id", "renderer",
					 "macaddress", "virtual-function-count",
					 "embedded-switch-mode", "delay-virtual-functions-rebind",
					 NULL },
				 *const match[] = { "name", "driver", "macaddress", NULL };
	static const char *const *const lists[] = { [DEPTH_TOP] = network,
		[DEPTH_NETWORK] = kinds,
		[DEPTH_INTERFACE] = keys,
		[DEPTH_KEY] = match };

	if (depth >= DEPTH_MATCH)
		return false;
	return depth == DEPTH_KIND || is_in(lists[depth], key);
}

static void go_to(struct writer *w, const yaml_node_t *n)
{
	for (; w->line < n->start_mark.line; w->line++)
		strbuf_add(w->to, "\n");
}

static void write_text(struct writer *w, const yaml_node_t *n, const char *text)
{
	go_to(w, n);
	strbuf_add(w->to, "\"");
	for (const char *s = text; *s; s++)
		if (*s == '"' || *s == '\\')
			strbuf_add(w->to, "\\%c", *s);
		else if ((unsigned char)*s < ' ' || *s == 0x7f)
			strbuf_add(w->to, "\\x%02x", (unsigned)*s);
		else
			strbuf_add_bytes(w->to, s, 1);
	strbuf_add(w->to, "\"");
}

/* A file may refer to one part of it many times. */
static bool is_full(const struct writer *w)
{
	return w->to->len > CONF_MAX;
}

static void write_node(struct writer *w, const yaml_node_t *n, unsigned depth);

static void write_map(struct writer *w, const yaml_node_t *n, unsigned depth)
{
	go_to(w, n);
	strbuf_add(w->to, "{");
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start;
		p < n->data.mapping.pairs.top && !is_full(w); p++) {
		const yaml_node_t *key = yaml_document_get_node(w->doc, p->key);
		const yaml_node_t *value = yaml_document_get_node(w->doc, p->value);

		const char *name = text_of(key);

		if (!name || !value || !is_kept(depth, name))
			continue;
		write_text(w, key, name);
		strbuf_add(w->to, ": ");
		write_node(w, value, depth + 1);
		strbuf_add(w->to, ", ");
	}
	strbuf_add(w->to, "}");
}

static void write_list(struct writer *w, const yaml_node_t *n)
{
	go_to(w, n);
	strbuf_add(w->to, "[");
	for (yaml_node_item_t *i = n->data.sequence.items.start;
		i < n->data.sequence.items.top && !is_full(w); i++) {
		const yaml_node_t *one = yaml_document_get_node(w->doc, *i);

		const char *text = text_of(one);

		if (!text)
			continue;
		write_text(w, one, text);
		strbuf_add(w->to, ", ");
	}
	strbuf_add(w->to, "]");
}

static void write_node(struct writer *w, const yaml_node_t *n, unsigned depth)
{
	if (n->type == YAML_MAPPING_NODE)
		write_map(w, n, depth);
	else if (n->type == YAML_SEQUENCE_NODE)
		write_list(w, n);
	else if (text_of(n))
		write_text(w, n, text_of(n));
}

int redact_netplan(struct capture *c UNUSED, const char *text, size_t len, struct strbuf *to)
{
	struct writer w = { .to = to };
	const yaml_node_t *root;
	yaml_document_t doc;
	yaml_parser_t parser;
	int ok;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	ok = yaml_parser_load(&parser, &doc);
	yaml_parser_delete(&parser);
	if (!ok)
		return -EBADMSG;
	w.doc = &doc;
	root = yaml_document_get_root_node(&doc);
	if (root)
		write_node(&w, root, DEPTH_TOP);
	strbuf_add(to, "\n");
	yaml_document_delete(&doc);
	return is_full(&w) ? -EBADMSG : 0;
}
