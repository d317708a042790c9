/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A VMM's answer to "stats", made up. */
#pragma once

#include "cm.h"

#include "cost/sample.h"

static inline struct cost_sample sample_of(const char *text, uint64_t at_us)
{
	json_object *j = json_tokener_parse(text);
	struct cost_sample s;

	assert_non_null(j);
	assert_int_equal(cost_sample_new(j, at_us, &s), 0);
	json_object_put(j);
	return s;
}

/* One disk with one queue; the numbers are those of a standard path at depth 1. */
#define REPORT_DISK(traits, requests, doorbells, syscalls, wakeups, injections)                    \
	"{\"reboots\":1,\"status\":null,"                                                          \
	"\"cpus\":[{\"user_exits\":10,\"rip\":\"0x0\"},{\"user_exits\":20}],"                      \
	"\"pio\":[{\"name\":\"serial1\",\"start\":1016,\"reads\":3,\"writes\":4}],"                \
	"\"mmio\":[{\"name\":\"virtio-blk0\",\"start\":4096,\"reads\":1,\"writes\":2}],"           \
	"\"devices\":[{\"name\":\"virtio-blk0\",\"slot\":1,\"bar_reads\":5,\"bar_writes\":6,"      \
	"\"config_reads\":7,\"config_writes\":8,\"queue0-requests\":" requests                     \
	",\"queue0-doorbells\":" doorbells ",\"queue0-host-syscalls\":" syscalls                   \
	",\"queue0-wakeups\":" wakeups ",\"queue0-injections\":" injections                        \
	",\"queue0-bytes-in\":4096,\"interrupts_signalled\":9,\"vector1_signalled\":9,"            \
	"\"host_interrupts\":null,\"brand-new\":11,\"traits\":{" traits "}}]}"
#define REPORT_VIRTIO "\"model\":\"virtio-blk\",\"doorbells\":\"ioeventfd\",\"interrupts\":\"msix\""
