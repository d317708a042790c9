// SPDX-License-Identifier: GPL-2.0-or-later
#include "names.h"

#include "base/checked.h"
#include "base/str.h"

#include <linux/kvm.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>

void names_done(struct names *n)
{
	for (size_t i = 0; i < n->n_fds; i++)
		free(n->fds[i].name);
	free(n->fds);
	free(n->regions);
	free(n->maps);
	free(n->events);
	free(n->vectors);
	free(n->irqfds);
	free(n->routes);
	*n = (struct names) { 0 };
}

/* Room for one more at the end; NULL leaves the list as it is. */
static void *one_more(struct names *n, void **list, size_t *count, size_t size)
{
	char *grown = reallocarray(*list, *count + 1, size);

	if (!grown) {
		n->failed = true;
		return NULL;
	}
	*list = grown;
	return memset(grown + size * (*count)++, 0, size);
}

#define ONE_MORE(n, list)                                                                          \
	((__typeof__((n)->list))one_more(                                                          \
		(n), (void **)&(n)->list, &(n)->n_##list, sizeof(*(n)->list)))
#define REMOVE(n, list, i) ((n)->list[i] = (n)->list[--(n)->n_##list])

/* ---- Descriptors ---- */

const char *names_fd(const struct names *n, int fd)
{
	for (size_t i = 0; i < n->n_fds; i++)
		if (n->fds[i].fd == fd)
			return n->fds[i].name;
	return NULL;
}

int names_find(const struct names *n, const char *name)
{
	for (size_t i = 0; i < n->n_fds; i++)
		if (str_eq(n->fds[i].name, name))
			return n->fds[i].fd;
	return -1;
}

const char *names_add_fd(struct names *n, int fd, const char *kind)
{
	const char *had = names_fd(n, fd);
	char name[NAME_BYTES], *copy;
	struct named_fd *f;

	if (had)
		return had;
	snprintf(name, sizeof(name), "%s", kind);
	for (unsigned i = 2; names_find(n, name) >= 0; i++)
		snprintf(name, sizeof(name), "%.32s#%u", kind, i);
	copy = strdup(name);
	f = copy ? ONE_MORE(n, fds) : NULL;
	if (!f) {
		n->failed = true;
		free(copy);
		return "?";
	}
	*f = (struct named_fd) { fd, copy };
	return copy;
}

void names_drop_fd(struct names *n, int fd)
{
	for (size_t i = n->n_fds; i-- > 0;)
		if (n->fds[i].fd == fd) {
			free(n->fds[i].name);
			REMOVE(n, fds, i);
		}
	for (size_t i = n->n_regions; i-- > 0;)
		if (n->regions[i].device == fd)
			REMOVE(n, regions, i);
	for (uint32_t i = 0; i < VFIO_PCI_NUM_IRQS; i++)
		names_disconnect_all(n, fd, i);
}

/* ---- Regions, and what of them is mapped ---- */

void names_add_region(struct names *n, int device, uint32_t index, uint64_t offset, uint64_t size)
{
	struct named_region *r = NULL;

	for (size_t i = 0; i < n->n_regions; i++)
		if (n->regions[i].device == device && n->regions[i].index == index)
			r = &n->regions[i];
	r = r ? r : ONE_MORE(n, regions);
	if (r)
		*r = (struct named_region) { device, index, offset, size };
}

static void region_name(uint32_t index, char *buf, size_t size)
{
	if (index <= VFIO_PCI_BAR5_REGION_INDEX)
		snprintf(buf, size, "bar%u", index);
	else if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		snprintf(buf, size, "config");
	else if (index == VFIO_PCI_ROM_REGION_INDEX)
		snprintf(buf, size, "rom");
	else
		snprintf(buf, size, "region%u", index);
}

const char *names_place(const struct names *n, int device, uint64_t offset, char buf[PLACE_BYTES])
{
	char name[24];

	for (size_t i = 0; i < n->n_regions; i++) {
		const struct named_region *r = &n->regions[i];

		if (r->device != device || !range_fits(offset - r->offset, 1, r->size))
			continue;
		region_name(r->index, name, sizeof(name));
		snprintf(buf, PLACE_BYTES, "%s+0x%llx", name,
			(unsigned long long)(offset - r->offset));
		return buf;
	}
	snprintf(buf, PLACE_BYTES, "0x%llx", (unsigned long long)offset);
	return buf;
}

void names_mapped(struct names *n, int device, uint64_t offset, void *at, size_t len)
{
	struct named_map *m = ONE_MORE(n, maps);

	if (m)
		*m = (struct named_map) { device, at, len, offset };
}

const struct named_map *names_map_at(const struct names *n, const void *at)
{
	for (size_t i = 0; i < n->n_maps; i++)
		if (n->maps[i].at == at)
			return &n->maps[i];
	return NULL;
}

void names_unmapped(struct names *n, const void *at)
{
	for (size_t i = n->n_maps; i-- > 0;)
		if (n->maps[i].at == at)
			REMOVE(n, maps, i);
}

const char *names_address(const struct names *n, uint64_t at, char buf[PLACE_BYTES])
{
	char place[PLACE_BYTES];

	for (size_t i = 0; i < n->n_maps; i++) {
		const struct named_map *m = &n->maps[i];
		const char *device = names_fd(n, m->device);

		if (!range_fits(at - (uintptr_t)m->at, 1, m->len))
			continue;
		names_place(n, m->device, m->offset + (at - (uintptr_t)m->at), place);
		snprintf(buf, PLACE_BYTES, "%s/%.40s", device ? device : "?", place);
		return buf;
	}
	return strcpy(buf, "memory");
}

/* ---- Eventfds ---- */

static struct named_event *find_event(const struct names *n, int fd)
{
	for (size_t i = 0; i < n->n_events; i++)
		if (n->events[i].fd == fd)
			return &n->events[i];
	return NULL;
}

static bool number_is_taken(const struct names *n, const char *of, unsigned number)
{
	for (size_t i = 0; i < n->n_events; i++)
		if (n->events[i].number == number && str_eq(n->events[i].of, of))
			return true;
	return false;
}

static struct named_event *event_of(struct names *n, const char *of, int fd)
{
	struct named_event *e = find_event(n, fd);
	unsigned number = 0;

	if (e)
		return e;
	while (number_is_taken(n, of, number))
		number++;
	e = ONE_MORE(n, events);
	if (!e)
		return NULL;
	e->fd = fd;
	e->number = number;
	snprintf(e->of, sizeof(e->of), "%s", of);
	return e;
}

const char *names_event(struct names *n, const char *of, int fd, char buf[PLACE_BYTES])
{
	struct named_event *e = fd >= 0 ? event_of(n, of, fd) : NULL;

	if (e)
		snprintf(buf, PLACE_BYTES, "e%u", e->number);
	else
		strcpy(buf, fd < 0 ? "-" : "e?");
	return buf;
}

void names_settle(struct names *n, int fd)
{
	for (size_t i = n->n_events; i-- > 0;)
		if (n->events[i].fd == fd && !n->events[i].uses)
			REMOVE(n, events, i);
}

static void use(struct names *n, const char *of, int fd)
{
	struct named_event *e = fd >= 0 ? event_of(n, of, fd) : NULL;

	if (e)
		e->uses++;
}

static void unuse(struct names *n, int fd)
{
	struct named_event *e = fd >= 0 ? find_event(n, fd) : NULL;

	if (e && e->uses)
		e->uses--;
	names_settle(n, fd);
}

static bool is_of(const struct named_vector *v, int device, uint32_t index)
{
	return v->device == device && v->index == index;
}

void names_connect(
	struct names *n, const char *of, int device, uint32_t index, uint32_t vector, int fd)
{
	struct named_vector *v;

	use(n, of, fd); /* first, for the same may be connected again */
	for (size_t i = n->n_vectors; i-- > 0;) {
		v = &n->vectors[i];
		if (!is_of(v, device, index) || v->vector != vector)
			continue;
		unuse(n, v->fd);
		REMOVE(n, vectors, i);
	}
	v = fd >= 0 ? ONE_MORE(n, vectors) : NULL;
	if (v)
		*v = (struct named_vector) { device, index, vector, fd };
}

void names_disconnect_all(struct names *n, int device, uint32_t index)
{
	for (size_t i = n->n_vectors; i-- > 0;) {
		int fd = n->vectors[i].fd;

		if (!is_of(&n->vectors[i], device, index))
			continue;
		REMOVE(n, vectors, i);
		unuse(n, fd);
	}
}

int names_vector(const struct names *n, int device, uint32_t index, uint32_t vector)
{
	for (size_t i = 0; i < n->n_vectors; i++)
		if (is_of(&n->vectors[i], device, index) && n->vectors[i].vector == vector)
			return n->vectors[i].fd;
	return -1;
}

void names_irqfd_added(struct names *n, const char *of, uint32_t gsi, int fd, int resample)
{
	struct named_irqfd *i = ONE_MORE(n, irqfds);

	if (!i)
		return;
	*i = (struct named_irqfd) { gsi, fd, resample };
	use(n, of, fd);
	use(n, of, resample);
}

void names_irqfd_gone(struct names *n, uint32_t gsi, int fd)
{
	for (size_t i = n->n_irqfds; i-- > 0;) {
		struct named_irqfd gone = n->irqfds[i];

		if (gone.gsi != gsi || gone.fd != fd)
			continue;
		REMOVE(n, irqfds, i);
		unuse(n, gone.fd);
		unuse(n, gone.resample);
	}
}

void names_routes(struct names *n, const struct kvm_irq_routing *table)
{
	size_t bytes = sizeof(*table) + table->nr * sizeof(table->entries[0]);
	struct kvm_irq_routing *copy = malloc(bytes);

	if (!copy) {
		n->failed = true;
		return;
	}
	free(n->routes);
	n->routes = memcpy(copy, table, bytes);
}
