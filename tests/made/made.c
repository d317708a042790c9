// SPDX-License-Identifier: GPL-2.0-or-later
#include "made.h"

#include "base/bdf.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

enum { WORDS_MAX = 24, FUNCTIONS_MAX = 4096 };

struct made {
	int dir;
	struct {
		struct bdf bdf;
		char *path; /* "sys/devices/pci0000:00/0000:00:01.0" */
	} v[FUNCTIONS_MAX];
	size_t n;
	bool failed;
};

struct words {
	char *v[WORDS_MAX];
	size_t n;
};

static const char *fact(const struct words *w, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < w->n; i++)
		if (strncmp(w->v[i], key, len) == 0 && (w->v[i][len] == '=' || !w->v[i][len]))
			return w->v[i][len] ? w->v[i] + len + 1 : "";
	return NULL;
}

static void make_parents(struct made *m, const char *path)
{
	autofree char *copy = strdup(path);

	for (char *p = copy; p && (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdirat(m->dir, copy, 0755) < 0 && errno != EEXIST)
			m->failed = true;
		*p = '/';
	}
}

static void put_bytes(struct made *m, const char *path, const void *data, size_t len)
{
	autoclose int fd = -1;

	make_parents(m, path);
	fd = openat(m->dir, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		m->failed = true;
}

static void put(struct made *m, const char *dir, const char *name, const char *fmt, ...)
	PRINTF(4, 5);
static void put(struct made *m, const char *dir, const char *name, const char *fmt, ...)
{
	autofree char *path = str_printf("%s/%s", dir, name), *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (!path || vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	put_bytes(m, path, text, strlen(text));
}

/* A relative link at `path` to `target`, both below the folder. */
static void put_link(struct made *m, const char *path, const char *target)
{
	autostrbuf b = { 0 };

	make_parents(m, path);
	for (const char *p = path; (p = strchr(p, '/')); p++)
		strbuf_add(&b, "../");
	strbuf_add(&b, "%s", target);
	if (b.failed || (symlinkat(b.s, m->dir, path) < 0 && errno != EEXIST))
		m->failed = true;
}

static void put_linkf(struct made *m, const char *target, const char *fmt, ...) PRINTF(3, 4);
static void put_linkf(struct made *m, const char *target, const char *fmt, ...)
{
	autofree char *path = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&path, fmt, ap) < 0)
		abort();
	va_end(ap);
	put_link(m, path, target);
}

static const struct port {
	const char *name;
	int value; /* device/port type; -1: no PCI Express capability */
	uint8_t header;
	unsigned class_code;
} ports[] = {
	{ "endpoint", 0x0, 0, 0x020000 },
	{ "legacy", 0x1, 0, 0x020000 },
	{ "root", 0x4, 1, 0x060400 },
	{ "up", 0x5, 1, 0x060400 },
	{ "down", 0x6, 1, 0x060400 },
	{ "pcie-pci", 0x7, 1, 0x060400 },
	{ "pci-pcie", 0x8, 1, 0x060400 },
	{ "integrated", 0x9, 0, 0x088000 },
	{ "collector", 0xa, 0, 0x080700 },
	{ "pci", -1, 0, 0x020000 },
	{ "pci-bridge", -1, 1, 0x060400 },
};

static const struct port *port_of(const struct words *w)
{
	const char *type = fact(w, "type");

	for (size_t i = 0; type && i < ARRAY_SIZE(ports); i++)
		if (str_eq(ports[i].name, type))
			return &ports[i];
	return &ports[0];
}

static void put16(uint8_t *c, unsigned at, unsigned v)
{
	c[at] = (uint8_t)v;
	c[at + 1] = (uint8_t)(v >> 8);
}

static void put_config(struct made *m, const char *dir, const struct words *w)
{
	const struct port *port = port_of(w);
	const char *acs = fact(w, "acs"), *len = fact(w, "config");
	autofree char *path = str_printf("%s/config", dir);
	uint8_t c[4096] = { 0 };
	unsigned capability, control, vendor = 0x8086, device = 0x1234;

	if (fact(w, "id"))
		sscanf(fact(w, "id"), "%x:%x", &vendor, &device);
	put16(c, 0x00, vendor);
	put16(c, 0x02, device);
	c[0x04] = 0x06; /* memory, bus master */
	c[0x0e] = (uint8_t)(port->header | (fact(w, "mf") ? 0x80 : 0));
	c[0x13] = port->header ? 0 : 0xfe; /* BAR 0 */
	if (port->value >= 0) {
		c[0x06] = 0x10;
		c[0x34] = 0x40;
		c[0x40] = 0x10;
		put16(c, 0x42, (unsigned)port->value << 4 | 2);
	}
	if (acs && sscanf(acs, "%x/%x", &capability, &control) == 2) {
		put16(c, 0x100, 0x0d);
		put16(c, 0x102, 1);
		put16(c, 0x104, capability);
		put16(c, 0x106, control);
	}
	put_bytes(m, path, c, len ? strtoul(len, NULL, 10) : port->value < 0 ? 256 : 4096);
}

static void put_sriov(struct made *m, const char *dir, const char *vfs)
{
	unsigned total, offset, stride;

	if (!vfs || sscanf(vfs, "%u:%x:%u", &total, &offset, &stride) != 3)
		return;
	put(m, dir, "sriov_totalvfs", "%u\n", total);
	put(m, dir, "sriov_offset", "%u\n", offset);
	put(m, dir, "sriov_stride", "%u\n", stride);
	put(m, dir, "sriov_vf_device", "10ca\n");
	put(m, dir, "sriov_drivers_autoprobe", "1\n");
}

static void put_names(struct made *m, const char *dir, const char *address, const struct words *w)
{
	const char *net = fact(w, "net"), *nvme = fact(w, "nvme");

	if (net) {
		autofree char *folder = str_printf("%s/net/%s", dir, net);

		put(m, folder, "ifindex", "%zu\n", m->n + 1);
		put_linkf(m, dir, "%s/device", folder);
		put_linkf(m, folder, "sys/class/net/%s", net);
	}
	if (nvme) {
		autofree char *folder = str_printf("%s/nvme/%s", dir, nvme);

		put(m, folder, "address", "%s\n", address);
		put_linkf(m, dir, "%s/device", folder);
		put_linkf(m, folder, "sys/class/nvme/%s", nvme);
	}
}

static void put_reset(struct made *m, const char *dir, const char *methods)
{
	autofree char *text = methods ? strdup(methods) : NULL;

	if (!text)
		return;
	for (char *c = text; *c; c++)
		if (*c == ',')
			*c = ' ';
	put(m, dir, "reset_method", "%s\n", text);
	put(m, dir, "reset", "%s", "");
}

static void put_group(struct made *m, const char *dir, const char *address, const char *number)
{
	autofree char *group = NULL;

	if (!number)
		return;
	group = str_printf("sys/kernel/iommu_groups/%d", atoi(number));
	put(m, group, "type", "DMA-FQ\n");
	put(m, group, "reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n");
	put_linkf(m, dir, "%s/devices/%s", group, address);
	put_linkf(m, group, "%s/iommu_group", dir);
}

static void put_function(
	struct made *m, const char *dir, const char *address, const struct words *w)
{
	const char *class_code = fact(w, "class"), *driver = fact(w, "driver");
	unsigned vendor = 0x8086, device = 0x1234, class_number = port_of(w)->class_code;

	if (class_code)
		class_number = (unsigned)strtoul(class_code, NULL, 16);
	if (fact(w, "id"))
		sscanf(fact(w, "id"), "%x:%x", &vendor, &device);
	put(m, dir, "modalias", "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", vendor, device,
		vendor, 1u, class_number >> 16, class_number >> 8 & 0xff, class_number & 0xff);
	put(m, dir, "vendor", "0x%04x\n", vendor);
	put(m, dir, "device", "0x%04x\n", device);
	put(m, dir, "class", "0x%06x\n", class_number);
	put(m, dir, "numa_node", "%s\n", fact(w, "numa") ? fact(w, "numa") : "-1");
	put(m, dir, "driver_override", "(null)\n");
	put_config(m, dir, w);
	put_sriov(m, dir, fact(w, "vfs"));
	put_reset(m, dir, fact(w, "reset"));
	put_group(m, dir, address, fact(w, "group"));
	put_names(m, dir, address, w);
	put_linkf(m, dir, "sys/bus/pci/devices/%s", address);
	if (driver) {
		autofree char *folder = str_printf("sys/bus/pci/drivers/%s", driver);

		put(m, folder, "bind", "%s", "");
		put_linkf(m, folder, "%s/driver", dir);
		put_linkf(m, dir, "%s/%s", folder, address);
	}
}

static const char *path_of(const struct made *m, struct bdf a)
{
	for (size_t i = 0; i < m->n; i++)
		if (bdf_eq(m->v[i].bdf, a))
			return m->v[i].path;
	return NULL;
}

static void add(struct made *m, struct bdf a, const char *above, const struct words *w)
{
	char *dir = str_printf("%s/%s", above, BDF_TEXT(a));

	if (!dir || m->n == FUNCTIONS_MAX)
		abort();
	m->v[m->n].bdf = a;
	m->v[m->n++].path = dir;
	put_function(m, dir, BDF_TEXT(a), w);
}

/* ADDRESS ABOVE FACT… */
static void function_line(struct made *m, const struct words *w)
{
	autofree char *root = str_printf("sys/devices/%s", w->n > 1 ? w->v[1] : "");
	const char *above = root;
	struct bdf a, parent;

	if (w->n < 2 || bdf_parse(w->v[0], &a) < 0) {
		m->failed = true;
		return;
	}
	if (bdf_parse(w->v[1], &parent) == 0)
		above = path_of(m, parent);
	if (above)
		add(m, a, above, w);
	else
		m->failed = true;
}

/* One VF's own words: group and net counted up. */
static void add_vf(
	struct made *m, struct bdf a, const char *above, const struct words *w, unsigned i)
{
	autofree char *group = NULL, *net = NULL;
	struct words own = { 0 };

	for (size_t k = 0; k < w->n; k++) {
		char *word = w->v[k];

		if (str_starts(word, "group=") && !str_ends(word, "/")) {
			group = str_printf("group=%u", (unsigned)atoi(word + 6) + i);
			word = group;
		} else if (str_starts(word, "net=")) {
			net = str_printf("%s%u", word, i);
			word = net;
		}
		own.v[own.n++] = word;
	}
	add(m, a, above, &own);
}

/* "vfs PF N FACT…" */
static void vfs_line(struct made *m, const struct words *w)
{
	unsigned n = w->n > 2 ? (unsigned)atoi(w->v[2]) : 0, offset = 0, stride = 0, first = 0;
	autofree char *above = NULL, *pf = NULL;
	struct bdf a;

	if (w->n < 3 || bdf_parse(w->v[1], &a) < 0 || !path_of(m, a)) {
		m->failed = true;
		return;
	}
	pf = strdup(path_of(m, a));
	above = strdup(pf);
	*strrchr(above, '/') = '\0';
	if (fact(w, "at"))
		sscanf(fact(w, "at"), "%x:%u", &offset, &stride);
	if (fact(w, "first"))
		first = (unsigned)atoi(fact(w, "first"));
	for (unsigned i = 0; i < n; i++) {
		unsigned rid =
			((unsigned)a.bus << 8 | (unsigned)a.dev << 3 | a.fn) + offset + i * stride;
		struct bdf vf = { a.domain, (uint8_t)(rid >> 8), rid >> 3 & 31, rid & 7 };

		add_vf(m, vf, above, w, i);
		put_linkf(m, pf, "%s/physfn", m->v[m->n - 1].path);
		put_linkf(m, m->v[m->n - 1].path, "%s/virtfn%u", pf, first + i);
	}
	put(m, pf, "sriov_numvfs", "%u\n", first + n);
}

/* "process PID NODE WORD…" */
static void process_line(struct made *m, const struct words *w)
{
	autofree char *dir = NULL, *path = NULL, *fd = NULL;
	autostrbuf cmdline = { 0 };

	if (w->n < 4) {
		m->failed = true;
		return;
	}
	dir = str_printf("proc/%s", w->v[1]);
	path = str_printf("%s/cmdline", dir);
	fd = str_printf("%s/fd/7", dir);
	for (size_t i = 3; i < w->n; i++)
		strbuf_add_bytes(&cmdline, w->v[i], strlen(w->v[i]) + 1);
	put_bytes(m, path, cmdline.s, cmdline.len);
	put(m, dir, "comm", "%.15s\n", w->v[3]);
	make_parents(m, fd);
	if (symlinkat(w->v[2], m->dir, fd) < 0)
		m->failed = true;
}

/* "file PATH TEXT" */
static void file_line(struct made *m, const char *line)
{
	autofree char *path = strdup(line), *text = NULL;
	autostrbuf b = { 0 };
	size_t len;

	if (!path)
		abort();
	len = strcspn(path, " ");
	text = strdup(path[len] ? path + len + 1 : "");
	path[len] = '\0';
	for (const char *s = text; s && *s; s++)
		if (s[0] == '\\' && s[1] == 'n')
			strbuf_add_bytes(&b, "\n", 1), s++;
		else
			strbuf_add_bytes(&b, s, 1);
	put_bytes(m, path, b.s, b.len);
}

static void one_line(struct made *m, char *line)
{
	autofree char *whole = strdup(line);
	struct words w = { 0 };
	char *save = NULL;

	for (char *p = strtok_r(line, " \t", &save); p; p = strtok_r(NULL, " \t", &save)) {
		/* A file's text and a comment have as many as they like. */
		if (w.n && (*w.v[0] == '#' || str_eq(w.v[0], "file")))
			break;
		if (w.n == WORDS_MAX)
			abort();
		w.v[w.n++] = p;
	}
	if (!w.n || *w.v[0] == '#')
		return;
	if (str_eq(w.v[0], "cmdline"))
		put(m, "proc", "cmdline", "%s\n", whole + strlen("cmdline "));
	else if (str_eq(w.v[0], "slot") && w.n == 3) {
		autofree char *dir = str_printf("sys/bus/pci/slots/%s", w.v[1]);

		put(m, dir, "address", "%s\n", w.v[2]);
	} else if (str_eq(w.v[0], "vfs"))
		vfs_line(m, &w);
	else if (str_eq(w.v[0], "process"))
		process_line(m, &w);
	else if (str_eq(w.v[0], "file"))
		file_line(m, whole + strlen("file "));
	else if (str_eq(w.v[0], "route") && w.n == 2)
		put(m, "proc/self/net", "route",
			"Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
			"%s\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n",
			w.v[1]);
	else
		function_line(m, &w);
	if (m->failed)
		fprintf(stderr, "cannot make: %s\n", whole);
}

int made_machine(const char *dir, const char *text)
{
	struct made *m = calloc(1, sizeof(*m));
	autofree char *copy = strdup(text);
	char *save = NULL;
	bool failed;

	if (!m || !copy)
		abort();
	m->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	m->failed = m->dir < 0;
	make_parents(m, "sys/bus/pci/devices/");
	make_parents(m, "proc/");
	for (char *l = strtok_r(copy, "\n", &save); l && !m->failed;
		l = strtok_r(NULL, "\n", &save))
		one_line(m, l);
	for (size_t i = 0; i < m->n; i++)
		free(m->v[i].path);
	if (m->dir >= 0)
		close(m->dir);
	failed = m->failed;
	free(m);
	return failed ? -1 : 0;
}
