/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The address of a PCI function: domain, bus, device, function. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct bdf {
	uint32_t domain; /* usually 16 bits; VMD and Hyper-V use up to 32 */
	uint8_t bus;
	uint8_t dev; /* 0–31 */
	uint8_t fn;  /* 0–7 */
};

enum { BDF_TEXT_MAX = 20 };

/* "0000:3b:00.1" or, in domain 0, "3b:00.1". -EINVAL for anything else. */
int bdf_parse(const char *s, struct bdf *ret);
/* Writes the full form and returns buf, which holds at least BDF_TEXT_MAX bytes. */
char *bdf_format(struct bdf a, char buf[BDF_TEXT_MAX]);
/* Orders by domain, bus, device, function. */
int bdf_cmp(struct bdf a, struct bdf b);

static inline bool bdf_eq(struct bdf a, struct bdf b)
{
	return bdf_cmp(a, b) == 0;
}

/* For use inside one expression: printf("%s", BDF_TEXT(a)). */
#define BDF_TEXT(a) bdf_format((a), (char[BDF_TEXT_MAX]) { 0 })
