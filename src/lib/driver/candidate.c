// SPDX-License-Identifier: GPL-2.0-or-later
#include "candidate.h"
#include "variant.h"

#include "base/str.h"
#include "host/modules.h"
#include "host/sysfs.h"
#include "iommu/group.h"
#include "pci/identity.h"

#include <fnmatch.h>

void candidates_done(struct candidates *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->v[i].driver);
		free(c->v[i].module);
	}
	free(c->v);
	*c = (struct candidates) { 0 };
}

static bool has_module(const struct candidates *c, const char *module, size_t len)
{
	for (size_t i = 0; i < c->n; i++)
		if (strncmp(c->v[i].module, module, len) == 0 && !c->v[i].module[len])
			return true;
	return false;
}

static struct candidate *add(struct candidates *c)
{
	struct candidate *more = reallocarray(c->v, c->n + 1, sizeof(*more));

	if (!more)
		return NULL;
	c->v = more;
	more[c->n] = (struct candidate) { 0 };
	return &more[c->n++];
}

/* It becomes part of a path, and of what is shown. */
static bool is_module_name(const char *s, size_t len)
{
	return len && *s != '.' && !memchr(s, '/', len);
}

static int add_module(
	struct host *h, struct candidates *c, const char *module, size_t len, bool vfio)
{
	struct candidate *one;

	if (!is_module_name(module, len) || has_module(c, module, len))
		return 0;
	one = add(c);
	if (!one)
		return -ENOMEM;
	one->vfio = vfio;
	one->module = strndup(module, len);
	if (!one->module)
		return -ENOMEM;
	one->loaded = sysfs_exists(h, "module/%s", one->module);
	if (str_eq(one->module, "vfio_pci"))
		one->driver = strdup("vfio-pci"); /* also before it is loaded */
	else if (variant_driver(h, one->module, &one->driver) < 0)
		one->driver = strdup(one->module);
	return one->driver ? 0 : -ENOMEM;
}

/* "alias pci:v…d… igb": whether the pattern takes what comes after "pci:" in the modalias. */
static int try_line(struct host *h, struct candidates *c, const char *line, size_t len,
	const char *modalias, bool vfio)
{
	const char *prefix = vfio ? "alias vfio_pci:" : "alias pci:";
	autofree char *copy = NULL;
	char *module;

	if (!str_starts(line, prefix))
		return 0;
	copy = strndup(line + strlen(prefix), len - strlen(prefix));
	if (!copy)
		return -ENOMEM;
	module = strchr(copy, ' ');
	if (!module)
		return 0;
	*module++ = '\0';
	if (fnmatch(copy, modalias, FNM_NOESCAPE) != 0)
		return 0;
	return add_module(h, c, module, strcspn(module, " \t\r"), vfio);
}

static int try_all(
	struct host *h, struct candidates *c, const char *aliases, const char *modalias, bool vfio)
{
	int r = 0;

	for (const char *line = aliases; r == 0 && *line;) {
		size_t len = strcspn(line, "\n");

		r = try_line(h, c, line, len, modalias, vfio);
		line += len + (line[len] == '\n');
	}
	return r;
}

/* "v00008086d000010C9sv…": the kernel's form, without "pci:". */
static char *modalias_of(const struct identity *id)
{
	return str_printf("v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X", id->vendor, id->device,
		id->subsystem_vendor, id->subsystem_device, id->class_code >> 16 & 0xff,
		id->class_code >> 8 & 0xff, id->class_code & 0xff);
}

static int find_modules(struct host *h, struct bdf a, struct candidates *c)
{
	autofree char *aliases = NULL, *modalias = NULL;
	struct identity id;
	int r = identity_read(h, a, &id);

	if (r == 0)
		r = modules_read(h, "modules.alias", &aliases);
	if (r < 0) /* nobody knows; that is no failure */
		return r == -ENOMEM ? r : 0;
	c->known = true;
	modalias = modalias_of(&id);
	r = modalias ? try_all(h, c, aliases, modalias, false) : -ENOMEM;
	return r < 0 ? r : try_all(h, c, aliases, modalias, true);
}

/* '-' and '_' are the same to the kernel's module tools. */
static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

static int mark_bound(struct candidates *c, const char *driver)
{
	struct candidate *one;

	for (size_t i = 0; i < c->n; i++)
		if (same_name(c->v[i].driver, driver)) {
			c->v[i].bound = c->v[i].loaded = true;
			return 0;
		}
	one = add(c);
	if (!one)
		return -ENOMEM;
	*one = (struct candidate) {
		.driver = strdup(driver),
		.vfio = driver_is_vfio(driver),
		.loaded = true,
		.bound = true,
	};
	return one->driver ? 0 : -ENOMEM;
}

int candidates_find(struct host *h, struct bdf a, struct candidates *ret)
{
	struct candidates c = { 0 };
	autofree char *driver = NULL;
	int r = sysfs_exists(h, "bus/pci/devices/%s", BDF_TEXT(a)) ? 0 : -ENOENT;

	if (r == 0)
		r = find_modules(h, a, &c);
	if (r == 0 && sysfs_link_name(h, &driver, "bus/pci/devices/%s/driver", BDF_TEXT(a)) == 0)
		r = mark_bound(&c, driver);
	if (r < 0)
		candidates_done(&c);
	else
		*ret = c;
	return r;
}
