// SPDX-License-Identifier: GPL-2.0-or-later
#include "linkfacts.h"

#include <inttypes.h>
#include <stdio.h>

/* The numbers of a VF: how they are called, where they are, how wide. */
#define VF_NUMBERS(X)                                                                              \
	X(vlan)                                                                                    \
	X(qos)                                                                                     \
	X(vlan_proto) X(min_tx_rate) X(max_tx_rate) X(spoofchk) X(trust) X(query_rss) X(link_state)

static void add_vf(struct strbuf *to, int ifindex, const struct host_vf *vf)
{
	strbuf_add(to, "vf %d %u mac=%s", ifindex, vf->vf, MAC_TEXT(vf->mac));
#define ADD(field) strbuf_add(to, " " #field "=%" PRIi64, (int64_t)vf->field);
	VF_NUMBERS(ADD)
#undef ADD
	if (vf->has_guids)
		strbuf_add(to, " node_guid=%s port_guid=%s", GUID_TEXT(vf->node_guid),
			GUID_TEXT(vf->port_guid));
	strbuf_add(to, "\n");
}

int linkfacts_add(struct host *h, int ifindex, struct strbuf *to)
{
	autofree struct host_vf *vfs = NULL;
	autostrv char **altnames = NULL;
	struct host_link l;
	size_t n = 0;

	if (host_link_get(h, ifindex, &l) < 0)
		return 0;
	strbuf_add(to, "link %d name=%s mac=%s", ifindex, l.name, MAC_TEXT(l.mac));
	strbuf_add(to, " permanent_mac=%s mtu=%u up=%d carrier=%d\n", MAC_TEXT(l.permanent_mac),
		l.mtu, l.up, l.carrier);
	if (host_link_altnames(h, ifindex, &altnames) == -ENOMEM ||
		host_link_vfs(h, ifindex, &vfs, &n) == -ENOMEM)
		return -ENOMEM;
	STRV_FOREACH (name, altnames)
		strbuf_add(to, "altname %d %s\n", ifindex, *name);
	for (size_t i = 0; i < n; i++)
		add_vf(to, ifindex, &vfs[i]);
	return to->failed ? -ENOMEM : 0;
}

/* "key=number" of a word; false when it is another key, or no number. */
static bool number(const char *word, const char *key, int64_t *ret)
{
	size_t len = strlen(key);
	char *end;

	if (strncmp(word, key, len) != 0 || word[len] != '=')
		return false;
	errno = 0;
	*ret = strtoll(word + len + 1, &end, 10);
	return !errno && !*end && end != word + len + 1;
}

static void parse_mac_word(const char *word, const char *key, struct mac *ret)
{
	size_t len = strlen(key);
	struct mac m;

	if (strncmp(word, key, len) == 0 && word[len] == '=' && mac_parse(word + len + 1, &m) == 0)
		*ret = m;
}

static void parse_guid_word(const char *word, const char *key, struct host_vf *vf, uint64_t *ret)
{
	size_t len = strlen(key);

	if (strncmp(word, key, len) == 0 && word[len] == '=' &&
		guid_parse(word + len + 1, ret) == 0)
		vf->has_guids = true;
}

static int add_link(struct link_table *t, int ifindex, char *words)
{
	struct link_facts *more = reallocarray(t->v, t->n + 1, sizeof(*more));
	struct host_link *l;
	char *save = NULL;

	if (!more)
		return -ENOMEM;
	t->v = more;
	more[t->n] = (struct link_facts) { .link.ifindex = ifindex };
	l = &more[t->n++].link;
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		int64_t n;

		if (str_starts(w, "name="))
			(void)snprintf(l->name, sizeof(l->name), "%s", w + strlen("name="));
		parse_mac_word(w, "mac", &l->mac);
		parse_mac_word(w, "permanent_mac", &l->permanent_mac);
		if (number(w, "mtu", &n) && n >= 0 && n <= UINT32_MAX)
			l->mtu = (unsigned)n;
		if (number(w, "up", &n))
			l->up = n == 1;
		if (number(w, "carrier", &n))
			l->carrier = n == 1;
	}
	return 0;
}

static int add_vf_line(struct link_facts *f, unsigned index, char *words)
{
	struct host_vf *more = reallocarray(f->vfs, f->n_vfs + 1, sizeof(*more)), *vf;
	char *save = NULL;

	if (!more)
		return -ENOMEM;
	f->vfs = more;
	vf = &more[f->n_vfs++];
	*vf = (struct host_vf) {
		.vf = index, .spoofchk = -1, .trust = -1, .query_rss = -1, .link_state = -1
	};
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		int64_t n;

		parse_mac_word(w, "mac", &vf->mac);
		parse_guid_word(w, "node_guid", vf, &vf->node_guid);
		parse_guid_word(w, "port_guid", vf, &vf->port_guid);
#define TAKE(field)                                                                                \
	if (number(w, #field, &n) && (__typeof__(vf->field))n == n)                                \
		vf->field = (__typeof__(vf->field))n;
		VF_NUMBERS(TAKE)
#undef TAKE
	}
	return 0;
}

static struct link_facts *find(const struct link_table *t, int ifindex)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i].link.ifindex == ifindex)
			return &t->v[i];
	return NULL;
}

static int parse_line(struct link_table *t, char *line)
{
	unsigned index;
	int ifindex, end = 0;
	struct link_facts *f;

	if (sscanf(line, "link %d %n", &ifindex, &end) == 1 && end && ifindex > 0)
		return find(t, ifindex) ? 0 : add_link(t, ifindex, line + end);
	if (sscanf(line, "altname %d %n", &ifindex, &end) == 1 && end && line[end]) {
		f = find(t, ifindex);
		return f ? strv_add(&f->altnames, line + end) : 0;
	}
	if (sscanf(line, "vf %d %u %n", &ifindex, &index, &end) == 2 && end) {
		f = find(t, ifindex);
		return f ? add_vf_line(f, index, line + end) : 0;
	}
	return 0;
}

int linkfacts_parse(const char *text, struct link_table *ret)
{
	struct link_table t CLEANUP(linkfacts_done) = { 0 };
	autofree char *copy = strdup(text);
	char *save = NULL;
	int r = copy ? 0 : -ENOMEM;

	for (char *l = copy ? strtok_r(copy, "\n", &save) : NULL; l && r == 0;
		l = strtok_r(NULL, "\n", &save))
		r = parse_line(&t, l);
	if (r < 0)
		return r;
	*ret = t;
	t = (struct link_table) { 0 };
	return 0;
}

void linkfacts_done(struct link_table *t)
{
	for (size_t i = 0; i < t->n; i++) {
		strv_free(t->v[i].altnames);
		free(t->v[i].vfs);
	}
	free(t->v);
	*t = (struct link_table) { 0 };
}

const struct link_facts *linkfacts_find(const struct link_table *t, int ifindex)
{
	return find(t, ifindex);
}
