/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports: what checks (check.h) and tests (test.h) of something found, result by result. Texts
 * are borrowed from the report.
 */
#ifndef VFCTL_REPORT_H
#define VFCTL_REPORT_H

#include "host.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct vfctl_report;
struct vfctl_result;

/* NULL is fine. */
VFCTL_PUBLIC void vfctl_report_free(struct vfctl_report *r);
/* 1 when no result is "fail" or "failed", and of a test none "unproved"; else 0. */
VFCTL_PUBLIC int vfctl_report_good(const struct vfctl_report *r);
/* NULL beyond the last. */
VFCTL_PUBLIC size_t vfctl_report_results(const struct vfctl_report *r);
VFCTL_PUBLIC const struct vfctl_result *vfctl_report_result(const struct vfctl_report *r, size_t i);

/* "iommu", "dma-map": the names that vfctl(8) lists; stable. */
VFCTL_PUBLIC const char *vfctl_result_name(const struct vfctl_result *r);
/*
 * Of a check "fail", "warn", "unknown", "ok", "not-applicable"; of a test "proved", "failed",
 * "unproved", "skipped".
 */
VFCTL_PUBLIC const char *vfctl_result_verdict(const struct vfctl_result *r);
/* What was found, one sentence. */
VFCTL_PUBLIC const char *vfctl_result_text(const struct vfctl_result *r);
/*
 * The evidence: a file as a user may read it (NULL: none that is a file), and what stood there, or
 * what was measured (NULL: nothing).
 */
VFCTL_PUBLIC const char *vfctl_result_file(const struct vfctl_result *r);
VFCTL_PUBLIC const char *vfctl_result_value(const struct vfctl_result *r);
/* What helps: a command, or what to set; NULL: nothing to do, or nothing is known to. */
VFCTL_PUBLIC const char *vfctl_result_fix(const struct vfctl_result *r);

#ifdef __cplusplus
}
#endif
#endif
