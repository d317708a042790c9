// SPDX-License-Identifier: GPL-2.0-or-later
#include "devlinkfacts.h"
#include "devlink.h"
#include "text.h"

#include "base/grow.h"

#include <inttypes.h>
#include <linux/devlink.h>
#include <stdio.h>

/* ---- Writing ---- */

static void add_port(const struct devlink_port *p, struct strbuf *to)
{
	const struct devlink_function *f = &p->function;

	strbuf_add(to, "port %u %d %d %d %d %d %d %s %d %d %u %u %" PRIi64 " ", p->index,
		p->flavour, p->pf_number, p->vf_number, p->controller, p->external, p->ifindex,
		*p->netdev ? p->netdev : "-", f->state, f->opstate, f->caps_known, f->caps,
		f->max_io_eqs);
	for (unsigned i = 0; i < f->address_len; i++)
		strbuf_add(to, "%s%02x", i ? ":" : "", f->address[i]);
	strbuf_add(to, "%s\n", f->address_len ? "" : "-");
}

/* Only the ports of VFs have a rate that anybody asks for. */
static void add_rate(struct host *h, const char *dev, unsigned port, struct strbuf *to)
{
	struct devlink_rate rate = { -1, -1, -1, -1 };
	int r = h->ops->devlink->rate_get(h, dev, port, &rate);

	strbuf_add(to, "rate %u %d %" PRIi64 " %" PRIi64 " %" PRIi64 " %" PRIi64 "\n", port, -r,
		rate.tx_share, rate.tx_max, rate.tx_priority, rate.tx_weight);
}

static void add_ports(struct host *h, const char *dev, struct strbuf *to)
{
	autofree struct devlink_port *ports = NULL;
	size_t n = 0;
	int r = h->ops->devlink->ports(h, dev, &ports, &n);

	strbuf_add(to, "ports %d\n", -r);
	for (size_t i = 0; r == 0 && i < n; i++) {
		add_port(&ports[i], to);
		if (ports[i].flavour == DEVLINK_PORT_FLAVOUR_PCI_VF)
			add_rate(h, dev, ports[i].index, to);
	}
}

void devlinkfacts_add(struct host *h, const char *address, struct strbuf *to)
{
	autofree struct devlink_reporter *reporters = NULL;
	autofree char *dev = str_printf("pci/%s", address);
	struct devlink_eswitch e = { -1, -1, -1 };
	size_t n = 0;
	int r;

	if (!dev || !h->ops->devlink)
		return;
	r = h->ops->devlink->eswitch_get(h, dev, &e);
	if (r == -EROFS) /* a capture that does not tell either */
		return;
	strbuf_add(to, "eswitch %d %d %d %d\n", -r, e.mode, e.inline_mode, e.encap_mode);
	add_ports(h, dev, to);
	if (h->ops->devlink->reporters(h, dev, &reporters, &n) < 0)
		return;
	for (size_t i = 0; i < n; i++)
		strbuf_add(to, "reporter %s %d %" PRIu64 " %" PRIu64 "\n", reporters[i].name,
			reporters[i].error, reporters[i].errors, reporters[i].recoveries);
}

/* ---- Reading ---- */

static int read_facts(struct host *h, const char *dev, char **ret)
{
	autofree char *path = NULL;
	int r;

	if (!str_starts(dev, "pci/"))
		return -ENODEV;
	path = str_printf("/vfctl/devlink/%s", dev + strlen("pci/"));
	r = path ? text_read_long(h, path, ret) : -ENOMEM;
	return r == -ENOENT || r == -ENOTDIR ? -EROFS : MIN(r, 0);
}

/* The next line that begins with `word` and a blank, cut out; NULL. */
static char *next_line(char **at, const char *word)
{
	size_t n = strlen(word);

	for (char *line; (line = strsep(at, "\n"));)
		if (strncmp(line, word, n) == 0 && line[n] == ' ')
			return line;
	return NULL;
}

static int code_of(int code)
{
	return code < 0 ? -EIO : -code;
}

static int captured_eswitch(struct host *h, const char *dev, struct devlink_eswitch *ret)
{
	struct devlink_eswitch e = { -1, -1, -1 };
	autofree char *text = NULL;
	char *at, *line;
	int r = read_facts(h, dev, &text), code;

	if (r < 0)
		return r;
	at = text;
	line = next_line(&at, "eswitch");
	if (!line || sscanf(line, "eswitch %d %d %d %d", &code, &e.mode, &e.inline_mode,
			     &e.encap_mode) != 4)
		return -EROFS;
	if (code == 0)
		*ret = e;
	return code_of(code);
}

static void parse_address(const char *text, struct devlink_function *f)
{
	unsigned byte;

	while (f->address_len < DEVLINK_ADDRESS_MAX && sscanf(text, "%2x", &byte) == 1) {
		f->address[f->address_len++] = (uint8_t)byte;
		if (text[1] == '\0' || text[2] != ':')
			break;
		text += 3;
	}
}

static bool parse_port(const char *line, struct devlink_port *ret)
{
	struct devlink_port p = { .function = devlink_function_none() };
	struct devlink_function *f = &p.function;
	int external, end = 0;

	if (sscanf(line, "port %u %d %d %d %d %d %d %15s %d %d %u %u %" SCNi64 " %n", &p.index,
		    &p.flavour, &p.pf_number, &p.vf_number, &p.controller, &external, &p.ifindex,
		    p.netdev, &f->state, &f->opstate, &f->caps_known, &f->caps, &f->max_io_eqs,
		    &end) != 13 ||
		!end)
		return false;
	p.external = external > 0;
	if (str_eq(p.netdev, "-"))
		p.netdev[0] = '\0';
	if (line[end] != '-')
		parse_address(line + end, f);
	*ret = p;
	return true;
}

static int captured_ports(struct host *h, const char *dev, struct devlink_port **ret, size_t *ret_n)
{
	autofree struct devlink_port *ports = NULL;
	autofree char *text = NULL;
	char *at, *line;
	int code = 0, r = read_facts(h, dev, &text);
	size_t n = 0;

	if (r < 0)
		return r;
	at = text;
	line = next_line(&at, "ports");
	if (!line || sscanf(line, "ports %d", &code) != 1)
		return -EROFS;
	while (code == 0 && (line = next_line(&at, "port"))) {
		if (!GROW(ports, n))
			return -ENOMEM;
		n += parse_port(line, &ports[n]);
	}
	if (code)
		return code_of(code);
	*ret = TAKE_PTR(ports);
	*ret_n = n;
	return 0;
}

static int captured_rate(struct host *h, const char *dev, unsigned port, struct devlink_rate *ret)
{
	autofree char *text = NULL;
	char *at, *line;
	int r = read_facts(h, dev, &text);

	if (r < 0)
		return r;
	at = text;
	while ((line = next_line(&at, "rate"))) {
		struct devlink_rate rate;
		unsigned of;
		int code;

		if (sscanf(line, "rate %u %d %" SCNi64 " %" SCNi64 " %" SCNi64 " %" SCNi64, &of,
			    &code, &rate.tx_share, &rate.tx_max, &rate.tx_priority,
			    &rate.tx_weight) != 6 ||
			of != port)
			continue;
		if (code == 0)
			*ret = rate;
		return code_of(code);
	}
	return -EROFS;
}

static int captured_reporters(
	struct host *h, const char *dev, struct devlink_reporter **ret, size_t *ret_n)
{
	autofree struct devlink_reporter *list = NULL;
	autofree char *text = NULL;
	char *at, *line;
	int r = read_facts(h, dev, &text);
	size_t n = 0;

	if (r < 0)
		return r;
	at = text;
	while ((line = next_line(&at, "reporter"))) {
		struct devlink_reporter one = { .name = "" };
		int error;

		if (sscanf(line, "reporter %63s %d %" SCNu64 " %" SCNu64, one.name, &error,
			    &one.errors, &one.recoveries) != 4)
			continue;
		one.error = error > 0;
		if (!GROW(list, n))
			return -ENOMEM;
		list[n++] = one;
	}
	*ret = TAKE_PTR(list);
	*ret_n = n;
	return 0;
}

static int no_eswitch_set(struct host *h UNUSED, const char *dev UNUSED,
	const struct devlink_eswitch *to UNUSED, struct devlink_says *says UNUSED)
{
	return -EROFS;
}

static int no_function_set(struct host *h UNUSED, const char *dev UNUSED, unsigned port UNUSED,
	const struct devlink_function *to UNUSED, struct devlink_says *says UNUSED)
{
	return -EROFS;
}

static int no_rate_set(struct host *h UNUSED, const char *dev UNUSED, unsigned port UNUSED,
	const struct devlink_rate *to UNUSED, struct devlink_says *says UNUSED)
{
	return -EROFS;
}

const struct devlink_ops devlink_captured_ops = {
	.eswitch_get = captured_eswitch,
	.eswitch_set = no_eswitch_set,
	.ports = captured_ports,
	.function_set = no_function_set,
	.rate_get = captured_rate,
	.rate_set = no_rate_set,
	.reporters = captured_reporters,
};
