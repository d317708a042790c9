/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Within the room: one file for each format, and what they share. */
#pragma once

#include "export.h"

#include <libxml/xmlwriter.h>

int write_libvirt(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr);
int write_network(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr);
int write_qemu(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr);
int write_cdi(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr);
int write_ansible(const struct exported *e, const struct export_opts *opts, char **ret,
	struct problem **reterr);

/* facts.c; -ENOMEM only. */
int facts_read(struct host *h, const struct function *f, struct export_function *ret);
void facts_done(struct export_function *x);
bool uses_iommufd(const struct export_function *x, int iommufd);

/* libvirt.c: a document that grows. What failed is remembered until it is taken. */
struct xml {
	xmlBuffer *buffer;
	xmlTextWriter *writer;
	bool failed;
};

void xml_start(struct xml *x);
void xml_done(struct xml *x);
#define autoxml CLEANUP(xml_done) struct xml

void xml_open(struct xml *x, const char *element);
void xml_attribute(struct xml *x, const char *name, const char *fmt, ...) PRINTF(3, 4);
void xml_close(struct xml *x);
/* <address …/>, with a type if the place wants one. */
void xml_address(struct xml *x, struct bdf a, bool typed);
int xml_take(struct xml *x, char **ret);
