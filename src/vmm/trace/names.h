/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What numbers that differ from run to run are called in a trace: descriptors, addresses, eventfds.
 * Two runs in which the same happens in the same order give the same names, so that their lines can
 * be compared as text. Not thread-safe.
 */
#pragma once

#include "base/attr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvm_irq_routing;

enum { NAME_BYTES = 48, PLACE_BYTES = 96 };

struct names {
	struct named_fd {
		int fd;
		char *name; /* stays where it is */
	} * fds;
	size_t n_fds;
	struct named_region {
		int device;
		uint32_t index;
		uint64_t offset, size; /* in the device's descriptor */
	} * regions;
	size_t n_regions;
	struct named_map {
		int device;
		char *at;
		size_t len;
		uint64_t offset;
	} * maps;
	size_t n_maps;
	/* "e0" is the first eventfd of a function that is connected to anything. */
	struct named_event {
		int fd;
		char of[NAME_BYTES];
		unsigned number, uses;
	} * events;
	size_t n_events;
	struct named_vector {
		int device;
		uint32_t index, vector;
		int fd;
	} * vectors;
	size_t n_vectors;
	struct named_irqfd {
		uint32_t gsi;
		int fd, resample;
	} * irqfds;
	size_t n_irqfds;
	struct kvm_irq_routing *routes; /* the last table; NULL: none was seen */
	bool failed;			/* out of memory: names are missing from now on */
};

void names_done(struct names *n);

/* NULL: nobody has named it. */
const char *names_fd(const struct names *n, int fd);
/* By name; -1. */
int names_find(const struct names *n, const char *name);
/* The name it has, or a new one: `kind`, or "kind#2". */
const char *names_add_fd(struct names *n, int fd, const char *kind);
/* It is closed: with it go its regions and vectors. */
void names_drop_fd(struct names *n, int fd);

void names_add_region(struct names *n, int device, uint32_t index, uint64_t offset, uint64_t size);
/* "config+0x4"; outside of all regions "0x100004". Returns `buf`. */
const char *names_place(const struct names *n, int device, uint64_t offset, char buf[PLACE_BYTES]);

void names_mapped(struct names *n, int device, uint64_t offset, void *at, size_t len);
/* The mapping that begins there; NULL: none of a named device. */
const struct named_map *names_map_at(const struct names *n, const void *at);
void names_unmapped(struct names *n, const void *at);
/* "0000:01:10.0/bar0+0x0", or "memory": the guest's. Returns `buf`. */
const char *names_address(const struct names *n, uint64_t at, char buf[PLACE_BYTES]);

/* "e3", "-"; one that is not connected yet gets the next free name of the function `of`. */
const char *names_event(struct names *n, const char *of, int fd, char buf[PLACE_BYTES]);
/* A call that named it is over: what it did not connect loses the name again. */
void names_settle(struct names *n, int fd);
/* fd -1: disconnected. */
void names_connect(
	struct names *n, const char *of, int device, uint32_t index, uint32_t vector, int fd);
void names_disconnect_all(struct names *n, int device, uint32_t index);
/* The eventfd of a vector; -1. */
int names_vector(const struct names *n, int device, uint32_t index, uint32_t vector);
void names_irqfd_added(struct names *n, const char *of, uint32_t gsi, int fd, int resample);
void names_irqfd_gone(struct names *n, uint32_t gsi, int fd);
void names_routes(struct names *n, const struct kvm_irq_routing *table);
