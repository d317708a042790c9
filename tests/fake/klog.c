// SPDX-License-Identifier: GPL-2.0-or-later
/* The kernel's log: records as the device shows them. A mark is a number that says where it stood.
 */
#include "kernel.h"

#include "host/kmsg.h"

enum { FIRST_MARK = 70000, LAST_MARK = 80000 };

void fake_klog_raw(struct host *h, const char *record)
{
	NEED(strv_add(&kernel_of(h)->klog, record) == 0);
}

static void say(struct kernel *k, unsigned level, const char *text)
{
	autofree char *record = need_printf("%u,%zu,%llu,-;%s\n", level, strv_len(k->klog),
		(unsigned long long)k->now * 1000, text);

	fake_klog_raw(&k->host, record);
}

void fake_klog(struct host *h, unsigned level, const char *fmt, ...)
{
	FORMAT(text, fmt);

	say(kernel_of(h), level, text);
}

void k_say(struct kernel *k, unsigned level, const char *fmt, ...)
{
	FORMAT(text, fmt);

	say(k, level, text);
}

static void tell(struct kernel *k, size_t first, uint64_t from, uint64_t *next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	for (size_t i = first; i < strv_len(k->klog); i++) {
		autofree char *record = need_printf("%s", k->klog[i]);
		struct host_log_line line;

		if (kmsg_parse(record, &line) < 0)
			continue;
		*next = line.seq + 1;
		if (line.seq >= from)
			each(arg, &line);
	}
}

int klog_fake_read(struct host *h, uint64_t from, uint64_t *ret_next,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	int e = fault(kernel_of(h), FAKE_LOG, NULL);
	uint64_t next = 0;

	if (e < 0)
		return e;
	tell(kernel_of(h), 0, from, &next, each, arg);
	*ret_next = next;
	return 0;
}

int klog_fake_mark(struct host *h)
{
	int e = fault(kernel_of(h), FAKE_LOG, NULL);

	return e < 0 ? e : (int)(FIRST_MARK + strv_len(kernel_of(h)->klog));
}

int klog_fake_since(struct host *h, int mark,
	void (*each)(void *arg, const struct host_log_line *line), void *arg)
{
	uint64_t next;

	if (!klog_fake_close(mark))
		return -EBADF;
	tell(kernel_of(h), (size_t)(mark - FIRST_MARK), 0, &next, each, arg);
	return 0;
}

bool klog_fake_close(int fd)
{
	return fd >= FIRST_MARK && fd < LAST_MARK;
}
