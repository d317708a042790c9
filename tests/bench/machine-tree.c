/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * machine-tree DIR FUNCTIONS: writes the sys/ and proc/ of a machine with that many PCI functions
 * (0 to 200,000) into DIR, which must not exist. It is what `vfctl --root DIR` and
 * `lspci -O sysfs.path=DIR/sys/bus/pci` read.
 *
 * The machine is made of slots, 128 to a PCI domain: a root port, and behind it a PF with all of
 * its VFs. Of eight slots seven hold an Ethernet controller of 63 VFs (three of four VFs on their
 * native driver with an interface, the fourth on vfio-pci) and one an NVMe controller of 31 VFs.
 * Every function is in an IOMMU group of its own. The last slot is cut off where the number of
 * functions is reached.
 *
 * Attributes with the same contents are hard links to one file: a machine of 10,000 functions has
 * 250,000 of them, and hardly any blocks.
 */
#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FUNCTIONS = 200000, SLOTS_PER_DOMAIN = 128, VF_OFFSET = 8 };

static char root[2048];

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "machine-tree: %s: %s\n", what, strerror(errno));
	exit(1);
}

#define FORMAT(var, fmt)                                                                           \
	char var[4096];                                                                            \
	do {                                                                                       \
		va_list ap_;                                                                       \
		va_start(ap_, fmt);                                                                \
		if (vsnprintf(var, sizeof(var), fmt, ap_) >= (int)sizeof(var)) {                   \
			errno = ENAMETOOLONG;                                                      \
			die(fmt);                                                                  \
		}                                                                                  \
		va_end(ap_);                                                                       \
	} while (0)

__attribute__((format(printf, 3, 4))) static void copy(char *at, size_t size, const char *fmt, ...)
{
	FORMAT(text, fmt);

	if (strlen(text) >= size) {
		errno = ENAMETOOLONG;
		die(text);
	}
	strcpy(at, text);
}

/* ---- Files: paths are relative to DIR, which is the working directory ---- */

__attribute__((format(printf, 1, 2))) static void folder(const char *fmt, ...)
{
	FORMAT(path, fmt);

	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			die(path);
		*slash = '/';
	}
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		die(path);
}

__attribute__((format(printf, 2, 3))) static void to(const char *target, const char *fmt, ...)
{
	FORMAT(path, fmt);

	if (symlink(target, path) < 0)
		die(path);
}

/* A file that others with the same contents are linked to. */
struct contents {
	size_t len;
	char *path;
	unsigned char data[];
};

static int by_data(const void *a, const void *b)
{
	const struct contents *x = a, *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->data, y->data, x->len);
}

static void create(const char *path, const void *data, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len || close(fd) < 0)
		die(path);
}

static void put_bytes(const char *path, const void *data, size_t len)
{
	static void *known;
	struct contents *c = malloc(sizeof(*c) + len), **found;

	if (!c)
		die("memory");
	c->len = len;
	memcpy(c->data, data, len);
	found = tsearch(c, &known, by_data);
	if (!found)
		die("memory");
	if (*found != c) {
		free(c);
		if (link((*found)->path, path) == 0)
			return;
		if (errno != EMLINK)
			die(path);
		free((*found)->path);
	}
	create(path, data, len);
	(*found)->path = strdup(path);
	if (!(*found)->path)
		die("memory");
}

/* put("sys/…/numa_node", "%d\n", 0): dir and name apart, for callers that write many. */
__attribute__((format(printf, 3, 4))) static void put(
	const char *dir, const char *name, const char *fmt, ...)
{
	FORMAT(text, fmt);
	char path[4096];

	copy(path, sizeof(path), "%s/%s", dir, name);
	put_bytes(path, text, strlen(text));
}

/* ---- Configuration space ---- */

struct config {
	uint8_t b[4096];
};

static void set16(struct config *c, unsigned at, unsigned v)
{
	c->b[at] = (uint8_t)v;
	c->b[at + 1] = (uint8_t)(v >> 8);
}

static void set32(struct config *c, unsigned at, uint32_t v)
{
	set16(c, at, v & 0xffff);
	set16(c, at + 2, v >> 16);
}

struct model {
	unsigned vendor, device, class_code, vectors;
	const char *driver; /* NULL: none */
};

static void config_init(struct config *c, const struct model *m, int is_vf)
{
	*c = (struct config) { 0 };
	set16(c, 0x00, is_vf ? 0xffff : m->vendor);
	set16(c, 0x02, is_vf ? 0xffff : m->device);
	set16(c, 0x06, 0x10); /* it has capabilities */
	set32(c, 0x08, m->class_code << 8 | 1);
	c->b[0x0e] = m->class_code >> 16 == 6 ? 1 : 0;
	c->b[0x34] = 0x40;
	set16(c, 0x40, 0x5010); /* PCI Express, then … */
	set16(c, 0x50, 0x0011); /* MSI-X */
	set16(c, 0x52, m->vectors - 1);
	set32(c, 0x54, 3);
}

static void config_add_sriov(struct config *c, unsigned total, unsigned now, unsigned vf_device)
{
	set32(c, 0x100, 0x00010010);
	set16(c, 0x108, now ? 9 : 0);
	set16(c, 0x10c, total);
	set16(c, 0x10e, total);
	set16(c, 0x110, now);
	set16(c, 0x114, VF_OFFSET);
	set16(c, 0x116, 1);
	set16(c, 0x11a, vf_device);
	set32(c, 0x11c, 0x553);
	set32(c, 0x120, 1);
}

/* ---- Functions ---- */

static const struct model port = { 0x8086, 0x347a, 0x060400, 1, "pcieport" };
static const struct model nic = { 0x8086, 0x1592, 0x020000, 1024, "ice" };
static const struct model nic_vf = { 0x8086, 0x1889, 0x020000, 5, "iavf" };
static const struct model nic_held = { 0x8086, 0x1889, 0x020000, 5, "vfio-pci" };
static const struct model disk = { 0x144d, 0xa824, 0x010802, 33, "nvme" };

struct address {
	unsigned domain, bus, devfn;
};

struct function {
	struct address at;
	char dir[320]; /* its folder */
	char text[16];
};

static unsigned groups, interfaces, controllers;

static void name(struct function *f, const char *parent, struct address at)
{
	f->at = at;
	snprintf(f->text, sizeof(f->text), "%04x:%02x:%02x.%x", at.domain & 0xffff, at.bus & 0xff,
		at.devfn >> 3 & 0x1f, at.devfn & 7);
	copy(f->dir, sizeof(f->dir), "%s/%s", parent, f->text);
}

static void put_driver(const struct function *f, const char *driver)
{
	char up[256];

	folder("sys/bus/pci/drivers/%s", driver);
	/* As many levels up as the function is deep: a root port's folder has one less. */
	copy(up, sizeof(up), "%s../../../bus/pci/drivers/%s", f->at.bus ? "../" : "", driver);
	to(up, "%s/driver", f->dir);
	copy(up, sizeof(up), "../../../../%s", f->dir + strlen("sys/"));
	to(up, "sys/bus/pci/drivers/%s/%s", driver, f->text);
}

static void put_group(const struct function *f)
{
	unsigned id = groups++;
	char target[512], dir[64];

	copy(dir, sizeof(dir), "sys/kernel/iommu_groups/%u", id);
	folder("%s/devices", dir);
	put(dir, "type", "DMA-FQ\n");
	put(dir, "reserved_regions", "0x00000000fee00000 0x00000000feefffff msi\n");
	copy(target, sizeof(target), "../../../../%s", f->dir + strlen("sys/"));
	to(target, "%s/devices/%s", dir, f->text);
	copy(target, sizeof(target), "%s../../../kernel/iommu_groups/%u", f->at.bus ? "../" : "",
		id);
	to(target, "%s/iommu_group", f->dir);
}

static void put_identity(const struct function *f, const struct model *m)
{
	put(f->dir, "vendor", "0x%04x\n", m->vendor);
	put(f->dir, "device", "0x%04x\n", m->device);
	put(f->dir, "subsystem_vendor", "0x%04x\n", m->vendor);
	put(f->dir, "subsystem_device", "0x%04x\n", 2);
	put(f->dir, "class", "0x%06x\n", m->class_code);
	put(f->dir, "revision", "0x01\n");
	put(f->dir, "modalias", "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X\n", m->vendor,
		m->device, m->vendor, 2U, m->class_code >> 16, m->class_code >> 8 & 0xff,
		m->class_code & 0xff);
}

static void put_function(const struct function *f, const struct model *m, const struct config *c)
{
	char path[512], target[512];

	folder("%s", f->dir);
	put_identity(f, m);
	put(f->dir, "numa_node", "%u\n", f->at.domain & 1);
	put(f->dir, "irq", "%u\n", 0U);
	put(f->dir, "enable", "1\n");
	put(f->dir, "driver_override", "(null)\n");
	put(f->dir, "reset_method", "flr\n");
	put(f->dir, "current_link_speed", "16.0 GT/s PCIe\n");
	put(f->dir, "current_link_width", "16\n");
	put(f->dir, "max_link_speed", "16.0 GT/s PCIe\n");
	put(f->dir, "max_link_width", "16\n");
	put(f->dir, "resource",
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
		"0x0000000000000000 0x0000000000000000 0x0000000000000000\n");
	copy(path, sizeof(path), "%s/config", f->dir);
	put_bytes(path, c->b, sizeof(c->b));
	to(f->at.bus ? "../../../../bus/pci" : "../../../bus/pci", "%s/subsystem", f->dir);
	copy(target, sizeof(target), "../../../%s", f->dir + strlen("sys/"));
	to(target, "sys/bus/pci/devices/%s", f->text);
	put_group(f);
	if (m->driver)
		put_driver(f, m->driver);
}

static void put_interface(const struct function *f)
{
	unsigned id = interfaces++;
	char dir[512], target[512];

	copy(dir, sizeof(dir), "%s/net/eth%u", f->dir, id);
	folder("%s", dir);
	put(dir, "ifindex", "%u\n", id + 2);
	put(dir, "address", "02:00:%02x:%02x:%02x:%02x\n", id >> 24 & 0xff, id >> 16 & 0xff,
		id >> 8 & 0xff, id & 0xff);
	put(dir, "operstate", "up\n");
	put(dir, "speed", "100000\n");
	copy(target, sizeof(target), "../../%s", dir + strlen("sys/"));
	to(target, "sys/class/net/eth%u", id);
}

static void put_controller(const struct function *f)
{
	unsigned id = controllers++;
	char dir[512], target[512];

	copy(dir, sizeof(dir), "%s/nvme/nvme%u", f->dir, id);
	folder("%s/nvme%un1", dir, id);
	put(dir, "state", "live\n");
	copy(target, sizeof(target), "../../%s", dir + strlen("sys/"));
	to(target, "sys/class/nvme/nvme%u", id);
}

static void put_vf(const struct function *pf, const char *parent, unsigned i, int is_disk)
{
	const struct model *m = is_disk ? &disk : i % 4 == 3 ? &nic_held : &nic_vf;
	struct address at = pf->at;
	struct config c;
	struct function f;
	char target[32];

	at.devfn += VF_OFFSET + i;
	name(&f, parent, at);
	config_init(&c, m, 1);
	put_function(&f, m, &c);
	copy(target, sizeof(target), "../%s", pf->text);
	to(target, "%s/physfn", f.dir);
	copy(target, sizeof(target), "../%s", f.text);
	to(target, "%s/virtfn%u", pf->dir, i);
	if (m == &disk)
		put_controller(&f);
	else if (m == &nic_vf)
		put_interface(&f);
}

static void put_pf(
	struct function *pf, const char *parent, unsigned vfs, unsigned total, int is_disk)
{
	const struct model *m = is_disk ? &disk : &nic;
	struct config c;

	config_init(&c, m, 0);
	config_add_sriov(&c, total, vfs, is_disk ? disk.device : nic_vf.device);
	put_function(pf, m, &c);
	put(pf->dir, "sriov_totalvfs", "%u\n", total);
	put(pf->dir, "sriov_numvfs", "%u\n", vfs);
	put(pf->dir, "sriov_offset", "%u\n", (unsigned)VF_OFFSET);
	put(pf->dir, "sriov_stride", "1\n");
	put(pf->dir, "sriov_vf_device", "%04x\n", is_disk ? disk.device : nic_vf.device);
	put(pf->dir, "sriov_drivers_autoprobe", "1\n");
	put(pf->dir, "sriov_vf_total_msix", "0\n");
	if (is_disk)
		put_controller(pf);
	else
		put_interface(pf);
	for (unsigned i = 0; i < vfs; i++)
		put_vf(pf, parent, i, is_disk);
}

/* Returns how many functions it took of the `left` that are wanted. */
static unsigned put_slot(unsigned slot, unsigned left)
{
	unsigned at = slot % SLOTS_PER_DOMAIN, domain = slot / SLOTS_PER_DOMAIN;
	int is_disk = slot % 8 == 7;
	unsigned total = is_disk ? 31 : 63, vfs = left < total + 2 ? left - 2 : total;
	struct function bridge, pf;
	struct config c;
	char top[64];

	copy(top, sizeof(top), "sys/devices/pci%04x:00", domain & 0xffff);
	name(&bridge, top, (struct address) { domain, 0, at + 8 });
	config_init(&c, &port, 0);
	put_function(&bridge, &port, &c);
	if (left == 1)
		return 1;
	name(&pf, bridge.dir, (struct address) { domain, at + 1, 0 });
	put_pf(&pf, bridge.dir, vfs, total, is_disk);
	return vfs + 2;
}

int main(int argc, char **argv)
{
	unsigned long wanted = argc == 3 ? strtoul(argv[2], NULL, 10) : MAX_FUNCTIONS + 1;

	if (wanted > MAX_FUNCTIONS) {
		fprintf(stderr, "usage: machine-tree DIR FUNCTIONS (at most %d)\n", MAX_FUNCTIONS);
		return 2;
	}
	if (snprintf(root, sizeof(root), "%s", argv[1]) >= (int)sizeof(root) ||
		mkdir(root, 0755) < 0 || chdir(root) < 0)
		die(argv[1]);
	folder("sys/bus/pci/devices");
	folder("sys/bus/pci/drivers");
	folder("sys/class/net");
	folder("sys/class/nvme");
	folder("sys/kernel/iommu_groups");
	folder("proc/sys/kernel");
	put("proc/sys/kernel", "osrelease", "6.12.0\n");
	for (unsigned slot = 0, done = 0; done < wanted; slot++)
		done += put_slot(slot, (unsigned)wanted - done);
	return 0;
}
